//! What this end sends: sealing, with each index sealed once.

use std::collections::BTreeSet;

use super::cipher::Ciphers;
use super::replay::ReplayWindow;
use super::{
    InvalidKey, MAX_INDEX, MAX_RTCP_INDEX, Profile, RTCP_HEADER, RTP_FIXED_HEADER, read_u16, read_u32,
};

/// Why a packet was not sealed. All but `IndexExhausted` are the caller's mistakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealError {
    /// The packet is shorter than its header.
    Malformed,
    /// The packet's SSRC is not the stream's.
    WrongSource,
    /// The SSRC was opened before under this key (RFC 7714 section 8.4: never given out twice).
    SourceUsed,
    /// The index is not above the last one that was sealed.
    IndexNotAbove,
    /// The index was sealed before, or is too old to know.
    IndexSealed,
    /// 2^48 packets, or 2^31 RTCP packets: the key is used up.
    IndexExhausted,
    /// The cryptographic library failed. The index counts as used.
    Cipher,
}

impl std::fmt::Display for SealError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            SealError::Malformed => "the packet is shorter than its header",
            SealError::WrongSource => "the packet's SSRC is not the stream's",
            SealError::SourceUsed => "the SSRC was opened before under this key",
            SealError::IndexNotAbove => "the index is not above the last",
            SealError::IndexSealed => "the index was sealed before",
            SealError::IndexExhausted => "the key has sealed all that it may",
            SealError::Cipher => "the cipher failed",
        })
    }
}

impl std::error::Error for SealError {}

/// The 48-bit index under which a packet was sealed: roll-over counter and sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SealedIndex(u64);

impl SealedIndex {
    pub fn get(self) -> u64 {
        self.0
    }
}

/// What has been sealed of one SSRC. It cannot be cloned, and a [`Sender`] opens an SSRC once: so no index is ever
/// sealed twice under one key, which GCM would not survive (RFC 7714 section 8.4).
///
/// The roll-over counter starts at zero with the first packet, whatever its sequence number. Start below 32,768: a
/// receiver that loses the first packets cannot know of a roll-over among them.
#[derive(Debug)]
pub struct SealStream {
    ssrc: u32,
    sealed: Option<ReplayWindow>,
}

impl SealStream {
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The highest index sealed so far.
    pub fn last(&self) -> Option<SealedIndex> {
        self.sealed.as_ref().map(|window| SealedIndex(window.highest()))
    }

    /// The index above the last one which has this sequence number.
    fn next_index(&self, sequence: u16) -> Result<u64, SealError> {
        let Some(last) = self.last() else { return Ok(sequence.into()) };
        let ahead = sequence.wrapping_sub(last.0 as u16);
        if ahead == 0 || ahead >= 0x8000 {
            return Err(SealError::IndexNotAbove);
        }
        let index = last.0 + u64::from(ahead);
        if index > MAX_INDEX { Err(SealError::IndexExhausted) } else { Ok(index) }
    }

    /// The index at or below the last one which has this sequence number, if it has not been sealed.
    fn late_index(&self, sequence: u16) -> Result<u64, SealError> {
        let Some(window) = &self.sealed else { return Err(SealError::IndexSealed) };
        let behind = (window.highest() as u16).wrapping_sub(sequence);
        let index = window.highest().checked_sub(behind.into()).ok_or(SealError::IndexSealed)?;
        if window.is_new(index) { Ok(index) } else { Err(SealError::IndexSealed) }
    }

    fn mark(&mut self, index: u64) {
        match &mut self.sealed {
            Some(window) => window.insert(index),
            None => self.sealed = Some(ReplayWindow::starting_with(index)),
        }
    }

    /// A stream that has come as far as `last`.
    #[cfg(test)]
    pub(super) fn having_sealed(ssrc: u32, last: u64) -> SealStream {
        SealStream { ssrc, sealed: Some(ReplayWindow::starting_with(last)) }
    }
}

/// Seals what one end sends.
pub struct Sender {
    ciphers: Ciphers,
    /// The SSRCs ever opened; they grow only by the caller's own streams.
    opened: BTreeSet<u32>,
    next_rtcp_index: u32,
}

