//! The peer's wall clock against this machine's, seen through its sender reports (RFC 3550 section 6.4.1).

use std::time::Duration;

use crate::time::Time;

/// Of the last minute the report that was least delayed tells best. Two clocks drift apart by some milliseconds in it.
const SLICE: Duration = Duration::from_secs(10);
const SLICES: usize = 6;
/// No path delays a report by so much more than the others, in NTP units: the peer's clock was set back.
const STEP_NTP: i64 = 5 << 32;

/// The smallest difference between the two clocks of the last minute, in NTP units.
#[derive(Debug, Default)]
pub struct ClockOffset {
    /// The smallest difference of each slice of time, the slices one after the other in a ring.
    slices: [Option<i64>; SLICES],
    /// Which slice the last report was in, counted from time zero.
    slice: u64,
}

impl ClockOffset {
    /// Takes what this machine's clock showed more than the report said when it came; what must be added to the peer's
    /// clock to have this machine's.
    pub fn update(&mut self, now: Time, difference_ntp: i64) -> i64 {
        let slice = now.as_nanos() / SLICE.as_nanos() as u64;
        let passed = slice.saturating_sub(self.slice).min(SLICES as u64);
        for gone in 0..passed {
            self.slices[((slice - gone) % SLICES as u64) as usize] = None;
        }
        self.slice = self.slice.max(slice);
        if self.smallest().is_some_and(|known| difference_ntp.saturating_sub(known) > STEP_NTP) {
            self.slices = [None; SLICES];
        }
        let newest = &mut self.slices[(self.slice % SLICES as u64) as usize];
        *newest = Some(newest.map_or(difference_ntp, |known| known.min(difference_ntp)));
        self.smallest().unwrap_or(difference_ntp)
    }

    fn smallest(&self) -> Option<i64> {
        self.slices.iter().flatten().copied().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1 << 32;
    const MILLISECOND: i64 = SECOND / 1_000;

    fn at(seconds: u64) -> Time {
        Time::from_millis(seconds * 1_000)
    }

    #[test]
    fn the_least_delayed_report_of_the_last_minute_tells() {
        let mut offset = ClockOffset::default();
        assert_eq!(offset.update(at(100), 7 * SECOND), 7 * SECOND);
        assert_eq!(offset.update(at(101), 7 * SECOND - 20 * MILLISECOND), 7 * SECOND - 20 * MILLISECOND);
        assert_eq!(offset.update(at(140), 7 * SECOND + 50 * MILLISECOND), 7 * SECOND - 20 * MILLISECOND);
        assert_eq!(offset.update(at(165), 7 * SECOND), 7 * SECOND);
    }

    #[test]
    fn a_clock_that_runs_slow_is_followed_for_hours() {
        let mut offset = ClockOffset::default();
        for seconds in 0..10_000 {
            // 100 parts in a million.
            let drifted = seconds as i64 * SECOND / 10_000;
            let error = drifted - offset.update(at(seconds), drifted);
            assert!((0..=6 * MILLISECOND).contains(&error), "{} ms", error / MILLISECOND);
        }
    }

    #[test]
    fn a_clock_that_is_set_back_is_followed_at_once_and_one_set_forward_too() {
        let mut offset = ClockOffset::default();
        offset.update(at(1), SECOND);
        let hour = 3_600 * SECOND;
        assert_eq!(offset.update(at(2), SECOND + hour), SECOND + hour);
        assert_eq!(offset.update(at(3), SECOND), SECOND);
        assert_eq!(offset.update(at(4), i64::MAX), i64::MAX);
        assert_eq!(offset.update(at(5), i64::MIN), i64::MIN);
    }
}
