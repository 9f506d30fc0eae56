//! What a transport sends: its slots, the ladder that they climb, and what the network allows.

pub mod budget;
mod frame_count;
pub mod packet;
pub mod remote_report;
pub mod rewriter;
pub mod slot;

use std::time::Duration;

use visavis_wire::rtcp::TransportFeedback;

use crate::api::{Extension, ForwardReason, Rung, SendSlot, SlotId};
use crate::bwe::{self, Bandwidth};
use crate::ice::Path;
use crate::ladder::{self, Decision, Patience, SlotView};
use crate::srtp;
use crate::time::Time;
use crate::transmit::TransmitQueue;
use budget::ByteBudget;
use packet::Exit;
use slot::Slot;

/// Between two sender reports of a slot (RFC 3550 section 6.2; browsers send one a second).
const REPORT_INTERVAL: Duration = Duration::from_millis(1_000);
/// Between two climbs of the ladder, if nothing else asks for one.
const CLIMB_INTERVAL: Duration = Duration::from_millis(100);
/// A shortage that has lasted so long is no hiccup.
const PATIENCE: Duration = Duration::from_secs(2);
/// Nor is one so soon after the first packet, by an estimate that came down: what was sent until then was a guess, and more
/// than the path ever bore.
const SETTLING: Duration = Duration::from_secs(5);
/// An encoder is told of a new estimate no sooner than this after the last one,
const TELL_INTERVAL: Duration = Duration::from_millis(100);
/// and where it differs by one part in so many.
const TELL_SHARE: u64 = 20;
/// The estimate before anything is known: a first picture of each on most paths. What more there is probes find within a
/// second, without having overrun a slow path.
const START_BPS: u64 = 1_000_000;
const MAX_BPS: u64 = 200_000_000;
/// What a peer may have repeated: without a bound a NACK of one kilobyte asks for five megabytes.
const REPAIR_BYTES_PER_SECOND: u64 = 1_000_000;
const REPAIR_BURST_BYTES: u64 = 400_000;
/// And where the bandwidth is known, one part in so many of it: what a full link dropped must not fill it again.
const REPAIR_SHARE: u64 = 2;
/// A key frame's worth, on the slowest link.
const REPAIR_LEAST_BURST_BYTES: u64 = 10_000;
/// What a peer may tell of packets by transport-wide feedback, of which two bytes can tell of 8,191: more packets than are
/// ever sent to one peer.
const TOLD_PER_SECOND: u64 = 100_000;
const TOLD_AT_ONCE: u64 = 65_535;

/// The sending half of a transport.
#[derive(Debug)]
pub struct SendSide {
    extension_ids: [u8; Extension::COUNT],
    /// Sorted by identifier.
    slots: Vec<Slot>,
    rungs: Vec<Rung>,
    /// The next packet's transport-wide number.
    transport_sequence: u64,
    pub bandwidth: Option<Bandwidth>,
    repair_budget: ByteBudget,
    feedback_budget: ByteBudget,
    next_report: Time,
    next_climb: Time,
    decisions: Vec<Decision>,
    /// Since when more is forwarded than the estimate allows.
    short_since: Option<Time>,
    /// The estimate that was told last, and when.
    told_bps: Option<(u64, Time)>,
    /// Since when something was to be forwarded.
    begun: Option<Time>,
}

impl Default for SendSide {
    fn default() -> SendSide {
        SendSide {
            extension_ids: [0; Extension::COUNT],
            slots: Vec::new(),
            rungs: Vec::new(),
            transport_sequence: 1,
            bandwidth: None,
            repair_budget: ByteBudget::new(REPAIR_BYTES_PER_SECOND, REPAIR_BURST_BYTES),
            feedback_budget: ByteBudget::new(TOLD_PER_SECOND, TOLD_AT_ONCE),
            next_report: Time::ZERO,
            next_climb: Time::ZERO,
            decisions: Vec::new(),
            short_since: None,
            told_bps: None,
            begun: None,
        }
    }
}

