//! A frame cut into RTP payloads, and put together again: the one place that knows which codecs this can be done for.

use visavis_wire::payload::{annex_b, h264, is_frame_start, split_evenly, vp8};

use crate::api::{Codec, Kind};
use crate::receive::payload_format;

/// The most bytes of an RTP payload: with the header, 48 bytes of extensions, the two of a retransmission (RFC 4588) and
/// the SRTP tag a datagram has no more than some 1,216 bytes, which every path and every relay carries.
pub const MAX_PAYLOAD: usize = 1_136;
/// The most bytes of a frame that cannot be cut: an Opus packet of 510 kbit/s has 1,275 (RFC 6716 section 3.4, R2).
pub const MAX_WHOLE: usize = 1_400;

/// Whether frames of a codec can be sent and received, not only forwarded.
pub fn is_supported(kind: Kind, codec: Codec) -> bool {
    match codec {
        Codec::Opus | Codec::Vp8 | Codec::H264 => true,
        // What is not known by name is audio of one packet a frame (RFC 3551 section 4.2), or it is none of ours.
        Codec::Other => kind == Kind::Audio,
        Codec::Vp9 | Codec::Av1 => false,
    }
}

/// Whether a decoder can start with a frame; None if it is none of the codec.
pub fn is_key_frame(codec: Codec, frame: &[u8]) -> Option<bool> {
    match codec {
        Codec::Opus | Codec::Other => (!frame.is_empty()).then_some(true),
        Codec::Vp8 => vp8::is_key_frame(frame),
        Codec::H264 => h264::is_key_frame(frame),
        Codec::Vp9 | Codec::Av1 => None,
    }
}

/// The longest frame of a codec that can be sent.
pub fn longest_frame(codec: Codec) -> usize {
    match codec {
        Codec::Opus | Codec::Other => MAX_WHOLE,
        Codec::Vp8 | Codec::H264 | Codec::Vp9 | Codec::Av1 => super::MAX_FRAME_BYTES,
    }
}

/// Cuts the frames of one encoding.
#[derive(Clone, Copy, Debug)]
pub struct Packetiser {
    picture_id: u16,
}

impl Packetiser {
    /// `first_picture_id` need not be secret, only unlike that of the stream before (RFC 7741 section 4.2).
    pub fn new(first_picture_id: u16) -> Packetiser {
        Packetiser { picture_id: first_picture_id & 0x7fff }
    }

    /// Calls `packet` with each payload's descriptor and data, and whether it is the last.
    pub fn cut(&mut self, codec: Codec, frame: &[u8], mut packet: impl FnMut(&[u8], &[u8], bool)) {
        match codec {
            Codec::Vp8 => {
                let pieces = split_evenly(frame.len(), MAX_PAYLOAD - vp8::WRITTEN_LENGTH);
                for piece in pieces {
                    let descriptor = vp8::descriptor(piece.start == 0, self.picture_id);
                    let last = piece.end == frame.len();
                    packet(&descriptor, frame.get(piece).unwrap_or_default(), last);
                }
                self.picture_id = (self.picture_id + 1) & 0x7fff;
            }
            Codec::H264 => {
                let payloads = h264_payloads(frame);
                for (index, payload) in payloads.iter().enumerate() {
                    packet(&[], payload, index + 1 == payloads.len());
                }
            }
            Codec::Opus | Codec::Other => packet(&[], frame, true),
            Codec::Vp9 | Codec::Av1 => (),
        }
    }
}

/// Packetization mode 1 (RFC 6184 section 6.3): small units share packets, large ones are cut.
fn h264_payloads(frame: &[u8]) -> Vec<Vec<u8>> {
    let (mut payloads, mut together, mut length) = (Vec::new(), Vec::new(), h264::AGGREGATE_HEADER_LENGTH);
    for unit in annex_b::units(frame) {
        length += h264::AGGREGATED_UNIT_LENGTH + unit.len();
        if length > MAX_PAYLOAD && !together.is_empty() {
            payloads.push(h264::aggregate(&together));
            together.clear();
            length = h264::AGGREGATE_HEADER_LENGTH + h264::AGGREGATED_UNIT_LENGTH + unit.len();
        }
        match unit.split_first() {
            Some((&header, body)) if unit.len() > MAX_PAYLOAD => {
                for piece in split_evenly(body.len(), MAX_PAYLOAD - h264::FRAGMENT_HEADER_LENGTH) {
                    let headers = h264::fragment_headers(header, piece.start == 0, piece.end == body.len());
                    payloads.push([&headers[..], body.get(piece).unwrap_or_default()].concat());
                }
                length = h264::AGGREGATE_HEADER_LENGTH;
            }
            _ => together.push(unit),
        }
    }
    if !together.is_empty() {
        payloads.push(h264::aggregate(&together));
    }
    payloads
}

