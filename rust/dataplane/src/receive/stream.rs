//! One SSRC of a publisher: its statistics and its gaps (RFC 3550 section 6.4.1 and appendix A).

use std::time::Duration;

use visavis_wire::rtcp::{self, ReportBlock};

use super::nack::{Missing, NackGenerator};
use crate::media::ClockMap;
use crate::sequence::Unwrapper;
use crate::time::Time;

/// What an SSRC carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Media,
    /// Retransmissions (RFC 4588).
    Repair,
}

/// Where a packet stands in its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    pub sequence: u64,
    /// It is the newest so far.
    pub newest: bool,
}

/// The last report of the stream's sender.
#[derive(Clone, Copy, Debug)]
pub struct SenderReport {
    /// By the sender's clock.
    pub ntp: u64,
    pub packets: u32,
    pub octets: u32,
    arrived: Time,
}

/// The receiving state of one SSRC.
#[derive(Debug)]
pub struct ReceiveStream {
    pub ssrc: u32,
    pub section: usize,
    pub layer: u8,
    pub role: Role,
    pub gaps: NackGenerator,
    /// Tells the publisher's clock, from its sender reports.
    pub clock: Option<ClockMap>,
    pub packets: u64,
    pub bytes: u64,
    pub recovered: u64,
    pub duplicates: u64,
    pub nacks_sent: u64,
    pub plis_sent: u64,
    pub key_frames: u64,
    pub payload_type: u8,
    pub last_packet: Time,
    /// Packets came lately; told to Python.
    pub active: bool,
    unwrapper: Unwrapper,
    first: Option<u64>,
    reported_expected: u64,
    reported_packets: u64,
    jitter_ticks: f64,
    last_transit: Option<i64>,
    pub sender_report: Option<SenderReport>,
    pub sender_reports: u64,
}

impl ReceiveStream {
    pub fn new(ssrc: u32, section: usize, layer: u8, role: Role) -> ReceiveStream {
        ReceiveStream {
            ssrc,
            section,
            layer,
            role,
            gaps: NackGenerator::default(),
            clock: None,
            packets: 0,
            bytes: 0,
            recovered: 0,
            duplicates: 0,
            nacks_sent: 0,
            plis_sent: 0,
            key_frames: 0,
            payload_type: 0,
            last_packet: Time::ZERO,
            active: false,
            unwrapper: Unwrapper::default(),
            first: None,
            reported_expected: 0,
            reported_packets: 0,
            jitter_ticks: 0.0,
            last_transit: None,
            sender_report: None,
            sender_reports: 0,
        }
    }

    /// The stream begins now, perhaps in the place of another SSRC: its extended numbers lie above all that came before.
    pub fn starting(mut self, now: Time, previous: Option<&ReceiveStream>) -> ReceiveStream {
        self.unwrapper = Unwrapper::starting(now, previous.and_then(|previous| previous.unwrapper.highest()));
        self
    }

    /// Tells this stream from others of its layer, earlier and later ones of the same SSRC too.
    pub fn identity(&self) -> u64 {
        self.unwrapper.base()
    }

    /// A packet of this SSRC came from the network. `nack`: gaps may be asked for again.
    pub fn handle_packet(
        &mut self,
        now: Time,
        sequence: u16,
        timestamp: u32,
        clock_hz: u32,
        size: usize,
        nack: bool,
    ) -> Arrival {
        let highest = self.unwrapper.highest();
        let sequence = self.unwrapper.unwrap(sequence);
        let newest = highest.is_none_or(|highest| sequence > highest);
        self.packets += 1;
        self.bytes += size as u64;
        self.last_packet = now;
        let first = self.first.get_or_insert(sequence);
        *first = (*first).min(sequence);
        match highest {
            Some(highest) if newest && nack => self.gaps.note_gap(now, highest, sequence),
            Some(_) if !newest => _ = self.gaps.note_arrival(sequence),
            _ => (),
        }
        if newest && clock_hz > 0 {
            self.measure_jitter(now, timestamp, clock_hz);
        }
        Arrival { sequence, newest }
    }

    /// A packet of this stream came by another SSRC: its number, and what was known of its absence; None if it is not one
    /// that could be missing.
    pub fn handle_recovered(&mut self, sequence: u16) -> Option<(u64, Missing)> {
        self.unwrapper.highest()?;
        let sequence = self.unwrapper.peek(sequence);
        let Some(missing) = self.gaps.note_arrival(sequence) else {
            self.duplicates += 1;
            return None;
        };
        self.recovered += 1;
        Some((sequence, missing))
    }

    /// RFC 3550 section 6.4.1, in timestamp units.
    fn measure_jitter(&mut self, now: Time, timestamp: u32, clock_hz: u32) {
        let arrival = (u128::from(now.as_nanos()) * u128::from(clock_hz) / 1_000_000_000) as u32;
        let transit = i64::from(arrival.wrapping_sub(timestamp) as i32);
        if let Some(last) = self.last_transit.replace(transit) {
            let difference = (transit - last).unsigned_abs().min(u64::from(clock_hz)) as f64;
            self.jitter_ticks += (difference - self.jitter_ticks) / 16.0;
        }
    }

    pub fn jitter_ticks(&self) -> u32 {
        self.jitter_ticks as u32
    }

