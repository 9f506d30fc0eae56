//! What comes: data, what is not sent again, and the window for it (RFC 9260 sections 6.2 and 6.5).

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use visavis_wire::sctp::{Chunk, Data, ForwardTsn, InterleavedForwardTsn, SctpError, chunk_type, extend_u32};

use super::{Event, MAX_EVENTS, SackDue, Transfer};
use crate::sctp::inbound::Delivered;
use crate::sctp::tsns::Arrival;
use crate::time::Time;

/// How long an acknowledgement is held back for another packet to come (RFC 9260 section 6.2 permits 500 ms).
const SACK_DELAY: Duration = Duration::from_millis(20);

impl Transfer {
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

    pub(super) fn window(&self) -> usize {
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

    pub(super) fn handle_data(
        &mut self,
        chunk: Chunk<'_>,
        events: &mut VecDeque<Event>,
    ) -> Result<(), &'static str> {
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
            self.invalid_stream = Some(data.stream);
            return Ok(());
        }
        let unreleased = &mut self.unreleased;
        self.inbound.take(&data, tsn, &mut |message| deliver(message, unreleased, events))?;
        self.finish_resets(events);
        Ok(())
    }

    /// The peer does not send again what is before a TSN (RFC 3758 section 3.6, RFC 8260 section 2.3.1).
    pub(super) fn handle_forward(&mut self, chunk: Chunk<'_>, events: &mut VecDeque<Event>) {
        let is_interleaved = chunk.kind == chunk_type::I_FORWARD_TSN;
        let parsed = if is_interleaved {
            InterleavedForwardTsn::parse_untrusted(chunk).map(|forward| {
                let streams = forward.streams();
                let named = streams.map(|skipped| ((skipped.stream, skipped.is_unordered), skipped.message));
                (forward.cumulative_tsn, named.collect())
            })
        } else {
            ForwardTsn::parse_untrusted(chunk).map(|forward| {
                let streams = forward.streams();
                let named = streams.map(|skipped| ((skipped.stream, false), u32::from(skipped.message)));
                (forward.cumulative_tsn, named.collect())
            })
        };
        // The last word on each stream counts, so that naming one often costs nothing.
        let Ok::<(u32, BTreeMap<(u16, bool), u32>), _>((tsn, skipped)) = parsed else {
            self.discarded += 1;
            return;
        };
        let tsn = extend_u32(self.tsns.cumulative(), tsn);
        self.sack_due = SackDue::Now;
        if !self.tsns.forward(tsn) {
            return;
        }
        let unreleased = &mut self.unreleased;
        let inbound = self.agreed.inbound;
        for ((stream, is_unordered), message) in skipped.into_iter().filter(|&((id, _), _)| id < inbound) {
            let mut deliver = |message| deliver(message, unreleased, events);
            if is_interleaved {
                self.inbound.forward_interleaved(stream, is_unordered, message, &mut deliver);
            } else {
                self.inbound.forward(stream, message as u16, &mut deliver);
            }
        }
        if !is_interleaved {
            self.inbound.forward_unordered(tsn);
        }
        self.finish_resets(events);
    }

    pub(super) fn finish_resets(&mut self, events: &mut VecDeque<Event>) {
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
}

fn deliver(message: Delivered, unreleased: &mut usize, events: &mut VecDeque<Event>) {
    *unreleased += message.data.len();
    events.push_back(Event::Message { stream: message.stream, ppid: message.ppid, data: message.data });
}
