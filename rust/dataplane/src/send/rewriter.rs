//! Makes one seamless stream of whatever a slot carries: its own sequence numbers and timestamps (RFC 3550 section 5.1).

use std::collections::VecDeque;

use visavis_wire::payload::NumberShift;

use super::frame_count::FrameCount;
use crate::api::TrackId;
use crate::media::{ClockMap, MediaPacket};
use crate::time::Time;

/// How many changes of source a NACK can look back over.
const MAX_SEGMENTS: usize = 8;
/// How far the numbers of one source may run ahead at once, for what was lost before it came here.
const MAX_AHEAD: u64 = 0x4000;

/// A stretch of the outgoing stream that came from one layer of one track without a pause.
#[derive(Clone, Copy, Debug)]
struct Segment {
    track: TrackId,
    layer: u8,
    stream: u64,
    first_in: u64,
    first_out: u64,
    timestamp_offset: u32,
    shift: NumberShift,
}

/// A packet's place in the outgoing stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub sequence: u64,
    pub timestamp: u32,
    pub shift: NumberShift,
    /// It is above all that were placed before.
    pub newest: bool,
}

/// Where an outgoing packet came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    pub track: TrackId,
    pub layer: u8,
    pub sequence: u64,
    pub timestamp_offset: u32,
    pub shift: NumberShift,
}

/// The numbering of one slot.
#[derive(Debug, Default)]
pub struct Rewriter {
    segments: VecDeque<Segment>,
    /// Highest sequence number that was given out, 0 if none.
    highest_out: u64,
    last_timestamp: u32,
    last_placed: Time,
    frames: FrameCount,
}

impl Rewriter {
    /// From this packet on the stream comes from `layer` of `track`. Numbers, those of its frames too, go on by one; the
    /// timestamp goes on by the time that passed, or as it was where the publisher's own timeline simply continues.
    pub fn start(&mut self, now: Time, track: TrackId, layer: u8, packet: &MediaPacket) {
        let timestamp_offset = match self.segments.back() {
            None => 0u32.wrapping_sub(packet.timestamp),
            Some(last) if (last.track, last.layer, last.stream) == (track, layer, packet.stream) => {
                last.timestamp_offset
            }
            Some(_) => {
                let elapsed =
                    now.since(self.last_placed).as_nanos() * u128::from(packet.clock_hz) / 1_000_000_000;
                // Never the same timestamp: two frames of one timestamp are one frame to a player.
                let next = self.last_timestamp.wrapping_add((elapsed as u32).max(1));
                next.wrapping_sub(packet.timestamp)
            }
        };
        if self.segments.len() >= MAX_SEGMENTS {
            self.segments.pop_front();
        }
        self.segments.push_back(Segment {
            track,
            layer,
            stream: packet.stream,
            first_in: packet.sequence,
            first_out: self.highest_out + 1,
            timestamp_offset,
            shift: packet.numbers.map_or(NumberShift::default(), |numbers| self.frames.next(&numbers)),
        });
    }

    /// The packet lies so far ahead of all that were placed that it has to be a new start: SRTP's receivers, and this end's
    /// own numbering, lose the count of roll-overs at half a cycle (RFC 3711 section 3.3.1).
    pub fn is_leap(&self, packet: &MediaPacket) -> bool {
        let Some(segment) = self.segments.back().filter(|segment| segment.stream == packet.stream) else {
            return false;
        };
        let ahead = packet.sequence.saturating_sub(segment.first_in);
        (segment.first_out + ahead).saturating_sub(self.highest_out) > MAX_AHEAD
    }

    /// The place of a packet of the source started last; None for one from before the start, or from a pause.
    pub fn place(&mut self, now: Time, packet: &MediaPacket) -> Option<Place> {
        let last = self.segments.back()?;
        let place = self.find(last.track, last.layer, packet)?;
        if place.newest {
            self.highest_out = place.sequence;
            self.last_timestamp = place.timestamp;
            self.last_placed = now;
            if let Some(numbers) = &packet.numbers {
                self.frames.note(numbers, place.shift);
            }
        }
        Some(place)
    }

