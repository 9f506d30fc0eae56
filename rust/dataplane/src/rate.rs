//! How many bits a second something has.

use std::time::Duration;

use crate::time::Time;

const BUCKETS: usize = 10;
const BUCKET: Duration = Duration::from_millis(100);
/// A stream that has just begun is not measured over less: what begins is a key frame, many times as large as the others.
const LEAST_BUCKETS: u64 = 5;

/// A bitrate over the last second, in tenths.
#[derive(Clone, Debug, Default)]
pub struct RateMeter {
    bytes: [u32; BUCKETS],
    tick: u64,
    started: Option<u64>,
}

impl RateMeter {
    fn advance(&mut self, now: Time) {
        let tick = now.as_nanos() / BUCKET.as_nanos() as u64;
        let steps = tick.saturating_sub(self.tick).min(BUCKETS as u64);
        for step in 0..steps {
            self.bytes[((tick - step) % BUCKETS as u64) as usize] = 0;
        }
        self.tick = self.tick.max(tick);
    }

    pub fn add(&mut self, now: Time, bytes: usize) {
        self.advance(now);
        self.started.get_or_insert(self.tick);
        let bucket = &mut self.bytes[(self.tick % BUCKETS as u64) as usize];
        *bucket = bucket.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    pub fn bps(&mut self, now: Time) -> u64 {
        self.advance(now);
        let Some(started) = self.started else { return 0 };
        let lived = (self.tick - started + 1).clamp(LEAST_BUCKETS, BUCKETS as u64);
        let total: u64 = self.bytes.iter().map(|&bytes| u64::from(bytes)).sum();
        total * 8 * BUCKETS as u64 / lived
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_is_measured_from_its_first_half_second() {
        let mut meter = RateMeter::default();
        for milli in 0..500 {
            meter.add(Time::from_millis(5_000 + milli), 125);
        }
        assert_eq!(meter.bps(Time::from_millis(5_499)), 1_000_000);
    }

    #[test]
    fn a_key_frame_at_the_beginning_is_not_taken_for_the_stream() {
        let mut meter = RateMeter::default();
        let mut most = 0;
        for frame in 0..30 {
            let now = Time::from_millis(5_000 + frame * 33);
            meter.add(now, if frame == 0 { 20_000 } else { 4_000 });
            most = most.max(meter.bps(now));
        }
        assert!(most < 1_300_000, "{most} for a stream of a megabit");
    }

    #[test]
    fn silence_counts_down_to_nothing() {
        let mut meter = RateMeter::default();
        meter.add(Time::from_millis(0), 12_500);
        assert_eq!(meter.bps(Time::from_millis(999)), 100_000);
        assert_eq!(meter.bps(Time::from_millis(1_000)), 0);
    }
}
