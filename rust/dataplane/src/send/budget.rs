//! A bound on bytes, or anything else that is counted, over time.

use crate::time::Time;

/// A token bucket (RFC 2697's committed part): so many bytes a second, so many at once.
#[derive(Clone, Debug)]
pub struct ByteBudget {
    bytes_per_second: u64,
    burst: u64,
    left: u64,
    filled: Time,
}

impl ByteBudget {
    pub fn new(bytes_per_second: u64, burst: u64) -> ByteBudget {
        ByteBudget { bytes_per_second, burst, left: burst, filled: Time::ZERO }
    }

    /// Changes the bound; what has been saved above the new burst is forfeit.
    pub fn limit(&mut self, bytes_per_second: u64, burst: u64) {
        (self.bytes_per_second, self.burst) = (bytes_per_second, burst);
        self.left = self.left.min(burst);
    }

    /// Takes `bytes` if they are there.
    pub fn take(&mut self, now: Time, bytes: u64) -> bool {
        let earned = now.since(self.filled).as_micros() * u128::from(self.bytes_per_second) / 1_000_000;
        if earned > 0 {
            self.left = self.left.saturating_add(earned.min(u128::from(self.burst)) as u64).min(self.burst);
            self.filled = now;
        }
        let enough = self.left >= bytes;
        if enough {
            self.left -= bytes;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_followed_by_the_rate() {
        let mut budget = ByteBudget::new(1_000, 500);
        let at = Time::from_millis(10_000);
        assert!(budget.take(at, 500));
        assert!(!budget.take(at, 1));
        assert!(budget.take(Time::from_millis(10_100), 100));
        assert!(!budget.take(Time::from_millis(10_100), 1));
    }

    #[test]
    fn a_tighter_bound_counts_from_now() {
        let mut budget = ByteBudget::new(1_000, 500);
        budget.limit(100, 50);
        assert!(!budget.take(Time::from_millis(10_000), 51));
        assert!(budget.take(Time::from_millis(10_000), 50));
        assert!(!budget.take(Time::from_millis(10_100), 11));
        assert!(budget.take(Time::from_millis(10_100), 10));
    }

    #[test]
    fn asking_often_earns_no_less() {
        let mut budget = ByteBudget::new(1_000, 500);
        budget.take(Time::from_millis(10_000), 500);
        for micro in 0..100_000 {
            assert!(!budget.take(Time::from_micros(10_000_000 + micro), 101));
        }
        assert!(budget.take(Time::from_micros(10_100_000), 100));
    }
}
