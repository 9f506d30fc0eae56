//! What the packets of a fake browser carry: enough to tell, at the far end, what came and whether all of it did.

use visavis_dataplane::Time;
use visavis_dataplane::api::Kind;
use visavis_wire::payload::vp8;

/// One packet's part of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// The encoder that made it.
    pub encoder: u32,
    pub frame: u32,
    pub index: u16,
    pub count: u16,
    pub captured: Time,
    pub key: bool,
}

const LENGTH: usize = 21;
/// X, S; I, L; 15 bits of picture id; TL0PICIDX (RFC 7741 section 4.2).
const DESCRIPTOR_LENGTH: usize = 5;

impl Content {
    /// Appends an RTP payload of `size` bytes, or as many as it needs at least.
    pub fn write(&self, kind: Kind, size: usize, out: &mut Vec<u8>) {
        let start = out.len();
        if kind == Kind::Video {
            let start_bit = if self.index == 0 { 0x10 } else { 0 };
            // Each encoder counts from a number of its own.
            let number = self.frame.wrapping_add(self.encoder.wrapping_mul(0x9e37_79b9) >> 7);
            let [high, low] = (0x8000 | number as u16).to_be_bytes();
            out.extend_from_slice(&[0x80 | start_bit, 0xc0, high, low, (number as u8).wrapping_add(99)]);
        }
        // In the first packet of a VP8 frame the lowest bit is that of the frame tag: 0 for a key frame.
        out.push(u8::from(!self.key));
        out.extend_from_slice(&self.encoder.to_be_bytes());
        out.extend_from_slice(&self.frame.to_be_bytes());
        out.extend_from_slice(&self.index.to_be_bytes());
        out.extend_from_slice(&self.count.to_be_bytes());
        out.extend_from_slice(&self.captured.as_nanos().to_be_bytes());
        let length = (out.len() - start).max(size);
        out.resize(start + length, self.filler());
    }

    fn filler(&self) -> u8 {
        (self.frame as u8) ^ (self.index as u8).wrapping_mul(31)
    }

    /// Reads a payload; None if it is not whole and as it was written.
    pub fn read(kind: Kind, payload: &[u8]) -> Option<Content> {
        let at = match kind {
            Kind::Video => vp8::Descriptor::parse_untrusted(payload)?.length,
            Kind::Audio => 0,
        };
        let (head, rest) = payload.get(at..)?.split_first_chunk::<LENGTH>()?;
        let word = |at: usize| head[at..at + 4].iter().fold(0u32, |word, &byte| word << 8 | u32::from(byte));
        let content = Content {
            key: head[0] == 0,
            encoder: word(1),
            frame: word(5),
            index: (word(9) >> 16) as u16,
            count: word(9) as u16,
            captured: Time::from_nanos(u64::from(word(13)) << 32 | u64::from(word(17))),
        };
        let starts = kind == Kind::Audio || vp8::is_frame_start(payload) == (content.index == 0);
        (starts && rest.iter().all(|&byte| byte == content.filler())).then_some(content)
    }
}

/// The most bytes of a payload that hold content; the descriptor comes on top.
pub const MAX_PAYLOAD: usize = 1_100;

/// How many packets a frame of `bytes` takes.
pub fn packets_for(bytes: usize) -> usize {
    bytes.div_ceil(MAX_PAYLOAD - DESCRIPTOR_LENGTH).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_a_changed_byte_is_seen() {
        let content = Content {
            encoder: 7,
            frame: 70_000,
            index: 2,
            count: 5,
            captured: Time::from_millis(1_234),
            key: true,
        };
        for kind in [Kind::Audio, Kind::Video] {
            let mut payload = Vec::new();
            content.write(kind, 300, &mut payload);
            assert_eq!((payload.len(), Content::read(kind, &payload)), (300, Some(content)));
            payload[200] ^= 1;
            assert_eq!(Content::read(kind, &payload), None);
        }
    }

    #[test]
    fn a_forwarder_recognises_the_key_frames() {
        let content = Content { encoder: 1, frame: 1, index: 0, count: 1, captured: Time::ZERO, key: true };
        for (index, key, expected) in [(0, true, true), (0, false, false), (1, true, false)] {
            let mut payload = Vec::new();
            Content { index, key, ..content }.write(Kind::Video, 100, &mut payload);
            assert_eq!(vp8::is_key_frame_start(&payload), expected);
        }
    }
}
