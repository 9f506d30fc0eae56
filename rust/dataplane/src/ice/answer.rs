//! Answers to our checks (RFC 8445 section 7.2.5).

use visavis_wire::stun::{Class, Message};

use super::Path;
use super::agent::{Agent, Event};
use super::pair::{Pair, Sent, State};
use crate::random::Random;
use crate::time::Time;

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Answer,
    /// To no request of ours that still waits for one.
    Unknown,
    /// Not protected by the peer's password: it counts as if it had never come (RFC 8489 section 9.1.4).
    Unauthentic,
    Malformed,
}

impl Agent {
    /// A response of class success or error.
    pub fn handle_answer_untrusted(
        &mut self,
        now: Time,
        path: Path,
        message: &Message<'_>,
        random: &mut Random,
    ) -> Taken {
        let transaction = message.transaction_id();
        let index = self.pairs.iter().position(|pair| pair.awaits(transaction));
        let is_former = index.is_none();
        if is_former && !self.former.as_ref().is_some_and(|former| former.pair.awaits(transaction)) {
            return Taken::Unknown;
        }
        let remote = self.remote_of(is_former);
        if !remote.is_some_and(|remote| message.verify_integrity(remote.password.as_bytes())) {
            return Taken::Unauthentic;
        }
        let mapped = message.xor_mapped_address();
        let error = message.error_code().map(|error| error.code);
        if message.class() == Class::Success && mapped.is_none()
            || message.class() == Class::Error && error.is_none()
        {
            return Taken::Malformed;
        }
        self.heard = now;
        let Some(index) = index else {
            if let Some(former) = self.former.as_mut().filter(|former| former.pair.path == path)
                && let Some(sent) = former.pair.take_sent(transaction)
                && error.is_none()
            {
                former.pair.note_answer(now, &sent);
                (self.last_answer, self.suspected) = (Some(now), None);
            }
            return Taken::Answer;
        };
        let Some(pair) = self.pairs.get_mut(index) else { return Taken::Unknown };
        let Some(sent) = pair.take_sent(transaction) else { return Taken::Unknown };
        if let Some(mapped) = mapped.filter(|_| error.is_none()) {
            if pair.path == path {
                pair.mapped = Some(mapped);
                self.succeed(now, index, &sent);
            } else if !pair.is_valid() {
                // Section 7.2.5.2.1; in a pair that is valid it is no consent, and no more.
                self.fail(index, "the answer came another way");
            }
        } else if error == Some(487) {
            self.yield_role(index, &sent, random);
        } else if !pair.is_valid() || sent.nominates {
            self.fail(index, "the peer refused");
        }
        Taken::Answer
    }

    /// Section 7.2.5.3.
    fn succeed(&mut self, now: Time, index: usize, sent: &Sent) {
        let controlling = self.controlling;
        let Some(pair) = self.pairs.get_mut(index) else { return };
        let is_new = !pair.is_valid();
        pair.note_answer(now, sent);
        let (id, path, mapped, round_trip) = (pair.id, pair.path, pair.mapped, pair.round_trip);
        self.last_answer = Some(now);
        if self.selection.is_none_or(|selection| selection.pair == id) {
            self.suspected = None;
        }
        if is_new {
            pair.state = State::Succeeded;
            pair.stop_repeating();
            pair.probe_due = now + super::schedule::KEEP_ALIVE_INTERVAL;
            self.triggered.retain(|&triggered| triggered != id);
            self.prove(path);
            self.report(Event::State { pair: id, succeeded: true, mapped, round_trip, reason: "" });
        }
        let Some(pair) = self.pairs.get_mut(index) else { return };
        if sent.nominates && controlling {
            pair.stop_repeating();
            if std::mem::take(&mut pair.wants_nomination) {
                self.select(index, super::select::Why::Nominated);
            }
        } else if pair.wants_nomination && pair.repeats_at().is_none() {
            self.trigger_first(id);
        }
        self.consider(now, index);
    }

    /// Section 7.2.5.1: the peer insists on the role that we have; a lite agent has no other.
    fn yield_role(&mut self, index: usize, sent: &Sent, random: &mut Random) {
        if self.is_lite {
            return;
        }
        if sent.controlling == self.controlling {
            self.switch_role();
            self.tie_breaker = random.next_u64();
        }
        if let Some(pair) = self.pairs.get_mut(index) {
            pair.stop_repeating();
            if !Pair::is_valid(pair) {
                pair.state = State::Waiting;
            }
            let id = pair.id;
            self.trigger(id);
        }
    }
}
