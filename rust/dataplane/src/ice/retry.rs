//! The repetition of a request that was not answered (RFC 8489 section 6.2.1).

use std::time::Duration;

use crate::time::Time;

/// The first repetition comes after RTO, each further one after twice as long.
pub const RTO: Duration = Duration::from_millis(500);
/// So often a request is sent (Rc), and so many RTO after the last time it has failed (Rm).
const ATTEMPTS: u8 = 7;
const LAST_WAIT: u32 = 16;
/// So long an answer over a stream is waited for (Ti).
const STREAM_WAIT: Duration = Duration::from_millis(39_500);

/// When a request is sent again.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    pub due: Time,
    attempts: u8,
    rto: Duration,
}

/// What is due of a request that was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    Repeat,
    GiveUp,
}

impl Retry {
    /// Of a request that leaves now for the first time.
    pub fn new(now: Time, rto: Duration) -> Retry {
        Retry { due: now + rto, attempts: 1, rto }
    }

    /// Of a request over a stream, which repeats by itself what is lost (RFC 8489 section 6.2.2): it only ends, after Ti.
    pub fn over_stream(now: Time) -> Retry {
        Retry { due: now + STREAM_WAIT, attempts: ATTEMPTS, rto: RTO }
    }

    /// What is due now; a repetition counts as done.
    pub fn take_due(&mut self, now: Time) -> Option<Due> {
        if now < self.due {
            return None;
        }
        if self.attempts >= ATTEMPTS {
            return Some(Due::GiveUp);
        }
        self.attempts += 1;
        let last = self.attempts == ATTEMPTS;
        self.due = now + self.rto * if last { LAST_WAIT } else { 1 << (self.attempts - 1) };
        Some(Due::Repeat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_a_stream_a_request_is_sent_once_and_waited_for_as_long() {
        let mut retry = Retry::over_stream(Time::ZERO);
        assert_eq!(retry.take_due(Time::from_millis(39_499)), None);
        assert_eq!(retry.take_due(Time::from_millis(39_500)), Some(Due::GiveUp));
    }

    #[test]
    fn a_request_is_sent_seven_times_at_the_times_of_the_rfc() {
        let mut retry = Retry::new(Time::ZERO, RTO);
        let mut sent = Vec::new();
        let end = loop {
            let now = retry.due;
            match retry.take_due(now) {
                Some(Due::Repeat) => sent.push(now.as_micros() / 1_000),
                Some(Due::GiveUp) => break now,
                None => panic!("it was due"),
            }
        };
        assert_eq!(sent, [500, 1_500, 3_500, 7_500, 15_500, 31_500]);
        assert_eq!(end, Time::from_millis(39_500));
    }
}
