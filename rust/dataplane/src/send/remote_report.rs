//! What a receiver reports of a stream of ours (RFC 3550 section 6.4.1).

use std::time::Duration;

use visavis_wire::rtcp::ReportBlock;

/// The newest report.
#[derive(Clone, Copy, Debug, Default)]
pub struct RemoteReport {
    pub fraction_lost: u8,
    pub cumulative_lost: i32,
    pub jitter: u32,
    pub round_trip: Option<Duration>,
    /// Of all that were measured.
    pub total_round_trip: Duration,
    pub round_trips: u64,
}

impl RemoteReport {
    /// Takes a report that came when this machine's clock showed `now_ntp`; the round trip, if it tells one.
    pub fn update(&mut self, block: &ReportBlock, now_ntp: u64) -> Option<Duration> {
        self.fraction_lost = block.fraction_lost;
        self.cumulative_lost = block.cumulative_lost;
        self.jitter = block.jitter;
        if block.last_sender_report == 0 {
            return None;
        }
        // All in units of 1/65536 s.
        let now = (now_ntp >> 16) as u32;
        let round_trip =
            now.wrapping_sub(block.last_sender_report).wrapping_sub(block.delay_since_last_sender_report);
        // Beyond the half, the peer's delay is longer than the time that passed: no true report.
        if round_trip >= 0x8000_0000 {
            return None;
        }
        let round_trip = Duration::from_nanos(u64::from(round_trip) * 1_000_000_000 / 65_536);
        self.round_trip = Some(round_trip);
        self.total_round_trip += round_trip;
        self.round_trips += 1;
        self.round_trip
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_round_trip_is_what_passed_without_the_peers_delay() {
        let mut remote = RemoteReport::default();
        let block = ReportBlock {
            last_sender_report: 0x0005_0000,
            delay_since_last_sender_report: 0x8000,
            ..ReportBlock::default()
        };
        let at = |middle: u64| middle << 16;
        assert_eq!(remote.update(&block, at(0x0005_c000)), Some(Duration::from_millis(250)));
        assert_eq!(remote.update(&block, at(0x0005_4000)), None, "a delay longer than the time that passed");
        let none = ReportBlock::default();
        assert_eq!(remote.update(&none, at(0x0005_c000)), None, "no sender report had come");
        assert_eq!(remote.round_trip, Some(Duration::from_millis(250)));
    }
}
