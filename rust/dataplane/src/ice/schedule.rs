//! When what is sent: new checks one in 50 ms, repetitions, consent, and the fall-back from a pair that fell silent.

use std::time::Duration;

use super::agent::Agent;
use super::pair::{Pair, Sent, State, write_check};
use super::retry::{Due, RTO};
use super::{CONSENT_LASTS, new_transaction};
use crate::random::Random;
use crate::time::Time;

/// Ta: between two new checks of a transport (RFC 8445 section 14.2).
const PACE: Duration = Duration::from_millis(50);
/// How often consent is asked for on the pair in use, give or take a fifth (RFC 7675 section 5.1 allows 5 s).
pub(super) const CONSENT_INTERVAL: Duration = Duration::from_millis(2_500);
/// How often the other valid pairs are kept alive (RFC 8445 section 11: at least every 15 s).
pub(super) const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// When a request on the pair in use has waited so long for its answer, and twice the round trip, all valid pairs are asked
/// this often.
const SUSPECT_INTERVAL: Duration = Duration::from_millis(500);
/// When the pair in use has not answered for so long while another does, that one takes its place.
const SILENCE: Duration = Duration::from_secs(3);

impl Agent {
    /// Does what is due; what is to be sent can be polled then.
    pub fn handle_timeout(&mut self, now: Time, random: &mut Random) {
        self.repeat(now);
        self.start_check(now, random);
        if !self.is_lite {
            self.give_up_silent(now);
            self.suspect(now);
            self.probe(now, random);
            self.fall_back(now);
        }
    }

    /// When `handle_timeout` wants to be called next.
    pub fn poll_timeout(&self) -> Option<Time> {
        let repetitions = self.pairs.iter().filter_map(Pair::repeats_at);
        let paced = if self.is_nomination_next() { Time::ZERO } else { self.next_check };
        let next_check = (self.remote.is_some() && self.has_unchecked()).then_some(paced);
        let all = repetitions.chain(next_check);
        if self.is_lite {
            return all.min();
        }
        let probes = self.pairs.iter().filter(|pair| pair.is_valid()).map(|pair| pair.probe_due);
        let former = self.former.as_ref().map(|former| former.pair.probe_due);
        let suspicion = self.serving().filter(|_| self.suspected.is_none()).and_then(suspicion_at);
        all.chain(probes).chain(former).chain(suspicion).min()
    }

    fn has_unchecked(&self) -> bool {
        !self.triggered.is_empty()
            || !self.is_lite && self.pairs.iter().any(|pair| pair.state == State::Waiting)
    }

    /// RFC 8489 section 6.2.1.
    fn repeat(&mut self, now: Time) {
        for index in 0..self.pairs.len() {
            match self.pairs.get_mut(index).and_then(|pair| pair.take_due(now)) {
                Some(Due::Repeat) => self.transmit(index),
                Some(Due::GiveUp) => self.fail(index, "no answer"),
                None => (),
            }
        }
    }

    /// RFC 8445 section 6.1.4.2: one check, if it is time for one. A nomination does not wait its turn: there is one of them,
    /// and what it goes over is known to carry it.
    fn start_check(&mut self, now: Time, random: &mut Random) {
        if now < self.next_check && !self.is_nomination_next() || self.remote.is_none() {
            return;
        }
        let Some(index) = self.next_to_check() else { return };
        let active = |pair: &&Pair| matches!(pair.state, State::Waiting | State::InProgress);
        let active = self.pairs.iter().filter(active).count();
        let rto = RTO.max(PACE * u32::try_from(active).unwrap_or(u32::MAX));
        let sent = self.new_request(now, index, random);
        let Some(pair) = self.pairs.get_mut(index) else { return };
        if !pair.is_valid() {
            pair.state = State::InProgress;
        }
        pair.note_sent(sent);
        pair.repeat_after(now, rto);
        self.next_check = now + PACE;
        self.transmit(index);
    }

    fn is_nomination_next(&self) -> bool {
        let next = self.triggered.front().and_then(|&id| self.pairs.iter().find(|pair| pair.id == id));
        next.is_some_and(|pair| pair.is_valid() && pair.wants_nomination)
    }

    fn next_to_check(&mut self) -> Option<usize> {
        while let Some(id) = self.triggered.pop_front() {
            let index = self.index(id);
            let wanted = |pair: &Pair| !pair.is_valid() || pair.wants_nomination;
            if let Some(index) = index.filter(|&index| self.pairs.get(index).is_some_and(wanted)) {
                return Some(index);
            }
        }
        if self.is_lite {
            return None;
        }
        self.pairs.iter().position(|pair| pair.state == State::Waiting)
    }

