//! Requests to STUN and TURN servers (RFC 8489 section 6.2), which the owner writes and whose answers it reads.

use std::collections::VecDeque;
use std::time::Duration;

use visavis_wire::stun::{Builder, Class, Message, Method, TransactionId, attribute_type};

use super::answer::Taken;
use super::retry::{Due, RTO, Retry};
use super::{Path, new_transaction};
use crate::api::{SocketId, StunOutcome, StunRequest, TransportId};
use crate::random::Random;
use crate::time::Time;

/// The most requests of one transport that wait for their answers; further ones are not sent.
pub(super) const MAX_PENDING: usize = 128;

/// How a request ended, and what the server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestEnd {
    pub request: u32,
    pub outcome: StunOutcome,
    pub attributes: Vec<(u16, Vec<u8>)>,
    pub round_trip: Duration,
    pub transaction: TransactionId,
}

#[derive(Debug)]
struct Pending {
    request: u32,
    path: Path,
    transaction: TransactionId,
    data: Vec<u8>,
    key: Option<Vec<u8>>,
    sent: Time,
    retry: Retry,
}

/// An IPv6 address is XORed with the transaction too (RFC 8489 section 14.2), which its writer does not know.
fn complete_xor_address(kind: u16, value: &mut [u8], transaction: TransactionId) {
    if kind == attribute_type::XOR_PEER_ADDRESS
        && let Some(low) = value.get_mut(8..20)
    {
        low.iter_mut().zip(transaction).for_each(|(byte, key)| *byte ^= key);
    }
}

/// The requests of one transport.
#[derive(Debug, Default)]
pub struct Requests {
    pending: Vec<Pending>,
    transmits: VecDeque<(Path, Vec<u8>)>,
    ends: VecDeque<RequestEnd>,
}

impl Requests {
    /// Sends a request; `path` is None where its socket is not known.
    pub fn send(
        &mut self,
        now: Time,
        id: TransportId,
        request: StunRequest,
        path: Option<Path>,
        random: &mut Random,
    ) {
        let transaction = new_transaction(id, random);
        let Some(path) = path.filter(|_| self.pending.len() < MAX_PENDING) else {
            return self.end(request.request, StunOutcome::NotSent, transaction);
        };
        let StunRequest { request, method, attributes, key, .. } = request;
        let mut data = Vec::new();
        let mut builder = Builder::new(&mut data, Class::Request, Method(method), transaction);
        for (kind, mut value) in attributes {
            complete_xor_address(kind, &mut value, transaction);
            builder = builder.attribute(kind, &value);
        }
        match &key {
            Some(key) => builder.finish_with_integrity(key),
            None => builder.finish(),
        }
        self.transmits.push_back((path, data.clone()));
        let retry = if path.socket.is_stream() { Retry::over_stream(now) } else { Retry::new(now, RTO) };
        self.pending.push(Pending { request, path, transaction, data, key, sent: now, retry });
    }

    /// A response of class success or error, if it is to one of these requests.
    ///
    /// Its integrity has to be the key's. Only errors may lack it: a server that does not know us yet, or whose nonce is
    /// stale, cannot protect its answer (RFC 8489 section 9.2.4).
    pub fn handle_response_untrusted(&mut self, now: Time, path: Path, message: &Message<'_>) -> Taken {
        let transaction = message.transaction_id();
        let found = self.pending.iter().position(|pending| pending.transaction == transaction);
        let Some((index, pending)) = found.and_then(|index| Some((index, self.pending.get(index)?))) else {
            return Taken::Unknown;
        };
        if pending.path != path {
            return Taken::Unauthentic;
        }
        let outcome = match message.class() {
            Class::Success => StunOutcome::Success,
            _ => match message.error_code() {
                Some(error) => StunOutcome::Error(error.code),
                None => return Taken::Malformed,
            },
        };
        if let Some(key) = &pending.key {
            let may_lack = outcome != StunOutcome::Success && !message.has_integrity();
            if !may_lack && !message.verify_integrity(key) {
                return Taken::Unauthentic;
            }
        }
        let pending = self.pending.swap_remove(index);
        let attributes = message.attributes().map(|one| (one.attribute_type, one.value.to_vec())).collect();
        let round_trip = now.since(pending.sent);
        self.ends.push_back(RequestEnd {
            request: pending.request,
            outcome,
            attributes,
            round_trip,
            transaction,
        });
        Taken::Answer
    }

    pub fn handle_timeout(&mut self, now: Time) {
        let mut over = Vec::new();
        for pending in &mut self.pending {
            match pending.retry.take_due(now) {
                Some(Due::Repeat) => self.transmits.push_back((pending.path, pending.data.clone())),
                Some(Due::GiveUp) => over.push(pending.transaction),
                None => (),
            }
        }
        self.abandon(|pending| over.contains(&pending.transaction), StunOutcome::TimedOut);
    }

    pub fn poll_timeout(&self) -> Option<Time> {
        self.pending.iter().map(|pending| pending.retry.due).min()
    }

    /// A socket is gone.
    pub fn remove_socket(&mut self, socket: SocketId) {
        self.abandon(|pending| pending.path.socket == socket, StunOutcome::NotSent);
    }

    /// The system would not send to there.
    pub fn handle_send_failure(&mut self, path: Path) {
        self.abandon(|pending| pending.path == path, StunOutcome::NotSent);
    }

    fn abandon(&mut self, is_over: impl Fn(&Pending) -> bool, outcome: StunOutcome) {
        let (over, rest) = std::mem::take(&mut self.pending).into_iter().partition(is_over);
        self.pending = rest;
        let over: Vec<Pending> = over;
        for pending in over {
            self.end(pending.request, outcome, pending.transaction);
        }
    }

    fn end(&mut self, request: u32, outcome: StunOutcome, transaction: TransactionId) {
        let (attributes, round_trip) = (Vec::new(), Duration::ZERO);
        self.ends.push_back(RequestEnd { request, outcome, attributes, round_trip, transaction });
    }

    pub fn poll_transmit(&mut self) -> Option<(Path, Vec<u8>)> {
        self.transmits.pop_front()
    }

    pub fn poll_end(&mut self) -> Option<RequestEnd> {
        self.ends.pop_front()
    }
}
