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
    pub offset: u8,
}

impl PictureId {
    /// Reads it at `offset`: the M bit tells of how many bytes it is (RFC 7741 section 4.2, RFC 9628 section
    /// 4.2).
    #[inline]
    fn parse(payload: &[u8], offset: usize) -> Option<PictureId> {
        let first = u8_at(payload, offset)?;
        let is_long = first & 0x80 != 0;
        let value = if is_long { u16_at(payload, offset)? & 0x7fff } else { u16::from(first) };
        Some(PictureId { value, is_long, offset: offset as u8 })
    }

    /// Its length in bytes.
    #[inline]
    fn len(self) -> usize {
        if self.is_long { 2 } else { 1 }
    }

    /// The number so much further on; it wraps as its length tells.
    #[inline]
    pub fn shifted(self, by: u16) -> u16 {
        self.value.wrapping_add(by) & if self.is_long { 0x7fff } else { 0x7f }
    }

    #[inline]
    fn shift(self, payload: &mut [u8], by: u16) {
        let value = self.shifted(by);
        let bytes = if self.is_long { (value | 0x8000).to_be_bytes() } else { [value as u8, 0] };
        let offset = usize::from(self.offset);
        if let Some(place) = payload.get_mut(offset..offset + self.len()) {
            place.copy_from_slice(&bytes[..self.len()]);
        }
    }
}

/// The running number of base layer frames in a VP8 or VP9 payload descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tl0PicIdx {
    pub value: u8,
    /// Where it is in the payload.
    pub offset: u8,
}

impl Tl0PicIdx {
    #[inline]
    fn parse(payload: &[u8], offset: usize) -> Option<Tl0PicIdx> {
        u8_at(payload, offset).map(|value| Tl0PicIdx { value, offset: offset as u8 })
    }

    #[inline]
    pub fn shifted(self, by: u8) -> u8 {
        self.value.wrapping_add(by)
    }
}

/// The running number of key frames in a VP8 payload descriptor: five bits beside the temporal layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyIdx {
    pub value: u8,
    /// Where its byte is in the payload.
    pub offset: u8,
}

impl KeyIdx {
    #[inline]
    pub fn shifted(self, by: u8) -> u8 {
        self.value.wrapping_add(by) & 0x1f
    }
}

/// The running numbers that a payload descriptor has. A receiver takes them as those of one encoder, so who
/// joins several encoders' streams to one must let them run on (RFC 7741 section 4.2, RFC 9628 section 4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameNumbers {
    pub picture_id: Option<PictureId>,
    pub tl0_pic_idx: Option<Tl0PicIdx>,
    pub key_idx: Option<KeyIdx>,
}

/// How far the running numbers of a stream are moved on, each modulo its own length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NumberShift {
    pub picture_id: u16,
    pub tl0_pic_idx: u8,
    pub key_idx: u8,
}

impl FrameNumbers {
    /// The numbers of a payload; `None` if its format has none, or it has none of them.
    #[inline]
    pub fn parse_untrusted(codec: Codec, payload: &[u8]) -> Option<FrameNumbers> {
        let numbers = match codec {
            Codec::Vp8 => {
                let d = vp8::Descriptor::parse_untrusted(payload)?;
                FrameNumbers { picture_id: d.picture_id, tl0_pic_idx: d.tl0_pic_idx, key_idx: d.key_idx }
            }
            Codec::Vp9 => {
                let d = vp9::Descriptor::parse_untrusted(payload)?;
                FrameNumbers { picture_id: d.picture_id, tl0_pic_idx: d.tl0_pic_idx, key_idx: None }
            }
            Codec::Opus | Codec::H264 | Codec::Av1 => return None,
        };
        (numbers != FrameNumbers::default()).then_some(numbers)
    }

    /// Overwrites them, in the payload that they were read from or a copy of it, by numbers that much further
    /// on. All keep their lengths.
    #[inline]
    pub fn shift(&self, payload: &mut [u8], by: NumberShift) {
        if let Some(picture_id) = self.picture_id {
            picture_id.shift(payload, by.picture_id);
        }
        if let Some(tl0) = self.tl0_pic_idx
            && let Some(place) = payload.get_mut(usize::from(tl0.offset))
        {
            *place = tl0.shifted(by.tl0_pic_idx);
        }
        if let Some(key) = self.key_idx
            && let Some(place) = payload.get_mut(usize::from(key.offset))
        {
            *place = *place & 0xe0 | key.shifted(by.key_idx);
        }
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

    const SHIFT: NumberShift = NumberShift { picture_id: 0x7ff0, tl0_pic_idx: 0xb0, key_idx: 30 };

    fn shifted<const N: usize>(codec: Codec, mut payload: [u8; N], by: NumberShift) -> [u8; N] {
        let numbers = FrameNumbers::parse_untrusted(codec, &payload).expect("it has numbers");
        numbers.shift(&mut payload, by);
        payload
    }

    #[test]
    fn all_numbers_of_a_vp8_descriptor_run_on_and_wrap_and_nothing_else_changes() {
        // X, S; I, L, T, K; 15 bits 0x1234; TL0PICIDX 0x56; temporal layer 2, Y, KEYIDX 7; a frame tag.
        let payload = [0x90, 0xf0, 0x92, 0x34, 0x56, 0xa7, 0x10, 0x02];
        assert_eq!(shifted(Codec::Vp8, payload, SHIFT), [0x90, 0xf0, 0x92, 0x24, 0x06, 0xa5, 0x10, 0x02]);
        assert_eq!(shifted(Codec::Vp8, payload, NumberShift::default()), payload);
    }

    #[test]
    fn a_picture_id_of_seven_bits_keeps_them() {
        // X, N, S; I, L, T; 7 bits 0x65; TL0PICIDX; temporal layer; a frame tag with P = 1.
        let by = NumberShift { picture_id: 0x7f20, ..NumberShift::default() };
        assert_eq!(
            shifted(Codec::Vp8, [0xb0, 0xe0, 0x65, 0x57, 0xa0, 0x11], by),
            [0xb0, 0xe0, 0x05, 0x57, 0xa0, 0x11]
        );
    }

    #[test]
    fn the_numbers_of_a_vp9_descriptor_run_on() {
        // I, L, B and V; 15 bits 0x0123; layers; TL0PICIDX 9; a scalability structure; data.
        assert_eq!(
            shifted(Codec::Vp9, [0xaa, 0x81, 0x23, 0x00, 0x09, 0x00, 0x82], SHIFT),
            [0xaa, 0x81, 0x13, 0x00, 0xb9, 0x00, 0x82]
        );
    }

    #[test]
    fn what_has_no_numbers_has_none() {
        for codec in [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1, Codec::Opus] {
            assert_eq!(FrameNumbers::parse_untrusted(codec, &[0x08, 0x10, 0x02]), None, "{codec:?}");
            assert_eq!(FrameNumbers::parse_untrusted(codec, &[]), None, "{codec:?}");
        }
    }

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
