//! A browser's part of a call, without a browser: ICE controlling, SRTP with keys that were given, media out and in.

pub mod checks;
pub mod inbound;
pub mod outbound;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use visavis_dataplane::Time;
use visavis_dataplane::api::{GivenKeys, Kind};
use visavis_dataplane::ice::Credentials;
use visavis_dataplane::{srtp, twcc};
use visavis_wire::kind::{PacketKind, classify};
use visavis_wire::{ext, rtcp, rtp};

use crate::network::{Datagram, Node};
use crate::random::Random;
use checks::Checks;
use inbound::{Inbound, Line};
use outbound::{Encoding, Outbound, Way};

/// Header extensions, numbered as Chromium does.
pub mod extension_id {
    pub const AUDIO_LEVEL: u8 = 1;
    pub const SEND_TIME: u8 = 2;
    pub const TRANSPORT_CC: u8 = 3;
    pub const MID: u8 = 4;
    pub const RID: u8 = 10;
    pub const REPAIRED_RID: u8 = 11;
}

const REPORT_INTERVAL: Duration = Duration::from_millis(1_000);

/// Payload types as this peer negotiated them.
#[derive(Clone, Copy, Debug)]
pub struct Codecs {
    pub audio_payload_type: u8,
    pub video_payload_type: u8,
    pub rtx_payload_type: u8,
}

impl Default for Codecs {
    fn default() -> Codecs {
        Codecs { audio_payload_type: 111, video_payload_type: 96, rtx_payload_type: 97 }
    }
}

impl Codecs {
    pub fn payload_type(&self, kind: Kind) -> u8 {
        match kind {
            Kind::Audio => self.audio_payload_type,
            Kind::Video => self.video_payload_type,
        }
    }

    pub fn clock_hz(&self, kind: Kind) -> u32 {
        match kind {
            Kind::Audio => 48_000,
            Kind::Video => 90_000,
        }
    }
}

/// What a peer is made with.
#[derive(Clone, Debug)]
pub struct PeerConfig {
    pub server: SocketAddr,
    pub address: SocketAddr,
    pub local: Credentials,
    pub remote: Credentials,
    pub keys: GivenKeys,
    pub codecs: Codecs,
    pub cname: String,
    /// What its wall clock, NTP, shows at `Time::ZERO`.
    pub ntp_at_zero: u64,
}

/// One fake browser.
#[derive(Debug)]
pub struct Peer {
    pub checks: Checks,
    pub codecs: Codecs,
    pub outbound: Vec<Outbound>,
    pub inbound: Vec<Inbound>,
    /// Datagrams that could not be opened, or belong nowhere.
    pub strange: u64,
    /// SRTP that was seen before; the network's duplicates.
    pub replayed: u64,
    /// Transport-wide feedback from the server: packets told of as arrived, and as not.
    pub feedback: (u64, u64),
    pub feedback_sent: u64,
    sender: srtp::Sender,
    receiver: srtp::Receiver,
    recorder: twcc::Recorder,
    /// Whether transport-wide feedback is sent.
    pub gives_feedback: bool,
    /// Streams that the server said have ended.
    pub farewells: Vec<u32>,
    /// Whether RTCP packets that are not compound (RFC 5506) were agreed to; how many came.
    pub takes_reduced_size_rtcp: bool,
    pub reduced_size_rtcp: u64,
    transport_sequence: u16,
    cname: String,
    ntp_at_zero: u64,
    next_report: Time,
    own_ssrc: u32,
    random: Random,
    out: VecDeque<Datagram>,
}

impl Peer {
    pub fn new(config: PeerConfig, mut random: Random) -> Peer {
        let PeerConfig { server, address, local, remote, keys, codecs, cname, ntp_at_zero } = config;
        let half = |key: &[u8]| keys.profile.split_key(key).map(|(key, salt)| (key.to_vec(), salt.to_vec()));
        let (own, theirs) =
            half(&keys.local).zip(half(&keys.remote)).expect("the keys are as long as they must be");
        Peer {
            checks: Checks::new(server, local, remote, address, random.next_u64()),
            codecs,
            outbound: Vec::new(),
            inbound: Vec::new(),
            strange: 0,
            replayed: 0,
            feedback: (0, 0),
            feedback_sent: 0,
            sender: srtp::Sender::new(keys.profile, &own.0, &own.1).expect("the keys fit the profile"),
            receiver: srtp::Receiver::new(keys.profile, &theirs.0, &theirs.1)
                .expect("the keys fit the profile"),
            recorder: twcc::Recorder::default(),
            gives_feedback: true,
            farewells: Vec::new(),
            takes_reduced_size_rtcp: true,
            reduced_size_rtcp: 0,
            transport_sequence: 0xff80,
            cname,
            ntp_at_zero,
            next_report: Time::ZERO,
            own_ssrc: random.next_u64() as u32 | 1,
            random,
            out: VecDeque::new(),
        }
    }