    fn new_request(&self, now: Time, index: usize, random: &mut Random) -> Sent {
        let nominates = self.pairs.get(index).is_some_and(|pair| pair.is_valid() && pair.wants_nomination);
        Sent {
            transaction: new_transaction(self.id, random),
            at: now,
            controlling: self.controlling,
            tie_breaker: self.tie_breaker,
            nominates: nominates && self.controlling,
        }
    }

    /// Queues a pair's latest request. A lite agent's peer may have forged the address: it gets no more than it may.
    fn transmit(&mut self, index: usize) {
        let (Some(pair), Some(remote)) = (self.pairs.get_mut(index), &self.remote) else { return };
        let Some(sent) = pair.latest() else { return };
        let data = write_check(&self.local.ufrag, remote, pair.priority, &sent);
        if !self.is_lite || pair.is_valid() || pair.spend(data.len()) {
            self.transmits.push_back((pair.path, data));
        }
    }

    /// Valid pairs whose peer has not answered for 30 s.
    fn give_up_silent(&mut self, now: Time) {
        for index in 0..self.pairs.len() {
            let silent = |pair: &Pair| pair.is_valid() && now.since(pair.answered) >= CONSENT_LASTS;
            if self.pairs.get(index).is_some_and(silent) {
                self.fail(index, "no answer for 30 s");
            }
        }
        if self.former.as_ref().is_some_and(|former| now.since(former.pair.answered) >= CONSENT_LASTS) {
            self.drop_former();
        }
    }

    /// The pair in use lets us wait: all others are asked at once, and all more often.
    fn suspect(&mut self, now: Time) {
        if self.suspected.is_some() {
            return;
        }
        let Some(due) = self.serving().and_then(suspicion_at).filter(|&due| due <= now) else { return };
        self.suspected = Some(due);
        for pair in self.pairs.iter_mut().filter(|pair| pair.is_valid()) {
            pair.probe_due = now;
        }
        if let Some(former) = &mut self.former {
            former.pair.probe_due = now;
        }
    }

    /// RFC 7675: each request is a new one, and none is repeated.
    fn probe(&mut self, now: Time, random: &mut Random) {
        let selected = self.selection.map(|selection| selection.pair);
        for index in 0..self.pairs.len() {
            let due = |pair: &Pair| pair.is_valid() && pair.probe_due <= now;
            if !self.pairs.get(index).is_some_and(due) {
                continue;
            }
            let sent = Sent { nominates: false, ..self.new_request(now, index, random) };
            let is_suspected = self.suspected.is_some();
            let Some(pair) = self.pairs.get_mut(index) else { continue };
            let interval = if is_suspected {
                SUSPECT_INTERVAL
            } else if Some(pair.id) == selected {
                vary(CONSENT_INTERVAL, random)
            } else {
                vary(KEEP_ALIVE_INTERVAL, random)
            };
            pair.probe_due = now + interval;
            // A nomination that is repeated asks already.
            if pair.repeats_at().is_none() {
                pair.note_sent(sent);
                self.transmit(index);
            }
        }
        self.probe_former(now, random);
    }

    fn probe_former(&mut self, now: Time, random: &mut Random) {
        let (controlling, tie_breaker) = (self.controlling, self.tie_breaker);
        let Some(former) = self.former.as_mut().filter(|former| former.pair.probe_due <= now) else { return };
        let interval = match self.suspected {
            Some(_) => SUSPECT_INTERVAL,
            None => vary(CONSENT_INTERVAL, random),
        };
        former.pair.probe_due = now + interval;
        let transaction = new_transaction(self.id, random);
        let sent = Sent { transaction, at: now, controlling, tie_breaker, nominates: false };
        former.pair.note_sent(sent);
        let data = write_check(&former.local_ufrag, &former.remote, former.pair.priority, &sent);
        self.transmits.push_back((former.pair.path, data));
    }

    /// Another valid pair, the most important that answers, takes the place of one that does not.
    fn fall_back(&mut self, now: Time) {
        let (Some(since), Some(serving)) = (self.suspected, self.serving()) else { return };
        if now.since(serving.answered) < SILENCE {
            return;
        }
        let silent = serving.path;
        let answers = |pair: &Pair| pair.is_valid() && pair.path != silent && pair.answered >= since;
        if let Some(index) = self.pairs.iter().position(answers) {
            self.take_over(index);
        }
    }
}

/// When a pair has waited too long for an answer.
fn suspicion_at(pair: &Pair) -> Option<Time> {
    Some(pair.unanswered? + SUSPECT_INTERVAL.max(pair.round_trip * 2))
}

/// 80 to 120 percent, so that agents do not fall into step (RFC 7675 section 5.1).
fn vary(interval: Duration, random: &mut Random) -> Duration {
    interval.mul_f64(0.8) + interval.mul_f64(0.4 * (random.next_u64() % 1_024) as f64 / 1_024.0)
}
