//! Probes: short bursts at a higher rate, which show at once what the controller would climb to in half a minute.

use std::time::Duration;

use super::Estimator;
use super::cluster::{Cluster, ClusterId};
use crate::time::Time;

/// Its rate is what is wanted, but within these multiples of the target: up to three times where this is a guess, and then
/// six times and so on.
const LOWEST_RATE: f64 = 1.5;
const HIGHEST_RATE: f64 = 2.0;
const HIGHEST_FIRST_RATE: f64 = 3.0;

/// The guess is put to the test as soon as this part of it is wanted.
const FIRST_SHARE: f64 = 0.25;

/// So much of what is wanted is looked for as long as the path has room: with less, the first hiccup would cost a picture.
const HEADROOM: f64 = 1.5;

/// With less, too few packets would be sent to tell anything.
const LEAST_BPS: f64 = 250e3;

/// From the start of a probe that found the limit, or nothing, to that of the next; doubled each time. Not without end:
/// somebody looks at a paused picture until the next one; more often, and probes would fill a slow path's queue by
/// themselves.
const FIRST_INTERVAL: Duration = Duration::from_secs(2);
const LAST_INTERVAL: Duration = Duration::from_secs(20);

/// After so long without a want, the next one begins with the first interval.
const CONTENT: Duration = Duration::from_secs(5);

/// By how much the target must have grown for a probe to have found something.
const SUCCESS: f64 = 1.1;

/// A probe of which nothing is known by then has failed: a long round trip, and the time that receivers gather.
const VERDICT_WITHIN: Duration = Duration::from_secs(1);

/// Plans probes for one transport: only while more is wanted than the target; one after the other while they find room,
/// and the less often the less they find.
#[derive(Debug)]
pub struct Prober {
    wanted_bps: u64,
    cluster: Option<Cluster>,
    next_number: u32,
    /// The probe that is not judged yet.
    open: Option<OpenProbe>,
    /// No probe before.
    next: Time,
    interval: Duration,
    /// Since when there is no want.
    content_since: Option<Time>,
    /// The last probe has met the path's limit, or has failed.
    is_limited: bool,
    /// Nothing was heard of the probe before: its feedback may be lost.
    is_unheard: bool,
    /// No probe has been heard of yet.
    is_guess: bool,
}

/// A probe that is not judged yet.
#[derive(Clone, Copy, Debug)]
struct OpenProbe {
    id: ClusterId,
    started: Time,
    target_bps: u64,
}

impl Default for Prober {
    fn default() -> Prober {
        Prober {
            wanted_bps: 0,
            cluster: None,
            next_number: 0,
            open: None,
            next: Time::ZERO,
            interval: FIRST_INTERVAL,
            content_since: None,
            is_limited: false,
            is_unheard: false,
            is_guess: true,
        }
    }
}

impl Prober {
    /// What all streams that the subscriber should have would need together.
    pub fn set_wanted_bps(&mut self, wanted_bps: u64) {
        self.wanted_bps = wanted_bps;
    }

    /// A packet was sent, media or padding; gives the probe that it counts to.
    pub fn note_sent(&mut self, now: Time, size_bytes: usize) -> Option<ClusterId> {
        self.cluster.as_mut()?.take(now, size_bytes)
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
        self.cluster.as_mut()?.ask(now)
    }

