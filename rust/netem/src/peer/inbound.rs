//! What a peer receives on one m-line, looked at with a player's eyes: gaps, frames, freezes, timelines.

use std::collections::BTreeMap;
use std::time::Duration;

use visavis_dataplane::Time;
use visavis_dataplane::api::Kind;
use visavis_dataplane::sequence::Unwrapper;
use visavis_wire::payload::vp8;
use visavis_wire::rtcp::{self, ReportBlock};
use visavis_wire::rtp;

use super::Codecs;
use crate::content::Content;

const NACK_RETRY: Duration = Duration::from_millis(100);
const GIVE_UP: Duration = Duration::from_millis(1_500);
/// Longer gaps are not asked for: a key frame is.
const MAX_GAP: u64 = 450;
const PLI_INTERVAL: Duration = Duration::from_millis(500);

/// A receiving m-line, as signalled.
#[derive(Clone, Debug)]
pub struct Line {
    pub kind: Kind,
    pub ssrc: u32,
    pub rtx_ssrc: Option<u32>,
}

/// One packet of the stream, by its extended sequence number.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    pub arrived: Time,
    pub timestamp: u32,
    pub marker: bool,
    pub content: Content,
    /// The running numbers of its frame, where its format has them: picture id and TL0PICIDX.
    pub numbers: Option<(u16, u8)>,
    /// It came by retransmission.
    pub recovered: bool,
}

/// A frame of which all packets came.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub encoder: u32,
    pub number: u32,
    pub key: bool,
    pub timestamp: u32,
    pub captured: Time,
    pub complete: Time,
    pub first_sequence: u64,
}

/// NTP time and RTP timestamp of a sender report.
#[derive(Clone, Copy, Debug)]
pub struct ReportedClock {
    pub arrived: Time,
    pub ntp: u64,
    pub timestamp: u32,
}

#[derive(Debug)]
struct Missing {
    since: Time,
    due: Time,
}

/// The receiving state of one m-line.
#[derive(Debug)]
pub struct Inbound {
    pub line: Line,
    unwrapper: Unwrapper,
    pub pieces: BTreeMap<u64, Piece>,
    missing: BTreeMap<u64, Missing>,
    /// The packet that came first: of earlier ones the receiver cannot know.
    first: Option<u64>,
    /// Sequence numbers that never came.
    pub lost: Vec<u64>,
    pub clocks: Vec<ReportedClock>,
    pub nacks_sent: u64,
    pub plis_sent: u64,
    /// Packets that were not as the publisher wrote them.
    pub damaged: u64,
    pub repeated: u64,
    pub nacking: bool,
    needs_key_frame: bool,
    next_pli: Time,
}

impl Inbound {
    pub fn new(line: Line) -> Inbound {
        Inbound {
            needs_key_frame: line.kind == Kind::Video,
            line,
            unwrapper: Unwrapper::default(),
            pieces: BTreeMap::new(),
            missing: BTreeMap::new(),
            first: None,
            lost: Vec::new(),
            clocks: Vec::new(),
            nacks_sent: 0,
            plis_sent: 0,
            damaged: 0,
            repeated: 0,
            nacking: true,
            next_pli: Time::ZERO,
        }
    }

    pub fn handle_rtp(&mut self, now: Time, packet: &rtp::Packet<'_>, codecs: &Codecs) {
        let recovered = self.line.rtx_ssrc == Some(packet.ssrc);
        let (sequence, payload, payload_type) = if recovered {
            let Some((original, rest)) = packet.payload().split_first_chunk::<2>() else { return };
            (u16::from_be_bytes(*original), rest, codecs.rtx_payload_type)
        } else {
            (packet.sequence, packet.payload(), codecs.payload_type(self.line.kind))
        };
        if payload.is_empty() {
            return;
        }
        let content = Content::read(self.line.kind, payload).filter(|_| packet.payload_type == payload_type);
        let Some(content) = content else {
            self.damaged += 1;
            return;
        };
        let highest = self.unwrapper.highest();
        let sequence =
            if recovered { self.unwrapper.peek(sequence) } else { self.unwrapper.unwrap(sequence) };
        if let Some(highest) = highest.filter(|&highest| sequence > highest && !recovered) {
            self.note_gap(now, highest, sequence);
        }
        self.first.get_or_insert(sequence);
        self.missing.remove(&sequence);
        if content.key && content.index == 0 {
            self.needs_key_frame = false;
        }
        let numbers = vp8::Descriptor::parse_untrusted(payload)
            .filter(|_| self.line.kind == Kind::Video)
            .and_then(|descriptor| Some((descriptor.picture_id?.value, descriptor.tl0_pic_idx?.value)));
        let piece = Piece {
            arrived: now,
            timestamp: packet.timestamp,
            marker: packet.marker,
            content,
            numbers,
            recovered,
        };
        if let Some(before) = self.pieces.get(&sequence) {
            self.repeated += 1;
            let same = (before.content, before.timestamp, before.numbers)
                == (piece.content, piece.timestamp, piece.numbers);
            self.damaged += u64::from(!same);
            return;
        }
        self.pieces.insert(sequence, piece);
    }

    fn note_gap(&mut self, now: Time, highest: u64, sequence: u64) {
        let gap = highest + 1..sequence;
        if self.nacking && sequence - highest <= MAX_GAP {
            self.missing.extend(gap.map(|lost| (lost, Missing { since: now, due: now })));
        } else {
            self.lost.extend(gap);
            self.needs_key_frame |= self.line.kind == Kind::Video;
        }
    }

