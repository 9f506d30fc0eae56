//! RTP packets that a selective forwarder takes for VP8 (RFC 7741), whose pictures nobody will decode.

use crate::srtp::{RTP_HEADER_BYTES, TAG_BYTES};

pub const PAYLOAD_TYPE: u8 = 96;
pub const CLOCK_HZ: u32 = 90_000;
/// Packets of one picture.
pub const PICTURE_PACKETS: u64 = 8;
const DESCRIPTOR_BYTES: usize = 4;
const PICTURE_HEADER_BYTES: usize = 10;
/// Where the send time lies in the payload.
const STAMP_AT: usize = DESCRIPTOR_BYTES + PICTURE_HEADER_BYTES;
const STAMP_BYTES: usize = 8;
/// The smallest packet that holds a send time.
pub const MIN_BYTES: usize = RTP_HEADER_BYTES + STAMP_AT + STAMP_BYTES;

/// One packet of the stream.
pub struct Packet {
    /// Counts from 0; its lower 16 bits are the sequence number.
    pub index: u64,
    pub timestamp: u32,
    pub ssrc: u32,
    pub is_key_frame: bool,
    pub stamp_ns: u64,
}

impl Packet {
    /// Writes header and payload to `out`, leaving its last 16 bytes to the tag of SRTP.
    pub fn write(&self, out: &mut [u8]) {
        let of_picture = self.index % PICTURE_PACKETS;
        let picture = self.index / PICTURE_PACKETS;
        let marker = u8::from(of_picture == PICTURE_PACKETS - 1) << 7;
        out[0] = 0x80;
        out[1] = marker | PAYLOAD_TYPE;
        out[2..4].copy_from_slice(&(self.index as u16).to_be_bytes());
        out[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        out[8..12].copy_from_slice(&self.ssrc.to_be_bytes());

        let end = out.len() - TAG_BYTES;
        let payload = &mut out[RTP_HEADER_BYTES..end];
        payload[0] = if of_picture == 0 { 0x90 } else { 0x80 };
        payload[1] = 0x80;
        payload[2..4].copy_from_slice(&(0x8000 | (picture & 0x7FFF) as u16).to_be_bytes());
        let mut header = [0x55; PICTURE_HEADER_BYTES];
        if of_picture == 0 {
            // RFC 6386 section 9.1: shown, first partition of 0 bytes; a key frame has a start code and 640 by 360 pixels.
            header[..3].copy_from_slice(&[if self.is_key_frame { 0x10 } else { 0x11 }, 0, 0]);
            if self.is_key_frame {
                header[3..].copy_from_slice(&[0x9D, 0x01, 0x2A, 0x80, 0x02, 0x68, 0x01]);
            }
        }
        payload[DESCRIPTOR_BYTES..STAMP_AT].copy_from_slice(&header);
        payload[STAMP_AT..STAMP_AT + STAMP_BYTES].copy_from_slice(&self.stamp_ns.to_be_bytes());
    }
}

/// The send time in a received payload.
pub fn stamp_ns(payload: &[u8]) -> Option<u64> {
    let stamp = payload.get(STAMP_AT..STAMP_AT + STAMP_BYTES)?;
    Some(u64::from_be_bytes(stamp.try_into().ok()?))
}
