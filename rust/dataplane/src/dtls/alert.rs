//! Fatal alerts of DTLS 1.3 (RFC 9147 section 4, RFC 8446 section 6.2).
//!
//! Under keys the engine sends one alert by itself: close_notify, when it is closed. A peer whose certificate is refused has
//! to hear of a failure, not of a peer that has left. The engine seals with the ciphers that it is given, so it is given
//! these, which on demand write another description into that alert before they seal it.

use std::cell::Cell;

use dimpl::CryptoError;
use dimpl::crypto::{
    Aad, Buf, Cipher, CryptoProvider, Dtls13CipherSuite, HashAlgorithm, Nonce, SupportedDtls13CipherSuite,
    TmpBuf, aws_lc_rs,
};

/// RFC 8446 section 6.2.
pub(super) const BAD_CERTIFICATE: u8 = 42;

const FATAL: u8 = 2;
const ALERT: u8 = 21;
/// What the engine has sealed when it is closed: level, description, and the type of the content.
const CLOSE_NOTIFY: [u8; 3] = [1, 0, ALERT];

thread_local! {
    /// Takes the place of close_notify while an engine of this thread is closed.
    static DESCRIPTION: Cell<Option<u8>> = const { Cell::new(None) };
}

/// Closes an engine such that it sends a fatal alert.
pub(super) fn instead_of_close_notify<R>(description: u8, close: impl FnOnce() -> R) -> R {
    DESCRIPTION.set(Some(description));
    let closed = close();
    DESCRIPTION.set(None);
    closed
}

/// The word for a fatal alert of the peer's: with its number, if it is one of RFC 8446 section 6 or RFC 5246 section 7.2.
pub(super) fn reason(description: u8) -> &'static str {
    match description {
        10 => "dtls-alert-10",
        20 => "dtls-alert-20",
        22 => "dtls-alert-22",
        40 => "dtls-alert-40",
        42 => "dtls-alert-42",
        43 => "dtls-alert-43",
        44 => "dtls-alert-44",
        45 => "dtls-alert-45",
        46 => "dtls-alert-46",
        47 => "dtls-alert-47",
        48 => "dtls-alert-48",
        49 => "dtls-alert-49",
        50 => "dtls-alert-50",
        51 => "dtls-alert-51",
        70 => "dtls-alert-70",
        71 => "dtls-alert-71",
        80 => "dtls-alert-80",
        86 => "dtls-alert-86",
        109 => "dtls-alert-109",
        110 => "dtls-alert-110",
        112 => "dtls-alert-112",
        113 => "dtls-alert-113",
        115 => "dtls-alert-115",
        116 => "dtls-alert-116",
        120 => "dtls-alert-120",
        _ => "dtls-alert",
    }
}

/// The cryptography of AWS-LC, with the ciphers of DTLS 1.3 in these hands. For a configuration that lasts: what it needs
/// is never freed.
pub(super) fn provider() -> CryptoProvider {
    let provider = aws_lc_rs::default_provider();
    let suites = provider.dtls13_cipher_suites.iter().map(|&suite| {
        let suite: &'static dyn SupportedDtls13CipherSuite = Box::leak(Box::new(Suite(suite)));
        suite
    });
    let suites: Vec<&'static dyn SupportedDtls13CipherSuite> = suites.collect();
    CryptoProvider { dtls13_cipher_suites: suites.leak(), ..provider }
}

#[derive(Debug)]
struct Suite(&'static dyn SupportedDtls13CipherSuite);

impl SupportedDtls13CipherSuite for Suite {
    fn suite(&self) -> Dtls13CipherSuite {
        self.0.suite()
    }

    fn hash_algorithm(&self) -> HashAlgorithm {
        self.0.hash_algorithm()
    }

    fn key_len(&self) -> usize {
        self.0.key_len()
    }

    fn iv_len(&self) -> usize {
        self.0.iv_len()
    }

    fn tag_len(&self) -> usize {
        self.0.tag_len()
    }

    fn min_protected_fragment_len(&self) -> usize {
        self.0.min_protected_fragment_len()
    }

    fn create_cipher(&self, key: &[u8]) -> Result<Box<dyn Cipher>, CryptoError> {
        Ok(Box::new(Sealing(self.0.create_cipher(key)?)))
    }

    fn encrypt_sn(&self, sn_key: &[u8], sample: &[u8; 16]) -> [u8; 16] {
        self.0.encrypt_sn(sn_key, sample)
    }
}

#[derive(Debug)]
struct Sealing(Box<dyn Cipher>);

impl Cipher for Sealing {
    fn encrypt(&mut self, plaintext: &mut Buf, aad: Aad, nonce: Nonce) -> Result<(), CryptoError> {
        if let Some(description) = DESCRIPTION.get()
            && **plaintext == CLOSE_NOTIFY
        {
            plaintext.copy_from_slice(&[FATAL, description, ALERT]);
        }
        self.0.encrypt(plaintext, aad, nonce)
    }

    fn decrypt(&mut self, ciphertext: &mut TmpBuf, aad: Aad, nonce: Nonce) -> Result<(), CryptoError> {
        self.0.decrypt(ciphertext, aad, nonce)
    }
}