    pub fn handle_sender_report(&mut self, now: Time, ntp: u64, timestamp: u32) {
        self.clocks.push(ReportedClock { arrived: now, ntp, timestamp });
    }

    pub fn poll_timeout(&self) -> Option<Time> {
        let key_frame = (self.needs_key_frame && !self.pieces.is_empty()).then_some(self.next_pli);
        self.missing.values().map(|missing| missing.due).chain(key_frame).min()
    }

    /// Writes NACKs and PLIs that are due.
    pub fn write_feedback(&mut self, now: Time, own_ssrc: u32, out: &mut Vec<u8>) {
        let before = self.missing.len();
        let lost = &mut self.lost;
        self.missing.retain(|&sequence, missing| {
            let kept = now.since(missing.since) < GIVE_UP;
            if !kept {
                lost.push(sequence);
            }
            kept
        });
        self.needs_key_frame |= self.missing.len() < before && self.line.kind == Kind::Video;
        let mut sequences = Vec::new();
        for (&sequence, missing) in self.missing.iter_mut().filter(|(_, missing)| missing.due <= now) {
            missing.due = now + NACK_RETRY;
            sequences.push(sequence as u16);
        }
        self.nacks_sent += sequences.len() as u64;
        rtcp::write_nack(out, own_ssrc, self.line.ssrc, &sequences);
        if self.needs_key_frame && !self.pieces.is_empty() && self.next_pli <= now {
            self.next_pli = now + PLI_INTERVAL;
            self.plis_sent += 1;
            rtcp::write_pli(out, own_ssrc, self.line.ssrc);
        }
    }

    pub fn report_block(&self, now: Time) -> Option<ReportBlock> {
        let highest = self.unwrapper.highest()?;
        let (last, delay) = self
            .clocks
            .last()
            .map_or((0, Duration::ZERO), |clock| ((clock.ntp >> 16) as u32, now.since(clock.arrived)));
        Some(ReportBlock {
            ssrc: self.line.ssrc,
            cumulative_lost: self.lost.len() as i32,
            highest_sequence: highest.wrapping_sub(1 << 16) as u32,
            last_sender_report: last,
            delay_since_last_sender_report: (delay.as_nanos() * 65_536 / 1_000_000_000) as u32,
            ..ReportBlock::default()
        })
    }

    /// Sequence numbers between that of the packet that came first and the highest that have not come.
    pub fn gaps(&self) -> Vec<u64> {
        let (Some(first), Some((&last, _))) = (self.first, self.pieces.last_key_value()) else {
            return Vec::new();
        };
        (first..last).filter(|sequence| !self.pieces.contains_key(sequence)).collect()
    }

    /// The frames that came whole, in the order of their sequence numbers. For audio each packet is one.
    pub fn frames(&self) -> Vec<Frame> {
        let mut frames = Vec::new();
        for (&sequence, piece) in self.pieces.iter().filter(|(_, piece)| piece.content.index == 0) {
            let content = piece.content;
            let parts: Vec<&Piece> = (0..u64::from(content.count))
                .map_while(|n| self.pieces.get(&(sequence + n)))
                .filter(|part| {
                    (part.content.encoder, part.content.frame, part.timestamp)
                        == (content.encoder, content.frame, piece.timestamp)
                })
                .collect();
            if parts.len() < usize::from(content.count) {
                continue;
            }
            let marked = parts.last().is_some_and(|last| last.marker == (self.line.kind == Kind::Video));
            if marked {
                frames.push(Frame {
                    encoder: content.encoder,
                    number: content.frame,
                    key: content.key,
                    timestamp: piece.timestamp,
                    captured: content.captured,
                    complete: parts.iter().map(|part| part.arrived).max().unwrap_or(piece.arrived),
                    first_sequence: sequence,
                });
            }
        }
        frames
    }

    /// The frames that a decoder shows: each follows the one before it, or is a key frame.
    pub fn shown(&self) -> Vec<Frame> {
        let mut shown: Vec<Frame> = Vec::new();
        for frame in self.frames() {
            let follows = shown
                .last()
                .is_some_and(|last| (last.encoder, last.number + 1) == (frame.encoder, frame.number));
            if frame.key || follows {
                shown.push(frame);
            }
        }
        shown
    }

    /// Pauses of more than `longest` between frames shown.
    pub fn freezes(&self, longest: Duration) -> Vec<(Time, Duration)> {
        let mut moments: Vec<Time> = Vec::new();
        for frame in self.shown() {
            // A frame is shown when it is complete, but not before those that precede it.
            let at = moments.last().map_or(frame.complete, |&last: &Time| last.max(frame.complete));
            moments.push(at);
        }
        moments
            .windows(2)
            .map(|pair| (pair[0], pair[1].since(pair[0])))
            .filter(|&(_, pause)| pause > longest)
            .collect()
    }

    /// When a packet was captured by the sender's wall clock, as its last report tells; NTP units.
    pub fn wall_clock_of(&self, timestamp: u32, clock_hz: u32) -> Option<i128> {
        let clock = self.clocks.last()?;
        let ticks = i128::from(timestamp.wrapping_sub(clock.timestamp) as i32);
        Some(i128::from(clock.ntp) + (ticks << 32) / i128::from(clock_hz))
    }
}
