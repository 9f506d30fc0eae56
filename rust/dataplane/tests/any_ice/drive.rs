//! One shard with a full and a lite transport, driven by bytes: they say what is commanded, what comes from the network,
//! some of it authentic, and how much time passes.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use visavis_dataplane::api::{
    Descriptor, FIRST_OWN_SOCKET, GivenKeys, IceMode, PairConfig, PairId, SocketNumber, StunRequest,
    TransportId,
};
use visavis_dataplane::dtls::Certificate;
use visavis_dataplane::ice::Credentials;
use visavis_dataplane::srtp::Profile;
use visavis_dataplane::{Command, Shard, ShardConfig, ShardId, SocketId, Time};
use visavis_wire::stun::{Builder, Class, Message, Method, TransactionId};

static CERTIFICATE: LazyLock<Certificate> =
    LazyLock::new(|| Certificate::generate().expect("the library makes certificates"));
/// Pairs of either transport, learnt ones among them, with something to spare.
const MOST_ADDRESSES: usize = 2 * (8 + 16) + 2;
/// So many datagrams may leave in one turn: of each pair a probe and a repetition, of each request one.
const MOST_SENT: usize = 400;

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn or_zero(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }
}

fn credentials(end: char, generation: u8) -> Credentials {
    Credentials { ufrag: format!("A{end}{generation:04}"), password: format!("{end}{generation:030}") }
}

fn address(byte: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1 + byte / 16], 5_000 + u16::from(byte)))
}

struct Scene {
    shard: Shard,
    now: Time,
    generation: [u8; 2],
    /// The latest requests that it sent, and where they went.
    asked: Vec<(SocketId, SocketAddr, TransactionId)>,
}

impl Scene {
    fn new() -> Scene {
        let shard = Shard::new(ShardConfig {
            id: ShardId(0),
            shards: 1,
            ntp_at_zero: 0,
            epoch: Instant::now(),
            certificate: CERTIFICATE.clone().into_inner(),
            secret: [7; 32],
            counters: Arc::default(),
        });
        let mut scene = Scene { shard, now: Time::ZERO, generation: [0; 2], asked: Vec::new() };
        for (end, mode) in
            [(0, IceMode::Full { controlling: true, tie_breaker: 1 << 40 }), (1, IceMode::Lite)]
        {
            let (id, local) = (TransportId(end + 1), scene.local(end as usize));
            scene.command(Command::OpenTransport { id, local, mode, certificate: None });
        }
        let id = TransportId(1);
        for number in 0..2 {
            let (socket, descriptor) = (SocketNumber(FIRST_OWN_SOCKET + number), Descriptor(0));
            scene.command(Command::AddSocket { id, socket, descriptor });
        }
        scene
    }

    fn local(&self, end: usize) -> Credentials {
        credentials(['f', 'l'][end], self.generation[end])
    }

    fn remote(&self, end: usize) -> Credentials {
        credentials(['F', 'L'][end], self.generation[end])
    }

    fn command(&mut self, command: Command) {
        self.shard.handle_command(self.now, command);
    }

    fn step(&mut self, bytes: &mut Bytes<'_>) -> Option<()> {
        let (what, argument) = (bytes.next()?, bytes.or_zero());
        let end = usize::from(argument & 1);
        let id = TransportId(end as u32 + 1);
        let full = TransportId(1);
        let own = SocketNumber(FIRST_OWN_SOCKET + u32::from(argument % 5));
        match what % 16 {
            0 => {
                let profile = Profile::AeadAes128Gcm;
                let key = vec![argument; profile.key_len() + profile.salt_len()];
                let keys = GivenKeys { profile, local: key.clone(), remote: key };
                let remote = self.remote(end);
                self.command(Command::ConnectWithKeys { id, remote, keys });
            }
            1 => {
                self.generation[end] = self.generation[end].wrapping_add(1);
                let (local, remote) = (self.local(end), (argument & 2 == 0).then(|| self.remote(end)));
                self.command(Command::RestartIce { id, local, remote });
            }
            2 | 3 => {
                let pairs = (0..argument % 9).map(|n| PairConfig {
                    pair: PairId(u32::from(n ^ argument >> 4)),
                    socket: SocketNumber(FIRST_OWN_SOCKET + u32::from(bytes.or_zero() % 4)),
                    remote: address(bytes.or_zero() % 32),
                    priority: 1,
                });
                let pairs = pairs.collect();
                self.command(Command::SetPairs { id: full, pairs });
            }
            4 => self.command(Command::Nominate { id: full, pair: PairId(u32::from(argument % 9)) }),
            5 => {
                let request = StunRequest {
                    request: u32::from(argument),
                    socket: own,
                    server: address(argument),
                    method: 1 + u16::from(argument % 9),
                    attributes: vec![(0x8022, vec![argument; usize::from(argument % 20)])],
                    key: (argument & 1 == 0).then(|| vec![argument; 16]),
                };
                self.command(Command::SendStun { id: full, request });
            }
            6 => {
                let server = address(bytes.or_zero() % 32);
                let relay = SocketNumber(FIRST_OWN_SOCKET + 2 + u32::from(argument >> 4 & 1));
                self.command(Command::AddRelay { id: full, relay, socket: own, server });
                let (peer, channel) = (address(bytes.or_zero() % 32), Some(0x4000 + u16::from(argument & 3)));
                self.command(Command::BindChannel { id: full, relay, peer, channel });
            }
            7 if argument < 16 => {
                self.command(Command::RemoveSocket { id: full, socket: own });
                self.command(Command::AddSocket { id: full, socket: own, descriptor: Descriptor(0) });
            }
            8 | 9 => self.check(end, argument, bytes.or_zero()),
            10 | 11 => self.answer(argument, bytes.or_zero()),
            12 => {
                let length = usize::from(argument).min(bytes.0.len());
                let (datagram, rest) = bytes.0.split_at(length);
                bytes.0 = rest;
                let from = address(argument % 32);
                self.receive(SocketId(if end == 0 { FIRST_OWN_SOCKET } else { 0 }), from, datagram.to_vec());
            }
            _ => self.pass(Duration::from_millis(u64::from(argument) * u64::from(argument) / 4)),
        }
        self.settle();
        Some(())
    }

