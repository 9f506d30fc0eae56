//! The sample messages of RFC 5769, and of RFC 8489 appendix B.1 for SHA-256: read, and written again.

use std::net::SocketAddr;

use visavis_wire::stun::{Builder, Class, FingerprintCheck, HEADER_LENGTH, Message, Method, attribute_type};

const PASSWORD: &[u8] = b"VOkJxbRl1RmTxUk/WvJxBt";
const TRANSACTION: [u8; 12] = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];

/// RFC 5769 section 2.1.
const REQUEST: &[u8] = b"\x00\x01\x00\x58\x21\x12\xa4\x42\
    \xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
    \x80\x22\x00\x10STUN test client\
    \x00\x24\x00\x04\x6e\x00\x01\xff\
    \x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36\
    \x00\x06\x00\x09\x65\x76\x74\x6a\x3a\x68\x36\x76\x59\x20\x20\x20\
    \x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2\
    \x80\x28\x00\x04\xe5\x7a\x3b\xcf";

/// RFC 5769 section 2.2.
const RESPONSE_IPV4: &[u8] = b"\x01\x01\x00\x3c\x21\x12\xa4\x42\
    \xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
    \x80\x22\x00\x0btest vector \
    \x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43\
    \x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3\x8c\x74\x89\xf9\x2a\xf9\xba\x53\xf0\x6b\xe7\xd7\
    \x80\x28\x00\x04\xc0\x7d\x4c\x96";

/// RFC 5769 section 2.3.
const RESPONSE_IPV6: &[u8] = b"\x01\x01\x00\x48\x21\x12\xa4\x42\
    \xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
    \x80\x22\x00\x0btest vector \
    \x00\x20\x00\x14\x00\x02\xa1\x47\
    \x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9\
    \x00\x08\x00\x14\xa3\x82\x95\x4e\x4b\xe6\x7b\xf1\x17\x84\xc9\x7c\x82\x92\xc2\x75\xbf\xe3\xed\x41\
    \x80\x28\x00\x04\xc8\xfb\x0b\x4c";

/// RFC 5769 section 2.4.
const LONG_TERM: &[u8] = b"\x00\x01\x00\x60\x21\x12\xa4\x42\
    \x78\xad\x34\x33\xc6\xad\x72\xc0\x29\xda\x41\x2e\
    \x00\x06\x00\x12\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9\x00\x00\
    \x00\x15\x00\x1cf//499k954d6OL34oL9FSTvy64sA\
    \x00\x14\x00\x0bexample.org\x00\
    \x00\x08\x00\x14\xf6\x70\x24\x65\x6d\xd6\x4a\x3e\x02\xb8\xe0\x71\x2e\x85\xc9\xa2\x8c\xa8\x96\x66";

/// MD5 of "マトリックス:example.org:TheMatrIX": the key of RFC 8489 section 9.2.2 for section 2.4's message.
const LONG_TERM_KEY: &[u8] = b"\xe8\xca\x7a\xd5\x9d\x5e\xb0\x51\x8e\x31\x29\x11\xd2\xda\xb2\xa9";

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn parse(data: &[u8]) -> Message<'_> {
    Message::parse_untrusted(data).unwrap()
}

#[test]
fn the_sample_request_reads_as_rfc_5769_says() {
    let message = parse(REQUEST);
    assert_eq!((message.class(), message.method()), (Class::Request, Method::BINDING));
    assert_eq!(message.transaction_id(), TRANSACTION);
    assert_eq!(message.attribute(attribute_type::SOFTWARE), Some(&b"STUN test client"[..]));
    assert_eq!(message.username(), Some(&b"evtj:h6vY"[..]));
    assert_eq!(message.priority(), Some(0x6e00_01ff));
    assert_eq!(message.ice_controlled(), Some(0x932f_f9b1_5126_3b36));
    assert_eq!(message.ice_controlling(), None);
    assert!(!message.use_candidate());
    assert_eq!(message.unknown_comprehension_required().count(), 0);
    assert!(message.verify_integrity(PASSWORD));
    assert!(!message.verify_integrity(b"VOkJxbRl1RmTxUk/WvJxBT"));
    assert_eq!(message.verify_fingerprint(), FingerprintCheck::Valid);
}

