//! Writing RTCP packets, one after the other into one datagram.

use super::{ReportBlock, format, packet_type};
use crate::bytes::{bounded, put_u16_at};

/// Most entries of a NACK packet: a longer list becomes several packets.
const NACK_ENTRIES_LIMIT: usize = 256;
/// Most blocks of a report and SSRCs of a goodbye: the count has five bits.
pub const COUNT_LIMIT: usize = 31;

/// A packet that is being written: its length is filled in at the end.
pub(super) struct Open<'b> {
    pub out: &'b mut Vec<u8>,
    start: usize,
}

impl<'b> Open<'b> {
    pub fn new(out: &'b mut Vec<u8>, count: u8, packet_type: u8) -> Open<'b> {
        let start = out.len();
        out.extend_from_slice(&[0x80 | count & 0x1f, packet_type, 0, 0]);
        Open { out, start }
    }

    pub fn word(&mut self, word: u32) {
        self.out.extend_from_slice(&word.to_be_bytes());
    }

    /// Fills the last word with zeros and sets the length.
    pub fn close(self) {
        let length = self.out.len() - self.start;
        self.out.resize(self.start + length.next_multiple_of(4), 0);
        put_u16_at(self.out, self.start + 2, (length.div_ceil(4) - 1) as u16);
    }
}

/// Appends a sender report (RFC 3550 section 6.4.1); the first 31 blocks are written.
pub fn write_sender_report(
    out: &mut Vec<u8>,
    ssrc: u32,
    ntp: u64,
    rtp: u32,
    packets: u32,
    octets: u32,
    blocks: &[ReportBlock],
) {
    let blocks = blocks.get(..COUNT_LIMIT).unwrap_or(blocks);
    let mut packet = Open::new(out, blocks.len() as u8, packet_type::SENDER_REPORT);
    packet.word(ssrc);
    packet.out.extend_from_slice(&ntp.to_be_bytes());
    packet.word(rtp);
    packet.word(packets);
    packet.word(octets);
    for block in blocks {
        packet.out.extend_from_slice(&block.to_bytes());
    }
    packet.close();
}

/// Appends a receiver report (RFC 3550 section 6.4.2); the first 31 blocks are written.
pub fn write_receiver_report(out: &mut Vec<u8>, ssrc: u32, blocks: &[ReportBlock]) {
    let blocks = blocks.get(..COUNT_LIMIT).unwrap_or(blocks);
    let mut packet = Open::new(out, blocks.len() as u8, packet_type::RECEIVER_REPORT);
    packet.word(ssrc);
    for block in blocks {
        packet.out.extend_from_slice(&block.to_bytes());
    }
    packet.close();
}

/// Appends a source description with a canonical name of at most 255 bytes (RFC 3550 section 6.5.1).
pub fn write_sdes_cname(out: &mut Vec<u8>, ssrc: u32, cname: &str) {
    let cname = bounded(cname, 255);
    let mut packet = Open::new(out, 1, packet_type::SDES);
    packet.word(ssrc);
    packet.out.extend_from_slice(&[1, cname.len() as u8]);
    packet.out.extend_from_slice(cname.as_bytes());
    // The zero that ends the items; `close` fills its word.
    packet.out.push(0);
    packet.close();
}

/// Appends a goodbye of the first 31 sources (RFC 3550 section 6.6); a reason of at most 255 bytes, none if
/// empty.
pub fn write_bye(out: &mut Vec<u8>, ssrcs: &[u32], reason: &str) {
    let ssrcs = ssrcs.get(..COUNT_LIMIT).unwrap_or(ssrcs);
    let mut packet = Open::new(out, ssrcs.len() as u8, packet_type::BYE);
    for &ssrc in ssrcs {
        packet.word(ssrc);
    }
    let reason = bounded(reason, 255);
    if !reason.is_empty() {
        packet.out.push(reason.len() as u8);
        packet.out.extend_from_slice(reason.as_bytes());
    }
    packet.close();
}

/// Appends a NACK (RFC 4585 section 6.2.1), or several if 256 entries do not do.
///
/// `lost` is in the order of sequence numbers, across their wrap; in another order it takes more entries.
/// Nothing is written for an empty list.
pub fn write_nack(out: &mut Vec<u8>, sender_ssrc: u32, media_ssrc: u32, lost: &[u16]) {
    let mut lost = lost.iter().copied().peekable();
    while lost.peek().is_some() {
        let mut packet = Open::new(out, format::NACK, packet_type::TRANSPORT_FEEDBACK);
        packet.word(sender_ssrc);
        packet.word(media_ssrc);
        for _ in 0..NACK_ENTRIES_LIMIT {
            let Some(first) = lost.next() else { break };
            let mut mask = 0;
            while let Some(bit) =
                lost.peek().map(|&s| s.wrapping_sub(first).wrapping_sub(1)).filter(|&b| b < 16)
            {
                mask |= 1u32 << bit;
                lost.next();
            }
            packet.word(u32::from(first) << 16 | mask);
        }
        packet.close();
    }
}

/// Appends a Picture Loss Indication (RFC 4585 section 6.3.1).
pub fn write_pli(out: &mut Vec<u8>, sender_ssrc: u32, media_ssrc: u32) {
    let mut packet = Open::new(out, format::PLI, packet_type::PAYLOAD_FEEDBACK);
    packet.word(sender_ssrc);
    packet.word(media_ssrc);
    packet.close();
}

/// Appends a Full Intra Request (RFC 5104 section 4.3.1) for the first 256 (SSRC, number) pairs.
pub fn write_fir(out: &mut Vec<u8>, sender_ssrc: u32, entries: &[(u32, u8)]) {
    let mut packet = Open::new(out, format::FIR, packet_type::PAYLOAD_FEEDBACK);
    packet.word(sender_ssrc);
    // The media source is unused here and zero: each entry names its own.
    packet.word(0);
    for &(ssrc, number) in entries.iter().take(256) {
        packet.word(ssrc);
        packet.word(u32::from(number) << 24);
    }
    packet.close();
}
