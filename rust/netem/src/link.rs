//! One direction of an access link.

use std::time::Duration;

use visavis_dataplane::Time;

use crate::random::Random;

/// Loss in bursts: a chain of two states (Gilbert), the bad one losing all.
#[derive(Clone, Copy, Debug)]
pub struct Burst {
    /// Probability, per packet, that a burst begins.
    pub begin: f64,
    /// Probability, per packet, that it ends.
    pub end: f64,
}

/// What a link does to packets. The default is a wire without length or limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinkConfig {
    /// Bits a second; none: no limit.
    pub rate_bps: Option<u64>,
    /// What may wait for a slow link; what does not fit is dropped (drop tail). 0: a quarter of a second of its rate.
    pub queue_bytes: u64,
    pub delay: Duration,
    /// Up to so much more delay, drawn per packet. It does not reorder: a packet waits for the one before it.
    pub jitter: Duration,
    pub loss: f64,
    pub burst: Option<Burst>,
    /// Probability that a packet is overtaken by those behind it, by up to `reorder_by`.
    pub reorder: f64,
    pub reorder_by: Duration,
    pub duplicate: f64,
}

impl LinkConfig {
    pub fn delay_ms(ms: u64) -> LinkConfig {
        LinkConfig { delay: Duration::from_millis(ms), ..LinkConfig::default() }
    }

    pub fn with_loss(self, loss: f64) -> LinkConfig {
        LinkConfig { loss, ..self }
    }

    pub fn with_rate(self, bps: u64) -> LinkConfig {
        LinkConfig { rate_bps: Some(bps), ..self }
    }

    pub fn with_jitter_ms(self, ms: u64) -> LinkConfig {
        LinkConfig { jitter: Duration::from_millis(ms), ..self }
    }

    pub fn with_reordering(self, reorder: f64, by_ms: u64) -> LinkConfig {
        LinkConfig { reorder, reorder_by: Duration::from_millis(by_ms), ..self }
    }

    pub fn with_duplicates(self, duplicate: f64) -> LinkConfig {
        LinkConfig { duplicate, ..self }
    }

    pub fn with_bursts(self, begin: f64, end: f64) -> LinkConfig {
        LinkConfig { burst: Some(Burst { begin, end }), ..self }
    }
}

/// An access: from the node into the network, and back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Links {
    pub up: LinkConfig,
    pub down: LinkConfig,
}

impl Links {
    pub fn both(link: LinkConfig) -> Links {
        Links { up: link, down: link }
    }
}

/// IPv4 and UDP headers.
const OVERHEAD_BYTES: u64 = 28;

/// What became of the packets of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounts {
    pub carried: u64,
    pub lost: u64,
    pub dropped: u64,
    pub dropped_bytes: u64,
    pub reordered: u64,
    pub duplicated: u64,
}

/// A link at work.
#[derive(Debug)]
pub struct Link {
    pub config: LinkConfig,
    pub counts: LinkCounts,
    random: Random,
    busy_until: Time,
    last_arrival: Time,
    in_burst: bool,
    to_lose: u64,
}

impl Link {
    pub fn new(config: LinkConfig, random: Random) -> Link {
        Link {
            config,
            counts: LinkCounts::default(),
            random,
            busy_until: Time::ZERO,
            last_arrival: Time::ZERO,
            in_burst: false,
            to_lose: 0,
        }
    }

    /// Loses the packets that come next, so many of them.
    pub fn lose_next(&mut self, packets: u64) {
        self.to_lose = packets;
    }

