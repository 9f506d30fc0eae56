//! Requests about streams, of both ends (RFC 6525 section 5).

use std::collections::VecDeque;

use visavis_wire::sctp::{Chunk, Parameters, ReconfigRequest, ReconfigResponse, extend_u32};

use super::{Event, Transfer};
use crate::time::Time;

impl Transfer {
    pub(super) fn handle_reconfig(&mut self, now: Time, chunk: Chunk<'_>, events: &mut VecDeque<Event>) {
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

    pub fn reset_streams(&mut self, streams: &[u16]) {
        self.outgoing_resets.want(streams);
    }
}
