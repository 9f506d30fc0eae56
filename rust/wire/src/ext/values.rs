//! The values of header extensions.

/// How loud an audio packet is (RFC 6464 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AudioLevel {
    /// The V bit: the encoder believes that this is speech.
    pub voice: bool,
    /// The level in -dBov: 0 is the loudest there is, 127 digital silence.
    pub level: u8,
}

impl AudioLevel {
    /// Reads the value; one byte, or in two-byte form more, of which the first counts.
    #[inline]
    pub fn from_value(value: &[u8]) -> Option<AudioLevel> {
        value.first().map(|&byte| AudioLevel { voice: byte & 0x80 != 0, level: byte & 0x7f })
    }

    #[inline]
    pub fn to_byte(self) -> u8 {
        u8::from(self.voice) << 7 | self.level & 0x7f
    }
}

/// The transport-wide sequence number (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 2).
#[inline]
pub fn transport_cc(value: &[u8]) -> Option<u16> {
    value.first_chunk().map(|&bytes| u16::from_be_bytes(bytes))
}

/// The value that carries a transport-wide sequence number.
#[inline]
pub fn transport_cc_bytes(sequence: u16) -> [u8; 2] {
    sequence.to_be_bytes()
}

/// When a packet was sent: seconds in 24 bits, 18 of them a fraction, so it wraps every 64 s
/// (<http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AbsSendTime(pub u32);

impl AbsSendTime {
    #[inline]
    pub fn from_value(value: &[u8]) -> Option<AbsSendTime> {
        let &[a, b, c] = value.first_chunk()?;
        Some(AbsSendTime(u32::from_be_bytes([0, a, b, c])))
    }

    /// From NTP time, seconds in the upper 32 bits (RFC 3550 section 4).
    #[inline]
    pub fn from_ntp(ntp: u64) -> AbsSendTime {
        AbsSendTime((ntp >> 14) as u32 & 0x00ff_ffff)
    }

    #[inline]
    pub fn to_bytes(self) -> [u8; 3] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [a, b, c]
    }
}
