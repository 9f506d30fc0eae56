//! When the packets of a large frame leave: a key frame that goes out at once fills the queues of the path that it takes.

use std::collections::VecDeque;
use std::time::Duration;

use crate::api::Kind;
use crate::media::MediaPacket;
use crate::time::Time;

/// A frame may leave faster than the network carries on average, in halves: libwebrtc's pacer has the same factor, 2.5.
const FACTOR_HALVES: u64 = 5;
/// But nothing waits longer than this: the rate is raised for it.
const LONGEST: Duration = Duration::from_millis(500);
/// Between two times at which packets leave.
const INTERVAL: Duration = Duration::from_millis(5);
/// What may leave at once however slow the path: a small frame is not torn apart.
const BURST_BYTES: u64 = 3_600;

/// Packets of a local source that wait for their time, in their order; those of audio never do.
///
/// It holds no more than what came within the last half second.
#[derive(Debug)]
pub struct Pacer {
    kind: Kind,
    waiting: VecDeque<(u8, MediaPacket)>,
    waiting_bytes: u64,
    /// What left above what its rate allowed for.
    debt_bytes: u64,
    /// When `debt_bytes` was that.
    at: Time,
}

impl Pacer {
    pub fn new(kind: Kind) -> Pacer {
        Pacer { kind, waiting: VecDeque::new(), waiting_bytes: 0, debt_bytes: 0, at: Time::ZERO }
    }

    pub fn push(&mut self, layer: u8, packet: MediaPacket) {
        self.waiting_bytes += packet.data.len() as u64;
        self.waiting.push_back((layer, packet));
    }

    /// When `release` is to be called next; None: nothing waits.
    pub fn due(&self) -> Option<Time> {
        (!self.waiting.is_empty()).then(|| self.at + INTERVAL)
    }

    /// Appends what leaves now, on a path that carries so many bits a second; all of it if that is not known.
    pub fn release(&mut self, now: Time, estimate_bps: Option<u64>, packets: &mut Vec<(u8, MediaPacket)>) {
        let Some(estimate_bps) = estimate_bps.filter(|_| self.kind == Kind::Video) else {
            (self.waiting_bytes, self.debt_bytes, self.at) = (0, 0, now);
            packets.extend(self.waiting.drain(..));
            return;
        };
        let bytes_per_second = (estimate_bps.saturating_mul(FACTOR_HALVES) / 16).max(self.needed_rate(now));
        let earned = |time: Duration| {
            let bytes = time.as_micros() * u128::from(bytes_per_second) / 1_000_000;
            u64::try_from(bytes).unwrap_or(u64::MAX)
        };
        self.debt_bytes = self.debt_bytes.saturating_sub(earned(now.since(self.at)));
        self.at = now;
        let allowed = BURST_BYTES.max(earned(INTERVAL));
        while let Some((_, packet)) = self.waiting.front() {
            let bytes = packet.data.len() as u64;
            if self.debt_bytes + bytes > allowed {
                break;
            }
            self.debt_bytes += bytes;
            self.waiting_bytes -= bytes;
            packets.extend(self.waiting.pop_front().map(|(layer, packet)| {
                // Its age, in the cache, begins when it leaves.
                (layer, MediaPacket { received: now, ..packet })
            }));
        }
    }

    /// How many bytes a second have to leave for the last packet to have waited for [`LONGEST`].
    fn needed_rate(&self, now: Time) -> u64 {
        let Some((_, last)) = self.waiting.back() else { return 0 };
        let left = (last.received + LONGEST).since(now).as_micros().max(1);
        u64::try_from(u128::from(self.waiting_bytes) * 1_000_000 / left).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cache::tests::packet;

    fn pacer(kind: Kind, packets: u64) -> Pacer {
        let mut pacer = Pacer::new(kind);
        for sequence in 0..packets {
            let packet = packet(sequence, Time::from_millis(10_000), 1_000);
            pacer.push(0, Arc::into_inner(packet).expect("nobody else has it"));
        }
        pacer
    }

    /// When each packet leaves, in milliseconds.
    fn leaving(pacer: &mut Pacer, estimate_bps: Option<u64>) -> Vec<u64> {
        let (mut now, mut left) = (Time::from_millis(10_000), Vec::new());
        loop {
            let mut packets = Vec::new();
            pacer.release(now, estimate_bps, &mut packets);
            left.extend(packets.iter().map(|_| now.as_micros() / 1_000 - 10_000));
            match pacer.due() {
                Some(due) => now = due,
                None => return left,
            }
        }
    }

    #[test]
    fn a_large_frame_leaves_at_two_and_a_half_times_the_estimate() {
        // 40 kB at 2.5 Mbit/s.
        let left = leaving(&mut pacer(Kind::Video, 40), Some(1_000_000));
        assert_eq!(left.len(), 40);
        assert_eq!(left.iter().filter(|&&ms| ms == 0).count(), 3, "a small frame's worth at once");
        assert!((110..=130).contains(&left[39]), "{left:?}");
        assert!(left.windows(4).all(|run| run[0] < run[3]), "{left:?}");
    }

    #[test]
    fn nothing_waits_longer_than_half_a_second() {
        let left = leaving(&mut pacer(Kind::Video, 400), Some(100_000));
        assert!((450..=505).contains(&left[399]), "{left:?}");
        assert!((200..=300).contains(&left[200]), "evenly: {left:?}");
    }

    #[test]
    fn a_fast_path_and_an_unknown_one_and_audio_wait_for_nothing() {
        for (kind, estimate) in
            [(Kind::Video, Some(1_000_000_000)), (Kind::Video, None), (Kind::Audio, Some(10_000))]
        {
            assert_eq!(leaving(&mut pacer(kind, 40), estimate), [0; 40]);
        }
    }
}
