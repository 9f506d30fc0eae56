//! Checks, consent and restarts as a peer and a stranger see them: datagrams in, datagrams and reports out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use visavis_dataplane::api::{DtlsRole, Fingerprint, GivenKeys, IceMode, TransportId, TransportState};
use visavis_dataplane::counters::{Counter, Counters};
use visavis_dataplane::dtls::{Certificate, Endpoint};
use visavis_dataplane::ice::Credentials;
use visavis_dataplane::srtp::Profile;
use visavis_dataplane::{Command, Report, Shard, ShardConfig, ShardId, SocketId, Time};
use visavis_wire::stun::{Builder, Class, Message, Method};

const ID: TransportId = TransportId(1);
const PASSWORD: &str = "the password of this end 0123456789";

struct Server {
    shard: Shard,
    counters: Arc<Counters>,
    now: Time,
}

impl Server {
    /// A server with one transport, `Aone`, whose peer is called `peer`.
    fn new() -> Server {
        let counters: Arc<Counters> = Arc::default();
        let shard = Shard::new(ShardConfig {
            id: ShardId(0),
            shards: 1,
            ntp_at_zero: 0,
            epoch: Instant::now(),
            certificate: Certificate::generate().unwrap().into_inner(),
            secret: [0; 32],
            counters: Arc::clone(&counters),
        });
        let mut server = Server { shard, counters, now: Time::ZERO };
        let local = credentials("Aone");
        server.command(Command::OpenTransport { id: ID, local, mode: IceMode::Lite, certificate: None });
        let keys = GivenKeys {
            profile: Profile::Aes128CmHmacSha1_80,
            local: (0..30).collect(),
            remote: (30..60).collect(),
        };
        server.command(Command::ConnectWithKeys { id: ID, remote: credentials("peer"), keys });
        server
    }

    fn command(&mut self, command: Command) {
        self.shard.handle_command(self.now, command);
    }

    fn restart(&mut self, ufrag: &str, remote_ufrag: Option<&str>) {
        let remote = remote_ufrag.map(credentials);
        self.command(Command::RestartIce { id: ID, local: credentials(ufrag), remote });
    }

    /// Passes the time, every timer at its time.
    fn wait(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while let Some(due) = self.shard.poll_timeout().filter(|&due| due <= end) {
            self.now = self.now.max(due);
            self.shard.handle_timeout(self.now);
        }
        self.now = end;
    }

    /// Gives the server a datagram; what it sends back to that address first.
    fn send(&mut self, port: u16, mut datagram: Vec<u8>) -> Option<Vec<u8>> {
        let peer = peer(port);
        self.shard.transmits().clear();
        self.shard.handle_datagram_untrusted(self.now, SocketId(0), peer, &mut datagram);
        self.shard.flush(self.now);
        let transmits = self.shard.transmits();
        let answer = transmits.entries().iter().find(|transmit| transmit.destination == peer)?;
        Some(transmits.bytes(answer).to_vec())
    }

    /// Sends a check, and answers the one that it triggers, as a peer that is there; the class
    /// of what the server answers and its error code.
    fn connect(&mut self, port: u16, username: &str) -> Option<(Class, u16)> {
        let outcome = self.check(port, username, PASSWORD);
        let transmits = self.shard.transmits();
        let triggered =
            transmits.entries().iter().map(|transmit| transmits.bytes(transmit)).find_map(|bytes| {
                let message = Message::parse_untrusted(bytes).ok()?;
                (message.class() == Class::Request).then_some(message.transaction_id())
            });
        if let Some(transaction) = triggered {
            let mut answer = Vec::new();
            Builder::binding_success(&mut answer, transaction)
                .xor_mapped_address(peer(3478))
                .finish_with_integrity(PASSWORD.as_bytes());
            self.send(port, answer);
        }
        outcome
    }

    /// Sends a check; the class of the answer and its error code.
    fn check(&mut self, port: u16, username: &str, password: &str) -> Option<(Class, u16)> {
        let mut request = Vec::new();
        Builder::binding_request(&mut request, [7; 12])
            .username(username)
            .priority(1)
            .ice_controlling(1)
            .use_candidate()
            .finish_with_integrity(password.as_bytes());
        self.send(port, request).map(|answer| outcome(&answer))
    }

    fn states(&mut self) -> Vec<TransportState> {
        let reports = std::iter::from_fn(|| self.shard.poll_report());
        reports
            .filter_map(|report| match report {
                Report::Transport { state, .. } => Some(state),
                _ => None,
            })
            .collect()
    }

    fn count(&self, counter: Counter) -> u64 {
        self.counters.get(counter)
    }
}

