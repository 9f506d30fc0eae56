//! What became of a probe: the rate at which the path carried it.

use std::time::Duration;

use super::cluster::ClusterId;
use crate::time::Time;

/// A probe counts when so many of its packets have arrived, and two thirds of its bytes are told of.
const MIN_PACKETS: usize = 5;
/// The most packets of a probe that are looked at; the first ones of a larger one tell as much.
const MAX_PACKETS: usize = 1_024;
/// Slower by this on arrival than when sent, the probe has met the path's limit; some room is then left below it.
const SATURATED: f64 = 0.9;
const SATURATED_SHARE: f64 = 0.9;
/// Faster by this, the path gathered its packets: their spacing says nothing.
const IMPLAUSIBLE: f64 = 2.0;

/// What a probe has shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// The rate that the path bears at least.
    pub bps: f64,
    /// It bears no more: the probe met its limit.
    pub is_saturated: bool,
}

#[derive(Clone, Copy, Debug)]
struct Packet {
    sent: Time,
    /// None if it is lost.
    arrival: Option<Time>,
    size_bytes: usize,
}

impl Packet {
    fn is(&self, sent: Time, size_bytes: usize) -> bool {
        self.arrival.is_none() && (self.sent, self.size_bytes) == (sent, size_bytes)
    }
}

/// What became of the packets of one probe.
#[derive(Debug)]
pub(super) struct ProbeArrivals {
    pub(super) cluster: ClusterId,
    packets: Vec<Packet>,
}

impl ProbeArrivals {
    pub(super) fn new(cluster: ClusterId) -> ProbeArrivals {
        ProbeArrivals { cluster, packets: Vec::new() }
    }

    /// `was_missing`: it had been told of as lost.
    pub(super) fn add(&mut self, sent: Time, arrival: Option<Time>, size_bytes: usize, was_missing: bool) {
        let mut missing = self.packets.iter_mut().filter(|_| was_missing);
        if let Some(late) = missing.find(|packet| packet.is(sent, size_bytes)) {
            late.arrival = arrival;
        } else if self.packets.len() < MAX_PACKETS {
            self.packets.push(Packet { sent, arrival, size_bytes });
        }
    }

    /// None if too little has arrived or its spacing says nothing.
    pub(super) fn finding(&self) -> Option<Finding> {
        let bytes: usize = self.packets.iter().map(|packet| packet.size_bytes).sum();
        if bytes < self.cluster.bytes() * 2 / 3 {
            return None;
        }
        let first = self.packets.iter().map(|packet| packet.sent).min()?;
        let last = self.packets.iter().max_by_key(|packet| packet.sent)?;
        // A frame may have filled the probe at one stroke.
        let sent_bps = rate_bps(bytes - last.size_bytes, last.sent.since(first)).unwrap_or(f64::MAX);
        let (whole_bps, peak_bps) = self.arrival_rates()?;
        if whole_bps > sent_bps * IMPLAUSIBLE {
            return None;
        }
        let tried_bps = sent_bps.min(self.cluster.bps());
        let bps = tried_bps.min(peak_bps);
        let is_saturated = peak_bps < tried_bps * SATURATED;
        Some(Finding { bps: if is_saturated { bps * SATURATED_SHARE } else { bps }, is_saturated })
    }

