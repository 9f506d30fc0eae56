//! Probes: short bursts at a higher rate, which show at once what the controller would climb to in half a minute.

use std::time::Duration;

use super::Estimator;
use crate::time::Time;

/// A probe is this many packets, padding and media together.
pub(super) const CLUSTER_PACKETS: u32 = 15;

/// Its rate is what is wanted, but within these multiples of the target.
const LOWEST_RATE: f64 = 1.5;
const HIGHEST_RATE: f64 = 2.0;

/// A packet every 5 ms where the sizes allow: closer ones are one burst on the way.
const SPACING: Duration = Duration::from_millis(5);
const MIN_SIZE: usize = 200;
const MAX_SIZE: usize = 1_200;

/// From the start of one probe to that of the next; doubled each time that one found nothing.
const FIRST_INTERVAL: Duration = Duration::from_secs(5);
const LAST_INTERVAL: Duration = Duration::from_secs(40);

/// By how much the target must have grown for a probe to have found something.
const SUCCESS: f64 = 1.1;

/// A probe that is not sent by then is given up.
const MAX_DURATION: Duration = Duration::from_millis(500);

/// Which probe a packet belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClusterId(pub(super) u32);

/// A packet of padding to send now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbePacket {
    pub cluster: ClusterId,
    pub size_bytes: usize,
}

#[derive(Clone, Copy, Debug)]
struct Cluster {
    id: ClusterId,
    started: Time,
    rate_bps: f64,
    size_bytes: usize,
    /// Padding asked for, whether it was sent or not.
    asked_packets: u32,
    sent_packets: u32,
    sent_bytes: usize,
}

impl Cluster {
    /// What is on its way, or at least asked for.
    fn bytes(&self) -> usize {
        self.sent_bytes.max(self.asked_packets as usize * self.size_bytes)
    }

    /// When the next packet of padding is due, at the probe's rate.
    fn due(&self) -> Time {
        self.started + Duration::from_secs_f64(self.bytes() as f64 * 8.0 / self.rate_bps)
    }

    fn is_over(&self, now: Time) -> bool {
        self.sent_packets.max(self.asked_packets) >= CLUSTER_PACKETS
            || now.since(self.started) >= MAX_DURATION
    }
}

/// Plans probes for one transport: only while more is wanted than the target, and the less often the less they find.
#[derive(Debug)]
pub struct Prober {
    wanted_bps: u64,
    cluster: Option<Cluster>,
    next_id: u32,
    last: Option<LastProbe>,
    interval: Duration,
}

#[derive(Clone, Copy, Debug)]
struct LastProbe {
    started: Time,
    target_bps: u64,
    is_judged: bool,
}

impl Default for Prober {
    fn default() -> Prober {
        Prober { wanted_bps: 0, cluster: None, next_id: 0, last: None, interval: FIRST_INTERVAL }
    }
}

impl Prober {
    /// What all streams that the subscriber should have would need together.
    pub fn set_wanted_bps(&mut self, wanted_bps: u64) {
        self.wanted_bps = wanted_bps;
    }

    /// A packet was sent, media or padding; gives the probe that it counts to.
    pub fn note_sent(&mut self, now: Time, size_bytes: usize) -> Option<ClusterId> {
        let cluster = self.cluster.as_mut()?;
        if cluster.sent_packets >= CLUSTER_PACKETS || now.since(cluster.started) >= MAX_DURATION {
            return None;
        }
        cluster.sent_packets += 1;
        cluster.sent_bytes += size_bytes;
        Some(cluster.id)
    }

    /// The padding to send now, if any: ask again until there is none. Each packet that is sent, these too, must be told
    /// by `note_sent`.
    pub fn poll(&mut self, now: Time, estimator: &Estimator) -> Option<ProbePacket> {
        if self.cluster.is_some_and(|cluster| cluster.is_over(now)) {
            self.cluster = None;
        }
        if self.cluster.is_none() {
            self.start(now, estimator);
        }
        let cluster = self.cluster.as_mut()?;
        if cluster.due() > now {
            return None;
        }
        cluster.asked_packets += 1;
        Some(ProbePacket { cluster: cluster.id, size_bytes: cluster.size_bytes })
    }

