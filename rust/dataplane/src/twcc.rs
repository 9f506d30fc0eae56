//! Transport-wide feedback to a publisher: when each of its packets arrived
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01). From it the publisher's browser estimates its bandwidth.

use std::collections::VecDeque;
use std::time::Duration;

use visavis_wire::rtcp::write_transport_feedback;

use crate::time::Time;

/// Feedback follows after this time,
const INTERVAL: Duration = Duration::from_millis(100);

/// or after this one if as many packets wait to be told of.
const BUSY_INTERVAL: Duration = Duration::from_millis(50);
const BUSY_PACKETS: usize = 20;

/// How many sequence numbers are remembered, told of or not.
const WINDOW: usize = 2048;

/// How long a packet is remembered that has been told of. If one before it arrives late, it is told of again, as it would
/// count as lost otherwise.
const HISTORY: Duration = Duration::from_millis(500);

/// The most arrivals in one feedback: with two bytes each and the window's statuses it fits into a datagram.
const MAX_ARRIVALS: usize = 300;

/// The unit of arrival times.
const TICK_MICROS: u64 = 250;

/// Records arrivals on one transport, and writes feedback.
#[derive(Debug, Default)]
pub struct Recorder {
    /// When the packets from `oldest` on arrived, in ticks; the last one always has.
    arrivals: VecDeque<Option<i64>>,
    /// The unwrapped sequence number of the first of `arrivals`.
    oldest: u64,
    /// The first one not told of yet; never below `oldest`.
    untold: u64,
    /// Since when there is something to tell.
    waiting_since: Option<Time>,
    last_feedback: Option<Time>,
    feedback_count: u8,
}

impl Recorder {
    /// A packet with that transport-wide sequence number arrived. Of duplicates the first counts; one from further back
    /// than the window is not told of.
    pub fn record(&mut self, sequence: u16, now: Time) {
        let ticks = (now.as_micros() / TICK_MICROS) as i64;
        if self.arrivals.is_empty() {
            // Far enough up that nothing before it falls below zero.
            self.oldest = (1 << 32) | u64::from(sequence);
            self.untold = self.oldest;
        }
        let next = self.oldest + self.arrivals.len() as u64;
        let ahead = sequence.wrapping_sub(next as u16);
        if ahead < 0x8000 {
            self.advance(next, usize::from(ahead), ticks);
        } else {
            let late = next - u64::from((next as u16).wrapping_sub(sequence));
            if !self.fill(late, ticks) {
                return;
            }
            self.untold = self.untold.min(late);
        }
        self.waiting_since.get_or_insert(now);
    }

    /// Appends the packet that is `ahead` after `next`, with those between as not arrived.
    fn advance(&mut self, next: u64, ahead: usize, ticks: i64) {
        if ahead >= WINDOW {
            self.arrivals.clear();
            self.oldest = next + ahead as u64;
            self.untold = self.oldest;
        } else {
            self.arrivals.extend(std::iter::repeat_n(None, ahead));
        }
        self.arrivals.push_back(Some(ticks));
        let excess = self.arrivals.len().saturating_sub(WINDOW);
        self.forget(excess);
    }

    /// Sets a packet that was passed over before; false if it has arrived already or is too old.
    fn fill(&mut self, sequence: u64, ticks: i64) -> bool {
        let Some(offset) = sequence.checked_sub(self.oldest) else { return false };
        match usize::try_from(offset).ok().and_then(|offset| self.arrivals.get_mut(offset)) {
            Some(arrival @ None) => {
                *arrival = Some(ticks);
                true
            }
            _ => false,
        }
    }

    fn forget(&mut self, count: usize) {
        self.arrivals.drain(..count.min(self.arrivals.len()));
        self.oldest += count as u64;
        self.untold = self.untold.max(self.oldest);
    }

    fn untold_offset(&self) -> usize {
        // The window bounds it.
        (self.untold - self.oldest) as usize
    }