impl SendSide {
    /// Replaces the slots; those that stay (by identifier) go on, those that left are returned.
    pub fn configure(
        &mut self,
        now: Time,
        extensions: &[(u8, Extension)],
        slots: Vec<SendSlot>,
    ) -> Vec<Slot> {
        self.extension_ids = [0; Extension::COUNT];
        for &(id, extension) in extensions {
            self.extension_ids[extension as usize] = id;
        }
        let measured = self.extension_ids[Extension::TransportCc as usize] != 0;
        match (measured, &self.bandwidth) {
            (true, None) => {
                self.bandwidth = Some(Bandwidth::new(bwe::Config {
                    start_bps: START_BPS,
                    max_bps: MAX_BPS,
                    ..Default::default()
                }))
            }
            (false, Some(_)) => self.bandwidth = None,
            _ => (),
        }
        let mut old = std::mem::take(&mut self.slots);
        for config in slots {
            match old
                .iter()
                .position(|slot| slot.config.slot == config.slot && slot.config.ssrc == config.ssrc)
            {
                Some(index) => {
                    let mut slot = old.swap_remove(index);
                    slot.config = config;
                    self.slots.push(slot);
                }
                None => self.slots.push(Slot::new(config)),
            }
        }
        self.slots.sort_by_key(|slot| slot.config.slot);
        self.next_climb = now;
        old
    }

    /// Takes transport-wide feedback; false if the peer has told of too many packets lately.
    pub fn handle_feedback_untrusted(&mut self, now: Time, feedback: &TransportFeedback<'_>) -> bool {
        let Some(bandwidth) = &mut self.bandwidth else { return true };
        let within = self.feedback_budget.take(now, feedback.status_count.into());
        if within {
            let before = bandwidth.target_bps();
            bandwidth.handle_feedback_untrusted(now, feedback);
            if bandwidth.target_bps() > before {
                self.next_climb = self.next_climb.min(now);
            }
        }
        within
    }

    pub fn open_streams(&mut self, srtp: &mut srtp::Sender) {
        self.slots.iter_mut().for_each(|slot| slot.open_streams(srtp));
    }

    /// The session's keys are gone; under the next ones all streams begin anew.
    pub fn close_streams(&mut self) {
        self.slots.iter_mut().for_each(Slot::close_streams);
    }

    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    pub fn slots_mut(&mut self) -> &mut [Slot] {
        &mut self.slots
    }

