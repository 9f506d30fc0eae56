//! Packets: what is due goes into the next one, up to its size (RFC 9260 sections 6.1 and 6.10).

use visavis_wire::sctp::{
    CHUNK_HEADER_LENGTH, Chunk, ChunkWriter, DATA_HEADER_LENGTH, DataHeader, HEADER_LENGTH,
    I_DATA_HEADER_LENGTH, Parameters, Sack, cause, chunk_type, parameter,
};

use super::{SackDue, Transfer};
use crate::sctp::DTLS_BYTES;
use crate::sctp::flight::{Outcome, SentPiece};
use crate::time::Time;

const MAX_GAP_BLOCKS: usize = 256;
/// A sliver at the end of a packet costs more in headers than it is worth.
const LEAST_PIECE: usize = 64;
/// Gap blocks reach no further than 65,535; the rest is room for what comes meanwhile.
const MAX_IN_FLIGHT: usize = 32_768;

impl Transfer {
    /// Appends the chunks of a packet that is there to find out whether it arrives (RFC 8899 section 6.2.1.2), where one is
    /// due: a HEARTBEAT, and PAD (RFC 4820), which is not in the answer.
    pub fn write_probe(&mut self, now: Time, out: &mut Vec<u8>, start: usize) -> bool {
        let patience = self.rtt.smoothed().map(|_| self.rtt.timeout(0));
        let Some(probe) = self.path_mtu.take_probe(now, patience) else { return false };
        ChunkWriter::begin(out, chunk_type::HEARTBEAT, 0)
            .parameter(parameter::HEARTBEAT_INFO, |info| _ = info.bytes(&probe.number.to_be_bytes()))
            .finish();
        let mut pad = ChunkWriter::begin(out, chunk_type::PAD, 0);
        pad.fill_to(start + probe.size - DTLS_BYTES).finish();
        true
    }

    /// The answer to a HEARTBEAT (RFC 9260 section 8.3).
    pub fn handle_probe_answer_untrusted(&mut self, now: Time, chunk: Chunk<'_>) {
        let info = Parameters::of(chunk).value_of(parameter::HEARTBEAT_INFO);
        match info.and_then(|info| info.try_into().ok()) {
            Some(number) => self.path_mtu.handle_answer_untrusted(now, u64::from_be_bytes(number)),
            None => self.discarded += 1,
        }
    }

    pub(super) fn has_data(&self) -> bool {
        self.flight.has_lost() || (!self.outbound.is_empty() && self.flight.len() < MAX_IN_FLIGHT)
    }

    /// Whether more may be on the way. One packet always may, to hear when a closed window opens (section 6.1, A).
    pub(super) fn has_window(&self) -> bool {
        let in_flight = self.flight.in_flight();
        in_flight == 0 || (in_flight < self.congestion.window() && in_flight < self.peer_window)
    }

    /// Appends the chunks of the packet that starts there; false when there is nothing to say.
    pub fn write(&mut self, now: Time, out: &mut Vec<u8>, start: usize) -> bool {
        // What asks after silence is to arrive where longer packets do not any more.
        let longest = if self.timeouts == 0 { self.path_mtu.current() } else { self.path_mtu.base() };
        let end = start + longest - DTLS_BYTES;
        let before = out.len();
        let mut outcome = Outcome::default();
        self.flight.expire_lost(now, &mut outcome);
        self.apply(now, outcome);
        if self.sack_due == SackDue::Now {
            self.write_sack(out, end);
        }
        if let Some(stream) = self.invalid_stream.take() {
            // Section 6.5; what came is acknowledged.
            ChunkWriter::begin(out, chunk_type::ERROR, 0)
                .parameter(cause::INVALID_STREAM, |cause| _ = cause.half(stream).half(0))
                .finish();
        }
        if self.incoming_resets.is_due() {
            self.incoming_resets.write(out);
        }
        self.write_forward(out, end);
        let (flight, outbound) = (&self.flight, &self.outbound);
        let next_tsn = flight.next_tsn();
        if let Some(streams) = self.outgoing_resets.prepare(now, next_tsn, |id| outbound.is_stream_empty(id))
        {
            self.outbound.hold(streams);
        }
        let has_room = out.len() + 4 * CHUNK_HEADER_LENGTH + 2 * 256 < end;
        if self.outgoing_resets.is_due() && (has_room || out.len() == before) {
            let (timeout, peer) = (self.rtt.timeout(0), self.incoming_resets.last_number());
            self.outgoing_resets.write(now, timeout, peer, out);
        }
        self.write_data(now, out, start, end);
        out.len() > before
    }

