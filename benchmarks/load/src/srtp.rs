//! SRTP and SRTCP with AES-GCM (RFC 7714), keys derived as RFC 3711 section 4.3 says.
//!
//! This is not the data plane's: a foreign judge reads what that one writes.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use dimpl::SrtpProfile;

use crate::Result;

pub const TAG_BYTES: usize = 16;
pub const RTP_HEADER_BYTES: usize = 12;
const SALT_BYTES: usize = 12;
const RTCP_HEADER_BYTES: usize = 8;
const ENCRYPTED: u32 = 1 << 31;

/// The session keys of one direction.
pub struct Keys {
    rtp: LessSafeKey,
    rtp_salt: [u8; SALT_BYTES],
    rtcp: LessSafeKey,
    rtcp_salt: [u8; SALT_BYTES],
}

/// Splits what DTLS exported (RFC 5764 section 4.2) into what the client and what the server sends with.
pub fn keys(material: &[u8], profile: SrtpProfile) -> Result<(Keys, Keys)> {
    let (algorithm, key_bytes) = match profile {
        SrtpProfile::AEAD_AES_128_GCM => (&AES_128_GCM, 16),
        SrtpProfile::AEAD_AES_256_GCM => (&AES_256_GCM, 32),
        other => {
            return Err(format!("{other:?} was negotiated; only the AES-GCM profiles are measured").into());
        }
    };
    let (client_key, rest) = material.split_at_checked(key_bytes).ok_or("too little keying material")?;
    let (server_key, rest) = rest.split_at_checked(key_bytes).ok_or("too little keying material")?;
    let (client_salt, rest) = rest.split_at_checked(SALT_BYTES).ok_or("too little keying material")?;
    let server_salt = rest.get(..SALT_BYTES).ok_or("too little keying material")?;
    Ok((Keys::derive(algorithm, client_key, client_salt)?, Keys::derive(algorithm, server_key, server_salt)?))
}

impl Keys {
    pub fn derive(algorithm: &'static Algorithm, key: &[u8], salt: &[u8]) -> Result<Keys> {
        let secret = |label| -> Result<LessSafeKey> {
            let mut session = vec![0; key.len()];
            derive(key, salt, label, &mut session)?;
            Ok(LessSafeKey::new(
                UnboundKey::new(algorithm, &session).map_err(|_| "a key of the wrong length")?,
            ))
        };
        let public = |label| -> Result<[u8; SALT_BYTES]> {
            let mut session = [0; SALT_BYTES];
            derive(key, salt, label, &mut session)?;
            Ok(session)
        };
        Ok(Keys { rtp: secret(0)?, rtp_salt: public(2)?, rtcp: secret(3)?, rtcp_salt: public(5)? })
    }

    /// Seals an RTP packet without CSRCs and extensions; the last 16 bytes of `packet` are the tag's.
    pub fn seal_rtp(&self, packet: &mut [u8], roll_over: u32) {
        let nonce = rtp_nonce(&self.rtp_salt, packet, roll_over);
        let (header, rest) = packet.split_at_mut(RTP_HEADER_BYTES);
        let (payload, tag) = rest.split_at_mut(rest.len() - TAG_BYTES);
        let sealed = self.rtp.seal_in_place_separate_tag(nonce, Aad::from(&*header), payload);
        tag.copy_from_slice(sealed.expect("an RTP payload is far below GCM's limit").as_ref());
    }

    /// Opens an RTP packet in place; gives where its payload begins and ends.
    pub fn open_rtp(&self, packet: &mut [u8], roll_over: u32) -> Option<(usize, usize)> {
        let first = *packet.first()?;
        let mut begin = RTP_HEADER_BYTES + 4 * usize::from(first & 0x0F);
        if first & 0x10 != 0 {
            let words = packet.get(begin + 2..begin + 4)?;
            begin += 4 + 4 * usize::from(u16::from_be_bytes(words.try_into().ok()?));
        }
        let end = packet.len().checked_sub(TAG_BYTES).filter(|end| *end >= begin)?;
        let nonce = rtp_nonce(&self.rtp_salt, packet, roll_over);
        let (header, rest) = packet.split_at_mut(begin);
        self.rtp.open_in_place(nonce, Aad::from(&*header), rest).ok()?;
        Some((begin, end))
    }

    /// Seals a compound RTCP packet (RFC 7714 section 9); `index` counts the packets of this direction.
    pub fn seal_rtcp(&self, packet: &mut Vec<u8>, index: u32) {
        let trailer = ENCRYPTED | index;
        let mut aad = [0; RTCP_HEADER_BYTES + 4];
        aad[..RTCP_HEADER_BYTES].copy_from_slice(&packet[..RTCP_HEADER_BYTES]);
        aad[RTCP_HEADER_BYTES..].copy_from_slice(&trailer.to_be_bytes());
        let nonce = rtcp_nonce(&self.rtcp_salt, packet, index);
        let sealed =
            self.rtcp.seal_in_place_separate_tag(nonce, Aad::from(aad), &mut packet[RTCP_HEADER_BYTES..]);
        packet.extend(sealed.expect("an RTCP packet is far below GCM's limit").as_ref());
        packet.extend(trailer.to_be_bytes());
    }

