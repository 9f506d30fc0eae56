//! What this end receives: authentication, decryption and protection against replay.

use std::collections::HashMap;

use super::cipher::Ciphers;
use super::replay::ReplayWindow;
use super::{InvalidKey, MAX_INDEX, Profile, RTCP_HEADER, RTP_FIXED_HEADER, read_u16, read_u32};

/// The most SSRCs that one receiver keeps a replay window for, of SRTP and again of SRTCP. Only authenticated ones count,
/// so only the peer itself can use them up. One more takes the place of the one not heard for longest: a browser draws new
/// SSRCs whenever it publishes anew, six for a camera in three sizes, and its old ones never come again.
pub const MAX_SOURCES: usize = 64;
/// The most SSRCs whose window was given up and of which the highest index is still known, so that nothing of theirs can
/// be replayed. When these are used up as well, there is no place for another SSRC under this key.
pub const MAX_RETIRED: usize = 8_192;

/// Why a packet was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// Too short for header, tag and index.
    Short,
    /// The tag does not fit: forged, damaged, or of another key.
    Unauthentic,
    /// Its index was seen before, or is too old to know.
    Replayed,
    /// One SSRC more than [`MAX_SOURCES`] and [`MAX_RETIRED`] together.
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

/// What is known of an SSRC before a packet of it is opened.
#[derive(Clone, Copy)]
enum Known<'a> {
    Active(usize, &'a ReplayWindow),
    /// Its window was given up at this index: what is not above it cannot be told from a replay.
    Retired(u64),
    New,
}

/// The replay windows by SSRC: a transport has few, so a scan of their SSRCs is the fastest map.
#[derive(Default)]
struct Sources {
    ssrcs: Vec<u32>,
    windows: Vec<ReplayWindow>,
    /// When each was last used, by a count of packets.
    used: Vec<u64>,
    packets: u64,
    retired: HashMap<u32, u64>,
}

impl Sources {
    fn get(&self, ssrc: u32) -> Known<'_> {
        if let Some(at) = self.ssrcs.iter().position(|&known| known == ssrc)
            && let Some(window) = self.windows.get(at)
        {
            return Known::Active(at, window);
        }
        self.retired.get(&ssrc).map_or(Known::New, |&highest| Known::Retired(highest))
    }

    fn is_full(&self) -> bool {
        self.ssrcs.len() >= MAX_SOURCES && self.retired.len() >= MAX_RETIRED
    }

    /// Marks an authenticated index.
    fn insert(&mut self, at: Option<usize>, ssrc: u32, index: u64) {
        self.packets += 1;
        if let Some(at) = at
            && let (Some(window), Some(used)) = (self.windows.get_mut(at), self.used.get_mut(at))
        {
            window.insert(index);
            *used = self.packets;
            return;
        }
        let window = match self.retired.remove(&ssrc) {
            Some(highest) => {
                let mut window = ReplayWindow::closed_at(highest);
                window.insert(index);
                window
            }
            None => ReplayWindow::starting_with(index),
        };
        if self.ssrcs.len() >= MAX_SOURCES {
            self.retire_stalest();
        }
        self.ssrcs.push(ssrc);
        self.windows.push(window);
        self.used.push(self.packets);
    }

    fn retire_stalest(&mut self) {
        let Some((at, _)) = self.used.iter().enumerate().min_by_key(|&(_, used)| used) else { return };
        let (ssrc, window) = (self.ssrcs.swap_remove(at), self.windows.swap_remove(at));
        self.used.swap_remove(at);
        self.retired.insert(ssrc, window.highest());
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
            Known::Active(at, window) => {
                let index = estimate_index(window.highest(), sequence).ok_or(OpenError::Unauthentic)?;
                if !window.is_new(index) {
                    return Err(OpenError::Replayed);
                }
                (Some(at), index)
            }
            Known::Retired(highest) => {
                let index = estimate_index(highest, sequence).ok_or(OpenError::Unauthentic)?;
                if index <= highest {
                    return Err(OpenError::Replayed);
                }
                (None, index)
            }
            Known::New if self.rtp.is_full() => return Err(OpenError::TooManySources),
            Known::New => (None, sequence.into()),
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
            Known::Active(_, window) if !window.is_new(index) => return Err(OpenError::Replayed),
            Known::Active(at, _) => Some(at),
            Known::Retired(highest) if index <= highest => return Err(OpenError::Replayed),
            Known::New if self.rtcp.is_full() => return Err(OpenError::TooManySources),
            Known::Retired(_) | Known::New => None,
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
