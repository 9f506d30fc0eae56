//! Round-trip time and retransmission time-out (RFC 9260 section 6.3.1).

use std::time::Duration;

/// Until the first measurement.
const INITIAL: Duration = Duration::from_millis(500);
/// Above the time for which peers hold back acknowledgements (200 ms in usrsctp). RFC 9260's second would be long for what a
/// probe finds earlier in most cases.
const SHORTEST: Duration = Duration::from_millis(300);
const LONGEST: Duration = Duration::from_secs(10);

/// What has been measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct RttEstimator {
    smoothed: Option<Duration>,
    variation: Duration,
}

impl RttEstimator {
    pub fn measure(&mut self, rtt: Duration) {
        match self.smoothed {
            None => (self.smoothed, self.variation) = (Some(rtt), rtt / 2),
            Some(smoothed) => {
                self.variation = (self.variation * 3 + smoothed.abs_diff(rtt)) / 4;
                self.smoothed = Some((smoothed * 7 + rtt) / 8);
            }
        }
    }

    pub fn smoothed(&self) -> Option<Duration> {
        self.smoothed
    }

    /// The time-out, doubled `backoff` times (section 6.3.3).
    pub fn timeout(&self, backoff: u32) -> Duration {
        let plain = self.smoothed.map_or(INITIAL, |smoothed| smoothed + 4 * self.variation);
        plain.max(SHORTEST).saturating_mul(1 << backoff.min(10)).min(LONGEST)
    }

    /// When the last packet is asked after by a probe (RFC 8985 section 7.2): well before the time-out. The I bit tells the
    /// peer not to hold back its answer (RFC 7053), so no time is added for that.
    pub fn probe_timeout(&self) -> Duration {
        const SLACK: Duration = Duration::from_millis(5);
        self.smoothed.map_or(INITIAL, |smoothed| 2 * smoothed + SLACK).min(self.timeout(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_measurement_counts_whole_and_later_ones_an_eighth() {
        let mut rtt = RttEstimator::default();
        assert_eq!(rtt.timeout(0), INITIAL);
        rtt.measure(Duration::from_millis(400));
        assert_eq!(rtt.timeout(0), Duration::from_millis(1_200));
        rtt.measure(Duration::from_millis(480));
        assert_eq!(rtt.smoothed(), Some(Duration::from_millis(410)));
        assert_eq!(rtt.timeout(0), Duration::from_millis(410 + 4 * 170));
    }

    #[test]
    fn time_outs_double_within_bounds() {
        let mut rtt = RttEstimator::default();
        rtt.measure(Duration::from_millis(10));
        assert_eq!(rtt.timeout(0), SHORTEST);
        assert_eq!(rtt.timeout(2), SHORTEST * 4);
        assert_eq!(rtt.timeout(40), LONGEST);
        assert_eq!(rtt.probe_timeout(), Duration::from_millis(25));
    }
}