impl Sender {
    pub fn new(profile: Profile, master_key: &[u8], master_salt: &[u8]) -> Result<Sender, InvalidKey> {
        let ciphers = Ciphers::new(profile, master_key, master_salt)?;
        Ok(Sender { ciphers, opened: BTreeSet::new(), next_rtcp_index: 0 })
    }

    pub fn profile(&self) -> Profile {
        self.ciphers.profile
    }

    /// Begins a stream. An SSRC can be opened once in a sender's life, else `SourceUsed`.
    pub fn open_stream(&mut self, ssrc: u32) -> Result<SealStream, SealError> {
        if !self.opened.insert(ssrc) {
            return Err(SealError::SourceUsed);
        }
        Ok(SealStream { ssrc, sealed: None })
    }

    /// Seals in place the RTP packet that lies in `out[start..]`, whose header (with CSRCs and extension) is
    /// `header_len` bytes long, and appends the tag. The sequence number must lie ahead of the stream's last one, by
    /// less than 32,768. On an error `out` is as it was, except with `Cipher`, where the packet must be thrown away.
    pub fn seal_rtp(
        &self,
        stream: &mut SealStream,
        out: &mut Vec<u8>,
        start: usize,
        header_len: usize,
    ) -> Result<SealedIndex, SealError> {
        let sequence = check(stream, out, start, header_len)?;
        let index = stream.next_index(sequence)?;
        self.seal_at(stream, out, start, header_len, index)
    }

    /// As [`Sender::seal_rtp`], but for a packet that comes out of order: its index is below the stream's last one, and
    /// has not been sealed. What lies further back than [`super::WINDOW`] is `IndexSealed`.
    pub fn seal_late_rtp(
        &self,
        stream: &mut SealStream,
        out: &mut Vec<u8>,
        start: usize,
        header_len: usize,
    ) -> Result<SealedIndex, SealError> {
        let sequence = check(stream, out, start, header_len)?;
        let index = stream.late_index(sequence)?;
        self.seal_at(stream, out, start, header_len, index)
    }

    fn seal_at(
        &self,
        stream: &mut SealStream,
        out: &mut Vec<u8>,
        start: usize,
        header_len: usize,
        index: u64,
    ) -> Result<SealedIndex, SealError> {
        // Used from here on, even if the cipher should fail half way.
        stream.mark(index);
        self.ciphers
            .rtp
            .seal_rtp(out, start, header_len, stream.ssrc, index)
            .map_err(|_| SealError::Cipher)?;
        Ok(SealedIndex(index))
    }

    /// Seals in place the compound RTCP packet that lies in `out[start..]`, encrypted, and appends index and tag.
    pub fn seal_rtcp(&mut self, out: &mut Vec<u8>, start: usize) -> Result<(), SealError> {
        let packet = out.get(start..).ok_or(SealError::Malformed)?;
        if packet.len() < RTCP_HEADER {
            return Err(SealError::Malformed);
        }
        let ssrc = read_u32(packet, 4).ok_or(SealError::Malformed)?;
        let index = self.next_rtcp_index;
        if index > MAX_RTCP_INDEX {
            return Err(SealError::IndexExhausted);
        }
        self.next_rtcp_index = index + 1;
        self.ciphers.rtcp.seal_rtcp(out, start, ssrc, index).map_err(|_| SealError::Cipher)
    }

    #[cfg(test)]
    pub(super) fn set_next_rtcp_index(&mut self, index: u32) {
        self.next_rtcp_index = index;
    }
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sender").field("profile", &self.ciphers.profile).finish_non_exhaustive()
    }
}

/// The sequence number of the packet, if it is one of the stream's.
fn check(stream: &SealStream, out: &[u8], start: usize, header_len: usize) -> Result<u16, SealError> {
    let packet = out.get(start..).ok_or(SealError::Malformed)?;
    if header_len < RTP_FIXED_HEADER || packet.len() < header_len {
        return Err(SealError::Malformed);
    }
    if read_u32(packet, 8) != Some(stream.ssrc) {
        return Err(SealError::WrongSource);
    }
    read_u16(packet, 2).ok_or(SealError::Malformed)
}
