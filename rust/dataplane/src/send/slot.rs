//! One m-line on which a subscriber receives: whatever it carries leaves as one seamless stream of its own SSRC.

use std::time::Duration;

use visavis_wire::{rtcp, rtp};

use super::packet::{Exit, Outgoing};
use super::remote_report::RemoteReport;
use super::rewriter::{Origin, Rewriter};
use crate::api::{Extension, ForwardReason, Kind, PayloadMap, SendSlot, TrackId};
use crate::media::{ClockMap, MediaPacket};
use crate::srtp::{self, SealError};
use crate::time::Time;

impl SendSlot {
    /// What tells a receiver to which m-line and encoding an SSRC belongs (RFC 8843 section 15, RFC 8852 section 3); nothing
    /// once it knows. On repairs and padding they always stand: reports are on the SSRC of media alone, and Firefox drops a packet of
    /// an SSRC it does not know, so probes would count as lost.
    fn names(&self, known: bool, rid: Extension) -> [(Extension, &[u8]); 2] {
        let (mid, encoding) =
            if known { ("", "") } else { (&*self.mid, self.rid.as_deref().unwrap_or_default()) };
        [(Extension::Mid, mid.as_bytes()), (rid, encoding.as_bytes())]
    }
}

/// What became of a packet that a slot was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Sent; its size on the wire.
    Sent(usize),
    /// The ladder, or the state of the stream, says no.
    Dropped,
    /// It needs a key frame of the layer first.
    NeedsKeyFrame,
    /// It could not be sealed: it came too late, or the key is used up.
    Unsealable(SealError),
}

#[derive(Debug)]
struct Repair {
    stream: srtp::SealStream,
    sequence: u16,
}

/// One sending m-line.
#[derive(Debug)]
pub struct Slot {
    pub config: SendSlot,
    pub track: Option<TrackId>,
    payloads: Vec<PayloadMap>,
    pub rewriter: Rewriter,
    stream: Option<srtp::SealStream>,
    repair: Option<Repair>,
    /// With which repairs begin under the next keys.
    repair_sequence: u16,
    /// The layer that the ladder allows.
    pub target: Option<u8>,
    current: Option<(u8, u64)>,
    pub reason: ForwardReason,
    pub reported: Option<(Option<u8>, ForwardReason)>,
    /// The subscriber has shown by a report that it knows the SSRC; MID need not be sent any more (RFC 8843 section 15).
    pub known: bool,
    pub packets: u64,
    pub octets: u64,
    /// Of video.
    pub frames: u64,
    pub key_frames: u64,
    pub repaired_packets: u64,
    pub repaired_octets: u64,
    pub nacks: u64,
    pub plis: u64,
    pub remote: RemoteReport,
    clock_hz: u32,
    payload_type: u8,
}

impl Slot {
    pub fn new(config: SendSlot) -> Slot {
        Slot {
            config,
            track: None,
            payloads: Vec::new(),
            rewriter: Rewriter::default(),
            stream: None,
            repair: None,
            repair_sequence: 1,
            target: None,
            current: None,
            reason: ForwardReason::NoTrack,
            reported: None,
            known: false,
            packets: 0,
            octets: 0,
            frames: 0,
            key_frames: 0,
            repaired_packets: 0,
            repaired_octets: 0,
            nacks: 0,
            plis: 0,
            remote: RemoteReport::default(),
            clock_hz: 0,
            payload_type: 0,
        }
    }

    /// Begins this slot's streams under the session's keys; they last as long as the slot, or these keys.
    pub fn open_streams(&mut self, srtp: &mut srtp::Sender) {
        if self.stream.is_none() {
            self.stream = srtp.open_stream(self.config.ssrc).ok();
        }
        // Retransmission may be agreed on later than the slot.
        if self.repair.is_none() {
            let sequence = self.repair_sequence;
            self.repair = self
                .config
                .rtx_ssrc
                .and_then(|ssrc| srtp.open_stream(ssrc).ok())
                .map(|stream| Repair { stream, sequence });
        }
    }

    /// The keys are gone. Sequence numbers go on, as the streams are the same to the peer's RTP.
    pub fn close_streams(&mut self) {
        self.stream = None;
        if let Some(repair) = self.repair.take() {
            self.repair_sequence = repair.sequence;
        }
    }