    /// The peer's check, right or wrong.
    fn check(&mut self, end: usize, from: u8, flags: u8) {
        let (local, remote) = (self.local(end), self.remote(end));
        let mut data = Vec::new();
        let mut request = Builder::binding_request(&mut data, [from; 12])
            .username(&format!("{}:{}", local.ufrag, remote.ufrag))
            .priority(u32::from(from));
        request = match flags & 3 {
            0 | 1 => request.ice_controlling(u64::from(flags) << 34),
            2 => request.ice_controlled(u64::from(flags) << 34),
            _ => request,
        };
        if flags & 4 != 0 {
            request = request.use_candidate();
        }
        let password = if flags & 56 == 0 { "wrong" } else { &local.password };
        request.finish_with_integrity(password.as_bytes());
        let socket = SocketId(if end == 0 { FIRST_OWN_SOCKET + u32::from(flags >> 7) } else { 0 });
        self.receive(socket, address(from % 32), data);
    }

    /// An answer to one of the latest requests, right or wrong.
    fn answer(&mut self, which: u8, flags: u8) {
        let Some(&(socket, from, transaction)) = self.asked.get(usize::from(which) % self.asked.len().max(1))
        else {
            return;
        };
        let end = usize::from(transaction[3] == 2);
        let remote = self.remote(end);
        let mut data = Vec::new();
        let answer = match flags & 7 {
            0 => Builder::binding_error(&mut data, transaction).error_code(487, "Role Conflict"),
            1 => Builder::binding_error(&mut data, transaction).error_code(400, "Bad Request"),
            2 => Builder::binding_success(&mut data, transaction),
            _ => Builder::binding_success(&mut data, transaction).xor_mapped_address(from),
        };
        let password = if flags & 24 == 0 { "wrong" } else { &remote.password };
        answer.finish_with_integrity(password.as_bytes());
        let from = if flags & 96 == 0 { address(flags) } else { from };
        self.receive(socket, from, data);
    }

    fn receive(&mut self, socket: SocketId, from: SocketAddr, mut data: Vec<u8>) {
        self.shard.handle_datagram_untrusted(self.now, socket, from, &mut data);
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut turns = 0;
        while let Some(due) = self.shard.poll_timeout().filter(|&due| due <= end) {
            let before = self.now;
            self.now = self.now.max(due);
            self.shard.handle_timeout(self.now);
            self.settle();
            turns = if self.now == before { turns + 1 } else { 0 };
            assert!(turns < 100, "it wants to be woken again and again");
        }
        self.now = end;
    }

    fn settle(&mut self) {
        self.shard.flush(self.now);
        let transmits = self.shard.transmits();
        let sent: usize =
            transmits.entries().iter().map(|transmit| transmit.length.div_ceil(transmit.segment)).sum();
        assert!(sent <= MOST_SENT, "{sent} datagrams in one turn");
        for transmit in transmits.entries() {
            if let Ok(message) = Message::parse_untrusted(transmits.bytes(transmit))
                && message.class() == Class::Request
                && message.method() == Method::BINDING
            {
                self.asked.push((transmit.socket, transmit.destination, message.transaction_id()));
            }
        }
        let old = self.asked.len().saturating_sub(16);
        self.asked.drain(..old);
        transmits.clear();
        while self.shard.poll_report().is_some() {}
        while self.shard.poll_socket_change().is_some() {}
        let sizes = self.shard.sizes();
        assert!(sizes.addresses <= MOST_ADDRESSES, "{sizes:?}");
        assert!(sizes.ufrags <= 4, "{sizes:?}");
    }
}

/// Whatever the bytes say, nothing panics, grows without bound or is left in the end.
pub fn drive(bytes: &[u8]) {
    let mut scene = Scene::new();
    let mut bytes = Bytes(bytes);
    while scene.step(&mut bytes).is_some() {}
    for id in [TransportId(1), TransportId(2)] {
        scene.command(Command::CloseTransport { id });
    }
    scene.settle();
    scene.pass(Duration::from_secs(5));
    let sizes = scene.shard.sizes();
    assert_eq!(
        (sizes.transports, sizes.ufrags, sizes.addresses, sizes.sockets, sizes.deadlines),
        (0, 0, 0, 0, 0)
    );
    assert!(scene.shard.transmits().relays.is_empty());
}
