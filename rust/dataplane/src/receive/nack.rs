//! What is missing of a publisher's stream, and when to ask for it again (RFC 4585 section 6.2.1).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::time::Time;

/// A gap this long is not worth asking for: a key frame is.
const MAX_MISSING: usize = 500;
const MAX_TRIES: u8 = 10;
/// After so long the subscribers' players have given up on it.
const MAX_AGE: Duration = Duration::from_millis(1_000);

/// A packet that has not come.
#[derive(Clone, Copy, Debug)]
pub struct Missing {
    since: Time,
    due: Time,
    /// How often it was asked for, and when last.
    pub tries: u8,
    pub asked: Time,
}

/// The gaps of one stream.
#[derive(Debug, Default)]
pub struct NackGenerator {
    missing: BTreeMap<u64, Missing>,
    /// Something was given up that `collect` has not told of yet.
    torn: bool,
    /// Where the newest key frame begins.
    key_frame: u64,
}

impl NackGenerator {
    /// The stream went on from `highest` to `sequence`: what lies between is missing, and given up if it is too much to
    /// ask for.
    pub fn note_gap(&mut self, now: Time, highest: u64, sequence: u64) {
        if sequence.saturating_sub(highest) > MAX_MISSING as u64 {
            self.missing.clear();
            self.torn = true;
            return;
        }
        for lost in highest + 1..sequence {
            self.missing.insert(lost, Missing { since: now, due: now, tries: 0, asked: now });
        }
        while self.missing.len() > MAX_MISSING {
            self.missing.pop_first();
            self.torn = true;
        }
    }

    /// A packet came after all: what was known of it, if it was missed.
    pub fn note_arrival(&mut self, sequence: u64) -> Option<Missing> {
        if self.missing.is_empty() { None } else { self.missing.remove(&sequence) }
    }

    /// A key frame begins at `sequence`: if what was before it does not come, no other one is needed. It is asked for all
    /// the same, as frames that have yet to be shown may need it.
    pub fn note_key_frame(&mut self, sequence: u64) {
        self.torn = false;
        self.key_frame = self.key_frame.max(sequence);
    }

    /// Nothing is to be asked for, nor to be told.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && !self.torn
    }

    /// When `collect` is to be called next.
    pub fn due(&self) -> Option<Time> {
        if self.torn { Some(Time::ZERO) } else { self.missing.values().map(|missing| missing.due).min() }
    }

    /// Appends what is to be asked for now, ascending; it is asked for again after `retry`, and each time later. False if
    /// something was given up, so that a key frame is needed.
    pub fn collect(&mut self, now: Time, retry: Duration, sequences: &mut Vec<u16>) -> bool {
        let mut given_up = std::mem::take(&mut self.torn);
        self.missing.retain(|&sequence, missing| {
            let kept = missing.tries < MAX_TRIES && now.since(missing.since) < MAX_AGE;
            given_up |= !kept && sequence > self.key_frame;
            kept
        });
        for (&sequence, missing) in self.missing.iter_mut().filter(|(_, missing)| missing.due <= now) {
            missing.tries += 1;
            missing.asked = now;
            missing.due = now + retry * u32::from(missing.tries.min(4));
            sequences.push(sequence as u16);
        }
        !given_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Duration = Duration::from_millis(50);

    fn collected(generator: &mut NackGenerator, ms: u64) -> Vec<u16> {
        let mut sequences = Vec::new();
        generator.collect(Time::from_millis(ms), RETRY, &mut sequences);
        sequences
    }

    #[test]
    fn a_gap_is_asked_for_at_once_and_again_after_a_round_trip() {
        let mut generator = NackGenerator::default();
        generator.note_gap(Time::ZERO, 65_536, 65_540);
        assert_eq!(collected(&mut generator, 0), [1, 2, 3]);
        assert_eq!(collected(&mut generator, 49), []);
        assert!(generator.note_arrival(65_538).is_some());
        assert!(generator.note_arrival(65_538).is_none());
        assert_eq!(collected(&mut generator, 50), [1, 3]);
    }

    #[test]
    fn what_does_not_come_is_given_up_and_said_so() {
        let mut generator = NackGenerator::default();
        generator.note_gap(Time::ZERO, 65_536, 65_538);
        let mut asked = 0;
        let mut whole = true;
        for ms in 0..1_100 {
            let mut sequences = Vec::new();
            whole &= generator.collect(Time::from_millis(ms), RETRY, &mut sequences);
            asked += sequences.len();
        }
        assert!(!whole);
        assert!((4..=10).contains(&asked), "{asked}");
        assert!(generator.is_empty());
    }

    #[test]
    fn what_is_missing_before_a_key_frame_is_asked_for_but_needs_no_other_one() {
        let mut generator = NackGenerator::default();
        generator.note_gap(Time::ZERO, 65_536, 65_538);
        generator.note_key_frame(65_539);
        assert_eq!(collected(&mut generator, 0), [1]);
        let mut sequences = Vec::new();
        assert!(
            generator.collect(Time::from_millis(2_000), RETRY, &mut sequences),
            "given up without a word"
        );
        assert!(generator.is_empty());
        generator.note_gap(Time::from_millis(2_000), 65_539, 65_541);
        assert!(!generator.collect(Time::from_millis(4_000), RETRY, &mut sequences));
    }

    #[test]
    fn an_absurd_gap_keeps_nothing_and_is_told_once_unless_a_key_frame_ends_it() {
        let mut generator = NackGenerator::default();
        generator.note_gap(Time::ZERO, 65_536, 80_000);
        assert_eq!(generator.due(), Some(Time::ZERO));
        let mut sequences = Vec::new();
        assert!(!generator.collect(Time::ZERO, RETRY, &mut sequences));
        assert!(generator.is_empty() && generator.collect(Time::ZERO, RETRY, &mut sequences));
        generator.note_gap(Time::ZERO, 80_000, 90_000);
        generator.note_key_frame(90_000);
        assert!(generator.is_empty() && generator.collect(Time::ZERO, RETRY, &mut sequences));
        assert!(sequences.is_empty());
    }
}
