//! An association that stands: data both ways, acknowledgements, timers (RFC 9260 sections 6 and 7).

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use visavis_wire::sctp::{
    CHUNK_HEADER_LENGTH, Chunk, ChunkWriter, DATA_HEADER_LENGTH, Data, DataHeader, ForwardTsn, HEADER_LENGTH,
    I_DATA_HEADER_LENGTH, InterleavedForwardTsn, Parameters, ReconfigRequest, ReconfigResponse, Sack,
    SctpError, chunk_type, extend_u32, parameter,
};

use super::congestion::Congestion;
use super::cookie::Agreed;
use super::flight::{Flight, Outcome, SentPiece};
use super::inbound::{Delivered, Inbound};
use super::outbound::Outbound;
use super::path_mtu::PathMtu;
use super::reset::{IncomingResets, OutgoingResets};
use super::rtt::RttEstimator;
use super::tsns::{Arrival, ReceivedTsns};
use super::{Config, DTLS_BYTES, Event, Figures};
use crate::time::Time;

/// How long an acknowledgement is held back for another packet to come (RFC 9260 section 6.2 permits 500 ms).
const SACK_DELAY: Duration = Duration::from_millis(20);
/// Time-outs without a word of the peer's, a minute and a half in all, after which it is gone. Consent to send (RFC 7675) ends
/// before that; a path that is changed meanwhile ends nothing.
const SILENT_TIMEOUTS: u32 = 12;
/// Gap blocks reach no further than 65,535; the rest is room for what comes meanwhile.
const MAX_IN_FLIGHT: usize = 32_768;
/// Messages that wait to be asked for; beyond them nothing is taken from the peer.
const MAX_EVENTS: usize = 65_536;
const MAX_GAP_BLOCKS: usize = 256;
/// A sliver at the end of a packet costs more in headers than it is worth.
const LEAST_PIECE: usize = 64;

/// When the peer is to hear what came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SackDue {
    No,
    At(Time),
    Now,
}

/// An association that stands.
#[derive(Debug)]
pub struct Transfer {
    pub agreed: Agreed,
    config: Config,
    pub outbound: Outbound,
    flight: Flight,
    congestion: Congestion,
    rtt: RttEstimator,
    pub path_mtu: PathMtu,
    peer_window: usize,
    tsns: ReceivedTsns,
    inbound: Inbound,
    outgoing_resets: OutgoingResets,
    incoming_resets: IncomingResets,
    sack_due: SackDue,
    packets_unacknowledged: u32,
    /// The window that the peer knows.
    advertised: usize,
    /// Delivered, and not released by the program.
    unreleased: usize,
    /// When what is on the way is asked after; with how many time-outs before.
    timer: Option<Time>,
    timeouts: u32,
    silent_timeouts: u32,
    /// One packet may leave whatever the window says: it asks after what is on the way.
    probe_due: bool,
    pub discarded: u64,
}

impl Transfer {
    pub fn new(
        agreed: Agreed,
        config: Config,
        mut outbound: Outbound,
        now: Time,
        may_probe: bool,
    ) -> Transfer {
        if !agreed.features.forward_tsn {
            outbound.make_reliable();
        }
        outbound.bound_begun(agreed.peer_window as usize);
        // Numbers below the first have their place too.
        let extended = |tsn: u32| (1 << 32) | u64::from(tsn);
        Transfer {
            agreed,
            config,
            outbound,
            flight: Flight::new(extended(agreed.local_initial_tsn)),
            congestion: Congestion::new(now, config.base_packet()),
            rtt: RttEstimator::default(),
            path_mtu: PathMtu::new(now, config.fixed_path_mtu, may_probe),
            peer_window: agreed.peer_window as usize,
            tsns: ReceivedTsns::new(extended(agreed.peer_initial_tsn)),
            inbound: Inbound::new(config.max_message),
            outgoing_resets: OutgoingResets::new(agreed.local_initial_tsn),
            incoming_resets: IncomingResets::new(agreed.peer_initial_tsn),
            sack_due: SackDue::No,
            packets_unacknowledged: 0,
            advertised: config.receive_budget,
            unreleased: 0,
            timer: None,
            timeouts: 0,
            silent_timeouts: 0,
            probe_due: false,
            discarded: 0,
        }
    }

    #[cfg(test)]
    pub fn held_bytes(&self) -> usize {
        self.unreleased + self.inbound.held_bytes()
    }