    pub fn route(&mut self, track: Option<TrackId>, payloads: Vec<PayloadMap>) {
        if self.track != track {
            self.current = None;
            self.known = false;
        }
        self.track = track;
        self.payloads = payloads;
    }

    /// The layer that leaves now.
    pub fn current_layer(&self) -> Option<u8> {
        self.current.map(|(layer, _)| layer)
    }

    /// Which stream leaves now, by the identity that its packets have.
    pub fn current_stream(&self) -> Option<(u8, u64)> {
        self.current
    }

    pub fn set_target(&mut self, target: Option<u8>, reason: ForwardReason) {
        self.target = target;
        self.reason = reason;
        if target.is_none() {
            self.current = None;
        }
    }

    /// What is forwarded and why, as it is told to Python.
    pub fn outcome(&self) -> (Option<u8>, ForwardReason) {
        match (self.target, self.current) {
            (Some(_), None) => (None, ForwardReason::WaitingForKeyFrame),
            (Some(_), Some((layer, _))) => (Some(layer), ForwardReason::Ok),
            (None, _) => (None, self.reason),
        }
    }

    /// Waits for a key frame of this layer.
    pub fn awaits(&self, layer: u8) -> bool {
        self.target == Some(layer) && self.current_layer() != Some(layer)
    }

    /// Offers a packet of the routed track.
    pub fn forward(
        &mut self,
        exit: &mut Exit<'_>,
        srtp: &srtp::Sender,
        layer: u8,
        packet: &MediaPacket,
    ) -> Verdict {
        let Some(payload) = self.payload_for(packet.payload_type) else { return Verdict::Dropped };
        let Some(track) = self.track else { return Verdict::Dropped };
        if self.current == Some((layer, packet.stream)) && self.rewriter.is_leap(packet) {
            self.current = None;
        }
        let place = if self.current == Some((layer, packet.stream)) {
            if packet.payload().is_empty() && self.rewriter.skip(packet) {
                return Verdict::Dropped;
            }
            self.rewriter.place(exit.now, packet)
        } else if let Some(place) = self.rewriter.place_late(track, layer, packet) {
            // Of the source before: what it lost last still fills its gap.
            Some(place)
        } else if self.target != Some(layer) {
            None
        } else if !packet.starts_key_frame {
            return Verdict::NeedsKeyFrame;
        } else {
            self.current = Some((layer, packet.stream));
            self.rewriter.start(exit.now, track, layer, packet);
            self.rewriter.place(exit.now, packet)
        };
        let Some(place) = place else { return Verdict::Dropped };
        (self.clock_hz, self.payload_type) = (packet.clock_hz, payload.to);
        let Some(stream) = &mut self.stream else { return Verdict::Dropped };
        let header = rtp::HeaderWriter {
            marker: packet.marker,
            payload_type: payload.to,
            sequence: place.sequence as u16,
            timestamp: place.timestamp,
            ssrc: self.config.ssrc,
            ..rtp::HeaderWriter::default()
        };
        let names = self.config.names(self.known, Extension::Rid);
        let outgoing =
            Outgoing { header, names, prefix: &[], packet, shift: place.shift, in_order: place.newest };
        match exit.send(srtp, stream, &outgoing) {
            Ok(size) => {
                self.packets += 1;
                self.octets += packet.payload().len() as u64;
                if self.config.kind == Kind::Video {
                    self.frames += u64::from(packet.marker);
                    self.key_frames += u64::from(packet.starts_key_frame);
                }
                Verdict::Sent(size)
            }
            Err(error) => Verdict::Unsealable(error),
        }
    }

    /// Sends again, by RTX (RFC 4588), the packet that left under `sequence`; its size on the wire, None where RTX was not agreed on.
    pub fn repeat(
        &mut self,
        exit: &mut Exit<'_>,
        srtp: &srtp::Sender,
        packet: &MediaPacket,
        sequence: u16,
        origin: Origin,
    ) -> Option<usize> {
        let payload_type = self.payload_for(packet.payload_type)?.to_rtx?;
        let repair = self.repair.as_mut()?;
        let header = rtp::HeaderWriter {
            marker: packet.marker,
            payload_type,
            sequence: repair.sequence,
            timestamp: packet.timestamp.wrapping_add(origin.timestamp_offset),
            ssrc: repair.stream.ssrc(),
            ..rtp::HeaderWriter::default()
        };
        let original = sequence.to_be_bytes();
        let names = self.config.names(false, Extension::RepairedRid);
        let outgoing =
            Outgoing { header, names, prefix: &original, packet, shift: origin.shift, in_order: true };
        let size = exit.send(srtp, &mut repair.stream, &outgoing).ok()?;
        repair.sequence = repair.sequence.wrapping_add(1);
        self.repaired_packets += 1;
        self.repaired_octets += packet.payload().len() as u64;
        Some(size)
    }

