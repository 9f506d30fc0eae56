//! Stream resets (RFC 6525), with which channels close (RFC 8831 section 6.7): our requests, and the peer's.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use visavis_wire::sctp::{ChunkWriter, ReconfigResponse, StreamResetRequest, chunk_type, parameter};

use crate::time::Time;

/// How many streams one request names: it has to fit into a packet.
const STREAMS_PER_REQUEST: usize = 256;
/// How many answers one chunk holds (section 3.1).
const RESPONSES: usize = 2;

#[derive(Debug)]
pub struct Request {
    number: u32,
    pub last_tsn: u32,
    pub streams: Vec<u16>,
    repeat_at: Time,
    is_due: bool,
    attempts: u32,
}

/// Resets of the streams that we send on: one request at a time (section 5.1.1).
#[derive(Debug)]
pub struct OutgoingResets {
    wanted: BTreeSet<u16>,
    request: Option<Request>,
    next_number: u32,
}

impl OutgoingResets {
    /// Numbers begin with our initial TSN (section 4.1).
    pub fn new(first_number: u32) -> OutgoingResets {
        OutgoingResets { wanted: BTreeSet::new(), request: None, next_number: first_number }
    }

    pub fn want(&mut self, streams: &[u16]) {
        self.wanted.extend(streams);
    }

    /// Makes a request of the wanted streams on which nothing waits, when none is under way; the streams.
    pub fn prepare(&mut self, now: Time, next_tsn: u64, is_empty: impl Fn(u16) -> bool) -> Option<&[u16]> {
        if self.request.is_some() || self.wanted.is_empty() {
            return None;
        }
        let ready = self.wanted.iter().copied().filter(|&id| is_empty(id));
        let streams: Vec<u16> = ready.take(STREAMS_PER_REQUEST).collect();
        if streams.is_empty() {
            return None;
        }
        streams.iter().for_each(|id| _ = self.wanted.remove(id));
        let last_tsn = next_tsn.wrapping_sub(1) as u32;
        let number = self.next_number;
        self.next_number = number.wrapping_add(1);
        let request = Request { number, last_tsn, streams, repeat_at: now, is_due: true, attempts: 0 };
        Some(&self.request.insert(request).streams)
    }

    pub fn deadline(&self) -> Option<Time> {
        self.request.as_ref().filter(|request| !request.is_due).map(|request| request.repeat_at)
    }

    pub fn handle_timeout(&mut self, now: Time) {
        if let Some(request) = &mut self.request {
            request.is_due |= request.repeat_at <= now;
        }
    }

    pub fn is_due(&self) -> bool {
        self.request.as_ref().is_some_and(|request| request.is_due)
    }

    /// Appends the request (sections 3.1 and 4.1).
    pub fn write(&mut self, now: Time, timeout: Duration, peer_number: u32, out: &mut Vec<u8>) {
        let Some(request) = &mut self.request else { return };
        request.is_due = false;
        request.repeat_at = now + timeout.saturating_mul(1 << request.attempts.min(5));
        request.attempts += 1;
        let mut chunk = ChunkWriter::begin(out, chunk_type::RECONFIG, 0);
        chunk.parameter(parameter::OUTGOING_RESET_REQUEST, |parameter| {
            parameter.word(request.number).word(peer_number).word(request.last_tsn);
            for &id in &request.streams {
                parameter.half(id);
            }
        });
        chunk.finish();
    }

    /// The peer's answer; the request when it is done or denied, and whether it is done.
    pub fn handle_response(
        &mut self,
        now: Time,
        response: ReconfigResponse,
        timeout: Duration,
    ) -> Option<(Request, bool)> {
        let request = self.request.as_mut().filter(|request| request.number == response.request)?;
        if response.result == ReconfigResponse::IN_PROGRESS {
            // It is asked again, under the same number (section 5.2.7, I1).
            (request.is_due, request.repeat_at) = (false, now + timeout);
            return None;
        }
        let is_done =
            matches!(response.result, ReconfigResponse::PERFORMED | ReconfigResponse::NOTHING_TO_DO);
        self.request.take().map(|request| (request, is_done))
    }
}

