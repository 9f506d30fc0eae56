//! VP8 (RFC 7741 section 4.2).

use super::{KeyIdx, PictureId, Tl0PicIdx};
use crate::bytes::u8_at;

/// The payload descriptor before the VP8 data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The N bit: no other frame refers to this one.
    pub non_reference: bool,
    /// The S bit: a partition starts here.
    pub partition_start: bool,
    pub partition: u8,
    pub picture_id: Option<PictureId>,
    pub tl0_pic_idx: Option<Tl0PicIdx>,
    /// The temporal layer; 0 is the base.
    pub temporal_id: Option<u8>,
    /// The Y bit: from here a receiver of the base layer alone can begin to receive this layer.
    pub layer_sync: bool,
    /// The running number of key frames.
    pub key_idx: Option<KeyIdx>,
    /// Length of the descriptor: where the VP8 data starts.
    pub length: usize,
}

impl Descriptor {
    /// Reads the descriptor; `None` if the payload ends within it or right behind it.
    #[inline]
    pub fn parse_untrusted(payload: &[u8]) -> Option<Descriptor> {
        let first = u8_at(payload, 0)?;
        let mut descriptor = Descriptor {
            non_reference: first & 0x20 != 0,
            partition_start: first & 0x10 != 0,
            partition: first & 0x07,
            picture_id: None,
            tl0_pic_idx: None,
            temporal_id: None,
            layer_sync: false,
            key_idx: None,
            length: 1,
        };
        if first & 0x80 != 0 {
            descriptor.parse_extension(payload)?;
        }
        (descriptor.length < payload.len()).then_some(descriptor)
    }

    /// The X bit's octet and the fields that it announces.
    fn parse_extension(&mut self, payload: &[u8]) -> Option<()> {
        let present = u8_at(payload, 1)?;
        let mut at = 2;
        if present & 0x80 != 0 {
            let picture_id = PictureId::parse(payload, at)?;
            at += picture_id.len();
            self.picture_id = Some(picture_id);
        }
        if present & 0x40 != 0 {
            self.tl0_pic_idx = Some(Tl0PicIdx::parse(payload, at)?);
            at += 1;
        }
        if present & 0x30 != 0 {
            let layers = u8_at(payload, at)?;
            self.temporal_id = (present & 0x20 != 0).then_some(layers >> 6);
            self.layer_sync = layers & 0x20 != 0;
            self.key_idx = (present & 0x10 != 0).then_some(KeyIdx { value: layers & 0x1f, offset: at as u8 });
            at += 1;
        }
        self.length = at;
        Some(())
    }

    /// Whether the first packet of a frame has this descriptor.
    #[inline]
    pub fn is_frame_start(&self) -> bool {
        self.partition_start && self.partition == 0
    }
}

/// Whether a frame starts here.
#[inline]
pub fn is_frame_start(payload: &[u8]) -> bool {
    Descriptor::parse_untrusted(payload).is_some_and(|d| d.is_frame_start())
}

/// Whether a key frame starts here: the first bit of a frame's data is zero (RFC 7741 section 4.3, the P
/// bit).
#[inline]
pub fn is_key_frame_start(payload: &[u8]) -> bool {
    Descriptor::parse_untrusted(payload).is_some_and(|d| {
        d.is_frame_start() && u8_at(payload, d.length).is_some_and(|first| first & 0x01 == 0)
    })
}

/// How long a descriptor is that this end writes.
pub const WRITTEN_LENGTH: usize = 4;

/// The descriptor of one packet of a frame: X with a 15-bit picture id, and S where the frame starts.
///
/// A picture id lets a receiver tell a frame that was lost whole from one that never was. TL0PICIDX has to come with a
/// temporal layer (RFC 7741 section 4.2), of which a stream made here has one.
#[inline]
pub fn descriptor(starts_frame: bool, picture_id: u16) -> [u8; WRITTEN_LENGTH] {
    let [high, low] = (picture_id | 0x8000).to_be_bytes();
    [0x80 | u8::from(starts_frame) << 4, 0x80, high, low]
}

