//! Relayed paths (RFC 8656): a full agent whose datagrams travel over a TURN server, which the tests play.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use visavis_dataplane::api::{
    Descriptor, FIRST_OWN_SOCKET, GivenKeys, IceMode, PairConfig, PairId, SocketNumber, TransportId,
};
use visavis_dataplane::counters::{Counter, Counters};
use visavis_dataplane::dtls::Certificate;
use visavis_dataplane::ice::Credentials;
use visavis_dataplane::srtp::Profile;
use visavis_dataplane::{Command, Report, Shard, ShardConfig, ShardId, SocketChange, SocketId, Time};
use visavis_wire::stun::{Builder, Class, Message, Method, attribute_type};
use visavis_wire::turn::{channel_data_untrusted, write_channel_data};

const ID: TransportId = TransportId(1);
const SOCKET: SocketNumber = SocketNumber(FIRST_OWN_SOCKET);
const RELAY: SocketNumber = SocketNumber(FIRST_OWN_SOCKET + 1);
const CHANNEL: u16 = 0x4001;
const PASSWORD: &str = "the password of either end 0123456789";

fn server() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 3478))
}

fn peer() -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 7], 5_000))
}

fn credentials(ufrag: &str) -> Credentials {
    Credentials { ufrag: ufrag.to_owned(), password: PASSWORD.to_owned() }
}

/// A shard with one transport, which has a socket and a relay.
struct Client {
    shard: Shard,
    counters: Arc<Counters>,
    socket: SocketId,
}

impl Client {
    fn new() -> Client {
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
        let mut client = Client { shard, counters, socket: SocketId(0) };
        let mode = IceMode::Full { controlling: true, tie_breaker: 1 };
        client.command(Command::OpenTransport {
            id: ID,
            local: credentials("Aone"),
            mode,
            certificate: None,
        });
        let keys = GivenKeys {
            profile: Profile::Aes128CmHmacSha1_80,
            local: (0..30).collect(),
            remote: (30..60).collect(),
        };
        client.command(Command::ConnectWithKeys { id: ID, remote: credentials("peer"), keys });
        client.command(Command::AddSocket { id: ID, socket: SOCKET, descriptor: Descriptor(3) });
        let Some(SocketChange::Open { socket, .. }) = client.shard.poll_socket_change() else { panic!() };
        client.socket = socket;
        client.command(Command::AddRelay { id: ID, relay: RELAY, socket: SOCKET, server: server() });
        client
    }

    fn command(&mut self, command: Command) {
        self.shard.handle_command(Time::ZERO, command);
    }

    fn bind(&mut self) {
        self.command(Command::BindChannel { id: ID, relay: RELAY, peer: peer(), channel: Some(CHANNEL) });
    }

    /// Has the pair over the relay checked; what leaves for that.
    fn check(&mut self) -> Vec<u8> {
        let pair = PairConfig { pair: PairId(1), socket: RELAY, remote: peer(), priority: 1 };
        self.command(Command::SetPairs { id: ID, pairs: vec![pair] });
        let transmits = self.shard.transmits();
        let [transmit] = transmits.entries() else { panic!("{:?}", transmits.entries()) };
        assert_eq!((transmit.socket, transmit.destination), (self.socket, server()));
        let sent = transmits.bytes(transmit).to_vec();
        transmits.clear();
        sent
    }

    fn receive(&mut self, from: SocketAddr, mut datagram: Vec<u8>) {
        self.shard.handle_datagram_untrusted(Time::ZERO, self.socket, from, &mut datagram);
    }

    fn outcome(&mut self) -> Option<(PairId, bool)> {
        std::iter::from_fn(|| self.shard.poll_report()).find_map(|report| match report {
            Report::PairState { pair, succeeded, .. } => Some((pair, succeeded)),
            _ => None,
        })
    }

    fn count(&self, counter: Counter) -> u64 {
        self.counters.get(counter)
    }
}

fn append(data: &[u8]) -> impl FnOnce(&mut Vec<u8>) -> Result<(), Infallible> {
    move |out| {
        out.extend_from_slice(data);
        Ok(())
    }
}

/// The peer's answer to a check.
fn answer(check: &[u8]) -> Vec<u8> {
    let message = Message::parse_untrusted(check).unwrap();
    assert!(message.verify_integrity(PASSWORD.as_bytes()));
    let mut data = Vec::new();
    Builder::binding_success(&mut data, message.transaction_id())
        .xor_mapped_address(SocketAddr::from(([192, 0, 2, 1], 50_000)))
        .finish_with_integrity(PASSWORD.as_bytes());
    data
}