/// Appends what a packet has of its frame; false if it cannot be read.
pub fn append_content_untrusted(codec: Codec, payload: &[u8], frame: &mut Vec<u8>) -> bool {
    match codec {
        Codec::Vp8 => {
            let descriptor = vp8::Descriptor::parse_untrusted(payload);
            let content = descriptor.and_then(|descriptor| payload.get(descriptor.length..));
            content.map(|content| frame.extend_from_slice(content)).is_some()
        }
        Codec::H264 => h264::append_byte_stream_untrusted(payload, frame).is_some(),
        Codec::Opus | Codec::Other => {
            frame.extend_from_slice(payload);
            true
        }
        Codec::Vp9 | Codec::Av1 => false,
    }
}

/// Whether a frame begins with this packet.
pub fn starts_frame_untrusted(codec: Codec, payload: &[u8]) -> bool {
    payload_format(codec).is_none_or(|format| is_frame_start(format, payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(length: usize) -> Vec<u8> {
        (0..length).map(|n| (n * 31 % 251) as u8).collect()
    }

    fn packets(packetiser: &mut Packetiser, codec: Codec, frame: &[u8]) -> Vec<(Vec<u8>, bool)> {
        let mut packets = Vec::new();
        packetiser.cut(codec, frame, |prefix, piece, last| packets.push(([prefix, piece].concat(), last)));
        packets
    }

    /// Puts packets together, looking at each as a receiver does.
    fn whole(codec: Codec, packets: &[(Vec<u8>, bool)]) -> Vec<u8> {
        let mut frame = Vec::new();
        for (index, (payload, last)) in packets.iter().enumerate() {
            assert!(payload.len() <= MAX_PAYLOAD && append_content_untrusted(codec, payload, &mut frame));
            assert_eq!(*last, index + 1 == packets.len());
        }
        assert!(starts_frame_untrusted(codec, &packets[0].0));
        frame
    }

    #[test]
    fn a_vp8_frame_of_any_length_comes_out_as_it_went_in() {
        for length in (1..4_000).chain([65_535, 65_536, 500_000]) {
            let (frame, mut packetiser) = (frame(length), Packetiser::new(0x7fff));
            let packets = packets(&mut packetiser, Codec::Vp8, &frame);
            assert_eq!(whole(Codec::Vp8, &packets), frame);
            assert!(packets[1..].iter().all(|(payload, _)| !starts_frame_untrusted(Codec::Vp8, payload)));
        }
    }

    #[test]
    fn an_h264_frame_of_any_length_comes_out_as_it_went_in() {
        let unit = |header: u8, length: usize| {
            let body = (1..length).map(|n| (n * 31 % 250 + 1) as u8 | 0x80);
            [&annex_b::START_CODE[..], &[header], &body.collect::<Vec<u8>>()].concat()
        };
        for length in (2..3_500).chain([65_535, 65_536, 500_000]) {
            for frame in [
                unit(0x41, length),
                // A key frame in two slices behind its parameters.
                [unit(0x67, 20), unit(0x68, 5), unit(0x65, length), unit(0x65, 1_000)].concat(),
            ] {
                let packets = packets(&mut Packetiser::new(0), Codec::H264, &frame);
                assert_eq!(whole(Codec::H264, &packets), frame, "{length}");
                let sizes: usize = packets.iter().map(|(payload, _)| payload.len()).sum();
                assert!(packets.len() <= sizes.div_ceil(MAX_PAYLOAD) + 3, "{length}: {}", packets.len());
            }
        }
        assert_eq!(is_key_frame(Codec::H264, &unit(0x65, 9)), Some(true));
    }

    #[test]
    fn picture_ids_grow_by_one_and_wrap_at_fifteen_bits() {
        let mut packetiser = Packetiser::new(0xfffe);
        let ids: Vec<u16> = (0..4)
            .map(|_| {
                let packets = packets(&mut packetiser, Codec::Vp8, &frame(3_000));
                let id = |payload: &[u8]| {
                    vp8::Descriptor::parse_untrusted(payload).unwrap().picture_id.unwrap().value
                };
                let first = id(&packets[0].0);
                assert!(packets.iter().all(|(payload, _)| id(payload) == first), "one for all of a frame");
                first
            })
            .collect();
        assert_eq!(ids, [0x7ffe, 0x7fff, 0, 1]);
    }

    #[test]
    fn an_audio_frame_is_one_packet() {
        let frame = frame(1_275);
        let packets = packets(&mut Packetiser::new(0), Codec::Opus, &frame);
        assert_eq!(packets, [(frame.clone(), true)]);
        assert!(longest_frame(Codec::Opus) >= frame.len());
    }
}
