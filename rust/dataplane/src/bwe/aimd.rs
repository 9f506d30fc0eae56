//! The rate that follows the delay: up while it is steady, down when it grows (draft-ietf-rmcat-gcc-02 section 5.5).

use std::time::Duration;

use super::trendline::Usage;
use crate::time::Time;

/// After overuse the rate is this part of what arrives: the queue drains.
const BACK_OFF: f64 = 0.85;

/// Growth while the path's capacity is unknown, per second.
const GROWTH_PER_SECOND: f64 = 0.08;

/// Growth near the known capacity: a packet per response time, at least this per second.
const PACKET_BITS: f64 = 1_200.0 * 8.0;
const MIN_ADDITIVE_BPS: f64 = 4_000.0;
/// What the overuse detector needs besides a round trip to notice.
const DETECTION: Duration = Duration::from_millis(100);

/// How far an application that sends less than it might can grow the rate, from what arrives.
const APPLICATION_LIMIT: f64 = 1.5;
const APPLICATION_MARGIN_BPS: f64 = 10_000.0;

/// Mean and deviation of the bitrate that arrived at times of overuse: the path's capacity.
#[derive(Debug, Default)]
struct Capacity {
    mean_bps: Option<f64>,
    /// Relative to the mean: variance over mean, in kb/s.
    variance_kbps: f64,
}

impl Capacity {
    const WEIGHT: f64 = 0.05;

    fn add(&mut self, acknowledged_bps: f64) {
        let Some(mean) = &mut self.mean_bps else {
            self.mean_bps = Some(acknowledged_bps);
            self.variance_kbps = 0.4;
            return;
        };
        *mean += Self::WEIGHT * (acknowledged_bps - *mean);
        let error_kbps = (*mean - acknowledged_bps) / 1e3;
        let relative = error_kbps.powi(2) / (*mean / 1e3).max(1.0);
        self.variance_kbps += Self::WEIGHT * (relative - self.variance_kbps);
        self.variance_kbps = self.variance_kbps.clamp(0.4, 2.5);
    }

    /// The range that capacity lies in: three deviations about the mean.
    fn range_bps(&self) -> Option<(f64, f64)> {
        let mean = self.mean_bps?;
        let deviation = (self.variance_kbps * mean / 1e3).sqrt() * 1e3;
        Some(((mean - 3.0 * deviation).max(0.0), mean + 3.0 * deviation))
    }
}

/// The controller's rate.
#[derive(Debug)]
pub(super) struct Aimd {
    rate_bps: f64,
    min_bps: f64,
    max_bps: f64,
    capacity: Capacity,
    last_update: Option<Time>,
    last_decrease: Option<Time>,
    /// When a decrease last made a difference.
    last_sunk: Option<Time>,
    /// From overuse on until the delay is steady again.
    is_holding: bool,
}

impl Aimd {
    pub(super) fn new(start_bps: f64, min_bps: f64, max_bps: f64) -> Aimd {
        Aimd {
            rate_bps: start_bps.clamp(min_bps, max_bps),
            min_bps,
            max_bps,
            capacity: Capacity::default(),
            last_update: None,
            last_decrease: None,
            last_sunk: None,
            is_holding: false,
        }
    }

    pub(super) fn rate_bps(&self) -> f64 {
        self.rate_bps
    }

    /// When the rate last sank. At its lowest it does not, whatever the detector says: an application that sends little
    /// sees the delays of a busy receiver, and no congestion of its own.
    pub(super) fn last_sunk(&self) -> Option<Time> {
        self.last_sunk
    }

    /// The rate is no more than a guess, and too high: takes what a probe has found.
    pub(super) fn correct_guess(&mut self, found_bps: f64) {
        if self.last_decrease.is_none() {
            self.rate_bps = self.rate_bps.min(found_bps).max(self.min_bps);
        }
    }

    /// Takes what a probe has found, if that is more.
    pub(super) fn raise_to(&mut self, found_bps: f64) {
        if found_bps > self.rate_bps {
            self.rate_bps = found_bps.min(self.max_bps);
            if self.capacity.range_bps().is_some_and(|(_, upper)| self.rate_bps > upper) {
                self.capacity = Capacity::default();
            }
        }
    }

    /// Follows the detector, once per feedback.
    pub(super) fn update(
        &mut self,
        now: Time,
        usage: Usage,
        acknowledged_bps: Option<f64>,
        round_trip: Duration,
    ) {
        let passed = self.last_update.replace(now).map_or(Duration::ZERO, |last| now.since(last));
        match usage {
            Usage::Over => self.decrease(now, acknowledged_bps, round_trip),
            Usage::Under => self.is_holding = true,
            Usage::Normal if self.is_holding => self.is_holding = false,
            Usage::Normal => self.increase(passed.min(Duration::from_secs(1)), acknowledged_bps, round_trip),
        }
        self.rate_bps = self.rate_bps.clamp(self.min_bps, self.max_bps);
    }