    /// Opens a compound RTCP packet in place and gives its length.
    pub fn open_rtcp(&self, packet: &mut [u8]) -> Option<usize> {
        let end = packet.len().checked_sub(4).filter(|end| *end >= RTCP_HEADER_BYTES + TAG_BYTES)?;
        let trailer = u32::from_be_bytes(packet.get(end..)?.try_into().ok()?);
        if trailer & ENCRYPTED == 0 {
            return None;
        }
        let mut aad = [0; RTCP_HEADER_BYTES + 4];
        aad[..RTCP_HEADER_BYTES].copy_from_slice(&packet[..RTCP_HEADER_BYTES]);
        aad[RTCP_HEADER_BYTES..].copy_from_slice(&trailer.to_be_bytes());
        let nonce = rtcp_nonce(&self.rtcp_salt, packet, trailer & !ENCRYPTED);
        self.rtcp.open_in_place(nonce, Aad::from(aad), &mut packet[RTCP_HEADER_BYTES..end]).ok()?;
        Some(end - TAG_BYTES)
    }
}

/// RFC 7714 section 8.1: two zero bytes, SSRC, roll-over counter, sequence number; mixed with the salt.
fn rtp_nonce(salt: &[u8; SALT_BYTES], packet: &[u8], roll_over: u32) -> Nonce {
    let mut nonce = [0; SALT_BYTES];
    nonce[2..6].copy_from_slice(&packet[8..12]);
    nonce[6..10].copy_from_slice(&roll_over.to_be_bytes());
    nonce[10..].copy_from_slice(&packet[2..4]);
    mix(nonce, salt)
}

/// RFC 7714 section 9.1: two zero bytes, SSRC, two zero bytes, the index; mixed with the salt.
fn rtcp_nonce(salt: &[u8; SALT_BYTES], packet: &[u8], index: u32) -> Nonce {
    let mut nonce = [0; SALT_BYTES];
    nonce[2..6].copy_from_slice(&packet[4..8]);
    nonce[8..].copy_from_slice(&index.to_be_bytes());
    mix(nonce, salt)
}

fn mix(mut nonce: [u8; SALT_BYTES], salt: &[u8; SALT_BYTES]) -> Nonce {
    nonce.iter_mut().zip(salt).for_each(|(byte, salt)| *byte ^= salt);
    Nonce::assume_unique_for_key(nonce)
}

/// The AES-CM key derivation of RFC 3711 section 4.3.3, with a key derivation rate of zero.
fn derive(master_key: &[u8], master_salt: &[u8], label: u8, out: &mut [u8]) -> Result<()> {
    let mut counter = [0; 16];
    counter[..master_salt.len()].copy_from_slice(master_salt);
    counter[7] ^= label;
    let algorithm = if master_key.len() == 16 { &AES_128 } else { &AES_256 };
    let key = UnboundCipherKey::new(algorithm, master_key)
        .and_then(EncryptingKey::ctr)
        .map_err(|_| "not an AES key")?;
    out.fill(0);
    key.less_safe_encrypt(out, EncryptionContext::Iv128(counter.into())).map_err(|_| "AES-CTR failed")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn the_vectors_of_rfc_3711_appendix_b_3_come_out() {
        let (key, salt) = (hex("E1F97A0D3E018BE0D64FA32C06DE4139"), hex("0EC675AD498AFEEBB6960B3AABE6"));
        let mut session = [0; 16];
        derive(&key, &salt, 0, &mut session).unwrap();
        assert_eq!(session.to_vec(), hex("C61E7A93744F39EE10734AFE3FF7A087"));
        let mut session = [0; 14];
        derive(&key, &salt, 2, &mut session).unwrap();
        assert_eq!(session.to_vec(), hex("30CBBC08863D8C85D49DB34A9AE1"));
    }

    #[test]
    fn what_is_sealed_opens_and_what_is_altered_does_not() {
        let keys = Keys::derive(&AES_128_GCM, &[1; 16], &[2; 12]).unwrap();
        let mut packet = vec![0x80; RTP_HEADER_BYTES + 50 + TAG_BYTES];
        keys.seal_rtp(&mut packet, 3);
        let mut altered = packet.clone();
        altered[20] ^= 1;
        assert_eq!(keys.open_rtp(&mut altered, 3), None);
        assert_eq!(keys.open_rtp(&mut packet.clone(), 4), None);
        assert_eq!(keys.open_rtp(&mut packet, 3), Some((12, 62)));

        let mut report = vec![0x80, 201, 0, 1, 0, 0, 0, 9];
        keys.seal_rtcp(&mut report, 5);
        assert_eq!(keys.open_rtcp(&mut report), Some(8));
    }
}
