//! What a transport's peer publishes: packets recognised, gaps noticed, reports written.

pub mod binding;
mod clock_offset;
mod feedback;
mod levels;
pub mod nack;
mod round_trip;
pub mod stream;

use std::sync::Arc;
use std::time::Duration;

use visavis_wire::payload::{self as format, FrameNumbers};
use visavis_wire::{ext, rtcp, rtp};

use crate::api::{Codec, Extension, Kind, ReceiveSection, TrackId};
use crate::counters::{Counter, Counters};
use crate::media::{ClockMap, ExtensionSpans, MediaPacket};
use crate::source::SILENT_AFTER;
use crate::time::Time;
use crate::twcc;
use binding::{Binding, Hints};
use clock_offset::ClockOffset;
use levels::Levels;
use round_trip::RoundTrip;
use stream::Role;

/// A media packet and where it belongs.
#[derive(Debug)]
pub struct Received {
    pub track: TrackId,
    pub kind: Kind,
    pub layer: u8,
    pub packet: Arc<MediaPacket>,
}

/// The receiving half of a transport.
#[derive(Debug)]
pub struct ReceiveSide {
    extensions: [Option<Extension>; 256],
    binding: Binding,
    feedback: Option<twcc::Recorder>,
    /// The SSRC and the CNAME by which reports name this end.
    reporter: u32,
    cname: String,
    /// The peer takes RTCP packets that are not compound (RFC 5506).
    reduced_size_rtcp: bool,
    clock_offset: ClockOffset,
    round_trip: RoundTrip,
    levels: Levels,
    next_report: Time,
    sequences: Vec<u16>,
}

impl ReceiveSide {
    pub fn new(reporter: u32, cname: String) -> ReceiveSide {
        ReceiveSide {
            extensions: [None; 256],
            binding: Binding::default(),
            feedback: None,
            reporter,
            cname,
            reduced_size_rtcp: false,
            clock_offset: ClockOffset::default(),
            round_trip: RoundTrip::default(),
            levels: Levels::default(),
            next_report: Time::ZERO,
            sequences: Vec::new(),
        }
    }

    /// Replaces what the peer may send; the tracks that ended by it are returned.
    pub fn configure(
        &mut self,
        extensions: &[(u8, Extension)],
        sections: Vec<ReceiveSection>,
        transport_cc: bool,
        reduced_size_rtcp: bool,
    ) -> Vec<TrackId> {
        self.reduced_size_rtcp = reduced_size_rtcp;
        self.extensions = [None; 256];
        for &(id, extension) in extensions {
            self.extensions[usize::from(id)] = Some(extension);
        }
        match (transport_cc, &self.feedback) {
            (true, None) => self.feedback = Some(twcc::Recorder::default()),
            (false, Some(_)) => self.feedback = None,
            _ => (),
        }
        let before: Vec<TrackId> = self.tracks().collect();
        self.binding.configure(sections);
        let ended: Vec<TrackId> =
            before.into_iter().filter(|&track| self.tracks().all(|kept| kept != track)).collect();
        self.levels.forget(&ended);
        ended
    }

