//! What need not arrive any more, and how the peer hears of it (RFC 3758 section 3.5).

use std::collections::BTreeMap;

use visavis_wire::sctp::extend_u32;

use super::{Flight, Outcome, State};
use crate::time::Time;

/// How far one FORWARD TSN looks, so that no SACK costs more.
const FORWARD_PIECES: usize = 4_096;

/// What the peer need not wait for.
#[derive(Debug)]
pub struct GivenUp {
    /// The last that was given up, before which all is acknowledged or given up. No further: pieces behind it may be of messages
    /// that will be whole.
    pub tsn: u64,
    /// Of each stream, ordered (false) and unordered, the last message that was given up.
    pub messages: BTreeMap<(u16, bool), u32>,
}

impl Flight {
    /// Gives up what has become too old of what is lost, before it is sent again.
    pub fn expire_lost(&mut self, now: Time, outcome: &mut Outcome) {
        while let Some(&tsn) = self.lost.first() {
            let Some(piece) = self.piece(tsn) else { return };
            if piece.may_repeat(now) {
                return;
            }
            let (stream, serial) = (piece.message.stream, piece.message.serial);
            self.abandon(serial);
            self.lost.remove(&tsn);
            outcome.abandoned.push((stream, serial));
        }
    }

    /// All pieces of a message are given up.
    pub(super) fn abandon(&mut self, serial: u64) {
        while let Some(&(_, tsn)) = self.revocable.range((serial, 0)..=(serial, u64::MAX)).next() {
            self.revocable.remove(&(serial, tsn));
            let Some(piece) = self.piece(tsn) else { continue };
            let (before, bytes) = (piece.state, piece.bytes());
            piece.state = State::Abandoned;
            match before {
                State::InFlight => self.in_flight -= bytes,
                State::Lost => _ = self.lost.remove(&tsn),
                // The peer has it; its place in the stream is skipped with the others'.
                State::Acknowledged | State::Abandoned => (),
            }
        }
        self.abandoned += 1;
        self.forward_due = true;
    }

    /// What the peer need not wait for (RFC 3758 section 3.5, C), of at most so many streams: what goes beyond is told when the
    /// peer has moved. None when there is nothing to tell.
    pub fn forward(&self, most: usize) -> Option<GivenUp> {
        let mut given_up = GivenUp { tsn: 0, messages: BTreeMap::new() };
        for (tsn, piece) in (self.first..).zip(&self.pieces).take(FORWARD_PIECES) {
            match piece.state {
                State::Abandoned if tsn < self.settled => given_up.tsn = tsn,
                State::Abandoned => {
                    let message = &piece.message;
                    let id = (message.stream, message.is_unordered);
                    if given_up.messages.len() >= most && !given_up.messages.contains_key(&id) {
                        break;
                    }
                    given_up.messages.insert(id, message.number);
                    given_up.tsn = tsn;
                }
                State::Acknowledged => (),
                State::InFlight | State::Lost => break,
            }
        }
        (given_up.tsn > 0).then_some(given_up)
    }

    /// The peer has performed a reset after this TSN (RFC 6525 section 5.2.2): it waits for nothing up to it.
    pub fn settle_numbers(&mut self, last_tsn: u32) {
        let last = extend_u32(self.first, last_tsn).min(self.next_tsn() - 1);
        self.settled = self.settled.max(last + 1);
    }

    /// Whether a FORWARD TSN is to be sent; asking takes that back.
    pub fn take_forward_due(&mut self) -> bool {
        std::mem::take(&mut self.forward_due)
    }

    /// The peer has not moved over what was given up: it is told again.
    pub fn renew_forward(&mut self) {
        let first = self.pieces.front();
        self.forward_due |= first.is_some_and(|piece| piece.state == State::Abandoned);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::sctp::congestion::Snapshot;
    use crate::sctp::outbound::{MessageInfo, NextPiece};

    #[test]
    fn a_reset_stream_is_not_told_of_what_was_given_up_by_its_old_numbers() {
        let mut flight = Flight::new(1 << 32);
        for (stream, number) in [(1, 7), (2, 0)] {
            let message = MessageInfo {
                data: Arc::new(vec![0]),
                stream,
                ppid: 53,
                is_unordered: false,
                serial: u64::from(stream),
                number,
                max_retransmits: Some(0),
                expires: None,
            };
            let piece = NextPiece { message, start: 0, end: 1, fragment: 0 };
            flight.push(Time::ZERO, piece, Snapshot::default(), false);
        }
        let mut outcome = Outcome::default();
        flight.lose_all(Time::ZERO, &mut outcome);
        assert_eq!(outcome.abandoned, [(1, 1), (2, 2)]);
        let told = |flight: &Flight| {
            let given_up = flight.forward(10).unwrap();
            (given_up.tsn - (1 << 32), given_up.messages.into_iter().collect::<Vec<_>>())
        };
        assert_eq!(told(&flight), (1, vec![((1, false), 7), ((2, false), 0)]));
        flight.settle_numbers(0);
        assert_eq!(told(&flight), (1, vec![((2, false), 0)]));
        flight.settle_numbers(1);
        assert_eq!(told(&flight), (1, vec![]), "it is asked where it is all the same");
    }
}
