//! The packets of one published stream that may be asked for again: one cache, shared by all subscribers.

use std::sync::Arc;
use std::time::Duration;

use crate::media::MediaPacket;
use crate::time::Time;

/// Bounded in packets, bytes and time; the oldest go first.
#[derive(Debug)]
pub struct PacketCache {
    slots: Vec<Option<Arc<MediaPacket>>>,
    bytes: usize,
    oldest: u64,
    newest: u64,
    max_bytes: usize,
    max_age: Duration,
}

impl PacketCache {
    /// `capacity` is rounded up to a power of two.
    pub fn new(capacity: usize, max_bytes: usize, max_age: Duration) -> PacketCache {
        let slots = vec![None; capacity.next_power_of_two()];
        PacketCache { slots, bytes: 0, oldest: 0, newest: 0, max_bytes, max_age }
    }

    fn position(&self, sequence: u64) -> usize {
        (sequence as usize) & (self.slots.len() - 1)
    }

    /// The lowest number that has a place beside `newest`.
    fn first_possible(&self) -> u64 {
        (self.newest + 1).saturating_sub(self.slots.len() as u64)
    }

    /// Keeps a packet; false for a duplicate. One that is too old to have a place is not kept.
    pub fn insert(&mut self, packet: Arc<MediaPacket>) -> bool {
        if self.bytes == 0 {
            self.oldest = packet.sequence;
            self.newest = packet.sequence;
        }
        self.newest = self.newest.max(packet.sequence);
        self.make_place();
        if packet.sequence < self.first_possible() {
            return true;
        }
        let position = self.position(packet.sequence);
        if self.slots[position].is_some() {
            return false;
        }
        self.oldest = self.oldest.min(packet.sequence);
        self.bytes += packet.data.len();
        self.slots[position] = Some(packet);
        while self.bytes > self.max_bytes && self.oldest < self.newest {
            self.drop_oldest();
        }
        true
    }

    /// Drops what lies more than the ring's length before the newest.
    fn make_place(&mut self) {
        let first = self.first_possible();
        if first.saturating_sub(self.oldest) >= self.slots.len() as u64 {
            self.slots.fill(None);
            self.bytes = 0;
            self.oldest = first;
        }
        while self.oldest < first {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let position = self.position(self.oldest);
        if let Some(kept) = self.slots[position].take_if(|kept| kept.sequence == self.oldest) {
            self.bytes -= kept.data.len();
        }
        self.oldest += 1;
    }

    /// A packet that is young enough to be sent again.
    pub fn get(&self, now: Time, sequence: u64) -> Option<&Arc<MediaPacket>> {
        self.slots[self.position(sequence)]
            .as_ref()
            .filter(|kept| kept.sequence == sequence && now.since(kept.received) <= self.max_age)
    }

    /// Lets go of what is too old to be sent again.
    pub fn expire(&mut self, now: Time) {
        while self.bytes > 0 && self.oldest <= self.newest {
            let position = self.position(self.oldest);
            let young = self.slots[position]
                .as_ref()
                .is_some_and(|kept| kept.sequence == self.oldest && now.since(kept.received) <= self.max_age);
            if young {
                return;
            }
            self.drop_oldest();
        }
    }

    /// What is here of the packets after `sequence`, oldest first.
    pub fn after(&self, sequence: u64) -> impl Iterator<Item = &Arc<MediaPacket>> {
        (self.oldest.max(sequence + 1)..=self.newest).filter_map(|sequence| {
            self.slots[self.position(sequence)].as_ref().filter(|kept| kept.sequence == sequence)
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::api::Codec;
    use crate::media::ExtensionSpans;

    pub(crate) fn packet(sequence: u64, at: Time, size: usize) -> Arc<MediaPacket> {
        Arc::new(MediaPacket {
            stream: 1,
            ssrc: 1,
            sequence,
            timestamp: 0,
            marker: false,
            payload_type: 96,
            codec: Codec::Vp8,
            clock_hz: 90_000,
            starts_key_frame: false,
            numbers: None,
            recovered: false,
            received: at,
            extensions: ExtensionSpans::default(),
            payload_offset: 12,
            data: vec![0; size].into_boxed_slice(),
        })
    }

    fn contains(cache: &PacketCache, sequence: u64) -> bool {
        cache.get(Time::ZERO, sequence).is_some()
    }

    fn cache() -> PacketCache {
        PacketCache::new(64, 10_000, Duration::from_secs(1))
    }

    #[test]
    fn a_packet_is_found_until_it_is_too_old() {
        let mut cache = cache();
        assert!(cache.insert(packet(70_000, Time::ZERO, 100)));
        assert!(cache.get(Time::from_millis(1_000), 70_000).is_some());
        assert!(cache.get(Time::from_millis(1_001), 70_000).is_none());
        cache.expire(Time::from_millis(1_001));
        assert_eq!(cache.bytes, 0);
        assert!(!contains(&cache, 70_000));
    }

    #[test]
    fn a_duplicate_is_told() {
        let mut cache = cache();
        assert!(cache.insert(packet(70_000, Time::ZERO, 100)));
        assert!(!cache.insert(packet(70_000, Time::ZERO, 100)));
        assert_eq!(cache.bytes, 100);
    }

    #[test]
    fn bytes_stay_within_their_bound_and_the_oldest_go_first() {
        let mut cache = cache();
        for sequence in 0..50 {
            cache.insert(packet(70_000 + sequence, Time::ZERO, 1_000));
        }
        assert_eq!(cache.bytes, 10_000);
        assert!(!contains(&cache, 70_039));
        assert!(contains(&cache, 70_040));
        assert!(contains(&cache, 70_049));
    }

    #[test]
    fn a_jump_over_the_whole_ring_loses_no_account_of_bytes() {
        let mut cache = cache();
        for sequence in [0, 3, 63, 64, 1_000, 1_001, 950, 500, 90_000, 89_990] {
            cache.insert(packet(70_000 + sequence, Time::ZERO, 500));
        }
        let kept: usize = cache.slots.iter().flatten().map(|packet| packet.data.len()).sum();
        assert_eq!(cache.bytes, kept);
        cache.expire(Time::from_millis(5_000));
        assert_eq!(cache.bytes, 0);
        assert!(cache.slots.iter().all(Option::is_none));
    }
}
