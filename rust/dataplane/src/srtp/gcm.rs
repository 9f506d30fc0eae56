//! AES-GCM (RFC 7714 sections 8 and 9).

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::cipher::CipherFailure;
use super::{InvalidKey, RTCP_HEADER};

pub(super) const TAG: usize = 16;
const WORD: usize = 4;
const ENCRYPTED: u32 = 1 << 31;

/// The session key and salt of one direction, of SRTP or of SRTCP.
pub(super) struct Gcm {
    key: LessSafeKey,
    salt: [u8; 12],
}

impl Gcm {
    pub(super) fn new(key: &[u8], salt: [u8; 12]) -> Result<Gcm, InvalidKey> {
        let algorithm = match key.len() {
            16 => &AES_128_GCM,
            32 => &AES_256_GCM,
            _ => return Err(InvalidKey),
        };
        let key = UnboundKey::new(algorithm, key).map_err(|_| InvalidKey)?;
        Ok(Gcm { key: LessSafeKey::new(key), salt })
    }

    /// RFC 7714 section 8.1 for SRTP: SSRC, roll-over counter and sequence number (the 48-bit index); section 9.1 for
    /// SRTCP: SSRC, two zero bytes and the 31-bit index, which is the same where the index has 31 bits.
    fn nonce(&self, ssrc: u32, index: u64) -> Nonce {
        let mut iv = self.salt;
        for (byte, part) in iv[2..6].iter_mut().zip(ssrc.to_be_bytes()) {
            *byte ^= part;
        }
        for (byte, part) in iv[6..12].iter_mut().zip(&index.to_be_bytes()[2..]) {
            *byte ^= part;
        }
        Nonce::assume_unique_for_key(iv)
    }

    /// Seals the packet at `out[start..]` and appends the tag.
    pub(super) fn seal_rtp(
        &self,
        out: &mut Vec<u8>,
        start: usize,
        header_len: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<(), CipherFailure> {
        let packet = out.get_mut(start..).ok_or(CipherFailure)?;
        let (header, payload) = packet.split_at_mut_checked(header_len).ok_or(CipherFailure)?;
        let tag = self
            .key
            .seal_in_place_separate_tag(self.nonce(ssrc, index), Aad::from(&*header), payload)
            .map_err(|_| CipherFailure)?;
        out.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// Opens in place; the plaintext is what is left without the last `TAG` bytes.
    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        header_len: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<usize, CipherFailure> {
        let (header, sealed) = packet.split_at_mut_checked(header_len).ok_or(CipherFailure)?;
        let plain = self
            .key
            .open_in_place(self.nonce(ssrc, index), Aad::from(&*header), sealed)
            .map_err(|_| CipherFailure)?;
        Ok(header_len + plain.len())
    }

    /// Seals the compound packet at `out[start..]`, always encrypted; appends tag and SRTCP index.
    pub(super) fn seal_rtcp(
        &self,
        out: &mut Vec<u8>,
        start: usize,
        ssrc: u32,
        index: u32,
    ) -> Result<(), CipherFailure> {
        let word = (index | ENCRYPTED).to_be_bytes();
        let packet = out.get_mut(start..).ok_or(CipherFailure)?;
        let (header, payload) = packet.split_at_mut_checked(RTCP_HEADER).ok_or(CipherFailure)?;
        let tag = self
            .key
            .seal_in_place_separate_tag(self.nonce(ssrc, index.into()), encrypted_aad(header, word)?, payload)
            .map_err(|_| CipherFailure)?;
        out.extend_from_slice(tag.as_ref());
        out.extend_from_slice(&word);
        Ok(())
    }

    /// Opens in place a compound packet whose last word, `word`, is read but not yet believed; encrypted or only
    /// authenticated (section 9.3), as its first bit says.
    pub(super) fn open_rtcp(&self, packet: &mut [u8], ssrc: u32, word: u32) -> Result<usize, CipherFailure> {
        let nonce = self.nonce(ssrc, (word & !ENCRYPTED).into());
        let sealed_len = packet.len().checked_sub(WORD).ok_or(CipherFailure)?;
        if word & ENCRYPTED != 0 {
            let sealed = packet.get_mut(..sealed_len).ok_or(CipherFailure)?;
            let (header, sealed) = sealed.split_at_mut_checked(RTCP_HEADER).ok_or(CipherFailure)?;
            let aad = encrypted_aad(header, word.to_be_bytes())?;
            let plain = self.key.open_in_place(nonce, aad, sealed).map_err(|_| CipherFailure)?;
            return Ok(RTCP_HEADER + plain.len());
        }
        // Associated are the whole packet and the word after it, but the tag lies between them: put it last.
        let plain_len = sealed_len.checked_sub(TAG).ok_or(CipherFailure)?;
        let trailer = packet.get_mut(plain_len..).ok_or(CipherFailure)?;
        trailer.rotate_left(TAG);
        let (aad, tag) = packet.split_at_mut_checked(plain_len + WORD).ok_or(CipherFailure)?;
        self.key.open_in_place(nonce, Aad::from(&*aad), tag).map_err(|_| CipherFailure)?;
        Ok(plain_len)
    }
}

/// The associated data of an encrypted compound packet: its first eight bytes and the word with its index.
fn encrypted_aad(header: &[u8], word: [u8; WORD]) -> Result<Aad<[u8; RTCP_HEADER + WORD]>, CipherFailure> {
    let mut aad = [0; RTCP_HEADER + WORD];
    aad[..RTCP_HEADER].copy_from_slice(header.get(..RTCP_HEADER).ok_or(CipherFailure)?);
    aad[RTCP_HEADER..].copy_from_slice(&word);
    Ok(Aad::from(aad))
}
