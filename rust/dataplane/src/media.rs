//! A media packet as it goes from a publisher to all its subscribers: decrypted, parsed once, shared.

use visavis_wire::payload::FrameNumbers;

use crate::api::{Codec, Extension};
use crate::time::Time;

/// Where the values of the known header extensions lie in a packet.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExtensionSpans([(u16, u8); Extension::COUNT]);

impl ExtensionSpans {
    pub fn set(&mut self, extension: Extension, offset: usize, length: usize) {
        if let (Ok(offset), Ok(length)) = (u16::try_from(offset), u8::try_from(length)) {
            self.0[extension as usize] = (offset, length);
        }
    }

    fn get(&self, extension: Extension) -> (usize, usize) {
        let (offset, length) = self.0[extension as usize];
        (usize::from(offset), usize::from(length))
    }
}

/// One RTP packet of one layer of a track.
#[derive(Debug)]
pub struct MediaPacket {
    /// Tells the publisher's stream from others of its layer: another one has numbers and timestamps of its own.
    pub stream: u64,
    /// The SSRC of that stream, by whichever one the packet came.
    pub ssrc: u32,
    /// Extended sequence number of the publisher's stream.
    pub sequence: u64,
    pub timestamp: u32,
    pub marker: bool,
    pub payload_type: u8,
    pub codec: Codec,
    pub clock_hz: u32,
    /// The packet begins a frame from which a decoder can start; always true for audio.
    pub starts_key_frame: bool,
    /// The running numbers of VP8 and VP9 in the payload.
    pub numbers: Option<FrameNumbers>,
    /// It came by retransmission, after its successors.
    pub recovered: bool,
    pub received: Time,
    pub extensions: ExtensionSpans,
    pub payload_offset: u16,
    /// The decrypted packet, header included, padding removed; of a local source's, the header without extensions, their
    /// values, the payload.
    pub data: Box<[u8]>,
}

impl MediaPacket {
    pub fn payload(&self) -> &[u8] {
        self.data.get(usize::from(self.payload_offset)..).unwrap_or_default()
    }

    /// The value of a header extension, if the packet has it.
    pub fn extension(&self, extension: Extension) -> Option<&[u8]> {
        let (offset, length) = self.extensions.get(extension);
        if offset == 0 { None } else { self.data.get(offset..offset + length) }
    }
}

/// Ties a stream's RTP timestamps to the wall clock of this machine (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockMap {
    pub timestamp: u32,
    /// NTP time of this machine, 32.32 seconds.
    pub ntp: u64,
    pub clock_hz: u32,
}

impl ClockMap {
    /// The RTP timestamp at an NTP time near that of the map.
    pub fn timestamp_at(&self, ntp: u64) -> u32 {
        let elapsed = i128::from(ntp) - i128::from(self.ntp);
        let ticks = (elapsed * i128::from(self.clock_hz)) >> 32;
        self.timestamp.wrapping_add(ticks as u32)
    }

    /// The NTP time at an RTP timestamp near that of the map.
    pub fn ntp_at(&self, timestamp: u32) -> u64 {
        let ticks = i128::from(timestamp.wrapping_sub(self.timestamp) as i32);
        let elapsed = (ticks << 32) / i128::from(self.clock_hz.max(1));
        self.ntp.wrapping_add_signed(elapsed as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_map_runs_forwards_and_backwards() {
        let map = ClockMap { timestamp: 1_000, ntp: 10 << 32, clock_hz: 90_000 };
        assert_eq!(map.timestamp_at(11 << 32), 91_000);
        assert_eq!(map.timestamp_at((10 << 32) - (1 << 31)), 1_000u32.wrapping_sub(45_000));
        assert_eq!(map.ntp_at(91_000), 11 << 32);
        assert_eq!(map.ntp_at(1_000u32.wrapping_sub(45_000)), (10 << 32) - (1 << 31));
    }
}