    /// The place of a packet of any source, if it lies among those that left already: it was late, or lost.
    pub fn place_late(&self, track: TrackId, layer: u8, packet: &MediaPacket) -> Option<Place> {
        self.find(track, layer, packet).filter(|place| !place.newest)
    }

    fn find(&self, track: TrackId, layer: u8, packet: &MediaPacket) -> Option<Place> {
        let mut end = u64::MAX;
        let segment = self.segments.iter().rev().find(|segment| {
            let found = (segment.track, segment.layer, segment.stream) == (track, layer, packet.stream)
                && segment.first_in <= packet.sequence;
            if !found {
                end = segment.first_out;
            }
            found
        })?;
        let sequence = segment.first_out + (packet.sequence - segment.first_in);
        let timestamp = packet.timestamp.wrapping_add(segment.timestamp_offset);
        let newest = sequence > self.highest_out;
        (sequence < end).then_some(Place { sequence, timestamp, shift: segment.shift, newest })
    }

    /// The packet carries nothing (padding of the publisher's): what follows takes its number. False when others already
    /// came after it, so that its number is needed.
    pub fn skip(&mut self, packet: &MediaPacket) -> bool {
        let highest_out = self.highest_out;
        let Some(segment) = self.segments.back_mut().filter(|segment| segment.stream == packet.stream) else {
            return true;
        };
        let Some(ahead) = packet.sequence.checked_sub(segment.first_in) else { return true };
        if segment.first_out + ahead != highest_out + 1 {
            return false;
        }
        let next = Segment { first_in: packet.sequence + 1, first_out: highest_out + 1, ..*segment };
        if segment.first_out > highest_out {
            *segment = next;
        } else {
            if self.segments.len() >= MAX_SEGMENTS {
                self.segments.pop_front();
            }
            self.segments.push_back(next);
        }
        true
    }

    /// Which packet went out under a number: the one nearest to the highest that has these low 16 bits.
    pub fn origin(&self, sequence: u16) -> Option<Origin> {
        let behind = (self.highest_out as u16).wrapping_sub(sequence);
        let sequence = self.highest_out.checked_sub(u64::from(behind))?;
        let segment = self.segments.iter().rev().find(|segment| segment.first_out <= sequence)?;
        Some(Origin {
            track: segment.track,
            layer: segment.layer,
            sequence: segment.first_in + (sequence - segment.first_out),
            timestamp_offset: segment.timestamp_offset,
            shift: segment.shift,
        })
    }

