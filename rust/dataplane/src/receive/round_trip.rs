//! How long a publisher takes to answer, and so when to ask it again.

use std::time::Duration;

/// Until something was measured.
const FIRST_RETRY: Duration = Duration::from_millis(100);
/// Sooner, what is on its way would be asked for again; later, players would have gone on without it.
const MIN_RETRY: Duration = Duration::from_millis(20);
const MAX_RETRY: Duration = Duration::from_millis(300);
/// From the shortest time to the longest.
const MAX_DOUBLED: u32 = 4;

/// The round trip to the peer and its variation, smoothed as in RFC 6298 section 2. Samples are what its receiver reports
/// tell (RFC 3550 section 6.4.1), where this end sends something, and the time from a NACK to the repetition, which all
/// publishers of video give.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoundTrip {
    smoothed: Option<Duration>,
    variation: Duration,
    /// How often the time was doubled since the last sample.
    doubled: u32,
}

impl RoundTrip {
    /// A repetition came, so long after it was last asked for. To which of several requests it is the answer nobody knows:
    /// it is no sample then, and the time grows until there is one (Karn's algorithm, RFC 6298 sections 3 and 5.5).
    pub fn note_answer(&mut self, tries: u8, since_asked: Duration) {
        match tries {
            0 => (),
            1 => self.add(since_asked),
            _ => self.doubled = (self.doubled + 1).min(MAX_DOUBLED),
        }
    }

    pub fn add(&mut self, sample: Duration) {
        self.doubled = 0;
        match &mut self.smoothed {
            None => (self.smoothed, self.variation) = (Some(sample), sample / 2),
            Some(smoothed) => {
                self.variation = (self.variation * 3 + smoothed.abs_diff(sample)) / 4;
                *smoothed = (*smoothed * 7 + sample) / 8;
            }
        }
    }

    /// After how long without an answer to ask again.
    pub fn retry(&self) -> Duration {
        let timeout = self.smoothed.map_or(FIRST_RETRY, |smoothed| smoothed + self.variation * 4);
        (timeout * (1 << self.doubled)).clamp(MIN_RETRY, MAX_RETRY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn after(samples: impl IntoIterator<Item = u64>) -> Duration {
        let mut round_trip = RoundTrip::default();
        samples.into_iter().for_each(|sample| round_trip.add(ms(sample)));
        round_trip.retry()
    }

    #[test]
    fn a_steady_path_is_asked_again_soon_after_its_round_trip() {
        assert_eq!(after([]), ms(100));
        assert_eq!(after([40]), ms(120));
        assert!((ms(40)..ms(45)).contains(&after([40; 20])), "{:?}", after([40; 20]));
    }

    #[test]
    fn a_path_that_varies_is_given_the_time_that_it_may_take() {
        let retry = after((0..40).map(|n| if n % 2 == 0 { 40 } else { 80 }));
        assert!((ms(100)..ms(160)).contains(&retry), "{retry:?}");
    }

    #[test]
    fn a_path_that_became_longer_is_given_more_time_until_it_can_be_measured() {
        let mut round_trip = RoundTrip::default();
        (0..20).for_each(|_| round_trip.note_answer(1, ms(40)));
        let before = round_trip.retry();
        round_trip.note_answer(2, ms(5));
        assert_eq!(round_trip.retry(), before * 2);
        (0..10).for_each(|_| round_trip.note_answer(2, ms(5)));
        assert_eq!(round_trip.retry(), ms(300));
        round_trip.note_answer(1, ms(200));
        assert!(round_trip.retry() > ms(150), "{:?}", round_trip.retry());
        round_trip.note_answer(0, ms(1));
        assert!(round_trip.retry() > ms(150), "nobody had asked for it");
    }

    #[test]
    fn neither_a_very_short_nor_a_very_long_round_trip_rules() {
        assert_eq!(after([1; 20]), ms(20));
        assert_eq!(after([2_000; 20]), ms(300));
    }
}
