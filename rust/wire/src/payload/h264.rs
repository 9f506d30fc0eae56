//! H.264 (RFC 6184 section 5).

use super::annex_b::{START_CODE, units};
use crate::bytes::{u8_at, u16_at};

/// Types of NAL units (ITU-T H.264 table 7-1) and of the structures that carry them (RFC 6184 table 1).
pub mod nal_type {
    pub const SLICE: u8 = 1;
    pub const PARTITION_A: u8 = 2;
    pub const IDR_SLICE: u8 = 5;
    pub const SEI: u8 = 6;
    pub const SEQUENCE_PARAMETERS: u8 = 7;
    pub const PICTURE_PARAMETERS: u8 = 8;
    pub const ACCESS_UNIT_DELIMITER: u8 = 9;
    pub const STAP_A: u8 = 24;
    pub const FU_A: u8 = 28;
}

/// A NAL unit that starts in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NalStart<'a> {
    pub nal_type: u8,
    /// What is in the packet of it, behind its header.
    pub body: &'a [u8],
}

impl NalStart<'_> {
    /// Whether it holds a picture's first macroblock: `first_mb_in_slice` is 0, as Exp-Golomb a single 1 bit
    /// (ITU-T H.264 section 7.3.3).
    #[inline]
    fn is_first_slice(&self) -> bool {
        self.body.first().is_some_and(|byte| byte & 0x80 != 0)
    }

    fn starts_key_frame(&self) -> bool {
        match self.nal_type {
            nal_type::SEQUENCE_PARAMETERS => true,
            nal_type::IDR_SLICE => self.is_first_slice(),
            _ => false,
        }
    }

    fn starts_frame(&self) -> bool {
        match self.nal_type {
            nal_type::SLICE | nal_type::PARTITION_A | nal_type::IDR_SLICE => self.is_first_slice(),
            nal_type::SEI..=nal_type::ACCESS_UNIT_DELIMITER => true,
            _ => false,
        }
    }
}

/// The NAL units that start in a packet: itself, those of a STAP-A, or the one whose first FU-A it is.
#[derive(Clone, Debug)]
pub struct NalStarts<'a> {
    rest: &'a [u8],
    is_aggregate: bool,
}

/// Walks the NAL units that start in a payload; packetization modes 0 and 1 (RFC 6184 section 5.4).
#[inline]
pub fn nal_starts_untrusted(payload: &[u8]) -> NalStarts<'_> {
    match payload.split_first() {
        Some((header, rest)) if header & 0x1f == nal_type::STAP_A => NalStarts { rest, is_aggregate: true },
        _ => NalStarts { rest: payload, is_aggregate: false },
    }
}

impl<'a> Iterator for NalStarts<'a> {
    type Item = NalStart<'a>;

    #[inline]
    fn next(&mut self) -> Option<NalStart<'a>> {
        let rest = std::mem::take(&mut self.rest);
        if !self.is_aggregate {
            return single(rest);
        }
        let length = usize::from(u16_at(rest, 0)?);
        let (unit, after) = rest.get(2..)?.split_at_checked(length)?;
        let (&header, body) = unit.split_first()?;
        self.rest = after;
        Some(NalStart { nal_type: header & 0x1f, body })
    }
}

#[inline]
fn single(payload: &[u8]) -> Option<NalStart<'_>> {
    let (&header, body) = payload.split_first()?;
    match header & 0x1f {
        nal_type::FU_A => {
            // The S bit: the fragment is a unit's first.
            let fragment = u8_at(body, 0).filter(|fragment| fragment & 0x80 != 0)?;
            Some(NalStart { nal_type: fragment & 0x1f, body: body.get(1..)? })
        }
        nal_type @ 1..=23 => Some(NalStart { nal_type, body }),
        _ => None,
    }
}

/// Whether a picture, or what precedes its slices, starts here.
#[inline]
pub fn is_frame_start(payload: &[u8]) -> bool {
    nal_starts_untrusted(payload).any(|nal| nal.starts_frame())
}

