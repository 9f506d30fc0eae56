//! What was sent and not acknowledged: which of it is lost, to be sent again, or given up.
//!
//! `delivered` sums up what a SACK tells, `loss` finds what is lost, `given_up` is what need not arrive (RFC 3758).

mod delivered;
mod given_up;
mod loss;

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use visavis_wire::sctp::{GapBlock, Sack, extend_u32};

use self::delivered::Delivered;
use self::loss::MOST_REORDERING;
use super::congestion::{Acknowledged, Snapshot};
use super::outbound::{MessageInfo, NextPiece};
use crate::time::Time;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    InFlight,
    /// To be sent again.
    Lost,
    Acknowledged,
    /// Given up: the peer is told not to wait for it.
    Abandoned,
}

/// One chunk that was sent.
#[derive(Debug)]
pub struct SentPiece {
    pub message: MessageInfo,
    pub start: usize,
    pub end: usize,
    pub fragment: u32,
    state: State,
    sent_at: Time,
    transmissions: u32,
    snapshot: Snapshot,
    /// With it, its packet became longer than all paths take.
    makes_long: bool,
}

impl SentPiece {
    fn bytes(&self) -> usize {
        self.end - self.start
    }

    /// Whether it may be sent once more.
    fn may_repeat(&self, now: Time) -> bool {
        self.message.max_retransmits.is_none_or(|most| self.transmissions <= most)
            && self.message.expires.is_none_or(|expires| now < expires)
    }
}

/// What a SACK did.
#[derive(Debug, Default)]
pub struct Outcome {
    pub acknowledged: Option<Acknowledged>,
    pub lost_bytes: usize,
    /// When long packets had been sent: each that was lost, and the newest that was delivered.
    pub long_lost: Vec<Time>,
    pub long_delivered: Option<Time>,
    /// Messages of which a piece was given up: the rest of them need not be sent.
    pub abandoned: Vec<(u16, u64)>,
}

/// Everything above the cumulative acknowledgement.
#[derive(Debug)]
pub struct Flight {
    /// TSN of the first of `pieces`.
    first: u64,
    pieces: VecDeque<SentPiece>,
    in_flight: usize,
    /// TSNs to be sent again, ascending.
    lost: BTreeSet<u64>,
    /// Transmissions in the order of time; one whose piece was sent again since, or is done, counts no more.
    order: VecDeque<(u64, Time)>,
    /// Of what was delivered: when what was sent last was sent.
    newest_delivered: Option<Time>,
    reordering: u32,
    /// The peer has to be told of what was given up.
    forward_due: bool,
    /// Before this TSN the peer has moved by its own word: a stream that was reset since has other numbers.
    settled: u64,
    /// The pieces of messages that may be given up, by serial and TSN, so that giving up looks at no others.
    revocable: BTreeSet<(u64, u64)>,
    pub lost_count: u64,
    pub retransmitted: u64,
    pub abandoned: u64,
}

