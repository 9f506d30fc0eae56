//! A conference in one thread: the loop that sends, drains and keeps everyone alive, and the window it is measured in.
//!
//! The loop never sleeps: it has a core of its own, and a receiver that does not sleep need not be woken, so no wake-up
//! is charged to the server's sending.

use std::time::{Duration, Instant};

use crate::job::{Figures, Forward, Pattern, Report};
use crate::publisher::Publisher;
use crate::subscriber::Subscriber;
use crate::udp::Inbox;
use crate::{Result, cpu};

/// How many subscribers are whole clients.
const WHOLE_CLIENTS: usize = 2;
/// How often each socket is drained; what arrives in between waits in its buffer, with its arrival time.
const DRAIN_INTERVAL: Duration = Duration::from_millis(4);
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_millis(1);
/// What arrives later than this after the last packet was sent counts as lost: a server that only queues does not keep up.
const GRACE: Duration = Duration::from_millis(20);
/// When nothing came for this long, nothing more is on its way.
const QUIET: Duration = Duration::from_millis(30);
const QUIET_LIMIT: Duration = Duration::from_secs(5);
const WARM_UP_PPS: f64 = 400.0;
const WARM_UP_LIMIT: Duration = Duration::from_secs(10);
/// Below this share of idle time the load itself may be what limits.
const IDLE_NEEDED: f64 = 0.03;
pub const LOSS_ALLOWED: f64 = 0.01;

pub struct Conference {
    publisher: Publisher,
    subscribers: Vec<Subscriber>,
    drained: Vec<Instant>,
    next_subscriber: usize,
    next_housekeeping: Instant,
    next_keep_up: usize,
    idle: Duration,
    inbox: Inbox,
    pid: u32,
}

impl Conference {
    /// Connects everybody, one after the other, and publishes until all subscribers have received something.
    pub fn connect(job: &Forward) -> Result<Conference> {
        let started = Instant::now();
        let publisher = Publisher::connect(job.http)?;
        let subscribers: Vec<Subscriber> = (0..job.subscribers)
            .map(|number| Subscriber::connect(job.http, number < WHOLE_CLIENTS, job.gro))
            .collect::<Result<_>>()?;
        let first = subscribers.first().ok_or("a conference needs a subscriber")?;
        let connected = Report::Connected {
            subscribers: subscribers.len(),
            srtp_profile: first.client.srtp_profile.clone(),
            dtls_version: first.client.dtls_version.clone(),
            seconds: started.elapsed().as_secs_f64(),
        };
        let now = Instant::now();
        let mut conference = Conference {
            publisher,
            drained: vec![now; subscribers.len()],
            subscribers,
            next_subscriber: 0,
            next_housekeeping: now,
            next_keep_up: 0,
            idle: Duration::ZERO,
            inbox: Inbox::new(),
            pid: job.pid,
        };
        conference.warm_up()?;
        connected.print()?;
        Ok(conference)
    }

    pub fn subscribers(&self) -> usize {
        self.subscribers.len()
    }

    fn warm_up(&mut self) -> Result<()> {
        let started = Instant::now();
        self.publisher.start(Pattern { size_bytes: 1_100, burst: 1 }, WARM_UP_PPS, started);
        loop {
            let now = self.step()?;
            let waiting =
                self.subscribers.iter().filter(|subscriber| subscriber.counts.received == 0).count();
            if waiting == 0 {
                break;
            }
            if now - started > WARM_UP_LIMIT {
                return Err(
                    format!("{waiting} subscribers had received nothing after {WARM_UP_LIMIT:?}").into()
                );
            }
        }
        self.publisher.stop();
        self.run_until_quiet(Instant::now())
    }