    /// Sends this from now on, as soon as the peer is connected.
    pub fn publish(&mut self, now: Time, encoding: Encoding) {
        let outbound = Outbound::new(encoding, &mut self.sender, now).expect("an SSRC is used once");
        self.outbound.push(outbound);
    }

    pub fn change_ssrc(&mut self, index: usize, ssrc: u32) {
        self.outbound[index].change_ssrc(ssrc, &mut self.sender);
    }

    pub fn expect(&mut self, line: Line) {
        self.inbound.push(Inbound::new(line));
    }

    fn ntp(&self, now: Time) -> u64 {
        self.ntp_at_zero.wrapping_add(((u128::from(now.as_nanos()) << 32) / 1_000_000_000) as u64)
    }

    /// Sends RTCP of the caller's making, sealed as it must be.
    pub fn send_rtcp(&mut self, mut packet: Vec<u8>) {
        self.sender.seal_rtcp(&mut packet, 0).expect("the packet is RTCP");
        self.send(packet);
    }

    fn send(&mut self, data: Vec<u8>) {
        let (from, to) = (self.checks.nominated(), self.checks.server());
        self.out.push_back(Datagram { from, to, data });
    }

    fn handle_rtp(&mut self, now: Time, data: &mut [u8]) {
        let Ok(header) = rtp::Header::peek_untrusted(data) else { return self.strange += 1 };
        let length = match self.receiver.open_rtp_untrusted(data, header.length) {
            Ok((length, _)) => length,
            Err(srtp::OpenError::Replayed) => return self.replayed += 1,
            Err(_) => return self.strange += 1,
        };
        let Ok(packet) = rtp::Packet::parse_untrusted(&data[..length]) else { return self.strange += 1 };
        if let Some(number) = packet.extension(extension_id::TRANSPORT_CC).and_then(ext::transport_cc) {
            self.recorder.record(number, now);
        }
        let line = self
            .inbound
            .iter_mut()
            .find(|inbound| inbound.line.ssrc == packet.ssrc || inbound.line.rtx_ssrc == Some(packet.ssrc));
        match line {
            Some(inbound) => inbound.handle_rtp(now, &packet, &self.codecs),
            None => self.strange += 1,
        }
    }

    fn handle_rtcp(&mut self, now: Time, data: &mut [u8]) {
        let length = match self.receiver.open_rtcp_untrusted(data) {
            Ok(length) => length,
            Err(srtp::OpenError::Replayed) => return self.replayed += 1,
            Err(_) => return self.strange += 1,
        };
        let mut packets = Vec::new();
        self.reduced_size_rtcp += u64::from(!is_compound(&data[..length]));
        for packet in rtcp::packets_untrusted(&data[..length]) {
            match packet {
                Ok(rtcp::Packet::SenderReport(report)) => {
                    if let Some(inbound) =
                        self.inbound.iter_mut().find(|inbound| inbound.line.ssrc == report.ssrc)
                    {
                        inbound.handle_sender_report(now, report.ntp, report.rtp);
                    }
                }
                Ok(rtcp::Packet::Nack(nack)) => {
                    let mut way = Way {
                        srtp: &self.sender,
                        codecs: &self.codecs,
                        transport_sequence: &mut self.transport_sequence,
                        out: &mut packets,
                    };
                    let asked =
                        self.outbound.iter_mut().find(|outbound| outbound.encoding.ssrc == nack.media_ssrc);
                    if let Some(outbound) = asked {
                        outbound.handle_nack(nack.lost(), &mut way);
                    }
                }
                Ok(rtcp::Packet::Pli { media_ssrc, .. }) => self.handle_key_frame_request(now, media_ssrc),
                Ok(rtcp::Packet::Fir(fir)) => {
                    fir.entries().for_each(|(ssrc, _)| self.handle_key_frame_request(now, ssrc))
                }
                Ok(rtcp::Packet::TransportFeedback(feedback)) => {
                    for (_, arrival) in feedback.arrivals() {
                        match arrival {
                            Some(_) => self.feedback.0 += 1,
                            None => self.feedback.1 += 1,
                        }
                    }
                }
                Ok(rtcp::Packet::Bye(bye)) => self.farewells.extend(bye.ssrcs()),
                Ok(_) => (),
                Err(_) => self.strange += 1,
            }
        }
        packets.into_iter().for_each(|packet| self.send(packet));
    }

