//! The replay window (RFC 3711 section 3.3.2).

/// How many indexes the window spans, its highest included. Wide enough for what a NACK asks for again: 1,024 packets
/// are a second of 10 Mb/s video.
pub const WINDOW: u64 = 1024;

const WORDS: usize = (WINDOW / 64) as usize;

/// Which of the last [`WINDOW`] indexes were seen. It is a ring of bits: index `i` lies at bit `i % WINDOW`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReplayWindow {
    highest: u64,
    seen: [u64; WORDS],
}

impl ReplayWindow {
    /// The window of a stream whose first index is `first`.
    pub(super) fn starting_with(first: u64) -> ReplayWindow {
        let mut window = ReplayWindow { highest: first, seen: [0; WORDS] };
        window.mark(first);
        window
    }

    /// A window in which everything up to `highest` counts as seen.
    pub(super) fn closed_at(highest: u64) -> ReplayWindow {
        ReplayWindow { highest, seen: [u64::MAX; WORDS] }
    }

    pub(super) fn highest(&self) -> u64 {
        self.highest
    }

    /// Whether the index is neither seen nor so old that this cannot be known.
    pub(super) fn is_new(&self, index: u64) -> bool {
        if index > self.highest {
            return true;
        }
        self.highest - index < WINDOW && self.seen[word_of(index)] & bit_of(index) == 0
    }

    /// Marks an index that [`ReplayWindow::is_new`] let pass and that has been authenticated since.
    pub(super) fn insert(&mut self, index: u64) {
        if index > self.highest {
            if index - self.highest >= WINDOW {
                self.seen = [0; WORDS];
            } else {
                for passed in self.highest + 1..index {
                    self.seen[word_of(passed)] &= !bit_of(passed);
                }
            }
            self.highest = index;
        }
        self.mark(index);
    }

    fn mark(&mut self, index: u64) {
        self.seen[word_of(index)] |= bit_of(index);
    }
}

/// Always below `WORDS`, so that indexing with it cannot fail.
fn word_of(index: u64) -> usize {
    ((index % WINDOW) / 64) as usize
}

fn bit_of(index: u64) -> u64 {
    1 << (index % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_new_once() {
        let mut window = ReplayWindow::starting_with(5);
        assert!(!window.is_new(5));
        for index in [6, 9, 8, 7] {
            assert!(window.is_new(index));
            window.insert(index);
            assert!(!window.is_new(index));
        }
        assert_eq!(window.highest(), 9);
    }

    #[test]
    fn what_the_window_has_left_behind_is_not_new() {
        let mut window = ReplayWindow::starting_with(0);
        window.insert(WINDOW);
        assert!(!window.is_new(0));
        assert!(window.is_new(1));
        window.insert(WINDOW + 1);
        assert!(!window.is_new(1));
    }

    #[test]
    fn a_leap_forgets_the_bits_of_the_last_round() {
        let mut window = ReplayWindow::starting_with(3);
        for index in 4..WINDOW {
            window.insert(index);
        }
        window.insert(WINDOW * 3 + 7);
        for index in WINDOW * 2 + 8..WINDOW * 3 + 7 {
            assert!(window.is_new(index), "{index}");
        }
        window.insert(WINDOW * 3 + 100);
        for index in WINDOW * 3 + 8..WINDOW * 3 + 100 {
            assert!(window.is_new(index), "{index}");
        }
        assert!(!window.is_new(WINDOW * 3 + 7));
    }

    /// Against a plain set, over a seeded walk of small and large steps.
    #[test]
    fn the_window_agrees_with_a_set() {
        let mut rng = super::super::tests::Rng::new(7);
        let mut window = ReplayWindow::starting_with(10_000);
        let mut seen = std::collections::BTreeSet::from([10_000u64]);
        for _ in 0..50_000 {
            let highest = *seen.last().unwrap();
            let ahead = if rng.below(50) == 0 { 3_000 } else { 5 };
            let index = (highest + rng.below(ahead)).saturating_sub(rng.below(1_500));
            let expected = index + WINDOW > highest && !seen.contains(&index);
            assert_eq!(window.is_new(index), expected, "{index} at {highest}");
            if expected {
                window.insert(index);
                seen.insert(index);
            }
        }
    }
}
