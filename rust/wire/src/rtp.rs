//! RTP packets (RFC 3550 section 5.1): a parsed view, a look at the header alone, and a writer.

use crate::bytes::{array_at, slice_at, u8_at, u16_at, u32_at};
use crate::ext::{self, ExtensionBlock};

/// Length of the header before CSRCs.
pub const FIXED_HEADER_LENGTH: usize = 12;

/// Why bytes are no RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RtpError {
    /// The header goes beyond the packet.
    Truncated,
    /// The version is not 2.
    BadVersion,
    /// The padding's length is zero or more than there is.
    BadPadding,
}

impl std::fmt::Display for RtpError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            RtpError::Truncated => "the header goes beyond the packet",
            RtpError::BadVersion => "another version than 2",
            RtpError::BadPadding => "padding that does not fit",
        })
    }
}

impl std::error::Error for RtpError {}

/// The fields of a header that stay readable under SRTP (RFC 3711 section 3.1), and where the payload starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub version: u8,
    /// The P bit: the decrypted payload ends with padding.
    pub has_padding: bool,
    pub has_extension: bool,
    pub csrc_count: u8,
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    /// With CSRCs and the whole extension block: what SRTP authenticates and does not encrypt.
    pub length: usize,
}

impl Header {
    /// Reads the header of an RTP or SRTP packet; looks at nothing behind it.
    #[inline]
    pub fn peek_untrusted(data: &[u8]) -> Result<Header, RtpError> {
        let [first, second, ..] = array_at::<FIXED_HEADER_LENGTH>(data, 0).ok_or(RtpError::Truncated)?;
        let version = first >> 6;
        if version != 2 {
            return Err(RtpError::BadVersion);
        }
        let has_extension = first & 0x10 != 0;
        let csrc_count = first & 0x0f;
        let mut length = FIXED_HEADER_LENGTH + 4 * usize::from(csrc_count);
        if has_extension {
            length += 4 + 4 * usize::from(u16_at(data, length + 2).ok_or(RtpError::Truncated)?);
        }
        if length > data.len() {
            return Err(RtpError::Truncated);
        }
        Ok(Header {
            version,
            has_padding: first & 0x20 != 0,
            has_extension,
            csrc_count,
            marker: second & 0x80 != 0,
            payload_type: second & 0x7f,
            sequence: u16_at(data, 2).ok_or(RtpError::Truncated)?,
            timestamp: u32_at(data, 4).ok_or(RtpError::Truncated)?,
            ssrc: u32_at(data, 8).ok_or(RtpError::Truncated)?,
            length,
        })
    }
}

/// The contributing sources of a packet, whatever follows its header; none if it is too short to have them.
pub fn csrcs_untrusted(data: &[u8]) -> Vec<u32> {
    let Ok(header) = Header::peek_untrusted(data) else { return Vec::new() };
    (0..usize::from(header.csrc_count)).filter_map(|n| u32_at(data, FIXED_HEADER_LENGTH + 4 * n)).collect()
}

/// A well-formed RTP packet in the clear.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    pub marker: bool,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub extension: Option<ExtensionBlock<'a>>,
    /// Where the payload starts: the same as [`Packet::header_len`].
    pub payload_offset: usize,
    /// How many bytes at the end are padding, its length byte included; 0 without.
    pub padding: u8,
    csrcs: &'a [u8],
    data: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Parses a whole packet that is not, or no longer, encrypted.
    #[inline]
    pub fn parse_untrusted(data: &'a [u8]) -> Result<Packet<'a>, RtpError> {
        let header = Header::peek_untrusted(data)?;
        let csrcs_length = 4 * usize::from(header.csrc_count);
        let csrcs = slice_at(data, FIXED_HEADER_LENGTH, csrcs_length).ok_or(RtpError::Truncated)?;
        let extension = if header.has_extension {
            let start = FIXED_HEADER_LENGTH + csrcs_length;
            let profile = u16_at(data, start).ok_or(RtpError::Truncated)?;
            let elements = data.get(start + 4..header.length).ok_or(RtpError::Truncated)?;
            Some(ExtensionBlock { profile, data: elements })
        } else {
            None
        };
        let padding = if header.has_padding {
            let padding = u8_at(data, data.len() - 1).ok_or(RtpError::BadPadding)?;
            if padding == 0 || usize::from(padding) > data.len() - header.length {
                return Err(RtpError::BadPadding);
            }
            padding
        } else {
            0
        };
        Ok(Packet {
            marker: header.marker,
            payload_type: header.payload_type,
            sequence: header.sequence,
            timestamp: header.timestamp,
            ssrc: header.ssrc,
            extension,
            payload_offset: header.length,
            padding,
            csrcs,
            data,
        })
    }

    /// Length of the header with CSRCs and extension block.
    #[inline]
    pub fn header_len(&self) -> usize {
        self.payload_offset
    }

    /// The payload without padding; empty in a packet that is padding alone.
    #[inline]
    pub fn payload(&self) -> &'a [u8] {
        self.data.get(self.payload_offset..self.data.len() - usize::from(self.padding)).unwrap_or_default()
    }

    /// The contributing sources, of which a mixer may name 15.
    pub fn csrcs(&self) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        self.csrcs.chunks_exact(4).map(|c| array_at(c, 0).map_or(0, u32::from_be_bytes))
    }

    /// The value of the first header extension element with that id.
    #[inline]
    pub fn extension(&self, id: u8) -> Option<&'a [u8]> {
        self.extension?.get(id)
    }
}

/// Writes a header of its own: what a forwarder puts before another's payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeaderWriter<'c> {
    pub marker: bool,
    /// Seven bits; the eighth is dropped.
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    /// Sets the P bit: the payload that follows ends with padding.
    pub has_padding: bool,
    /// At most 15 are written.
    pub csrcs: &'c [u32],
}

impl HeaderWriter<'_> {
    /// Appends the header to `out` and returns its length.
    ///
    /// `extensions` gives (id, value) pairs and is walked twice. One-byte elements are written unless an id
    /// above 14, or a value that is empty or longer than 16 bytes, needs two-byte ones (RFC 8285 section 4).
    /// Pairs that not even these can carry, with an id of 0 or more than 255 bytes, are left out. Without
    /// pairs there is no block.
    #[inline]
    pub fn write<'e, I>(&self, out: &mut Vec<u8>, extensions: I) -> usize
    where
        I: IntoIterator<Item = (u8, &'e [u8])>,
        I::IntoIter: Clone,
    {
        let start = out.len();
        let csrcs = self.csrcs.get(..15).unwrap_or(self.csrcs);
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [r0, r1, r2, r3] = self.ssrc.to_be_bytes();
        let first = 0x80 | u8::from(self.has_padding) << 5 | csrcs.len() as u8;
        let second = u8::from(self.marker) << 7 | self.payload_type & 0x7f;
        out.extend_from_slice(&[first, second, s0, s1, t0, t1, t2, t3, r0, r1, r2, r3]);
        for csrc in csrcs {
            out.extend_from_slice(&csrc.to_be_bytes());
        }
        if ext::write_block(out, extensions.into_iter())
            && let Some(first) = out.get_mut(start)
        {
            *first |= 0x10;
        }
        out.len() - start
    }
}
