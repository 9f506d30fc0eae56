//! What is in a chunk (RFC 9260 section 3.3, RFC 3758 section 3.2, RFC 8260 section 2).

use super::parameters::Parameters;
use super::{Chunk, SctpError, chunk_type};
use crate::bytes::{u16_at, u32_at};

/// Flags of DATA and I-DATA (RFC 9260 section 3.3.1, RFC 7053).
pub(super) mod data_flag {
    pub const END: u8 = 1;
    pub const BEGIN: u8 = 2;
    pub const UNORDERED: u8 = 4;
    pub const IMMEDIATE: u8 = 8;
}

/// A DATA or I-DATA chunk: a piece of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'a> {
    pub tsn: u32,
    pub stream: u16,
    pub is_interleaved: bool,
    pub is_unordered: bool,
    pub begins: bool,
    pub ends: bool,
    /// The sender wants it acknowledged at once.
    pub is_immediate: bool,
    /// The message's number in its stream: 16 bits of DATA (SSN), 32 of I-DATA (MID).
    pub message: u32,
    /// The piece's number in its message; of I-DATA alone.
    pub fragment: u32,
    /// Of the first piece; later ones of I-DATA have none, and say 0.
    pub ppid: u32,
    pub payload: &'a [u8],
}

impl<'a> Data<'a> {
    /// Reads a DATA or an I-DATA chunk. One without payload is `Malformed` (section 3.3.1: the association is aborted).
    pub fn parse_untrusted(chunk: Chunk<'a>) -> Result<Data<'a>, SctpError> {
        let is_interleaved = chunk.kind == chunk_type::I_DATA;
        let value = chunk.value;
        let word = |at| u32_at(value, at).ok_or(SctpError::Truncated);
        let begins = chunk.flags & data_flag::BEGIN != 0;
        let last = word(8)?;
        let (message, fragment, ppid, start) = if is_interleaved {
            let number = word(12)?;
            let (fragment, ppid) = if begins { (0, number) } else { (number, 0) };
            (last, fragment, ppid, 16)
        } else {
            (u32::from(u16_at(value, 6).ok_or(SctpError::Truncated)?), 0, last, 12)
        };
        let payload = value.get(start..).filter(|payload| !payload.is_empty()).ok_or(SctpError::Malformed)?;
        Ok(Data {
            tsn: word(0)?,
            stream: u16_at(value, 4).ok_or(SctpError::Truncated)?,
            is_interleaved,
            is_unordered: chunk.flags & data_flag::UNORDERED != 0,
            begins,
            ends: chunk.flags & data_flag::END != 0,
            is_immediate: chunk.flags & data_flag::IMMEDIATE != 0,
            message,
            fragment,
            ppid,
            payload,
        })
    }
}

/// An INIT or INIT ACK chunk (sections 3.3.2, 3.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Init<'a> {
    pub tag: u32,
    pub receiver_window: u32,
    pub outbound_streams: u16,
    pub inbound_streams: u16,
    pub initial_tsn: u32,
    pub parameters: Parameters<'a>,
}

impl<'a> Init<'a> {
    /// A tag of zero, or no stream in a direction, is `Malformed` (the association is aborted).
    pub fn parse_untrusted(chunk: Chunk<'a>) -> Result<Init<'a>, SctpError> {
        let value = chunk.value;
        let word = |at| u32_at(value, at).ok_or(SctpError::Truncated);
        let half = |at| u16_at(value, at).ok_or(SctpError::Truncated);
        let init = Init {
            tag: word(0)?,
            receiver_window: word(4)?,
            outbound_streams: half(8)?,
            inbound_streams: half(10)?,
            initial_tsn: word(12)?,
            parameters: Parameters::new(value.get(16..).unwrap_or_default()),
        };
        if init.tag == 0 || init.outbound_streams == 0 || init.inbound_streams == 0 {
            return Err(SctpError::Malformed);
        }
        Ok(init)
    }
}

/// TSNs that came, as offsets from the cumulative one, both ends among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GapBlock {
    pub start: u16,
    pub end: u16,
}

