//! The agent: credentials, the check list, and what comes out of it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use super::pair::{Pair, State};
use super::select::Selection;
use super::{CONSENT_LASTS, Credentials, DISCONNECTED_AFTER, LITE_DISCONNECTED_AFTER, Path};
use crate::api::{FIRST_LEARNT_PAIR, IceMode, PairId, SocketId, TransportId};
use crate::time::Time;

/// What an agent has found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A pair's check ended; `mapped` is our address as the peer saw it.
    State {
        pair: PairId,
        succeeded: bool,
        mapped: Option<SocketAddr>,
        round_trip: Duration,
        reason: &'static str,
    },
    /// A check came from an address that no pair had.
    Learnt {
        pair: PairId,
        path: Path,
        priority: u32,
    },
    Selected {
        pair: PairId,
        reason: &'static str,
    },
    RoleChanged {
        controlling: bool,
    },
    /// The peer answered a check of ours: it is there.
    Proved(Path),
    /// No pair has this path any more.
    Released(Path),
    /// The credentials of before a restart are good no more.
    Moved,
}

/// The pair in use of before a restart: it serves until a new one does.
#[derive(Debug)]
pub(super) struct Former {
    pub pair: Pair,
    pub local_ufrag: String,
    pub remote: Credentials,
}

/// The agent of one transport.
#[derive(Debug)]
pub struct Agent {
    pub(super) id: TransportId,
    pub(super) is_lite: bool,
    pub(super) controlling: bool,
    pub(super) tie_breaker: u64,
    pub(super) local: Credentials,
    /// Ours of before a restart; they are good until the peer has moved to the new ones (RFC 8445 section 9).
    previous: Option<Credentials>,
    pub(super) remote: Option<Credentials>,
    /// In the order of importance.
    pub(super) pairs: Vec<Pair>,
    pub(super) former: Option<Former>,
    /// Checks that go before those of the list (RFC 8445 section 6.1.4.1).
    pub(super) triggered: VecDeque<PairId>,
    /// No new check before.
    pub(super) next_check: Time,
    pub(super) selection: Option<Selection>,
    /// Since when the pair in use is suspected of being silent.
    pub(super) suspected: Option<Time>,
    next_learnt: u32,
    /// When, at the rate at which pairs may be learnt, all of those so far are through.
    pub(super) learnt_until: Time,
    pub(super) heard: Time,
    pub(super) last_answer: Option<Time>,
    pub(super) transmits: VecDeque<(Path, Vec<u8>)>,
    events: VecDeque<Event>,
}

