//! Requests to servers.

use std::net::SocketAddr;

use super::*;
use crate::api::{SocketNumber, StunOutcome, StunRequest};
use crate::ice::requests::MAX_PENDING;
use visavis_wire::stun::{Method, attribute_type};

const KEY: &[u8] = b"a long-term key";

struct Client {
    requests: Requests,
    random: Random,
}

impl Client {
    fn new() -> Client {
        Client { requests: Requests::default(), random: Random::new(&[1; 32]) }
    }

    /// Sends an Allocate request; what left.
    fn send(&mut self, request: u32, key: Option<&[u8]>) -> Option<Vec<u8>> {
        self.send_with(request, key, vec![(0x0019, vec![17, 0, 0, 0])])
    }

    fn send_with(
        &mut self,
        request: u32,
        key: Option<&[u8]>,
        attributes: Vec<(u16, Vec<u8>)>,
    ) -> Option<Vec<u8>> {
        let request = StunRequest {
            request,
            socket: SocketNumber(1_000),
            server: path(3478).peer,
            method: 3,
            attributes,
            key: key.map(<[u8]>::to_vec),
        };
        self.requests.send(Time::ZERO, ID, request, Some(path(3478)), &mut self.random);
        self.requests.poll_transmit().map(|(_, data)| data)
    }

    fn respond(
        &mut self,
        request: &[u8],
        class: Class,
        key: Option<&[u8]>,
        fill: impl FnOnce(Builder<'_>) -> Builder<'_>,
    ) -> Taken {
        let transaction = Message::parse_untrusted(request).unwrap().transaction_id();
        let mut data = Vec::new();
        let builder = fill(Builder::new(&mut data, class, Method(3), transaction));
        match key {
            Some(key) => builder.finish_with_integrity(key),
            None => builder.finish(),
        }
        let message = Message::parse_untrusted(&data).unwrap();
        self.requests.handle_response_untrusted(at_ms(30), path(3478), &message)
    }

    fn outcome(&mut self) -> Option<StunOutcome> {
        self.requests.poll_end().map(|end| end.outcome)
    }
}

#[test]
fn a_request_says_what_its_owner_wrote_protected_by_the_key() {
    let data = Client::new().send(1, Some(KEY)).unwrap();
    let message = Message::parse_untrusted(&data).unwrap();
    assert_eq!((message.class(), message.method()), (Class::Request, Method(3)));
    assert_eq!(message.attribute(0x0019), Some(&[17, 0, 0, 0][..]));
    assert!(message.verify_integrity(KEY));
    assert_eq!(transport_of(message.transaction_id()), ID);
}

/// RFC 8489 section 14.2: what the owner cannot XOR, since the transaction is chosen here.
#[test]
fn the_address_of_a_peer_is_completed_by_the_transaction() {
    for peer in ["192.0.2.1:32853", "[2001:db8:1234:5678:11:2233:4455:6677]:32853"] {
        let peer: SocketAddr = peer.parse().unwrap();
        let mut without_transaction = Vec::new();
        Builder::new(&mut without_transaction, Class::Request, Method(8), [0; 12])
            .xor_peer_address(peer)
            .finish();
        let written = Message::parse_untrusted(&without_transaction).unwrap();
        let value = written.attribute(attribute_type::XOR_PEER_ADDRESS).unwrap().to_vec();
        let attributes = vec![(attribute_type::XOR_PEER_ADDRESS, value)];
        let data = Client::new().send_with(1, Some(KEY), attributes).unwrap();
        assert_eq!(Message::parse_untrusted(&data).unwrap().xor_peer_address(), Some(peer));
    }
}

#[test]
fn a_success_without_the_keys_integrity_counts_as_if_it_had_never_come() {
    let mut client = Client::new();
    let request = client.send(1, Some(KEY)).unwrap();
    for key in [None, Some(&b"another"[..])] {
        assert_eq!(client.respond(&request, Class::Success, key, |b| b), Taken::Unauthentic);
    }
    assert_eq!(client.outcome(), None);
    assert_eq!(client.respond(&request, Class::Success, Some(KEY), |b| b.software("s")), Taken::Answer);
    let end = client.requests.poll_end().unwrap();
    assert_eq!((end.request, end.outcome), (1, StunOutcome::Success));
    assert_eq!(end.attributes, [(attribute_type::SOFTWARE, b"s".to_vec())]);
    assert_eq!(end.round_trip, Duration::from_millis(30));
    assert_eq!(client.respond(&request, Class::Success, Some(KEY), |b| b), Taken::Unknown);
}

#[test]
fn a_server_that_does_not_know_us_may_say_so_without_integrity() {
    for code in [401, 438] {
        let mut client = Client::new();
        let request = client.send(1, Some(KEY)).unwrap();
        for (key, taken) in [(Some(&b"another"[..]), Taken::Unauthentic), (None, Taken::Answer)] {
            let found = client.respond(&request, Class::Error, key, |b| {
                b.error_code(code, "no").attribute(attribute_type::NONCE, b"n")
            });
            assert_eq!(found, taken);
        }
        let end = client.requests.poll_end().unwrap();
        assert_eq!(end.outcome, StunOutcome::Error(code));
        assert!(end.attributes.contains(&(attribute_type::NONCE, b"n".to_vec())));
    }
}

#[test]
fn a_response_from_elsewhere_or_without_its_error_code_is_none() {
    let mut client = Client::new();
    let request = client.send(1, None).unwrap();
    assert_eq!(client.respond(&request, Class::Error, None, |b| b), Taken::Malformed);
    let transaction = Message::parse_untrusted(&request).unwrap().transaction_id();
    let mut data = Vec::new();
    Builder::new(&mut data, Class::Success, Method(3), transaction).finish();
    let message = Message::parse_untrusted(&data).unwrap();
    let taken = client.requests.handle_response_untrusted(Time::ZERO, path(1), &message);
    assert_eq!(taken, Taken::Unauthentic);
    assert_eq!(client.outcome(), None);
}

#[test]
fn a_request_that_nobody_answers_is_repeated_and_times_out() {
    let mut client = Client::new();
    let request = client.send(1, None).unwrap();
    let mut repetitions = 0;
    let end = loop {
        let now = client.requests.poll_timeout().unwrap();
        client.requests.handle_timeout(now);
        while let Some((_, data)) = client.requests.poll_transmit() {
            assert_eq!(data, request);
            repetitions += 1;
        }
        if let Some(outcome) = client.outcome() {
            break (now, outcome);
        }
    };
    assert_eq!((repetitions, end), (6, (at_ms(39_500), StunOutcome::TimedOut)));
    assert_eq!(client.requests.poll_timeout(), None);
}

#[test]
fn what_cannot_be_sent_is_told_at_once() {
    let mut client = Client::new();
    client.send(1, None);
    client.requests.handle_send_failure(path(3478));
    assert_eq!(client.outcome(), Some(StunOutcome::NotSent));
    client.send(2, None);
    client.requests.remove_socket(path(3478).socket);
    assert_eq!(client.outcome(), Some(StunOutcome::NotSent));
    for n in 0..MAX_PENDING as u32 {
        assert!(client.send(n, None).is_some());
    }
    assert_eq!(client.send(9_999, None), None);
    assert_eq!(client.outcome(), Some(StunOutcome::NotSent));
}
