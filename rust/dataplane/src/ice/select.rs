//! Which pair carries media.

use std::time::Duration;

use super::agent::{Agent, Event};
use super::pair::Pair;
use super::schedule::CONSENT_INTERVAL;
use super::{CONSENT_LASTS, Path};
use crate::api::PairId;
use crate::time::Time;

/// A peer of RFC 5245 may nominate all its pairs at once ("aggressively"): for so long the most important one counts.
/// Later it has changed its mind.
const SAME_MIND: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was the first that is valid (RFC 8445 section 12.1.1: media need not wait for a nomination).
    First,
    Nominated,
    /// Another had fallen silent.
    Fallback,
}

/// The pair in use.
#[derive(Clone, Copy, Debug)]
pub struct Selection {
    pub pair: PairId,
    pub path: Path,
    why: Why,
    nominated: Option<Time>,
}

impl Selection {
    /// As it is reported, if it is.
    pub fn reason(&self) -> Option<&'static str> {
        match self.why {
            Why::First => None,
            Why::Nominated => Some("nominated"),
            Why::Fallback => Some("fallback"),
        }
    }
}

impl Agent {
    /// Where packets go, while there is consent.
    pub fn selected(&self) -> Option<Path> {
        let former = || self.former.as_ref().map(|former| former.pair.path);
        self.selection.map(|selection| selection.path).or_else(former)
    }

    /// The pair in use, of now or of before a restart.
    pub(super) fn serving(&self) -> Option<&Pair> {
        match self.selection {
            Some(selection) => self.pairs.iter().find(|pair| pair.id == selection.pair),
            None => self.former.as_ref().map(|former| &former.pair),
        }
    }

    pub(super) fn select(&mut self, index: usize, why: Why) {
        let Some(pair) = self.pairs.get_mut(index) else { return };
        let before = self.selection.filter(|selection| selection.pair == pair.id);
        if before.is_some_and(|before| before.why == why || before.why == Why::Nominated) {
            return;
        }
        let nominated = pair.nominated.filter(|_| why == Why::Nominated);
        let selection = Selection { pair: pair.id, path: pair.path, why, nominated };
        pair.probe_due = pair.probe_due.min(pair.answered + CONSENT_INTERVAL);
        self.selection = Some(selection);
        self.suspected = None;
        if let Some(reason) = selection.reason() {
            self.report(Event::Selected { pair: selection.pair, reason });
        }
        if !self.is_lite {
            self.drop_former();
            self.forget_previous();
        }
    }

    /// A pair has become valid, or was nominated while it was.
    pub(super) fn consider(&mut self, now: Time, index: usize) {
        let Some(pair) = self.pairs.get(index).filter(|pair| pair.is_valid()) else { return };
        if !self.controlling && pair.nominated.is_some() && self.is_last_word(now, index) {
            self.select(index, Why::Nominated);
        } else if self.selection.is_none() && self.former.is_none() {
            self.select(index, Why::First);
        }
    }

    /// Whether the nomination of this pair stands against that of the one in use (RFC 8445 section 8.1.1: the controlling
    /// side may change its mind).
    fn is_last_word(&self, now: Time, index: usize) -> bool {
        let (Some(selection), Some(pair)) = (self.selection, self.pairs.get(index)) else { return true };
        let Some(current) = self.index(selection.pair) else { return true };
        if selection.why != Why::Nominated || current == index {
            return true;
        }
        if self.is_lite {
            // Of a lite agent's paths none is the more important. One that proves itself late was not nominated late.
            return pair.nominated >= self.pairs.get(current).and_then(|pair| pair.nominated);
        }
        index < current || selection.nominated.is_none_or(|nominated| now.since(nominated) >= SAME_MIND)
    }

    /// A pair is gone, or valid no more: when it was in use, the most important valid one takes its place.
    pub(super) fn note_removed(&mut self, id: PairId) {
        if self.selection.is_some_and(|selection| selection.pair == id) {
            self.selection = None;
            self.suspected = None;
            if let Some(index) = self.pairs.iter().position(Pair::is_valid) {
                self.take_over(index);
            }
        }
    }

    /// A valid pair stands in. The peer is told, if that is ours to do.
    pub(super) fn take_over(&mut self, index: usize) {
        self.pairs.iter_mut().for_each(|pair| pair.wants_nomination = false);
        self.select(index, Why::Fallback);
        if let Some(pair) = self.pairs.get_mut(index).filter(|_| self.controlling) {
            pair.wants_nomination = true;
            let id = pair.id;
            self.trigger_first(id);
        }
    }

    /// The owner of a controlling agent nominates a pair: it is checked once more, with USE-CANDIDATE (RFC 8445 section
    /// 8.1.1).
    pub fn nominate(&mut self, id: PairId) {
        if !self.controlling || self.is_lite {
            return;
        }
        let Some(index) = self.index(id) else { return };
        for (other, pair) in self.pairs.iter_mut().enumerate() {
            pair.wants_nomination = other == index;
        }
        if self.pairs.get(index).is_some_and(Pair::is_valid) {
            self.trigger_first(id);
        }
    }

    /// Consent of a lite agent's path ends so long after the peer's last check.
    pub(super) fn keep_consent_by_checks(&mut self, now: Time) -> bool {
        let Some(selection) = self.selection else { return true };
        let checked = |pair: &Pair| pair.checked.filter(|&checked| now.since(checked) < CONSENT_LASTS);
        let has_consent = |pair: &Pair| pair.id == selection.pair && checked(pair).is_some();
        if self.pairs.iter().any(has_consent) {
            return true;
        }
        let others = self.pairs.iter().enumerate().filter(|(_, pair)| pair.is_valid());
        let latest = others.filter_map(|(index, pair)| Some((checked(pair)?, index))).max();
        if let Some((_, index)) = latest {
            self.take_over(index);
        }
        latest.is_some()
    }
}