impl Agent {
    pub fn new(id: TransportId, local: Credentials, mode: IceMode, now: Time) -> Agent {
        let (is_lite, controlling, tie_breaker) = match mode {
            IceMode::Lite => (true, false, 0),
            IceMode::Full { controlling, tie_breaker } => (false, controlling, tie_breaker),
        };
        Agent {
            id,
            is_lite,
            controlling,
            tie_breaker,
            local,
            previous: None,
            remote: None,
            pairs: Vec::new(),
            former: None,
            triggered: VecDeque::new(),
            next_check: now,
            selection: None,
            suspected: None,
            next_learnt: FIRST_LEARNT_PAIR,
            learnt_until: now,
            heard: now,
            last_answer: None,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    pub fn is_lite(&self) -> bool {
        self.is_lite
    }

    /// The peer's credentials: from now on pairs are checked. Of those that were learnt before, only the peer's stay. Where
    /// there were others it is another peer, or one that has restarted: a path in use stays until a new one is there.
    pub fn set_remote(&mut self, remote: Credentials) {
        if !self.is_lite && self.remote.as_ref().is_some_and(|known| *known != remote) {
            self.retire(&self.local.clone());
        }
        let strangers: Vec<PairId> = self
            .pairs
            .iter()
            .filter(|pair| pair.learnt_as.as_ref().is_some_and(|ufrag| ufrag != remote.ufrag.as_bytes()))
            .map(|pair| pair.id)
            .collect();
        strangers.into_iter().for_each(|pair| self.remove(pair));
        self.pairs.iter_mut().for_each(|pair| pair.learnt_as = None);
        self.remote = Some(remote);
    }

    /// RFC 8445 section 9: new credentials. The path in use stays until a new one is there.
    pub fn restart(&mut self, local: Credentials, remote: Option<Credentials>) {
        let former = std::mem::replace(&mut self.local, local);
        if !self.is_lite {
            self.retire(&former);
        }
        self.previous = Some(former);
        self.remote = None;
        if let Some(remote) = remote {
            self.set_remote(remote);
        }
    }

    /// Ends all pairs but the one in use, which goes on under the credentials that it has.
    fn retire(&mut self, local: &Credentials) {
        let serving = self.selection.take().and_then(|selection| self.index(selection.pair));
        let pair = serving.map(|index| self.pairs.remove(index));
        while let Some(pair) = self.pairs.last() {
            self.remove(pair.id);
        }
        self.triggered.clear();
        if let (Some(pair), Some(remote)) = (pair, self.remote.clone()) {
            self.drop_former();
            self.former = Some(Former { pair, local_ufrag: local.ufrag.clone(), remote });
        }
    }

    /// The path of before a restart serves no more.
    pub fn drop_former(&mut self) {
        if let Some(former) = self.former.take() {
            self.release(former.pair.path);
        }
    }

    /// The peer has moved to the new credentials.
    pub(super) fn forget_previous(&mut self) {
        if self.previous.take().is_some() {
            self.events.push_back(Event::Moved);
        }
    }

    /// All user name fragments by which checks for this transport may come.
    pub fn ufrags(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.local).chain(&self.previous).map(|credentials| credentials.ufrag.as_str())
    }

    /// The password for a check's USERNAME, "local:remote" (RFC 8445 section 7.2.2), if it is ours.
    pub fn password_for(&self, username: &[u8]) -> Option<&str> {
        let colon = username.iter().position(|&byte| byte == b':')?;
        let (local, remote) = (username.get(..colon)?, username.get(colon + 1..)?);
        if self.local.ufrag.as_bytes() == local {
            let expected = self.remote.as_ref().is_none_or(|known| known.ufrag.as_bytes() == remote);
            return expected.then_some(self.local.password.as_str());
        }
        let previous = self.previous.as_ref().filter(|previous| previous.ufrag.as_bytes() == local)?;
        Some(&previous.password)
    }

    /// The check list, whole. A pair of a path that was learnt takes its place, whatever it is called.
    pub fn set_pairs(&mut self, pairs: impl IntoIterator<Item = (PairId, Path, u32)>) {
        let mut before = std::mem::take(&mut self.pairs);
        let mut renamed = Vec::new();
        for (id, path, priority) in pairs {
            if self.index_of(path).is_some() {
                self.report(Event::State {
                    pair: id,
                    succeeded: false,
                    mapped: None,
                    round_trip: Duration::ZERO,
                    reason: "the path of another pair",
                });
                continue;
            }
            let known =
                before.iter().position(|pair| pair.path == path && (pair.id == id || pair.is_learnt()));
            let mut pair = match known {
                Some(index) => before.remove(index),
                None => Pair::new(id, path, priority),
            };
            pair.priority = priority;
            if pair.id != id {
                renamed.push((pair.id, id));
                pair.id = id;
            }
            self.pairs.push(pair);
        }
        let (learnt, gone) = before.into_iter().partition(Pair::is_learnt);
        let gone: Vec<Pair> = gone;
        self.pairs.extend::<Vec<Pair>>(learnt);
        for (before, now) in renamed {
            self.rename(before, now);
        }
        let pairs = &self.pairs;
        self.triggered.retain(|id| pairs.iter().any(|pair| pair.id == *id));
        for pair in gone {
            self.release(pair.path);
            self.note_removed(pair.id);
        }
    }

    fn rename(&mut self, before: PairId, now: PairId) {
        self.triggered.iter_mut().filter(|id| **id == before).for_each(|id| *id = now);
        if let Some(pair) = self.pairs.iter().find(|pair| pair.id == now).filter(|pair| pair.is_valid()) {
            let (mapped, round_trip) = (pair.mapped, pair.round_trip);
            self.report(Event::State { pair: now, succeeded: true, mapped, round_trip, reason: "" });
        }
        if let Some(selection) = self.selection.as_mut().filter(|selection| selection.pair == before) {
            selection.pair = now;
            if let Some(reason) = selection.reason() {
                self.report(Event::Selected { pair: now, reason });
            }
        }
    }

    /// Pairs of a socket that is gone.
    pub fn remove_socket(&mut self, socket: SocketId) {
        self.remove_where(|path| path.socket == socket, "its socket is gone");
    }

    /// The pair of a stream that has ended.
    pub fn remove_path(&mut self, path: Path) {
        self.remove_where(|known| known == path, "its stream has ended");
    }

    fn remove_where(&mut self, is_gone: impl Fn(Path) -> bool, reason: &'static str) {
        let over: Vec<PairId> =
            self.pairs.iter().filter(|pair| is_gone(pair.path)).map(|pair| pair.id).collect();
        if self.former.as_ref().is_some_and(|former| is_gone(former.pair.path)) {
            self.drop_former();
        }
        for pair in over {
            self.report(Event::State {
                pair,
                succeeded: false,
                mapped: None,
                round_trip: Duration::ZERO,
                reason,
            });
            self.remove(pair);
        }
    }

    pub(super) fn remove(&mut self, id: PairId) {
        if let Some(index) = self.index(id) {
            let pair = self.pairs.remove(index);
            self.triggered.retain(|&triggered| triggered != id);
            self.release(pair.path);
            self.note_removed(id);
        }
    }

    pub(super) fn index(&self, id: PairId) -> Option<usize> {
        self.pairs.iter().position(|pair| pair.id == id)
    }

    pub(super) fn index_of(&self, path: Path) -> Option<usize> {
        self.pairs.iter().position(|pair| pair.path == path)
    }

    pub(super) fn new_learnt(&mut self) -> PairId {
        let id = PairId(self.next_learnt);
        self.next_learnt = self.next_learnt.checked_add(1).unwrap_or(FIRST_LEARNT_PAIR);
        id
    }

    /// Has a pair checked before those of the list.
    pub(super) fn trigger(&mut self, id: PairId) {
        if !self.triggered.contains(&id) {
            self.triggered.push_back(id);
        }
    }

    /// Has a pair checked before all others.
    pub(super) fn trigger_first(&mut self, id: PairId) {
        self.triggered.retain(|&triggered| triggered != id);
        self.triggered.push_front(id);
    }

    /// A pair's check ended without success.
    pub(super) fn fail(&mut self, index: usize, reason: &'static str) {
        let Some(pair) = self.pairs.get_mut(index) else { return };
        let id = pair.id;
        pair.state = State::Failed;
        pair.wants_nomination = false;
        pair.stop_repeating();
        self.triggered.retain(|&triggered| triggered != id);
        let (mapped, round_trip) = (None, Duration::ZERO);
        self.report(Event::State { pair: id, succeeded: false, mapped, round_trip, reason });
        self.note_removed(id);
    }

    /// A packet that proved itself with the session's keys: the peer is alive.
    pub fn handle_authentic(&mut self, now: Time) {
        self.heard = now;
    }

    /// Bytes from a path, before it has proved itself.
    pub fn note_received(&mut self, path: Path, bytes: usize) {
        if let Some(pair) = self.index_of(path).and_then(|index| self.pairs.get_mut(index))
            && !pair.is_valid()
        {
            pair.note_received(bytes);
        }
    }

    /// Where a handshake may go before any path has proved itself: to who checked last.
    pub fn unproved_path(&self) -> Option<Path> {
        let checked = self.pairs.iter().filter(|pair| !pair.is_valid() && pair.checked.is_some());
        checked.max_by_key(|pair| pair.checked).map(|pair| pair.path)
    }

    /// Whether so much may go to a path that has not proved itself; if so it counts as sent.
    pub fn spend(&mut self, path: Path, bytes: usize) -> bool {
        self.index_of(path).and_then(|index| self.pairs.get_mut(index)).is_some_and(|pair| pair.spend(bytes))
    }

    /// All paths that have an entry in the shard's book.
    pub fn paths(&self) -> impl Iterator<Item = Path> + '_ {
        let former = self.former.iter().map(|former| former.pair.path);
        self.pairs.iter().map(|pair| pair.path).chain(former)
    }

