//! A frame cut into RTP payloads, and put together again: the one place that knows which codecs this can be done for.

use visavis_wire::payload::{is_frame_start, split_evenly, vp8};

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
        Codec::Opus | Codec::Vp8 => true,
        // What is not known by name is audio of one packet a frame (RFC 3551 section 4.2), or it is none of ours.
        Codec::Other => kind == Kind::Audio,
        Codec::Vp9 | Codec::H264 | Codec::Av1 => false,
    }
}

/// Whether a decoder can start with a frame, where the codec's own bits tell.
pub fn is_key_frame(codec: Codec, frame: &[u8]) -> Option<bool> {
    match codec {
        Codec::Opus | Codec::Other => Some(true),
        Codec::Vp8 => vp8::is_key_frame(frame),
        Codec::Vp9 | Codec::H264 | Codec::Av1 => None,
    }
}

/// The longest frame of a codec that can be sent.
pub fn longest_frame(codec: Codec) -> usize {
    match codec {
        Codec::Opus | Codec::Other => MAX_WHOLE,
        Codec::Vp8 | Codec::Vp9 | Codec::H264 | Codec::Av1 => super::MAX_FRAME_BYTES,
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
            Codec::Opus | Codec::Other => packet(&[], frame, true),
            Codec::Vp9 | Codec::H264 | Codec::Av1 => (),
        }
    }
}

/// What a packet adds to its frame; `None` if it cannot be read.
pub fn content_untrusted(codec: Codec, payload: &[u8]) -> Option<&[u8]> {
    match codec {
        Codec::Vp8 => payload.get(vp8::Descriptor::parse_untrusted(payload)?.length..),
        Codec::Opus | Codec::Other => Some(payload),
        Codec::Vp9 | Codec::H264 | Codec::Av1 => None,
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

    #[test]
    fn a_vp8_frame_of_any_length_comes_out_as_it_went_in() {
        for length in (1..4_000).chain([65_535, 65_536, 500_000]) {
            let (frame, mut packetiser) = (frame(length), Packetiser::new(0x7fff));
            let packets = packets(&mut packetiser, Codec::Vp8, &frame);
            let contents: Vec<&[u8]> =
                packets.iter().map(|(payload, _)| content_untrusted(Codec::Vp8, payload).unwrap()).collect();
            assert_eq!(contents.concat(), frame);
            for (index, (payload, last)) in packets.iter().enumerate() {
                assert!(payload.len() <= MAX_PAYLOAD);
                assert_eq!(starts_frame_untrusted(Codec::Vp8, payload), index == 0);
                assert_eq!(*last, index + 1 == packets.len());
            }
        }
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
