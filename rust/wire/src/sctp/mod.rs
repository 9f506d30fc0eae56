//! SCTP packets and chunks (RFC 9260 section 3), with the extensions that WebRTC uses: partial reliability (RFC 3758), stream
//! resets (RFC 6525), interleaving (RFC 8260), immediate acknowledgement (RFC 7053), zero checksums (RFC 9653).

mod chunks;
mod parameters;
mod write;

pub use chunks::{
    AbortCauses, Data, Forward, ForwardTsn, GapBlock, Init, InterleavedForward, InterleavedForwardTsn, Sack,
};
pub use parameters::{
    Parameter, Parameters, ReconfigRequest, ReconfigResponse, StreamResetRequest, chunk_types_of, parameter,
};
pub use write::{ChunkWriter, DataHeader, begin_packet, finish_packet};

use crate::bytes::{slice_at, u8_at, u16_at, u32_at};

/// Length of the common header (section 3.1).
pub const HEADER_LENGTH: usize = 12;
/// Length of a chunk's header (section 3.2).
pub const CHUNK_HEADER_LENGTH: usize = 4;
/// Length of a DATA chunk before its payload (section 3.3.1).
pub const DATA_HEADER_LENGTH: usize = 16;
/// Length of an I-DATA chunk before its payload (RFC 8260 section 2.1).
pub const I_DATA_HEADER_LENGTH: usize = 20;

/// Chunk types (IANA's registry).
pub mod chunk_type {
    pub const DATA: u8 = 0;
    pub const INIT: u8 = 1;
    pub const INIT_ACK: u8 = 2;
    pub const SACK: u8 = 3;
    pub const HEARTBEAT: u8 = 4;
    pub const HEARTBEAT_ACK: u8 = 5;
    pub const ABORT: u8 = 6;
    pub const SHUTDOWN: u8 = 7;
    pub const SHUTDOWN_ACK: u8 = 8;
    pub const ERROR: u8 = 9;
    pub const COOKIE_ECHO: u8 = 10;
    pub const COOKIE_ACK: u8 = 11;
    pub const SHUTDOWN_COMPLETE: u8 = 14;
    /// RFC 8260 section 2.1.
    pub const I_DATA: u8 = 64;
    /// RFC 6525 section 3.1.
    pub const RECONFIG: u8 = 130;
    /// RFC 4820 section 3.
    pub const PAD: u8 = 132;
    /// RFC 3758 section 3.2.
    pub const FORWARD_TSN: u8 = 192;
    /// RFC 8260 section 2.3.1.
    pub const I_FORWARD_TSN: u8 = 194;
}

/// Causes of errors (section 3.3.10).
pub mod cause {
    pub const INVALID_STREAM: u16 = 1;
    pub const STALE_COOKIE: u16 = 3;
    pub const UNRECOGNIZED_CHUNK: u16 = 6;
    pub const NO_USER_DATA: u16 = 9;
    pub const USER_INITIATED_ABORT: u16 = 12;
    pub const PROTOCOL_VIOLATION: u16 = 13;
}

/// Why bytes are no SCTP packet, or no chunk of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SctpError {
    /// Something goes beyond what surrounds it.
    Truncated,
    /// The checksum is not that of the bytes.
    BadChecksum,
    /// The chunk's own rules are broken.
    Malformed,
}

impl std::fmt::Display for SctpError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            SctpError::Truncated => "goes beyond what surrounds it",
            SctpError::BadChecksum => "the checksum is wrong",
            SctpError::Malformed => "the chunk breaks its own rules",
        })
    }
}

impl std::error::Error for SctpError {}

/// A parsed packet: the common header, and the bytes of its chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    pub source_port: u16,
    pub destination_port: u16,
    pub verification_tag: u32,
    /// The checksum is zero, not computed: to be accepted only as RFC 9653 section 5.3 permits.
    pub is_unchecked: bool,
    chunks: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a packet and checks its CRC32c (section 6.8), unless the field is zero.
    pub fn parse_untrusted(data: &'a [u8]) -> Result<Packet<'a>, SctpError> {
        let chunks = data.get(HEADER_LENGTH..).ok_or(SctpError::Truncated)?;
        let field = |at| u32_at(data, at).ok_or(SctpError::Truncated);
        let checksum = field(8)?.swap_bytes();
        if checksum != 0 && checksum != write::checksum(data) {
            return Err(SctpError::BadChecksum);
        }
        Ok(Packet {
            source_port: u16_at(data, 0).ok_or(SctpError::Truncated)?,
            destination_port: u16_at(data, 2).ok_or(SctpError::Truncated)?,
            verification_tag: field(4)?,
            is_unchecked: checksum == 0,
            chunks,
        })
    }

    /// The chunks in their order, up to the first that does not fit.
    pub fn chunks(&self) -> Chunks<'a> {
        Chunks { rest: self.chunks }
    }
}

/// One chunk: its type, its flags, and what follows its header, without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    pub kind: u8,
    pub flags: u8,
    pub value: &'a [u8],
}

/// Iterates over chunks.
#[derive(Clone, Debug)]
pub struct Chunks<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<Chunk<'a>, SctpError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let chunk = read_chunk(self.rest);
        self.rest = chunk.map_or(&[], |chunk| {
            let length = CHUNK_HEADER_LENGTH + chunk.value.len();
            self.rest.get(length.next_multiple_of(4)..).unwrap_or_default()
        });
        Some(chunk.ok_or(SctpError::Truncated))
    }
}

fn read_chunk(data: &[u8]) -> Option<Chunk<'_>> {
    let length = usize::from(u16_at(data, 2)?).checked_sub(CHUNK_HEADER_LENGTH)?;
    Some(Chunk {
        kind: u8_at(data, 0)?,
        flags: u8_at(data, 1)?,
        value: slice_at(data, CHUNK_HEADER_LENGTH, length)?,
    })
}

/// The 64-bit number whose low half is `low`, nearest to `reference` (serial numbers, RFC 1982).
pub fn extend_u32(reference: u64, low: u32) -> u64 {
    let ahead = low.wrapping_sub(reference as u32) as i32;
    reference.saturating_add_signed(i64::from(ahead))
}

/// As `extend_u32`, of 16 bits.
pub fn extend_u16(reference: u64, low: u16) -> u64 {
    let ahead = low.wrapping_sub(reference as u16) as i16;
    reference.saturating_add_signed(i64::from(ahead))
}
