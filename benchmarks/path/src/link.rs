//! One direction of the path: losses, then a bottleneck with a queue in front of it, then the way.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What IPv4 and UDP add to a datagram.
const HEADER_BYTES: usize = 28;

pub struct Settings {
    pub bytes_per_second: f64,
    pub delay: Duration,
    pub queue_bytes: usize,
    pub loss: f64,
}

pub struct Link {
    settings: Settings,
    random: Random,
    /// When the bottleneck has sent all that it has taken.
    free_at: Instant,
    under_way: VecDeque<(Instant, Vec<u8>)>,
}

impl Link {
    pub fn new(settings: Settings, seed: u64, now: Instant) -> Link {
        Link { settings, random: Random(seed), free_at: now, under_way: VecDeque::new() }
    }

    /// Takes a datagram, or loses it.
    pub fn take(&mut self, now: Instant, datagram: &[u8]) {
        if self.random.next() < self.settings.loss {
            return;
        }
        let rate = self.settings.bytes_per_second;
        let queued_bytes = self.free_at.saturating_duration_since(now).as_secs_f64() * rate;
        let bytes = datagram.len() + HEADER_BYTES;
        if queued_bytes + bytes as f64 > self.settings.queue_bytes as f64 {
            return;
        }
        self.free_at = self.free_at.max(now) + Duration::from_secs_f64(bytes as f64 / rate);
        self.under_way.push_back((self.free_at + self.settings.delay, datagram.to_vec()));
    }

    /// When the next one arrives.
    pub fn next_at(&self) -> Option<Instant> {
        self.under_way.front().map(|(at, _)| *at)
    }

    /// One that has arrived.
    pub fn arrived(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.next_at()? > now {
            return None;
        }
        self.under_way.pop_front().map(|(_, datagram)| datagram)
    }
}

/// splitmix64.
struct Random(u64);

impl Random {
    /// From 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: [u8; 1_222] = [0; 1_222];

    fn link(queue_bytes: usize, loss: f64, now: Instant) -> Link {
        let settings =
            Settings { bytes_per_second: 1.25e6, delay: Duration::from_millis(25), queue_bytes, loss };
        Link::new(settings, 1, now)
    }

    #[test]
    fn a_packet_takes_its_time_at_the_bottleneck_and_then_the_delay() {
        let now = Instant::now();
        let mut link = link(1 << 20, 0.0, now);
        link.take(now, &PACKET);
        link.take(now, &PACKET);
        assert_eq!(link.next_at(), Some(now + Duration::from_millis(26)));
        assert_eq!(link.arrived(now + Duration::from_millis(25)), None);
        assert!(link.arrived(now + Duration::from_millis(26)).is_some());
        assert_eq!(link.next_at(), Some(now + Duration::from_millis(27)));
    }

    #[test]
    fn what_the_queue_cannot_hold_is_lost() {
        let now = Instant::now();
        let mut link = link(5_000, 0.0, now);
        (0..10).for_each(|_| link.take(now, &PACKET));
        assert_eq!(link.under_way.len(), 4);
    }

    #[test]
    fn as_many_are_lost_as_was_asked_for() {
        let now = Instant::now();
        let mut link = link(usize::MAX, 0.1, now);
        (0..10_000).for_each(|_| link.take(now, &PACKET));
        assert!((8_900..9_100).contains(&link.under_way.len()), "{}", link.under_way.len());
    }
}
