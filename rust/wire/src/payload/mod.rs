//! Payload formats: as much of each codec's RTP payload as a forwarder needs, which is where frames and key
//! frames start and which layer they belong to; and how frames are cut into payloads.

pub mod annex_b;
pub mod av1;
pub mod h264;
pub mod opus;
pub mod vp8;
pub mod vp9;

use std::ops::Range;

use crate::bytes::{u8_at, u16_at};

/// A codec whose payload format is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    Opus,
    Vp8,
    Vp9,
    H264,
    Av1,
}

/// Whether a decoder that has seen nothing yet can start at this packet.
///
/// `payload` is without padding; for RTX without the original sequence number.
#[inline]
pub fn is_key_frame_start(codec: Codec, payload: &[u8]) -> bool {
    match codec {
        // Every packet is a frame that stands alone (RFC 7587 section 4.2).
        Codec::Opus => !payload.is_empty(),
        Codec::Vp8 => vp8::is_key_frame_start(payload),
        Codec::Vp9 => vp9::is_key_frame_start(payload),
        Codec::H264 => h264::is_key_frame_start(payload),
        Codec::Av1 => av1::is_key_frame_start(payload),
    }
}

/// Whether a frame starts with this packet.
///
/// Formats that have no bit for it (H264, AV1) are judged by what the packet begins with; parameter sets and
/// other things that precede a frame's slices count as its start, so in these one frame may start twice.
#[inline]
pub fn is_frame_start(codec: Codec, payload: &[u8]) -> bool {
    match codec {
        Codec::Opus => !payload.is_empty(),
        Codec::Vp8 => vp8::is_frame_start(payload),
        Codec::Vp9 => vp9::is_frame_start(payload),
        Codec::H264 => h264::is_frame_start(payload),
        Codec::Av1 => av1::is_frame_start(payload),
    }
}

/// The running number of a frame in a VP8 or VP9 payload descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureId {
    pub value: u16,
    /// 15 bits, not 7.
    pub is_long: bool,
    /// Where it is in the payload.
    pub offset: usize,
}

impl PictureId {
    /// Reads it at `offset`: the M bit tells of how many bytes it is (RFC 7741 section 4.2, RFC 9628 section
    /// 4.2).
    #[inline]
    fn parse(payload: &[u8], offset: usize) -> Option<PictureId> {
        let first = u8_at(payload, offset)?;
        let is_long = first & 0x80 != 0;
        let value = if is_long { u16_at(payload, offset)? & 0x7fff } else { u16::from(first) };
        Some(PictureId { value, is_long, offset })
    }

    /// Its length in bytes.
    #[inline]
    fn len(self) -> usize {
        if self.is_long { 2 } else { 1 }
    }

    /// Overwrites it, as long as it was: of a 7-bit one the lower bits are kept.
    #[inline]
    fn rewrite(self, payload: &mut [u8], value: u16) {
        let bytes = if self.is_long { (value | 0x8000).to_be_bytes() } else { [value as u8 & 0x7f, 0] };
        if let Some(place) = payload.get_mut(self.offset..self.offset + self.len()) {
            place.copy_from_slice(&bytes[..self.len()]);
        }
    }
}

/// The running number of base layer frames in a VP8 or VP9 payload descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tl0PicIdx {
    pub value: u8,
    /// Where it is in the payload.
    pub offset: usize,
}

impl Tl0PicIdx {
    #[inline]
    fn parse(payload: &[u8], offset: usize) -> Option<Tl0PicIdx> {
        u8_at(payload, offset).map(|value| Tl0PicIdx { value, offset })
    }
}

/// Overwrites what there is of the two.
#[inline]
fn rewrite(payload: &mut [u8], at: (Option<PictureId>, Option<Tl0PicIdx>), to: (Option<u16>, Option<u8>)) {
    if let (Some(picture_id), Some(value)) = (at.0, to.0) {
        picture_id.rewrite(payload, value);
    }
    if let (Some(tl0), Some(value)) = (at.1, to.1)
        && let Some(place) = payload.get_mut(tl0.offset)
    {
        *place = value;
    }
}

/// Cuts `length` bytes into as few pieces of at most `limit` as there can be, all of one size or a byte less: a small
/// last packet would cost as much as a whole one, and equal ones leave in one segmented send.
///
/// Nothing is cut into nothing, and so is anything by a limit of 0.
pub fn split_evenly(length: usize, limit: usize) -> impl ExactSizeIterator<Item = Range<usize>> {
    let count = if limit == 0 { 0 } else { length.div_ceil(limit) };
    let (size, longer) = (length.checked_div(count).unwrap_or(0), length.checked_rem(count).unwrap_or(0));
    (0..count).map(move |index| {
        let start = index * size + index.min(longer);
        start..start + size + usize::from(index < longer)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_everything_once_and_differ_by_a_byte_at_most() {
        for limit in 1..40 {
            for length in 0..400 {
                let pieces: Vec<_> = split_evenly(length, limit).collect();
                assert_eq!(pieces.len(), length.div_ceil(limit), "{length} by {limit}");
                let end = pieces.iter().fold(0, |at, piece| {
                    assert_eq!(piece.start, at, "{length} by {limit}");
                    piece.end
                });
                assert_eq!(end, length);
                let (least, most) =
                    (pieces.iter().map(Range::len).min(), pieces.iter().map(Range::len).max());
                assert!(most <= Some(limit) && most.unwrap_or(0) - least.unwrap_or(0) <= 1);
                assert!(
                    pieces.is_sorted_by_key(|piece| std::cmp::Reverse(piece.len())),
                    "the longer ones first"
                );
            }
        }
    }

    #[test]
    fn a_limit_of_nothing_cuts_nothing() {
        assert_eq!(split_evenly(10, 0).len(), 0);
    }
}
