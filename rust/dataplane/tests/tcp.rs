//! TCP candidates (RFC 6544), whose streams the tests play, and transports that answer by relays only.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use visavis_dataplane::api::{
    Descriptor, FIRST_OWN_SOCKET, GivenKeys, IceMode, PairConfig, PairId, SocketNumber, TransportId,
};
use visavis_dataplane::counters::{Counter, Counters};
use visavis_dataplane::dtls::Certificate;
use visavis_dataplane::ice::Credentials;
use visavis_dataplane::srtp::Profile;
use visavis_dataplane::{Command, Report, Shard, ShardConfig, ShardId, SocketChange, SocketId, Time};
use visavis_wire::stun::{Builder, Class, Message};

const ID: TransportId = TransportId(1);
const ACTIVE: SocketNumber = SocketNumber(FIRST_OWN_SOCKET);
const PASSIVE: SocketNumber = SocketNumber(FIRST_OWN_SOCKET + 1);
const UDP: SocketNumber = SocketNumber(FIRST_OWN_SOCKET + 2);
const PASSWORD: &str = "the password of either end 0123456789";

fn peer() -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 7], 5_000))
}

fn credentials(ufrag: &str) -> Credentials {
    Credentials { ufrag: ufrag.to_owned(), password: PASSWORD.to_owned() }
}

/// A shard with one transport, which has an active and a passive base, and a socket.
struct End {
    shard: Shard,
    counters: Arc<Counters>,
    now: Time,
    active: SocketId,
    passive: SocketId,
    udp: SocketId,
}

impl End {
    fn new() -> End {
        let counters: Arc<Counters> = Arc::default();
        let mut shard = Shard::new(ShardConfig {
            id: ShardId(0),
            shards: 1,
            ntp_at_zero: 0,
            epoch: Instant::now(),
            certificate: Certificate::generate().unwrap().into_inner(),
            secret: [0; 32],
            counters: Arc::clone(&counters),
        });
        let mode = IceMode::Full { controlling: true, tie_breaker: 1 };
        let keys = GivenKeys {
            profile: Profile::Aes128CmHmacSha1_80,
            local: (0..30).collect(),
            remote: (30..60).collect(),
        };
        let local = IpAddr::from([192, 0, 2, 1]);
        let tcp = |socket, listener| Command::AddTcpSocket { id: ID, socket, local, listener };
        for command in [
            Command::OpenTransport { id: ID, local: credentials("Aone"), mode, certificate: None },
            Command::ConnectWithKeys { id: ID, remote: credentials("peer"), keys },
            tcp(ACTIVE, None),
            tcp(PASSIVE, Some(Descriptor(3))),
            Command::AddSocket { id: ID, socket: UDP, descriptor: Descriptor(4) },
        ] {
            shard.handle_command(Time::ZERO, command);
        }
        let changes: Vec<SocketChange> = std::iter::from_fn(|| shard.poll_socket_change()).collect();
        let [
            SocketChange::OpenTcp { socket: active, listener: None, .. },
            SocketChange::OpenTcp { socket: passive, listener: Some(Descriptor(3)), .. },
            SocketChange::Open { socket: udp, .. },
        ] = changes[..]
        else {
            panic!("{changes:?}")
        };
        End { shard, counters, now: Time::ZERO, active, passive, udp }
    }

    fn command(&mut self, command: Command) {
        self.shard.handle_command(self.now, command);
    }

    /// Passes the time, every timer at its time.
    fn wait(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        while let Some(due) = self.shard.poll_timeout().filter(|&due| due <= end) {
            self.now = self.now.max(due);
            self.shard.handle_timeout(self.now);
        }
        self.now = end;
    }

    /// What was queued: by which socket, and what.
    fn sent(&mut self) -> Vec<(SocketId, Vec<u8>)> {
        let transmits = self.shard.transmits();
        let entries = transmits.entries().iter();
        let sent = entries.map(|one| (one.socket, transmits.bytes(one).to_vec())).collect();
        transmits.clear();
        sent
    }

    fn requests(&mut self) -> Vec<(SocketId, Vec<u8>)> {
        let is_request = |data: &[u8]| Message::parse_untrusted(data).unwrap().class() == Class::Request;
        self.sent().into_iter().filter(|(_, data)| is_request(data)).collect()
    }

    fn receive(&mut self, socket: SocketId, from: SocketAddr, mut datagram: Vec<u8>) {
        self.shard.handle_datagram_untrusted(self.now, socket, from, &mut datagram);
    }

    fn check_from_peer(&mut self, socket: SocketId, password: &str) {
        let mut request = Vec::new();
        Builder::binding_request(&mut request, [7; 12])
            .username("Aone:peer")
            .priority(1)
            .ice_controlled(1)
            .finish_with_integrity(password.as_bytes());
        self.receive(socket, peer(), request);
    }

