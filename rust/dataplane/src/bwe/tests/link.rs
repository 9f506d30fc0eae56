//! A sender, a bottleneck with a queue, a receiver that writes real feedback, and the way back.

use std::collections::VecDeque;
use std::time::Duration;

use visavis_wire::rtcp::{Packet, packets_untrusted};

use super::super::{Bandwidth, Config};
use crate::time::Time;
use crate::twcc::Recorder;

const PROPAGATION: Duration = Duration::from_millis(30);
const PACKET_BYTES: usize = 1_200;
/// A packet of nothing but padding: RTP allows 255 bytes of it.
const PADDING_BYTES: usize = 290;
/// Time between frames, in ms.
const FRAME_MS: u64 = 33;

/// SplitMix64, so that a failure repeats.
pub(super) struct Rng(pub(super) u64);

impl Rng {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// What a run showed, averaged over its time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shown {
    pub(super) target_bps: f64,
    pub(super) queue_ms: f64,
    pub(super) worst_queue_ms: f64,
}

pub(super) struct Simulation {
    pub(super) bandwidth: Bandwidth,
    pub(super) link_bps: f64,
    pub(super) loss: f64,
    pub(super) feedback_loss: f64,
    /// The most that the path adds to the way of a packet; it keeps their order.
    pub(super) jitter: Duration,
    /// The most that the application sends, whatever the target.
    pub(super) application_bps: f64,
    pub(super) queue_limit: Duration,
    now_ms: u64,
    sequence: u64,
    /// When the bottleneck has sent all that it has taken.
    busy_until: Time,
    on_the_way: VecDeque<(Time, u16)>,
    recorder: Recorder,
    on_the_way_back: VecDeque<(Time, Vec<u8>)>,
    rng: Rng,
}

impl Simulation {
    pub(super) fn new(link_bps: f64, seed: u64) -> Simulation {
        Simulation {
            bandwidth: Bandwidth::new(Config::default()),
            link_bps,
            loss: 0.0,
            feedback_loss: 0.0,
            jitter: Duration::ZERO,
            application_bps: f64::INFINITY,
            queue_limit: Duration::from_millis(500),
            now_ms: 1_000,
            sequence: seed % 70_000,
            busy_until: Time::ZERO,
            on_the_way: VecDeque::new(),
            recorder: Recorder::default(),
            on_the_way_back: VecDeque::new(),
            rng: Rng(seed),
        }
    }

    pub(super) fn target_bps(&self) -> f64 {
        self.bandwidth.target_bps() as f64
    }

    /// Runs for some seconds, in steps of a millisecond.
    pub(super) fn run(&mut self, seconds: u64) -> Shown {
        let mut shown = Shown::default();
        let steps = seconds * 1_000;
        for _ in 0..steps {
            self.step();
            let queue_ms = self.busy_until.since(Time::from_millis(self.now_ms)).as_secs_f64() * 1e3;
            shown.target_bps += self.target_bps() / steps as f64;
            shown.queue_ms += queue_ms / steps as f64;
            shown.worst_queue_ms = shown.worst_queue_ms.max(queue_ms);
        }
        shown
    }

    fn step(&mut self) {
        self.now_ms += 1;
        let now = Time::from_millis(self.now_ms);
        if self.now_ms.is_multiple_of(FRAME_MS) {
            self.send_frame(now);
        }
        if let Some(mut padding) = self.bandwidth.poll_probe(now) {
            while padding > 0 {
                self.send(now, PADDING_BYTES);
                padding = padding.saturating_sub(PADDING_BYTES);
            }
        }
        while let Some(&(arrival, sequence)) = self.on_the_way.front()
            && arrival <= now
        {
            self.on_the_way.pop_front();
            self.recorder.record(sequence, arrival);
        }
        let mut feedback = Vec::new();
        if self.recorder.poll_feedback(now, &mut feedback, 1, 2) && self.rng.unit() >= self.feedback_loss {
            self.on_the_way_back.push_back((now + PROPAGATION, feedback));
        }
        while self.on_the_way_back.front().is_some_and(|(arrival, _)| *arrival <= now) {
            let Some((_, feedback)) = self.on_the_way_back.pop_front() else { break };
            for packet in packets_untrusted(&feedback) {
                let Ok(Packet::TransportFeedback(feedback)) = packet else { panic!("no feedback") };
                self.bandwidth.handle_feedback_untrusted(now, &feedback);
            }
        }
    }

    /// A frame at the target, of a size that varies by a fifth, as encoders' do.
    fn send_frame(&mut self, now: Time) {
        let rate = self.target_bps().min(self.application_bps);
        let variation = 0.8 + 0.4 * self.rng.unit();
        let mut bytes = (rate / 8.0 * FRAME_MS as f64 / 1e3 * variation) as usize;
        while bytes > 0 {
            let size = bytes.clamp(100, PACKET_BYTES);
            self.send(now, size);
            bytes = bytes.saturating_sub(size);
        }
    }

    fn send(&mut self, now: Time, size: usize) {
        let sequence = self.sequence;
        self.sequence += 1;
        self.bandwidth.note_sent(now, sequence, size);
        if self.rng.unit() < self.loss {
            return;
        }
        let start = self.busy_until.max(now);
        if start.since(now) > self.queue_limit {
            return;
        }
        self.busy_until = start + Duration::from_secs_f64(size as f64 * 8.0 / self.link_bps);
        let arrival = self.busy_until + PROPAGATION + self.jitter.mul_f64(self.rng.unit());
        let last = self.on_the_way.back().map_or(Time::ZERO, |(arrival, _)| *arrival);
        self.on_the_way.push_back((arrival.max(last), sequence as u16));
    }
}
