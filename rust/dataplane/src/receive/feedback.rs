//! What a publisher is told: gaps, arrivals, reports, requests for key frames (RFC 3550 section 6.4.2, RFC 4585).

use std::time::Duration;

use visavis_wire::rtcp;

use super::stream::Role;
use super::{ReceiveSide, binding};
use crate::api::{Kind, TrackId};
use crate::counters::{Counter, Counters};
use crate::time::Time;

/// Between two receiver reports (RFC 3550 section 6.2 allows less than 5 s; browsers send one a second).
const REPORT_INTERVAL: Duration = Duration::from_millis(1_000);

impl ReceiveSide {
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
        for blocks in blocks.chunks(rtcp::COUNT_LIMIT) {
            rtcp::write_receiver_report(out, self.reporter, blocks);
        }
        if !blocks.is_empty() {
            rtcp::write_sdes_cname(out, self.reporter, &self.cname);
        }
        !blocks.is_empty()
    }

    /// Writes what a compound packet begins with where there is nothing to report (RFC 3550 section 6.1).
    pub fn write_empty_report(&self, out: &mut Vec<u8>) {
        rtcp::write_receiver_report(out, self.reporter, &[]);
        rtcp::write_sdes_cname(out, self.reporter, &self.cname);
    }

    /// Writes transport-wide feedback when it is due.
    pub fn write_feedback(&mut self, now: Time, out: &mut Vec<u8>) -> bool {
        let media = self.binding.streams().first().map_or(0, |stream| stream.ssrc);
        self.feedback.as_mut().is_some_and(|feedback| feedback.poll_feedback(now, out, self.reporter, media))
    }
}

#[cfg(test)]
mod tests {
    use visavis_wire::rtp;

    use super::*;
    use crate::api::{Codec, ReceiveSection};

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
        side.configure(&[], vec![section], false, false);
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
