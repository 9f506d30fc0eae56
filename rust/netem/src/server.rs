//! A server: shards with rings between them, driven turn by turn as `net` drives its threads.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use visavis_dataplane::api::TrackId;
use visavis_dataplane::counters::{Counter, Counters};
use visavis_dataplane::dtls::Certificate;
use visavis_dataplane::frames::{FrameEvent, OutgoingFrame, ReceiverId};
use visavis_dataplane::shard::Sizes;
use visavis_dataplane::{
    Command, Descriptor, Report, Shard, ShardConfig, ShardId, ShardMessage, SocketChange, SocketId, Time,
};

use crate::network::{Datagram, Node};

/// 2026-01-01 as NTP time.
pub const NTP_AT_ZERO: u64 = 3_976_214_400 << 32;

/// A server of some shards behind one or more sockets.
#[derive(Debug)]
pub struct Server {
    shards: Vec<Shard>,
    counters: Vec<Arc<Counters>>,
    sockets: Vec<SocketAddr>,
    /// What descriptors of transports' own sockets mean.
    descriptors: Vec<SocketAddr>,
    own: BTreeMap<(ShardId, SocketId), SocketAddr>,
    /// What the "kernel" does with the datagrams of an address instead of hashing it.
    steering: HashMap<SocketAddr, ShardId>,
    outgoing: VecDeque<Datagram>,
    reports: Vec<(Time, Report)>,
    frames: Vec<(Time, ReceiverId, FrameEvent)>,
    handed_over: u64,
    sent_to: HashMap<SocketAddr, u64>,
}

/// One certificate for all scenarios: they are given their SRTP keys, so that nobody looks at it.
fn certificate() -> Certificate {
    static CERTIFICATE: OnceLock<Certificate> = OnceLock::new();
    CERTIFICATE.get_or_init(|| Certificate::generate().expect("the library can make a certificate")).clone()
}

impl Server {
    pub fn new(shards: u8, sockets: Vec<SocketAddr>) -> Server {
        let counters: Vec<Arc<Counters>> = (0..shards).map(|_| Arc::default()).collect();
        let epoch = Instant::now();
        let shards = (0..shards)
            .zip(&counters)
            .map(|(id, counters)| {
                Shard::new(ShardConfig {
                    id: ShardId(id),
                    shards,
                    ntp_at_zero: NTP_AT_ZERO,
                    epoch,
                    certificate: certificate().into_inner(),
                    secret: [id; 32],
                    counters: Arc::clone(counters),
                })
            })
            .collect();
        Server {
            shards,
            counters,
            sockets,
            descriptors: Vec::new(),
            own: BTreeMap::new(),
            steering: HashMap::new(),
            outgoing: VecDeque::new(),
            reports: Vec::new(),
            frames: Vec::new(),
            handed_over: 0,
            sent_to: HashMap::new(),
        }
    }

    /// A bound socket for a transport: what to give it by `AddSocket`.
    pub fn bind(&mut self, address: SocketAddr) -> Descriptor {
        self.descriptors.push(address);
        Descriptor(self.descriptors.len() as i32 - 1)
    }

    /// Whether a transport has taken a socket over, and not closed it.
    pub fn is_open(&self, address: SocketAddr) -> bool {
        self.own.values().any(|&known| known == address)
    }

    /// From now on the datagrams of `address` reach the thread of this shard.
    pub fn steer(&mut self, address: SocketAddr, shard: ShardId) {
        self.steering.insert(address, shard);
    }

    /// The thread to which the "kernel" gives the datagrams of an address: always the same one, picked by a hash.
    pub fn thread_of(&self, address: SocketAddr) -> ShardId {
        let hash = |address: SocketAddr| u64::from(address.port()).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let by_hash = || ShardId((hash(address) % self.shards.len() as u64) as u8);
        self.steering.get(&address).copied().unwrap_or_else(by_hash)
    }

    pub fn command(&mut self, now: Time, command: Command) {
        let shard = usize::from(command.shard().0);
        self.shards[shard].handle_command(now, command);
        self.end_batch(now);
    }

    /// A frame of a local source.
    pub fn send_frame(&mut self, now: Time, track: TrackId, frame: &OutgoingFrame) {
        self.shards[usize::from(track.shard().0)].handle_frame(now, track, frame);
        self.end_batch(now);
    }

    /// All frames that receivers were given so far.
    pub fn frames(&self) -> &[(Time, ReceiverId, FrameEvent)] {
        &self.frames
    }

    pub fn shard(&self, shard: ShardId) -> &Shard {
        &self.shards[usize::from(shard.0)]
    }

    pub fn shards(&self) -> impl Iterator<Item = &Shard> {
        self.shards.iter()
    }

