//! MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 and FINGERPRINT (RFC 8489 sections 14.5 to 14.7).

use aws_lc_rs::{constant_time, hmac};

/// Length of the value of MESSAGE-INTEGRITY: an HMAC-SHA1.
pub(super) const SHA1_LENGTH: usize = 20;
/// Length of the value of MESSAGE-INTEGRITY-SHA256: ICE does not allow a shortened one.
pub(super) const SHA256_LENGTH: usize = 32;

/// What FINGERPRINT says of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FingerprintCheck {
    Absent,
    Valid,
    Invalid,
}

/// The two hashes that protect a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
}

impl Hash {
    pub(super) fn value_length(self) -> usize {
        match self {
            Hash::Sha1 => SHA1_LENGTH,
            Hash::Sha256 => SHA256_LENGTH,
        }
    }

    fn algorithm(self) -> hmac::Algorithm {
        match self {
            Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => hmac::HMAC_SHA256,
        }
    }
}

/// The HMAC over a message whose integrity attribute starts at the end of `before`.
///
/// The header's length counts as if the message ended with that attribute, whatever follows it.
pub(super) fn tag(hash: Hash, key: &[u8], before: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hash.algorithm(), key));
    let end = before.len() + 4 + hash.value_length();
    let length = u16::try_from(end.saturating_sub(super::HEADER_LENGTH)).unwrap_or(u16::MAX);
    if let Some((message_type, rest)) = before.split_at_checked(2) {
        context.update(message_type);
        context.update(&length.to_be_bytes());
        context.update(rest.get(2..).unwrap_or_default());
    }
    context.sign()
}

/// Whether `value` is the HMAC over `before`, in a time that does not tell where they differ.
pub(super) fn verify(hash: Hash, key: &[u8], before: &[u8], value: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(tag(hash, key, before).as_ref(), value).is_ok()
}

/// The value of FINGERPRINT for a message that is `before` up to that attribute.
pub(super) fn fingerprint(before: &[u8]) -> u32 {
    crc32(before) ^ 0x5354_554e
}

/// CRC-32 of ITU V.42 (RFC 1952 section 8), four bits at a time: STUN is short and rare.
fn crc32(data: &[u8]) -> u32 {
    const TABLE: [u32; 16] = table();
    let step = |crc: u32| TABLE[(crc & 0xf) as usize] ^ (crc >> 4);
    !data.iter().fold(!0, |crc, &byte| step(step(crc ^ u32::from(byte))))
}

const fn table() -> [u32; 16] {
    let mut table = [0; 16];
    let mut i = 0;
    while i < 16 {
        let mut crc = i as u32;
        let mut bit = 0;
        while bit < 4 {
            crc = if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
            bit += 1;
        }
        table[i] = crc;
        i += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc32_gives_the_check_value_of_its_catalogue() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn hmac_sha1_of_a_message_too_short_for_a_header_does_not_panic() {
        assert!(!verify(Hash::Sha1, b"key", b"\x00", &[0; 20]));
    }
}
