//! Sequence numbers that wrap, made to grow for ever.

use crate::time::Time;

/// Extends 16-bit sequence numbers to 64 bits: each is taken as the one nearest to the highest seen (RFC 3550 A.1).
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwrapper {
    highest: Option<u64>,
    base: u64,
}

impl Unwrapper {
    /// The numbers of a stream that begins now. They lie above those of every stream that began earlier, even of one that
    /// nobody remembers, since none has 65,536 packets a millisecond; and above `previous`, the highest of the stream whose
    /// place it takes.
    pub fn starting(now: Time, previous: Option<u64>) -> Unwrapper {
        let base = (now.as_micros() / 1_000) << 16;
        Unwrapper { highest: None, base: previous.map_or(base, |highest| base.max((highest | 0xffff) + 1)) }
    }

    /// Where the numbers begin: the first of them lies a cycle above it. No two streams of a layer have the same.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// The extended number; the highest is remembered. The first lies one cycle above zero, so that a reordered earlier
    /// one never falls below it.
    pub fn unwrap(&mut self, sequence: u16) -> u64 {
        let extended = self.peek(sequence);
        if self.highest.is_none_or(|highest| extended > highest) {
            self.highest = Some(extended);
        }
        extended
    }

    /// As `unwrap`, remembering nothing.
    pub fn peek(&self, sequence: u16) -> u64 {
        let Some(highest) = self.highest else {
            return self.base + ((1 << 16) | u64::from(sequence));
        };
        let ahead = sequence.wrapping_sub(highest as u16);
        if ahead < 0x8000 {
            highest.saturating_add(u64::from(ahead))
        } else {
            highest.saturating_sub(u64::from(ahead.wrapping_neg()))
        }
    }

    pub fn highest(&self) -> Option<u64> {
        self.highest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_grow_through_a_wrap() {
        let mut unwrapper = Unwrapper::default();
        let first = unwrapper.unwrap(65_534);
        assert_eq!(unwrapper.unwrap(65_535), first + 1);
        assert_eq!(unwrapper.unwrap(0), first + 2);
        assert_eq!(unwrapper.unwrap(1), first + 3);
    }

    #[test]
    fn a_stream_that_begins_later_has_higher_numbers() {
        let mut first = Unwrapper::starting(Time::from_millis(5), None);
        let highest = (0..200_000u32).map(|n| first.unwrap(n as u16)).max().unwrap();
        for (now, previous) in [(6_000, None), (5, Some(highest)), (6_000, Some(highest))] {
            let mut second = Unwrapper::starting(Time::from_millis(now), previous);
            assert!(second.unwrap(0) > highest && second.base() > first.base());
        }
    }

    #[test]
    fn a_late_one_from_before_the_wrap_stays_below() {
        let mut unwrapper = Unwrapper::default();
        let first = unwrapper.unwrap(2);
        assert_eq!(unwrapper.unwrap(65_533), first - 5);
        assert_eq!(unwrapper.highest(), Some(first));
        assert_eq!(unwrapper.unwrap(3), first + 1);
    }
}