    /// When to call `poll` next for the running probe. The next probe needs no deadline: any later call starts it.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.cluster.map(|cluster| cluster.due())
    }

    /// Judges the last probe, and when the next one may begin; false while nothing is known of it.
    fn judge(&mut self, now: Time, estimator: &Estimator) -> bool {
        let Some(open) = self.open else { return true };
        let finding = estimator.finding(open.id);
        if finding.is_none() && now.since(open.started) < VERDICT_WITHIN {
            return false;
        }
        self.open = None;
        let grown = estimator.target_bps() as f64 >= open.target_bps as f64 * SUCCESS;
        self.is_limited =
            !(grown || open.id.tries_guess) || finding.is_none_or(|finding| finding.is_saturated);
        self.is_guess &= finding.is_none();
        let was_unheard = std::mem::replace(&mut self.is_unheard, finding.is_none());
        if !self.is_limited {
            (self.next, self.interval) = (now, FIRST_INTERVAL);
        } else if self.is_unheard && !was_unheard {
            self.next = now;
        } else {
            self.next = open.started + self.interval;
            self.interval = (self.interval * 2).min(LAST_INTERVAL);
        }
        true
    }

    fn start(&mut self, now: Time, estimator: &Estimator) {
        let target = estimator.target_bps();
        if !self.judge(now, estimator) {
            return;
        }
        let target_rate = target as f64;
        let mut id = ClusterId { number: self.next_number, bytes: 0, tries_guess: self.is_guess };
        let (least_wanted, lowest, highest) = if id.tries_guess {
            (target_rate * FIRST_SHARE, 1.0, HIGHEST_FIRST_RATE)
        } else {
            (target_rate, LOWEST_RATE, HIGHEST_RATE)
        };
        let wanted = self.wanted_bps as f64 * if self.is_limited { 1.0 } else { HEADROOM };
        if wanted <= least_wanted {
            self.content_since.get_or_insert(now);
            return;
        }
        if self.content_since.take().is_some_and(|since| now.since(since) >= CONTENT) {
            (self.next, self.interval) = (now, FIRST_INTERVAL);
        }
        if now < self.next || !estimator.permits_probe(now) {
            return;
        }
        let rate_bps = wanted.clamp(target_rate * lowest, target_rate * highest);
        id.bytes = (rate_bps.max(LEAST_BPS) / 8.0 * id.duration().as_secs_f64()).ceil() as u32;
        self.cluster = Some(Cluster::new(id, now));
        self.next_number = self.next_number.wrapping_add(1);
        self.open = Some(OpenProbe { id, started: now, target_bps: target });
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

    /// One whose first probe, a short one, is long ago.
    fn prober() -> Prober {
        Prober { is_guess: false, ..Prober::default() }
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
    fn a_probe_lasts_75_ms_at_twice_the_target_and_the_first_one_30_ms_at_three_times() {
        for (mut prober, duration_ms, bps) in [(prober(), 75, 2_000_000), (Prober::default(), 30, 3_000_000)]
        {
            prober.set_wanted_bps(10_000_000);
            let sent = run(&mut prober, 1_000, 1_000);
            let (first, last) = (sent[0].0, sent[sent.len() - 1].0);
            assert_eq!((first, last), (1_000, 995 + duration_ms));
            let bytes: usize = sent.iter().map(|(_, bytes)| bytes).sum();
            assert_eq!(bytes as u64, bps / 8 * duration_ms / 1_000);
        }
    }

    #[test]
    fn a_probe_is_paced_also_when_asked_seldom() {
        let mut prober = prober();
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
        let mut prober = prober();
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
        prober.is_guess = false;
        prober.set_wanted_bps(666_000);
        assert!(run(&mut prober, 10_000, 10_000).is_empty());
        prober.is_limited = true;
        prober.set_wanted_bps(1_000_000);
        assert!(run(&mut prober, 20_000, 10_000).is_empty());
    }

    #[test]
    fn the_guess_that_a_transport_starts_with_is_put_to_the_test() {
        let mut prober = Prober::default();
        prober.set_wanted_bps(150_000);
        assert!(run(&mut prober, 0, 10_000).is_empty());
        prober.set_wanted_bps(500_000);
        let bytes: usize = run(&mut prober, 10_000, 900).iter().map(|(_, bytes)| bytes).sum();
        assert_eq!(bytes, 1_000_000 / 8 * 30 / 1_000);
    }

    /// When the probes of a time began, in seconds.
    fn starts(prober: &mut Prober, from: u64, millis: u64) -> Vec<u64> {
        let sent = run(prober, from, millis);
        let begins = |at: usize| at == 0 || sent[at].0 - sent[at - 1].0 > 500;
        (0..sent.len()).filter(|&at| begins(at)).map(|at| sent[at].0 / 1_000).collect()
    }

    #[test]
    fn probes_that_find_nothing_become_rare_until_another_want_begins() {
        let mut prober = prober();
        prober.set_wanted_bps(10_000_000);
        assert_eq!(starts(&mut prober, 0, 75_000), [0, 1, 3, 7, 15, 31, 51, 71]);
        // All is there for a moment only: the same want.
        prober.set_wanted_bps(0);
        assert_eq!(starts(&mut prober, 75_000, 1_000), [0; 0]);
        prober.set_wanted_bps(10_000_000);
        assert_eq!(starts(&mut prober, 76_000, 30_000), [91]);
        prober.set_wanted_bps(0);
        assert_eq!(starts(&mut prober, 106_000, 6_000), [0; 0]);
        prober.set_wanted_bps(10_000_000);
        assert_eq!(starts(&mut prober, 112_000, 10_000), [112, 114, 118]);
    }

    #[test]
    fn one_probe_follows_the_other_while_they_find_room() {
        let mut prober = prober();
        let mut estimator = estimator();
        prober.set_wanted_bps(4_600_000);
        let mut begun: Vec<(ClusterId, u64, u64)> = Vec::new();
        let mut sequence = 1;
        for now in 1_000..3_000 {
            let mut arrivals = Vec::new();
            while let Some(bytes) = prober.poll(ms(now), &estimator) {
                let cluster = prober.note_sent(ms(now), bytes).expect("it is the probe's");
                if begun.last().is_none_or(|&(of, ..)| of != cluster) {
                    begun.push((cluster, now, estimator.target_bps() / 1_000_000));
                }
                estimator.note_sent(sequence, ms(now), bytes, Some(cluster));
                arrivals.push((sequence as u16, Some(ms(now + 20))));
                sequence += 1;
            }
            estimator.handle_arrivals(ms(now + 40), arrivals);
        }
        let rounds: Vec<u64> = begun.iter().map(|&(.., megabits)| megabits).collect();
        assert_eq!(rounds, [1, 2, 4], "{begun:?}");
        assert!(begun[2].1 < 1_200, "{begun:?}");
        let target = estimator.target_bps();
        assert!((6_800_000..7_000_000).contains(&target), "{target}: what is wanted and a half more");
    }

    #[test]
    fn padding_that_cannot_be_sent_is_not_asked_for_without_end() {
        let mut prober = prober();
        prober.set_wanted_bps(10_000_000);
        let estimator = estimator();
        let asked: usize = (1_000..1_900)
            .flat_map(|now| {
                let prober = &mut prober;
                let estimator = &estimator;
                std::iter::from_fn(move || prober.poll(ms(now), estimator)).collect::<Vec<_>>()
            })
            .sum();
        assert_eq!(asked, 2_000_000 / 8 * 75 / 1_000);
    }
}