/// A reset that waits for data.
#[derive(Debug)]
struct Pending {
    number: u32,
    last_tsn: u64,
    streams: BTreeSet<u16>,
    /// No stream was named, which stands for all.
    is_all: bool,
}

/// The answers that are due to the peer, and its reset that has to wait for data.
#[derive(Debug)]
pub struct IncomingResets {
    /// The peer's next request has this number.
    expected: u32,
    last_result: u32,
    pending: Option<Pending>,
    /// Numbers and results, ascending in their time; a chunk has two requests at the most (section 3.1), and when more come
    /// the oldest answer is dropped, and asked for again.
    responses: VecDeque<(u32, u32)>,
}

impl IncomingResets {
    pub fn new(first_number: u32) -> IncomingResets {
        IncomingResets {
            expected: first_number,
            last_result: ReconfigResponse::PERFORMED,
            pending: None,
            responses: VecDeque::new(),
        }
    }

    /// The last of the peer's numbers that was taken.
    pub fn last_number(&self) -> u32 {
        self.expected.wrapping_sub(1)
    }

    /// Whether a request is new; an old one is answered as before, any other is refused (section 5.2.1).
    pub fn admit(&mut self, number: u32) -> bool {
        if number == self.expected {
            return true;
        }
        let result = if self.pending.as_ref().is_some_and(|pending| pending.number == number) {
            ReconfigResponse::IN_PROGRESS
        } else if number == self.last_number() {
            self.last_result
        } else {
            ReconfigResponse::BAD_SEQUENCE
        };
        self.respond(number, result);
        false
    }

    /// An admitted request is answered at once.
    pub fn answer(&mut self, number: u32, result: u32) {
        self.expected = number.wrapping_add(1);
        self.last_result = result;
        self.respond(number, result);
    }

    /// An admitted reset: done as soon as all up to its last TSN came. One that comes while another waits is done together with
    /// it: some peers ask again under a new number when they hear that it is in progress.
    pub fn take(&mut self, request: &StreamResetRequest<'_>, last_tsn: u64) {
        self.expected = request.request.wrapping_add(1);
        let mut streams: BTreeSet<u16> = request.streams().collect();
        let (mut last_tsn, mut is_all) = (last_tsn, streams.is_empty());
        if let Some(before) = self.pending.take() {
            streams.extend(before.streams);
            (last_tsn, is_all) = (last_tsn.max(before.last_tsn), is_all || before.is_all);
        }
        self.pending = Some(Pending { number: request.request, last_tsn, streams, is_all });
        self.respond(request.request, ReconfigResponse::IN_PROGRESS);
    }

    /// The streams of the reset whose time has come, None among them when they are all.
    pub fn take_ready(&mut self, cumulative: u64) -> Option<Option<BTreeSet<u16>>> {
        let pending = self.pending.take_if(|pending| pending.last_tsn <= cumulative)?;
        if pending.number == self.last_number() {
            self.last_result = ReconfigResponse::PERFORMED;
        }
        self.respond(pending.number, ReconfigResponse::PERFORMED);
        Some((!pending.is_all).then_some(pending.streams))
    }

    pub fn is_due(&self) -> bool {
        !self.responses.is_empty()
    }

    /// One answer for each request: the last.
    fn respond(&mut self, number: u32, result: u32) {
        if let Some(known) = self.responses.iter_mut().find(|(answered, _)| *answered == number) {
            known.1 = result;
            return;
        }
        if self.responses.len() >= RESPONSES {
            self.responses.pop_front();
        }
        self.responses.push_back((number, result));
    }

    /// Appends the answers (section 4.4).
    pub fn write(&mut self, out: &mut Vec<u8>) {
        let mut chunk = ChunkWriter::begin(out, chunk_type::RECONFIG, 0);
        for (number, result) in self.responses.drain(..) {
            chunk.parameter(parameter::RECONFIG_RESPONSE, |parameter| {
                parameter.word(number).word(result);
            });
        }
        chunk.finish();
    }
}
