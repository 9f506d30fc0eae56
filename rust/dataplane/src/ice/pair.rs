//! One candidate pair.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use visavis_wire::stun::{Builder, TransactionId};

use super::retry::{Due, Retry};
use super::{Credentials, Path};
use crate::api::{FIRST_LEARNT_PAIR, PairId};
use crate::time::Time;

/// The most requests of one pair whose answers still count.
const REMEMBERED: usize = 8;
/// As QUIC has it (RFC 9000 section 8.1): so many times what came from an unproved address may go there.
const AMPLIFICATION: u64 = 3;

/// RFC 8445 section 6.1.2.6, without Frozen: what is not to be checked yet is not in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Waiting,
    InProgress,
    /// It is valid: the peer has answered over it, and not ceased to.
    Succeeded,
    Failed,
}

/// A request on its way. A repetition says the same once more.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    pub transaction: TransactionId,
    pub at: Time,
    pub controlling: bool,
    pub tie_breaker: u64,
    pub nominates: bool,
}

#[derive(Debug)]
pub struct Pair {
    pub id: PairId,
    pub path: Path,
    /// Of the PRIORITY attribute.
    pub priority: u32,
    pub state: State,
    sent: VecDeque<Sent>,
    retry: Option<Retry>,
    /// The controlling side wants it nominated.
    pub wants_nomination: bool,
    /// When the controlling peer last nominated it.
    pub nominated: Option<Time>,
    /// When an authentic check last came from there.
    pub checked: Option<Time>,
    /// When an answer last came.
    pub answered: Time,
    /// When the first request was sent that was not answered since.
    pub unanswered: Option<Time>,
    pub probe_due: Time,
    pub mapped: Option<SocketAddr>,
    pub round_trip: Duration,
    /// Bytes that came from there and went there while it was not valid.
    received: u64,
    spent: u64,
    /// The fragment of the peer's with which it was learnt, as long as the peer's credentials were not known.
    pub learnt_as: Option<Vec<u8>>,
}

impl Pair {
    pub fn new(id: PairId, path: Path, priority: u32) -> Pair {
        Pair {
            id,
            path,
            priority,
            state: State::Waiting,
            sent: VecDeque::new(),
            retry: None,
            wants_nomination: false,
            nominated: None,
            checked: None,
            answered: Time::ZERO,
            unanswered: None,
            probe_due: Time::ZERO,
            mapped: None,
            round_trip: Duration::ZERO,
            received: 0,
            spent: 0,
            learnt_as: None,
        }
    }

    pub fn is_valid(&self) -> bool {
        self.state == State::Succeeded
    }

    pub fn is_learnt(&self) -> bool {
        self.id.0 >= FIRST_LEARNT_PAIR
    }

    /// Notes a request that leaves now; answers to those before it still count.
    pub fn note_sent(&mut self, sent: Sent) {
        if self.sent.len() >= REMEMBERED {
            self.sent.pop_front();
        }
        self.sent.push_back(sent);
        self.unanswered.get_or_insert(sent.at);
    }

    /// From now on the latest request is repeated; over a stream, which does that by itself, it is waited for.
    pub fn repeat_after(&mut self, now: Time, rto: Duration) {
        let is_stream = self.path.socket.is_tcp();
        self.retry = Some(if is_stream { Retry::over_stream(now) } else { Retry::new(now, rto) });
    }

    pub fn repeats_at(&self) -> Option<Time> {
        self.retry.map(|retry| retry.due)
    }

    pub fn stop_repeating(&mut self) {
        self.retry = None;
    }

    /// What is due now of the latest request; it counts as done.
    pub fn take_due(&mut self, now: Time) -> Option<Due> {
        let due = self.retry.as_mut()?.take_due(now);
        if due == Some(Due::GiveUp) {
            self.retry = None;
        }
        due
    }

    pub fn latest(&self) -> Option<Sent> {
        self.sent.back().copied()
    }

    pub fn awaits(&self, transaction: TransactionId) -> bool {
        self.sent.iter().any(|sent| sent.transaction == transaction)
    }

    /// Takes out the request that was answered: an answer counts once.
    pub fn take_sent(&mut self, transaction: TransactionId) -> Option<Sent> {
        let index = self.sent.iter().position(|sent| sent.transaction == transaction)?;
        self.sent.remove(index)
    }

    /// An answer came to a request of then.
    pub fn note_answer(&mut self, now: Time, sent: &Sent) {
        self.answered = now;
        self.unanswered = None;
        self.round_trip = now.since(sent.at);
    }

    pub fn note_received(&mut self, bytes: usize) {
        self.received = self.received.saturating_add(bytes as u64);
    }

    /// Whether so much may go to an address that has not proved itself yet; if so it counts as sent.
    pub fn spend(&mut self, bytes: usize) -> bool {
        let spent = self.spent.saturating_add(bytes as u64);
        let within = spent <= self.received.saturating_mul(AMPLIFICATION);
        if within {
            self.spent = spent;
        }
        within
    }
}

/// Writes a check (RFC 8445 section 7.1).
pub fn write_check(local_ufrag: &str, remote: &Credentials, priority: u32, sent: &Sent) -> Vec<u8> {
    let mut data = Vec::with_capacity(128);
    let mut request = Builder::binding_request(&mut data, sent.transaction)
        .username(&format!("{}:{local_ufrag}", remote.ufrag))
        .priority(priority);
    request = if sent.controlling {
        request.ice_controlling(sent.tie_breaker)
    } else {
        request.ice_controlled(sent.tie_breaker)
    };
    if sent.nominates {
        request = request.use_candidate();
    }
    request.finish_with_integrity(remote.password.as_bytes());
    data
}
