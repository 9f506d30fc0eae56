//! What a transport's peer publishes: packets recognised, gaps noticed, reports written.

pub mod binding;
mod clock_offset;
pub mod nack;
mod round_trip;
pub mod stream;

use std::sync::Arc;
use std::time::Duration;

use visavis_wire::payload as format;
use visavis_wire::{ext, rtcp, rtp};

use crate::api::{Codec, Extension, Kind, ReceiveSection, TrackId};
use crate::counters::{Counter, Counters};
use crate::media::{ClockMap, ExtensionSpans, MediaPacket};
use crate::source::SILENT_AFTER;
use crate::time::Time;
use crate::twcc;
use binding::{Binding, Hints};
use clock_offset::ClockOffset;
use round_trip::RoundTrip;
use stream::Role;

/// Between two receiver reports (RFC 3550 section 6.2 allows less than 5 s; browsers send one a second).
const REPORT_INTERVAL: Duration = Duration::from_millis(1_000);
/// Who is silent for so long is not heard any more.
const LEVEL_LASTS: Duration = Duration::from_millis(500);

/// A media packet and where it belongs.
#[derive(Debug)]
pub struct Received {
    pub track: TrackId,
    pub kind: Kind,
    pub layer: u8,
    pub packet: Arc<MediaPacket>,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    track: TrackId,
    /// Smoothed, dBov.
    dbov: f32,
    heard: Time,
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
    clock_offset: ClockOffset,
    round_trip: RoundTrip,
    levels: Vec<Level>,
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
            clock_offset: ClockOffset::default(),
            round_trip: RoundTrip::default(),
            levels: Vec::new(),
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
    ) -> Vec<TrackId> {
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
        self.levels.retain(|level| !ended.contains(&level.track));
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
            self.note_level(now, received.track, level);
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
        let starts_key_frame = starts_key_frame(payload.codec, packet.payload());
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
                sequence: arrival.sequence,
                timestamp: packet.timestamp,
                marker: packet.marker,
                payload_type: packet.payload_type,
                codec: payload.codec,
                clock_hz: payload.clock_hz,
                starts_key_frame,
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
        let mut whole = Vec::with_capacity(data.len() - 2);
        whole.extend_from_slice(&data[..packet.payload_offset]);
        whole.extend_from_slice(rest);
        Ok(Some(Received {
            track: section.track,
            kind: section.kind,
            layer: stream.layer,
            packet: Arc::new(MediaPacket {
                stream: stream.identity(),
                sequence,
                timestamp: packet.timestamp,
                marker: packet.marker,
                payload_type: payload.payload_type,
                codec: payload.codec,
                clock_hz: payload.clock_hz,
                starts_key_frame: starts_key_frame(payload.codec, rest),
                recovered: true,
                received: now,
                extensions: spans,
                payload_offset: packet.payload_offset as u16,
                data: whole.into_boxed_slice(),
            }),
        }))
    }

    fn note_level(&mut self, now: Time, track: TrackId, level: ext::AudioLevel) {
        let dbov = -f32::from(level.level);
        match self.levels.iter_mut().find(|known| known.track == track) {
            Some(known) => {
                // Rises at once, falls over some ten packets, as a meter does.
                let weight = if dbov > known.dbov { 0.5 } else { 0.1 };
                known.dbov += (dbov - known.dbov) * weight;
                known.heard = now;
            }
            None => self.levels.push(Level { track, dbov, heard: now }),
        }
    }

    /// Who is heard now, and how loud.
    pub fn levels(&self, now: Time) -> impl Iterator<Item = (TrackId, i8)> + '_ {
        self.levels
            .iter()
            .filter(move |level| now.since(level.heard) < LEVEL_LASTS)
            .map(|level| (level.track, level.dbov as i8))
    }

    /// A sender report of the peer's; the clock of the layer it is about.
    pub fn handle_sender_report(
        &mut self,
        now: Time,
        now_ntp: u64,
        ssrc: u32,
        ntp: u64,
        timestamp: u32,
    ) -> Option<(TrackId, u8, ClockMap)> {
        let index = self.binding.find(ssrc)?;
        let offset = self.clock_offset.update(now, now_ntp.wrapping_sub(ntp) as i64);
        let (stream, section) = self.binding.stream_mut(index);
        let clock_hz = binding::payload(section, stream.payload_type)?.clock_hz;
        stream.handle_sender_report(now, ntp, timestamp, offset, clock_hz);
        (stream.role == Role::Media).then_some((section.track, stream.layer, stream.clock?))
    }

    /// A receiver report of the peer's told the round trip.
    pub fn note_round_trip(&mut self, sample: Duration) {
        self.round_trip.add(sample);
    }

    /// Writes the NACKs that are due. Layers whose gaps cannot be closed any more are given to `torn`: they need a key
    /// frame.
    pub fn write_nacks(
        &mut self,
        now: Time,
        out: &mut Vec<u8>,
        counters: &Counters,
        mut torn: impl FnMut(TrackId, u8),
    ) {
        let retry = self.round_trip.retry();
        for index in 0..self.binding.streams().len() {
            let sequences = &mut self.sequences;
            let (stream, section) = self.binding.stream_mut(index);
            if stream.gaps.is_empty() {
                continue;
            }
            sequences.clear();
            if !stream.gaps.collect(now, retry, sequences) && section.kind == Kind::Video {
                torn(section.track, stream.layer);
            }
            if !sequences.is_empty() {
                rtcp::write_nack(out, self.reporter, stream.ssrc, sequences);
                stream.nacks_sent += 1;
                counters.add(Counter::NackSent, 1);
            }
        }
    }

    /// When the next gap is due to be asked for.
    pub fn nack_due(&self) -> Option<Time> {
        self.binding.streams().iter().filter_map(|stream| stream.gaps.due()).min()
    }

    /// The stream of a layer, once there is one.
    fn media_stream(&self, track: TrackId, layer: u8) -> Option<usize> {
        self.binding.streams().iter().position(|stream| {
            stream.role == Role::Media
                && stream.layer == layer
                && self.binding.sections()[stream.section].track == track
        })
    }

    /// Whether there is a stream of which a key frame can be asked for.
    pub fn has_layer(&self, track: TrackId, layer: u8) -> bool {
        self.media_stream(track, layer).is_some()
    }

    /// Writes a request for a key frame of a layer, by the means that were agreed on; false if there is none.
    pub fn write_key_frame_request(
        &mut self,
        track: TrackId,
        layer: u8,
        sequence: u8,
        out: &mut Vec<u8>,
    ) -> bool {
        let Some(index) = self.media_stream(track, layer) else { return false };
        let (stream, section) = self.binding.stream_mut(index);
        let Some(payload) = binding::payload(section, stream.payload_type) else { return false };
        if payload.pli {
            rtcp::write_pli(out, self.reporter, stream.ssrc);
        } else if payload.fir {
            rtcp::write_fir(out, self.reporter, &[(stream.ssrc, sequence)]);
        } else {
            return false;
        }
        stream.plis_sent += 1;
        true
    }

    /// Writes the receiver report when it is due, with the CNAME that each compound packet has (RFC 3550 section 6.1).
    pub fn write_report(&mut self, now: Time, out: &mut Vec<u8>) -> bool {
        if now < self.next_report || self.binding.streams().is_empty() {
            return false;
        }
        self.next_report = now + REPORT_INTERVAL;
        let blocks: Vec<_> =
            self.binding.streams_mut().iter_mut().filter_map(|stream| stream.report_block(now)).collect();
        // The count of a report's blocks has five bits.
        for blocks in blocks.chunks(31) {
            rtcp::write_receiver_report(out, self.reporter, blocks);
        }
        if !blocks.is_empty() {
            rtcp::write_sdes_cname(out, self.reporter, &self.cname);
        }
        !blocks.is_empty()
    }

    /// Writes transport-wide feedback when it is due.
    pub fn write_feedback(&mut self, now: Time, out: &mut Vec<u8>) -> bool {
        let media = self.binding.streams().first().map_or(0, |stream| stream.ssrc);
        self.feedback.as_mut().is_some_and(|feedback| feedback.poll_feedback(now, out, self.reporter, media))
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

fn starts_key_frame(codec: Codec, payload: &[u8]) -> bool {
    let codec = match codec {
        Codec::Vp8 => format::Codec::Vp8,
        Codec::Vp9 => format::Codec::Vp9,
        Codec::H264 => format::Codec::H264,
        Codec::Av1 => format::Codec::Av1,
        Codec::Opus | Codec::Other => return true,
    };
    format::is_key_frame_start(codec, payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A side that receives audio of payload type 111 on one m-line.
    fn side() -> ReceiveSide {
        let mut side = ReceiveSide::new(7, "a-name-of-its-own".to_owned());
        let opus = crate::api::Payload {
            payload_type: 111,
            codec: Codec::Opus,
            clock_hz: 48_000,
            rtx_payload_type: None,
            nack: false,
            pli: false,
            fir: false,
        };
        let section = ReceiveSection {
            track: TrackId(1),
            mid: "0".to_owned(),
            kind: Kind::Audio,
            payloads: vec![opus],
            ssrcs: vec![(1, None)],
            rids: Vec::new(),
        };
        side.configure(&[], vec![section], false);
        side
    }

    #[test]
    fn a_receiver_report_names_its_author() {
        let mut side = side();
        let header = rtp::HeaderWriter { payload_type: 111, ssrc: 1, ..rtp::HeaderWriter::default() };
        let mut packet = Vec::new();
        header.write(&mut packet, std::iter::empty());
        packet.extend_from_slice(&[1, 2, 3]);
        assert!(side.handle_rtp_untrusted(Time::ZERO, &packet, &Counters::default()).is_some());
        let mut out = Vec::new();
        assert!(side.write_report(Time::ZERO, &mut out));
        let mut packets = rtcp::packets_untrusted(&out);
        assert!(matches!(packets.next(), Some(Ok(rtcp::Packet::ReceiverReport(report))) if report.ssrc == 7));
        assert!(matches!(packets.next(), Some(Ok(rtcp::Packet::Sdes(_)))));
        assert!(out.windows(17).any(|window| window == b"a-name-of-its-own"));
    }
}