    pub fn figures(&self) -> Figures {
        Figures {
            congestion_window: self.congestion.window(),
            receiver_window: self.peer_window,
            path_mtu: self.path_mtu.current(),
            unacknowledged_bytes: self.flight.in_flight(),
            queued_bytes: self.outbound.queued_bytes(),
            smoothed_rtt: self.rtt.smoothed(),
            lost: self.flight.lost_count,
            retransmitted: self.flight.retransmitted,
            abandoned: self.flight.abandoned,
            discarded: self.discarded,
        }
    }

    /// One of the chunks of an association that stands; what the peer broke, for which it is ended.
    pub fn handle_chunk_untrusted(
        &mut self,
        now: Time,
        chunk: Chunk<'_>,
        events: &mut VecDeque<Event>,
    ) -> Result<(), &'static str> {
        match chunk.kind {
            chunk_type::DATA | chunk_type::I_DATA => self.handle_data(chunk, events),
            chunk_type::SACK => {
                self.handle_sack(now, chunk);
                Ok(())
            }
            chunk_type::FORWARD_TSN if !self.agreed.features.interleaving => {
                self.handle_forward(chunk, events);
                Ok(())
            }
            chunk_type::I_FORWARD_TSN if self.agreed.features.interleaving => {
                self.handle_interleaved_forward(chunk, events);
                Ok(())
            }
            chunk_type::RECONFIG => {
                self.handle_reconfig(now, chunk, events);
                Ok(())
            }
            _ => {
                self.discarded += 1;
                Ok(())
            }
        }
    }

    /// The packet is read to its end: counts towards the acknowledgement.
    pub fn end_packet(&mut self, now: Time, had_data: bool) {
        if !had_data {
            return;
        }
        self.packets_unacknowledged += 1;
        if self.packets_unacknowledged >= 2 || self.tsns.has_gaps() {
            self.sack_due = SackDue::Now;
        } else if self.sack_due == SackDue::No {
            self.sack_due = SackDue::At(now + SACK_DELAY);
        }
    }

    fn window(&self) -> usize {
        self.config.receive_budget.saturating_sub(self.unreleased + self.inbound.held_bytes())
    }

    /// The program has taken so many bytes of messages.
    pub fn release(&mut self, bytes: usize) {
        self.unreleased = self.unreleased.saturating_sub(bytes);
        // A closed window is opened by a SACK of its own, in steps that are worth one (section 6.2: no silly windows).
        let budget = self.config.receive_budget;
        if self.advertised < budget / 2 && self.window() >= self.advertised + budget / 4 {
            self.sack_due = SackDue::Now;
        }
    }

    fn handle_data(&mut self, chunk: Chunk<'_>, events: &mut VecDeque<Event>) -> Result<(), &'static str> {
        if (chunk.kind == chunk_type::I_DATA) != self.agreed.features.interleaving {
            return Err("data of the kind that was not agreed on");
        }
        let data = match Data::parse_untrusted(chunk) {
            Ok(data) => data,
            Err(SctpError::Malformed) => return Err("data without data"),
            Err(_) => {
                self.discarded += 1;
                return Ok(());
            }
        };
        let tsn = extend_u32(self.tsns.cumulative(), data.tsn);
        if data.is_immediate {
            self.sack_due = SackDue::Now;
        }
        let arrival = self.tsns.peek(tsn);
        // What is next may go beyond the window by one message: a window that a part of it has filled would never open.
        let budget = self.config.receive_budget;
        let most = match arrival {
            Arrival::InOrder if self.unreleased == 0 => 2 * budget + self.config.max_message,
            Arrival::InOrder => budget + self.config.max_message,
            _ => budget,
        };
        let is_full = self.unreleased + self.inbound.held_bytes() + data.payload.len() > most
            || events.len() >= MAX_EVENTS;
        if is_full && arrival == Arrival::InOrder && self.unreleased == 0 && events.len() < MAX_EVENTS {
            // Nothing that the program takes makes room: it would stand still for ever.
            return Err("parts of messages fill the whole window");
        }
        if arrival == Arrival::TooFar || (is_full && arrival != Arrival::Duplicate) {
            self.discarded += 1;
            self.sack_due = SackDue::Now;
            return Ok(());
        }
        self.tsns.insert(tsn);
        if arrival != Arrival::InOrder {
            self.sack_due = SackDue::Now;
        }
        if arrival == Arrival::Duplicate {
            return Ok(());
        }
        if data.stream >= self.agreed.inbound {
            self.discarded += 1;
            return Ok(());
        }
        let unreleased = &mut self.unreleased;
        self.inbound.take(&data, tsn, &mut |message| deliver(message, unreleased, events))?;
        self.finish_resets(events);
        Ok(())
    }

    fn handle_sack(&mut self, now: Time, chunk: Chunk<'_>) {
        let Ok(sack) = Sack::parse_untrusted(chunk) else {
            self.discarded += 1;
            return;
        };
        let min_rtt = self.congestion.min_rtt();
        let Some(outcome) = self.flight.handle_sack_untrusted(now, &sack, min_rtt) else {
            self.discarded += 1;
            return;
        };
        let before = std::mem::replace(&mut self.peer_window, sack.receiver_window as usize);
        self.silent_timeouts = 0;
        if self.peer_window > before && self.timeouts > 0 {
            // What was sent into a closed window is asked after at once.
            (self.timeouts, self.timer) = (0, None);
        }
        if let Some(acknowledged) = &outcome.acknowledged {
            if let Some(rtt) = acknowledged.rtt {
                self.rtt.measure(rtt);
            }
            self.congestion.on_ack(now, acknowledged);
            (self.timeouts, self.timer) = (0, None);
        }
        if let Some(sent_at) = outcome.long_delivered {
            self.path_mtu.on_delivered(sent_at);
        }
        self.apply(now, outcome);
        self.flight.renew_forward();
        self.arm(now);
    }

    /// What became of what is on the way.
    fn apply(&mut self, now: Time, outcome: Outcome) {
        if outcome.lost_bytes > 0 {
            self.congestion.on_loss(outcome.lost_bytes);
        }
        let round = self.rtt.smoothed().unwrap_or_default();
        for sent_at in outcome.long_lost {
            self.path_mtu.on_lost(now, sent_at, round);
        }
        for (stream, serial) in outcome.abandoned {
            self.outbound.give_up(stream, serial);
        }
    }

    fn arm(&mut self, now: Time) {
        if self.flight.is_empty() {
            (self.timer, self.timeouts) = (None, 0);
        } else if self.timer.is_none() {
            self.timer = Some(now + self.patience());
        }
    }

    /// First a probe, then time-outs.
    fn patience(&self) -> Duration {
        match self.timeouts.checked_sub(1) {
            None => self.rtt.probe_timeout(),
            Some(backoff) => self.rtt.timeout(backoff),
        }
    }

    fn handle_forward(&mut self, chunk: Chunk<'_>, events: &mut VecDeque<Event>) {
        let Ok(forward) = ForwardTsn::parse_untrusted(chunk) else {
            self.discarded += 1;
            return;
        };
        let tsn = extend_u32(self.tsns.cumulative(), forward.cumulative_tsn);
        self.sack_due = SackDue::Now;
        if !self.tsns.forward(tsn) {
            return;
        }
        let unreleased = &mut self.unreleased;
        // The last word on each stream counts, so that naming one often costs nothing.
        let skipped: BTreeMap<u16, u16> =
            forward.streams().map(|skipped| (skipped.stream, skipped.message)).collect();
        for (stream, message) in skipped.into_iter().filter(|&(stream, _)| stream < self.agreed.inbound) {
            let mut deliver = |message| deliver(message, unreleased, events);
            self.inbound.forward(stream, message, &mut deliver);
        }
        self.inbound.forward_unordered(tsn);
        self.finish_resets(events);
    }

    fn handle_interleaved_forward(&mut self, chunk: Chunk<'_>, events: &mut VecDeque<Event>) {
        let Ok(forward) = InterleavedForwardTsn::parse_untrusted(chunk) else {
            self.discarded += 1;
            return;
        };
        let tsn = extend_u32(self.tsns.cumulative(), forward.cumulative_tsn);
        self.sack_due = SackDue::Now;
        if !self.tsns.forward(tsn) {
            return;
        }
        let unreleased = &mut self.unreleased;
        for skipped in forward.streams().filter(|skipped| skipped.stream < self.agreed.inbound) {
            let mut deliver = |message| deliver(message, unreleased, events);
            let (stream, is_unordered) = (skipped.stream, skipped.is_unordered);
            self.inbound.forward_interleaved(stream, is_unordered, skipped.message, &mut deliver);
        }
        self.finish_resets(events);
    }

    fn handle_reconfig(&mut self, now: Time, chunk: Chunk<'_>, events: &mut VecDeque<Event>) {
        for parameter in Parameters::of(chunk) {
            if let Some(response) = ReconfigResponse::parse_untrusted(parameter) {
                let Ok(response) = response else {
                    self.discarded += 1;
                    continue;
                };
                let timeout = self.rtt.timeout(0);
                let answered = self.outgoing_resets.handle_response(now, response, timeout);
                let Some((request, is_done)) = answered else { continue };
                if is_done {
                    // The peer has all before it, and what was given up there counts by the old numbers.
                    self.flight.settle_numbers(request.last_tsn);
                    request.streams.iter().for_each(|&stream| self.outbound.reset(stream));
                }
                request.streams.iter().for_each(|&stream| self.outbound.resume(stream));
                events.extend(request.streams.into_iter().map(|stream| Event::ResetDone { stream }));
            } else if let Some(request) = ReconfigRequest::parse_untrusted(parameter) {
                let Ok(request) = request else {
                    self.discarded += 1;
                    continue;
                };
                self.handle_request(request);
            }
        }
        self.finish_resets(events);
    }

    fn handle_request(&mut self, request: ReconfigRequest<'_>) {
        let resets = &mut self.incoming_resets;
        match request {
            ReconfigRequest::ResetOutgoing(reset) => {
                if resets.admit(reset.request) {
                    resets.take(&reset, extend_u32(self.tsns.cumulative(), reset.last_tsn));
                }
            }
            ReconfigRequest::AddOutgoing { request, count } => {
                if resets.admit(request) {
                    let wider = self.agreed.inbound.saturating_add(count).min(self.config.streams);
                    let is_done = wider > self.agreed.inbound;
                    self.agreed.inbound = wider;
                    let result = if is_done { ReconfigResponse::PERFORMED } else { ReconfigResponse::DENIED };
                    resets.answer(request, result);
                }
            }
            ReconfigRequest::Other { request } => {
                if resets.admit(request) {
                    resets.answer(request, ReconfigResponse::DENIED);
                }
            }
        }
    }

    fn finish_resets(&mut self, events: &mut VecDeque<Event>) {
        if events.len() >= MAX_EVENTS {
            // The program reads too slowly: the peer hears that it is in progress, and asks again.
            return;
        }
        let Some(streams) = self.incoming_resets.take_ready(self.tsns.cumulative()) else { return };
        let inbound = self.agreed.inbound;
        for stream in streams.unwrap_or_else(|| self.inbound.known()).into_iter().filter(|&id| id < inbound) {
            self.inbound.reset(stream);
            events.push_back(Event::StreamReset { stream });
        }
    }

    pub fn reset_streams(&mut self, streams: &[u16]) {
        self.outgoing_resets.want(streams);
    }

    pub fn poll_timeout(&self) -> Option<Time> {
        let sack = match self.sack_due {
            SackDue::At(time) => Some(time),
            SackDue::No | SackDue::Now => None,
        };
        let pacing = (self.has_data() && self.has_window()).then(|| self.congestion.next_send());
        let loss = self.flight.loss_deadline(self.congestion.min_rtt(), self.rtt.smoothed());
        let others = [self.timer, self.outgoing_resets.deadline(), self.path_mtu.poll_timeout()];
        [sack, pacing, loss].into_iter().chain(others).flatten().min()
    }

    /// What the peer did not do in time; an error when it is gone.
    pub fn handle_timeout(&mut self, now: Time) -> Result<(), &'static str> {
        if matches!(self.sack_due, SackDue::At(time) if time <= now) {
            self.sack_due = SackDue::Now;
        }
        self.outgoing_resets.handle_timeout(now);
        self.path_mtu.handle_timeout(now);
        let mut outcome = Outcome::default();
        let overtaken = self.flight.loss_deadline(self.congestion.min_rtt(), self.rtt.smoothed());
        if overtaken.is_some_and(|due| due <= now) {
            self.flight.lose_overtaken(now, &mut outcome);
        }
        if self.timer.is_some_and(|due| due <= now) {
            self.timer = None;
            self.flight.renew_forward();
            if self.timeouts == 0 {
                self.flight.probe(now, &mut outcome);
            } else {
                self.silent_timeouts += 1;
                if self.silent_timeouts > SILENT_TIMEOUTS {
                    return Err("the peer acknowledges nothing any more");
                }
                self.flight.lose_all(now, &mut outcome);
                self.apply(now, std::mem::take(&mut outcome));
                self.congestion.on_timeout(now);
            }
            self.probe_due = true;
            self.timeouts += 1;
            self.arm(now);
        }
        self.apply(now, outcome);
        Ok(())
    }

    fn has_data(&self) -> bool {
        self.flight.has_lost() || (!self.outbound.is_empty() && self.flight.len() < MAX_IN_FLIGHT)
    }

    /// Whether more may be on the way. One packet always may, to hear when a closed window opens (section 6.1, A).
    fn has_window(&self) -> bool {
        let in_flight = self.flight.in_flight();
        in_flight == 0 || (in_flight < self.congestion.window() && in_flight < self.peer_window)
    }

    /// Appends the chunks of a packet that is there to find out whether it arrives (RFC 8899 section 6.2.1.2), where one is
    /// due: a HEARTBEAT, and PAD (RFC 4820), which is not in the answer.
    pub fn write_probe(&mut self, now: Time, out: &mut Vec<u8>, start: usize) -> bool {
        let patience = self.rtt.smoothed().map(|_| self.rtt.timeout(0));
        let Some(probe) = self.path_mtu.take_probe(now, patience) else { return false };
        ChunkWriter::begin(out, chunk_type::HEARTBEAT, 0)
            .parameter(parameter::HEARTBEAT_INFO, |info| _ = info.bytes(&probe.number.to_be_bytes()))
            .finish();
        let mut pad = ChunkWriter::begin(out, chunk_type::PAD, 0);
        pad.fill_to(start + probe.size - DTLS_BYTES).finish();
        true
    }

    /// The answer to a HEARTBEAT (RFC 9260 section 8.3).
    pub fn handle_probe_answer_untrusted(&mut self, now: Time, chunk: Chunk<'_>) {
        let info = Parameters::of(chunk).value_of(parameter::HEARTBEAT_INFO);
        match info.and_then(|info| info.try_into().ok()) {
            Some(number) => self.path_mtu.handle_answer_untrusted(now, u64::from_be_bytes(number)),
            None => self.discarded += 1,
        }
    }

    /// Appends the chunks of the packet that starts there; false when there is nothing to say.
    pub fn write(&mut self, now: Time, out: &mut Vec<u8>, start: usize) -> bool {
        // What asks after silence is to arrive where longer packets do not any more.
        let longest = if self.timeouts == 0 { self.path_mtu.current() } else { self.path_mtu.base() };
        let end = start + longest - DTLS_BYTES;
        let before = out.len();
        let mut outcome = Outcome::default();
        self.flight.expire_lost(now, &mut outcome);
        self.apply(now, outcome);
        if self.sack_due == SackDue::Now {
            self.write_sack(out, end);
        }
        if self.incoming_resets.is_due() {
            self.incoming_resets.write(out);
        }
        self.write_forward(out, end);
        let (flight, outbound) = (&self.flight, &self.outbound);
        let next_tsn = flight.next_tsn();
        if let Some(streams) = self.outgoing_resets.prepare(now, next_tsn, |id| outbound.is_stream_empty(id))
        {
            self.outbound.hold(streams);
        }
        let has_room = out.len() + 4 * CHUNK_HEADER_LENGTH + 2 * 256 < end;
        if self.outgoing_resets.is_due() && (has_room || out.len() == before) {
            let (timeout, peer) = (self.rtt.timeout(0), self.incoming_resets.last_number());
            self.outgoing_resets.write(now, timeout, peer, out);
        }
        self.write_data(now, out, start, end);
        out.len() > before
    }

    fn write_sack(&mut self, out: &mut Vec<u8>, end: usize) {
        let room = end.saturating_sub(out.len() + Sack::length(0, 0)) / 4;
        let gaps = self.tsns.gap_blocks(room.min(MAX_GAP_BLOCKS));
        let mut duplicates = self.tsns.take_duplicates();
        duplicates.truncate(room - gaps.len());
        self.advertised = self.window();
        let window = u32::try_from(self.advertised).unwrap_or(u32::MAX);
        Sack::write(out, self.tsns.cumulative() as u32, window, &gaps, &duplicates);
        (self.sack_due, self.packets_unacknowledged) = (SackDue::No, 0);
    }

    /// Tells the peer what not to wait for (RFC 3758 section 3.5, RFC 8260 section 2.3.1).
    fn write_forward(&mut self, out: &mut Vec<u8>, end: usize) {
        let is_interleaved = self.agreed.features.interleaving;
        let most =
            end.saturating_sub(out.len() + 2 * CHUNK_HEADER_LENGTH) / if is_interleaved { 8 } else { 4 };
        // A stream that was not named would wait for ever, so without room it is for the next packet.
        if most == 0 || !self.agreed.features.forward_tsn || !self.flight.take_forward_due() {
            return;
        }
        let Some(given_up) = self.flight.forward(most) else { return };
        let kind = if is_interleaved { chunk_type::I_FORWARD_TSN } else { chunk_type::FORWARD_TSN };
        let mut chunk = ChunkWriter::begin(out, kind, 0);
        chunk.word(given_up.tsn as u32);
        let streams =
            given_up.messages.into_iter().filter(|&((_, is_unordered), _)| is_interleaved || !is_unordered);
        for ((id, is_unordered), number) in streams {
            chunk.half(id);
            if is_interleaved {
                chunk.half(u16::from(is_unordered)).word(number);
            } else {
                chunk.half(number as u16);
            }
        }
        chunk.finish();
    }

    fn write_data(&mut self, now: Time, out: &mut Vec<u8>, start: usize, end: usize) {
        let is_interleaved = self.agreed.features.interleaving;
        let header = if is_interleaved { I_DATA_HEADER_LENGTH } else { DATA_HEADER_LENGTH };
        // What has a TSN cannot be cut again (RFC 9260 section 6.9), and has to fit when the path takes no more than this.
        let base_end = start + self.config.base_packet();
        let most = self.config.base_packet() - HEADER_LENGTH - header;
        let before = out.len();
        loop {
            let is_probe = std::mem::take(&mut self.probe_due);
            // A packet that has begun is filled, as far as the peer has room.
            let may = match out.len() > before {
                true => self.flight.in_flight() < self.peer_window,
                false => self.has_window() && self.congestion.next_send() <= now,
            };
            if !self.has_data() || !(may || is_probe) {
                break;
            }
            let room = end.saturating_sub(out.len() + header).min(most) & !3;
            let makes_long = |bytes: usize| out.len() <= base_end && out.len() + header + bytes > base_end;
            if let Some((tsn, bytes)) = self.flight.next_lost() {
                if bytes > room {
                    break;
                }
                let snapshot = self.congestion.on_send(now, bytes, self.flight.in_flight() == 0);
                let is_last = self.outbound.is_empty();
                let is_long = makes_long(bytes);
                let Some(piece) = self.flight.repeat(now, tsn, snapshot, is_long) else { break };
                write_piece(out, piece, tsn, is_interleaved, is_probe || is_last);
            } else {
                let is_too_small = out.len() > before && room < LEAST_PIECE;
                if room == 0 || is_too_small {
                    break;
                }
                let Some(next) = self.outbound.next(now, room, is_interleaved) else { break };
                let bytes = next.end - next.start;
                let snapshot = self.congestion.on_send(now, bytes, self.flight.in_flight() == 0);
                let is_last =
                    self.outbound.is_empty() || self.flight.in_flight() + bytes >= self.congestion.window();
                let is_long = makes_long(bytes);
                let tsn = self.flight.push(now, next, snapshot, is_long);
                if let Some(piece) = self.flight.newest() {
                    write_piece(out, piece, tsn, is_interleaved, is_last);
                }
            }
            self.arm(now);
        }
        if out.len() > before && self.has_data() && end < out.len() + header + LEAST_PIECE {
            self.path_mtu.on_full_packet(now);
        }
        // Neither the program's pace nor the peer's window says anything of the path.
        let in_flight = self.flight.in_flight();
        if !self.has_data() || (in_flight >= self.peer_window && in_flight < self.congestion.window()) {
            self.congestion.on_app_limited(in_flight);
        }
    }
}

fn deliver(message: Delivered, unreleased: &mut usize, events: &mut VecDeque<Event>) {
    *unreleased += message.data.len();
    events.push_back(Event::Message { stream: message.stream, ppid: message.ppid, data: message.data });
}

fn write_piece(out: &mut Vec<u8>, piece: &SentPiece, tsn: u64, is_interleaved: bool, is_immediate: bool) {
    let message = &piece.message;
    let header = DataHeader {
        tsn: tsn as u32,
        stream: message.stream,
        is_interleaved,
        is_unordered: message.is_unordered,
        begins: piece.start == 0,
        ends: piece.end == message.data.len(),
        is_immediate,
        message: message.number,
        fragment: piece.fragment,
        ppid: message.ppid,
    };
    header.write(out, message.data.get(piece.start..piece.end).unwrap_or_default());
}