    /// Has the active base's pair checked, and the check answered.
    fn connect(&mut self) {
        let pair = PairConfig { pair: PairId(1), socket: ACTIVE, remote: peer(), priority: 1 };
        self.command(Command::SetPairs { id: ID, pairs: vec![pair] });
        let [(socket, check)] = &self.requests()[..] else { panic!("one check") };
        assert_eq!(*socket, self.active);
        let mut answer = Vec::new();
        Builder::binding_success(&mut answer, Message::parse_untrusted(check).unwrap().transaction_id())
            .xor_mapped_address(SocketAddr::from(([192, 0, 2, 1], 50_000)))
            .finish_with_integrity(PASSWORD.as_bytes());
        self.receive(self.active, peer(), answer);
    }

    fn changes(&mut self) -> Vec<SocketChange> {
        std::iter::from_fn(|| self.shard.poll_socket_change()).collect()
    }

    fn outcome(&mut self) -> Option<(PairId, bool, &'static str)> {
        std::iter::from_fn(|| self.shard.poll_report()).find_map(|report| match report {
            Report::PairState { pair, succeeded, reason, .. } => Some((pair, succeeded, reason)),
            _ => None,
        })
    }
}

#[test]
fn over_a_stream_a_check_is_sent_once_and_the_stream_stays_when_it_is_answered() {
    let mut end = End::new();
    let pair = PairConfig { pair: PairId(1), socket: ACTIVE, remote: peer(), priority: 1 };
    end.command(Command::SetPairs { id: ID, pairs: vec![pair] });
    assert_eq!(end.requests().len(), 1);
    end.wait(10_000);
    assert_eq!(end.requests(), []);
    assert_eq!(end.changes(), []);

    let mut end = End::new();
    end.connect();
    assert_eq!(end.outcome(), Some((PairId(1), true, "")));
    assert_eq!(end.changes(), [SocketChange::KeepStream { socket: end.active, peer: peer() }]);
}

#[test]
fn who_comes_to_a_passive_base_is_learnt_by_an_authentic_check_alone() {
    let mut end = End::new();
    end.check_from_peer(end.passive, "another password");
    assert_eq!(end.changes(), []);
    end.check_from_peer(end.passive, PASSWORD);
    assert_eq!(end.changes(), [SocketChange::KeepStream { socket: end.passive, peer: peer() }]);
    let learnt = std::iter::from_fn(|| end.shard.poll_report()).find_map(|report| match report {
        Report::PairLearnt { socket, remote, .. } => Some((socket, remote)),
        _ => None,
    });
    assert_eq!(learnt, Some((PASSIVE, peer())));
    let sent = end.requests();
    let [(socket, triggered)] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(*socket, end.passive);
    let priority = Message::parse_untrusted(triggered).unwrap().priority().unwrap();
    assert_eq!(priority >> 24, 80, "the type preference of a peer-reflexive candidate of TCP");
}

#[test]
fn with_its_stream_a_pair_ends() {
    let mut end = End::new();
    end.connect();
    end.outcome();
    end.shard.handle_stream_lost(end.now, end.active, peer());
    assert_eq!(end.outcome(), Some((PairId(1), false, "its stream has ended")));
    assert_eq!(end.shard.sizes().addresses, 0);
    end.sent();
    end.wait(5_000);
    assert_eq!(end.requests(), [], "nothing opens it again");
}

#[test]
fn a_stream_ends_with_the_pair_that_is_not_wanted_any_more() {
    let mut end = End::new();
    end.connect();
    end.changes();
    end.command(Command::SetPairs { id: ID, pairs: vec![] });
    assert_eq!(end.changes(), [SocketChange::EndStream { socket: end.active, peer: peer() }]);
    end.command(Command::RemoveSocket { id: ID, socket: PASSIVE });
    assert_eq!(end.changes(), [SocketChange::Close { socket: end.passive }]);
}

#[test]
fn who_answers_by_relays_only_does_not_show_elsewhere_that_it_is_there() {
    let mut end = End::new();
    end.command(Command::AnswerByRelaysOnly { id: ID, only: true });
    for socket in [end.udp, end.passive] {
        end.check_from_peer(socket, PASSWORD);
        end.check_from_peer(socket, "another password");
    }
    assert_eq!(end.sent(), []);
    assert_eq!(end.counters.get(Counter::StunNotRelayed), 4);
    assert_eq!(end.shard.sizes().addresses, 0);
    end.command(Command::AnswerByRelaysOnly { id: ID, only: false });
    end.check_from_peer(end.udp, PASSWORD);
    assert_eq!(end.sent().len(), 2, "an answer, and a triggered check");
}
