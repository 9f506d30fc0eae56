//! How much may be on the way: a model of the path, its bandwidth and its delay, in place of a window that halves with each
//! loss (RFC 9260 section 7 permits other algorithms that are no more aggressive in the sense of RFC 5033).
//!
//! The model is that of BBR (draft-cardwell-iccrg-bbr-congestion-control): the highest rate at which data has lately been
//! delivered, and the shortest round trip. Data is paced at that rate, and little more than their product is on the way.
//! It differs where the path is shared with the media of a call: a queue that stands for a whole round is emptied before
//! anything else, so delay that calls feel is given up at once, and the window above the product is half of BBR's.
//!
//! Loss by itself is no sign of congestion here: one packet in a hundred costs Reno all but 2 % of a path of 100 Mb/s and 50 ms.
//! A round that loses more than one in eight is, and narrows the window.

use std::time::Duration;

use crate::time::Time;

/// Packets at the start (RFC 6928).
const INITIAL_PACKETS: usize = 10;
/// The least that is always allowed.
const LEAST_PACKETS: usize = 4;
/// Doubles the rate in each round (BBR section 4.2.2).
const STARTUP_GAIN: f64 = 2.89;
const DRAIN_GAIN: f64 = 1.0 / STARTUP_GAIN;
/// One round above the rate, to find out whether there is more, one below, to take back what that queued, and then six.
const CYCLE: [f64; 8] = [1.25, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
/// What may be on the way, of the product of bandwidth and delay.
const WINDOW_GAIN: f64 = 1.5;
/// Rounds without a quarter more end the startup.
const FULL_ROUNDS: u32 = 3;
/// How long a rate or a round trip is believed.
const RATE_WINDOW: Duration = Duration::from_millis(500);
const RATE_ROUNDS: u32 = 10;
const RTT_WINDOW: Duration = Duration::from_secs(10);
/// How long the window is small to measure the path's own delay.
const PROBE_RTT: Duration = Duration::from_millis(200);
/// A queue of less stands nowhere: acknowledgements alone are as uneven.
const LEAST_QUEUE: Duration = Duration::from_millis(5);
/// Acknowledgements of batches come in lumps: so long a time's worth is let go at once.
const BURST: Duration = Duration::from_millis(2);
/// So many round trips agree on a queue.
const ENOUGH_RTTS: u32 = 8;
/// Of the data of a round.
const TOO_MUCH_LOSS: f64 = 0.125;
const AFTER_TOO_MUCH_LOSS: f64 = 0.7;

/// What is noted of each packet as it leaves, to know later how fast data was delivered meanwhile.
#[derive(Clone, Copy, Debug, Default)]
pub struct Snapshot {
    delivered: u64,
    delivered_at: Time,
    first_sent_at: Time,
    is_app_limited: bool,
}

/// What an acknowledgement says.
#[derive(Clone, Copy, Debug)]
pub struct Acknowledged {
    pub bytes: usize,
    /// Of the packet among those acknowledged that was sent last.
    pub snapshot: Snapshot,
    pub sent_at: Time,
    pub rtt: Option<Duration>,
    /// What is on the way after it.
    pub in_flight: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Startup,
    Drain,
    Cruise { step: usize, since: Time },
    ProbeRtt { until: Time },
}

/// The state of the model.
#[derive(Debug)]
pub struct Congestion {
    packet: usize,
    phase: Phase,
    rates: MaxFilter,
    min_rtt: Option<Duration>,
    min_rtt_at: Time,
    /// The shortest of the running probe.
    probed_rtt: Option<Duration>,
    delivered: u64,
    delivered_at: Time,
    first_sent_at: Time,
    /// Samples up to this much delivered data say only what the program sent.
    app_limited_until: u64,
    round_ends_at: u64,
    round_min_rtt: Option<Duration>,
    /// The shortest of a few round trips, and how many they are.
    recent_rtt: (Duration, u32),
    startup_queues: bool,
    round_lost: usize,
    round_delivered: usize,
    full_rate: f64,
    full_rounds: u32,
    startup_window: usize,
    /// Lowered by rounds that lose too much.
    ceiling: Option<usize>,
    queue_stands: bool,
    next_send: Time,
}

impl Congestion {
    pub fn new(now: Time, packet: usize) -> Congestion {
        Congestion {
            packet,
            phase: Phase::Startup,
            rates: MaxFilter::default(),
            min_rtt: None,
            min_rtt_at: now,
            probed_rtt: None,
            delivered: 0,
            delivered_at: now,
            first_sent_at: now,
            app_limited_until: 0,
            round_ends_at: 0,
            round_min_rtt: None,
            recent_rtt: (Duration::MAX, 0),
            startup_queues: false,
            round_lost: 0,
            round_delivered: 0,
            full_rate: 0.0,
            full_rounds: 0,
            startup_window: INITIAL_PACKETS * packet,
            ceiling: None,
            queue_stands: false,
            next_send: now,
        }
    }

    /// Bytes that may be on the way.
    pub fn window(&self) -> usize {
        let least = LEAST_PACKETS * self.packet;
        let window = match self.phase {
            Phase::Startup => self.startup_window,
            Phase::ProbeRtt { .. } => self.bandwidth_delay(0.5),
            Phase::Drain | Phase::Cruise { .. } => self.bandwidth_delay(WINDOW_GAIN) + self.burst(),
        };
        self.ceiling.map_or(window, |ceiling| window.min(ceiling)).max(least)
    }

    pub fn min_rtt(&self) -> Option<Duration> {
        self.min_rtt
    }

    /// When the next packet may leave.
    pub fn next_send(&self) -> Time {
        self.next_send
    }

    /// A packet with so much data leaves; nothing was on the way before if `was_idle`.
    pub fn on_send(&mut self, now: Time, bytes: usize, was_idle: bool) -> Snapshot {
        if was_idle {
            (self.delivered_at, self.first_sent_at) = (now, now);
        }
        self.next_send = self.next_send.max(now - BURST) + self.pace(bytes);
        Snapshot {
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            first_sent_at: self.first_sent_at,
            is_app_limited: self.app_limited_until > 0,
        }
    }

    /// There was room for more than was sent: what is measured next is the program's rate, not the path's.
    pub fn on_app_limited(&mut self, in_flight: usize) {
        self.app_limited_until = (self.delivered + in_flight as u64).max(1);
    }

    pub fn on_ack(&mut self, now: Time, ack: &Acknowledged) {
        self.delivered += ack.bytes as u64;
        self.round_delivered += ack.bytes;
        self.delivered_at = now;
        self.first_sent_at = ack.sent_at;
        if self.app_limited_until > 0 && self.delivered > self.app_limited_until {
            self.app_limited_until = 0;
        }
        if let Some(rtt) = ack.rtt {
            self.take_rtt(now, rtt);
        }
        self.take_rate(now, ack);
        if self.phase == Phase::Startup {
            let target = self.bandwidth_delay(STARTUP_GAIN) + self.burst();
            self.startup_window = (self.startup_window + ack.bytes).min(target.max(self.startup_window));
        }
        if ack.snapshot.delivered >= self.round_ends_at {
            self.end_round(now);
        }
        self.advance(now, ack.in_flight);
    }

    pub fn on_loss(&mut self, bytes: usize) {
        self.round_lost += bytes;
    }

    /// Nothing came back for a whole time-out: the path may be another now.
    pub fn on_timeout(&mut self, now: Time) {
        *self = Congestion {
            delivered: self.delivered,
            startup_window: LEAST_PACKETS * self.packet,
            min_rtt: self.min_rtt,
            min_rtt_at: self.min_rtt_at,
            ..Congestion::new(now, self.packet)
        };
    }

    fn bandwidth_delay(&self, gain: f64) -> usize {
        let rtt = self.min_rtt.unwrap_or(Duration::from_millis(100));
        (self.rates.max * rtt.as_secs_f64() * gain) as usize
    }

    /// What acknowledgements that come in lumps, and the last packets of a window, hold up.
    fn burst(&self) -> usize {
        (self.rates.max * BURST.as_secs_f64()) as usize + 3 * self.packet
    }

    fn pacing_gain(&self) -> f64 {
        match self.phase {
            Phase::Startup => STARTUP_GAIN,
            Phase::Drain => DRAIN_GAIN,
            Phase::Cruise { .. } if self.queue_stands => 0.75,
            Phase::Cruise { step, .. } => CYCLE.get(step).copied().unwrap_or(1.0),
            Phase::ProbeRtt { .. } => 1.0,
        }
    }

    fn pace(&self, bytes: usize) -> Duration {
        // Before the first measurement the initial window goes at once.
        if self.rates.max <= 0.0 {
            return Duration::ZERO;
        }
        // The least window goes in a round trip, whatever was measured when there was little to send.
        let least = (LEAST_PACKETS * self.packet) as f64
            / self.min_rtt.map_or(0.1, |rtt| rtt.as_secs_f64().max(1e-6));
        let rate = (self.rates.max * self.pacing_gain()).max(least);
        Duration::from_secs_f64((bytes as f64 / rate).min(1.0))
    }

    fn take_rtt(&mut self, now: Time, rtt: Duration) {
        self.recent_rtt = (self.recent_rtt.0.min(rtt), self.recent_rtt.1 + 1);
        if self.recent_rtt.1 >= ENOUGH_RTTS {
            let queues = self.has_queue(Some(self.recent_rtt.0));
            (self.startup_queues, self.recent_rtt) = (queues, (Duration::MAX, 0));
        }
        self.round_min_rtt = Some(self.round_min_rtt.map_or(rtt, |least| least.min(rtt)));
        if matches!(self.phase, Phase::ProbeRtt { .. }) {
            self.probed_rtt = Some(self.probed_rtt.map_or(rtt, |least| least.min(rtt)));
        }
        if self.min_rtt.is_none_or(|least| rtt <= least) {
            (self.min_rtt, self.min_rtt_at) = (Some(rtt), now);
        }
    }

    fn take_rate(&mut self, now: Time, ack: &Acknowledged) {
        let snapshot = &ack.snapshot;
        let interval = now.since(snapshot.delivered_at).max(ack.sent_at.since(snapshot.first_sent_at));
        let delivered = self.delivered.saturating_sub(snapshot.delivered);
        // A shorter interval than a round trip is an artefact of acknowledgements that came together.
        if interval.is_zero() || self.min_rtt.is_some_and(|least| interval < least) {
            return;
        }
        let rate = delivered as f64 / interval.as_secs_f64();
        if !snapshot.is_app_limited || rate >= self.rates.max {
            let window = RATE_WINDOW.max(RATE_ROUNDS * self.min_rtt.unwrap_or_default());
            self.rates.take(now, rate, window);
        }
    }

    fn end_round(&mut self, now: Time) {
        let app_limited = self.app_limited_until > 0;
        let all = (self.round_lost + self.round_delivered).max(1);
        let is_lossy =
            self.round_lost as f64 > TOO_MUCH_LOSS * all as f64 && self.round_lost > 2 * self.packet;
        if is_lossy && matches!(self.phase, Phase::Cruise { .. }) {
            let narrowed = (self.window() as f64 * AFTER_TOO_MUCH_LOSS) as usize;
            self.ceiling = Some(narrowed.max(LEAST_PACKETS * self.packet));
        } else if let Some(ceiling) = self.ceiling {
            let wider = ceiling + ceiling / 8 + self.packet;
            self.ceiling = (wider < 2 * self.bandwidth_delay(WINDOW_GAIN).max(self.packet)).then_some(wider);
        }
        self.queue_stands = self.has_queue(self.round_min_rtt);
        if self.phase == Phase::Startup && !app_limited {
            if self.rates.max > self.full_rate * 1.25 {
                (self.full_rate, self.full_rounds) = (self.rates.max, 0);
            } else {
                self.full_rounds += 1;
            }
            if self.full_rounds >= FULL_ROUNDS || is_lossy || self.queue_stands {
                self.phase = Phase::Drain;
            }
        }
        self.round_ends_at = self.delivered;
        (self.round_min_rtt, self.round_lost, self.round_delivered) = (None, 0, 0);
        if let Phase::Cruise { step, since } = self.phase
            && now.since(since) >= self.min_rtt.unwrap_or_default()
        {
            // What a probe found is known a round after it. Where that was more, the next is at once.
            let found_more = step == 1 && !self.queue_stands && self.rates.max > self.full_rate * 1.1;
            let next = if found_more { 0 } else { (step + 1) % CYCLE.len() };
            if next == 0 {
                self.full_rate = self.rates.max;
            }
            self.phase = Phase::Cruise { step: next, since: now };
        }
    }

    /// Whether even the luckiest packet of some waited.
    fn has_queue(&self, luckiest: Option<Duration>) -> bool {
        match (luckiest, self.min_rtt) {
            (Some(luckiest), Some(least)) => luckiest > least + LEAST_QUEUE.max(least / 4),
            _ => false,
        }
    }

    fn advance(&mut self, now: Time, in_flight: usize) {
        match self.phase {
            // Doubling goes far beyond what fits before the round is over.
            Phase::Startup if self.startup_queues => self.phase = Phase::Drain,
            Phase::Drain if in_flight <= self.bandwidth_delay(1.0).max(LEAST_PACKETS * self.packet) => {
                self.phase = Phase::Cruise { step: 2, since: now };
            }
            Phase::ProbeRtt { until } if now >= until => {
                if let Some(rtt) = self.probed_rtt {
                    self.min_rtt = Some(rtt);
                }
                self.min_rtt_at = now;
                self.phase = Phase::Cruise { step: 2, since: now };
            }
            Phase::Cruise { .. } if now.since(self.min_rtt_at) >= RTT_WINDOW => {
                self.probed_rtt = None;
                let round = self.min_rtt.unwrap_or_default();
                self.phase = Phase::ProbeRtt { until: now + PROBE_RTT.max(round) };
            }
            _ => (),
        }
    }
}

/// The highest of the values of a time, by three that follow each other (as Linux' win_minmax has it).
#[derive(Debug, Default)]
struct MaxFilter {
    max: f64,
    best: [(Time, f64); 3],
}

impl MaxFilter {
    fn take(&mut self, now: Time, value: f64, window: Duration) {
        let fresh = (now, value);
        let [first, second, third] = &mut self.best;
        if value >= first.1 || now.since(third.0) > window {
            self.best = [fresh; 3];
        } else {
            if value >= second.1 {
                (*second, *third) = (fresh, fresh);
            } else if value >= third.1 {
                *third = fresh;
            }
            if now.since(first.0) > window {
                (*first, *second, *third) = (*second, *third, fresh);
                if now.since(first.0) > window {
                    (*first, *second) = (*second, *third);
                }
            } else if second.0 == first.0 && now.since(first.0) > window / 4 {
                (*second, *third) = (fresh, fresh);
            } else if third.0 == second.0 && now.since(first.0) > window / 2 {
                *third = fresh;
            }
        }
        self.max = self.best[0].1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_rate_is_forgotten_when_it_is_old() {
        let mut filter = MaxFilter::default();
        let window = Duration::from_millis(100);
        filter.take(Time::from_millis(0), 10.0, window);
        for at in (10..=100).step_by(10) {
            filter.take(Time::from_millis(at), 5.0, window);
            assert_eq!(filter.max, 10.0);
        }
        filter.take(Time::from_millis(110), 4.0, window);
        assert_eq!(filter.max, 5.0);
    }

    #[test]
    fn the_window_begins_small_and_a_time_out_makes_it_smaller() {
        let mut congestion = Congestion::new(Time::ZERO, 1_000);
        assert_eq!(congestion.window(), 10_000);
        congestion.on_timeout(Time::from_millis(500));
        assert_eq!(congestion.window(), 4_000);
    }
}
