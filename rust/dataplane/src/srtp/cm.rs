//! AES in counter mode with HMAC-SHA1 (RFC 3711 sections 4.1.1 and 4.2.1).

use aws_lc_rs::cipher::EncryptingKey;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

use super::cipher::CipherFailure;
use super::key_derivation::{apply_keystream, counter_mode_key};
use super::{InvalidKey, RTCP_HEADER};

/// 80 bits of HMAC-SHA1's 160.
pub(super) const TAG: usize = 10;
const WORD: usize = 4;
const ENCRYPTED: u32 = 1 << 31;

/// The session keys and salt of one direction, of SRTP or of SRTCP.
pub(super) struct CounterMode {
    key: EncryptingKey,
    salt: [u8; 14],
    authentication: hmac::Key,
}

impl CounterMode {
    pub(super) fn new(
        key: &[u8],
        salt: [u8; 14],
        authentication: &[u8; 20],
    ) -> Result<CounterMode, InvalidKey> {
        Ok(CounterMode {
            key: counter_mode_key(key)?,
            salt,
            authentication: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, authentication),
        })
    }

    /// (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16), RFC 3711 section 4.1.1.
    fn apply(&self, ssrc: u32, index: u64, in_out: &mut [u8]) -> Result<(), CipherFailure> {
        let mut iv = [0; 16];
        iv[..14].copy_from_slice(&self.salt);
        for (byte, part) in iv[4..8].iter_mut().zip(ssrc.to_be_bytes()) {
            *byte ^= part;
        }
        for (byte, part) in iv[8..14].iter_mut().zip(&index.to_be_bytes()[2..]) {
            *byte ^= part;
        }
        apply_keystream(&self.key, iv, in_out).map_err(|()| CipherFailure)
    }

    fn tag(&self, authenticated: &[u8], suffix: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.authentication);
        context.update(authenticated);
        context.update(suffix);
        context.sign()
    }

    /// Compares in constant time.
    fn verify(&self, authenticated: &[u8], suffix: &[u8], tag: &[u8]) -> Result<(), CipherFailure> {
        let computed = self.tag(authenticated, suffix);
        let computed = computed.as_ref().get(..TAG).ok_or(CipherFailure)?;
        verify_slices_are_equal(computed, tag).map_err(|_| CipherFailure)
    }

    fn append_tag(&self, out: &mut Vec<u8>, start: usize, suffix: &[u8]) -> Result<(), CipherFailure> {
        let tag = self.tag(out.get(start..).ok_or(CipherFailure)?, suffix);
        out.extend_from_slice(tag.as_ref().get(..TAG).ok_or(CipherFailure)?);
        Ok(())
    }

    /// Seals the packet at `out[start..]` and appends the tag, which covers the roll-over counter too.
    pub(super) fn seal_rtp(
        &self,
        out: &mut Vec<u8>,
        start: usize,
        header_len: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<(), CipherFailure> {
        let payload_at = start.checked_add(header_len).ok_or(CipherFailure)?;
        self.apply(ssrc, index, out.get_mut(payload_at..).ok_or(CipherFailure)?)?;
        self.append_tag(out, start, &roll_over_counter(index))
    }

    /// Verifies, then decrypts in place; a packet that is refused is left as it was.
    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        header_len: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<usize, CipherFailure> {
        let plain_len = packet.len().checked_sub(TAG).ok_or(CipherFailure)?;
        let (authenticated, tag) = packet.split_at_mut_checked(plain_len).ok_or(CipherFailure)?;
        let suffix = roll_over_counter(index);
        if header_len > plain_len {
            return Err(CipherFailure);
        }
        self.verify(authenticated, &suffix, tag)?;
        self.apply(ssrc, index, authenticated.get_mut(header_len..).ok_or(CipherFailure)?)?;
        Ok(plain_len)
    }

    /// Seals the compound packet at `out[start..]`, always encrypted; appends SRTCP index and tag (section 3.4).
    pub(super) fn seal_rtcp(
        &self,
        out: &mut Vec<u8>,
        start: usize,
        ssrc: u32,
        index: u32,
    ) -> Result<(), CipherFailure> {
        let payload_at = start.checked_add(RTCP_HEADER).ok_or(CipherFailure)?;
        self.apply(ssrc, index.into(), out.get_mut(payload_at..).ok_or(CipherFailure)?)?;
        out.extend_from_slice(&(index | ENCRYPTED).to_be_bytes());
        self.append_tag(out, start, &[])
    }

    /// Verifies, then decrypts in place if the first bit of `word`, the packet's word before the tag, says so.
    pub(super) fn open_rtcp(&self, packet: &mut [u8], ssrc: u32, word: u32) -> Result<usize, CipherFailure> {
        let authenticated_len = packet.len().checked_sub(TAG).ok_or(CipherFailure)?;
        let plain_len = authenticated_len.checked_sub(WORD).ok_or(CipherFailure)?;
        let (authenticated, tag) = packet.split_at_mut_checked(authenticated_len).ok_or(CipherFailure)?;
        self.verify(authenticated, &[], tag)?;
        if word & ENCRYPTED != 0 {
            let payload = authenticated.get_mut(RTCP_HEADER..plain_len).ok_or(CipherFailure)?;
            self.apply(ssrc, (word & !ENCRYPTED).into(), payload)?;
        }
        Ok(plain_len)
    }
}

fn roll_over_counter(index: u64) -> [u8; 4] {
    let [_, _, a, b, c, d, _, _] = index.to_be_bytes();
    [a, b, c, d]
}