    /// The rate of all arrivals, and that of the half of them which came fastest: a receiver that was busy for a moment
    /// took a part of them late, and a link with a queue carries each half at its rate.
    fn arrival_rates(&self) -> Option<(f64, f64)> {
        let arrived = |packet: &Packet| packet.arrival.map(|arrival| (arrival, packet.size_bytes));
        let mut arrivals: Vec<(Time, usize)> = self.packets.iter().filter_map(arrived).collect();
        if arrivals.len() < MIN_PACKETS {
            return None;
        }
        arrivals.sort_unstable();
        let bytes: usize = arrivals.iter().map(|&(_, size_bytes)| size_bytes).sum();
        let (&(first, first_bytes), &(last, _)) = (arrivals.first()?, arrivals.last()?);
        let whole = rate_bps(bytes - first_bytes, last.since(first))?;
        let mut peak = whole;
        let (mut begin, mut within) = (0, 0);
        for (end, &(newest, size_bytes)) in arrivals.iter().enumerate() {
            within += size_bytes;
            while let Some(&(_, oldest_bytes)) = arrivals.get(begin)
                && (within - oldest_bytes) * 2 >= bytes
                && end - begin >= MIN_PACKETS
            {
                within -= oldest_bytes;
                begin += 1;
            }
            if let Some(&(oldest, oldest_bytes)) = arrivals.get(begin)
                && within * 2 >= bytes
                && end - begin + 1 >= MIN_PACKETS
            {
                let rate = rate_bps(within - oldest_bytes, newest.since(oldest));
                peak = rate.map_or(peak, |rate| rate.max(peak));
            }
        }
        Some((whole, peak))
    }
}

fn rate_bps(bytes: usize, time: Duration) -> Option<f64> {
    let seconds = time.as_secs_f64();
    (seconds > 0.0).then(|| bytes as f64 * 8.0 / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: ClusterId = ClusterId { number: 1, bytes: 15_000, tries_guess: false };

    /// A probe of 1,000-byte packets each 5 ms (1.6 Mb/s); `arrival_ms` gives when each arrived.
    fn finding(arrival_ms: impl Fn(u64) -> u64) -> Option<Finding> {
        let mut probe = ProbeArrivals::new(CLUSTER);
        for n in 0..16 {
            probe.add(Time::from_millis(n * 5), Some(Time::from_millis(1_000 + arrival_ms(n))), 1_000, false);
        }
        probe.finding()
    }

    #[test]
    fn a_path_that_carries_the_probe_as_it_was_sent_bears_its_rate() {
        assert_eq!(finding(|n| n * 5), Some(Finding { bps: 1.6e6, is_saturated: false }));
    }

    #[test]
    fn a_path_that_stretches_the_probe_is_known_by_it() {
        let Some(Finding { bps, is_saturated: true }) = finding(|n| n * 10) else { panic!("no limit found") };
        assert!((0.71e6..0.73e6).contains(&bps), "{bps}");
    }

    #[test]
    fn a_receiver_that_was_busy_for_a_moment_does_not_hide_what_the_path_bears() {
        let late = finding(|n| if n < 4 { n * 5 } else { n * 5 + 60 });
        let Some(Finding { bps, is_saturated: false }) = late else { panic!("{late:?}") };
        assert!((1.59e6..1.61e6).contains(&bps), "{bps}");
    }

    #[test]
    fn packets_that_come_all_at_once_say_nothing() {
        assert_eq!(finding(|_| 100), None);
        assert_eq!(finding(|n| 100 + n), None);
    }

    #[test]
    fn a_path_that_drops_what_it_cannot_queue_is_known_by_what_it_carried() {
        let mut probe = ProbeArrivals::new(CLUSTER);
        for n in 0..16 {
            let arrival = (n < 7).then_some(Time::from_millis(1_000 + n * 20));
            probe.add(Time::from_millis(n * 5), arrival, 1_000, false);
        }
        let Some(Finding { bps, is_saturated: true }) = probe.finding() else { panic!("no limit found") };
        assert!((0.35e6..0.37e6).contains(&bps), "{bps}");
        // They were not lost after all, but overtaken.
        for n in 7..16 {
            probe.add(Time::from_millis(n * 5), Some(Time::from_millis(1_120 + n * 5)), 1_000, true);
        }
        assert!(probe.finding().is_some_and(|finding| finding.bps > bps));
    }

    #[test]
    fn a_part_of_a_probe_says_nothing_yet() {
        let mut probe = ProbeArrivals::new(CLUSTER);
        for n in 0..9 {
            probe.add(Time::from_millis(n * 5), Some(Time::from_millis(n * 5)), 1_000, false);
            assert_eq!(probe.finding(), None);
        }
    }
}
