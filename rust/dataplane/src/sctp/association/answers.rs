//! What is said at once, in packets of its own.

use visavis_wire::sctp::{self, Chunk, ChunkWriter, cause, chunk_type};

use super::{Association, Phase, begin};

/// Answers that wait to be sent; when there are more the newest is dropped, and asked for again.
const MAX_ANSWERS: usize = 16;
impl Association {
    /// An ERROR with the chunk's beginning (section 3.2).
    pub(super) fn report_unknown(&mut self, chunk: Chunk<'_>) {
        self.answer(|out| {
            let mut error = ChunkWriter::begin(out, chunk_type::ERROR, 0);
            error.parameter(cause::UNRECOGNIZED_CHUNK, |parameter| {
                let length = (chunk.value.len() + sctp::CHUNK_HEADER_LENGTH) as u16;
                parameter.bytes(&[chunk.kind, chunk.flags]).half(length);
                parameter.bytes(chunk.value.get(..chunk.value.len().min(64)).unwrap_or_default());
            });
            error.finish();
        });
    }

    pub(super) fn answer(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let zero_checksum = match &self.phase {
            Phase::Established(transfer) => transfer.agreed.features.zero_checksum,
            _ => false,
        };
        if let Some(tag) = self.peer_tag() {
            self.answer_to(tag, zero_checksum, write);
        }
    }

    pub(super) fn answer_to(&mut self, tag: u32, is_unchecked: bool, write: impl FnOnce(&mut Vec<u8>)) {
        if self.answers.len() >= MAX_ANSWERS {
            self.discarded += 1;
            return;
        }
        let mut packet = Vec::new();
        let start = begin(&self.config, tag, &mut packet);
        write(&mut packet);
        sctp::finish_packet(&mut packet, start, is_unchecked);
        self.answers.push_back(packet);
    }

    /// It is over, and the peer is told why.
    pub(super) fn end(&mut self, reason: u16) {
        self.answer(|out| {
            let mut abort = ChunkWriter::begin(out, chunk_type::ABORT, 0);
            abort.parameter(reason, |_| ());
            abort.finish();
        });
        self.phase = Phase::Over;
    }
}