    /// The path in use of before a restart, while it serves.
    pub fn former_path(&self) -> Option<Path> {
        self.former.as_ref().map(|former| former.pair.path)
    }

    /// Whether the peer was silent for so long that it counts as disconnected.
    pub fn is_silent(&self, now: Time) -> bool {
        let limit = if self.is_lite { LITE_DISCONNECTED_AFTER } else { DISCONNECTED_AFTER };
        now.since(self.heard) >= limit
    }

    /// Whether a pair was ever valid, since the last failure.
    pub fn ever_valid(&self) -> bool {
        self.last_answer.is_some()
    }

    /// Whether the peer consents to what is sent to it. A lite agent is given consent by the peer's checks, a full one by
    /// answers to its own; either way it is that of one path (RFC 7675 section 5.1): when the one in use has lost it,
    /// another that has it takes its place.
    pub fn keep_consent(&mut self, now: Time) -> bool {
        if self.is_lite {
            return self.keep_consent_by_checks(now);
        }
        self.last_answer.is_none_or(|last| now.since(last) < CONSENT_LASTS)
    }

    /// Begins as if no check had come yet; the paths known so far are returned, and are valid no more.
    pub fn forget_paths(&mut self, now: Time) -> Vec<Path> {
        let lost = self.paths().collect();
        self.selection = None;
        self.former = None;
        self.suspected = None;
        self.last_answer = None;
        self.heard = now;
        self.pairs.clear();
        self.triggered.clear();
        lost
    }

    /// What an owner wants to know.
    pub(super) fn report(&mut self, event: Event) {
        if !self.is_lite {
            self.events.push_back(event);
        }
    }

    pub(super) fn prove(&mut self, path: Path) {
        self.events.push_back(Event::Proved(path));
    }

    fn release(&mut self, path: Path) {
        if !self.paths().any(|known| known == path) {
            self.events.push_back(Event::Released(path));
        }
    }

    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next check to send.
    pub fn poll_transmit(&mut self) -> Option<(Path, Vec<u8>)> {
        self.transmits.pop_front()
    }
}
