//! Full transports at an address that they share, each told by the user name fragment of the checks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use visavis_dataplane::api::{
    DtlsRole, FIRST_OWN_SOCKET, IceMode, PairConfig, PairId, SocketNumber, TransportId,
};
use visavis_dataplane::counters::Counters;
use visavis_dataplane::dtls::Certificate;
use visavis_dataplane::ice::Credentials;
use visavis_dataplane::{Command, Report, Shard, ShardConfig, ShardId, SocketId, Time};
use visavis_wire::stun::{Builder, Class, Message};

const ONE: TransportId = TransportId(1);
const OTHER: TransportId = TransportId(2);
const SHARED: SocketId = SocketId(0);
const PASSWORD: &str = "the password of either end 0123456789";

fn shard() -> Shard {
    Shard::new(ShardConfig {
        id: ShardId(0),
        shards: 1,
        ntp_at_zero: 0,
        epoch: Instant::now(),
        certificate: Certificate::generate().unwrap().into_inner(),
        secret: [0; 32],
        counters: Arc::<Counters>::default(),
    })
}

fn open(shard: &mut Shard, id: TransportId, ufrag: &str) {
    let mode = IceMode::Full { controlling: true, tie_breaker: 1 };
    let local = credentials(ufrag);
    shard.handle_command(Time::ZERO, Command::OpenTransport { id, local, mode, certificate: None });
    let (remote, role) = (credentials("peer"), DtlsRole::Client);
    let connect = Command::ConnectTransport { id, remote, role, fingerprints: Vec::new() };
    shard.handle_command(Time::ZERO, connect);
}

fn credentials(ufrag: &str) -> Credentials {
    Credentials { ufrag: ufrag.to_owned(), password: PASSWORD.to_owned() }
}

fn peer(port: u16) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 7], port))
}

/// Sends a check for a fragment; who has learnt its address.
fn check(shard: &mut Shard, port: u16, ufrag: &str) -> Option<(TransportId, SocketNumber)> {
    let mut request = Vec::new();
    Builder::binding_request(&mut request, [7; 12])
        .username(&format!("{ufrag}:peer"))
        .priority(1)
        .ice_controlled(1)
        .finish_with_integrity(PASSWORD.as_bytes());
    shard.handle_datagram_untrusted(Time::ZERO, SHARED, peer(port), &mut request);
    std::iter::from_fn(|| shard.poll_report()).find_map(|report| match report {
        Report::PairLearnt { id, socket, .. } => Some((id, socket)),
        _ => None,
    })
}

#[test]
fn a_check_goes_to_the_transport_that_it_names() {
    let mut shard = shard();
    open(&mut shard, ONE, "Aone");
    open(&mut shard, OTHER, "Aother");
    assert_eq!(check(&mut shard, 1, "Aother"), Some((OTHER, SocketNumber(0))));
    assert_eq!(check(&mut shard, 2, "Aone"), Some((ONE, SocketNumber(0))));
    assert_eq!(check(&mut shard, 3, "Anobody"), None);
}

#[test]
fn a_pair_at_a_shared_address_is_checked_and_its_answer_finds_the_way_back() {
    let mut shard = shard();
    const { assert!(SHARED.0 < FIRST_OWN_SOCKET) };
    open(&mut shard, ONE, "Aone");
    open(&mut shard, OTHER, "Aother");
    for (id, port) in [(OTHER, 1), (ONE, 2)] {
        let socket = SocketNumber(SHARED.0);
        let pair = PairConfig { pair: PairId(1), socket, remote: peer(port), priority: 1 };
        shard.handle_command(Time::ZERO, Command::SetPairs { id, pairs: vec![pair] });
    }
    let transmits = shard.transmits();
    let checks: Vec<(SocketAddr, Vec<u8>)> =
        transmits.entries().iter().map(|one| (one.destination, transmits.bytes(one).to_vec())).collect();
    transmits.clear();
    for (from, check) in checks {
        let message = Message::parse_untrusted(&check).unwrap();
        assert_eq!(message.class(), Class::Request);
        let mut answer = Vec::new();
        Builder::binding_success(&mut answer, message.transaction_id())
            .xor_mapped_address(peer(3))
            .finish_with_integrity(PASSWORD.as_bytes());
        shard.handle_datagram_untrusted(Time::ZERO, SHARED, from, &mut answer);
    }
    let valid: Vec<TransportId> = std::iter::from_fn(|| shard.poll_report())
        .filter_map(|report| match report {
            Report::PairState { id, succeeded: true, .. } => Some(id),
            _ => None,
        })
        .collect();
    assert_eq!(valid, [OTHER, ONE]);
}

/// The m-lines of an offer have one fragment until an answer bundles them, which may leave any of their transports.
#[test]
fn of_transports_with_one_fragment_the_first_that_lives_is_meant() {
    let mut shard = shard();
    open(&mut shard, ONE, "Aone");
    open(&mut shard, OTHER, "Aone");
    open(&mut shard, TransportId(3), "Aone");
    assert_eq!(check(&mut shard, 1, "Aone"), Some((ONE, SocketNumber(0))));
    for closed in [ONE, TransportId(3)] {
        shard.handle_command(Time::ZERO, Command::CloseTransport { id: closed });
    }
    assert_eq!(check(&mut shard, 2, "Aone"), Some((OTHER, SocketNumber(0))));
    shard.handle_command(Time::ZERO, Command::CloseTransport { id: OTHER });
    assert_eq!(shard.sizes().ufrags, 0);
}