/// Whether sequence parameters or an IDR picture start here.
#[inline]
pub fn is_key_frame_start(payload: &[u8]) -> bool {
    nal_starts_untrusted(payload).any(|nal| nal.starts_key_frame())
}

/// What the two headers of a fragment (FU-A) take.
pub const FRAGMENT_HEADER_LENGTH: usize = 2;
/// What an aggregate (STAP-A) takes for itself, and for each of its units.
pub const AGGREGATE_HEADER_LENGTH: usize = 1;
pub const AGGREGATED_UNIT_LENGTH: usize = 2;

/// The headers of a fragment of a unit with this header (RFC 6184 section 5.8).
#[inline]
pub fn fragment_headers(unit_header: u8, first: bool, last: bool) -> [u8; FRAGMENT_HEADER_LENGTH] {
    let fragment = u8::from(first) << 7 | u8::from(last) << 6 | unit_header & 0x1f;
    [unit_header & 0xe0 | nal_type::FU_A, fragment]
}

/// The payload of one or more whole units: one is its own, more are an aggregate (RFC 6184 sections 5.6 and 5.7.1). A unit
/// of more than 65,535 bytes is left out.
pub fn aggregate(units: &[&[u8]]) -> Vec<u8> {
    if let [unit] = units {
        return unit.to_vec();
    }
    // F is set if it is in any unit, NRI is the highest.
    let headers = units.iter().filter_map(|unit| unit.first());
    let (forbidden, importance) =
        headers.fold((0, 0), |(f, nri), header| (f | header & 0x80, nri.max(header & 0x60)));
    let mut payload = vec![forbidden | importance | nal_type::STAP_A];
    for unit in units {
        if let Ok(length) = u16::try_from(unit.len()) {
            payload.extend_from_slice(&length.to_be_bytes());
            payload.extend_from_slice(unit);
        }
    }
    payload
}

/// Appends what a payload has of a byte stream (Annex B), units that begin in it behind start codes; `None` if it is not of
/// packetization mode 0 or 1, or not whole.
pub fn append_byte_stream_untrusted(payload: &[u8], stream: &mut Vec<u8>) -> Option<()> {
    let (&header, body) = payload.split_first()?;
    match header & 0x1f {
        1..=23 => {
            stream.extend_from_slice(&START_CODE);
            stream.extend_from_slice(payload);
        }
        nal_type::STAP_A => {
            let mut rest = body;
            while !rest.is_empty() {
                let length = usize::from(u16_at(rest, 0)?);
                let (unit, after) = rest.get(2..)?.split_at_checked(length)?;
                if !unit.is_empty() {
                    stream.extend_from_slice(&START_CODE);
                    stream.extend_from_slice(unit);
                }
                rest = after;
            }
        }
        nal_type::FU_A => {
            let (&fragment, data) = body.split_first()?;
            if fragment & 0x80 != 0 {
                stream.extend_from_slice(&START_CODE);
                stream.push(header & 0xe0 | fragment & 0x1f);
            }
            stream.extend_from_slice(data);
        }
        _ => return None,
    }
    Some(())
}

