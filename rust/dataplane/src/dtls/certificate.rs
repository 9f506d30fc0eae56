//! This end's certificate.

use std::ops::Deref;
use std::time::{Duration, SystemTime};

use dimpl::DtlsCertificate;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384};

const SERIAL_NUMBER_BYTES: usize = 16;
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What a key is a point of. The engine signs by ECDSA alone, and on no other curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    P256,
    P384,
}

/// An ECDSA key with a certificate signed by itself.
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
    /// Over P-256, for a year from now.
    pub fn generate() -> Result<Certificate, CertificateError> {
        Certificate::over(Curve::P256, YEAR)
    }

    /// Over a curve, valid from now for so long. Its serial number is random: Firefox takes two certificates of one issuer
    /// and one serial number for the same.
    pub fn over(curve: Curve, valid: Duration) -> Result<Certificate, CertificateError> {
        let algorithm = match curve {
            Curve::P256 => &PKCS_ECDSA_P256_SHA256,
            Curve::P384 => &PKCS_ECDSA_P384_SHA384,
        };
        let key = KeyPair::generate_for(algorithm).map_err(|_| CertificateError)?;
        let mut serial_number = vec![0; SERIAL_NUMBER_BYTES];
        aws_lc_rs::rand::fill(&mut serial_number).map_err(|_| CertificateError)?;
        let now = SystemTime::now();
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, "WebRTC");
        parameters.not_before = now.into();
        parameters.not_after = now.checked_add(valid).ok_or(CertificateError)?.into();
        parameters.serial_number = Some(serial_number.into());
        let certificate = parameters.self_signed(&key).map_err(|_| CertificateError)?;
        Ok(Certificate(DtlsCertificate {
            certificate: certificate.der().to_vec(),
            private_key: key.serialize_der(),
        }))
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