    /// When feedback is due, if there is something to tell.
    pub fn poll_timeout(&self) -> Option<Time> {
        let since = self.waiting_since?;
        let is_busy = self.arrivals.len() - self.untold_offset() >= BUSY_PACKETS;
        let interval = if is_busy { BUSY_INTERVAL } else { INTERVAL };
        Some(self.last_feedback.map_or(since, |last| last.max(since - interval)) + interval)
    }

    /// Appends feedback to `out` if it is due, and says whether. What does not fit into one is due at once again.
    pub fn poll_feedback(&mut self, now: Time, out: &mut Vec<u8>, sender_ssrc: u32, media_ssrc: u32) -> bool {
        if self.poll_timeout().is_none_or(|due| now < due) {
            return false;
        }
        let base = self.untold;
        let offset = self.untold_offset();
        let untold = self.arrivals.make_contiguous().get(offset..).unwrap_or_default();
        let mut left = MAX_ARRIVALS;
        let count = untold
            .iter()
            .take_while(|arrival| {
                let has_room = left > 0;
                left -= usize::from(arrival.is_some() && has_room);
                has_room
            })
            .count();
        let (told, rest) = untold.split_at(count);
        let has_rest = !rest.is_empty();
        self.feedback_count =
            write_transport_feedback(out, sender_ssrc, media_ssrc, base as u16, self.feedback_count, told);
        self.untold += count as u64;
        if !has_rest {
            self.waiting_since = None;
            self.last_feedback = Some(now);
        }
        self.forget_old(now);
        true
    }

    /// Forgets what has been told of and is past the history.
    fn forget_old(&mut self, now: Time) {
        let horizon = ((now - HISTORY).as_micros() / TICK_MICROS) as i64;
        let told = self.untold_offset();
        let kept =
            self.arrivals.iter().take(told).position(|arrival| arrival.is_some_and(|at| at >= horizon));
        // The last one stays, to count on from.
        let count = kept.unwrap_or(told).min(self.arrivals.len().saturating_sub(1));
        self.forget(count);
    }
}

#[cfg(test)]
mod tests {
    use visavis_wire::rtcp::{Packet, packets_untrusted};

    use super::*;

