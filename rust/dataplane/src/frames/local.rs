//! A track whose frames come from this machine: what becomes of them before they are a track's packets.

use visavis_wire::payload::{FrameNumbers, opus};
use visavis_wire::rtp;

use super::OutgoingFrame;
use super::pacer::Pacer;
use super::packetiser::Packetiser;
use crate::api::{Codec, Extension, Kind, SourcePayload};
use crate::media::{ExtensionSpans, MediaPacket};
use crate::receive::payload_format;
use crate::sequence::Unwrapper;
use crate::source::MAX_LAYERS;
use crate::time::Time;

/// What went out of one layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SentFrames {
    pub frames: u64,
    pub key_frames: u64,
    pub bytes: u64,
}

#[derive(Debug)]
struct LocalLayer {
    packetiser: Packetiser,
    stream: u64,
    next_sequence: u64,
    /// Where the next frame's timestamp lies if nothing is left out before it.
    expected_timestamp: Option<u32>,
    sent: SentFrames,
}

impl LocalLayer {
    fn new(now: Time) -> LocalLayer {
        let numbers = Unwrapper::starting(now, None);
        LocalLayer {
            packetiser: Packetiser::new((numbers.base() >> 16) as u16),
            stream: numbers.base(),
            next_sequence: numbers.peek(0),
            expected_timestamp: None,
            sent: SentFrames::default(),
        }
    }
}

/// The state of a local source.
#[derive(Debug)]
pub struct LocalSource {
    kind: Kind,
    /// What its frames may be.
    pub payloads: Vec<SourcePayload>,
    /// What its encoder would make of it, if it follows the estimate.
    pub wanted_bps: Option<u64>,
    /// Made with their first frames; at most [`MAX_LAYERS`].
    layers: Vec<Option<LocalLayer>>,
    pub pacer: Pacer,
}

impl LocalSource {
    pub fn new(kind: Kind) -> LocalSource {
        LocalSource {
            kind,
            payloads: Vec::new(),
            wanted_bps: None,
            layers: Vec::new(),
            pacer: Pacer::new(kind),
        }
    }

    /// The frequency of the timestamps of a payload type.
    pub fn clock_hz(&self, payload_type: u8) -> Option<u32> {
        self.payload(payload_type).map(|payload| payload.clock_hz)
    }

    fn payload(&self, payload_type: u8) -> Option<SourcePayload> {
        self.payloads.iter().find(|payload| payload.payload_type == payload_type).copied()
    }

    /// What went out of a layer so far.
    pub fn sent(&self, layer: u8) -> SentFrames {
        let layer = self.layers.get(usize::from(layer)).and_then(Option::as_ref);
        layer.map_or(SentFrames::default(), |layer| layer.sent)
    }

    /// Gives the packets of a frame to the pacer; false if it is of no payload type or layer that the source has.
    pub fn cut(&mut self, now: Time, frame: &OutgoingFrame) -> bool {
        let Some(payload) = self.payload(frame.payload_type) else { return false };
        let kind = self.kind;
        let Some(layer) = layer_mut(&mut self.layers, now, frame.layer) else { return false };
        let begins_talk = kind == Kind::Audio && layer.begins_talk(payload.codec, frame);
        let (stream, next_sequence, pacer) = (layer.stream, &mut layer.next_sequence, &mut self.pacer);
        let mut first = true;
        layer.packetiser.cut(payload.codec, &frame.data, |prefix, piece, last| {
            let marker = if kind == Kind::Audio { begins_talk } else { last };
            let starts_key_frame = kind == Kind::Audio || frame.key && first;
            let packet = Packet { stream, sequence: *next_sequence, marker, starts_key_frame, prefix, piece };
            pacer.push(frame.layer, packet.finish(now, payload, frame));
            *next_sequence += 1;
            first = false;
        });
        layer.sent.frames += 1;
        layer.sent.key_frames += u64::from(frame.key);
        layer.sent.bytes += frame.data.len() as u64;
        true
    }
}

/// A layer, made when it is not there yet; None for one that cannot be.
fn layer_mut(layers: &mut Vec<Option<LocalLayer>>, now: Time, layer: u8) -> Option<&mut LocalLayer> {
    let index = usize::from(layer);
    if index >= MAX_LAYERS {
        return None;
    }
    if layers.len() <= index {
        layers.resize_with(index + 1, || None);
    }
    layers.get_mut(index).map(|layer| layer.get_or_insert_with(|| LocalLayer::new(now)))
}

impl LocalLayer {
    /// The first packet after a silence has the marker bit (RFC 3551 section 4.1, RFC 7587 section 4.1).
    fn begins_talk(&mut self, codec: Codec, frame: &OutgoingFrame) -> bool {
        let duration = if codec == Codec::Opus { opus::duration_untrusted(&frame.data) } else { None };
        let expected = self.expected_timestamp;
        self.expected_timestamp = duration.map(|duration| frame.timestamp.wrapping_add(duration));
        expected.is_some_and(|expected| frame.timestamp.wrapping_sub(expected) as i32 > 0)
    }
}

/// One packet that is being made.
struct Packet<'a> {
    stream: u64,
    sequence: u64,
    marker: bool,
    starts_key_frame: bool,
    prefix: &'a [u8],
    piece: &'a [u8],
}

