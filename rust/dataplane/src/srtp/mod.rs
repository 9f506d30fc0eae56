//! SRTP and SRTCP (RFC 3711, RFC 7714): what one end sends is sealed by a [`Sender`], what it receives is opened by a
//! [`Receiver`]; each holds the session keys of its direction.
//!
//! Left out, because DTLS-SRTP never negotiates them (RFC 5764 section 4.1): MKI, key derivation rates other than zero,
//! authentication tags of 32 bits, encrypted header extensions (RFC 6904).

mod cipher;
mod cm;
mod gcm;
mod key_derivation;
mod receiver;
mod replay;
mod sender;
#[cfg(test)]
mod tests;

pub use receiver::{MAX_RETIRED, MAX_SOURCES, OpenError, Receiver};
pub use replay::WINDOW;
pub use sender::{SealError, SealStream, SealedIndex, Sender};

/// The last index of an RTP stream: 32 bits of roll-over counter, 16 of sequence number (RFC 3711 section 3.3.1).
pub const MAX_INDEX: u64 = (1 << 48) - 1;

/// The last SRTCP index (RFC 3711 section 3.4).
pub const MAX_RTCP_INDEX: u32 = (1 << 31) - 1;

/// What the longest tag and trailer add to a packet: 16 bytes of tag, 4 of SRTCP index.
pub const MAX_OVERHEAD: usize = 20;

const RTP_FIXED_HEADER: usize = 12;
const RTCP_HEADER: usize = 8;

/// A protection profile (RFC 5764 section 4.1.2, RFC 7714 section 14.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    AeadAes128Gcm,
    AeadAes256Gcm,
    Aes128CmHmacSha1_80,
}

impl Profile {
    /// The profile that a DTLS handshake chose; `None` for one that is not implemented.
    pub fn from_dtls(profile: dimpl::SrtpProfile) -> Option<Profile> {
        match profile {
            dimpl::SrtpProfile::AEAD_AES_128_GCM => Some(Profile::AeadAes128Gcm),
            dimpl::SrtpProfile::AEAD_AES_256_GCM => Some(Profile::AeadAes256Gcm),
            dimpl::SrtpProfile::AES128_CM_SHA1_80 => Some(Profile::Aes128CmHmacSha1_80),
            _ => None,
        }
    }

    /// The name in the DTLS-SRTP Protection Profiles registry (RFC 5764 section 4.1.2, RFC 7714 section 14.2).
    pub const fn as_str(self) -> &'static str {
        match self {
            Profile::AeadAes128Gcm => "SRTP_AEAD_AES_128_GCM",
            Profile::AeadAes256Gcm => "SRTP_AEAD_AES_256_GCM",
            Profile::Aes128CmHmacSha1_80 => "SRTP_AES128_CM_HMAC_SHA1_80",
        }
    }

    /// Of the master key and of the session keys, in bytes.
    pub const fn key_len(self) -> usize {
        match self {
            Profile::AeadAes128Gcm | Profile::Aes128CmHmacSha1_80 => 16,
            Profile::AeadAes256Gcm => 32,
        }
    }

    /// Of the master salt and of the session salts, in bytes.
    pub const fn salt_len(self) -> usize {
        match self {
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => 12,
            Profile::Aes128CmHmacSha1_80 => 14,
        }
    }

    /// Of the authentication tag of SRTP and of SRTCP, in bytes.
    pub const fn tag_len(self) -> usize {
        match self {
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => 16,
            Profile::Aes128CmHmacSha1_80 => 10,
        }
    }

    /// Splits a master key and its salt that lie one after the other; `None` if the length is not theirs.
    pub fn split_key(self, concatenated: &[u8]) -> Option<(&[u8], &[u8])> {
        if concatenated.len() != self.key_len() + self.salt_len() {
            return None;
        }
        concatenated.split_at_checked(self.key_len())
    }
}

/// The master key or salt has not the length that the profile asks for, or the cryptographic library refused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey;

impl std::fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the SRTP master key or salt does not fit the profile")
    }
}

impl std::error::Error for InvalidKey {}

/// The big-endian 16-bit word at `at`.
fn read_u16(bytes: &[u8], at: usize) -> Option<u16> {
    let word = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(word.try_into().ok()?))
}

/// The big-endian 32-bit word at `at`.
fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(word.try_into().ok()?))
}
