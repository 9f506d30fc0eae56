//! Feedback messages: NACK (RFC 4585 section 6.2.1), FIR (RFC 5104 section 4.3.1), REMB
//! (draft-alvestrand-rmcat-remb-03).

use super::{RtcpError, feedback_header};
use crate::bytes::{slice_at, u8_at, u16_at, u32_at};

/// Packets that a receiver misses.
#[derive(Clone, Copy, Debug)]
pub struct Nack<'a> {
    pub sender_ssrc: u32,
    pub media_ssrc: u32,
    entries: &'a [u8],
}

impl<'a> Nack<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Nack<'a>, RtcpError> {
        let (sender_ssrc, media_ssrc, entries) = feedback_header(body)?;
        Ok(Nack { sender_ssrc, media_ssrc, entries })
    }

    /// The sequence numbers of the missing packets, at most 17 for every four bytes; they may repeat.
    pub fn lost(&self) -> LostSequences<'a> {
        LostSequences { entries: self.entries, next: 0, mask: 0 }
    }
}

/// Walks the sequence numbers of a NACK.
#[derive(Clone, Debug)]
pub struct LostSequences<'a> {
    entries: &'a [u8],
    /// What the lowest bit of the mask stands for.
    next: u16,
    mask: u32,
}

impl Iterator for LostSequences<'_> {
    type Item = u16;

    #[inline]
    fn next(&mut self) -> Option<u16> {
        if self.mask == 0 {
            self.next = u16_at(self.entries, 0)?;
            self.mask = u32::from(u16_at(self.entries, 2)?) << 1 | 1;
            self.entries = self.entries.get(4..)?;
        }
        let skip = self.mask.trailing_zeros();
        let sequence = self.next.wrapping_add(skip as u16);
        self.mask >>= skip + 1;
        self.next = sequence.wrapping_add(1);
        Some(sequence)
    }
}

/// Full Intra Request: key frames that someone needs, each asked for once per number.
#[derive(Clone, Copy, Debug)]
pub struct Fir<'a> {
    pub sender_ssrc: u32,
    entries: &'a [u8],
}

impl<'a> Fir<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Fir<'a>, RtcpError> {
        let (sender_ssrc, _, entries) = feedback_header(body)?;
        Ok(Fir { sender_ssrc, entries })
    }

    /// (SSRC of the media source, number of the request) pairs.
    pub fn entries(&self) -> FirEntries<'a> {
        FirEntries { rest: self.entries }
    }
}

/// Walks the entries of a FIR.
#[derive(Clone, Debug)]
pub struct FirEntries<'a> {
    rest: &'a [u8],
}

impl Iterator for FirEntries<'_> {
    type Item = (u32, u8);

    fn next(&mut self) -> Option<(u32, u8)> {
        let entry = slice_at(self.rest, 0, 8)?;
        self.rest = self.rest.get(8..)?;
        Some((u32_at(entry, 0)?, u8_at(entry, 4)?))
    }
}

/// Receiver Estimated Maximum Bitrate.
#[derive(Clone, Copy, Debug)]
pub struct Remb<'a> {
    pub sender_ssrc: u32,
    /// Over all of the sources together, in bits per second; saturates at the type's end.
    pub bitrate_bps: u64,
    ssrcs: &'a [u8],
}

impl<'a> Remb<'a> {
    pub(super) fn is_remb(body: &[u8]) -> bool {
        slice_at(body, 8, 4) == Some(b"REMB")
    }

    pub(super) fn parse(body: &'a [u8]) -> Result<Remb<'a>, RtcpError> {
        let (sender_ssrc, _, content) = feedback_header(body)?;
        let word = u32_at(content, 4).ok_or(RtcpError::Truncated)?;
        let count = (word >> 24) as usize;
        let exponent = word >> 18 & 0x3f;
        let mantissa = u64::from(word & 0x3_ffff);
        let bitrate = u128::from(mantissa) << exponent;
        let ssrcs = slice_at(content, 8, 4 * count).ok_or(RtcpError::Truncated)?;
        Ok(Remb { sender_ssrc, bitrate_bps: u64::try_from(bitrate).unwrap_or(u64::MAX), ssrcs })
    }

    /// The sources that the estimate is about.
    pub fn ssrcs(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.ssrcs.chunks_exact(4).filter_map(|ssrc| u32_at(ssrc, 0))
    }
}
