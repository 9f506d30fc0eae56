//! Which protocol a datagram belongs to (RFC 7983 section 7, RFC 9443 section 3, RFC 5761 section 4).

/// A protocol that shares the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketKind {
    Stun,
    Dtls,
    /// ChannelData of TURN (RFC 8656 section 12.4).
    TurnChannel,
    Rtp,
    Rtcp,
    /// ZRTP, QUIC, or nothing that is known.
    Unknown,
}

/// Tells the protocol from the first two bytes of a datagram; more may be given.
///
/// RTP and RTCP differ in the second byte: 192 to 223 is RTCP, which is why RTP never uses the payload types
/// 64 to 95.
#[inline]
pub fn classify(first_bytes: &[u8]) -> PacketKind {
    match first_bytes {
        [0..=3, ..] => PacketKind::Stun,
        [20..=63, ..] => PacketKind::Dtls,
        [64..=79, ..] => PacketKind::TurnChannel,
        [128..=191, 192..=223, ..] => PacketKind::Rtcp,
        [128..=191, _, ..] => PacketKind::Rtp,
        _ => PacketKind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_first_byte_has_the_kind_that_rfc_9443_gives_it() {
        for first in 0..=255u8 {
            let expected = match first {
                0..=3 => PacketKind::Stun,
                20..=63 => PacketKind::Dtls,
                64..=79 => PacketKind::TurnChannel,
                128..=191 => PacketKind::Rtp,
                _ => PacketKind::Unknown,
            };
            assert_eq!(classify(&[first, 0]), expected, "first byte {first}");
        }
    }

    #[test]
    fn rtcp_is_what_would_be_payload_types_64_to_95_with_the_marker_bit() {
        for second in 0..=255u8 {
            let rtcp = (64..=95).contains(&(second & 0x7f)) && second & 0x80 != 0;
            let expected = if rtcp { PacketKind::Rtcp } else { PacketKind::Rtp };
            assert_eq!(classify(&[0x80, second]), expected, "second byte {second}");
        }
    }

    #[test]
    fn too_few_bytes_are_unknown() {
        assert_eq!(classify(&[]), PacketKind::Unknown);
        assert_eq!(classify(&[0x80]), PacketKind::Unknown);
    }
}