impl Packet<'_> {
    fn finish(self, now: Time, payload: SourcePayload, frame: &OutgoingFrame) -> MediaPacket {
        let level = frame.audio_level.map(|level| [level.to_byte()]);
        let level = level.as_ref().map_or(&[][..], |level| level);
        let header = rtp::HeaderWriter {
            marker: self.marker,
            payload_type: frame.payload_type,
            sequence: self.sequence as u16,
            timestamp: frame.timestamp,
            ..rtp::HeaderWriter::default()
        };
        let mut data =
            Vec::with_capacity(rtp::FIXED_HEADER_LENGTH + level.len() + self.prefix.len() + self.piece.len());
        let length = header.write(&mut data, std::iter::empty());
        let mut extensions = ExtensionSpans::default();
        if !level.is_empty() {
            extensions.set(Extension::AudioLevel, length, level.len());
        }
        for part in [level, self.prefix, self.piece] {
            data.extend_from_slice(part);
        }
        let numbers = payload_format(payload.codec)
            .and_then(|format| FrameNumbers::parse_untrusted(format, data.get(length + level.len()..)?));
        MediaPacket {
            stream: self.stream,
            // Each slot gives its own.
            ssrc: 0,
            sequence: self.sequence,
            timestamp: frame.timestamp,
            marker: self.marker,
            payload_type: frame.payload_type,
            codec: payload.codec,
            clock_hz: payload.clock_hz,
            starts_key_frame: self.starts_key_frame,
            numbers,
            recovered: false,
            received: now,
            extensions,
            payload_offset: (length + level.len()) as u16,
            data: data.into_boxed_slice(),
        }
    }
}

#[cfg(test)]
mod tests {
    use visavis_wire::ext::AudioLevel;

    use super::*;

    const OPUS: SourcePayload = SourcePayload { payload_type: 111, codec: Codec::Opus, clock_hz: 48_000 };
    const VP8: SourcePayload = SourcePayload { payload_type: 96, codec: Codec::Vp8, clock_hz: 90_000 };

    fn frame(payload_type: u8, timestamp: u32, data: Vec<u8>) -> OutgoingFrame {
        OutgoingFrame {
            layer: 0,
            payload_type,
            timestamp,
            captured: Time::ZERO,
            key: true,
            audio_level: None,
            data,
        }
    }

    fn source(kind: Kind, payload: SourcePayload) -> LocalSource {
        LocalSource { payloads: vec![payload], ..LocalSource::new(kind) }
    }

    fn cut(source: &mut LocalSource, frame: &OutgoingFrame) -> Vec<MediaPacket> {
        let mut packets = Vec::new();
        assert!(source.cut(Time::from_millis(7), frame));
        source.pacer.release(Time::from_millis(7), None, &mut packets);
        packets.into_iter().map(|(_, packet)| packet).collect()
    }

    #[test]
    fn the_packets_of_a_video_frame_follow_each_other_and_the_last_has_the_marker() {
        let mut source = source(Kind::Video, VP8);
        let mut packets = cut(&mut source, &frame(96, 0, vec![0x10; 5_000]));
        let count = packets.len();
        packets.extend(cut(&mut source, &OutgoingFrame { key: false, ..frame(96, 3_000, vec![0x11; 9]) }));
        assert!(packets.windows(2).all(|pair| pair[0].sequence + 1 == pair[1].sequence));
        let marked: Vec<usize> = (0..packets.len()).filter(|&index| packets[index].marker).collect();
        assert_eq!(marked, [count - 1, count]);
        let keys: Vec<usize> = (0..packets.len()).filter(|&index| packets[index].starts_key_frame).collect();
        assert_eq!(keys, [0]);
        assert_eq!(source.sent(0), SentFrames { frames: 2, key_frames: 1, bytes: 5_009 });
    }

    #[test]
    fn an_audio_frame_has_its_level_beside_it_and_the_marker_after_a_silence() {
        let mut source = source(Kind::Audio, OPUS);
        let loud = AudioLevel { voice: true, level: 30 };
        // 20 ms each; the third follows 80 ms later.
        let marked: Vec<bool> = [0, 960, 960 * 5, 960 * 6]
            .into_iter()
            .map(|timestamp| {
                let frame =
                    OutgoingFrame { audio_level: Some(loud), ..frame(111, timestamp, vec![0x78, 1, 2]) };
                let packets = cut(&mut source, &frame);
                assert_eq!((packets.len(), packets[0].payload()), (1, &[0x78, 1, 2][..]));
                assert_eq!(packets[0].extension(Extension::AudioLevel), Some(&[0x80 | 30][..]));
                packets[0].marker
            })
            .collect();
        assert_eq!(marked, [false, false, true, false]);
        assert_eq!(cut(&mut source, &frame(111, 0, vec![0x78]))[0].extension(Extension::AudioLevel), None);
    }

    #[test]
    fn a_frame_of_an_unknown_payload_type_or_layer_is_none() {
        let mut source = source(Kind::Video, VP8);
        assert!(!source.cut(Time::ZERO, &frame(97, 0, vec![0x10])));
        let high = OutgoingFrame { layer: MAX_LAYERS as u8, ..frame(96, 0, vec![0x10]) };
        assert!(!source.cut(Time::ZERO, &high));
    }

    #[test]
    fn a_source_that_is_opened_anew_numbers_above_what_it_had() {
        let mut packets = Vec::new();
        for ms in [1_000, 2_000] {
            let mut source = source(Kind::Video, VP8);
            source.cut(Time::from_millis(ms), &frame(96, 0, vec![0x10; 100_000]));
            source.pacer.release(Time::from_millis(ms), None, &mut packets);
        }
        assert!(packets.is_sorted_by_key(|(_, packet)| packet.sequence));
        assert_ne!(
            packets.first().map(|(_, packet)| packet.stream),
            packets.last().map(|(_, packet)| packet.stream)
        );
    }
}
