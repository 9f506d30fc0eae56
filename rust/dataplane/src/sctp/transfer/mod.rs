//! An association that stands: its parts, acknowledgements, timers (RFC 9260 sections 6 and 7).
//!
//! `receive` has what comes, `reconfig` the requests about streams, `write` what leaves.

mod receive;
mod reconfig;
mod write;

use std::collections::VecDeque;
use std::time::Duration;

use visavis_wire::sctp::{Chunk, Sack, chunk_type};

use super::congestion::Congestion;
use super::cookie::Agreed;
use super::flight::{Flight, Outcome};
use super::inbound::Inbound;
use super::outbound::Outbound;
use super::path_mtu::PathMtu;
use super::reset::{IncomingResets, OutgoingResets};
use super::rtt::RttEstimator;
use super::tsns::ReceivedTsns;
use super::{Config, Event, Figures};
use crate::time::Time;

/// Time-outs without a word of the peer's, a minute and a half in all, after which it is gone. Consent to send (RFC 7675) ends
/// before that; a path that is changed meanwhile ends nothing.
const SILENT_TIMEOUTS: u32 = 12;
/// Messages that wait to be asked for; beyond them nothing is taken from the peer.
const MAX_EVENTS: usize = 65_536;

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
    /// Data came on a stream that there is not, of which the peer has not been told.
    invalid_stream: Option<u16>,
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
            path_mtu: PathMtu::new(now, config.fixed_path_mtu, may_probe, agreed.features.long_datagrams),
            peer_window: agreed.peer_window as usize,
            tsns: ReceivedTsns::new(extended(agreed.peer_initial_tsn)),
            inbound: Inbound::new(config.max_message),
            outgoing_resets: OutgoingResets::new(agreed.local_initial_tsn),
            incoming_resets: IncomingResets::new(agreed.peer_initial_tsn),
            invalid_stream: None,
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
            chunk_type::FORWARD_TSN | chunk_type::I_FORWARD_TSN
                if (chunk.kind == chunk_type::I_FORWARD_TSN) == self.agreed.features.interleaving =>
            {
                self.handle_forward(chunk, events);
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
}