    /// When a packet that enters now arrives: never, once or twice.
    pub fn carry(&mut self, now: Time, size: usize) -> [Option<Time>; 2] {
        let size = size as u64 + OVERHEAD_BYTES;
        let mut leaves = now;
        if let Some(rate) = self.config.rate_bps {
            let waiting = self.busy_until.since(now).as_nanos() as u64 / 1_000 * rate / 8_000_000;
            let room = if self.config.queue_bytes == 0 { rate / 32 } else { self.config.queue_bytes };
            if waiting + size > room.max(size) {
                self.counts.dropped += 1;
                self.counts.dropped_bytes += size;
                return [None, None];
            }
            self.busy_until = self.busy_until.max(now) + Duration::from_nanos(size * 8_000_000_000 / rate);
            leaves = self.busy_until;
        }
        if self.is_lost() {
            self.counts.lost += 1;
            return [None, None];
        }
        self.counts.carried += 1;
        let mut arrives = leaves + self.config.delay + self.draw(self.config.jitter);
        if self.random.chance(self.config.reorder) {
            self.counts.reordered += 1;
            arrives = arrives + self.draw(self.config.reorder_by);
        } else {
            arrives = arrives.max(self.last_arrival);
            self.last_arrival = arrives;
        }
        let mut second = None;
        if self.random.chance(self.config.duplicate) {
            self.counts.duplicated += 1;
            second = Some(arrives + self.draw(Duration::from_millis(5)));
        }
        [Some(arrives), second]
    }

    fn is_lost(&mut self) -> bool {
        if self.to_lose > 0 {
            self.to_lose -= 1;
            return true;
        }
        match self.config.burst {
            Some(burst) => {
                let turns = if self.in_burst { burst.end } else { burst.begin };
                self.in_burst ^= self.random.chance(turns);
            }
            None => self.in_burst = false,
        }
        self.in_burst || self.random.chance(self.config.loss)
    }

    fn draw(&mut self, most: Duration) -> Duration {
        match u64::try_from(most.as_nanos()) {
            Ok(nanos) if nanos > 0 => Duration::from_nanos(self.random.below(nanos)),
            _ => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(config: LinkConfig) -> Link {
        Link::new(config, Random::new(1))
    }

    #[test]
    fn a_slow_link_takes_its_time_for_each_packet() {
        let mut link = link(LinkConfig::delay_ms(10).with_rate(1_000_000));
        assert_eq!(link.carry(Time::ZERO, 97)[0], Some(Time::from_millis(11)));
        assert_eq!(link.carry(Time::ZERO, 97)[0], Some(Time::from_millis(12)));
    }

    #[test]
    fn what_does_not_fit_the_queue_is_dropped() {
        let mut link = link(LinkConfig { queue_bytes: 2_500, ..LinkConfig::default() }.with_rate(1_000_000));
        let arrived = (0..10).filter(|_| link.carry(Time::ZERO, 972)[0].is_some()).count();
        assert_eq!((arrived, link.counts.dropped), (2, 8));
        assert!(link.carry(Time::from_millis(8), 972)[0].is_some());
    }

    #[test]
    fn jitter_alone_keeps_the_order_and_reordering_breaks_it() {
        let arrivals = |config: LinkConfig| {
            let mut link = link(config);
            (0..1_000).filter_map(|n| link.carry(Time::from_millis(n), 100)[0]).collect::<Vec<_>>()
        };
        assert!(arrivals(LinkConfig::delay_ms(20).with_jitter_ms(30)).is_sorted());
        assert!(!arrivals(LinkConfig::delay_ms(20).with_reordering(0.1, 30)).is_sorted());
    }

    #[test]
    fn bursts_lose_packets_in_a_row() {
        let mut link = link(LinkConfig::default().with_bursts(0.01, 0.2));
        let lost: Vec<bool> =
            (0..20_000).map(|n| link.carry(Time::from_millis(n), 100)[0].is_none()).collect();
        let in_a_row = lost.windows(2).filter(|pair| pair[0] && pair[1]).count();
        let all = lost.iter().filter(|&&lost| lost).count();
        assert!((500..1_500).contains(&all), "{all}");
        assert!(in_a_row * 10 > all * 7, "{in_a_row} of {all}");
    }
}
