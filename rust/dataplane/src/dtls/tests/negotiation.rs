use super::super::hello::ClientHello;
use super::*;
use crate::srtp::Profile;

/// The ClientHello of an endpoint's first flight.
fn hello() -> Vec<u8> {
    Pair::new().client.poll_transmit().unwrap()
}

fn find(haystack: &[u8], needle: &[u8]) -> usize {
    haystack.windows(needle.len()).position(|window| window == needle).expect("the bytes are there")
}

/// As `hello`, but with other profiles in the place of the three that the engine offers.
fn hello_with(profiles: [u16; 3]) -> Vec<u8> {
    let mut hello = hello();
    let at = find(&hello, &[0, 14, 0, 9, 0, 6, 0, 8, 0, 7, 0, 1, 0]) + 6;
    for (place, profile) in hello[at..at + 6].chunks_exact_mut(2).zip(profiles) {
        place.copy_from_slice(&profile.to_be_bytes());
    }
    hello
}

/// A datagram with the first `len` bytes of a hello's body, as a fragment.
fn first_fragment(hello: &[u8], len: usize) -> Vec<u8> {
    let mut fragment = hello[..25 + len].to_vec();
    fragment[11..13].copy_from_slice(&(12 + len as u16).to_be_bytes());
    fragment[22..25].copy_from_slice(&(len as u32).to_be_bytes()[1..]);
    fragment
}

#[test]
fn as_client_gcm_is_offered_first_and_wins() {
    let (client, server) = Pair::new().connect();
    assert_eq!(client.keys.profile, Profile::AeadAes256Gcm);
    assert_eq!(server.keys.profile, Profile::AeadAes256Gcm);
}

#[test]
fn dtls_1_3_is_permitted_where_it_costs_no_gcm() {
    for (profiles, permitted) in [
        ([8, 7, 1], true),
        ([7, 8, 1], true),
        ([7, 1, 8], true),
        ([1, 7, 8], false),
        ([1, 8, 1], false),
        ([1, 1, 1], true),
        ([2, 1, 7], false),
        ([2, 7, 1], true),
        ([2, 5, 6], true),
    ] {
        let hello = ClientHello::peek_untrusted(&hello_with(profiles)).unwrap();
        assert_eq!(hello.permits_1_3(), permitted, "{profiles:?}");
    }
}

#[test]
fn a_client_that_lists_aes_cm_first_is_answered_in_1_2_with_gcm() {
    let mut pair = Pair::new();
    pair.server.handle_datagram_untrusted(pair.now, &hello_with([1, 7, 8])).unwrap();
    let answer = pair.server.poll_transmit().unwrap();
    find(&answer, &[0, 14, 0, 5, 0, 2, 0, 8, 0]);
    // 1.3 would name itself in supported_versions.
    assert!(!answer.windows(6).any(|window| window == [0, 43, 0, 2, 0xFE, 0xFC]));
}

#[test]
fn a_client_that_lists_gcm_first_is_answered_in_1_3() {
    let mut pair = Pair::new();
    pair.server.handle_datagram_untrusted(pair.now, &hello_with([7, 8, 1])).unwrap();
    find(&pair.server.poll_transmit().unwrap(), &[0, 43, 0, 2, 0xFE, 0xFC]);
}

#[test]
fn a_fragment_that_ends_before_use_srtp_means_1_2() {
    let hello = hello();
    let at = find(&hello, &[0, 14, 0, 9, 0, 6]) - 25;
    for len in 0..at + 13 {
        let peeked = ClientHello::peek_untrusted(&first_fragment(&hello, len)).unwrap();
        assert!(!peeked.permits_1_3(), "{len} of {}", hello.len());
    }
    let peeked = ClientHello::peek_untrusted(&first_fragment(&hello, at + 13)).unwrap();
    assert!(peeked.permits_1_3());
}

#[test]
fn a_hello_in_fragments_is_served() {
    let mut pair = Pair::new();
    let hello = pair.client.poll_transmit().unwrap();
    let body = &hello[25..];
    for (sequence, offset) in [(1u8, 0), (2, 60)] {
        let part = if offset == 0 { &body[..60] } else { &body[60..] };
        let mut fragment = first_fragment(&hello, 0);
        fragment.extend(part);
        fragment[10] = sequence;
        fragment[11..13].copy_from_slice(&(12 + part.len() as u16).to_be_bytes());
        fragment[19..22].copy_from_slice(&(offset as u32).to_be_bytes()[1..]);
        fragment[22..25].copy_from_slice(&(part.len() as u32).to_be_bytes()[1..]);
        pair.server.handle_datagram_untrusted(pair.now, &fragment).unwrap();
    }
    let (client, server) = pair.connect();
    assert_eq!((client.version, server.version), ("FEFD", "FEFD"));
}

#[test]
fn a_client_without_dtls_1_2_is_answered_in_1_3() {
    let mut hello = hello_with([1, 7, 8]);
    let at = find(&hello, &[0, 43, 0, 5, 4, 0xFE, 0xFC, 0xFE, 0xFD]) + 7;
    hello[at..at + 2].copy_from_slice(&[0x7F, 0x7F]);
    assert!(ClientHello::peek_untrusted(&hello).unwrap().permits_1_3());
}

#[test]
fn what_is_cut_or_damaged_anywhere_is_read_without_panic() {
    let hello = hello();
    for len in 0..hello.len() {
        let _ = ClientHello::peek_untrusted(&hello[..len]).map(|hello| hello.permits_1_3());
    }
    for at in 0..hello.len() {
        for value in [0, 1, 0x7F, 0xFF] {
            let mut damaged = hello.clone();
            damaged[at] = value;
            let _ = ClientHello::peek_untrusted(&damaged).map(|hello| hello.permits_1_3());
        }
    }
}

#[test]
fn other_records_and_messages_are_no_client_hello() {
    let hello = hello();
    for (at, value) in [(0, 23), (4, 1), (13, 2)] {
        let mut other = hello.clone();
        other[at] = value;
        assert_eq!(ClientHello::peek_untrusted(&other), None);
    }
}
