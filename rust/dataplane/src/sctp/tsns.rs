//! Which TSNs came, and what is to be acknowledged of them (RFC 9260 sections 6.2 and 6.7).

use visavis_wire::sctp::GapBlock;

/// How many ranges above a gap are remembered; a packet that would make another is dropped, and comes again.
const MAX_RANGES: usize = 1_024;
/// How far above the cumulative TSN one may lie: gap blocks cannot say more.
const MAX_AHEAD: u64 = u16::MAX as u64;
/// How many duplicates a SACK names.
const MAX_DUPLICATES: usize = 16;

/// What became of a TSN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The next one.
    InOrder,
    /// New, with a gap before it.
    OutOfOrder,
    Duplicate,
    /// There is no place to remember it.
    TooFar,
}

/// The TSNs that came, extended to 64 bits.
#[derive(Debug)]
pub struct ReceivedTsns {
    /// All up to this came.
    cumulative: u64,
    /// Ranges above the first gap, ascending, apart from each other; both ends came.
    ranges: Vec<(u64, u64)>,
    duplicates: Vec<u32>,
    tells_farthest: bool,
}

impl ReceivedTsns {
    /// `first` is the peer's initial TSN.
    pub fn new(first: u64) -> ReceivedTsns {
        ReceivedTsns {
            cumulative: first - 1,
            ranges: Vec::new(),
            duplicates: Vec::new(),
            tells_farthest: false,
        }
    }

    pub fn cumulative(&self) -> u64 {
        self.cumulative
    }

    pub fn has_gaps(&self) -> bool {
        !self.ranges.is_empty()
    }

    /// What `insert` would say.
    pub fn peek(&self, tsn: u64) -> Arrival {
        if tsn <= self.cumulative {
            return Arrival::Duplicate;
        }
        if tsn == self.cumulative + 1 {
            return Arrival::InOrder;
        }
        let at = self.ranges.partition_point(|&(_, end)| end < tsn);
        let range = self.ranges.get(at);
        if range.is_some_and(|&(start, _)| start <= tsn) {
            return Arrival::Duplicate;
        }
        let touches = range.is_some_and(|&(start, _)| start == tsn + 1)
            || at
                .checked_sub(1)
                .and_then(|before| self.ranges.get(before))
                .is_some_and(|&(_, end)| end + 1 == tsn);
        if tsn - self.cumulative > MAX_AHEAD || (!touches && self.ranges.len() >= MAX_RANGES) {
            return Arrival::TooFar;
        }
        Arrival::OutOfOrder
    }

    /// Takes a TSN in, where `peek` says that it is new.
    pub fn insert(&mut self, tsn: u64) -> Arrival {
        let arrival = self.peek(tsn);
        match arrival {
            Arrival::InOrder => {
                self.cumulative = tsn;
                self.join();
            }
            Arrival::OutOfOrder => {
                let at = self.ranges.partition_point(|&(_, end)| end < tsn);
                let extends = self.ranges.get(at).is_some_and(|&(start, _)| start == tsn + 1);
                let before = at.checked_sub(1).and_then(|before| self.ranges.get_mut(before));
                match before.filter(|range| range.1 + 1 == tsn) {
                    Some(range) if !extends => range.1 = tsn,
                    Some(_) => {
                        let (_, end) = self.ranges.remove(at);
                        if let Some(range) = self.ranges.get_mut(at - 1) {
                            range.1 = end;
                        }
                    }
                    None if extends => {
                        if let Some(range) = self.ranges.get_mut(at) {
                            range.0 = tsn;
                        }
                    }
                    None => self.ranges.insert(at, (tsn, tsn)),
                }
            }
            Arrival::Duplicate => {
                if self.duplicates.len() < MAX_DUPLICATES {
                    self.duplicates.push(tsn as u32);
                }
            }
            Arrival::TooFar => (),
        }
        arrival
    }

    /// The peer sends nothing up to `tsn` any more (RFC 3758 section 3.6); false if that is old.
    pub fn forward(&mut self, tsn: u64) -> bool {
        if tsn <= self.cumulative {
            return false;
        }
        self.cumulative = tsn;
        self.join();
        true
    }

