//! This end's certificate.

use std::ops::Deref;

use dimpl::DtlsCertificate;

/// An ECDSA P-256 key with a certificate signed by itself, for a year from now.
///
/// Making one reads the system's clock and randomness: it is for the start of a program, not for the data plane's turns.
#[derive(Clone, Debug)]
pub struct Certificate(DtlsCertificate);

/// The cryptographic library could not make a key or a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateError;

impl std::fmt::Display for CertificateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no certificate could be made")
    }
}

impl std::error::Error for CertificateError {}

impl Certificate {
    pub fn generate() -> Result<Certificate, CertificateError> {
        dimpl::certificate::generate_self_signed_certificate().map(Certificate).map_err(|_| CertificateError)
    }

    /// What is signalled as `a=fingerprint:sha-256` (RFC 8122 section 5).
    pub fn fingerprint_sha256(&self) -> [u8; 32] {
        let mut fingerprint = [0; 32];
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.0.certificate);
        // SHA-256 has 32 bytes, so the copy cannot fail.
        fingerprint.copy_from_slice(digest.as_ref());
        fingerprint
    }

    /// The certificate in DER (RFC 5280).
    pub fn der(&self) -> &[u8] {
        &self.0.certificate
    }

    pub fn into_inner(self) -> DtlsCertificate {
        self.0
    }
}

impl From<DtlsCertificate> for Certificate {
    fn from(certificate: DtlsCertificate) -> Certificate {
        Certificate(certificate)
    }
}

impl Deref for Certificate {
    type Target = DtlsCertificate;

    fn deref(&self) -> &DtlsCertificate {
        &self.0
    }
}