    fn ms(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    /// What a feedback tells: (sequence number, arrival in ms or none).
    fn read(out: &[u8]) -> Vec<(u16, Option<u64>)> {
        let mut told = Vec::new();
        for packet in packets_untrusted(out) {
            let Ok(Packet::TransportFeedback(feedback)) = packet else { panic!("no feedback") };
            assert_eq!((feedback.sender_ssrc, feedback.media_ssrc), (1, 2));
            let mut ticks = i64::from(feedback.reference_time_64ms) * 256;
            for (sequence, delta) in feedback.arrivals() {
                let arrival = delta.map(|delta| {
                    ticks += i64::from(delta);
                    ticks as u64 / 4
                });
                told.push((sequence, arrival));
            }
        }
        told
    }

    fn poll(recorder: &mut Recorder, now: Time) -> Option<Vec<(u16, Option<u64>)>> {
        let mut out = Vec::new();
        recorder.poll_feedback(now, &mut out, 1, 2).then(|| read(&out))
    }

    #[test]
    fn arrivals_and_losses_are_told_once() {
        let mut recorder = Recorder::default();
        assert_eq!(recorder.poll_timeout(), None);
        recorder.record(65_534, ms(1_000));
        recorder.record(65_535, ms(1_010));
        recorder.record(1, ms(1_030));
        assert_eq!(recorder.poll_timeout(), Some(ms(1_100)));
        assert_eq!(poll(&mut recorder, ms(1_099)), None);
        let told = poll(&mut recorder, ms(1_100)).unwrap();
        assert_eq!(told, [(65_534, Some(1_000)), (65_535, Some(1_010)), (0, None), (1, Some(1_030))]);
        assert_eq!(poll(&mut recorder, ms(2_000)), None);
    }

    #[test]
    fn the_next_feedback_begins_where_the_last_one_ended() {
        let mut recorder = Recorder::default();
        recorder.record(10, ms(0));
        poll(&mut recorder, ms(100)).unwrap();
        recorder.record(13, ms(130));
        assert_eq!(recorder.poll_timeout(), Some(ms(200)));
        let told = poll(&mut recorder, ms(200)).unwrap();
        assert_eq!(told, [(11, None), (12, None), (13, Some(130))]);
    }

    #[test]
    fn a_busy_transport_is_told_of_sooner() {
        let mut recorder = Recorder::default();
        for sequence in 0..BUSY_PACKETS as u16 {
            recorder.record(sequence, ms(1_000));
        }
        assert_eq!(recorder.poll_timeout(), Some(ms(1_050)));
    }

    #[test]
    fn a_late_packet_is_told_of_with_those_after_it() {
        let mut recorder = Recorder::default();
        for sequence in [1, 2, 4, 5] {
            recorder.record(sequence, ms(u64::from(sequence) * 10));
        }
        poll(&mut recorder, ms(200)).unwrap();
        recorder.record(3, ms(210));
        recorder.record(3, ms(220));
        recorder.record(6, ms(230));
        let told = poll(&mut recorder, ms(310)).unwrap();
        assert_eq!(told, [(3, Some(210)), (4, Some(40)), (5, Some(50)), (6, Some(230))]);
    }

    #[test]
    fn what_is_older_than_the_history_is_not_told_of() {
        let mut recorder = Recorder::default();
        for sequence in [1, 3] {
            recorder.record(sequence, ms(0));
        }
        poll(&mut recorder, ms(100)).unwrap();
        recorder.record(4, ms(800));
        poll(&mut recorder, ms(900)).unwrap();
        recorder.record(2, ms(910));
        assert_eq!(poll(&mut recorder, ms(2_000)), None);
    }

    #[test]
    fn a_leap_past_the_window_begins_anew() {
        let mut recorder = Recorder::default();
        recorder.record(1, ms(0));
        recorder.record(20_000, ms(10));
        assert_eq!(poll(&mut recorder, ms(200)).unwrap(), [(20_000, Some(10))]);
    }

    #[test]
    fn many_arrivals_are_told_in_datagrams_that_fit_a_path() {
        let mut recorder = Recorder::default();
        // The dearest of patterns: every other packet lost, each delta two bytes long.
        for step in 0..(WINDOW / 2) as u64 {
            recorder.record((step * 2) as u16, ms(step * 70));
        }
        let now = ms(10_000_000);
        let mut told = 0;
        let mut rounds = 0;
        loop {
            let mut out = Vec::new();
            if !recorder.poll_feedback(now, &mut out, 1, 2) {
                break;
            }
            assert!(out.len() <= 1_200, "{}", out.len());
            told += read(&out).len();
            rounds += 1;
        }
        assert_eq!(told, WINDOW - 1);
        assert_eq!(rounds, (WINDOW / 2).div_ceil(MAX_ARRIVALS));
    }

    /// Any sequence numbers at any times: the memory stays bounded and what is told is readable and true.
    #[test]
    fn hostile_sequence_numbers_are_borne() {
        let mut state = 1u64;
        let mut recorder = Recorder::default();
        let mut recorded = std::collections::HashMap::<u16, Vec<u64>>::new();
        for step in 0..20_000u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let sequence = if step % 3 == 0 { (state >> 40) as u16 } else { step as u16 };
            recorder.record(sequence, ms(step));
            recorded.entry(sequence).or_default().push(step);
            assert!(recorder.arrivals.len() <= WINDOW);
            for (sequence, arrival) in poll(&mut recorder, ms(step)).unwrap_or_default() {
                if let Some(arrival) = arrival {
                    assert!(recorded.get(&sequence).is_some_and(|times| times.contains(&arrival)));
                }
            }
        }
    }
}