/// Whether a whole frame, as a byte stream, is an IDR picture; `None` if there is no unit in it.
pub fn is_key_frame(stream: &[u8]) -> Option<bool> {
    let mut types = units(stream).filter_map(|unit| Some(unit.first()? & 0x1f)).peekable();
    types.peek()?;
    Some(types.any(|kind| kind == nal_type::IDR_SLICE))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How a key frame begins: STAP-A (0x78) of an SPS of 4 bytes (constrained baseline 3.1) and a PPS of 4.
    const PARAMETERS: [u8; 13] =
        [0x78, 0x00, 0x04, 0x67, 0x42, 0xe0, 0x1f, 0x00, 0x04, 0x68, 0xce, 0x3c, 0x80];

    #[test]
    fn an_aggregate_with_sequence_parameters_starts_a_key_frame() {
        let types: Vec<u8> = nal_starts_untrusted(&PARAMETERS).map(|nal| nal.nal_type).collect();
        assert_eq!(types, [7, 8]);
        assert!(is_frame_start(&PARAMETERS) && is_key_frame_start(&PARAMETERS));
    }

    #[test]
    fn single_units_start_what_their_type_says() {
        // SPS.
        assert!(is_key_frame_start(&[0x67, 0x42, 0xe0, 0x1f]));
        // PPS: of which frame it cannot tell.
        assert!(is_frame_start(&[0x68, 0xce]) && !is_key_frame_start(&[0x68, 0xce]));
        // IDR slice from the first macroblock: the first bit is 1.
        assert!(is_key_frame_start(&[0x65, 0x88]));
        // IDR slice from macroblock 3 (00100): a later slice of the same picture.
        assert!(!is_frame_start(&[0x65, 0x20]) && !is_key_frame_start(&[0x65, 0x20]));
        // A predicted picture's first slice.
        assert!(is_frame_start(&[0x41, 0x9a]) && !is_key_frame_start(&[0x41, 0x9a]));
    }

    #[test]
    fn of_fragments_only_the_first_starts_something() {
        // FU-A of an IDR slice: S set, then neither bit, then E set.
        assert!(is_key_frame_start(&[0x7c, 0x85, 0x88]) && is_frame_start(&[0x7c, 0x85, 0x88]));
        assert!(!is_key_frame_start(&[0x7c, 0x05, 0x88]) && !is_frame_start(&[0x7c, 0x05, 0x88]));
        assert!(!is_key_frame_start(&[0x7c, 0x45, 0x88]));
        // FU-A of a predicted slice.
        assert!(is_frame_start(&[0x5c, 0x81, 0x9a]) && !is_key_frame_start(&[0x5c, 0x81, 0x9a]));
    }

    #[test]
    fn what_no_unit_starts_in_is_nothing() {
        // Empty; an FU-A without its second header; a STAP-A whose unit goes beyond it, or is empty; a FU-B.
        for payload in
            [&[][..], &[0x7c], &[0x78, 0x00, 0x09, 0x67], &[0x78, 0x00, 0x00, 0x67], &[0x7d, 0x85, 0x88]]
        {
            assert!(!is_frame_start(payload) && !is_key_frame_start(payload), "{payload:02x?}");
        }
    }

    #[test]
    fn an_aggregate_is_read_as_it_was_written() {
        let parameters: [&[u8]; 2] = [&[0x67, 0x42, 0xe0, 0x1f], &[0x68, 0xce, 0x3c, 0x80]];
        assert_eq!(aggregate(&parameters), PARAMETERS);
        assert_eq!(aggregate(&[&[0x41, 0x9a]]), [0x41, 0x9a], "one is its own");
        let mut stream = Vec::new();
        append_byte_stream_untrusted(&PARAMETERS, &mut stream).unwrap();
        assert!(units(&stream).eq(parameters));
    }

    #[test]
    fn fragments_are_put_together_to_their_unit() {
        let unit: Vec<u8> = (0..50).map(|n| if n == 0 { 0x65 } else { n | 0x80 }).collect();
        let mut stream = Vec::new();
        for (index, piece) in unit[1..].chunks(20).enumerate() {
            let payload = [&fragment_headers(0x65, index == 0, index == 2)[..], piece].concat();
            assert_eq!((payload[0], payload[1]), (0x7c, [0x85, 0x05, 0x45][index]));
            append_byte_stream_untrusted(&payload, &mut stream).unwrap();
        }
        assert_eq!(units(&stream).collect::<Vec<_>>(), [&unit]);
        assert_eq!(is_key_frame(&stream), Some(true));
    }

    #[test]
    fn what_is_not_whole_or_of_another_mode_is_refused() {
        for payload in
            [&[][..], &[0x7c], &[0x78, 0x00, 0x09, 0x67], &[0x78, 0x00], &[0x7d, 0x85, 0x88], &[0x00]]
        {
            assert_eq!(append_byte_stream_untrusted(payload, &mut Vec::new()), None, "{payload:02x?}");
        }
        assert_eq!((is_key_frame(&[0x65]), is_key_frame(&[0, 0, 1, 0x41])), (None, Some(false)));
    }
}
