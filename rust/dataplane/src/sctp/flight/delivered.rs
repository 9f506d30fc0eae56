//! What one SACK acknowledges that none before has.

use std::time::Duration;

use super::{SentPiece, State};
use crate::sctp::congestion::{Acknowledged, Snapshot};
use crate::time::Time;

/// What of one SACK is new.
#[derive(Debug)]
pub(super) struct Delivered {
    pub now: Time,
    pub min_rtt: Duration,
    pub bytes: usize,
    pub sent_at: Option<Time>,
    pub snapshot: Snapshot,
    pub is_repeated: bool,
    /// When the newest of the long packets was sent.
    pub long: Option<Time>,
}

impl Delivered {
    pub(super) fn add(&mut self, piece: &SentPiece) {
        if matches!(piece.state, State::Acknowledged | State::Abandoned) {
            return;
        }
        self.bytes += piece.bytes();
        // An answer that comes sooner than one can is to what was sent before (RFC 8985 section 6.2, step 2).
        if piece.transmissions > 1 && self.now.since(piece.sent_at) < self.min_rtt {
            return;
        }
        if piece.makes_long {
            self.long = self.long.max(Some(piece.sent_at));
        }
        if self.sent_at.is_none_or(|sent_at| piece.sent_at >= sent_at) {
            (self.sent_at, self.snapshot) = (Some(piece.sent_at), piece.snapshot);
            self.is_repeated = piece.transmissions > 1;
        }
    }

    pub(super) fn summary(&self, in_flight: usize) -> Option<Acknowledged> {
        let sent_at = self.sent_at?;
        // Of what was sent twice nobody knows which is acknowledged (section 6.3.1, C5).
        let rtt = (!self.is_repeated).then(|| self.now.since(sent_at));
        Some(Acknowledged { bytes: self.bytes, snapshot: self.snapshot, sent_at, rtt, in_flight })
    }
}
