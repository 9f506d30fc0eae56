//! AV1 (RTP Payload Format For AV1, v1.0, section 4).

use crate::bytes::u8_at;

/// OBU types (AV1 bitstream specification section 6.2.2).
pub mod obu_type {
    pub const SEQUENCE_HEADER: u8 = 1;
    pub const TEMPORAL_DELIMITER: u8 = 2;
    pub const FRAME_HEADER: u8 = 3;
    pub const FRAME: u8 = 6;
}

/// Longest LEB128 number that the bitstream specification allows (section 4.10.5).
const LEB128_LIMIT: usize = 8;

/// The first byte of a payload (section 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AggregationHeader {
    /// The Z bit: the first OBU element continues one of the packet before.
    pub continues: bool,
    /// The Y bit: the last OBU element goes on in the next packet.
    pub continued: bool,
    /// The W field: how many OBU elements, of which the last has no length; 0 if all have one.
    pub element_count: u8,
    /// The N bit: a coded video sequence starts here.
    pub starts_sequence: bool,
}

impl AggregationHeader {
    #[inline]
    pub fn parse_untrusted(payload: &[u8]) -> Option<AggregationHeader> {
        u8_at(payload, 0).map(|byte| AggregationHeader {
            continues: byte & 0x80 != 0,
            continued: byte & 0x40 != 0,
            element_count: byte >> 4 & 0x03,
            starts_sequence: byte & 0x08 != 0,
        })
    }
}

/// The header of the first OBU element, which starts an OBU only if the Z bit is clear.
#[inline]
fn first_obu_type(payload: &[u8], header: AggregationHeader) -> Option<u8> {
    let elements = payload.get(1..)?;
    let element = if header.element_count == 1 {
        elements
    } else {
        let last = elements.iter().take(LEB128_LIMIT).position(|byte| byte & 0x80 == 0)?;
        // An element of no bytes has a length whose seven-bit groups are all zero.
        let is_empty = elements.get(..=last)?.iter().all(|byte| byte & 0x7f == 0);
        elements.get(last + 1..).filter(|_| !is_empty)?
    };
    u8_at(element, 0).map(|obu_header| obu_header >> 3 & 0x0f)
}

/// Whether a temporal unit, or a later frame of one, starts here.
#[inline]
pub fn is_frame_start(payload: &[u8]) -> bool {
    let Some(header) = AggregationHeader::parse_untrusted(payload) else { return false };
    !header.continues
        && matches!(
            first_obu_type(payload, header),
            Some(
                obu_type::SEQUENCE_HEADER
                    | obu_type::TEMPORAL_DELIMITER
                    | obu_type::FRAME_HEADER
                    | obu_type::FRAME
            )
        )
}

/// Whether a coded video sequence starts here: a key frame with its sequence header before it (section 4.4,
/// the N bit).
#[inline]
pub fn is_key_frame_start(payload: &[u8]) -> bool {
    AggregationHeader::parse_untrusted(payload).is_some_and(|h| h.starts_sequence) && is_frame_start(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How a key frame begins that spans packets: Y, W = 2, N (0x68); a sequence header OBU (0x08) of 3 bytes
    /// with its length before it; then a frame OBU (0x30) without.
    const KEY: [u8; 7] = [0x68, 0x03, 0x08, 0x00, 0x00, 0x30, 0x10];

    #[test]
    fn the_n_bit_starts_a_key_frame() {
        let header = AggregationHeader::parse_untrusted(&KEY).unwrap();
        assert!(!header.continues && header.continued && header.starts_sequence);
        assert_eq!(header.element_count, 2);
        assert!(is_frame_start(&KEY) && is_key_frame_start(&KEY));
    }

    #[test]
    fn a_predicted_frame_starts_without_the_n_bit() {
        // W = 1: one frame OBU without a length.
        assert!(is_frame_start(&[0x10, 0x30, 0x10]) && !is_key_frame_start(&[0x10, 0x30, 0x10]));
        // W = 0: the same with its length, of two bytes where one would do.
        assert!(is_frame_start(&[0x00, 0x82, 0x00, 0x30, 0x10]));
    }

    #[test]
    fn what_continues_a_frame_does_not_start_one() {
        // Z set: the middle of an OBU, whatever its first byte looks like.
        assert!(!is_frame_start(&[0x90, 0x30, 0x10]) && !is_key_frame_start(&[0x98, 0x08, 0x00]));
        // Z clear, but a tile group OBU (0x20): later tiles of the frame.
        assert!(!is_frame_start(&[0x10, 0x20, 0x10]));
    }

    #[test]
    fn a_payload_without_an_obu_is_nothing() {
        // Empty; the header alone; an empty element; a length that does not end within eight bytes.
        for payload in
            [&[][..], &[0x18], &[0x08, 0x00, 0x08], &[0x08, 128, 128, 128, 128, 128, 128, 128, 128, 0, 8]]
        {
            assert!(!is_frame_start(payload) && !is_key_frame_start(payload), "{payload:02x?}");
        }
    }
}
