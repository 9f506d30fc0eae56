//! Probes: short bursts at a higher rate, which show at once what the controller would climb to in half a minute.

use std::time::Duration;

use super::Estimator;
use crate::time::Time;

/// A probe lasts this long,
pub(super) const DURATION: Duration = Duration::from_millis(75);

/// in steps of this much: what is closer together is one burst on the way.
const STEP: Duration = Duration::from_millis(5);

/// Its rate is what is wanted, but within these multiples of the target.
const LOWEST_RATE: f64 = 1.5;
const HIGHEST_RATE: f64 = 2.0;

/// From the start of one probe to that of the next; doubled each time that one found nothing. Not without end: somebody
/// looks at a paused picture until the next one; more often, and probes would fill a slow path's queue by themselves.
const FIRST_INTERVAL: Duration = Duration::from_secs(5);
const LAST_INTERVAL: Duration = Duration::from_secs(20);

/// By how much the target must have grown for a probe to have found something.
const SUCCESS: f64 = 1.1;

/// A probe that is not sent by then is given up.
const MAX_DURATION: Duration = Duration::from_millis(200);

/// Which probe a packet belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClusterId(pub(super) u32);

#[derive(Clone, Copy, Debug)]
struct Cluster {
    id: ClusterId,
    started: Time,
    bytes_per_second: f64,
    sent_bytes: usize,
    /// Padding that was asked for and has not been sent since. If it cannot be, the probe just stays thinner.
    asked_bytes: usize,
}

impl Cluster {
    fn bytes(&self) -> usize {
        self.sent_bytes + self.asked_bytes
    }

    fn total_bytes(&self) -> usize {
        (self.bytes_per_second * DURATION.as_secs_f64()) as usize
    }

    /// What should have left by now, the step that begins included.
    fn goal_bytes(&self, now: Time) -> usize {
        let passed = (now.since(self.started) + STEP).min(DURATION);
        (self.bytes_per_second * passed.as_secs_f64()) as usize
    }

    /// When the next step begins after what is on its way.
    fn due(&self) -> Time {
        self.started + Duration::from_secs_f64(self.bytes() as f64 / self.bytes_per_second)
    }

    fn is_over(&self, now: Time) -> bool {
        self.bytes() >= self.total_bytes() || now.since(self.started) >= MAX_DURATION
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
        if cluster.sent_bytes >= cluster.total_bytes() || now.since(cluster.started) >= MAX_DURATION {
            return None;
        }
        cluster.sent_bytes += size_bytes;
        cluster.asked_bytes = cluster.asked_bytes.saturating_sub(size_bytes);
        Some(cluster.id)
    }

    /// How many bytes of padding to send now, in packets of any size, if any. Each packet, these too, must be told by
    /// `note_sent`.
    pub fn poll(&mut self, now: Time, estimator: &Estimator) -> Option<usize> {
        if self.cluster.is_some_and(|cluster| cluster.is_over(now)) {
            self.cluster = None;
        }
        if self.cluster.is_none() {
            self.start(now, estimator);
        }
        let cluster = self.cluster.as_mut()?;
        let missing = cluster.goal_bytes(now).checked_sub(cluster.bytes()).filter(|&missing| missing > 0)?;
        cluster.asked_bytes += missing;
        Some(missing)
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
        self.cluster = Some(Cluster {
            id: ClusterId(self.next_id),
            started: now,
            bytes_per_second: rate_bps / 8.0,
            sent_bytes: 0,
            asked_bytes: 0,
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

    /// Sends all padding of the next milliseconds; returns when, how much.
    fn run(prober: &mut Prober, from: u64, millis: u64) -> Vec<(u64, usize)> {
        let estimator = estimator();
        let mut sent = Vec::new();
        for now in from..from + millis {
            while let Some(bytes) = prober.poll(ms(now), &estimator) {
                prober.note_sent(ms(now), bytes);
                sent.push((now, bytes));
            }
        }
        sent
    }

    #[test]
    fn a_probe_lasts_75_ms_at_twice_the_target() {
        let mut prober = Prober::default();
        prober.set_wanted_bps(10_000_000);
        let sent = run(&mut prober, 1_000, 1_000);
        let (first, last) = (sent[0].0, sent[sent.len() - 1].0);
        assert_eq!((first, last), (1_000, 1_070));
        let bytes: usize = sent.iter().map(|(_, bytes)| bytes).sum();
        assert_eq!(bytes, 2_000_000 / 8 * 75 / 1_000);
    }

    #[test]
    fn a_probe_is_paced_also_when_asked_seldom() {
        let mut prober = Prober::default();
        prober.set_wanted_bps(10_000_000);
        let estimator = estimator();
        let mut now = ms(1_000);
        let mut bytes = 0;
        while let Some(missing) = prober.poll(now, &estimator) {
            prober.note_sent(now, missing);
            bytes += missing;
            now = prober.poll_timeout().unwrap_or(now).max(now + Duration::from_millis(20));
        }
        assert_eq!(bytes, 2_000_000 / 8 * 75 / 1_000);
        assert_eq!(now, ms(1_100));
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
                media += 1_200;
            }
            while let Some(bytes) = prober.poll(ms(now), &estimator) {
                assert!(prober.note_sent(ms(now), bytes).is_some());
                padding += bytes;
            }
        }
        let total = 2_000_000 / 8 * 75 / 1_000;
        assert!((total..total + 1_200).contains(&(media + padding)), "{media} {padding}");
        assert!(media >= 6_000 && padding >= 6_000, "{media} {padding}");
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
        let sent = run(&mut prober, 0, 100_000);
        let starts: Vec<u64> = std::iter::once(sent[0].0)
            .chain(sent.windows(2).filter(|pair| pair[1].0 - pair[0].0 > 1_000).map(|pair| pair[1].0))
            .collect();
        let gaps: Vec<u64> = starts.windows(2).map(|pair| (pair[1] - pair[0]) / 1_000).collect();
        assert_eq!(gaps, [10, 20, 20, 20, 20]);
    }

    #[test]
    fn padding_that_cannot_be_sent_is_not_asked_for_without_end() {
        let mut prober = Prober::default();
        prober.set_wanted_bps(10_000_000);
        let estimator = estimator();
        let asked: usize = (1_000..6_000)
            .flat_map(|now| {
                let prober = &mut prober;
                let estimator = &estimator;
                std::iter::from_fn(move || prober.poll(ms(now), estimator)).collect::<Vec<_>>()
            })
            .sum();
        assert_eq!(asked, 2_000_000 / 8 * 75 / 1_000);
    }
}
