//! What was sent, until feedback tells what became of it.

use std::collections::VecDeque;
use std::time::Duration;

use visavis_wire::rtcp::TransportFeedback;

use super::ClusterId;
use crate::time::Time;

/// The most packets remembered: at 2,000 packets a second, four seconds.
const CAPACITY: usize = 8192;

/// The units of feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1).
const TICK_MICROS: i64 = 250;
const TICKS_PER_REFERENCE: i64 = 256;
/// After how many references their 24 bits begin anew.
const REFERENCES: i64 = 1 << 24;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Unknown,
    Lost,
    Arrived,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    at: Time,
    size_bytes: usize,
    cluster: Option<ClusterId>,
    fate: Fate,
}

/// What feedback told of one packet for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub sequence: u64,
    pub sent: Time,
    pub size_bytes: usize,
    /// The probe that it belongs to.
    pub cluster: Option<ClusterId>,
    /// When it arrived, on a clock of the receiver's that starts anywhere; `None` if it was missing so far.
    pub arrival: Option<Time>,
    /// Feedback before said that it was missing.
    pub was_missing: bool,
}

/// The packets sent on one transport, by their transport-wide sequence number.
#[derive(Debug, Default)]
pub struct SendHistory {
    packets: VecDeque<Option<Sent>>,
    /// The sequence number of the first of `packets`.
    oldest: u64,
    /// The last reference time, unwrapped, in units of 64 ms.
    reference: Option<i64>,
}

impl SendHistory {
    /// Remembers a packet. `sequence` counts on without wrapping; its lower 16 bits are in the packet. One that is not
    /// above all before it is ignored.
    pub fn record(&mut self, sequence: u64, now: Time, size_bytes: usize, cluster: Option<ClusterId>) {
        let next = self.oldest + self.packets.len() as u64;
        if self.packets.is_empty() || sequence >= next.saturating_add(CAPACITY as u64) {
            self.packets.clear();
            self.oldest = sequence;
        } else if sequence < next {
            return;
        } else {
            for _ in next..sequence {
                self.packets.push_back(None);
            }
        }
        self.packets.push_back(Some(Sent { at: now, size_bytes, cluster, fate: Fate::Unknown }));
        while self.packets.len() > CAPACITY {
            self.packets.pop_front();
            self.oldest += 1;
        }
    }

    /// The outcome of one packet of a feedback, if it is news: not known, not told of, or too old, it is none. One that
    /// was lost may arrive after all; one that arrived stays so.
    pub fn resolve(&mut self, sequence: u16, arrival: Option<Time>) -> Option<Outcome> {
        let last = (self.oldest + self.packets.len() as u64).checked_sub(1)?;
        let sequence = last.checked_sub(u64::from((last as u16).wrapping_sub(sequence)))?;
        let offset = usize::try_from(sequence.checked_sub(self.oldest)?).ok()?;
        let sent = self.packets.get_mut(offset)?.as_mut()?;
        let fate = if arrival.is_some() { Fate::Arrived } else { Fate::Lost };
        if sent.fate == Fate::Arrived || sent.fate == fate {
            return None;
        }
        let was_missing = sent.fate == Fate::Lost;
        sent.fate = fate;
        let Sent { at, size_bytes, cluster, .. } = *sent;
        Some(Outcome { sequence, sent: at, size_bytes, cluster, arrival, was_missing })
    }

    /// What a feedback packet says, as sequence numbers with arrival times for [`SendHistory::resolve`]. Its reference
    /// time, of 24 bits, is unwrapped against that of the feedback before.
    pub fn arrivals<'a>(
        &mut self,
        feedback: &TransportFeedback<'a>,
    ) -> impl Iterator<Item = (u16, Option<Time>)> + use<'a> {
        let raw = i64::from(feedback.reference_time_64ms);
        let reference = match self.reference {
            // As far up as to leave room below for what arrived before, or was set back by the receiver.
            None => raw.rem_euclid(REFERENCES) + REFERENCES,
            Some(last) => {
                let step = (raw - last).rem_euclid(REFERENCES);
                last + if step >= REFERENCES / 2 { step - REFERENCES } else { step }
            }
        };
        self.reference = Some(reference);
        let mut ticks = reference.saturating_mul(TICKS_PER_REFERENCE);
        feedback.arrivals().map(move |(sequence, delta)| {
            let arrival = delta.map(|delta| {
                ticks = ticks.saturating_add(i64::from(delta));
                let micros = u64::try_from(ticks.saturating_mul(TICK_MICROS)).unwrap_or(0);
                Time::ZERO + Duration::from_micros(micros)
            });
            (sequence, arrival)
        })
    }
}

