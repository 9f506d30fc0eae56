//! The peer's checks (RFC 8445 section 7.3).

use std::time::Duration;

use super::agent::{Agent, Event};
use super::pair::{Pair, State};
use super::{Credentials, Path};
use crate::api::PairId;
use crate::time::Time;

/// The most addresses of one peer that are remembered beside those that the owner named.
pub(super) const MAX_LEARNT: usize = 16;
/// A full agent learns at most so many at once, and one more in each of these intervals.
const LEARNING_INTERVAL: Duration = Duration::from_secs(1);
const LEARNING_BURST: u32 = 32;
/// RFC 8445 section 5.1.2.1: type preference 110 for peer-reflexive, the highest local preference, component 1.
const REFLEXIVE_PRIORITY: u32 = 110 << 24 | 0xffff << 8 | 255;
/// RFC 6544 section 4.2 has TCP below UDP of all kinds but relayed: type preference 80.
const REFLEXIVE_TCP_PRIORITY: u32 = 80 << 24 | 0xffff << 8 | 255;

/// What a check says of its sender's role, with the tie-breaker (RFC 8445 section 7.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Controlling(u64),
    Controlled(u64),
}

/// A check whose integrity was verified.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    pub username: &'a [u8],
    pub path: Path,
    pub priority: u32,
    pub nominates: bool,
    pub role: Option<Role>,
    pub size: usize,
}

/// How it is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Success,
    /// 487.
    RoleConflict,
}

impl Agent {
    /// Takes a check; what it triggers is sent when the agent is driven next, after the answer.
    pub fn handle_check(&mut self, now: Time, check: &Check<'_>) -> Verdict {
        if self.resolve_conflict(check.role) == Verdict::RoleConflict {
            return Verdict::RoleConflict;
        }
        self.heard = now;
        if check.username.strip_prefix(self.local.ufrag.as_bytes()).is_some_and(|rest| rest.starts_with(b":"))
        {
            if self.is_lite {
                self.forget_previous();
            }
        } else if !self.is_lite {
            // Consent for the pair of before the restart; no more comes of it.
            return Verdict::Success;
        }
        let index = self.index_of(check.path).or_else(|| self.learn(now, check));
        let controlling = self.controlling;
        let Some(pair) = index.and_then(|index| self.pairs.get_mut(index)) else { return Verdict::Success };
        let is_first = pair.checked.replace(now).is_none();
        if check.nominates && !controlling {
            // Until it is valid, that is remembered (section 7.3.1.5).
            pair.nominated = Some(now);
        }
        if pair.is_valid() {
            if let Some(index) = index.filter(|_| check.nominates) {
                self.consider(now, index);
            }
            return Verdict::Success;
        }
        pair.note_received(check.size);
        // Section 7.3.1.4: a triggered check, even if one is on its way that may have met a closed NAT. That is open since
        // the first check from there; with each further one to begin anew would outrun the answers of a peer far away.
        if pair.state == State::InProgress && !is_first {
            return Verdict::Success;
        }
        pair.state = State::Waiting;
        pair.stop_repeating();
        let id = pair.id;
        self.trigger(id);
        Verdict::Success
    }

    /// RFC 8445 section 7.3.1.1. A lite agent never controls, so the peer has to.
    fn resolve_conflict(&mut self, role: Option<Role>) -> Verdict {
        match role {
            Some(Role::Controlled(_)) if self.is_lite => Verdict::RoleConflict,
            Some(Role::Controlling(theirs)) if self.controlling => {
                if self.tie_breaker >= theirs {
                    return Verdict::RoleConflict;
                }
                self.switch_role();
                Verdict::Success
            }
            Some(Role::Controlled(theirs)) if !self.controlling => {
                if self.tie_breaker < theirs {
                    return Verdict::RoleConflict;
                }
                self.switch_role();
                Verdict::Success
            }
            _ => Verdict::Success,
        }
    }

    pub(super) fn switch_role(&mut self) {
        self.controlling = !self.controlling;
        for pair in &mut self.pairs {
            pair.wants_nomination = false;
            pair.nominated = None;
        }
        self.report(Event::RoleChanged { controlling: self.controlling });
    }

    /// The role that the descriptions give (RFC 8445 section 6.1.1); told, as after a conflict.
    pub fn set_role(&mut self, controlling: bool) {
        if !self.is_lite && controlling != self.controlling {
            self.switch_role();
        }
    }

    /// RFC 8445 section 7.3.1.3: the check came from a candidate that is not known.
    fn learn(&mut self, now: Time, check: &Check<'_>) -> Option<usize> {
        if !self.make_room(now) {
            return None;
        }
        let alike = self.pairs.iter().find(|pair| pair.path.socket == check.path.socket);
        let highest = if check.path.socket.is_tcp() { REFLEXIVE_TCP_PRIORITY } else { REFLEXIVE_PRIORITY };
        let priority = alike.map_or(highest, |pair| pair.priority);
        let mut pair = Pair::new(self.new_learnt(), check.path, priority);
        if self.remote.is_none() {
            pair.learnt_as = check.username.split(|&byte| byte == b':').nth(1).map(<[u8]>::to_vec);
        }
        self.report(Event::Learnt { pair: pair.id, path: check.path, priority: check.priority });
        self.pairs.push(pair);
        Some(self.pairs.len() - 1)
    }

    /// Whether one more address may be learnt. The one not checked for longest makes place, the one in use never.
    fn make_room(&mut self, now: Time) -> bool {
        if !self.is_lite {
            let until = self.learnt_until.max(now) + LEARNING_INTERVAL;
            if until > now + LEARNING_INTERVAL * LEARNING_BURST {
                return false;
            }
            self.learnt_until = until;
        }
        let learnt = self.pairs.iter().filter(|pair| pair.is_learnt());
        if learnt.clone().count() < MAX_LEARNT {
            return true;
        }
        let selected = self.selection.map(|selection| selection.pair);
        // Of a full agent's, valid pairs stay.
        let replaceable =
            learnt.filter(|pair| Some(pair.id) != selected && (self.is_lite || !pair.is_valid()));
        let oldest: Option<PairId> = replaceable.min_by_key(|pair| pair.checked).map(|pair| pair.id);
        oldest.inspect(|&oldest| self.remove(oldest)).is_some()
    }

    /// The password by which an answer to a check of ours has to be protected.
    pub(super) fn remote_of(&self, is_former: bool) -> Option<&Credentials> {
        if is_former { self.former.as_ref().map(|former| &former.remote) } else { self.remote.as_ref() }
    }
}