    /// Publishes `packets_per_s` for `seconds` from rest to rest, and says what became of it.
    pub fn window(&mut self, pattern: Pattern, packets_per_s: f64, seconds: f64) -> Result<Figures> {
        self.subscribers.iter_mut().for_each(|subscriber| drop(subscriber.take_delays_ns()));
        let (received_before, gaps_before) = self.totals();
        let before = (self.publisher.sent, self.publisher.resent, self.publisher.key_frames_asked);
        self.idle = Duration::ZERO;
        let threads_before = cpu::threads_of(self.pid)?;
        let started = Instant::now();
        self.publisher.start(pattern, packets_per_s, started);
        let length = Duration::from_secs_f64(seconds);
        while self.step()? < started + length {}
        self.publisher.stop();
        let (stopped, idle) = (Instant::now(), self.idle);
        let sent = (self.publisher.sent - before.0) as f64;

        while self.drain_all()? < stopped + GRACE {}
        let in_time = (self.totals().0 - received_before) as f64;
        self.run_until_quiet(stopped)?;
        let elapsed_s = started.elapsed().as_secs_f64();
        let spent = cpu::spent_ns(&threads_before, &cpu::threads_of(self.pid)?);
        let cpu_ns: u64 = spent.iter().map(|(_, ns)| ns).sum();
        let (received, gaps) = self.totals();

        let mut delays_ns: Vec<u64> =
            self.subscribers.iter_mut().flat_map(Subscriber::take_delays_ns).collect();
        delays_ns.sort_unstable();
        let percentile_us = |share: f64| {
            let at = (delays_ns.len().saturating_sub(1) as f64 * share).round() as usize;
            delays_ns.get(at).map_or(f64::NAN, |ns| *ns as f64 / 1e3)
        };
        let load_idle = idle.as_secs_f64() / seconds;
        let loss = 1.0 - in_time / (sent * self.subscribers.len() as f64).max(1.0);
        let held = sent >= (1.0 - LOSS_ALLOWED) * packets_per_s * seconds - pattern.burst as f64;
        Ok(Figures {
            forwarded_pps: in_time / seconds,
            loss: loss.max(0.0),
            cpu_us_per_packet: cpu_ns as f64 / 1e3 / (received - received_before).max(1) as f64,
            cpu_share: cpu_ns as f64 / 1e9 / elapsed_s,
            delay_p50_us: percentile_us(0.5),
            delay_p99_us: percentile_us(0.99),
            gaps: gaps.saturating_sub(gaps_before),
            resent: self.publisher.resent - before.1,
            key_frames_asked: self.publisher.key_frames_asked - before.2,
            load_idle,
            limited_by_load: !held || load_idle < IDLE_NEEDED,
            threads: spent
                .into_iter()
                .take(4)
                .map(|(name, ns)| (name, ns as f64 / 1e9 / elapsed_s))
                .collect(),
        })
    }

    /// Packets that whole clients could not open, since the start: anything but 0 is a fault of the server's.
    pub fn broken(&self) -> u64 {
        self.subscribers.iter().map(|subscriber| subscriber.counts.broken).sum()
    }

    fn totals(&self) -> (u64, u64) {
        self.subscribers.iter().fold((0, 0), |(received, gaps), Subscriber { counts, .. }| {
            (received + counts.received, gaps + counts.gaps)
        })
    }

    /// One turn: what is due is sent, one subscriber is drained, one is kept alive.
    fn step(&mut self) -> Result<Instant> {
        let now = Instant::now();
        let mut busy = self.publisher.handle_timeout(now)?;
        if now >= self.next_housekeeping {
            self.next_housekeeping = now + HOUSEKEEPING_INTERVAL;
            self.publisher.keep_up(now, &mut self.inbox)?;
            for _ in 0..self.subscribers.len().div_ceil(100) {
                self.subscribers[self.next_keep_up].keep_up(now)?;
                self.next_keep_up = (self.next_keep_up + 1) % self.subscribers.len();
            }
            busy = true;
        }
        if now - self.drained[self.next_subscriber] >= DRAIN_INTERVAL {
            if !self.subscribers[self.next_subscriber].receive(now, &mut self.inbox)? {
                self.drained[self.next_subscriber] = now;
                self.next_subscriber = (self.next_subscriber + 1) % self.subscribers.len();
            }
            busy = true;
        }
        if !busy {
            self.idle += now.elapsed();
        }
        Ok(now)
    }

    fn drain_all(&mut self) -> Result<Instant> {
        let now = Instant::now();
        for subscriber in &mut self.subscribers {
            while subscriber.receive(now, &mut self.inbox)? {}
        }
        self.publisher.keep_up(now, &mut self.inbox)?;
        Ok(now)
    }

    fn run_until_quiet(&mut self, since: Instant) -> Result<()> {
        let (mut received, mut last) = (self.totals().0, Instant::now());
        loop {
            let now = self.drain_all()?;
            if self.totals().0 > received {
                (received, last) = (self.totals().0, now);
            } else if now - last.min(now) > QUIET {
                return Ok(());
            }
            if now - since.min(now) > QUIET_LIMIT {
                return Err("packets still came five seconds after the last was published".into());
            }
        }
    }
}
