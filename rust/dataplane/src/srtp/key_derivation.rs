//! Session keys out of master keys (RFC 3711 section 4.3, RFC 6188 section 3 for 256-bit keys, RFC 7714 section 11).

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

use super::InvalidKey;

/// What a session key is for; the numbers are RFC 3711's labels (section 4.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Label {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// A block cipher key for AES in counter mode, by the key's length.
pub(super) fn counter_mode_key(key: &[u8]) -> Result<EncryptingKey, InvalidKey> {
    let algorithm = match key.len() {
        16 => &AES_128,
        32 => &AES_256,
        _ => return Err(InvalidKey),
    };
    UnboundCipherKey::new(algorithm, key).and_then(EncryptingKey::ctr).map_err(|_| InvalidKey)
}

/// AES-CM over `in_out` from the counter block `iv` on (RFC 3711 section 4.1.1).
pub(super) fn apply_keystream(key: &EncryptingKey, iv: [u8; 16], in_out: &mut [u8]) -> Result<(), ()> {
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    key.less_safe_encrypt(in_out, context).map(|_| ()).map_err(|_| ())
}

/// The master key with its salt, ready to derive.
pub(super) struct Master {
    key: EncryptingKey,
    salt: [u8; 14],
}

impl Master {
    /// A salt of 12 bytes (the GCM profiles) is padded with zeros on the right to the 14 of RFC 3711.
    pub(super) fn new(key: &[u8], salt: &[u8]) -> Result<Master, InvalidKey> {
        let mut padded = [0; 14];
        padded.get_mut(..salt.len()).ok_or(InvalidKey)?.copy_from_slice(salt);
        Ok(Master { key: counter_mode_key(key)?, salt: padded })
    }

    /// Derives a session key at a key derivation rate of zero: the keystream under the master key from the block
    /// (salt XOR label at the 8th byte) * 2^16 on.
    pub(super) fn derive<const N: usize>(
        &self,
        label: Label,
    ) -> Result<zeroize::Zeroizing<[u8; N]>, InvalidKey> {
        let mut iv = [0; 16];
        iv[..14].copy_from_slice(&self.salt);
        iv[7] ^= label as u8;
        let mut derived = zeroize::Zeroizing::new([0; N]);
        apply_keystream(&self.key, iv, derived.as_mut()).map_err(|()| InvalidKey)?;
        Ok(derived)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::hex;
    use super::*;

    /// RFC 3711 appendix B.3.
    #[test]
    fn session_keys_are_those_of_rfc_3711() {
        let master =
            Master::new(&hex("E1F97A0D3E018BE0D64FA32C06DE4139"), &hex("0EC675AD498AFEEBB6960B3AABE6"))
                .unwrap();
        let key = master.derive::<16>(Label::RtpEncryption).unwrap();
        let salt = master.derive::<14>(Label::RtpSalt).unwrap();
        let auth = master.derive::<94>(Label::RtpAuthentication).unwrap();
        assert_eq!(key.as_slice(), hex("C61E7A93744F39EE10734AFE3FF7A087"));
        assert_eq!(salt.as_slice(), hex("30CBBC08863D8C85D49DB34A9AE1"));
        assert_eq!(
            auth.as_slice(),
            hex("CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE
                 E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25
                 6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2")
        );
    }

    /// RFC 3711 appendix B.2: the first and the last blocks of a keystream of 65,282.
    #[test]
    fn the_keystream_is_that_of_rfc_3711() {
        let key = counter_mode_key(&hex("2B7E151628AED2A6ABF7158809CF4F3C")).unwrap();
        let iv = hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000").try_into().unwrap();
        let mut stream = vec![0; 1_044_512];
        apply_keystream(&key, iv, &mut stream).unwrap();
        assert_eq!(
            stream[..48],
            hex("E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB
                 41E95B3BB0A2E8DD477901E4FCA894C0")
        );
        assert_eq!(
            stream[1_044_512 - 48..],
            hex("EC8CDF7398607CB0F2D21675EA9EA1E4 362B7C3C6773516318A077D7FC5073AE
                 6A2CC3787889374FBEB4C81B17BA6C44")
        );
    }
}