impl Flight {
    pub fn new(first: u64) -> Flight {
        Flight {
            first,
            pieces: VecDeque::new(),
            in_flight: 0,
            lost: BTreeSet::new(),
            order: VecDeque::new(),
            newest_delivered: None,
            reordering: 1,
            forward_due: false,
            settled: first,
            revocable: BTreeSet::new(),
            lost_count: 0,
            retransmitted: 0,
            abandoned: 0,
        }
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub fn has_lost(&self) -> bool {
        !self.lost.is_empty()
    }

    /// The TSN that the next new piece gets.
    pub fn next_tsn(&self) -> u64 {
        self.first + self.pieces.len() as u64
    }

    pub fn newest(&self) -> Option<&SentPiece> {
        self.pieces.back()
    }

    /// How many pieces are remembered.
    pub fn len(&self) -> usize {
        self.pieces.len()
    }

    /// A new piece leaves.
    pub fn push(&mut self, now: Time, piece: NextPiece, snapshot: Snapshot, makes_long: bool) -> u64 {
        let tsn = self.next_tsn();
        let piece = SentPiece {
            message: piece.message,
            start: piece.start,
            end: piece.end,
            fragment: piece.fragment,
            state: State::InFlight,
            sent_at: now,
            transmissions: 1,
            snapshot,
            makes_long,
        };
        self.in_flight += piece.bytes();
        if piece.message.is_revocable() {
            self.revocable.insert((piece.message.serial, tsn));
        }
        self.pieces.push_back(piece);
        self.order.push_back((tsn, now));
        tsn
    }

    fn piece(&mut self, tsn: u64) -> Option<&mut SentPiece> {
        self.pieces.get_mut(usize::try_from(tsn.checked_sub(self.first)?).ok()?)
    }

    /// The first piece that is to be sent again, and its size.
    pub fn next_lost(&mut self) -> Option<(u64, usize)> {
        let tsn = *self.lost.first()?;
        let bytes = self.piece(tsn)?.bytes();
        Some((tsn, bytes))
    }

    /// A lost piece leaves again.
    pub fn repeat(
        &mut self,
        now: Time,
        tsn: u64,
        snapshot: Snapshot,
        makes_long: bool,
    ) -> Option<&SentPiece> {
        self.lost.remove(&tsn);
        self.order.push_back((tsn, now));
        self.retransmitted += 1;
        let place = usize::try_from(tsn.checked_sub(self.first)?).ok()?;
        let piece = self.pieces.get_mut(place)?;
        (piece.state, piece.sent_at, piece.snapshot) = (State::InFlight, now, snapshot);
        piece.transmissions += 1;
        piece.makes_long = makes_long;
        self.in_flight += piece.end - piece.start;
        self.pieces.get(place)
    }

    /// Takes a SACK in (RFC 9260 section 6.2.1). What it says of TSNs that were never sent is passed over; None where all of
    /// it is old.
    pub fn handle_sack_untrusted(
        &mut self,
        now: Time,
        sack: &Sack<'_>,
        min_rtt: Option<Duration>,
    ) -> Option<Outcome> {
        let cumulative = extend_u32(self.first, sack.cumulative_tsn);
        if cumulative + 1 < self.first || cumulative >= self.next_tsn() {
            return None;
        }
        let mut seen = Delivered {
            now,
            min_rtt: min_rtt.unwrap_or_default(),
            bytes: 0,
            sent_at: None,
            snapshot: Snapshot::default(),
            is_repeated: false,
            long: None,
        };
        while self.first <= cumulative {
            let Some(piece) = self.pieces.pop_front() else { break };
            seen.add(&piece);
            if piece.message.is_revocable() {
                self.revocable.remove(&(piece.message.serial, self.first));
            }
            match piece.state {
                State::InFlight => self.in_flight -= piece.bytes(),
                State::Lost => _ = self.lost.remove(&self.first),
                State::Acknowledged | State::Abandoned => (),
            }
            self.first += 1;
        }
        self.take_back_reneged();
        let mut above = cumulative;
        for GapBlock { start, end } in sack.gaps() {
            let (start, end) = (cumulative + u64::from(start), cumulative + u64::from(end));
            // They must ascend, so that one SACK costs one pass.
            if start <= above || end < start || end >= self.next_tsn() {
                break;
            }
            above = end;
            for tsn in start..=end {
                self.acknowledge(tsn, &mut seen);
            }
        }
        if sack.duplicate_count() > 0 {
            self.reordering = (self.reordering + 1).min(MOST_REORDERING);
        }
        self.newest_delivered = self.newest_delivered.max(seen.sent_at);
        let acknowledged = seen.summary(self.in_flight);
        let mut outcome = Outcome { acknowledged, long_delivered: seen.long, ..Outcome::default() };
        self.find_lost(now, min_rtt, &mut outcome);
        self.forget_order();
        Some(outcome)
    }

    /// What is next cannot have come already, or the cumulative TSN would be beyond it: the peer has dropped what it told of
    /// in gap blocks, as it may (RFC 9260 section 6.2.1, D iii). It is sent again, where this SACK does not name it.
    fn take_back_reneged(&mut self) {
        if self.pieces.front().is_none_or(|piece| piece.state != State::Acknowledged) {
            return;
        }
        for (tsn, piece) in (self.first..).zip(&mut self.pieces) {
            if piece.state == State::Acknowledged {
                piece.state = State::Lost;
                self.lost.insert(tsn);
            }
        }
    }

    fn acknowledge(&mut self, tsn: u64, seen: &mut Delivered) {
        let Some(piece) = self.piece(tsn) else { return };
        seen.add(piece);
        let bytes = piece.bytes();
        match piece.state {
            State::InFlight => {
                piece.state = State::Acknowledged;
                self.in_flight -= bytes;
            }
            State::Lost => {
                piece.state = State::Acknowledged;
                self.lost.remove(&tsn);
            }
            State::Acknowledged | State::Abandoned => (),
        }
    }
}