    /// A counter, over all shards.
    pub fn count(&self, counter: Counter) -> u64 {
        self.counters.iter().map(|counters| counters.get(counter)).sum()
    }

    /// What all shards hold.
    pub fn sizes(&self) -> Sizes {
        self.shards.iter().map(Shard::sizes).fold(Sizes::default(), |sum, one| Sizes {
            transports: sum.transports + one.transports,
            ufrags: sum.ufrags + one.ufrags,
            addresses: sum.addresses + one.addresses,
            sockets: sum.sockets + one.sockets,
            sources: sum.sources + one.sources,
            deadlines: sum.deadlines + one.deadlines,
            waiting: sum.waiting + one.waiting,
        })
    }

    /// Datagrams that one shard gave to another.
    pub fn handed_over(&self) -> u64 {
        self.handed_over
    }

    /// Datagrams sent to an address.
    pub fn sent_to(&self, address: SocketAddr) -> u64 {
        self.sent_to.get(&address).copied().unwrap_or(0)
    }

    /// All that was reported so far, with its time.
    pub fn reports(&self) -> &[(Time, Report)] {
        &self.reports
    }

    pub fn take_reports(&mut self) -> Vec<(Time, Report)> {
        std::mem::take(&mut self.reports)
    }

    /// What one batch of input led to: datagrams, messages, reports; and what the messages lead to, until all are quiet.
    fn end_batch(&mut self, now: Time) {
        loop {
            let mut messages = Vec::new();
            for shard in &mut self.shards {
                shard.flush(now);
                let mut closed = Vec::new();
                while let Some(change) = shard.poll_socket_change() {
                    match change {
                        SocketChange::Open { socket, descriptor } => {
                            let address = self.descriptors[descriptor.0 as usize];
                            self.own.insert((shard.id(), socket), address);
                        }
                        SocketChange::Close { socket } => closed.push((shard.id(), socket)),
                        // The emulated network has no streams, and cuts no datagrams.
                        SocketChange::Discard { .. }
                        | SocketChange::OpenStream { .. }
                        | SocketChange::OpenTcp { .. }
                        | SocketChange::KeepStream { .. }
                        | SocketChange::EndStream { .. }
                        | SocketChange::ForbidFragments { .. } => (),
                    }
                }
                let id = shard.id();
                let transmits = shard.transmits();
                for transmit in transmits.entries() {
                    let shared = self.sockets.get(transmit.socket.0 as usize);
                    let from = shared.or_else(|| self.own.get(&(id, transmit.socket)));
                    let Some(&from) = from else { continue };
                    for datagram in transmits.bytes(transmit).chunks(transmit.segment) {
                        let (to, data) = (transmit.destination, datagram.to_vec());
                        *self.sent_to.entry(to).or_default() += 1;
                        self.outgoing.push_back(Datagram { from, to, data });
                    }
                }
                transmits.clear();
                closed.iter().for_each(|socket| _ = self.own.remove(socket));
                while let Some((to, message)) = shard.poll_message() {
                    messages.push((shard.id(), to, message));
                }
                let frames = std::iter::from_fn(|| shard.poll_frame());
                self.frames.extend(frames.map(|(receiver, event)| (now, receiver, event)));
                self.reports.extend(std::iter::from_fn(|| shard.poll_report()).map(|report| (now, report)));
            }
            if messages.is_empty() {
                return;
            }
            for (from, to, message) in messages {
                self.handed_over += u64::from(matches!(message, ShardMessage::Datagram { .. }));
                if let Some(shard) = self.shards.get_mut(usize::from(to.0)) {
                    shard.handle_message(now, from, message);
                }
            }
        }
    }
}

impl Node for Server {
    fn handle_datagram_untrusted(&mut self, now: Time, datagram: Datagram) {
        let Datagram { from, to, mut data } = datagram;
        let shared = self.sockets.iter().position(|&socket| socket == to);
        let shared = shared.map(|socket| (self.thread_of(from), SocketId(socket as u32)));
        let own = || self.own.iter().find(|&(_, &address)| address == to).map(|(&owner, _)| owner);
        let Some((shard, socket)) = shared.or_else(own) else { return };
        self.shards[usize::from(shard.0)].handle_datagram_untrusted(now, socket, from, &mut data);
    }

    fn handle_timeout(&mut self, now: Time) {
        for shard in &mut self.shards {
            if shard.poll_timeout().is_some_and(|due| due <= now) {
                shard.handle_timeout(now);
            }
        }
    }

    fn flush(&mut self, now: Time) {
        self.end_batch(now);
    }

    fn poll_timeout(&self) -> Option<Time> {
        self.shards.iter().filter_map(Shard::poll_timeout).min()
    }

    fn poll_transmit(&mut self) -> Option<Datagram> {
        self.outgoing.pop_front()
    }
}
