//! Sender and receiver reports (RFC 3550 section 6.4).

use super::RtcpError;
use crate::bytes::{array_at, slice_at, u32_at, u64_at};

const BLOCK_LENGTH: usize = 24;

/// What one receiver tells of one source (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportBlock {
    pub ssrc: u32,
    /// Of the packets expected since the last report, how many 256ths were lost.
    pub fraction_lost: u8,
    /// Packets lost since the beginning; duplicates can make it negative. 24 bits: others are clamped when
    /// written.
    pub cumulative_lost: i32,
    /// Cycles in the upper 16 bits, the highest sequence number in the lower.
    pub highest_sequence: u32,
    /// Interarrival jitter in units of the RTP clock.
    pub jitter: u32,
    /// The middle 32 bits of the last sender report's NTP time; 0 without one.
    pub last_sender_report: u32,
    /// From that report's arrival to this block, in 1/65536 s.
    pub delay_since_last_sender_report: u32,
}

impl ReportBlock {
    fn parse(block: &[u8]) -> Option<ReportBlock> {
        let [fraction_lost, a, b, c] = array_at(block, 4)?;
        Some(ReportBlock {
            ssrc: u32_at(block, 0)?,
            fraction_lost,
            cumulative_lost: i32::from_be_bytes([a, b, c, 0]) >> 8,
            highest_sequence: u32_at(block, 8)?,
            jitter: u32_at(block, 12)?,
            last_sender_report: u32_at(block, 16)?,
            delay_since_last_sender_report: u32_at(block, 20)?,
        })
    }

    pub(super) fn to_bytes(self) -> [u8; BLOCK_LENGTH] {
        let lost = self.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff);
        let [_, a, b, c] = lost.to_be_bytes();
        let words = [
            self.ssrc.to_be_bytes(),
            [self.fraction_lost, a, b, c],
            self.highest_sequence.to_be_bytes(),
            self.jitter.to_be_bytes(),
            self.last_sender_report.to_be_bytes(),
            self.delay_since_last_sender_report.to_be_bytes(),
        ];
        let mut bytes = [0; BLOCK_LENGTH];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word);
        }
        bytes
    }
}

/// The blocks of a report.
#[derive(Clone, Copy, Debug)]
pub struct ReportBlocks<'a> {
    data: &'a [u8],
}

impl<'a> ReportBlocks<'a> {
    fn parse(count: u8, body: &'a [u8], at: usize) -> Result<ReportBlocks<'a>, RtcpError> {
        let data = slice_at(body, at, BLOCK_LENGTH * usize::from(count)).ok_or(RtcpError::Truncated)?;
        Ok(ReportBlocks { data })
    }

    pub fn len(&self) -> usize {
        self.data.len() / BLOCK_LENGTH
    }

    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = ReportBlock> + use<'a> {
        self.data.chunks_exact(BLOCK_LENGTH).filter_map(ReportBlock::parse)
    }
}

/// What a source says of its own stream (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug)]
pub struct SenderReport<'a> {
    pub ssrc: u32,
    /// When this was sent, as NTP time: seconds since 1900 in the upper 32 bits.
    pub ntp: u64,
    /// The same moment on the RTP clock.
    pub rtp: u32,
    /// Sent since the beginning.
    pub packets: u32,
    /// Payload bytes sent since the beginning.
    pub octets: u32,
    pub blocks: ReportBlocks<'a>,
}

impl<'a> SenderReport<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<SenderReport<'a>, RtcpError> {
        Ok(SenderReport {
            ssrc: u32_at(body, 0).ok_or(RtcpError::Truncated)?,
            ntp: u64_at(body, 4).ok_or(RtcpError::Truncated)?,
            rtp: u32_at(body, 12).ok_or(RtcpError::Truncated)?,
            packets: u32_at(body, 16).ok_or(RtcpError::Truncated)?,
            octets: u32_at(body, 20).ok_or(RtcpError::Truncated)?,
            blocks: ReportBlocks::parse(count, body, 24)?,
        })
    }
}

/// What a receiver says that sends nothing itself (RFC 3550 section 6.4.2).
#[derive(Clone, Copy, Debug)]
pub struct ReceiverReport<'a> {
    pub ssrc: u32,
    pub blocks: ReportBlocks<'a>,
}

impl<'a> ReceiverReport<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<ReceiverReport<'a>, RtcpError> {
        let ssrc = u32_at(body, 0).ok_or(RtcpError::Truncated)?;
        Ok(ReceiverReport { ssrc, blocks: ReportBlocks::parse(count, body, 4)? })
    }
}
