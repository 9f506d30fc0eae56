//! STUN messages as strangers may send them, and as an ICE agent writes them.

use visavis_wire::stun::{Builder, Class, FingerprintCheck, Message, Method, StunError, attribute_type};

const TRANSACTION: [u8; 12] = *b"transaction!";

fn request(fill: impl FnOnce(Builder<'_>) -> Builder<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    fill(Builder::binding_request(&mut out, TRANSACTION)).finish_with_integrity(b"password");
    out
}

/// A message of these attributes as they are, with a header that fits.
fn message_of(attributes: &[u8]) -> Vec<u8> {
    let mut data = vec![0x00, 0x01];
    data.extend_from_slice(&(attributes.len() as u16).to_be_bytes());
    data.extend_from_slice(b"\x21\x12\xa4\x42transaction!");
    data.extend_from_slice(attributes);
    data
}

fn error_of(data: &[u8]) -> Option<StunError> {
    Message::parse_untrusted(data).err()
}

#[test]
fn a_check_of_a_controlling_agent_is_read_as_written() {
    let data =
        request(|b| b.username("L:R").priority(7).ice_controlling(0x0102_0304_0506_0708).use_candidate());
    let message = Message::parse_untrusted(&data).unwrap();
    assert_eq!((message.class(), message.method()), (Class::Request, Method::BINDING));
    assert_eq!(message.transaction_id(), TRANSACTION);
    assert_eq!(message.username(), Some(&b"L:R"[..]));
    assert_eq!(message.priority(), Some(7));
    assert_eq!(message.ice_controlling(), Some(0x0102_0304_0506_0708));
    assert_eq!(message.ice_controlled(), None);
    assert!(message.use_candidate() && message.has_integrity() && !message.has_integrity_sha256());
    assert!(message.verify_integrity(b"password"));
    assert_eq!(message.verify_fingerprint(), FingerprintCheck::Valid);
}

#[test]
fn an_error_is_read_as_written() {
    let mut out = Vec::new();
    Builder::binding_error(&mut out, TRANSACTION)
        .error_code(420, "Unknown Attribute")
        .unknown_attributes([0x7001, 0x7002])
        .finish();
    let message = Message::parse_untrusted(&out).unwrap();
    let error = message.error_code().unwrap();
    assert_eq!((message.class(), error.code, error.reason), (Class::Error, 420, &b"Unknown Attribute"[..]));
    assert_eq!(message.attribute(attribute_type::UNKNOWN_ATTRIBUTES), Some(&[0x70, 0x01, 0x70, 0x02][..]));
    assert!(!message.has_integrity() && !message.verify_integrity(b""));
}

#[test]
fn a_message_is_appended_to_what_the_buffer_holds() {
    let mut out = b"before".to_vec();
    Builder::binding_request(&mut out, TRANSACTION).username("a:b").finish_with_integrity(b"password");
    let message = Message::parse_untrusted(&out[6..]).unwrap();
    assert!(message.verify_integrity(b"password"));
    assert_eq!(message.verify_fingerprint(), FingerprintCheck::Valid);
}

#[test]
fn any_flipped_bit_breaks_integrity_or_the_message() {
    let data = request(|b| b.username("left:right").priority(1).ice_controlled(2));
    let fingerprint_at = data.len() - 8;
    for bit in 0..8 * fingerprint_at {
        let mut data = data.clone();
        data[bit / 8] ^= 1 << (bit % 8);
        if let Ok(message) = Message::parse_untrusted(&data) {
            assert!(!message.verify_integrity(b"password"), "bit {bit}");
            assert_ne!(message.verify_fingerprint(), FingerprintCheck::Valid, "bit {bit}");
        }
    }
}

#[test]
fn what_follows_message_integrity_is_not_seen() {
    // USE-CANDIDATE and an unknown attribute that someone on the path added behind MESSAGE-INTEGRITY.
    let mut data = Vec::new();
    Builder::binding_request(&mut data, TRANSACTION)
        .priority(1)
        .without_fingerprint()
        .finish_with_integrity(b"password");
    data.extend_from_slice(b"\x00\x25\x00\x00\x7f\x00\x00\x00");
    data[3] += 8;
    let message = Message::parse_untrusted(&data).unwrap();
    assert!(message.verify_integrity(b"password"));
    assert!(!message.use_candidate());
    assert_eq!(message.unknown_comprehension_required().count(), 0);
}

#[test]
fn message_integrity_sha256_may_follow_message_integrity_and_decides() {
    let mut sha1 = Vec::new();
    Builder::binding_request(&mut sha1, TRANSACTION).without_fingerprint().finish_with_integrity(b"password");
    let with_both = |sha256_key: &[u8]| {
        let mut data = Vec::new();
        Builder::binding_request(&mut data, TRANSACTION)
            .attribute(attribute_type::MESSAGE_INTEGRITY, &sha1[24..44])
            .finish_with_integrity_sha256(sha256_key);
        data
    };
    assert!(Message::parse_untrusted(&sha1).unwrap().verify_integrity(b"password"));
    let data = with_both(b"password");
    let message = Message::parse_untrusted(&data).unwrap();
    assert!(message.has_integrity_sha256() && message.verify_integrity(b"password"));
    let data = with_both(b"another");
    assert!(!Message::parse_untrusted(&data).unwrap().verify_integrity(b"password"));
}

#[test]
fn message_integrity_behind_message_integrity_sha256_is_not_seen() {
    // A MESSAGE-INTEGRITY of an impossible length that someone added: what is protected stays as it was.
    let mut data = Vec::new();
    Builder::binding_request(&mut data, TRANSACTION)
        .without_fingerprint()
        .finish_with_integrity_sha256(b"password");
    data.extend_from_slice(b"\x00\x08\x00\x04abcd");
    data[3] += 8;
    let message = Message::parse_untrusted(&data).unwrap();
    assert!(message.has_integrity_sha256() && message.verify_integrity(b"password"));
    assert_eq!(message.attributes().count(), 0);
}

#[test]
fn unknown_attributes_that_must_be_understood_are_listed() {
    let data = request(|b| b.attribute(0x7001, &[]).attribute(0x8fff, b"optional").attribute(0x0002, b"old"));
    let message = Message::parse_untrusted(&data).unwrap();
    assert_eq!(message.unknown_comprehension_required().collect::<Vec<_>>(), [0x7001, 0x0002]);
}

#[test]
fn of_an_attribute_that_repeats_the_first_counts() {
    let data = request(|b| b.username("first").username("second"));
    assert_eq!(Message::parse_untrusted(&data).unwrap().username(), Some(&b"first"[..]));
}

#[test]
fn values_of_another_length_than_their_type_has_are_absent() {
    let data = request(|b| {
        b.attribute(attribute_type::PRIORITY, &[0; 5])
            .attribute(attribute_type::ICE_CONTROLLING, &[0; 4])
            .attribute(attribute_type::XOR_MAPPED_ADDRESS, &[0, 1, 0, 0, 0, 0, 0, 0, 0])
            .attribute(attribute_type::ERROR_CODE, &[0, 0, 7, 0])
    });
    let message = Message::parse_untrusted(&data).unwrap();
    assert_eq!((message.priority(), message.ice_controlling()), (None, None));
    assert_eq!((message.xor_mapped_address(), message.error_code()), (None, None));
}

#[test]
fn bytes_that_are_no_message_are_refused_with_the_reason() {
    let good = message_of(b"\x00\x25\x00\x00");
    assert_eq!(error_of(&good), None);
    for length in 0..good.len() {
        assert_eq!(error_of(&good[..length]), Some(StunError::Truncated), "{length} bytes");
    }
    let changed = |at: usize, value: u8| {
        let mut data = good.clone();
        data[at] = value;
        data
    };
    assert_eq!(error_of(&changed(0, 0x40)), Some(StunError::NotStun));
    assert_eq!(error_of(&changed(4, 0x22)), Some(StunError::BadCookie));
    assert_eq!(error_of(&changed(3, 0)), Some(StunError::BadLength), "bytes behind the message");
    assert_eq!(error_of(&changed(23, 1)), Some(StunError::BadAttribute));
    assert_eq!(error_of(&message_of(b"\x00")), Some(StunError::BadLength), "no multiple of four");
    assert_eq!(error_of(&message_of(b"\x00\x08\x00\x04abcd")), Some(StunError::BadIntegrityLength));
    assert_eq!(error_of(&message_of(b"\x80\x28\x00\x08abcdefgh")), Some(StunError::BadIntegrityLength));
    let behind_fingerprint = message_of(b"\x80\x28\x00\x04abcd\x00\x25\x00\x00");
    assert_eq!(error_of(&behind_fingerprint), Some(StunError::FingerprintNotLast));
}

#[test]
fn texts_longer_than_an_attribute_allows_are_cut_between_characters() {
    let data = request(|b| b.username(&"é".repeat(300)).software(&"x".repeat(1000)));
    let message = Message::parse_untrusted(&data).unwrap();
    assert_eq!(message.username().map(<[u8]>::len), Some(508));
    assert_eq!(message.attribute(attribute_type::SOFTWARE).map(<[u8]>::len), Some(763));
    let data = request(|b| b.username(&format!("a{}", "é".repeat(300))));
    let message = Message::parse_untrusted(&data).unwrap();
    assert_eq!(message.username().map(<[u8]>::len), Some(507));
    let data = request(|b| b.error_code(699, &"x".repeat(1000)));
    let message = Message::parse_untrusted(&data).unwrap();
    assert_eq!(message.error_code().map(|e| (e.code, e.reason.len())), Some((699, 763)));
}
