//! Whether the queue on the path grows (draft-ietf-rmcat-gcc-02 section 5.4, with a line fitted in place of its Kalman
//! filter).

use std::collections::VecDeque;

use super::arrival::Delta;
use crate::time::Time;

/// How many groups the line is fitted to.
const WINDOW: usize = 20;

/// Weight of the past in the smoothed delay.
const SMOOTHING: f64 = 0.9;

/// What the slope is multiplied by to meet the threshold, besides the number of groups seen, at most `MAX_GROUPS`.
const GAIN: f64 = 4.0;
const MAX_GROUPS: f64 = 60.0;

/// The threshold adapts to the trends seen: fast downwards would starve this flow beside one that fills the queue, slow
/// upwards would be deaf.
const FIRST_THRESHOLD: f64 = 12.5;
const THRESHOLD_UP_PER_MS: f64 = 0.0087;
const THRESHOLD_DOWN_PER_MS: f64 = 0.039;
const MIN_THRESHOLD: f64 = 6.0;
const MAX_THRESHOLD: f64 = 600.0;
/// A trend so far above the threshold is a spike that it does not adapt to.
const MAX_EXCESS: f64 = 15.0;
const MAX_STEP_MS: f64 = 100.0;

/// The trend must lie above the threshold for as long as this.
const OVERUSE_MS: f64 = 10.0;

/// What the delay says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Usage {
    #[default]
    Normal,
    /// The queue grows.
    Over,
    /// The queue drains.
    Under,
}

/// Follows the delay and tells how the path is used.
#[derive(Debug)]
pub(super) struct Trendline {
    /// (arrival in ms since the first one, smoothed delay in ms).
    points: VecDeque<(f64, f64)>,
    first_arrival: Option<Time>,
    groups: f64,
    delay_ms: f64,
    smoothed_ms: f64,
    last_trend: f64,
    threshold: f64,
    last_arrival: Option<Time>,
    over_ms: f64,
    over_groups: u32,
    usage: Usage,
}

impl Default for Trendline {
    fn default() -> Trendline {
        Trendline {
            points: VecDeque::with_capacity(WINDOW + 1),
            first_arrival: None,
            groups: 0.0,
            delay_ms: 0.0,
            smoothed_ms: 0.0,
            last_trend: 0.0,
            threshold: FIRST_THRESHOLD,
            last_arrival: None,
            over_ms: 0.0,
            over_groups: 0,
            usage: Usage::Normal,
        }
    }
}

impl Trendline {
    pub(super) fn usage(&self) -> Usage {
        self.usage
    }

    /// Forgets the delays but not the threshold.
    pub(super) fn restart(&mut self) {
        *self = Trendline { threshold: self.threshold, ..Trendline::default() };
    }

    pub(super) fn update(&mut self, delta: Delta) {
        let first = *self.first_arrival.get_or_insert(delta.arrival);
        self.groups = (self.groups + 1.0).min(MAX_GROUPS);
        self.delay_ms += delta.delay_ms;
        self.smoothed_ms = SMOOTHING * self.smoothed_ms + (1.0 - SMOOTHING) * self.delay_ms;
        self.points.push_back((delta.arrival.since(first).as_secs_f64() * 1e3, self.smoothed_ms));
        if self.points.len() > WINDOW {
            self.points.pop_front();
        }
        let slope = if self.points.len() == WINDOW { slope(&self.points) } else { None };
        let trend = slope.map_or(self.last_trend, |slope| slope * self.groups * GAIN);
        self.detect(trend, delta);
    }

    fn detect(&mut self, trend: f64, delta: Delta) {
        if trend > self.threshold {
            // Of the first group, only half its time counts: when it began to be so is unknown.
            self.over_ms += if self.over_groups == 0 { delta.sent_ms / 2.0 } else { delta.sent_ms };
            self.over_groups += 1;
            if self.over_ms > OVERUSE_MS && self.over_groups > 1 && trend >= self.last_trend {
                self.usage = Usage::Over;
                self.over_ms = 0.0;
                self.over_groups = 0;
            }
        } else {
            self.over_ms = 0.0;
            self.over_groups = 0;
            self.usage = if trend < -self.threshold { Usage::Under } else { Usage::Normal };
        }
        self.last_trend = trend;
        self.adapt(trend.abs(), delta.arrival);
    }

    fn adapt(&mut self, trend: f64, arrival: Time) {
        let last = self.last_arrival.replace(arrival).unwrap_or(arrival);
        if trend > self.threshold + MAX_EXCESS {
            return;
        }
        let per_ms = if trend < self.threshold { THRESHOLD_DOWN_PER_MS } else { THRESHOLD_UP_PER_MS };
        let step_ms = (arrival.since(last).as_secs_f64() * 1e3).min(MAX_STEP_MS);
        self.threshold += per_ms * (trend - self.threshold) * step_ms;
        self.threshold = self.threshold.clamp(MIN_THRESHOLD, MAX_THRESHOLD);
    }
}

/// Of the line with the least squared distance; `None` where all points lie above one another.
fn slope(points: &VecDeque<(f64, f64)>) -> Option<f64> {
    let count = points.len() as f64;
    let (sum_x, sum_y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (over, under) = points.iter().fold((0.0, 0.0), |(over, under), (x, y)| {
        (over + (x - mean_x) * (y - mean_y), under + (x - mean_x).powi(2))
    });
    (under > 0.0).then(|| over / under)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups 20 ms apart, each `delay_ms` later than the one before.
    fn feed(trendline: &mut Trendline, from: u64, count: u64, delay_ms: f64) {
        for group in from..from + count {
            let arrival = Time::from_micros((group as f64 * (20.0 + delay_ms) * 1e3) as u64);
            trendline.update(Delta { delay_ms, sent_ms: 20.0, arrival });
        }
    }

    #[test]
    fn the_slope_is_that_of_the_line() {
        let points = (0..20).map(|x| (f64::from(x), 3.0 + 0.5 * f64::from(x))).collect();
        assert!((slope(&points).unwrap() - 0.5).abs() < 1e-9);
        assert_eq!(slope(&[(1.0, 2.0), (1.0, 5.0)].into()), None);
    }

    #[test]
    fn a_growing_delay_is_overuse_and_a_shrinking_one_underuse() {
        let mut trendline = Trendline::default();
        feed(&mut trendline, 0, 60, 0.0);
        assert_eq!(trendline.usage(), Usage::Normal);
        feed(&mut trendline, 60, 25, 2.0);
        assert_eq!(trendline.usage(), Usage::Over);
        feed(&mut trendline, 85, 60, -2.0);
        assert_eq!(trendline.usage(), Usage::Under);
    }

    #[test]
    fn jitter_about_a_steady_delay_is_normal() {
        let mut trendline = Trendline::default();
        for group in 0..500u64 {
            let jitter_ms = if group % 2 == 0 { 3.0 } else { -3.0 };
            let arrival = Time::from_millis(group * 20);
            trendline.update(Delta { delay_ms: jitter_ms, sent_ms: 20.0, arrival });
            assert_eq!(trendline.usage(), Usage::Normal);
        }
    }
}
