//! VP9 (RFC 9628 section 4.2).

use super::{PictureId, Tl0PicIdx};
use crate::bytes::u8_at;

/// Most reference indices of a frame in flexible mode.
const REFERENCES_LIMIT: usize = 3;

/// The payload descriptor before the VP9 data, up to the scalability structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The P bit: the layer frame is predicted from an earlier picture.
    pub inter_picture_predicted: bool,
    /// The F bit: references are named one by one, and there is no TL0PICIDX.
    pub flexible_mode: bool,
    /// The B bit: a layer frame starts here.
    pub frame_start: bool,
    /// The E bit: a layer frame ends here.
    pub frame_end: bool,
    /// The V bit: a scalability structure is at `length`.
    pub has_scalability_structure: bool,
    /// The Z bit: no frame of a higher spatial layer refers to this one.
    pub not_a_reference_for_upper_layers: bool,
    pub picture_id: Option<PictureId>,
    /// Absent if the stream has no layers.
    pub layers: Option<LayerIndices>,
    pub tl0_pic_idx: Option<Tl0PicIdx>,
    /// Length of what was read: the scalability structure, or else the VP9 data, starts here.
    pub length: usize,
}

/// Which layer a frame belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerIndices {
    pub temporal_id: u8,
    /// The U bit: from here a receiver may switch up to this temporal layer.
    pub switching_up_point: bool,
    pub spatial_id: u8,
    /// The D bit: the frame is predicted from the spatial layer below.
    pub inter_layer_predicted: bool,
}

impl Descriptor {
    /// Reads the descriptor; `None` if the payload ends within it or right behind it.
    #[inline]
    pub fn parse_untrusted(payload: &[u8]) -> Option<Descriptor> {
        let first = u8_at(payload, 0)?;
        let mut at = 1;
        let has = |bit: u8| first & bit != 0;
        let mut picture_id = None;
        if has(0x80) {
            let parsed = PictureId::parse(payload, at)?;
            at += parsed.len();
            picture_id = Some(parsed);
        }
        let (inter_picture_predicted, flexible_mode) = (has(0x40), has(0x10));
        let mut layers = None;
        let mut tl0_pic_idx = None;
        if has(0x20) {
            layers = Some(LayerIndices::from_byte(u8_at(payload, at)?));
            at += 1;
            if !flexible_mode {
                tl0_pic_idx = Some(Tl0PicIdx::parse(payload, at)?);
                at += 1;
            }
        }
        if flexible_mode && inter_picture_predicted {
            at += references_length(payload.get(at..)?)?;
        }
        let descriptor = Descriptor {
            inter_picture_predicted,
            flexible_mode,
            frame_start: has(0x08),
            frame_end: has(0x04),
            has_scalability_structure: has(0x02),
            not_a_reference_for_upper_layers: has(0x01),
            picture_id,
            layers,
            tl0_pic_idx,
            length: at,
        };
        (at < payload.len()).then_some(descriptor)
    }

    /// Whether the first packet of a picture has this descriptor: the first of its lowest spatial layer.
    #[inline]
    pub fn is_frame_start(&self) -> bool {
        self.frame_start && self.layers.is_none_or(|l| l.spatial_id == 0)
    }
}

impl LayerIndices {
    #[inline]
    fn from_byte(byte: u8) -> LayerIndices {
        LayerIndices {
            temporal_id: byte >> 5,
            switching_up_point: byte & 0x10 != 0,
            spatial_id: byte >> 1 & 0x07,
            inter_layer_predicted: byte & 0x01 != 0,
        }
    }
}

/// Length of the reference indices: the N bit of each tells that another follows, of at most three.
fn references_length(references: &[u8]) -> Option<usize> {
    let last = references.iter().take(REFERENCES_LIMIT).position(|&reference| reference & 0x01 == 0)?;
    Some(last + 1)
}

/// Whether a picture starts here, with its lowest spatial layer.
#[inline]
pub fn is_frame_start(payload: &[u8]) -> bool {
    Descriptor::parse_untrusted(payload).is_some_and(|d| d.is_frame_start())
}