    /// The outgoing timestamp at an NTP time, for a sender report (RFC 3550 section 6.4.1): on the publisher's own clock
    /// where it is known, so that audio and video of one publisher stay together.
    pub fn timestamp_at(&self, now: Time, ntp: u64, clock: Option<&ClockMap>, clock_hz: u32) -> Option<u32> {
        let segment = self.segments.back()?;
        Some(match clock {
            Some(map) => map.timestamp_at(ntp).wrapping_add(segment.timestamp_offset),
            None => {
                let elapsed = now.since(self.last_placed).as_nanos() * u128::from(clock_hz) / 1_000_000_000;
                self.last_timestamp.wrapping_add(elapsed as u32)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use visavis_wire::payload::{FrameNumbers, PictureId};

    use super::*;
    use crate::cache::tests::packet;

    const TRACK: TrackId = TrackId(1);
    const OTHER: TrackId = TrackId(2);

    fn media(stream: u64, sequence: u64, timestamp: u32) -> Arc<MediaPacket> {
        let mut media = Arc::into_inner(packet(sequence, Time::ZERO, 100)).unwrap();
        (media.stream, media.timestamp) = (stream, timestamp);
        Arc::new(media)
    }

    fn place(rewriter: &mut Rewriter, ms: u64, packet: &MediaPacket) -> (u64, u32) {
        let place = rewriter.place(Time::from_millis(ms), packet).unwrap();
        (place.sequence, place.timestamp)
    }

    #[test]
    fn gaps_and_reordering_of_the_source_stay_as_they_are() {
        let mut rewriter = Rewriter::default();
        rewriter.start(Time::ZERO, TRACK, 0, &media(1, 70_000, 500));
        assert_eq!(place(&mut rewriter, 0, &media(1, 70_000, 500)), (1, 0));
        assert_eq!(place(&mut rewriter, 0, &media(1, 70_003, 500)), (4, 0));
        let late = rewriter.place(Time::ZERO, &media(1, 70_001, 500)).unwrap();
        assert_eq!(late, Place { sequence: 2, timestamp: 0, shift: NumberShift::default(), newest: false });
    }

    #[test]
    fn a_pause_leaves_no_gap_in_the_numbers_and_its_length_in_the_timestamps() {
        let mut rewriter = Rewriter::default();
        rewriter.start(Time::ZERO, TRACK, 0, &media(1, 70_000, 0));
        assert_eq!(place(&mut rewriter, 0, &media(1, 70_000, 0)), (1, 0));
        let resumed = media(1, 70_900, 900_000);
        rewriter.start(Time::from_millis(10_000), TRACK, 0, &resumed);
        assert_eq!(place(&mut rewriter, 10_000, &resumed), (2, 900_000));
        assert!(rewriter.place(Time::from_millis(10_000), &media(1, 70_899, 899_000)).is_none());
    }

    #[test]
    fn another_source_goes_on_where_the_last_one_was() {
        let mut rewriter = Rewriter::default();
        rewriter.start(Time::ZERO, TRACK, 0, &media(1, 70_000, 123));
        assert_eq!(place(&mut rewriter, 0, &media(1, 70_000, 123)), (1, 0));
        let other = media(2, 99_000, 0xffff_0000);
        rewriter.start(Time::from_millis(100), OTHER, 0, &other);
        assert_eq!(place(&mut rewriter, 100, &other), (2, 9_000));
        assert_eq!(place(&mut rewriter, 133, &media(2, 99_001, 0xffff_0bb8)), (3, 12_000));
    }

    #[test]
    fn a_nack_finds_its_packet_across_a_change_of_source() {
        let mut rewriter = Rewriter::default();
        rewriter.start(Time::ZERO, TRACK, 0, &media(1, 70_000, 0));
        for sequence in 70_000..70_010 {
            rewriter.place(Time::ZERO, &media(1, sequence, 0));
        }
        rewriter.start(Time::ZERO, OTHER, 2, &media(2, 99_000, 0));
        rewriter.place(Time::ZERO, &media(2, 99_000, 0));
        let origin = rewriter.origin(10).unwrap();
        assert_eq!((origin.track, origin.layer, origin.sequence), (TRACK, 0, 70_009));
        let origin = rewriter.origin(11).unwrap();
        assert_eq!((origin.track, origin.layer, origin.sequence), (OTHER, 2, 99_000));
        assert_eq!(rewriter.origin(12), None, "not sent yet");
    }

    #[test]
    fn padding_of_the_publisher_leaves_no_gap() {
        let mut rewriter = Rewriter::default();
        rewriter.start(Time::ZERO, TRACK, 0, &media(1, 70_000, 0));
        assert!(rewriter.skip(&media(1, 70_000, 0)), "even as the first");
        assert_eq!(place(&mut rewriter, 0, &media(1, 70_001, 0)).0, 1);
        assert!(rewriter.skip(&media(1, 70_002, 0)));
        assert_eq!(place(&mut rewriter, 0, &media(1, 70_004, 0)).0, 3);
        assert!(!rewriter.skip(&media(1, 70_003, 0)), "its number is taken for what may be lost");
        assert_eq!(rewriter.origin(1).unwrap().sequence, 70_001);
        assert_eq!(rewriter.origin(3).unwrap().sequence, 70_004);
    }

    #[test]
    fn what_was_lost_before_padding_or_a_pause_still_has_its_place() {
        let mut rewriter = Rewriter::default();
        rewriter.start(Time::ZERO, TRACK, 0, &media(1, 70_000, 0));
        assert_eq!(place(&mut rewriter, 0, &media(1, 70_000, 0)).0, 1);
        assert_eq!(place(&mut rewriter, 0, &media(1, 70_002, 0)).0, 3);
        assert!(rewriter.skip(&media(1, 70_003, 0)));
        assert_eq!(place(&mut rewriter, 0, &media(1, 70_004, 0)).0, 4);
        assert_eq!(place(&mut rewriter, 0, &media(1, 70_001, 0)).0, 2, "repaired after the padding");
        rewriter.start(Time::ZERO, TRACK, 0, &media(1, 70_100, 0));
        assert_eq!(place(&mut rewriter, 0, &media(1, 70_100, 0)).0, 5);
        rewriter.start(Time::ZERO, OTHER, 0, &media(2, 70_000, 0));
        assert!(
            rewriter.place_late(TRACK, 0, &media(1, 70_101, 0)).is_none(),
            "it had not left before the change"
        );
        assert_eq!(rewriter.place_late(TRACK, 0, &media(1, 70_001, 0)).map(|place| place.sequence), Some(2));
        rewriter.start(Time::ZERO, TRACK, 0, &media(1, 70_200, 0));
        assert!(rewriter.place(Time::ZERO, &media(1, 70_003, 0)).is_none(), "padding has no place");
        assert!(
            rewriter.place(Time::ZERO, &media(1, 70_005, 0)).is_none(),
            "nor has what the pause left out"
        );
        assert!(rewriter.place(Time::ZERO, &media(3, 70_000, 0)).is_none(), "nor another stream");
    }

    fn frame(stream: u64, sequence: u64, picture_id: u16) -> Arc<MediaPacket> {
        let mut frame = Arc::into_inner(media(stream, sequence, 0)).unwrap();
        let picture_id = Some(PictureId { value: picture_id, is_long: true, offset: 2 });
        frame.numbers = Some(FrameNumbers { picture_id, ..FrameNumbers::default() });
        Arc::new(frame)
    }

    #[test]
    fn frames_are_counted_on_over_pauses_and_changes_and_their_repetitions_have_the_same_numbers() {
        let mut rewriter = Rewriter::default();
        let mut next_in = [0; 3];
        let mut out = 0x7ff0;
        let mut sent = Vec::new();
        for (turn, stream) in [1usize, 2, 1, 1, 2].into_iter().enumerate() {
            // What passes by meanwhile is not seen.
            next_in[stream] += 1_000;
            rewriter.start(Time::ZERO, TRACK, 0, &frame(stream as u64, 70_000 + next_in[stream], 0x7ff0));
            for n in 0..20u64 {
                let sequence = 70_000 + next_in[stream] + n;
                let packet = frame(stream as u64, sequence, (0x7ff0 + n as u16) & 0x7fff);
                let place = rewriter.place(Time::ZERO, &packet).unwrap();
                let picture_id = packet.numbers.unwrap().picture_id.unwrap();
                assert_eq!(picture_id.shifted(place.shift.picture_id), out, "turn {turn}");
                sent.push((place.sequence, place.shift));
                out = (out + 1) & 0x7fff;
            }
        }
        for (sequence, shift) in sent {
            assert_eq!(rewriter.origin(sequence as u16).unwrap().shift, shift);
        }
    }

    #[test]
    fn reports_follow_the_publishers_clock_where_it_is_known() {
        let mut rewriter = Rewriter::default();
        let first = media(1, 70_000, 5_000);
        rewriter.start(Time::ZERO, TRACK, 0, &first);
        rewriter.place(Time::ZERO, &first);
        let now = Time::from_millis(1_000);
        assert_eq!(rewriter.timestamp_at(now, 0, None, 90_000), Some(90_000));
        let clock = ClockMap { timestamp: 5_900, ntp: 100 << 32, clock_hz: 90_000 };
        assert_eq!(rewriter.timestamp_at(now, 100 << 32, Some(&clock), 90_000), Some(900));
    }
}
