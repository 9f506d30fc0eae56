//! Two associations on an emulated path, on virtual time.

mod delivery;
mod hangs;
mod hostile;
mod path_mtu;
mod paths;
mod resets;
mod setup;

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::random::Random;
use crate::time::Time;

pub(super) const CONFIG: Config = Config {
    local_port: 5_000,
    remote_port: 5_000,
    receive_budget: 4 << 20,
    max_message: 256 << 10,
    streams: 65_535,
    fixed_path_mtu: Some(1_190),
    interleaving: true,
};

/// What the path does to packets, each way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    pub delay: Duration,
    /// Of the bottleneck.
    pub bytes_per_second: u64,
    pub queue_bytes: u64,
    /// Per mille.
    pub loss: u64,
    pub doubled: u64,
    pub reordered: u64,
    /// One byte is another one: found by the checksum, or by DTLS where there is none.
    pub corrupted: u64,
    /// Datagrams that are longer, with what DTLS adds, do not pass.
    pub mtu: usize,
}

pub(super) const GOOD: Path = Path {
    delay: Duration::from_millis(5),
    bytes_per_second: 125_000_000,
    queue_bytes: 1 << 20,
    loss: 0,
    doubled: 0,
    reordered: 0,
    corrupted: 0,
    mtu: usize::MAX,
};

/// One direction of the path.
#[derive(Debug, Default)]
struct Wire {
    free_at: Time,
    /// By arrival, then by number.
    packets: BTreeMap<(Time, u64), Vec<u8>>,
    count: u64,
}

/// Both ends and the path between them.
pub(super) struct Duo {
    pub now: Time,
    pub ends: [Association; 2],
    pub path: Path,
    wires: [Wire; 2],
    random: Random,
    pub events: [Vec<Event>; 2],
    /// Whether each end's messages are released as they come.
    pub releases: bool,
    pub sent_packets: [u64; 2],
    pub dropped: u64,
    /// Datagrams that each end sent, since it was last set to zero.
    pub longest: [usize; 2],
}

impl Duo {
    pub fn new(path: Path, seed: u64) -> Duo {
        Duo::with(path, seed, [CONFIG; 2])
    }

    pub fn with(path: Path, seed: u64, configs: [Config; 2]) -> Duo {
        let secret = |end: u8| {
            let mut secret = [end; 32];
            secret[..8].copy_from_slice(&seed.to_be_bytes());
            secret
        };
        let now = Time::from_millis(1_000);
        Duo {
            now,
            ends: [0, 1].map(|end| Association::new(configs[end], now, &secret(end as u8))),
            path,
            wires: Default::default(),
            random: Random::new(&secret(9)),
            events: Default::default(),
            releases: true,
            sent_packets: [0; 2],
            dropped: 0,
            longest: [0; 2],
        }
    }

    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.random.next_u64() % 1_000 < per_mille
    }

    fn carry(&mut self, from: usize, mut packet: Vec<u8>) {
        self.sent_packets[from] += 1;
        let path = self.path;
        let datagram = packet.len() + DTLS_BYTES;
        self.longest[from] = self.longest[from].max(datagram);
        let is_corrupted = self.chance(path.corrupted);
        let is_checked = packet[8..12] != [0; 4];
        let is_lost = datagram > path.mtu || is_corrupted && !is_checked;
        if is_lost || self.chance(path.loss) {
            self.dropped += 1;
            return;
        }
        if is_corrupted {
            let place = self.random.next_u64() as usize % packet.len();
            packet[place] ^= 1 << (self.random.next_u64() % 8);
        }
        let takes = Duration::from_nanos(packet.len() as u64 * 1_000_000_000 / path.bytes_per_second);
        let waits = self.wires[from].free_at.since(self.now);
        if waits.as_nanos() as u64 * path.bytes_per_second / 1_000_000_000 > path.queue_bytes {
            self.dropped += 1;
            return;
        }
        let leaves = self.wires[from].free_at.max(self.now) + takes;
        self.wires[from].free_at = leaves;
        let copies = if self.chance(path.doubled) { 2 } else { 1 };
        for _ in 0..copies {
            let packet = packet.clone();
            let late = if self.chance(path.reordered) { path.delay / 2 } else { Duration::ZERO };
            let wire = &mut self.wires[from];
            wire.count += 1;
            wire.packets.insert((leaves + path.delay + late, wire.count), packet);
        }
    }

    /// Takes what both ends have to say.
    pub fn settle(&mut self) {
        for end in 0..2 {
            let mut packet = Vec::new();
            while self.ends[end].poll_transmit(self.now, &mut packet) {
                self.carry(end, std::mem::take(&mut packet));
            }
            while let Some(event) = self.ends[end].poll_event() {
                if let (Event::Message { data, .. }, true) = (&event, self.releases) {
                    self.ends[end].release(data.len());
                }
                self.events[end].push(event);
            }
        }
    }

    /// Goes to the next thing that happens, at most up to `until`; false when nothing does.
    pub fn step(&mut self, until: Time) -> bool {
        self.settle();
        let arrivals = self.wires.iter().filter_map(|wire| wire.packets.keys().next().map(|&(at, _)| at));
        let timers = self.ends.iter().filter_map(Association::poll_timeout);
        let Some(next) = arrivals.chain(timers).min().filter(|&next| next <= until) else {
            self.now = until;
            return false;
        };
        self.now = self.now.max(next);
        for from in 0..2 {
            while let Some(entry) = self.wires[from].packets.first_entry() {
                if entry.key().0 > self.now {
                    break;
                }
                let packet = entry.remove();
                self.ends[1 - from].handle_packet_untrusted(self.now, &packet);
            }
        }
        for end in &mut self.ends {
            if end.poll_timeout().is_some_and(|due| due <= self.now) {
                end.handle_timeout(self.now);
            }
        }
        true
    }

    pub fn run(&mut self, duration: Duration) {
        let until = self.now + duration;
        while self.step(until) {}
        self.settle();
    }

    /// Runs until `done`; whether that came in time.
    pub fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&Duo) -> bool) -> bool {
        let until = self.now + limit;
        loop {
            self.settle();
            if done(self) {
                return true;
            }
            if !self.step(until) {
                return done(self);
            }
        }
    }

    pub fn connect(&mut self) {
        let connected =
            |events: &[Event]| events.iter().any(|event| matches!(event, Event::Connected { .. }));
        let both =
            self.run_until(Duration::from_secs(60), |duo| duo.events.iter().all(|events| connected(events)));
        assert!(both, "{:?}", self.events);
    }

    pub fn messages(&self, end: usize) -> Vec<(u16, &[u8])> {
        let message = |event: &'_ Event| matches!(event, Event::Message { .. });
        let events = self.events[end].iter().filter(|event| message(event));
        events
            .map(|event| match event {
                Event::Message { stream, data, .. } => (*stream, data.as_slice()),
                _ => unreachable!(),
            })
            .collect()
    }
}

pub(super) fn message(stream: u16, data: Vec<u8>) -> OutgoingMessage {
    OutgoingMessage {
        stream,
        ppid: 53,
        ordered: true,
        reliability: Reliability::Reliable,
        priority: 256,
        data,
    }
}
