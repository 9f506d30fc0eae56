//! Writes packets: begin, chunks, finish.

use super::chunks::data_flag;
use super::{CHUNK_HEADER_LENGTH, GapBlock, HEADER_LENGTH, Sack, chunk_type};
use crate::bytes::put_u16_at;

/// CRC32c of a packet whose checksum field counts as zero (RFC 9260 section 6.8, appendix A).
pub(super) fn checksum(packet: &[u8]) -> u32 {
    let (before, rest) = packet.split_at(packet.len().min(8));
    let crc = crc32c::crc32c_append(crc32c::crc32c(before), &[0; 4]);
    crc32c::crc32c_append(crc, rest.get(4..).unwrap_or_default())
}

/// Appends a common header without its checksum; where the packet starts.
pub fn begin_packet(out: &mut Vec<u8>, source_port: u16, destination_port: u16, tag: u32) -> usize {
    let start = out.len();
    out.extend_from_slice(&source_port.to_be_bytes());
    out.extend_from_slice(&destination_port.to_be_bytes());
    out.extend_from_slice(&tag.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    start
}

/// Writes the checksum of the packet that starts at `start` and ends `out`; a peer that takes zero for it gets that.
pub fn finish_packet(out: &mut [u8], start: usize, is_unchecked: bool) {
    let Some(packet) = out.get_mut(start..) else { return };
    if is_unchecked {
        return;
    }
    let checksum = checksum(packet).to_le_bytes();
    if let Some(field) = packet.get_mut(8..HEADER_LENGTH) {
        field.copy_from_slice(&checksum);
    }
}

/// What stands before the payload of a DATA or I-DATA chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataHeader {
    pub tsn: u32,
    pub stream: u16,
    pub is_interleaved: bool,
    pub is_unordered: bool,
    pub begins: bool,
    pub ends: bool,
    pub is_immediate: bool,
    pub message: u32,
    pub fragment: u32,
    pub ppid: u32,
}

impl DataHeader {
    /// Appends the chunk.
    pub fn write(&self, out: &mut Vec<u8>, payload: &[u8]) {
        let kind = if self.is_interleaved { chunk_type::I_DATA } else { chunk_type::DATA };
        let flag = |set, flag| if set { flag } else { 0 };
        let flags = flag(self.ends, data_flag::END)
            | flag(self.begins, data_flag::BEGIN)
            | flag(self.is_unordered, data_flag::UNORDERED)
            | flag(self.is_immediate, data_flag::IMMEDIATE);
        let mut chunk = ChunkWriter::begin(out, kind, flags);
        chunk.word(self.tsn).half(self.stream);
        if self.is_interleaved {
            chunk.half(0).word(self.message).word(if self.begins { self.ppid } else { self.fragment });
        } else {
            chunk.half(self.message as u16).word(self.ppid);
        }
        chunk.bytes(payload).finish();
    }
}

/// Appends one chunk, or one parameter within a chunk: both have a length of 16 bits at their third byte.
#[derive(Debug)]
pub struct ChunkWriter<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> ChunkWriter<'a> {
    pub fn begin(out: &'a mut Vec<u8>, kind: u8, flags: u8) -> ChunkWriter<'a> {
        let start = out.len();
        out.extend_from_slice(&[kind, flags, 0, 0]);
        ChunkWriter { out, start }
    }

    pub fn half(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub fn word(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.out.extend_from_slice(bytes);
        self
    }

    /// Zeros until what is written to is so long; nothing where it is.
    pub fn fill_to(&mut self, length: usize) -> &mut Self {
        self.out.resize(length.max(self.out.len()), 0);
        self
    }

    /// A whole parameter (RFC 9260 section 3.2.1), after padding of what came before.
    pub fn parameter(&mut self, kind: u16, write: impl FnOnce(&mut ChunkWriter<'_>)) -> &mut Self {
        self.pad();
        let [high, low] = kind.to_be_bytes();
        let mut parameter = ChunkWriter::begin(self.out, high, low);
        write(&mut parameter);
        parameter.set_length();
        self
    }

    /// Writes the length, then pads to four bytes.
    pub fn finish(&mut self) {
        self.set_length();
        self.pad();
    }

    fn set_length(&mut self) {
        let length = u16::try_from(self.out.len() - self.start).unwrap_or(u16::MAX);
        put_u16_at(self.out, self.start + 2, length);
    }

    fn pad(&mut self) {
        let length = self.out.len() - self.start;
        self.out.resize(self.start + length.next_multiple_of(4), 0);
    }
}

impl Sack<'_> {
    /// Length of a chunk with so many gap blocks and duplicates.
    pub const fn length(gaps: usize, duplicates: usize) -> usize {
        CHUNK_HEADER_LENGTH + 12 + 4 * (gaps + duplicates)
    }

    /// Appends a SACK (RFC 9260 section 3.3.4).
    pub fn write(out: &mut Vec<u8>, cumulative_tsn: u32, window: u32, gaps: &[GapBlock], duplicates: &[u32]) {
        let mut chunk = ChunkWriter::begin(out, chunk_type::SACK, 0);
        let count = |length: usize| u16::try_from(length).unwrap_or(u16::MAX);
        chunk.word(cumulative_tsn).word(window).half(count(gaps.len())).half(count(duplicates.len()));
        for gap in gaps {
            chunk.half(gap.start).half(gap.end);
        }
        for &tsn in duplicates {
            chunk.word(tsn);
        }
        chunk.finish();
    }
}