    /// Ranges that the cumulative TSN has reached become part of it.
    fn join(&mut self) {
        let reached = self.ranges.partition_point(|&(start, _)| start <= self.cumulative + 1);
        let mut done = 0;
        for &(start, end) in &self.ranges {
            if start > self.cumulative + 1 {
                break;
            }
            self.cumulative = self.cumulative.max(end);
            done += 1;
        }
        self.ranges.drain(..done.max(reached).min(self.ranges.len()));
    }

    /// The gap blocks of a SACK. When there are more than `most`, those nearest to the cumulative TSN and those farthest from
    /// it have their turns, so that the peer learns of all.
    pub fn gap_blocks(&mut self, most: usize) -> Vec<GapBlock> {
        let offset = |tsn: u64| u16::try_from(tsn - self.cumulative).unwrap_or(u16::MAX);
        let beyond = self.ranges.len().saturating_sub(most);
        let skipped = if self.tells_farthest { beyond } else { 0 };
        self.tells_farthest = beyond > 0 && !self.tells_farthest;
        let told = self.ranges.iter().skip(skipped).take(most);
        told.map(|&(start, end)| GapBlock { start: offset(start), end: offset(end) }).collect()
    }

    /// The TSNs that came twice since the last call.
    pub fn take_duplicates(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.duplicates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: u64 = (1 << 32) | 0xffff_fffe;

    fn blocks(tsns: &mut ReceivedTsns) -> Vec<(u16, u16)> {
        tsns.gap_blocks(100).iter().map(|gap| (gap.start, gap.end)).collect()
    }

    #[test]
    fn gaps_open_grow_and_close() {
        let mut tsns = ReceivedTsns::new(FIRST);
        for (offset, arrival) in [
            (0, Arrival::InOrder),
            (2, Arrival::OutOfOrder),
            (6, Arrival::OutOfOrder),
            (4, Arrival::OutOfOrder),
            (5, Arrival::OutOfOrder),
            (2, Arrival::Duplicate),
            (5, Arrival::Duplicate),
            (3, Arrival::OutOfOrder),
        ] {
            assert_eq!(tsns.insert(FIRST + offset), arrival, "{offset}");
        }
        assert_eq!(blocks(&mut tsns), [(2, 6)]);
        assert_eq!(tsns.insert(FIRST + 1), Arrival::InOrder);
        assert_eq!(tsns.cumulative(), FIRST + 6);
        assert!(!tsns.has_gaps());
        assert_eq!(tsns.take_duplicates(), [FIRST + 2, FIRST + 5].map(|tsn| tsn as u32));
    }

    #[test]
    fn a_forward_jumps_over_what_is_missing_and_joins_what_came() {
        let mut tsns = ReceivedTsns::new(FIRST);
        for offset in [1, 3, 4, 8] {
            tsns.insert(FIRST + offset);
        }
        assert!(tsns.forward(FIRST + 2));
        assert_eq!(tsns.cumulative(), FIRST + 4);
        assert_eq!(blocks(&mut tsns), [(4, 4)]);
        assert!(!tsns.forward(FIRST + 1));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut tsns = ReceivedTsns::new(FIRST);
        for n in 0..=MAX_RANGES as u64 {
            tsns.insert(FIRST + 1 + 2 * n);
        }
        assert_eq!(tsns.ranges.len(), MAX_RANGES);
        let told = [tsns.gap_blocks(2), tsns.gap_blocks(2), tsns.gap_blocks(2)];
        let starts = told.map(|blocks| blocks.iter().map(|block| block.start).collect::<Vec<u16>>());
        assert_eq!(starts, [[2, 4], [2_046, 2_048], [2, 4]]);
        assert_eq!(tsns.peek(FIRST + 2), Arrival::OutOfOrder, "it joins two");
        assert_eq!(tsns.peek(FIRST + 70_000), Arrival::TooFar);
    }
}