    /// When to call `poll` next for the running probe. The next probe needs no deadline: any later call starts it.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.cluster.map(|cluster| cluster.due())
    }

    fn start(&mut self, now: Time, estimator: &Estimator) {
        let target = estimator.target_bps();
        if let Some(last) = &mut self.last {
            if now.since(last.started) < self.interval {
                return;
            }
            if !last.is_judged {
                last.is_judged = true;
                if target as f64 >= last.target_bps as f64 * SUCCESS {
                    self.interval = FIRST_INTERVAL;
                } else {
                    self.interval = (self.interval * 2).min(LAST_INTERVAL);
                    if now.since(last.started) < self.interval {
                        return;
                    }
                }
            }
        }
        if self.wanted_bps <= target || !estimator.permits_probe(now) {
            return;
        }
        let target_rate = target as f64;
        let rate_bps = (self.wanted_bps as f64).clamp(target_rate * LOWEST_RATE, target_rate * HIGHEST_RATE);
        let size_bytes = (rate_bps / 8.0 * SPACING.as_secs_f64()) as usize;
        self.cluster = Some(Cluster {
            id: ClusterId(self.next_id),
            started: now,
            rate_bps,
            size_bytes: size_bytes.clamp(MIN_SIZE, MAX_SIZE),
            asked_packets: 0,
            sent_packets: 0,
            sent_bytes: 0,
        });
        self.next_id = self.next_id.wrapping_add(1);
        self.last = Some(LastProbe { started: now, target_bps: target, is_judged: false });
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn ms(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    /// An estimator at 1 Mb/s that has had feedback, so that it permits probes.
    fn estimator() -> Estimator {
        let mut estimator = Estimator::new(Config::default());
        estimator.note_sent(0, ms(0), 100, None);
        estimator.handle_arrivals(ms(50), [(0, Some(ms(20)))]);
        estimator
    }

    /// Sends all padding of the next milliseconds; returns when each packet went.
    fn run(prober: &mut Prober, from: u64, millis: u64) -> Vec<(u64, ProbePacket)> {
        let estimator = estimator();
        let mut sent = Vec::new();
        for now in from..from + millis {
            while let Some(packet) = prober.poll(ms(now), &estimator) {
                prober.note_sent(ms(now), packet.size_bytes);
                sent.push((now, packet));
            }
        }
        sent
    }

    #[test]
    fn a_probe_is_fifteen_packets_at_twice_the_target() {
        let mut prober = Prober::default();
        prober.set_wanted_bps(10_000_000);
        let sent = run(&mut prober, 1_000, 1_000);
        assert_eq!(sent.len(), 15);
        let span_ms = sent[14].0 - sent[0].0;
        let bits: usize = sent[..14].iter().map(|(_, packet)| packet.size_bytes * 8).sum();
        let rate = bits as f64 / (span_ms as f64 / 1e3);
        assert!((1.9e6..2.1e6).contains(&rate), "{rate}");
    }

    #[test]
    fn media_counts_to_the_probe_and_spares_padding() {
        let mut prober = Prober::default();
        let estimator = estimator();
        prober.set_wanted_bps(2_000_000);
        let mut padding = 0;
        let mut media = 0;
        for now in 1_000..1_200 {
            if now % 10 == 0 && prober.note_sent(ms(now), 1_200).is_some() {
                media += 1;
            }
            while let Some(packet) = prober.poll(ms(now), &estimator) {
                assert!(prober.note_sent(ms(now), packet.size_bytes).is_some());
                padding += 1;
            }
        }
        assert_eq!(media + padding, 15);
        assert!(media >= 5 && padding >= 5, "{media} {padding}");
    }

    #[test]
    fn nothing_is_probed_for_what_the_target_covers() {
        let mut prober = Prober::default();
        assert!(run(&mut prober, 0, 10_000).is_empty());
        prober.set_wanted_bps(1_000_000);
        assert!(run(&mut prober, 10_000, 10_000).is_empty());
    }

    #[test]
    fn probes_that_find_nothing_become_rare() {
        let mut prober = Prober::default();
        prober.set_wanted_bps(10_000_000);
        let sent = run(&mut prober, 0, 200_000);
        let mut starts: Vec<u64> = Vec::new();
        let mut last = None;
        for (at, packet) in sent {
            if last.replace(packet.cluster) != Some(packet.cluster) {
                starts.push(at);
            }
        }
        let gaps: Vec<u64> = starts.windows(2).map(|pair| (pair[1] - pair[0]) / 1_000).collect();
        assert_eq!(gaps, [10, 20, 40, 40, 40, 40]);
    }

    #[test]
    fn padding_that_cannot_be_sent_is_not_asked_for_without_end() {
        let mut prober = Prober::default();
        prober.set_wanted_bps(10_000_000);
        let estimator = estimator();
        let asked = (1_000..6_000)
            .map(|now| std::iter::from_fn(|| prober.poll(ms(now), &estimator)).count())
            .sum::<usize>();
        assert_eq!(asked, 15);
    }
}
