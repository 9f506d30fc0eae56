//! The transform of one profile with the session keys of one direction.

use super::cm::CounterMode;
use super::gcm::Gcm;
use super::key_derivation::{Label, Master};
use super::{InvalidKey, Profile};

/// The packet does not authenticate, or is not long enough to; which of them, nobody shall be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CipherFailure;

/// One for SRTP, one for SRTCP: their keys differ.
pub(super) enum Cipher {
    Gcm(Gcm),
    /// Boxed for its HMAC contexts, which are ten times as large as all else.
    CounterMode(Box<CounterMode>),
}

/// The transforms for SRTP and for SRTCP under one master key.
pub(super) struct Ciphers {
    pub(super) profile: Profile,
    pub(super) rtp: Cipher,
    pub(super) rtcp: Cipher,
}

impl Ciphers {
    pub(super) fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Result<Ciphers, InvalidKey> {
        if key.len() != profile.key_len() || salt.len() != profile.salt_len() {
            return Err(InvalidKey);
        }
        let master = Master::new(key, salt)?;
        use Label::*;
        Ok(Ciphers {
            profile,
            rtp: Cipher::derive(profile, &master, [RtpEncryption, RtpSalt, RtpAuthentication])?,
            rtcp: Cipher::derive(profile, &master, [RtcpEncryption, RtcpSalt, RtcpAuthentication])?,
        })
    }
}

impl Cipher {
    fn derive(profile: Profile, master: &Master, labels: [Label; 3]) -> Result<Cipher, InvalidKey> {
        let [encryption, salt, authentication] = labels;
        Ok(match profile {
            Profile::AeadAes128Gcm => {
                Cipher::Gcm(Gcm::new(master.derive::<16>(encryption)?.as_slice(), *master.derive(salt)?)?)
            }
            Profile::AeadAes256Gcm => {
                Cipher::Gcm(Gcm::new(master.derive::<32>(encryption)?.as_slice(), *master.derive(salt)?)?)
            }
            Profile::Aes128CmHmacSha1_80 => Cipher::CounterMode(Box::new(CounterMode::new(
                master.derive::<16>(encryption)?.as_slice(),
                *master.derive(salt)?,
                &*master.derive(authentication)?,
            )?)),
        })
    }

    pub(super) fn seal_rtp(
        &self,
        out: &mut Vec<u8>,
        start: usize,
        header_len: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<(), CipherFailure> {
        match self {
            Cipher::Gcm(gcm) => gcm.seal_rtp(out, start, header_len, ssrc, index),
            Cipher::CounterMode(cm) => cm.seal_rtp(out, start, header_len, ssrc, index),
        }
    }

    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        header_len: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<usize, CipherFailure> {
        match self {
            Cipher::Gcm(gcm) => gcm.open_rtp(packet, header_len, ssrc, index),
            Cipher::CounterMode(cm) => cm.open_rtp(packet, header_len, ssrc, index),
        }
    }

    pub(super) fn seal_rtcp(
        &self,
        out: &mut Vec<u8>,
        start: usize,
        ssrc: u32,
        index: u32,
    ) -> Result<(), CipherFailure> {
        match self {
            Cipher::Gcm(gcm) => gcm.seal_rtcp(out, start, ssrc, index),
            Cipher::CounterMode(cm) => cm.seal_rtcp(out, start, ssrc, index),
        }
    }

    /// `word` is what [`Cipher::rtcp_word_at`] points to.
    pub(super) fn open_rtcp(&self, packet: &mut [u8], ssrc: u32, word: u32) -> Result<usize, CipherFailure> {
        match self {
            Cipher::Gcm(gcm) => gcm.open_rtcp(packet, ssrc, word),
            Cipher::CounterMode(cm) => cm.open_rtcp(packet, ssrc, word),
        }
    }

    /// Where an SRTCP packet of this length has its word of encryption bit and index: last of all under GCM (RFC 7714
    /// section 9.2), before the tag otherwise (RFC 3711 section 3.4). `None` if the packet is too short for one.
    pub(super) fn rtcp_word_at(&self, packet_len: usize) -> Option<usize> {
        match self {
            Cipher::Gcm(_) => packet_len.checked_sub(4),
            Cipher::CounterMode(_) => packet_len.checked_sub(super::cm::TAG + 4),
        }
    }
}