    fn write_sack(&mut self, out: &mut Vec<u8>, end: usize) {
        let room = end.saturating_sub(out.len() + Sack::length(0, 0)) / 4;
        let gaps = self.tsns.gap_blocks(room.min(MAX_GAP_BLOCKS));
        let mut duplicates = self.tsns.take_duplicates();
        duplicates.truncate(room - gaps.len());
        self.advertised = self.window();
        let window = u32::try_from(self.advertised).unwrap_or(u32::MAX);
        Sack::write(out, self.tsns.cumulative() as u32, window, &gaps, &duplicates);
        (self.sack_due, self.packets_unacknowledged) = (SackDue::No, 0);
    }

    /// Tells the peer what not to wait for (RFC 3758 section 3.5, RFC 8260 section 2.3.1).
    fn write_forward(&mut self, out: &mut Vec<u8>, end: usize) {
        let is_interleaved = self.agreed.features.interleaving;
        let most =
            end.saturating_sub(out.len() + 2 * CHUNK_HEADER_LENGTH) / if is_interleaved { 8 } else { 4 };
        // A stream that was not named would wait for ever, so without room it is for the next packet.
        if most == 0 || !self.agreed.features.forward_tsn || !self.flight.take_forward_due() {
            return;
        }
        let Some(given_up) = self.flight.forward(most) else { return };
        let kind = if is_interleaved { chunk_type::I_FORWARD_TSN } else { chunk_type::FORWARD_TSN };
        let mut chunk = ChunkWriter::begin(out, kind, 0);
        chunk.word(given_up.tsn as u32);
        let streams =
            given_up.messages.into_iter().filter(|&((_, is_unordered), _)| is_interleaved || !is_unordered);
        for ((id, is_unordered), number) in streams {
            chunk.half(id);
            if is_interleaved {
                chunk.half(u16::from(is_unordered)).word(number);
            } else {
                chunk.half(number as u16);
            }
        }
        chunk.finish();
    }

    fn write_data(&mut self, now: Time, out: &mut Vec<u8>, start: usize, end: usize) {
        let is_interleaved = self.agreed.features.interleaving;
        let header = if is_interleaved { I_DATA_HEADER_LENGTH } else { DATA_HEADER_LENGTH };
        // What has a TSN cannot be cut again (RFC 9260 section 6.9), and has to fit when the path takes no more than this.
        let base_end = start + self.config.base_packet();
        let most = self.config.base_packet() - HEADER_LENGTH - header;
        let before = out.len();
        loop {
            let is_probe = std::mem::take(&mut self.probe_due);
            // A packet that has begun is filled, as far as the peer has room.
            let may = match out.len() > before {
                true => self.flight.in_flight() < self.peer_window,
                false => self.has_window() && self.congestion.next_send() <= now,
            };
            if !self.has_data() || !(may || is_probe) {
                break;
            }
            let room = end.saturating_sub(out.len() + header).min(most) & !3;
            let makes_long = |bytes: usize| out.len() <= base_end && out.len() + header + bytes > base_end;
            if let Some((tsn, bytes)) = self.flight.next_lost() {
                if bytes > room {
                    break;
                }
                let snapshot = self.congestion.on_send(now, bytes, self.flight.in_flight() == 0);
                let is_last = self.outbound.is_empty();
                let is_long = makes_long(bytes);
                let Some(piece) = self.flight.repeat(now, tsn, snapshot, is_long) else { break };
                write_piece(out, piece, tsn, is_interleaved, is_probe || is_last);
            } else {
                let is_too_small = out.len() > before && room < LEAST_PIECE;
                if room == 0 || is_too_small {
                    break;
                }
                let Some(next) = self.outbound.next(now, room, is_interleaved) else { break };
                let bytes = next.end - next.start;
                let snapshot = self.congestion.on_send(now, bytes, self.flight.in_flight() == 0);
                let is_last =
                    self.outbound.is_empty() || self.flight.in_flight() + bytes >= self.congestion.window();
                let is_long = makes_long(bytes);
                let tsn = self.flight.push(now, next, snapshot, is_long);
                if let Some(piece) = self.flight.newest() {
                    write_piece(out, piece, tsn, is_interleaved, is_last);
                }
            }
            self.arm(now);
        }
        if out.len() > before && self.has_data() && end < out.len() + header + LEAST_PIECE {
            self.path_mtu.on_full_packet(now);
        }
        // Neither the program's pace nor the peer's window says anything of the path.
        let in_flight = self.flight.in_flight();
        if !self.has_data() || (in_flight >= self.peer_window && in_flight < self.congestion.window()) {
            self.congestion.on_app_limited(in_flight);
        }
    }
}

fn write_piece(out: &mut Vec<u8>, piece: &SentPiece, tsn: u64, is_interleaved: bool, is_immediate: bool) {
    let message = &piece.message;
    let header = DataHeader {
        tsn: tsn as u32,
        stream: message.stream,
        is_interleaved,
        is_unordered: message.is_unordered,
        begins: piece.start == 0,
        ends: piece.end == message.data.len(),
        is_immediate,
        message: message.number,
        fragment: piece.fragment,
        ppid: message.ppid,
    };
    header.write(out, message.data.get(piece.start..piece.end).unwrap_or_default());
}
