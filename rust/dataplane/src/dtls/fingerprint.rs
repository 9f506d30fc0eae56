//! Certificate fingerprints (RFC 8122 section 5).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};

use crate::api::Fingerprint;

/// The hash functions that are accepted, strongest first. SHA-1 and older are not (RFC 8122 section 5.1 demands SHA-256
/// of everyone).
const STRONGEST_FIRST: [(&str, &digest::Algorithm); 3] =
    [("sha-512", &SHA512), ("sha-384", &SHA384), ("sha-256", &SHA256)];

/// Whether the certificate is one of those that were signalled. Of several hash functions only the strongest known one
/// counts, and under it one match is enough (RFC 8122 section 5.1).
pub(super) fn matches(certificate_der: &[u8], signalled: &[Fingerprint]) -> bool {
    let under = |name: &str| signalled.iter().any(|one| one.algorithm.eq_ignore_ascii_case(name));
    let Some((name, algorithm)) = STRONGEST_FIRST.into_iter().find(|(name, _)| under(name)) else {
        return false;
    };
    let digest = digest::digest(algorithm, certificate_der);
    signalled.iter().any(|one| {
        one.algorithm.eq_ignore_ascii_case(name)
            && verify_slices_are_equal(&one.digest, digest.as_ref()).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(algorithm: &str, digest: &[u8]) -> Fingerprint {
        Fingerprint { algorithm: algorithm.to_owned(), digest: digest.to_vec() }
    }

    fn of(algorithm: &str, certificate: &[u8]) -> Fingerprint {
        let (_, hash) = STRONGEST_FIRST.into_iter().find(|(name, _)| *name == algorithm).unwrap();
        fingerprint(algorithm, digest::digest(hash, certificate).as_ref())
    }

    #[test]
    fn each_accepted_hash_function_matches_its_certificate_alone() {
        for (name, _) in STRONGEST_FIRST {
            assert!(matches(b"certificate", &[of(name, b"certificate")]));
            assert!(!matches(b"certificate", &[of(name, b"another")]));
        }
    }

    #[test]
    fn one_of_several_under_the_same_function_is_enough() {
        assert!(matches(b"certificate", &[of("sha-256", b"another"), of("sha-256", b"certificate")]));
    }

    #[test]
    fn a_weaker_match_does_not_heal_a_stronger_mismatch() {
        assert!(!matches(b"certificate", &[of("sha-256", b"certificate"), of("sha-512", b"another")]));
    }

    #[test]
    fn nothing_signalled_or_nothing_known_matches_nothing() {
        assert!(!matches(b"certificate", &[]));
        assert!(!matches(b"certificate", &[fingerprint("sha-1", &[0; 20]), fingerprint("sha-256", &[])]));
    }
}