#[test]
fn the_sample_responses_read_as_rfc_5769_says() {
    for (data, address) in
        [(RESPONSE_IPV4, "192.0.2.1:32853"), (RESPONSE_IPV6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853")]
    {
        let message = parse(data);
        assert_eq!((message.class(), message.method()), (Class::Success, Method::BINDING));
        assert_eq!(message.xor_mapped_address(), Some(addr(address)));
        assert_eq!(message.attribute(attribute_type::SOFTWARE), Some(&b"test vector"[..]));
        assert!(message.verify_integrity(PASSWORD));
        assert_eq!(message.verify_fingerprint(), FingerprintCheck::Valid);
    }
}

#[test]
fn the_sample_request_with_long_term_credentials_reads_as_rfc_5769_says() {
    let message = parse(LONG_TERM);
    assert_eq!(message.username(), Some("マトリックス".as_bytes()));
    assert_eq!(message.attribute(attribute_type::REALM), Some(&b"example.org"[..]));
    assert_eq!(message.attribute(attribute_type::NONCE), Some(&b"f//499k954d6OL34oL9FSTvy64sA"[..]));
    assert!(message.verify_integrity(LONG_TERM_KEY));
    assert_eq!(message.verify_fingerprint(), FingerprintCheck::Absent);
}

#[test]
fn the_sample_request_with_long_term_credentials_is_written_to_the_byte() {
    let mut out = Vec::new();
    Builder::binding_request(&mut out, *b"\x78\xad\x34\x33\xc6\xad\x72\xc0\x29\xda\x41\x2e")
        .username("マトリックス")
        .attribute(attribute_type::NONCE, b"f//499k954d6OL34oL9FSTvy64sA")
        .attribute(attribute_type::REALM, b"example.org")
        .without_fingerprint()
        .finish_with_integrity(LONG_TERM_KEY);
    assert_eq!(out, LONG_TERM);
}

/// `sample` with zeros in its padding, as RFC 8489 section 14 asks for where RFC 5769 chose spaces; and how
/// many bytes come before MESSAGE-INTEGRITY, whose value must differ by that.
fn with_zero_padding(sample: &[u8]) -> (Vec<u8>, usize) {
    let mut expected = sample.to_vec();
    let mut at = HEADER_LENGTH;
    loop {
        let word = |at: usize| usize::from(u16::from_be_bytes([sample[at], sample[at + 1]]));
        if word(at) == usize::from(attribute_type::MESSAGE_INTEGRITY) {
            return (expected, at);
        }
        let end = at + 4 + word(at + 2);
        at = end.next_multiple_of(4);
        expected[end..at].fill(0);
    }
}

#[test]
fn the_other_samples_are_written_to_the_byte_but_for_their_padding_and_what_covers_it() {
    let mut out = Vec::new();
    Builder::binding_request(&mut out, TRANSACTION)
        .software("STUN test client")
        .priority(0x6e00_01ff)
        .ice_controlled(0x932f_f9b1_5126_3b36)
        .username("evtj:h6vY")
        .finish_with_integrity(PASSWORD);
    let mut written = vec![(out, REQUEST)];
    for (address, sample) in
        [("192.0.2.1:32853", RESPONSE_IPV4), ("[2001:db8:1234:5678:11:2233:4455:6677]:32853", RESPONSE_IPV6)]
    {
        let mut out = Vec::new();
        Builder::binding_success(&mut out, TRANSACTION)
            .software("test vector")
            .xor_mapped_address(addr(address))
            .finish_with_integrity(PASSWORD);
        written.push((out, sample));
    }
    for (out, sample) in written {
        let (expected, integrity_at) = with_zero_padding(sample);
        assert_eq!(out.len(), expected.len());
        assert_eq!(out[..integrity_at + 4], expected[..integrity_at + 4]);
        assert!(parse(&out).verify_integrity(PASSWORD));
        assert_eq!(parse(&out).verify_fingerprint(), FingerprintCheck::Valid);
    }
}

#[test]
fn sha256_integrity_is_what_another_implementation_of_hmac_gives() {
    // The message of RFC 8489 appendix B.1 and its key, SHA-256 of "マトリックス:example.org:TheMatrIX". The
    // appendix prints a header length of 156 for a message of 136 bytes after the header, and its HMAC covers
    // that; this one, by CPython's hmac, covers the length that section 14.6 asks for.
    let key = b"\xdd\x29\x5a\x61\x3b\x90\x58\xc3\xc2\x3d\x6d\xc7\x16\x5b\xda\x07\
        \x23\x04\xd9\x89\xc9\xd0\xaf\x3a\x8c\x7e\x18\x4b\x4f\x9b\xb4\xa1";
    let user_hash = b"\x4a\x3c\xf3\x8f\xef\x69\x92\xbd\xa9\x52\xc6\x78\x04\x17\xda\x0f\
        \x24\x81\x94\x15\x56\x9e\x60\xb2\x05\xc4\x6e\x41\x40\x7f\x17\x04";
    let expected = b"\x23\x41\x12\xfb\xd4\xe2\x7f\x98\x3e\xb4\x03\x28\x36\xf9\x98\x21\
        \x6f\x5b\x23\xf8\xd9\x27\x75\x3f\xbc\x4f\x88\x2b\xfb\xdf\x0d\xec";
    let mut out = Vec::new();
    Builder::binding_request(&mut out, *b"\x78\xad\x34\x33\xc6\xad\x72\xc0\x29\xda\x41\x2e")
        .attribute(attribute_type::USERHASH, user_hash)
        .attribute(attribute_type::NONCE, b"obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA")
        .attribute(attribute_type::REALM, b"example.org")
        .finish_with_integrity_sha256(key);
    assert_eq!(out.len(), HEADER_LENGTH + 136 + 8);
    assert_eq!(&out[124..156], expected);
    assert!(parse(&out).has_integrity_sha256());
    assert!(parse(&out).verify_integrity(key));
    assert!(!parse(&out).verify_integrity(&key[1..]));
    assert_eq!(parse(&out).verify_fingerprint(), FingerprintCheck::Valid);
}
