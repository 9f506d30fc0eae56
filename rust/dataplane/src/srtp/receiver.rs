//! What this end receives: authentication, decryption and protection against replay.

use super::cipher::Ciphers;
use super::replay::ReplayWindow;
use super::{InvalidKey, MAX_INDEX, Profile, RTCP_HEADER, RTP_FIXED_HEADER, read_u16, read_u32};

/// The most SSRCs that one receiver keeps state for, of SRTP and again of SRTCP. Only authenticated ones count, so only
/// the peer itself can use them up. They are never forgotten, or what they sent could be replayed: so there must be enough
/// for every screen that is shared in a day's call, and for a browser that reports on each m-line under an SSRC of its own.
pub const MAX_SOURCES: usize = 1_024;

/// Why a packet was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// Too short for header, tag and index.
    Short,
    /// The tag does not fit: forged, damaged, or of another key.
    Unauthentic,
    /// Its index was seen before, or is too old to know.
    Replayed,
    /// One SSRC more than [`MAX_SOURCES`].
    TooManySources,
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            OpenError::Short => "too short",
            OpenError::Unauthentic => "not authentic",
            OpenError::Replayed => "replayed",
            OpenError::TooManySources => "too many sources",
        })
    }
}

impl std::error::Error for OpenError {}

/// The replay windows by SSRC: a transport has few, so a scan of their SSRCs is the fastest map.
#[derive(Default)]
struct Sources {
    ssrcs: Vec<u32>,
    windows: Vec<ReplayWindow>,
}

impl Sources {
    fn get(&self, ssrc: u32) -> Option<(usize, &ReplayWindow)> {
        let at = self.ssrcs.iter().position(|&known| known == ssrc)?;
        self.windows.get(at).map(|window| (at, window))
    }

    fn is_full(&self) -> bool {
        self.ssrcs.len() >= MAX_SOURCES
    }

    /// Marks an authenticated index.
    fn insert(&mut self, at: Option<usize>, ssrc: u32, index: u64) {
        match at.and_then(|at| self.windows.get_mut(at)) {
            Some(window) => window.insert(index),
            None => {
                self.ssrcs.push(ssrc);
                self.windows.push(ReplayWindow::starting_with(index));
            }
        }
    }
}

/// Opens what one end receives.
pub struct Receiver {
    ciphers: Ciphers,
    rtp: Sources,
    rtcp: Sources,
}

impl Receiver {
    pub fn new(profile: Profile, master_key: &[u8], master_salt: &[u8]) -> Result<Receiver, InvalidKey> {
        let ciphers = Ciphers::new(profile, master_key, master_salt)?;
        Ok(Receiver { ciphers, rtp: Sources::default(), rtcp: Sources::default() })
    }

    pub fn profile(&self) -> Profile {
        self.ciphers.profile
    }

    /// Opens an SRTP packet in place: the plain packet is what then lies in `packet[..length]`, with the 48-bit index as
    /// second of the pair. `header_len` counts CSRCs and header extension (RFC 3711 section 3.1: they stay readable).
    ///
    /// Nothing is remembered of a packet that does not authenticate. After an error the bytes are of no use.
    pub fn open_rtp_untrusted(
        &mut self,
        packet: &mut [u8],
        header_len: usize,
    ) -> Result<(usize, u64), OpenError> {
        let shortest = header_len.checked_add(self.ciphers.profile.tag_len()).ok_or(OpenError::Short)?;
        if header_len < RTP_FIXED_HEADER || packet.len() < shortest {
            return Err(OpenError::Short);
        }
        let sequence = read_u16(packet, 2).ok_or(OpenError::Short)?;
        let ssrc = read_u32(packet, 8).ok_or(OpenError::Short)?;
        let (at, index) = match self.rtp.get(ssrc) {
            Some((at, window)) => {
                let index = estimate_index(window.highest(), sequence).ok_or(OpenError::Unauthentic)?;
                if !window.is_new(index) {
                    return Err(OpenError::Replayed);
                }
                (Some(at), index)
            }
            None if self.rtp.is_full() => return Err(OpenError::TooManySources),
            None => (None, sequence.into()),
        };
        let plain_len =
            self.ciphers.rtp.open_rtp(packet, header_len, ssrc, index).map_err(|_| OpenError::Unauthentic)?;
        self.rtp.insert(at, ssrc, index);
        Ok((plain_len, index))
    }

    /// Opens an SRTCP packet in place: the compound packet is what then lies in `packet[..length]`. Packets that are
    /// authenticated but not encrypted are accepted (RFC 3711 section 3.4, RFC 7714 section 9.3).
    pub fn open_rtcp_untrusted(&mut self, packet: &mut [u8]) -> Result<usize, OpenError> {
        if packet.len() < RTCP_HEADER + self.ciphers.profile.tag_len() + 4 {
            return Err(OpenError::Short);
        }
        let ssrc = read_u32(packet, 4).ok_or(OpenError::Short)?;
        let word_at = self.ciphers.rtcp.rtcp_word_at(packet.len()).ok_or(OpenError::Short)?;
        let word = read_u32(packet, word_at).ok_or(OpenError::Short)?;
        let index = u64::from(word & !(1 << 31));
        let at = match self.rtcp.get(ssrc) {
            Some((_, window)) if !window.is_new(index) => return Err(OpenError::Replayed),
            Some((at, _)) => Some(at),
            None if self.rtcp.is_full() => return Err(OpenError::TooManySources),
            None => None,
        };
        let plain_len =
            self.ciphers.rtcp.open_rtcp(packet, ssrc, word).map_err(|_| OpenError::Unauthentic)?;
        self.rtcp.insert(at, ssrc, index);
        Ok(plain_len)
    }
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver").field("profile", &self.ciphers.profile).finish_non_exhaustive()
    }
}

/// The index nearest to the highest one seen that has this sequence number (RFC 3711 section 3.3.1, appendix A). Where
/// that would lie before the stream's beginning, it is the one ahead; past the end there is none.
fn estimate_index(highest: u64, sequence: u16) -> Option<u64> {
    let last = highest as u16;
    let ahead = sequence.wrapping_sub(last);
    // Both are equally near: the appendix takes the one of the same roll-over.
    let is_tie_ahead = ahead == 0x8000 && last < 0x8000;
    let behind = u64::from(last.wrapping_sub(sequence));
    let index = match highest.checked_sub(behind) {
        Some(index) if ahead >= 0x8000 && !is_tie_ahead => index,
        _ => highest + u64::from(ahead),
    };
    (index <= MAX_INDEX).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_follows_appendix_a() {
        let at = |roc: u64, sequence: u64| (roc << 16) | sequence;
        for (highest, sequence, expected) in [
            (at(0, 10), 11, Some(at(0, 11))),
            (at(0, 10), 9, Some(at(0, 9))),
            (at(0, 65_535), 0, Some(at(1, 0))),
            (at(1, 2), 65_534, Some(at(0, 65_534))),
            (at(3, 40_000), 7_232, Some(at(3, 7_232))),
            (at(3, 40_000), 7_231, Some(at(4, 7_231))),
            (at(3, 100), 32_867, Some(at(3, 32_867))),
            (at(3, 100), 32_868, Some(at(3, 32_868))),
            (at(3, 100), 32_869, Some(at(2, 32_869))),
            (at(0, 100), 60_000, Some(at(0, 60_000))),
            (MAX_INDEX, 65_000, Some(MAX_INDEX - 535)),
            (MAX_INDEX, 0, None),
        ] {
            assert_eq!(estimate_index(highest, sequence), expected, "{highest:#x} {sequence}");
        }
    }
}
