//! The subscribing clients: whole ones that open every packet and report, and others that count headers.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::client::{Client, Opening};
use crate::feedback::{self, Block};
use crate::srtp::{RTP_HEADER_BYTES, TAG_BYTES};
use crate::udp::Inbox;
use crate::vp8::{self, CLOCK_HZ};
use crate::{Result, http, sdp};

const OWN_SSRC: u32 = 0x0050_B001;
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

pub struct Subscriber {
    pub client: Client,
    pub counts: Counts,
    whole: Option<Whole>,
}

/// What came, since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub received: u64,
    /// Sequence numbers jumped over, less those that came late after all.
    pub gaps: u64,
    /// Packets that a whole client could not open or read.
    pub broken: u64,
    highest: Option<u64>,
}

#[derive(Debug, Default)]
struct Whole {
    delays_ns: Vec<u64>,
    source: u32,
    /// Interarrival jitter in units of the RTP clock (RFC 3550 appendix A.8).
    jitter: f64,
    transit: Option<f64>,
    next_report: Option<Instant>,
    reported: Counts,
    last_report: Option<(u32, Instant)>,
}

#[derive(Deserialize)]
struct Offered {
    id: String,
    sdp: String,
}

impl Subscriber {
    pub fn connect(server: SocketAddr, is_whole: bool, gro: bool) -> Result<Subscriber> {
        let offered: Offered = serde_json::from_str(&http::post(server, "/subscribe", "")?)?;
        let opening = Opening::new(gro)?;
        let remote = sdp::parse(&offered.sdp)?;
        let answer = sdp::answer(&offered.sdp, &opening.local()?)?;
        http::post(server, &format!("/subscribe/{}", offered.id), &answer)?;
        let client = opening.connect(&remote)?;
        Ok(Subscriber { client, counts: Counts::default(), whole: is_whole.then(Whole::default) })
    }

    /// Takes what waits, at most one batch; gives whether more may wait.
    pub fn receive(&mut self, now: Instant, inbox: &mut Inbox) -> Result<bool> {
        let Subscriber { client, counts, whole } = self;
        let mut others = Vec::new();
        let more = inbox.receive(&client.socket, |datagram, arrival_ns| {
            match (datagram.first(), datagram.get(1)) {
                // RFC 5761 section 4: payload types 64 to 95 are RTCP.
                (Some(128..=191), Some(192..=223)) => {
                    if let Some(whole) = whole {
                        whole.handle_rtcp(datagram, client, now);
                    }
                }
                (Some(128..=191), Some(kind)) if kind & 0x7F == client.vp8_payload_type => {
                    let index = counts.count(datagram);
                    if let (Some(whole), Some(index)) = (whole.as_mut(), index) {
                        let opened = whole.handle_rtp(datagram, index, client, arrival_ns);
                        counts.broken += u64::from(opened.is_none());
                    }
                }
                _ => others.push(datagram.to_vec()),
            }
        })?;
        for datagram in others {
            client.handle_other(&datagram)?;
        }
        Ok(more)
    }

    /// Reports (whole clients) and keeps consent.
    pub fn keep_up(&mut self, now: Instant) -> Result<()> {
        self.client.handle_timeout(now)?;
        let counts = self.counts;
        let report = self.whole.as_mut().and_then(|whole| whole.report(counts, now));
        report.map_or(Ok(()), |report| self.client.send_rtcp(report))
    }

    /// The delays of the packets opened since the last call; empty for a client that only counts.
    pub fn take_delays_ns(&mut self) -> Vec<u64> {
        self.whole.as_mut().map(|whole| std::mem::take(&mut whole.delays_ns)).unwrap_or_default()
    }
}

impl Counts {
    /// Counts a packet and gives its index: roll-over counter and sequence number (RFC 3711 section 3.3.1).
    fn count(&mut self, packet: &[u8]) -> Option<u64> {
        let sequence = u16::from_be_bytes(packet.get(2..4)?.try_into().ok()?);
        self.received += 1;
        let Some(highest) = self.highest else {
            self.highest = Some(u64::from(sequence));
            return self.highest;
        };
        let ahead = i64::from(sequence.wrapping_sub(highest as u16) as i16);
        let index = highest.saturating_add_signed(ahead);
        if ahead > 0 {
            self.gaps += ahead as u64 - 1;
            self.highest = Some(index);
        } else {
            self.gaps = self.gaps.saturating_sub(1);
        }
        Some(index)
    }
}

impl Whole {
    fn handle_rtp(&mut self, packet: &mut [u8], index: u64, client: &Client, arrival_ns: u64) -> Option<()> {
        if packet.len() < RTP_HEADER_BYTES + TAG_BYTES {
            return None;
        }
        self.source = u32::from_be_bytes(packet.get(8..12)?.try_into().ok()?);
        let (begin, end) = client.receive.open_rtp(packet, (index >> 16) as u32)?;
        let sent_ns = vp8::stamp_ns(packet.get(begin..end)?)?;
        let delay_ns = arrival_ns.saturating_sub(sent_ns);
        self.delays_ns.push(delay_ns);
        let transit = delay_ns as f64 * f64::from(CLOCK_HZ) / 1e9;
        if let Some(before) = self.transit.replace(transit) {
            self.jitter += ((transit - before).abs() - self.jitter) / 16.0;
        }
        Some(())
    }

    fn handle_rtcp(&mut self, packet: &mut [u8], client: &Client, now: Instant) {
        let Some(length) = client.receive.open_rtcp(packet) else { return };
        if let Some(middle) = feedback::parse(&packet[..length]).last_report {
            self.last_report = Some((middle, now));
        }
    }

    fn report(&mut self, counts: Counts, now: Instant) -> Option<Vec<u8>> {
        let highest = counts.highest?;
        if self.next_report.is_some_and(|next| now < next) {
            return None;
        }
        self.next_report = Some(now + REPORT_INTERVAL);
        let lost = counts.gaps.saturating_sub(self.reported.gaps);
        let expected = lost + counts.received - self.reported.received;
        self.reported = counts;
        let (last_report, delay) = self
            .last_report
            .map_or((0, 0), |(middle, at)| (middle, ((now - at).as_secs_f64() * 65_536.0) as u32));
        let block = Block {
            source: self.source,
            fraction_lost: (lost * 256 / expected.max(1)).min(255) as u8,
            lost: u32::try_from(counts.gaps).unwrap_or(u32::MAX),
            highest: highest as u32,
            jitter: self.jitter as u32,
            last_report,
            delay,
        };
        Some(feedback::receiver_report(OWN_SSRC, &block))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence: u16) -> [u8; 12] {
        let [high, low] = sequence.to_be_bytes();
        [0x80, 96, high, low, 0, 0, 0, 0, 0, 0, 0, 0]
    }

    #[test]
    fn a_gap_is_counted_across_the_roll_over_and_filled_by_what_comes_late() {
        let mut counts = Counts::default();
        let indexes: Vec<_> =
            [65_534, 1, 65_535, 0].map(|sequence| counts.count(&packet(sequence)).unwrap()).into();
        assert_eq!(indexes, [65_534, 65_537, 65_535, 65_536]);
        assert_eq!((counts.received, counts.gaps), (4, 0));
        counts.count(&packet(5));
        assert_eq!(counts.gaps, 3);
    }
}