    /// Whether padding can leave on its RTX stream. A slot that waits to be used again has no payload type for it.
    pub fn can_pad(&self) -> bool {
        self.repair.is_some() && self.padding_payload_type().is_some()
    }

    /// That of what was sent last, or else of anything that may be.
    fn padding_payload_type(&self) -> Option<u8> {
        let mut payloads = self.payloads.iter();
        let payload = if self.packets > 0 {
            payloads.find(|payload| payload.to == self.payload_type)
        } else {
            payloads.find(|payload| payload.to_rtx.is_some())
        };
        payload?.to_rtx
    }

    /// Sends padding on the RTX stream, to find out what the path carries; its size on the wire.
    pub fn pad(&mut self, exit: &mut Exit<'_>, srtp: &srtp::Sender) -> Option<usize> {
        let payload_type = self.padding_payload_type()?;
        let repair = self.repair.as_mut()?;
        let header = rtp::HeaderWriter {
            payload_type,
            sequence: repair.sequence,
            timestamp: 0,
            ssrc: repair.stream.ssrc(),
            has_padding: true,
            ..rtp::HeaderWriter::default()
        };
        let names = self.config.names(false, Extension::RepairedRid);
        let size = exit.send_padding(srtp, &mut repair.stream, &header, names).ok()?;
        repair.sequence = repair.sequence.wrapping_add(1);
        Some(size)
    }

    fn payload_for(&self, payload_type: u8) -> Option<PayloadMap> {
        self.payloads.iter().find(|payload| payload.from == payload_type).copied()
    }

    /// Writes a sender report with the CNAME (RFC 3550 section 6.4.1), once something was sent.
    pub fn write_report(&self, now: Time, ntp: u64, clock: Option<&ClockMap>, out: &mut Vec<u8>) {
        if self.packets == 0 {
            return;
        }
        let Some(timestamp) = self.rewriter.timestamp_at(now, ntp, clock, self.clock_hz) else { return };
        let (packets, octets) = (self.packets as u32, self.octets as u32);
        rtcp::write_sender_report(out, self.config.ssrc, ntp, timestamp, packets, octets, &[]);
        rtcp::write_sdes_cname(out, self.config.ssrc, &self.config.cname);
    }

    pub fn is_video(&self) -> bool {
        self.config.kind == Kind::Video
    }

    /// The streams that the subscriber has got something of: both, as an end of one says nothing of the other (RFC 4588
    /// section 6.1).
    pub fn sent_ssrcs(&self) -> impl Iterator<Item = u32> {
        let streams = self.stream.iter().chain(self.repair.as_ref().map(|repair| &repair.stream));
        streams.filter(|stream| stream.last().is_some()).map(srtp::SealStream::ssrc)
    }

    /// The SSRC of the stream or of its retransmissions.
    pub fn has_ssrc(&self, ssrc: u32) -> bool {
        self.config.ssrc == ssrc || self.config.rtx_ssrc == Some(ssrc)
    }

    /// What the subscriber tells of the slot's stream; the round trip, if that can be known from it.
    pub fn handle_report(&mut self, block: &rtcp::ReportBlock, now_ntp: u64) -> Option<Duration> {
        if block.ssrc != self.config.ssrc {
            return None;
        }
        self.known = true;
        self.remote.update(block, now_ntp)
    }

    pub fn clock_hz(&self) -> u32 {
        self.clock_hz
    }

