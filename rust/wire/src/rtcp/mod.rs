//! RTCP (RFC 3550 section 6), feedback (RFC 4585, RFC 5104, REMB, transport-wide feedback), in compound or
//! reduced-size (RFC 5506) datagrams.

mod feedback;
mod report;
mod sdes;
mod transport_feedback;
mod transport_feedback_writer;
mod writer;

pub use feedback::{Fir, FirEntries, LostSequences, Nack, Remb};
pub use report::{ReceiverReport, ReportBlock, ReportBlocks, SenderReport};
pub use sdes::{Bye, Sdes, SdesChunk, SdesChunks, SdesItems};
pub use transport_feedback::{Arrivals, TransportFeedback};
pub use transport_feedback_writer::write_transport_feedback;
pub use writer::{
    COUNT_LIMIT, write_bye, write_fir, write_nack, write_pli, write_receiver_report, write_sdes_cname,
    write_sender_report,
};

use crate::bytes::{u8_at, u16_at, u32_at};

/// Packet types (RFC 3550 section 12.1, RFC 4585 section 6.1).
pub mod packet_type {
    pub const SENDER_REPORT: u8 = 200;
    pub const RECEIVER_REPORT: u8 = 201;
    pub const SDES: u8 = 202;
    pub const BYE: u8 = 203;
    pub const TRANSPORT_FEEDBACK: u8 = 205;
    pub const PAYLOAD_FEEDBACK: u8 = 206;
}

/// Feedback message types: of 205 NACK and transport-wide feedback, of 206 PLI, FIR and application layer
/// feedback.
mod format {
    pub const NACK: u8 = 1;
    pub const TRANSPORT_WIDE: u8 = 15;
    pub const PLI: u8 = 1;
    pub const FIR: u8 = 4;
    pub const APPLICATION: u8 = 15;
}

/// Why bytes are no RTCP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RtcpError {
    /// The packet goes beyond the datagram, or its content beyond the packet.
    Truncated,
    /// The version is not 2.
    BadVersion,
    /// The padding's length is not possible.
    BadPadding,
    /// The content contradicts itself.
    Malformed,
}

impl std::fmt::Display for RtcpError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            RtcpError::Truncated => "a packet goes beyond its bytes",
            RtcpError::BadVersion => "another version than 2",
            RtcpError::BadPadding => "padding that does not fit",
            RtcpError::Malformed => "content that contradicts itself",
        })
    }
}

impl std::error::Error for RtcpError {}

/// One packet of a compound datagram.
#[derive(Clone, Copy, Debug)]
pub enum Packet<'a> {
    SenderReport(SenderReport<'a>),
    ReceiverReport(ReceiverReport<'a>),
    Sdes(Sdes<'a>),
    Bye(Bye<'a>),
    Nack(Nack<'a>),
    /// Picture Loss Indication (RFC 4585 section 6.3.1): the media source should send a key frame.
    Pli {
        sender_ssrc: u32,
        media_ssrc: u32,
    },
    Fir(Fir<'a>),
    Remb(Remb<'a>),
    TransportFeedback(TransportFeedback<'a>),
    /// Well-formed, and of a type or format that this crate does not know.
    Unknown {
        packet_type: u8,
        /// The five bits beside the type: a count or a format.
        count: u8,
        body: &'a [u8],
    },
}

/// Walks the packets of a datagram.
///
/// An error in a packet's content is that packet's alone; after one in its framing there is nothing more to
/// walk.
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    rest: &'a [u8],
}

/// The packets of a decrypted datagram, in their order.
#[inline]
pub fn packets_untrusted(datagram: &[u8]) -> Packets<'_> {
    Packets { rest: datagram }
}

impl<'a> Packets<'a> {
    /// Cuts one packet off: its type, its count and its body without padding.
    #[inline]
    fn cut(&mut self) -> Result<(u8, u8, &'a [u8]), RtcpError> {
        let data = std::mem::take(&mut self.rest);
        let first = u8_at(data, 0).ok_or(RtcpError::Truncated)?;
        if first >> 6 != 2 {
            return Err(RtcpError::BadVersion);
        }
        let packet_type = u8_at(data, 1).ok_or(RtcpError::Truncated)?;
        let words = usize::from(u16_at(data, 2).ok_or(RtcpError::Truncated)?);
        let (packet, rest) = data.split_at_checked(4 + 4 * words).ok_or(RtcpError::Truncated)?;
        let mut body = packet.get(4..).ok_or(RtcpError::Truncated)?;
        if first & 0x20 != 0 {
            let padding = usize::from(body.last().copied().ok_or(RtcpError::BadPadding)?);
            // RFC 3550 section 6.4.1 wants a multiple of four, and in the last packet only. Browsers pad their
            // transport-wide feedback by what its deltas leave, one to three bytes, wherever it stands.
            if padding == 0 || padding > body.len() {
                return Err(RtcpError::BadPadding);
            }
            body = body.get(..body.len() - padding).ok_or(RtcpError::BadPadding)?;
        }
        self.rest = rest;
        Ok((packet_type, first & 0x1f, body))
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, RtcpError>;

    #[inline]
    fn next(&mut self) -> Option<Result<Packet<'a>, RtcpError>> {
        if self.rest.is_empty() {
            return None;
        }
        Some(self.cut().and_then(|(packet_type, count, body)| parse(packet_type, count, body)))
    }
}

fn parse(packet_type: u8, count: u8, body: &[u8]) -> Result<Packet<'_>, RtcpError> {
    match (packet_type, count) {
        (packet_type::SENDER_REPORT, _) => SenderReport::parse(count, body).map(Packet::SenderReport),
        (packet_type::RECEIVER_REPORT, _) => ReceiverReport::parse(count, body).map(Packet::ReceiverReport),
        (packet_type::SDES, _) => Sdes::parse(count, body).map(Packet::Sdes),
        (packet_type::BYE, _) => Bye::parse(count, body).map(Packet::Bye),
        (packet_type::TRANSPORT_FEEDBACK, format::NACK) => Nack::parse(body).map(Packet::Nack),
        (packet_type::TRANSPORT_FEEDBACK, format::TRANSPORT_WIDE) => {
            TransportFeedback::parse(body).map(Packet::TransportFeedback)
        }
        (packet_type::PAYLOAD_FEEDBACK, format::PLI) => {
            let (sender_ssrc, media_ssrc, _) = feedback_header(body)?;
            Ok(Packet::Pli { sender_ssrc, media_ssrc })
        }
        (packet_type::PAYLOAD_FEEDBACK, format::FIR) => Fir::parse(body).map(Packet::Fir),
        (packet_type::PAYLOAD_FEEDBACK, format::APPLICATION) if Remb::is_remb(body) => {
            Remb::parse(body).map(Packet::Remb)
        }
        _ => Ok(Packet::Unknown { packet_type, count, body }),
    }
}

/// Sender's SSRC, media source's SSRC, and the rest (RFC 4585 section 6.1).
#[inline]
fn feedback_header(body: &[u8]) -> Result<(u32, u32, &[u8]), RtcpError> {
    let sender_ssrc = u32_at(body, 0).ok_or(RtcpError::Truncated)?;
    let media_ssrc = u32_at(body, 4).ok_or(RtcpError::Truncated)?;
    Ok((sender_ssrc, media_ssrc, body.get(8..).ok_or(RtcpError::Truncated)?))
}
