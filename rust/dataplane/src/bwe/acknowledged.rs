//! The bitrate that arrives.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Time;

/// The bitrate is that of the last half second of arrivals,
const WINDOW: Duration = Duration::from_millis(500);

/// once they span this much.
const SHORTEST: Duration = Duration::from_millis(150);

/// The most packets that the window keeps; more of them just shorten it.
const CAPACITY: usize = 4096;

/// Measures over the receiver's clock.
#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    arrivals: VecDeque<(Time, usize)>,
    bytes: usize,
    bitrate_bps: Option<u64>,
}

impl Acknowledged {
    /// Takes packets in the order of their arrival.
    pub(super) fn add(&mut self, arrival: Time, size_bytes: usize) {
        if let Some(&(last, _)) = self.arrivals.back()
            && (arrival < last || arrival.since(last) > WINDOW)
        {
            // Silence is no measurement; nor is an arrival before the last one, which a feedback before told of.
            if arrival < last {
                return;
            }
            self.arrivals.clear();
            self.bytes = 0;
        }
        self.arrivals.push_back((arrival, size_bytes));
        self.bytes += size_bytes;
        while let Some(&(oldest, size_bytes)) = self.arrivals.front()
            && (arrival.since(oldest) > WINDOW || self.arrivals.len() > CAPACITY)
        {
            self.arrivals.pop_front();
            self.bytes -= size_bytes;
        }
        self.measure(arrival);
    }

    /// The bytes after the first packet took the time since it.
    fn measure(&mut self, now: Time) {
        let Some(&(oldest, first_bytes)) = self.arrivals.front() else { return };
        let span = now.since(oldest);
        if span >= SHORTEST {
            let bits = (self.bytes - first_bytes) as f64 * 8.0;
            self.bitrate_bps = Some((bits / span.as_secs_f64()).round() as u64);
        }
    }

    /// The last measurement; `None` before the first.
    pub(super) fn bitrate_bps(&self) -> Option<u64> {
        self.bitrate_bps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_has_its_bitrate() {
        let mut acknowledged = Acknowledged::default();
        for packet in 0..8 {
            acknowledged.add(Time::from_millis(packet * 20), 1_000);
            assert_eq!(acknowledged.bitrate_bps(), None);
        }
        for packet in 8..200 {
            acknowledged.add(Time::from_millis(packet * 20), 1_000);
            assert_eq!(acknowledged.bitrate_bps(), Some(400_000));
        }
    }

    #[test]
    fn a_new_bitrate_is_reached_in_half_a_second() {
        let mut acknowledged = Acknowledged::default();
        for packet in 0..50 {
            acknowledged.add(Time::from_millis(packet * 20), 1_000);
        }
        for packet in 0..55 {
            acknowledged.add(Time::from_millis(1_000 + packet * 10), 1_000);
        }
        assert_eq!(acknowledged.bitrate_bps(), Some(800_000));
    }

    #[test]
    fn silence_does_not_count_as_a_low_bitrate() {
        let mut acknowledged = Acknowledged::default();
        for packet in 0..50 {
            acknowledged.add(Time::from_millis(packet * 20), 1_000);
        }
        acknowledged.add(Time::from_millis(60_000), 1_000);
        assert_eq!(acknowledged.bitrate_bps(), Some(400_000));
    }
}
