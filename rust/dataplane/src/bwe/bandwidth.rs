//! Estimator and prober of one transport, as its sender uses them.

use visavis_wire::rtcp::TransportFeedback;

use super::{Config, Estimator, Prober};
use crate::time::Time;

/// What a transport may send, and the padding that finds out whether it may send more.
#[derive(Debug)]
pub struct Bandwidth {
    estimator: Estimator,
    prober: Prober,
}

impl Bandwidth {
    pub fn new(config: Config) -> Bandwidth {
        Bandwidth { estimator: Estimator::new(config), prober: Prober::default() }
    }

    /// What may be sent, all in all.
    pub fn target_bps(&self) -> u64 {
        self.estimator.target_bps()
    }

    /// What all streams that the subscriber should have would need together: beyond the target, it is probed for.
    pub fn set_wanted_bps(&mut self, wanted_bps: u64) {
        self.prober.set_wanted_bps(wanted_bps);
    }

    /// A packet was sent, media or padding, under a transport-wide sequence number not yet cut to 16 bits.
    pub fn note_sent(&mut self, now: Time, sequence: u64, size_bytes: usize) {
        let cluster = self.prober.note_sent(now, size_bytes);
        self.estimator.note_sent(sequence, now, size_bytes, cluster);
    }

    pub fn handle_feedback_untrusted(&mut self, now: Time, feedback: &TransportFeedback<'_>) {
        self.estimator.handle_feedback_untrusted(now, feedback);
    }

    /// How many bytes of padding to send now, in packets of any size, each to be told by `note_sent` like any other.
    pub fn poll_probe(&mut self, now: Time) -> Option<usize> {
        self.prober.poll(now, &self.estimator)
    }

    /// When to call `poll_probe` while a probe runs.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.prober.poll_timeout()
    }
}
