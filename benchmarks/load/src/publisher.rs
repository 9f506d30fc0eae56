//! The publishing client: packets of one size at a set rate, key frames when asked, packets again when asked.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::client::{Client, Opening};
use crate::feedback;
use crate::job::Pattern;
use crate::srtp::{RTP_HEADER_BYTES, TAG_BYTES};
use crate::udp::{Inbox, Outbox, Outgoing};
use crate::vp8::{CLOCK_HZ, PICTURE_PACKETS, Packet};
use crate::{Result, cpu, http, sdp};

const SSRC: u32 = 0x0010_AD01;
const KEPT_PACKETS: usize = 512;
const CATCH_UP_PACKETS: u64 = 64;
/// Later than this, what was missed is not made up for.
const LATE: Duration = Duration::from_millis(20);
const KEY_FRAME_INTERVAL: Duration = Duration::from_secs(2);
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

pub struct Publisher {
    pub client: Client,
    pace: Option<Pace>,
    /// Packets sent since the start; the lower 16 bits are the next sequence number.
    pub sent: u64,
    pub resent: u64,
    pub key_frames_asked: u64,
    octets: u64,
    timestamp: u32,
    key_frame_due: bool,
    is_key_frame: bool,
    next_key_frame: Instant,
    next_report: Instant,
    kept: Vec<Vec<u8>>,
    outbox: Outbox,
}

struct Pace {
    pattern: Pattern,
    interval: Duration,
    next: Instant,
}

impl Publisher {
    pub fn connect(server: SocketAddr) -> Result<Publisher> {
        let opening = Opening::new(false)?;
        let answer = http::post(server, "/publish", &sdp::offer(&opening.local()?, SSRC))?;
        let now = Instant::now();
        Ok(Publisher {
            client: opening.connect(&sdp::parse(&answer)?)?,
            pace: None,
            sent: 0,
            resent: 0,
            key_frames_asked: 0,
            octets: 0,
            timestamp: 0,
            key_frame_due: true,
            is_key_frame: false,
            next_key_frame: now,
            next_report: now,
            kept: vec![Vec::new(); KEPT_PACKETS],
            outbox: Outbox::default(),
        })
    }

    /// From `now` on, `packets_per_s` packets are due each second, in the bursts of the pattern.
    pub fn start(&mut self, pattern: Pattern, packets_per_s: f64, now: Instant) {
        let interval = Duration::from_secs_f64(pattern.burst as f64 / packets_per_s);
        self.pace = Some(Pace { pattern, interval, next: now });
    }

    pub fn stop(&mut self) {
        self.pace = None;
    }

    /// Sends what is due; gives whether that was anything.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<bool> {
        let Some(pace) = &mut self.pace else { return Ok(false) };
        if now - pace.next.min(now) > LATE {
            pace.next = now;
        }
        let first = self.sent;
        let Pattern { size_bytes, burst } = pace.pattern;
        let mut due = 0;
        while pace.next <= now && due < CATCH_UP_PACKETS {
            due += burst as u64;
            pace.next += pace.interval;
        }
        if due == 0 {
            return Ok(false);
        }
        for _ in 0..due {
            self.seal(size_bytes, now);
        }
        let kept = (first..self.sent).map(|index| self.kept[index as usize % KEPT_PACKETS].as_slice());
        let outgoing: Vec<Outgoing> =
            kept.map(|bytes| Outgoing { bytes, to: None, segment_bytes: None }).collect();
        self.outbox.send(&self.client.socket, &outgoing)?;
        Ok(true)
    }

    fn seal(&mut self, size_bytes: usize, now: Instant) {
        let stamp_ns = cpu::realtime_ns();
        if self.sent.is_multiple_of(PICTURE_PACKETS) {
            self.is_key_frame = self.key_frame_due || now >= self.next_key_frame;
            if self.is_key_frame {
                self.key_frame_due = false;
                self.next_key_frame = now + KEY_FRAME_INTERVAL;
            }
            self.timestamp = rtp_time(stamp_ns);
        }
        let packet = Packet {
            index: self.sent,
            timestamp: self.timestamp,
            ssrc: SSRC,
            is_key_frame: self.is_key_frame,
            stamp_ns,
        };
        let out = &mut self.kept[self.sent as usize % KEPT_PACKETS];
        out.resize(size_bytes + TAG_BYTES, 0);
        packet.write(out);
        self.client.send.seal_rtp(out, (self.sent >> 16) as u32);
        self.sent += 1;
        self.octets += (size_bytes - RTP_HEADER_BYTES) as u64;
    }

    /// Reads what the server says, reports, keeps consent.
    pub fn keep_up(&mut self, now: Instant, inbox: &mut Inbox) -> Result<()> {
        let Publisher { client, .. } = self;
        let mut others = Vec::new();
        let mut asked = Vec::new();
        let keys = &client.receive;
        inbox.receive(&client.socket, |datagram, _| match datagram.first() {
            Some(128..=191) => {
                if let Some(length) = keys.open_rtcp(datagram) {
                    asked.push(feedback::parse(&datagram[..length]));
                }
            }
            _ => others.push(datagram.to_vec()),
        })?;
        for datagram in others {
            client.handle_other(&datagram)?;
        }
        client.handle_timeout(now)?;
        for feedback in asked {
            if feedback.key_frame {
                self.key_frame_due = true;
                self.key_frames_asked += 1;
            }
            feedback.lost.iter().try_for_each(|sequence| self.send_again(*sequence))?;
        }
        if self.sent > 0 && now >= self.next_report {
            self.next_report = now + REPORT_INTERVAL;
            let realtime_ns = cpu::realtime_ns();
            let (packets, octets) = (self.sent as u32, self.octets as u32);
            let report = feedback::sender_report(SSRC, realtime_ns, rtp_time(realtime_ns), packets, octets);
            self.client.send_rtcp(report)?;
        }
        Ok(())
    }

    /// Without RTX a packet sent again is the same ciphertext.
    fn send_again(&mut self, sequence: u16) -> Result<()> {
        let back = (self.sent as u16).wrapping_sub(sequence);
        let kept =
            self.sent.checked_sub(u64::from(back)).filter(|_| (1..=KEPT_PACKETS as u16).contains(&back));
        let Some(index) = kept else { return Ok(()) };
        let bytes = self.kept[index as usize % KEPT_PACKETS].as_slice();
        self.outbox.send(&self.client.socket, &[Outgoing { bytes, to: None, segment_bytes: None }])?;
        self.resent += 1;
        Ok(())
    }
}

fn rtp_time(realtime_ns: u64) -> u32 {
    (u128::from(realtime_ns) * u128::from(CLOCK_HZ) / 1_000_000_000) as u32
}