fn peer(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

fn credentials(ufrag: &str) -> Credentials {
    Credentials { ufrag: ufrag.to_owned(), password: PASSWORD.to_owned() }
}

fn outcome(answer: &[u8]) -> (Class, u16) {
    let message = Message::parse_untrusted(answer).unwrap();
    (message.class(), message.error_code().map_or(0, |error| error.code))
}

#[test]
fn a_check_with_the_credentials_succeeds_and_others_are_told_why_not() {
    let mut server = Server::new();
    assert_eq!(server.check(1, "Aone:peer", PASSWORD), Some((Class::Success, 0)));
    assert_eq!(server.check(2, "Aone:peer", "another password"), Some((Class::Error, 401)));
    assert_eq!(server.check(2, "Aone:nobody", PASSWORD), Some((Class::Error, 401)));
    assert_eq!(server.check(2, "Anobody:peer", PASSWORD), Some((Class::Error, 401)));
    assert_eq!(server.count(Counter::StunBadIntegrity), 2);
    assert_eq!(server.count(Counter::StunUnknownUfrag), 1);
    let mut bare = Vec::new();
    Builder::binding_request(&mut bare, [7; 12]).username("Aone:peer").priority(1).finish();
    let answer = server.send(2, bare).unwrap();
    assert_eq!(outcome(&answer), (Class::Error, 400));
}

#[test]
fn strangers_that_ask_for_ever_get_no_more_answers_than_the_budget_has() {
    let mut server = Server::new();
    let answers = (0..10_000).filter(|_| server.check(2, "Anobody:peer", PASSWORD).is_some()).count();
    assert!((500..=1_000).contains(&answers), "{answers}");
    assert_eq!(server.check(1, "Aone:peer", PASSWORD), Some((Class::Success, 0)), "the peer is no stranger");
}

#[test]
fn a_peer_that_claims_to_be_controlled_is_told_of_the_conflict() {
    let mut server = Server::new();
    let mut request = Vec::new();
    Builder::binding_request(&mut request, [7; 12])
        .username("Aone:peer")
        .ice_controlled(1)
        .finish_with_integrity(PASSWORD.as_bytes());
    let answer = server.send(1, request).unwrap();
    assert_eq!(outcome(&answer), (Class::Error, 487));
    assert!(Message::parse_untrusted(&answer).unwrap().verify_integrity(PASSWORD.as_bytes()));
}

#[test]
fn an_indication_is_no_question_and_no_fault() {
    let mut server = Server::new();
    let mut indication = Vec::new();
    Builder::new(&mut indication, Class::Indication, Method::BINDING, [7; 12]).finish();
    assert_eq!(server.send(1, indication), None);
    assert_eq!(server.count(Counter::StunMalformed), 0);
}

#[test]
fn a_transport_that_lost_consent_comes_back_by_an_ice_restart() {
    let mut server = Server::new();
    server.connect(1, "Aone:peer");
    server.wait(31);
    assert_eq!(
        server.states(),
        [TransportState::Connected, TransportState::Disconnected, TransportState::Failed]
    );
    assert_eq!(
        server.check(1, "Aone:peer", PASSWORD),
        Some((Class::Error, 401)),
        "without a restart it is over"
    );
    server.restart("Atwo", Some("peer2"));
    server.wait(5);
    assert_eq!(server.states(), []);
    assert_eq!(server.connect(2, "Atwo:peer2"), Some((Class::Success, 0)));
    server.wait(1);
    assert_eq!(server.states(), [TransportState::Connected]);
}

#[test]
fn what_comes_from_a_path_that_lost_consent_reaches_nobody_after_the_restart() {
    let mut server = Server::new();
    server.connect(1, "Aone:peer");
    server.wait(31);
    server.restart("Atwo", Some("peer2"));
    server.send(1, vec![0x80; 40]);
    assert_eq!(server.count(Counter::UnvalidatedAddress), 1);
}

#[test]
fn an_offered_restart_learns_the_peers_fragment_from_its_answer() {
    let mut server = Server::new();
    server.restart("Atwo", None);
    server.restart("Atwo", Some("peer2"));
    assert_eq!(server.check(1, "Atwo:other", PASSWORD), Some((Class::Error, 401)));
    assert_eq!(server.check(1, "Atwo:peer2", PASSWORD), Some((Class::Success, 0)));
    assert_eq!(server.check(1, "Aone:peer", PASSWORD), Some((Class::Error, 401)), "the old ones are over");
}

/// Who is in a call may have the handshake aimed at somebody else: it gets no more than three times what came from there.
#[test]
fn a_handshake_with_an_address_that_has_not_answered_is_bounded_by_what_came_from_there() {
    let mut server = Server::new();
    let id = TransportId(2);
    let certificate = Certificate::generate().unwrap();
    let fingerprint =
        Fingerprint { algorithm: "sha-256".into(), digest: certificate.fingerprint_sha256().to_vec() };
    let (local, remote) = (credentials("Adtls"), credentials("peer"));
    server.command(Command::OpenTransport { id, local, mode: IceMode::Lite, certificate: None });
    let (role, fingerprints) = (DtlsRole::Server, vec![fingerprint.clone()]);
    server.command(Command::ConnectTransport { id, remote, role, fingerprints });

    let mut request = Vec::new();
    Builder::binding_request(&mut request, [7; 12])
        .username("Adtls:peer")
        .ice_controlling(1)
        .use_candidate()
        .finish_with_integrity(PASSWORD.as_bytes());
    let mut received = request.len();
    let mut handshake = 0;
    let mut checks = Vec::new();
    let mut take = |server: &mut Server| {
        let transmits = server.shard.transmits();
        for transmit in transmits.entries() {
            for datagram in transmits.bytes(transmit).chunks(transmit.segment) {
                match Message::parse_untrusted(datagram) {
                    Ok(message) if message.class() == Class::Request => checks.push(message.transaction_id()),
                    Ok(_) => (),
                    Err(_) => handshake += datagram.len(),
                }
            }
        }
        transmits.clear();
        (handshake, checks.first().copied())
    };
    server.send(1, request);
    take(&mut server);
    let mut client =
        Endpoint::new(DtlsRole::Client, &certificate, vec![fingerprint], server.now, Instant::now());
    while let Some(hello) = client.poll_transmit() {
        received += hello.len();
        server.send(1, hello);
        take(&mut server);
    }
    for _ in 0..20 {
        server.wait(1);
        take(&mut server);
    }
    let (before, check) = take(&mut server);
    assert!(0 < before && before <= 3 * received, "{before} bytes of handshake for {received}");
    let mut answer = Vec::new();
    Builder::binding_success(&mut answer, check.expect("it was checked"))
        .xor_mapped_address(peer(3478))
        .finish_with_integrity(PASSWORD.as_bytes());
    server.send(1, answer);
    assert!(take(&mut server).0 > before, "what had to wait leaves");
}