/// A SACK chunk (section 3.3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sack<'a> {
    pub cumulative_tsn: u32,
    pub receiver_window: u32,
    gaps: &'a [u8],
    duplicates: &'a [u8],
}

impl<'a> Sack<'a> {
    pub fn parse_untrusted(chunk: Chunk<'a>) -> Result<Sack<'a>, SctpError> {
        let value = chunk.value;
        let half = |at| u16_at(value, at).map(usize::from).ok_or(SctpError::Truncated);
        let word = |at| u32_at(value, at).ok_or(SctpError::Truncated);
        let (gaps, duplicates) = (4 * half(8)?, 4 * half(10)?);
        let rest = value.get(12..).ok_or(SctpError::Truncated)?;
        Ok(Sack {
            cumulative_tsn: word(0)?,
            receiver_window: word(4)?,
            gaps: rest.get(..gaps).ok_or(SctpError::Truncated)?,
            duplicates: rest.get(gaps..gaps + duplicates).ok_or(SctpError::Truncated)?,
        })
    }

    pub fn gaps(&self) -> impl Iterator<Item = GapBlock> + use<'a> {
        let half = |pair: [u8; 2]| u16::from_be_bytes(pair);
        self.gaps
            .as_chunks::<4>()
            .0
            .iter()
            .map(move |&[a, b, c, d]| GapBlock { start: half([a, b]), end: half([c, d]) })
    }

    /// How many packets came twice.
    pub fn duplicate_count(&self) -> usize {
        self.duplicates.len() / 4
    }
}

/// A stream's part of a FORWARD TSN: ordered messages up to this number are not to be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward {
    pub stream: u16,
    pub message: u16,
}

/// A FORWARD TSN chunk (RFC 3758 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForwardTsn<'a> {
    pub cumulative_tsn: u32,
    streams: &'a [u8],
}

impl<'a> ForwardTsn<'a> {
    pub fn parse_untrusted(chunk: Chunk<'a>) -> Result<ForwardTsn<'a>, SctpError> {
        Ok(ForwardTsn {
            cumulative_tsn: u32_at(chunk.value, 0).ok_or(SctpError::Truncated)?,
            streams: chunk.value.get(4..).unwrap_or_default(),
        })
    }

    pub fn streams(&self) -> impl Iterator<Item = Forward> + use<'a> {
        self.streams.as_chunks::<4>().0.iter().map(|&[a, b, c, d]| Forward {
            stream: u16::from_be_bytes([a, b]),
            message: u16::from_be_bytes([c, d]),
        })
    }
}

/// A stream's part of an I-FORWARD-TSN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterleavedForward {
    pub stream: u16,
    pub is_unordered: bool,
    pub message: u32,
}

/// An I-FORWARD-TSN chunk (RFC 8260 section 2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterleavedForwardTsn<'a> {
    pub cumulative_tsn: u32,
    streams: &'a [u8],
}

impl<'a> InterleavedForwardTsn<'a> {
    pub fn parse_untrusted(chunk: Chunk<'a>) -> Result<InterleavedForwardTsn<'a>, SctpError> {
        let plain = ForwardTsn::parse_untrusted(chunk)?;
        Ok(InterleavedForwardTsn { cumulative_tsn: plain.cumulative_tsn, streams: plain.streams })
    }

    pub fn streams(&self) -> impl Iterator<Item = InterleavedForward> + use<'a> {
        self.streams.as_chunks::<8>().0.iter().map(|&[a, b, _, flags, c, d, e, f]| InterleavedForward {
            stream: u16::from_be_bytes([a, b]),
            is_unordered: flags & 1 != 0,
            message: u32::from_be_bytes([c, d, e, f]),
        })
    }
}

/// The causes in an ABORT or an ERROR chunk: they are laid out as parameters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortCauses<'a>(Parameters<'a>);

impl<'a> AbortCauses<'a> {
    pub fn parse_untrusted(chunk: Chunk<'a>) -> AbortCauses<'a> {
        AbortCauses(Parameters::new(chunk.value))
    }

    /// The code of the first cause.
    pub fn first(&self) -> Option<u16> {
        { self.0 }.next().map(|cause| cause.kind)
    }
}
