//! Source descriptions and goodbyes (RFC 3550 sections 6.5 and 6.6).

use super::RtcpError;
use crate::bytes::{slice_at, u8_at, u32_at};

const CNAME: u8 = 1;

/// A source description packet.
#[derive(Clone, Copy, Debug)]
pub struct Sdes<'a> {
    body: &'a [u8],
}

impl<'a> Sdes<'a> {
    /// Chunks must fit; what follows the last is ignored.
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<Sdes<'a>, RtcpError> {
        let mut chunks = SdesChunks { rest: body };
        for _ in 0..count {
            chunks.next().ok_or(RtcpError::Truncated)?;
        }
        let length = body.len() - chunks.rest.len();
        Ok(Sdes { body: body.get(..length).ok_or(RtcpError::Truncated)? })
    }

    pub fn chunks(&self) -> SdesChunks<'a> {
        SdesChunks { rest: self.body }
    }

    /// The canonical name of a source; the same for all streams that one endpoint's clock drives.
    pub fn cname(&self, ssrc: u32) -> Option<&'a [u8]> {
        self.chunks().find(|chunk| chunk.ssrc == ssrc)?.cname()
    }
}

/// One source's items.
#[derive(Clone, Copy, Debug)]
pub struct SdesChunk<'a> {
    pub ssrc: u32,
    items: &'a [u8],
}

impl<'a> SdesChunk<'a> {
    /// (type, text) pairs.
    pub fn items(&self) -> SdesItems<'a> {
        SdesItems { rest: self.items }
    }

    pub fn cname(&self) -> Option<&'a [u8]> {
        self.items().find(|&(item, _)| item == CNAME).map(|(_, text)| text)
    }
}

/// Walks the chunks of a packet.
#[derive(Clone, Debug)]
pub struct SdesChunks<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for SdesChunks<'a> {
    type Item = SdesChunk<'a>;

    fn next(&mut self) -> Option<SdesChunk<'a>> {
        let ssrc = u32_at(self.rest, 0)?;
        let mut end = 4;
        // A zero ends the items, and zeros fill the word that it is in.
        while u8_at(self.rest, end)? != 0 {
            end += 2 + usize::from(u8_at(self.rest, end + 1)?);
        }
        let items = self.rest.get(4..end)?;
        self.rest = self.rest.get((end + 1).next_multiple_of(4)..)?;
        Some(SdesChunk { ssrc, items })
    }
}

/// Walks the items of a chunk.
#[derive(Clone, Debug)]
pub struct SdesItems<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for SdesItems<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let item = u8_at(self.rest, 0)?;
        let length = usize::from(u8_at(self.rest, 1)?);
        let text = slice_at(self.rest, 2, length)?;
        self.rest = self.rest.get(2 + length..)?;
        Some((item, text))
    }
}

/// Sources that end (RFC 3550 section 6.6).
#[derive(Clone, Copy, Debug)]
pub struct Bye<'a> {
    ssrcs: &'a [u8],
    /// Why, if they say so.
    pub reason: Option<&'a [u8]>,
}

impl<'a> Bye<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<Bye<'a>, RtcpError> {
        let (ssrcs, rest) = body.split_at_checked(4 * usize::from(count)).ok_or(RtcpError::Truncated)?;
        let reason = match rest.split_first() {
            Some((&length, text)) => Some(text.get(..usize::from(length)).ok_or(RtcpError::Truncated)?),
            None => None,
        };
        Ok(Bye { ssrcs, reason })
    }

    pub fn ssrcs(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.ssrcs.chunks_exact(4).filter_map(|ssrc| u32_at(ssrc, 0))
    }
}
