//! Makes messages of their pieces (RFC 9260 section 6.9, RFC 8260 section 2.2.1).

use std::collections::{BTreeMap, VecDeque};

/// What a run costs beside its bytes, at most: without it pieces of one byte would take hundreds of the window's.
const RUN_COST: usize = 256;
/// Neighbouring pieces become one buffer up to this length.
const SMALL: usize = 1_024;

/// One piece: of DATA its key is its TSN, of I-DATA its number in the message. The pieces of a message have keys that follow
/// each other, from one that begins to one that ends.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// Of I-DATA the message; DATA has one scope for all.
    pub scope: u64,
    pub key: u64,
    pub begins: bool,
    pub ends: bool,
    pub ppid: u32,
    pub message: u64,
    pub data: &'a [u8],
}

/// A message that is all there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    pub message: u64,
    pub ppid: u32,
    pub data: Vec<u8>,
}

/// What became of a piece.
#[derive(Debug, PartialEq, Eq)]
pub enum Inserted {
    Held,
    Complete(Whole),
    /// It is at odds with its neighbours, or the message is too long.
    Violation(&'static str),
}

/// Pieces of one message whose keys follow each other.
#[derive(Debug)]
struct Run {
    last: u64,
    begins: bool,
    ends: bool,
    ppid: u32,
    message: u64,
    bytes: usize,
    pieces: VecDeque<Vec<u8>>,
}

impl Run {
    /// Takes in the run that follows. The shorter is moved, so that no order of arrival costs more than n log n.
    fn append(&mut self, mut next: Run) {
        (self.last, self.ends) = (next.last, next.ends);
        self.bytes += next.bytes;
        if let (Some(last), Some(first)) = (self.pieces.back_mut(), next.pieces.front())
            && last.len() + first.len() <= SMALL
        {
            last.extend_from_slice(first);
            next.pieces.pop_front();
        }
        if self.pieces.len() >= next.pieces.len() {
            self.pieces.append(&mut next.pieces);
        } else {
            while let Some(piece) = self.pieces.pop_back() {
                next.pieces.push_front(piece);
            }
            self.pieces = next.pieces;
        }
    }

    fn cost(&self) -> usize {
        RUN_COST + self.bytes
    }

    fn into_whole(mut self) -> Whole {
        let data = match self.pieces.pop_front() {
            Some(only) if self.pieces.is_empty() => only,
            first => {
                let mut data = Vec::with_capacity(self.bytes);
                first.iter().chain(&self.pieces).for_each(|piece| data.extend_from_slice(piece));
                data
            }
        };
        Whole { message: self.message, ppid: self.ppid, data }
    }
}

/// The pieces that wait for others.
#[derive(Debug, Default)]
pub struct Assembly {
    /// By scope and first key.
    runs: BTreeMap<(u64, u64), Run>,
    held: usize,
}

impl Assembly {
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// What the pieces take of the window.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Takes a piece whose key has not come before.
    pub fn insert(&mut self, piece: Piece<'_>, max_message: usize) -> Inserted {
        let Piece { scope, key, .. } = piece;
        let mut run = Run {
            last: key,
            begins: piece.begins,
            ends: piece.ends,
            ppid: piece.ppid,
            message: piece.message,
            bytes: piece.data.len(),
            pieces: VecDeque::from([piece.data.to_vec()]),
        };
        let mut first = key;
        let before = self.runs.range((scope, 0)..(scope, key)).next_back();
        if let Some((&(_, before_first), before)) = before {
            if before.last >= key {
                return Inserted::Violation("a piece came twice");
            }
            if before.last + 1 == key && !before.ends && !piece.begins {
                let Some(mut joined) = self.remove((scope, before_first)) else { return Inserted::Held };
                if joined.message != run.message {
                    return Inserted::Violation("pieces of two messages in one");
                }
                joined.append(run);
                (run, first) = (joined, before_first);
            }
        }
        let after = (scope, key + 1);
        if !run.ends && self.runs.get(&after).is_some_and(|next| !next.begins) {
            let Some(next) = self.remove(after) else { return Inserted::Held };
            if next.message != run.message {
                return Inserted::Violation("pieces of two messages in one");
            }
            run.append(next);
        }
        if run.bytes > max_message {
            return Inserted::Violation("a message is too long");
        }
        if run.begins && run.ends {
            return Inserted::Complete(run.into_whole());
        }
        self.held += run.cost();
        self.runs.insert((scope, first), run);
        Inserted::Held
    }

    fn remove(&mut self, at: (u64, u64)) -> Option<Run> {
        let run = self.runs.remove(&at)?;
        self.held -= run.cost();
        Some(run)
    }

    /// Forgets the runs of messages up to this one.
    pub fn forget_messages(&mut self, last: u64) {
        let held = &mut self.held;
        self.runs.retain(|_, run| {
            let is_gone = run.message <= last;
            *held -= if is_gone { run.cost() } else { 0 };
            !is_gone
        });
    }

    /// Forgets the runs that begin before a scope and key.
    pub fn forget_before(&mut self, end: (u64, u64)) {
        while let Some(first) = self.runs.first_entry()
            && *first.key() < end
        {
            self.held -= first.remove().cost();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(key: u64, begins: bool, ends: bool, data: &[u8]) -> Piece<'_> {
        Piece { scope: 0, key, begins, ends, ppid: if begins { 53 } else { 0 }, message: 7, data }
    }

    #[test]
    fn every_order_of_arrival_gives_the_message() {
        let pieces = [
            (10, true, false, b"a"),
            (11, false, false, b"b"),
            (12, false, false, b"c"),
            (13, false, true, b"d"),
        ];
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [0, 2, 1, 3], [1, 3, 0, 2], [2, 0, 3, 1]] {
            let mut assembly = Assembly::default();
            let mut got = order.map(|n: usize| {
                let (key, begins, ends, data) = pieces[n];
                assembly.insert(piece(key, begins, ends, data), 100)
            });
            let last = got.last_mut().unwrap();
            let expected = Whole { message: 7, ppid: 53, data: b"abcd".to_vec() };
            assert_eq!(*last, Inserted::Complete(expected), "{order:?}");
            assert!(assembly.is_empty());
        }
    }

    #[test]
    fn neighbours_of_other_messages_stay_apart() {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.insert(piece(1, false, true, b"x"), 100), Inserted::Held);
        assert_eq!(assembly.insert(piece(3, true, false, b"z"), 100), Inserted::Held);
        let got = assembly.insert(piece(2, true, true, b"y"), 100);
        assert!(matches!(got, Inserted::Complete(whole) if whole.data == b"y"));
        let other = Piece { message: 8, ..piece(4, false, true, b"!") };
        assert!(matches!(assembly.insert(other, 100), Inserted::Violation(_)));
    }

    #[test]
    fn a_message_that_is_too_long_is_none() {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.insert(piece(1, true, false, &[0; 60]), 100), Inserted::Held);
        assert!(matches!(assembly.insert(piece(2, false, false, &[0; 60]), 100), Inserted::Violation(_)));
    }
}
