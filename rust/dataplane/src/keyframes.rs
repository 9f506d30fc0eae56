//! Requests for key frames (RFC 4585 section 6.3.1, RFC 5104 section 4.3.1), merged and limited in rate.

use std::time::Duration;

use crate::time::Time;

/// Between two requests for the same layer. A browser makes a key frame at once; more requests only make more of them.
const MIN_INTERVAL: Duration = Duration::from_millis(500);
/// A request that brought no key frame for so long is repeated while somebody waits; the pause doubles each time.
const REPEAT_AFTER: Duration = Duration::from_millis(500);
const MAX_REPEAT: Duration = Duration::from_secs(4);

/// The state of one layer's requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyFrameRequests {
    wanted: bool,
    sent: Option<Time>,
    repeats: u32,
}

impl KeyFrameRequests {
    /// Somebody needs a key frame; false if that is merged with a request under way.
    pub fn want(&mut self, now: Time) -> bool {
        let merged = self.wanted || self.sent.is_some_and(|sent| now.since(sent) < MIN_INTERVAL);
        self.wanted = true;
        !merged
    }

    /// A key frame began: nobody waits any more.
    pub fn satisfied(&mut self) {
        self.wanted = false;
        self.repeats = 0;
    }

    /// When the next request is due.
    pub fn due(&self) -> Option<Time> {
        if !self.wanted {
            return None;
        }
        Some(self.sent.map_or(Time::ZERO, |sent| sent + self.pause()))
    }

    fn pause(&self) -> Duration {
        (REPEAT_AFTER * 2u32.pow(self.repeats.saturating_sub(1).min(4))).clamp(MIN_INTERVAL, MAX_REPEAT)
    }

    /// Whether to send one now; if so it counts as sent.
    pub fn take(&mut self, now: Time) -> bool {
        if self.due().is_none_or(|due| due > now) {
            return false;
        }
        self.sent = Some(now);
        self.repeats += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_that_wait_make_one_request() {
        let mut requests = KeyFrameRequests::default();
        let now = Time::from_millis(10_000);
        let fresh = (0..50).filter(|_| requests.want(now)).count();
        assert_eq!(fresh, 1);
        assert!(requests.take(now));
        assert!(!requests.take(now));
    }

    #[test]
    fn a_request_is_repeated_ever_more_slowly_until_a_key_frame_comes() {
        let mut requests = KeyFrameRequests::default();
        requests.want(Time::from_millis(10_000));
        let sent: Vec<u64> = (10_000..20_000).filter(|&ms| requests.take(Time::from_millis(ms))).collect();
        assert_eq!(sent, [10_000, 10_500, 11_500, 13_500, 17_500]);
        requests.satisfied();
        assert_eq!(requests.due(), None);
    }

    #[test]
    fn a_late_joiner_right_after_a_key_frame_waits_for_the_interval_only() {
        let mut requests = KeyFrameRequests::default();
        requests.want(Time::from_millis(10_000));
        assert!(requests.take(Time::from_millis(10_000)));
        requests.satisfied();
        requests.want(Time::from_millis(10_100));
        assert_eq!(requests.due(), Some(Time::from_millis(10_500)));
    }
}
