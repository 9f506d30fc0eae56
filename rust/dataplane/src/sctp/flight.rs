//! What was sent and not acknowledged: which of it is lost, to be sent again, or given up.
//!
//! Loss is found by time, as RACK does for TCP (RFC 8985): a packet is lost when one that was sent a reordering window later
//! has been delivered. It needs no three duplicates, and finds what was lost a second time too.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use visavis_wire::sctp::{GapBlock, Sack, extend_u32};

use super::congestion::{Acknowledged, Snapshot};
use super::outbound::{MessageInfo, NextPiece};
use crate::time::Time;

/// The reordering window grows by quarters of the shortest round trip up to the smoothed one, when packets come twice (RFC 8985
/// section 6.2, step 4).
const MOST_REORDERING: u32 = 8;
/// How far one FORWARD TSN looks, so that no SACK costs more.
const FORWARD_PIECES: usize = 4_096;

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

/// What the peer need not wait for.
#[derive(Debug)]
pub struct GivenUp {
    /// The last that was given up, before which all is acknowledged or given up. No further: pieces behind it may be of messages
    /// that will be whole.
    pub tsn: u64,
    /// Of each stream, ordered (false) and unordered, the last message that was given up.
    pub messages: BTreeMap<(u16, bool), u32>,
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

    /// Marks what was sent a reordering window before something that was delivered.
    fn find_lost(&mut self, now: Time, min_rtt: Option<Duration>, outcome: &mut Outcome) {
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

    fn lose(&mut self, now: Time, tsn: u64, outcome: &mut Outcome) {
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

    /// All pieces of a message are given up.
    fn abandon(&mut self, serial: u64) {
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

    /// Entries that count no more would stay when nothing after them is lost.
    fn forget_order(&mut self) {
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

/// What of one SACK is new.
#[derive(Debug)]
struct Delivered {
    now: Time,
    min_rtt: Duration,
    bytes: usize,
    sent_at: Option<Time>,
    snapshot: Snapshot,
    is_repeated: bool,
    /// When the newest of the long packets was sent.
    long: Option<Time>,
}

impl Delivered {
    fn add(&mut self, piece: &SentPiece) {
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

    fn summary(&self, in_flight: usize) -> Option<Acknowledged> {
        let sent_at = self.sent_at?;
        // Of what was sent twice nobody knows which is acknowledged (section 6.3.1, C5).
        let rtt = (!self.is_repeated).then(|| self.now.since(sent_at));
        Some(Acknowledged { bytes: self.bytes, snapshot: self.snapshot, sent_at, rtt, in_flight })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

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