/// Whether a whole frame is a key frame (RFC 6386 section 9.1); `None` for nothing.
#[inline]
pub fn is_key_frame(frame: &[u8]) -> Option<bool> {
    frame.first().map(|first| first & 0x01 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first packet of a key frame: X and S set; I, L, T and K; a 15-bit picture id of 0x1234, TL0PICIDX
    /// 0x56, temporal layer 0 with the Y bit clear, KEYIDX 7; then the frame tag 0x10 0x02 0x00 (P = 0) and
    /// the start code.
    const KEY: [u8; 12] = [0x90, 0xf0, 0x92, 0x34, 0x56, 0x07, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a];

    /// A frame of temporal layer 2 that nothing refers to: X, N, S; I with a 7-bit picture id of 5, L, T; the
    /// layer-sync bit; then a frame tag with P = 1.
    const INTER: [u8; 6] = [0xb0, 0xe0, 0x05, 0x57, 0xa0, 0x11];

    #[test]
    fn all_fields_are_read_with_a_long_picture_id() {
        let d = Descriptor::parse_untrusted(&KEY).unwrap();
        assert_eq!(d.picture_id, Some(PictureId { value: 0x1234, is_long: true, offset: 2 }));
        assert_eq!(d.tl0_pic_idx, Some(Tl0PicIdx { value: 0x56, offset: 4 }));
        assert_eq!((d.temporal_id, d.layer_sync), (Some(0), false));
        assert_eq!(d.key_idx, Some(KeyIdx { value: 7, offset: 5 }));
        assert_eq!((d.length, d.non_reference, d.partition), (6, false, 0));
        assert!(is_frame_start(&KEY) && is_key_frame_start(&KEY));
    }

    #[test]
    fn all_fields_are_read_with_a_short_picture_id() {
        let d = Descriptor::parse_untrusted(&INTER).unwrap();
        assert_eq!(d.picture_id, Some(PictureId { value: 5, is_long: false, offset: 2 }));
        assert_eq!(d.tl0_pic_idx, Some(Tl0PicIdx { value: 0x57, offset: 3 }));
        assert_eq!((d.temporal_id, d.layer_sync, d.key_idx), (Some(2), true, None));
        assert_eq!((d.length, d.non_reference), (5, true));
        assert!(is_frame_start(&INTER) && !is_key_frame_start(&INTER));
    }

    #[test]
    fn a_descriptor_of_one_byte_starts_a_key_frame() {
        assert!(is_key_frame_start(&[0x10, 0x10, 0x02]));
    }

    #[test]
    fn neither_a_later_packet_nor_a_later_partition_starts_a_frame() {
        // S clear: the first partition continues. Its first byte has a clear lowest bit, which means nothing
        // here.
        assert!(!is_frame_start(&[0x00, 0x10]) && !is_key_frame_start(&[0x00, 0x10]));
        // S set with partition 1.
        assert!(!is_frame_start(&[0x11, 0x10]) && !is_key_frame_start(&[0x11, 0x10]));
    }

    #[test]
    fn a_payload_that_ends_within_its_descriptor_is_nothing() {
        for length in 0..=6 {
            assert_eq!(Descriptor::parse_untrusted(&KEY[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn a_descriptor_is_read_as_it_was_written() {
        for (starts_frame, picture_id) in [(true, 0), (true, 0x7f), (false, 0x80), (false, 0x7fff)] {
            let mut payload = descriptor(starts_frame, picture_id).to_vec();
            payload.push(0x10);
            let d = Descriptor::parse_untrusted(&payload).unwrap();
            assert_eq!(d.picture_id, Some(PictureId { value: picture_id, is_long: true, offset: 2 }));
            assert_eq!((d.is_frame_start(), d.length), (starts_frame, WRITTEN_LENGTH));
            assert_eq!((d.tl0_pic_idx, d.temporal_id, d.key_idx, d.non_reference), (None, None, None, false));
        }
        assert_eq!(
            (is_key_frame(&[0x10]), is_key_frame(&[0x11]), is_key_frame(&[])),
            (Some(true), Some(false), None)
        );
    }
}