    pub fn tracks(&self) -> impl Iterator<Item = TrackId> + '_ {
        self.binding.sections().iter().map(|section| section.track)
    }

    pub fn sections(&self) -> &[ReceiveSection] {
        self.binding.sections()
    }

    pub fn streams(&self) -> &[stream::ReceiveStream] {
        self.binding.streams()
    }

    pub fn reduced_size_rtcp(&self) -> bool {
        self.reduced_size_rtcp
    }

    pub fn has_streams(&self) -> bool {
        !self.binding.streams().is_empty()
    }

    /// A decrypted RTP packet. None if it is no media for a subscriber: counted, with the reason.
    pub fn handle_rtp_untrusted(&mut self, now: Time, data: &[u8], counters: &Counters) -> Option<Received> {
        let Ok(packet) = rtp::Packet::parse_untrusted(data) else {
            counters.add(Counter::RtpMalformed, 1);
            return None;
        };
        let mut spans = ExtensionSpans::default();
        let mut hints = Hints::default();
        let mut level = None;
        if let Some(block) = packet.extension {
            for (id, value) in block.iter() {
                let Some(extension) = self.extensions[usize::from(id)] else { continue };
                // Both slices are of `data`.
                spans.set(extension, value.as_ptr() as usize - data.as_ptr() as usize, value.len());
                match extension {
                    Extension::Mid => hints.mid = Some(value),
                    Extension::Rid => hints.rid = Some(value),
                    Extension::RepairedRid => hints.repaired_rid = Some(value),
                    Extension::AudioLevel => level = ext::AudioLevel::from_value(value),
                    Extension::TransportCc => {
                        if let (Some(feedback), Some(sequence)) =
                            (&mut self.feedback, ext::transport_cc(value))
                        {
                            feedback.record(sequence, now);
                        }
                    }
                    _ => (),
                }
            }
        }
        let Some(index) = self.binding.bind(now, packet.ssrc, packet.payload_type, hints) else {
            counters.add(Counter::RtpUnknownSource, 1);
            return None;
        };
        let received = match self.binding.streams()[index].role {
            Role::Media => self.handle_media(now, index, &packet, spans, data),
            Role::Repair => self.handle_repair(now, index, &packet, spans, data),
        };
        let received = match received {
            Ok(received) => received?,
            Err(counter) => {
                counters.add(counter, 1);
                return None;
            }
        };
        if let Some(level) = level {
            self.levels.note(now, received.track, level);
        }
        Some(received)
    }

    fn handle_media(
        &mut self,
        now: Time,
        index: usize,
        packet: &rtp::Packet<'_>,
        spans: ExtensionSpans,
        data: &[u8],
    ) -> Result<Option<Received>, Counter> {
        let (stream, section) = self.binding.stream_mut(index);
        let payload = binding::payload(section, packet.payload_type).ok_or(Counter::RtpUnknownPayloadType)?;
        let arrival = stream.handle_packet(
            now,
            packet.sequence,
            packet.timestamp,
            payload.clock_hz,
            data.len(),
            payload.nack,
        );
        stream.payload_type = packet.payload_type;
        let (starts_key_frame, numbers) = inspect(payload.codec, packet.payload());
        if starts_key_frame && section.kind == Kind::Video {
            stream.key_frames += 1;
            stream.gaps.note_key_frame(arrival.sequence);
        }
        let end = data.len() - usize::from(packet.padding);
        Ok(Some(Received {
            track: section.track,
            kind: section.kind,
            layer: stream.layer,
            packet: Arc::new(MediaPacket {
                stream: stream.identity(),
                ssrc: stream.ssrc,
                sequence: arrival.sequence,
                timestamp: packet.timestamp,
                marker: packet.marker,
                payload_type: packet.payload_type,
                codec: payload.codec,
                clock_hz: payload.clock_hz,
                starts_key_frame,
                numbers,
                recovered: !arrival.newest,
                received: now,
                extensions: spans,
                payload_offset: packet.payload_offset as u16,
                data: data.get(..end).unwrap_or(data).into(),
            }),
        }))
    }

    /// RFC 4588 section 4: the first two bytes of the payload are the original sequence number.
    fn handle_repair(
        &mut self,
        now: Time,
        index: usize,
        packet: &rtp::Packet<'_>,
        spans: ExtensionSpans,
        data: &[u8],
    ) -> Result<Option<Received>, Counter> {
        let (repair, section) = self.binding.stream_mut(index);
        let payload = binding::repaired_payload(section, packet.payload_type)
            .ok_or(Counter::RtpUnknownPayloadType)?
            .clone();
        repair.handle_packet(now, packet.sequence, packet.timestamp, 0, data.len(), false);
        let Some((original, rest)) = packet.payload().split_first_chunk::<2>() else {
            return Ok(None); // padding only: a probe of the publisher's
        };
        if rest.is_empty() {
            return Ok(None);
        }
        let Some(media) = self.binding.repaired_by(index) else { return Err(Counter::RtpUnknownSource) };
        let (stream, section) = self.binding.stream_mut(media);
        let Some((sequence, missing)) = stream.handle_recovered(u16::from_be_bytes(*original)) else {
            return Err(Counter::RtpDuplicate);
        };
        self.round_trip.note_answer(missing.tries, now.since(missing.asked));
        let (starts_key_frame, numbers) = inspect(payload.codec, rest);
        let mut whole = Vec::with_capacity(data.len() - 2);
        whole.extend_from_slice(&data[..packet.payload_offset]);
        whole.extend_from_slice(rest);
        Ok(Some(Received {
            track: section.track,
            kind: section.kind,
            layer: stream.layer,
            packet: Arc::new(MediaPacket {
                stream: stream.identity(),
                ssrc: stream.ssrc,
                sequence,
                timestamp: packet.timestamp,
                marker: packet.marker,
                payload_type: payload.payload_type,
                codec: payload.codec,
                clock_hz: payload.clock_hz,
                starts_key_frame,
                numbers,
                recovered: true,
                received: now,
                extensions: spans,
                payload_offset: packet.payload_offset as u16,
                data: whole.into_boxed_slice(),
            }),
        }))
    }

    /// Who is heard now, and how loud.
    pub fn levels(&self, now: Time) -> impl Iterator<Item = (TrackId, i8)> + '_ {
        self.levels.heard(now)
    }

    /// A sender report of the peer's; the clock of the layer it is about.
    pub fn handle_sender_report(
        &mut self,
        now: Time,
        now_ntp: u64,
        report: &rtcp::SenderReport<'_>,
    ) -> Option<(TrackId, u8, ClockMap)> {
        let index = self.binding.find(report.ssrc)?;
        let offset = self.clock_offset.update(now, now_ntp.wrapping_sub(report.ntp) as i64);
        let (stream, section) = self.binding.stream_mut(index);
        let clock_hz = binding::payload(section, stream.payload_type)?.clock_hz;
        stream.handle_sender_report(now, report, offset, clock_hz);
        (stream.role == Role::Media).then_some((section.track, stream.layer, stream.clock?))
    }

    /// A receiver report of the peer's told the round trip.
    pub fn note_round_trip(&mut self, sample: Duration) {
        self.round_trip.add(sample);
    }

    /// Layers that began to send, or stopped, since the last call.
    pub fn take_activity(&mut self, now: Time, mut changed: impl FnMut(TrackId, u8, bool, u8)) {
        for index in 0..self.binding.streams().len() {
            let (stream, section) = self.binding.stream_mut(index);
            let active = stream.packets > 0 && now.since(stream.last_packet) < SILENT_AFTER;
            if stream.role == Role::Media && active != stream.active {
                stream.active = active;
                changed(section.track, stream.layer, active, stream.payload_type);
            }
        }
    }
}

/// The payload format of a video codec, whose packets tell where frames begin.
pub(crate) fn payload_format(codec: Codec) -> Option<format::Codec> {
    match codec {
        Codec::Vp8 => Some(format::Codec::Vp8),
        Codec::Vp9 => Some(format::Codec::Vp9),
        Codec::H264 => Some(format::Codec::H264),
        Codec::Av1 => Some(format::Codec::Av1),
        Codec::Opus | Codec::Other => None,
    }
}

/// Whether a decoder can start with this payload, and the running numbers that it has.
fn inspect(codec: Codec, payload: &[u8]) -> (bool, Option<FrameNumbers>) {
    let Some(format) = payload_format(codec) else { return (true, None) };
    (format::is_key_frame_start(format, payload), FrameNumbers::parse_untrusted(format, payload))
}