    pub fn payload_type(&self) -> u8 {
        self.payload_type
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use visavis_wire::payload::NumberShift;

    use super::*;
    use crate::api::{Extension, SlotId, SocketId};
    use crate::ice::Path;
    use crate::srtp::{Profile, Sender};
    use crate::transmit::TransmitQueue;

    fn config(rtx_ssrc: Option<u32>) -> SendSlot {
        SendSlot {
            slot: SlotId(0),
            mid: "0".to_owned(),
            rid: None,
            kind: Kind::Video,
            ssrc: 1,
            rtx_ssrc,
            cname: "name".to_owned(),
        }
    }

    fn exit<'a>(
        ids: &'a [u8; Extension::COUNT],
        transmits: &'a mut TransmitQueue,
        transport_sequence: &'a mut u64,
    ) -> Exit<'a> {
        Exit {
            now: Time::ZERO,
            ntp: 0,
            path: Path { socket: SocketId(0), peer: SocketAddr::from(([127, 0, 0, 1], 1)) },
            extension_ids: ids,
            transmits,
            transport_sequence,
            bandwidth: None,
        }
    }

    /// Routes a track to the slot, and forwards its first packet by the exit.
    fn forward_a_packet(slot: &mut Slot, exit: &mut Exit<'_>, sender: &Sender) -> MediaPacket {
        slot.route(Some(TrackId(1)), vec![PayloadMap { from: 96, to: 98, to_rtx: Some(99) }]);
        slot.set_target(Some(0), ForwardReason::Ok);
        let mut packet =
            std::sync::Arc::into_inner(crate::cache::tests::packet(70_000, Time::ZERO, 100)).unwrap();
        packet.starts_key_frame = true;
        assert!(matches!(slot.forward(exit, sender, 0, &packet), Verdict::Sent(_)));
        packet
    }

    fn carry_a_packet(slot: &mut Slot, sender: &Sender) {
        let (mut transmits, mut sequence) = (TransmitQueue::default(), 1);
        forward_a_packet(slot, &mut exit(&[0; Extension::COUNT], &mut transmits, &mut sequence), sender);
    }

    fn sender() -> Sender {
        Sender::new(Profile::AeadAes128Gcm, &[1; 16], &[2; 12]).unwrap()
    }

    #[test]
    fn a_slot_that_waits_to_be_used_again_takes_no_probes() {
        let (mut slot, mut sender) = (Slot::new(config(Some(2))), sender());
        slot.open_streams(&mut sender);
        assert!(!slot.can_pad(), "nothing is routed yet");
        carry_a_packet(&mut slot, &sender);
        assert!(slot.can_pad());
        slot.route(None, Vec::new());
        assert!(!slot.can_pad());
    }

    #[test]
    fn retransmission_that_is_agreed_on_later_than_the_slot_begins_then() {
        let (mut slot, mut sender) = (Slot::new(config(None)), sender());
        slot.open_streams(&mut sender);
        carry_a_packet(&mut slot, &sender);
        assert!(!slot.can_pad());
        slot.config = config(Some(2));
        slot.open_streams(&mut sender);
        assert!(slot.can_pad());
    }

    #[test]
    fn repairs_and_padding_name_their_m_line_even_when_the_receiver_knows_the_media() {
        let (mut slot, mut sender) = (Slot::new(config(Some(2))), sender());
        slot.open_streams(&mut sender);
        let mut ids = [0; Extension::COUNT];
        ids[Extension::Mid as usize] = 4;
        let mut named = |send: &mut dyn FnMut(&mut Slot, &mut Exit<'_>)| {
            let (mut transmits, mut sequence) = (TransmitQueue::default(), 1);
            send(&mut slot, &mut exit(&ids, &mut transmits, &mut sequence));
            let datagram = transmits.bytes(&transmits.entries()[0]);
            // One-byte elements (RFC 8285 section 4.2): id 4, one byte.
            datagram[12..].starts_with(&[0xbe, 0xde, 0, 1, 4 << 4, b'0'])
        };
        let mut sent = None;
        assert!(named(&mut |slot, exit| sent = Some(forward_a_packet(slot, exit, &sender))));
        let mut packet = sent.unwrap();
        packet.sequence += 1;
        assert!(!named(&mut |slot, exit| {
            slot.known = true;
            assert!(matches!(slot.forward(exit, &sender, 0, &packet), Verdict::Sent(_)));
        }));
        let origin = Origin {
            track: TrackId(1),
            layer: 0,
            sequence: packet.sequence,
            timestamp_offset: 0,
            shift: NumberShift::default(),
        };
        assert!(named(&mut |slot, exit| {
            slot.repeat(exit, &sender, &packet, 1, origin).unwrap();
        }));
        assert!(named(&mut |slot, exit| {
            slot.pad(exit, &sender).unwrap();
        }));
    }
}
