//! What is lost. It is found by time, as RACK does for TCP (RFC 8985): a packet is lost when one that was sent a reordering window
//! later has been delivered. That needs no three duplicates, and finds what was lost a second time too.

use std::time::Duration;

use super::{Flight, Outcome, State};
use crate::time::Time;

/// The reordering window grows by quarters of the shortest round trip up to the smoothed one, when packets come twice (RFC 8985
/// section 6.2, step 4).
pub(super) const MOST_REORDERING: u32 = 8;
impl Flight {
    /// Marks what was sent a reordering window before something that was delivered.
    pub(super) fn find_lost(&mut self, now: Time, min_rtt: Option<Duration>, outcome: &mut Outcome) {
        let Some(newest) = self.newest_delivered else { return };
        let window = min_rtt.unwrap_or_default() / 4 * self.reordering;
        while let Some(&(tsn, sent_at)) = self.order.front() {
            let is_current = self
                .piece(tsn)
                .is_some_and(|piece| piece.state == State::InFlight && piece.sent_at == sent_at);
            if is_current {
                if sent_at + window >= newest {
                    break;
                }
                self.lose(now, tsn, outcome);
            }
            self.order.pop_front();
        }
    }

    /// When the next would be lost if nothing more came: it was sent before something that was delivered, and has a
    /// reordering window for itself.
    pub fn loss_deadline(&self, min_rtt: Option<Duration>, smoothed: Option<Duration>) -> Option<Time> {
        let newest = self.newest_delivered?;
        let &(tsn, sent_at) = self.order.front()?;
        let place = usize::try_from(tsn.checked_sub(self.first)?).ok()?;
        let piece = self.pieces.get(place)?;
        let is_overtaken = piece.state == State::InFlight && piece.sent_at == sent_at && sent_at < newest;
        let window = min_rtt.unwrap_or_default() / 4 * self.reordering;
        is_overtaken.then(|| sent_at + smoothed.unwrap_or_default() + window + Duration::from_millis(1))
    }

    /// The reordering window of those that were overtaken is over.
    pub fn lose_overtaken(&mut self, now: Time, outcome: &mut Outcome) {
        let Some(newest) = self.newest_delivered else { return };
        while let Some(&(tsn, sent_at)) = self.order.front() {
            let current = self.piece(tsn).filter(|piece| piece.sent_at == sent_at).map(|piece| piece.state);
            if current == Some(State::InFlight) {
                if sent_at >= newest {
                    break;
                }
                self.lose(now, tsn, outcome);
            }
            self.order.pop_front();
        }
    }

    pub(super) fn lose(&mut self, now: Time, tsn: u64, outcome: &mut Outcome) {
        let Some(piece) = self.piece(tsn) else { return };
        piece.state = State::Lost;
        let (bytes, repeats) = (piece.bytes(), piece.may_repeat(now));
        outcome.long_lost.extend(piece.makes_long.then_some(piece.sent_at));
        let (stream, serial) = (piece.message.stream, piece.message.serial);
        outcome.lost_bytes += bytes;
        self.in_flight -= bytes;
        self.lost_count += 1;
        self.lost.insert(tsn);
        if !repeats {
            self.abandon(serial);
            outcome.abandoned.push((stream, serial));
        }
    }

    /// Everything on the way counts as lost (RFC 9260 section 6.3.3, E3).
    pub fn lose_all(&mut self, now: Time, outcome: &mut Outcome) {
        for tsn in self.first..self.next_tsn() {
            if self.piece(tsn).is_some_and(|piece| piece.state == State::InFlight) {
                self.lose(now, tsn, outcome);
            }
        }
        self.order.clear();
    }

    /// Counts the newest piece on the way as lost, so that it is sent again: whatever answers it tells what else is (RFC 8985
    /// section 7.3). False when nothing is on the way.
    pub fn probe(&mut self, now: Time, outcome: &mut Outcome) -> bool {
        for tsn in (self.first..self.next_tsn()).rev() {
            if self.piece(tsn).is_some_and(|piece| piece.state == State::InFlight) {
                self.lose(now, tsn, outcome);
                return true;
            }
        }
        false
    }

    /// Entries that count no more would stay when nothing after them is lost.
    pub(super) fn forget_order(&mut self) {
        while let Some(&(tsn, sent_at)) = self.order.front() {
            let place = tsn.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
            let piece = place.and_then(|place| self.pieces.get(place));
            if piece.is_some_and(|piece| piece.state == State::InFlight && piece.sent_at == sent_at) {
                return;
            }
            self.order.pop_front();
        }
    }
}