/// Whether a picture starts here that needs no earlier one.
#[inline]
pub fn is_key_frame_start(payload: &[u8]) -> bool {
    Descriptor::parse_untrusted(payload).is_some_and(|d| d.is_frame_start() && !d.inter_picture_predicted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first packet of a key frame with layers, non-flexible: I, L, B and V; a 15-bit picture id of
    /// 0x0123; temporal and spatial layer 0; TL0PICIDX 9; a scalability structure of one layer without sizes
    /// (0x00).
    const KEY: [u8; 7] = [0xaa, 0x81, 0x23, 0x00, 0x09, 0x00, 0x82];

    /// The second spatial layer of the same picture: I, L, B, E; spatial layer 1, predicted from the layer
    /// below.
    const KEY_UPPER: [u8; 6] = [0xac, 0x81, 0x23, 0x03, 0x09, 0x82];

    /// Flexible mode: I, P, L, F, B; a 7-bit picture id of 5; temporal layer 1, a switching-up point; two
    /// references, 1 and 3 pictures back, of which the first has its N bit set.
    const FLEXIBLE: [u8; 6] = [0xf8, 0x05, 0x30, 0x03, 0x06, 0x86];

    #[test]
    fn a_key_frame_is_not_predicted_and_starts_in_the_lowest_layer() {
        let d = Descriptor::parse_untrusted(&KEY).unwrap();
        assert_eq!(d.picture_id, Some(PictureId { value: 0x0123, is_long: true, offset: 1 }));
        assert_eq!(d.tl0_pic_idx, Some(Tl0PicIdx { value: 9, offset: 4 }));
        assert!(d.has_scalability_structure && !d.flexible_mode && !d.frame_end);
        assert_eq!((d.layers.map(|layers| layers.spatial_id), d.length), (Some(0), 5));
        assert!(is_frame_start(&KEY) && is_key_frame_start(&KEY));
        assert!(!is_frame_start(&KEY_UPPER) && !is_key_frame_start(&KEY_UPPER));
        let upper = Descriptor::parse_untrusted(&KEY_UPPER).unwrap().layers.unwrap();
        assert_eq!((upper.spatial_id, upper.inter_layer_predicted), (1, true));
    }

    #[test]
    fn flexible_mode_has_references_and_no_tl0picidx() {
        let d = Descriptor::parse_untrusted(&FLEXIBLE).unwrap();
        assert_eq!((d.tl0_pic_idx, d.length), (None, 5));
        let layers = d.layers.unwrap();
        assert_eq!((layers.temporal_id, layers.switching_up_point, layers.spatial_id), (1, true, 0));
        assert!(is_frame_start(&FLEXIBLE) && !is_key_frame_start(&FLEXIBLE));
    }

    #[test]
    fn the_layer_byte_has_three_bits_for_each_layer() {
        let layers = LayerIndices::from_byte(0b1010_1101);
        assert_eq!((layers.temporal_id, layers.switching_up_point), (5, false));
        assert_eq!((layers.spatial_id, layers.inter_layer_predicted), (6, true));
        let layers = LayerIndices::from_byte(0b0101_0010);
        assert_eq!((layers.temporal_id, layers.switching_up_point), (2, true));
        assert_eq!((layers.spatial_id, layers.inter_layer_predicted), (1, false));
    }

    #[test]
    fn a_fourth_reference_is_refused() {
        assert_eq!(Descriptor::parse_untrusted(&[0x58, 0x03, 0x05, 0x07, 0x08, 0x86]), None);
    }

    #[test]
    fn a_stream_without_layers_has_key_frames() {
        // I and B alone; then a picture id and data.
        assert!(is_key_frame_start(&[0x88, 0x01, 0x82]));
        // The same with P: predicted.
        assert!(!is_key_frame_start(&[0xc8, 0x01, 0x82]));
        // Without B: a later packet of the frame.
        assert!(!is_frame_start(&[0x80, 0x01, 0x82]));
    }

    #[test]
    fn a_payload_that_ends_within_its_descriptor_is_nothing() {
        for length in 0..=5 {
            assert_eq!(Descriptor::parse_untrusted(&KEY[..length]), None, "{length} bytes");
            assert_eq!(Descriptor::parse_untrusted(&FLEXIBLE[..length]), None, "{length} bytes");
        }
    }
}