#[cfg(test)]
mod tests {
    use visavis_wire::rtcp::{Packet, packets_untrusted, write_transport_feedback};

    use super::*;

    fn ms(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    #[test]
    fn an_outcome_is_told_once() {
        let mut history = SendHistory::default();
        history.record(65_535, ms(1), 100, None);
        history.record(65_536, ms(2), 200, Some(ClusterId { number: 3, bytes: 500, tries_guess: false }));
        let arrived = history.resolve(0, Some(ms(50))).unwrap();
        assert_eq!((arrived.sequence, arrived.sent, arrived.size_bytes), (65_536, ms(2), 200));
        assert_eq!(
            (arrived.cluster, arrived.arrival),
            (Some(ClusterId { number: 3, bytes: 500, tries_guess: false }), Some(ms(50)))
        );
        assert_eq!(history.resolve(0, Some(ms(50))), None);
        assert_eq!(history.resolve(0, None), None);
    }

    #[test]
    fn what_was_lost_may_still_arrive() {
        let mut history = SendHistory::default();
        history.record(7, ms(1), 100, None);
        assert_eq!(history.resolve(7, None).unwrap().arrival, None);
        assert_eq!(history.resolve(7, None), None);
        let arrived = history.resolve(7, Some(ms(9))).unwrap();
        assert_eq!((arrived.arrival, arrived.was_missing), (Some(ms(9)), true));
    }

    #[test]
    fn what_was_never_sent_or_is_forgotten_has_no_outcome() {
        let mut history = SendHistory::default();
        assert_eq!(history.resolve(0, Some(ms(1))), None);
        history.record(10, ms(1), 100, None);
        history.record(12, ms(1), 100, None);
        history.record(11, ms(1), 100, None);
        for sequence in [9, 11, 13, 30_000] {
            assert_eq!(history.resolve(sequence, Some(ms(1))), None, "{sequence}");
        }
        for sequence in 13..13 + CAPACITY as u64 {
            history.record(sequence, ms(2), 100, None);
        }
        assert_eq!(history.packets.len(), CAPACITY);
        assert_eq!(history.resolve(12, Some(ms(1))), None);
        assert!(history.resolve(13, Some(ms(1))).is_some());
        history.record(1 << 40, ms(3), 100, None);
        assert_eq!(history.packets.len(), 1);
    }

    #[test]
    fn arrival_times_go_on_over_the_wrap_of_the_reference() {
        let mut history = SendHistory::default();
        // The 24 bits have a sign: they wrap from 2^23 - 1 to -2^23.
        let wrap = (1i64 << 23) * TICKS_PER_REFERENCE;
        let mut last = None;
        for ticks in [wrap - 1_000, wrap - 400, wrap + 400, wrap + 300, wrap + 1_000] {
            let mut out = Vec::new();
            write_transport_feedback(&mut out, 1, 2, 5, 0, &[Some(ticks), None, Some(ticks + 4)]);
            let Some(Ok(Packet::TransportFeedback(feedback))) = packets_untrusted(&out).next() else {
                panic!("no feedback")
            };
            let told: Vec<_> = history.arrivals(&feedback).collect();
            let [(5, Some(first)), (6, None), (7, Some(second))] = told[..] else { panic!("{told:?}") };
            assert_eq!(second.since(first), Duration::from_millis(1));
            if let Some((last_ticks, last_time)) = last {
                let expected = (ticks - last_ticks) * TICK_MICROS;
                let between = first.as_micros() as i64 - Time::as_micros(last_time) as i64;
                assert_eq!(between, expected);
            }
            last = Some((ticks, first));
        }
    }
}
