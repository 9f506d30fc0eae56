//! Groups of packets, and how much later than sent they arrive (draft-ietf-rmcat-gcc-02 sections 4 and 5.2).

use std::time::Duration;

use crate::time::Time;

/// Packets sent within this time are one group: the variation inside a burst says nothing about a queue.
const BURST: Duration = Duration::from_millis(5);

/// A burst on arrival, as of a link that was blocked for a while, is one group too, up to this length.
const MAX_ARRIVAL_BURST: Duration = Duration::from_millis(100);

/// Arrivals so far apart belong to different times: the comparison begins anew.
const MAX_GAP: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug)]
struct Group {
    first_sent: Time,
    last_sent: Time,
    first_arrival: Time,
    last_arrival: Time,
}

/// How two groups that follow each other differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Delta {
    /// By how much the way of the later one took longer; negative if shorter.
    pub delay_ms: f64,
    pub sent_ms: f64,
    /// When the later one arrived.
    pub arrival: Time,
}

/// Collects packets into groups and compares each group with the one before.
#[derive(Debug, Default)]
pub(super) struct InterArrival {
    previous: Option<Group>,
    current: Option<Group>,
}

impl InterArrival {
    /// Takes a packet that arrived; gives the difference of two groups when a third begins.
    pub(super) fn add(&mut self, sent: Time, arrival: Time) -> Option<Delta> {
        let Some(current) = &mut self.current else {
            self.current = Some(Group::of(sent, arrival));
            return None;
        };
        if sent < current.first_sent {
            return None; // Overtaken by a later group.
        }
        if arrival.since(current.last_arrival) > MAX_GAP || current.last_arrival.since(arrival) > MAX_GAP {
            *self = InterArrival { previous: None, current: Some(Group::of(sent, arrival)) };
            return None;
        }
        if current.takes(sent, arrival) {
            current.last_sent = current.last_sent.max(sent);
            current.last_arrival = current.last_arrival.max(arrival);
            return None;
        }
        let complete = *current;
        self.current = Some(Group::of(sent, arrival));
        let before = self.previous.replace(complete)?;
        let sent_ms = signed_ms(before.last_sent, complete.last_sent);
        let arrival_ms = signed_ms(before.last_arrival, complete.last_arrival);
        Some(Delta { delay_ms: arrival_ms - sent_ms, sent_ms, arrival: complete.last_arrival })
    }
}

impl Group {
    fn of(sent: Time, arrival: Time) -> Group {
        Group { first_sent: sent, last_sent: sent, first_arrival: arrival, last_arrival: arrival }
    }

    fn takes(&self, sent: Time, arrival: Time) -> bool {
        if sent.since(self.first_sent) <= BURST {
            return true;
        }
        let sent_ms = signed_ms(self.last_sent, sent);
        let arrival_ms = signed_ms(self.last_arrival, arrival);
        let is_queued_up = arrival_ms - sent_ms < 0.0;
        is_queued_up
            && arrival.since(self.last_arrival) <= BURST
            && arrival.since(self.first_arrival) < MAX_ARRIVAL_BURST
    }
}

fn signed_ms(from: Time, to: Time) -> f64 {
    (to.since(from).as_secs_f64() - from.since(to).as_secs_f64()) * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    #[test]
    fn packets_of_a_burst_are_one_group() {
        let mut groups = InterArrival::default();
        for (sent, arrival) in [(0, 100), (2, 103), (5, 107), (20, 125), (22, 126)] {
            assert_eq!(groups.add(ms(sent), ms(arrival)), None);
        }
        let delta = groups.add(ms(40), ms(140)).unwrap();
        // Last to last: sent 5 and 22, arrived 107 and 126.
        assert_eq!((delta.sent_ms.round(), delta.delay_ms.round()), (17.0, 2.0));
        assert_eq!(delta.arrival, ms(126));
    }

    #[test]
    fn what_a_blocked_link_releases_at_once_is_one_group() {
        let mut groups = InterArrival::default();
        assert_eq!(groups.add(ms(0), ms(100)), None);
        for (sent, arrival) in [(20, 200), (40, 201), (60, 202)] {
            assert_eq!(groups.add(ms(sent), ms(arrival)), None);
        }
        assert_eq!(groups.add(ms(120), ms(220)).unwrap().sent_ms.round(), 60.0);
    }

    #[test]
    fn a_packet_of_an_earlier_group_is_passed_over() {
        let mut groups = InterArrival::default();
        for (sent, arrival) in [(0, 100), (20, 120), (10, 121)] {
            assert_eq!(groups.add(ms(sent), ms(arrival)), None);
        }
        assert_eq!(groups.add(ms(40), ms(140)).unwrap().delay_ms.round(), 0.0);
    }

    #[test]
    fn a_long_silence_begins_anew() {
        let mut groups = InterArrival::default();
        for (sent, arrival) in [(0, 100), (20, 120), (10_000, 10_100), (10_020, 10_120)] {
            assert_eq!(groups.add(ms(sent), ms(arrival)), None);
        }
        assert!(groups.add(ms(10_040), ms(10_140)).is_some());
    }
}
