//! ICE (RFC 8445) with consent (RFC 7675), sans-IO: transactions, answers, consent and the fall-back to another valid pair.
//! Which pairs there are, in which order, and which is nominated are the owner's decisions.
//!
//! An [`Agent`] is one transport's. A *full* one checks the pairs that it is given and those that it learns; a *lite* one
//! only those that the peer's checks make known, to prove that the peer is there: whoever is in a call can send an
//! authentic check with a forged source, and would have media sent there if that were enough.
//!
//! | file | what it decides |
//! |---|---|
//! | `agent` | credentials, the check list, what is reported |
//! | `pair` | one pair's state and requests |
//! | `check`, `answer` | what the peer's requests and responses mean |
//! | `schedule` | when what is sent: checks, repetitions, consent |
//! | `select` | which pair carries media |
//! | `requests`, `retry` | requests to STUN and TURN servers; repetitions |

mod agent;
mod answer;
mod check;
mod pair;
mod requests;
mod retry;
mod schedule;
mod select;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use visavis_wire::stun::TransactionId;

use crate::api::{SocketId, TransportId};
use crate::random::Random;

pub use agent::{Agent, Event};
pub use answer::Taken;
pub use check::{Check, Role, Verdict};
pub use requests::{RequestEnd, Requests};

/// Without an authentic packet for so long a lite transport counts as disconnected. Consent is asked for every 4 to 6
/// seconds (RFC 7675 section 5.1), so one lost check must not be enough.
pub const LITE_DISCONNECTED_AFTER: Duration = Duration::from_secs(8);
/// As browsers have it. A full transport asks every 2.5 seconds, and twice a second when no answer comes.
pub const DISCONNECTED_AFTER: Duration = Duration::from_secs(5);
/// Consent lasts so long (RFC 7675 section 5.1); after it nothing is sent any more.
pub const CONSENT_LASTS: Duration = Duration::from_secs(30);

/// The user name fragment and password of one end (RFC 8445 section 5.3).
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub ufrag: String,
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("ufrag", &self.ufrag).finish_non_exhaustive()
    }
}

/// An address of the peer's, and our socket that reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    pub socket: SocketId,
    pub peer: SocketAddr,
}

/// An identifier for a request of a transport's: it names the transport, so that the answer finds it on whatever thread it
/// arrives, and has 64 bits that nobody can guess.
fn new_transaction(id: TransportId, random: &mut Random) -> TransactionId {
    let mut transaction = TransactionId::default();
    let (name, number) = transaction.split_at_mut(4);
    name.copy_from_slice(&id.0.to_be_bytes());
    number.copy_from_slice(&random.next_u64().to_be_bytes());
    transaction
}

/// The transport that made an identifier, if it was one of ours.
pub fn transport_of(transaction: TransactionId) -> TransportId {
    let [a, b, c, d, ..] = transaction;
    TransportId(u32::from_be_bytes([a, b, c, d]))
}