    /// One slot, with all that its packets need to leave, and the budget of repetitions.
    pub fn exit<'a>(
        &'a mut self,
        slot: usize,
        now: Time,
        ntp: u64,
        path: Path,
        transmits: &'a mut TransmitQueue,
    ) -> Option<(&'a mut Slot, Exit<'a>, &'a mut ByteBudget)> {
        let exit = Exit {
            now,
            ntp,
            path,
            extension_ids: &self.extension_ids,
            transmits,
            transport_sequence: &mut self.transport_sequence,
            bandwidth: self.bandwidth.as_mut(),
        };
        Some((self.slots.get_mut(slot)?, exit, &mut self.repair_budget))
    }

    pub fn position(&self, slot: SlotId) -> Option<usize> {
        self.slots.binary_search_by_key(&slot, |slot| slot.config.slot).ok()
    }

    pub fn slot_mut(&mut self, slot: SlotId) -> Option<&mut Slot> {
        let index = self.position(slot)?;
        self.slots.get_mut(index)
    }

    pub fn slot_by_ssrc(&self, ssrc: u32) -> Option<usize> {
        self.slots.iter().position(|slot| slot.has_ssrc(ssrc))
    }

    pub fn set_ladder(&mut self, now: Time, rungs: Vec<Rung>) {
        self.rungs = rungs;
        self.next_climb = now;
    }

    /// The ladder is to be climbed at the next occasion.
    pub fn reconsider(&mut self, now: Time) {
        self.next_climb = self.next_climb.min(now);
    }

    pub fn is_sending(&self) -> bool {
        self.slots.iter().any(|slot| slot.track.is_some())
    }

    /// Climbs the ladder if that is due. `rates` gives the measured bitrates of the layers of a slot's track, and returns
    /// what its sender would make of it if it adapts to the estimate.
    pub fn climb(&mut self, now: Time, mut rates: impl FnMut(&Slot, &mut Vec<u64>) -> Option<u64>) {
        if now < self.next_climb {
            return;
        }
        self.next_climb = now + CLIMB_INTERVAL;
        let mut layer_rates: Vec<(Vec<u64>, Option<u64>)> = Vec::with_capacity(self.slots.len());
        for slot in &self.slots {
            let mut of_slot = Vec::new();
            let adapts = rates(slot, &mut of_slot);
            layer_rates.push((of_slot, adapts));
        }
        let views: Vec<SlotView<'_>> = self
            .slots
            .iter()
            .zip(&layer_rates)
            .map(|(slot, (layer_bps, adapts))| SlotView {
                slot: slot.config.slot,
                has_track: slot.track.is_some(),
                layer_bps,
                current: slot.current_layer(),
                adapts: *adapts,
            })
            .collect();
        self.decisions.clear();
        let estimate = self.bandwidth.as_ref().map(Bandwidth::target_bps);
        let mut wanted = ladder::climb(&self.rungs, &views, estimate, Patience::Spent, &mut self.decisions);
        let short = views.iter().zip(&self.decisions).any(|(view, decision)| {
            decision.reason == ForwardReason::Bandwidth && view.current.is_some()
                || decision.layer < view.current
        });
        if self.begun.is_none() && self.decisions.iter().any(|decision| decision.layer.is_some()) {
            self.begun = Some(now);
        }
        let is_settled = self.begun.is_some_and(|begun| now.since(begun) >= SETTLING)
            || estimate.is_some_and(|estimate| estimate >= START_BPS);
        if !short {
            self.short_since = None;
        } else if now.since(*self.short_since.get_or_insert(now)) < PATIENCE && is_settled {
            self.decisions.clear();
            wanted = ladder::climb(&self.rungs, &views, estimate, Patience::Fresh, &mut self.decisions);
        }
        for (slot, decision) in self.slots.iter_mut().zip(&self.decisions) {
            slot.set_target(decision.layer, decision.reason);
        }
        if let Some(bandwidth) = &mut self.bandwidth {
            bandwidth.set_wanted_bps(wanted);
            self.repair_budget.limit(
                REPAIR_BYTES_PER_SECOND.min(bandwidth.target_bps() / REPAIR_SHARE / 8),
                REPAIR_BURST_BYTES
                    .min(bandwidth.target_bps() / REPAIR_SHARE / 8)
                    .max(REPAIR_LEAST_BURST_BYTES),
            );
        }
    }

    /// The estimate, if it differs from what was returned last.
    pub fn take_target_bps(&mut self, now: Time) -> Option<u64> {
        let bps = self.bandwidth.as_ref()?.target_bps();
        let is_news = self.told_bps.is_none_or(|(told, at)| {
            now.since(at) >= TELL_INTERVAL && told.abs_diff(bps) * TELL_SHARE >= told
        });
        is_news.then(|| self.told_bps = Some((bps, now)))?;
        Some(bps)
    }

    /// Writes the sender reports when they are due.
    pub fn report_due(&mut self, now: Time) -> bool {
        let due = now >= self.next_report && self.slots.iter().any(|slot| slot.packets > 0);
        if due {
            self.next_report = now + REPORT_INTERVAL;
        }
        due
    }

    /// What the slots forward and why, where it changed since the last call.
    pub fn take_outcomes(&mut self, mut changed: impl FnMut(SlotId, Option<u8>, ForwardReason)) {
        for slot in &mut self.slots {
            let outcome = slot.outcome();
            if slot.reported != Some(outcome) {
                slot.reported = Some(outcome);
                changed(slot.config.slot, outcome.0, outcome.1);
            }
        }
    }
}
