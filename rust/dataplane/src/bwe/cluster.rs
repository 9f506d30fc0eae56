//! One probe: how much padding is due when, and which packets belong to it.

use std::time::Duration;

use crate::time::Time;

/// A probe lasts this long,
const DURATION: Duration = Duration::from_millis(75);

/// the first of a transport, which may overrun a slow path and must not do so for long, this long,
const FIRST_DURATION: Duration = Duration::from_millis(30);

/// in steps of this much: what is closer together is one burst on the way.
const STEP: Duration = Duration::from_millis(5);

/// A probe that is not sent by then is given up.
const MAX_DURATION: Duration = Duration::from_millis(200);

/// Which probe a packet belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClusterId {
    /// Which it is of its transport's.
    pub(super) number: u32,
    /// How much it has to send.
    pub(super) bytes: u32,
    /// It tries the guess that the transport began with.
    pub(super) tries_guess: bool,
}

impl ClusterId {
    /// How long it is to last.
    pub(super) fn duration(self) -> Duration {
        if self.tries_guess { FIRST_DURATION } else { DURATION }
    }

    pub(super) fn bytes(self) -> usize {
        self.bytes as usize
    }

    /// The rate that it tries.
    pub(super) fn bps(self) -> f64 {
        f64::from(self.bytes) * 8.0 / self.duration().as_secs_f64()
    }
}

/// A probe that is being sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cluster {
    id: ClusterId,
    started: Time,
    sent_bytes: usize,
    /// Padding that was asked for and has not been sent since. If it cannot be, the probe just stays thinner.
    asked_bytes: usize,
}

impl Cluster {
    pub(super) fn new(id: ClusterId, started: Time) -> Cluster {
        Cluster { id, started, sent_bytes: 0, asked_bytes: 0 }
    }

    /// A packet was sent; whether it belongs to the probe.
    pub(super) fn take(&mut self, now: Time, size_bytes: usize) -> Option<ClusterId> {
        if self.sent_bytes >= self.id.bytes() || now.since(self.started) >= MAX_DURATION {
            return None;
        }
        self.sent_bytes += size_bytes;
        self.asked_bytes = self.asked_bytes.saturating_sub(size_bytes);
        Some(self.id)
    }

    /// How many bytes of padding are due.
    pub(super) fn ask(&mut self, now: Time) -> Option<usize> {
        let missing = self.goal_bytes(now).checked_sub(self.bytes()).filter(|&missing| missing > 0)?;
        self.asked_bytes += missing;
        Some(missing)
    }

    fn bytes(&self) -> usize {
        self.sent_bytes + self.asked_bytes
    }

    /// What should have left by now, the step that begins included.
    fn goal_bytes(&self, now: Time) -> usize {
        let passed = (now.since(self.started) + STEP).min(self.id.duration());
        (self.id.bps() / 8.0 * passed.as_secs_f64()).round() as usize
    }

    /// When the next step begins after what is on its way.
    pub(super) fn due(&self) -> Time {
        self.started + Duration::from_secs_f64(self.bytes() as f64 * 8.0 / self.id.bps())
    }

    pub(super) fn is_over(&self, now: Time) -> bool {
        self.bytes() >= self.id.bytes() || now.since(self.started) >= MAX_DURATION
    }
}
