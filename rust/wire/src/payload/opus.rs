//! Opus (RFC 7587): a packet is a frame; its first byte tells how long it plays (RFC 6716 section 3.1).

use crate::bytes::u8_at;

/// Samples of 48 kHz in a millisecond: the unit of its timestamps, whatever was coded (RFC 7587 section 4.1).
const TICKS_PER_MS: u32 = 48;
/// A packet has at most 120 ms (RFC 6716 section 3.4, R5).
const MAX_TICKS: u32 = 120 * TICKS_PER_MS;

/// How long a packet plays, in timestamp units; `None` for one that is none.
pub fn duration_untrusted(packet: &[u8]) -> Option<u32> {
    let toc = u8_at(packet, 0)?;
    let config = u32::from(toc >> 3);
    let frame = match config {
        // SILK: 10, 20, 40, 60 ms.
        0..=11 => TICKS_PER_MS * [10, 20, 40, 60][config as usize % 4],
        // Hybrid: 10, 20 ms.
        12..=15 => TICKS_PER_MS * (10 << (config % 2)),
        // CELT: 2.5, 5, 10, 20 ms.
        _ => (TICKS_PER_MS * 5 / 2) << (config % 4),
    };
    let count = match toc & 0x03 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(u8_at(packet, 1)? & 0x3f),
    };
    let ticks = frame * count;
    (1..=MAX_TICKS).contains(&ticks).then_some(ticks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_tells_the_length() {
        for (config, tenths_ms) in
            [(0, 100), (3, 600), (9, 200), (11, 600), (12, 100), (15, 200), (16, 25), (19, 200), (31, 200)]
        {
            assert_eq!(
                duration_untrusted(&[config << 3]),
                Some(tenths_ms * 48 / 10),
                "configuration {config}"
            );
            assert_eq!(duration_untrusted(&[config << 3 | 2]), duration_untrusted(&[config << 3 | 1]));
        }
        assert_eq!(duration_untrusted(&[31 << 3 | 1]), Some(1_920));
        assert_eq!(duration_untrusted(&[31 << 3 | 3, 0x80 | 3]), Some(2_880));
    }

    #[test]
    fn what_is_no_packet_has_no_length() {
        assert_eq!(duration_untrusted(&[]), None);
        assert_eq!(duration_untrusted(&[31 << 3 | 3]), None, "the count is missing");
        assert_eq!(duration_untrusted(&[31 << 3 | 3, 0]), None, "no frames");
        assert_eq!(duration_untrusted(&[3 << 3 | 3, 3]), None, "180 ms");
    }
}