    /// A sender report of this SSRC. `offset_ntp` is what must be added to its clock to have this machine's.
    pub fn handle_sender_report(
        &mut self,
        now: Time,
        report: &rtcp::SenderReport<'_>,
        offset_ntp: i64,
        clock_hz: u32,
    ) {
        let &rtcp::SenderReport { ntp, rtp: timestamp, packets, octets, .. } = report;
        self.sender_report = Some(SenderReport { ntp, packets, octets, arrived: now });
        self.sender_reports += 1;
        self.clock = Some(ClockMap { timestamp, ntp: ntp.wrapping_add_signed(offset_ntp), clock_hz });
    }

    fn expected(&self) -> u64 {
        match (self.first, self.unwrapper.highest()) {
            (Some(first), Some(highest)) => highest - first + 1,
            _ => 0,
        }
    }

    /// Packets that the network lost, those too that were sent again: these are another stream's (RFC 4588 section 6.2), and
    /// the loss is what tells the sender of the path's state (RFC 3550 section 6.4.1). Duplicates make it less.
    pub fn lost(&self) -> i64 {
        self.expected() as i64 - self.packets as i64
    }

    /// The next report block about this stream (RFC 3550 section 6.4.1); its loss is counted from the last one on.
    pub fn report_block(&mut self, now: Time) -> Option<ReportBlock> {
        let highest = self.unwrapper.highest()?;
        let expected = self.expected();
        let expected_now = expected.saturating_sub(self.reported_expected);
        let received_now = self.packets.saturating_sub(self.reported_packets);
        (self.reported_expected, self.reported_packets) = (expected, self.packets);
        let lost_now = expected_now.saturating_sub(received_now);
        let fraction_lost = (lost_now * 256).checked_div(expected_now).unwrap_or(0).min(255) as u8;
        let (last_sr, delay) = self
            .sender_report
            .map_or((0, Duration::ZERO), |report| ((report.ntp >> 16) as u32, now.since(report.arrived)));
        Some(ReportBlock {
            ssrc: self.ssrc,
            fraction_lost,
            cumulative_lost: self.lost().clamp(-0x80_0000, 0x7f_ffff) as i32,
            highest_sequence: (highest - self.unwrapper.base()).wrapping_sub(1 << 16) as u32,
            jitter: self.jitter_ticks(),
            last_sender_report: last_sr,
            delay_since_last_sender_report: (delay.as_nanos() * 65_536 / 1_000_000_000)
                .min(u128::from(u32::MAX)) as u32,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> ReceiveStream {
        ReceiveStream::new(1, 0, 0, Role::Media)
    }

    #[test]
    fn a_report_counts_loss_since_the_last_one() {
        let mut stream = stream();
        for sequence in (0..100).filter(|sequence| sequence % 4 != 3) {
            stream.handle_packet(Time::ZERO, sequence, 0, 90_000, 100, true);
        }
        let block = stream.report_block(Time::ZERO).unwrap();
        assert_eq!((block.highest_sequence, block.cumulative_lost, block.fraction_lost), (98, 24, 62));
        for sequence in 99..200 {
            stream.handle_packet(Time::ZERO, sequence, 0, 90_000, 100, true);
        }
        let block = stream.report_block(Time::ZERO).unwrap();
        assert_eq!((block.cumulative_lost, block.fraction_lost), (24, 0));
    }

    #[test]
    fn what_comes_by_retransmission_is_taken_once_and_stays_lost_in_the_report() {
        let mut stream = stream();
        stream.handle_packet(Time::ZERO, 10, 0, 90_000, 100, true);
        stream.handle_packet(Time::ZERO, 12, 0, 90_000, 100, true);
        stream.handle_packet(Time::ZERO, 13, 0, 90_000, 100, true);
        assert!(stream.handle_recovered(11).is_some_and(|(sequence, _)| sequence == 65_536 + 11));
        assert!(stream.handle_recovered(11).is_none());
        let block = stream.report_block(Time::ZERO).unwrap();
        assert_eq!((stream.lost(), block.cumulative_lost, block.fraction_lost), (1, 1, 64));
    }

    #[test]
    fn a_steady_stream_has_no_jitter_and_an_uneven_one_has() {
        let (mut even, mut uneven) = (stream(), stream());
        for n in 0..100u32 {
            let at = Time::from_millis(u64::from(n) * 20);
            even.handle_packet(at, n as u16, n * 1_800, 90_000, 100, true);
            let late = Duration::from_millis(if n % 2 == 0 { 10 } else { 0 });
            uneven.handle_packet(at + late, n as u16, n * 1_800, 90_000, 100, true);
        }
        assert_eq!(even.jitter_ticks(), 0);
        assert!((800..=900).contains(&uneven.jitter_ticks()), "{}", uneven.jitter_ticks());
    }

    #[test]
    fn a_report_says_how_long_ago_the_senders_was() {
        let mut stream = stream();
        stream.handle_packet(Time::ZERO, 1, 0, 90_000, 100, true);
        let mut report = Vec::new();
        rtcp::write_sender_report(&mut report, 1, 0x1122_3344_5566_7788, 0, 70, 7_000, &[]);
        let Some(Ok(rtcp::Packet::SenderReport(report))) = rtcp::packets_untrusted(&report).next() else {
            panic!("a report is read as it was written");
        };
        stream.handle_sender_report(Time::from_millis(1_000), &report, 0, 90_000);
        let block = stream.report_block(Time::from_millis(1_500)).unwrap();
        assert_eq!((block.last_sender_report, block.delay_since_last_sender_report), (0x3344_5566, 32_768));
    }
}