    fn increase(&mut self, passed: Duration, acknowledged_bps: Option<f64>, round_trip: Duration) {
        let seconds = passed.as_secs_f64();
        if let (Some(acknowledged), Some((_, upper))) = (acknowledged_bps, self.capacity.range_bps())
            && acknowledged > upper
        {
            self.capacity = Capacity::default();
        }
        let grown = match self.capacity.range_bps() {
            Some(_) => {
                let response = (round_trip + DETECTION).as_secs_f64();
                self.rate_bps + (PACKET_BITS / response).max(MIN_ADDITIVE_BPS) * seconds
            }
            None => self.rate_bps * (1.0 + GROWTH_PER_SECOND).powf(seconds),
        };
        // Without evidence that the path bears it, the rate stays as it is; it does not sink either.
        let proved = acknowledged_bps
            .map_or(self.rate_bps, |acknowledged| acknowledged * APPLICATION_LIMIT + APPLICATION_MARGIN_BPS);
        self.rate_bps = self.rate_bps.max(grown.min(proved));
    }

    fn decrease(&mut self, now: Time, acknowledged_bps: Option<f64>, round_trip: Duration) {
        self.is_holding = true;
        let acknowledged = acknowledged_bps.unwrap_or(self.rate_bps);
        // What this decrease does is seen a response time later.
        let is_answered = self.last_decrease.is_none_or(|last| now.since(last) >= round_trip + DETECTION);
        if !is_answered && acknowledged >= self.rate_bps / 2.0 {
            return;
        }
        let mut rate = acknowledged * BACK_OFF;
        if rate > self.rate_bps
            && let Some(mean) = self.capacity.mean_bps
        {
            rate = mean * BACK_OFF;
        }
        let before = self.rate_bps;
        self.rate_bps = before.min(rate).max(self.min_bps);
        if self.rate_bps < before {
            self.last_sunk = Some(now);
        }
        if acknowledged_bps.is_some() {
            if self.capacity.range_bps().is_some_and(|(lower, _)| acknowledged < lower) {
                self.capacity = Capacity::default();
            }
            self.capacity.add(acknowledged);
        }
        self.last_decrease = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(100);

    fn after(controller: &mut Aimd, from: u64, millis: u64, usage: Usage, acknowledged: Option<f64>) -> f64 {
        for step in (from..from + millis).step_by(50) {
            controller.update(Time::from_millis(step), usage, acknowledged, RTT);
        }
        controller.rate_bps()
    }

    #[test]
    fn a_steady_delay_lets_the_rate_grow_by_eight_percent_a_second() {
        let mut controller = Aimd::new(1e6, 50e3, 10e6);
        let rate = after(&mut controller, 0, 1_050, Usage::Normal, Some(1e6));
        assert!((1.079e6..1.081e6).contains(&rate), "{rate}");
    }

    #[test]
    fn an_application_that_sends_little_neither_lifts_nor_sinks_the_rate() {
        let mut controller = Aimd::new(1e6, 50e3, 10e6);
        assert_eq!(after(&mut controller, 0, 60_000, Usage::Normal, Some(300e3)), 1e6);
        assert_eq!(after(&mut controller, 60_000, 60_000, Usage::Normal, None), 1e6);
        assert_eq!(after(&mut controller, 120_000, 60_000, Usage::Normal, Some(800e3)), 1.21e6);
    }

    #[test]
    fn overuse_sets_the_rate_below_what_arrives() {
        let mut controller = Aimd::new(1e6, 50e3, 10e6);
        let rate = after(&mut controller, 0, 50, Usage::Over, Some(600e3));
        assert_eq!(rate, 510e3);
        // Not again before the effect can be seen.
        assert_eq!(after(&mut controller, 50, 100, Usage::Over, Some(500e3)), 510e3);
        assert_eq!(after(&mut controller, 250, 50, Usage::Over, Some(500e3)), 425e3);
    }

    #[test]
    fn near_the_known_capacity_the_rate_grows_by_a_packet_per_response() {
        let mut controller = Aimd::new(1e6, 50e3, 10e6);
        after(&mut controller, 0, 50, Usage::Over, Some(1e6));
        after(&mut controller, 50, 50, Usage::Normal, Some(850e3));
        let rate = after(&mut controller, 100, 1_000, Usage::Normal, Some(850e3));
        // 9,600 bits every 200 ms.
        assert!((897e3..899e3).contains(&rate), "{rate}");
    }

    #[test]
    fn the_rate_stays_within_its_bounds() {
        let mut controller = Aimd::new(1e6, 50e3, 2e6);
        assert_eq!(after(&mut controller, 0, 60_000, Usage::Normal, Some(5e6)), 2e6);
        assert_eq!(after(&mut controller, 60_000, 5_000, Usage::Over, Some(10e3)), 50e3);
        controller.raise_to(9e6);
        assert_eq!(controller.rate_bps(), 2e6);
    }
}
