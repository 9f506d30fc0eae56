//! Transport-wide feedback, as read (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1).

use super::{RtcpError, feedback_header};
use crate::bytes::{array_at, u8_at, u16_at};

/// What happened to a packet: two bits of a status vector chunk, or the symbol of a run.
pub(super) mod symbol {
    pub const NOT_RECEIVED: u8 = 0;
    /// One byte of delta, not negative.
    pub const SMALL_DELTA: u8 = 1;
    /// Two bytes of delta, with a sign.
    pub const LARGE_DELTA: u8 = 2;
}

/// When packets arrived, whatever stream they belong to.
#[derive(Clone, Copy, Debug)]
pub struct TransportFeedback<'a> {
    pub sender_ssrc: u32,
    pub media_ssrc: u32,
    /// The transport-wide sequence number of the first packet that is told of.
    pub base_sequence: u16,
    /// How many packets are told of, lost ones included.
    pub status_count: u16,
    /// What the first delta counts from: 24 bits with a sign, in units of 64 ms on the receiver's clock.
    pub reference_time_64ms: i32,
    /// Counts the feedback packets themselves.
    pub feedback_count: u8,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

impl<'a> TransportFeedback<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<TransportFeedback<'a>, RtcpError> {
        let (sender_ssrc, media_ssrc, content) = feedback_header(body)?;
        let [a, b, c, feedback_count] = array_at(content, 4).ok_or(RtcpError::Truncated)?;
        let mut feedback = TransportFeedback {
            sender_ssrc,
            media_ssrc,
            base_sequence: u16_at(content, 0).ok_or(RtcpError::Truncated)?,
            status_count: u16_at(content, 2).ok_or(RtcpError::Truncated)?,
            reference_time_64ms: i32::from_be_bytes([a, b, c, 0]) >> 8,
            feedback_count,
            chunks: content.get(8..).ok_or(RtcpError::Truncated)?,
            deltas: &[],
        };
        feedback.find_deltas()?;
        Ok(feedback)
    }

    /// Where the chunks end and whether every received packet has its delta.
    fn find_deltas(&mut self) -> Result<(), RtcpError> {
        let mut left = usize::from(self.status_count);
        let mut length = 0;
        let mut rest = self.chunks;
        while left > 0 {
            let (chunk, after) = rest.split_first_chunk().ok_or(RtcpError::Truncated)?;
            let chunk = Chunk(u16::from_be_bytes(*chunk));
            let count = chunk.len().min(left);
            length += chunk.deltas_length(count).ok_or(RtcpError::Malformed)?;
            left -= count;
            rest = after;
        }
        let deltas = rest.get(..length).ok_or(RtcpError::Truncated)?;
        self.chunks = self.chunks.get(..self.chunks.len() - rest.len()).unwrap_or_default();
        self.deltas = deltas;
        Ok(())
    }

    /// (transport-wide sequence number, delta) of every packet told of, in order.
    ///
    /// The delta is in units of 250 µs, from the received packet before it, for the first from the reference
    /// time (256 deltas a unit); `None` for a packet that had not arrived. Two bytes can tell of 8191 lost
    /// packets: a receiver that walks this compares `base_sequence` and `status_count` with what it has sent
    /// first.
    pub fn arrivals(&self) -> Arrivals<'a> {
        Arrivals {
            sequence: self.base_sequence,
            left: self.status_count,
            chunk: Chunk(0),
            position: 0,
            chunks: self.chunks,
            deltas: self.deltas,
        }
    }
}

/// A packet status chunk.
#[derive(Clone, Copy, Debug)]
struct Chunk(u16);

impl Chunk {
    /// How many packets it tells of: a run's length, or 14 bits, or 7 pairs of bits.
    #[inline]
    fn len(self) -> usize {
        match self.0 >> 14 {
            0b00 | 0b01 => usize::from(self.0 & 0x1fff),
            0b10 => 14,
            _ => 7,
        }
    }

    #[inline]
    fn symbol(self, position: usize) -> u8 {
        let symbol = match self.0 >> 14 {
            0b00 | 0b01 => self.0 >> 13 & 0b11,
            0b10 => self.0 >> 13_usize.saturating_sub(position) & 0b1,
            _ => self.0 >> 12_usize.saturating_sub(2 * position) & 0b11,
        };
        symbol as u8
    }

    /// Bytes of delta for its first `count` packets; `None` for the reserved symbol.
    fn deltas_length(self, count: usize) -> Option<usize> {
        let length = |symbol: u8| (symbol <= symbol::LARGE_DELTA).then_some(usize::from(symbol));
        if self.0 >> 15 == 0 {
            return length(self.symbol(0)).map(|each| each * count);
        }
        (0..count).map(|position| length(self.symbol(position))).sum()
    }
}

/// Walks the packets that a feedback tells of.
#[derive(Clone, Debug)]
pub struct Arrivals<'a> {
    sequence: u16,
    left: u16,
    chunk: Chunk,
    position: usize,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

impl Iterator for Arrivals<'_> {
    type Item = (u16, Option<i16>);

    #[inline]
    fn next(&mut self) -> Option<(u16, Option<i16>)> {
        self.left = self.left.checked_sub(1)?;
        while self.position >= self.chunk.len() {
            let (chunk, rest) = self.chunks.split_first_chunk()?;
            self.chunk = Chunk(u16::from_be_bytes(*chunk));
            self.chunks = rest;
            self.position = 0;
        }
        let symbol = self.chunk.symbol(self.position);
        self.position += 1;
        let delta = match symbol {
            symbol::SMALL_DELTA => Some(i16::from(u8_at(self.deltas, 0)?)),
            symbol::LARGE_DELTA => array_at(self.deltas, 0).map(i16::from_be_bytes),
            _ => None,
        };
        self.deltas = self.deltas.get(usize::from(symbol)..)?;
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        Some((sequence, delta))
    }
}