fn by_channel(channel: u16, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_channel_data(&mut out, channel, append(data)).unwrap();
    out
}

fn by_indication(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Builder::new(&mut out, Class::Indication, Method::DATA, [1; 12])
        .xor_peer_address(peer())
        .finish_with_data(append(data))
        .unwrap();
    out
}

#[test]
fn a_peer_with_a_channel_is_reached_by_channel_data_both_ways() {
    let mut client = Client::new();
    client.bind();
    let mut sent = client.check();
    let (channel, check) = channel_data_untrusted(&mut sent).unwrap();
    assert_eq!(channel, CHANNEL);
    let answer = answer(check);
    client.receive(server(), by_channel(CHANNEL, &answer));
    assert_eq!(client.outcome(), Some((PairId(1), true)));
}

#[test]
fn a_peer_without_a_channel_is_reached_by_indications_both_ways() {
    let mut client = Client::new();
    let sent = client.check();
    let message = Message::parse_untrusted(&sent).unwrap();
    assert_eq!((message.class(), message.method()), (Class::Indication, Method::SEND));
    assert_eq!(message.xor_peer_address(), Some(peer()));
    let answer = answer(message.attribute(attribute_type::DATA).unwrap());
    client.receive(server(), by_indication(&answer));
    assert_eq!(client.outcome(), Some((PairId(1), true)));
}

#[test]
fn relayed_data_that_no_server_of_ours_sent_is_counted_and_dropped() {
    let mut client = Client::new();
    client.bind();
    let mut sent = client.check();
    let (_, check) = channel_data_untrusted(&mut sent).unwrap();
    let answer = answer(check);
    for (from, datagram) in [
        (peer(), by_channel(CHANNEL, &answer)),
        (server(), by_channel(CHANNEL + 1, &answer)),
        (peer(), by_indication(&answer)),
        (server(), vec![0x40, 0x01, 0xff, 0xff]),
    ] {
        client.receive(from, datagram);
    }
    assert_eq!(client.outcome(), None);
    assert_eq!(client.count(Counter::RelayUnknown), 4);
}

#[test]
fn nothing_is_relayed_twice() {
    let mut client = Client::new();
    client.bind();
    let mut sent = client.check();
    let (_, check) = channel_data_untrusted(&mut sent).unwrap();
    let answer = answer(check);
    client.receive(server(), by_channel(CHANNEL, &by_channel(CHANNEL, &answer)));
    client.receive(server(), by_indication(&by_indication(&answer)));
    assert_eq!(client.outcome(), None);
}

#[test]
fn an_answer_that_came_around_the_relay_fails_the_pair() {
    let mut client = Client::new();
    client.bind();
    let mut sent = client.check();
    let (_, check) = channel_data_untrusted(&mut sent).unwrap();
    let answer = answer(check);
    client.receive(peer(), answer);
    assert_eq!(client.outcome(), Some((PairId(1), false)));
}

#[test]
fn the_end_of_a_socket_is_that_of_its_relays() {
    let mut client = Client::new();
    client.bind();
    client.check();
    client.command(Command::RemoveSocket { id: ID, socket: SOCKET });
    assert_eq!(client.outcome(), Some((PairId(1), false)));
    assert_eq!(client.shard.sizes().sockets, 0);
    assert!(client.shard.transmits().relays.is_empty());
}

#[test]
fn relayed_datagrams_make_no_train() {
    let mut client = Client::new();
    client.bind();
    let relay = SocketId(client.socket.0 + 1 | 1 << 31);
    let transmits = client.shard.transmits();
    for _ in 0..3 {
        transmits.push(relay, peer(), b"media");
    }
    assert_eq!(transmits.entries().len(), 3);
    assert!(transmits.entries().iter().all(|transmit| transmit.length == 9));
    let refused = transmits.push_with(relay, peer(), |out| {
        out.extend_from_slice(b"half");
        Err("the packet cannot be sealed")
    });
    assert!(refused.is_err());
    transmits.push(client.socket, server(), b"after it");
    let last = *transmits.entries().last().unwrap();
    assert_eq!(transmits.bytes(&last), b"after it");
}