    fn handle_key_frame_request(&mut self, now: Time, ssrc: u32) {
        if let Some(outbound) = self.outbound.iter_mut().find(|outbound| outbound.encoding.ssrc == ssrc) {
            outbound.handle_key_frame_request(now);
        }
    }

    fn send_frames(&mut self, now: Time) {
        let mut packets = Vec::new();
        for outbound in &mut self.outbound {
            let mut way = Way {
                srtp: &self.sender,
                codecs: &self.codecs,
                transport_sequence: &mut self.transport_sequence,
                out: &mut packets,
            };
            outbound.handle_timeout(now, &mut way);
        }
        packets.into_iter().for_each(|packet| self.send(packet));
    }

    fn send_reports(&mut self, now: Time) {
        if now < self.next_report {
            return;
        }
        self.next_report = now + REPORT_INTERVAL;
        let ntp = self.ntp(now);
        for outbound in self.outbound.iter().filter(|outbound| outbound.packets > 0) {
            let mut report = Vec::new();
            outbound.write_report(now, ntp, &self.cname, &self.codecs, &mut report);
            self.sender.seal_rtcp(&mut report, 0).expect("a report can be sealed");
            let (from, to) = (self.checks.nominated(), self.checks.server());
            self.out.push_back(Datagram { from, to, data: report });
        }
        let blocks: Vec<_> = self.inbound.iter().filter_map(|inbound| inbound.report_block(now)).collect();
        for blocks in blocks.chunks(31) {
            let mut report = Vec::new();
            rtcp::write_receiver_report(&mut report, self.own_ssrc, blocks);
            self.send_rtcp(report);
        }
    }

    fn send_feedback(&mut self, now: Time) {
        let mut feedback = Vec::new();
        for inbound in &mut self.inbound {
            inbound.write_feedback(now, self.own_ssrc, &mut feedback);
        }
        let media = self.inbound.first().map_or(0, |inbound| inbound.line.ssrc);
        let told = self.recorder.poll_feedback(now, &mut feedback, self.own_ssrc, media);
        self.feedback_sent += u64::from(told);
        if !feedback.is_empty() {
            self.send_rtcp(feedback);
        }
    }
}

/// RFC 3550 section 6.1: a report comes first, and a name is there.
fn is_compound(datagram: &[u8]) -> bool {
    let mut packets = rtcp::packets_untrusted(datagram).map_while(Result::ok);
    let reported =
        matches!(packets.next(), Some(rtcp::Packet::SenderReport(_) | rtcp::Packet::ReceiverReport(_)));
    reported && packets.any(|packet| matches!(packet, rtcp::Packet::Sdes(_)))
}

impl Node for Peer {
    fn handle_datagram_untrusted(&mut self, now: Time, mut datagram: Datagram) {
        match classify(&datagram.data) {
            PacketKind::Stun => {
                if self.checks.handle_stun(now, &datagram, &mut self.out) {
                    for outbound in &mut self.outbound {
                        outbound.next_frame = outbound.next_frame.max(now);
                    }
                }
            }
            PacketKind::Rtp => self.handle_rtp(now, &mut datagram.data),
            PacketKind::Rtcp => self.handle_rtcp(now, &mut datagram.data),
            _ => self.strange += 1,
        }
    }

    fn handle_timeout(&mut self, now: Time) {
        self.checks.handle_timeout(now, &mut self.random, &mut self.out);
        if self.checks.is_connected() {
            self.send_frames(now);
            self.send_reports(now);
        }
    }

    fn flush(&mut self, now: Time) {
        if self.checks.is_connected() {
            self.send_feedback(now);
        }
    }

    fn poll_timeout(&self) -> Option<Time> {
        let mut due = self.checks.poll_timeout();
        if self.checks.is_connected() {
            let frames = self.outbound.iter().map(|outbound| outbound.next_frame);
            let feedback = self.inbound.iter().filter_map(Inbound::poll_timeout);
            let arrivals = self.recorder.poll_timeout();
            due =
                due.into_iter().chain(frames).chain(feedback).chain(arrivals).chain([self.next_report]).min();
        }
        due
    }

    fn poll_transmit(&mut self) -> Option<Datagram> {
        self.out.pop_front()
    }
}
