//! Transport-wide feedback, as written (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1).

use super::transport_feedback::symbol;
use super::writer::Open;
use super::{format, packet_type};

/// Most packets told of by one feedback: its length then fits its header, whatever the deltas.
const STATUS_LIMIT: usize = 8192;
/// 250 µs ticks of one unit of the reference time.
const TICKS_PER_REFERENCE: i64 = 256;
/// Longest run of a run length chunk.
const RUN_LIMIT: usize = 0x1fff;

/// Appends feedback for the packets `base_sequence`, `base_sequence + 1`, ... and returns the next feedback
/// count.
///
/// `arrivals` holds for each packet when it arrived, in ticks of 250 µs on the receiver's clock, or `None`.
/// The reference time follows from the first arrival, rounded down to 64 ms. A packet whose arrival is more
/// than 8.19 s from the one before it begins another feedback; so does the 8193rd. Where nothing arrived
/// nothing is written: a packet is known to be missing only when a later one is there.
pub fn write_transport_feedback(
    out: &mut Vec<u8>,
    sender_ssrc: u32,
    media_ssrc: u32,
    base_sequence: u16,
    feedback_count: u8,
    arrivals: &[Option<i64>],
) -> u8 {
    let mut rest = arrivals;
    let mut sequence = base_sequence;
    let mut count = feedback_count;
    while let Some(first) = rest.iter().find_map(|&arrival| arrival) {
        let reference = first.div_euclid(TICKS_PER_REFERENCE);
        let (told, after) = rest.split_at(fitting(rest, reference));
        let mut packet = Open::new(out, format::TRANSPORT_WIDE, packet_type::TRANSPORT_FEEDBACK);
        packet.word(sender_ssrc);
        packet.word(media_ssrc);
        packet.word(u32::from(sequence) << 16 | told.len() as u32);
        packet.word((reference as u32) << 8 | u32::from(count));
        write_chunks(packet.out, told, reference);
        write_deltas(packet.out, told, reference);
        packet.close();
        count = count.wrapping_add(1);
        sequence = sequence.wrapping_add(told.len() as u16);
        rest = after;
    }
    count
}

/// The deltas of packets, `None` for the lost; `Some(None)`, and nothing after it, for one that 16 bits
/// cannot hold.
fn deltas(told: &[Option<i64>], reference: i64) -> impl Iterator<Item = Option<Option<i16>>> + Clone {
    let mut previous = reference.saturating_mul(TICKS_PER_REFERENCE);
    told.iter().map(move |arrival| match *arrival {
        None => Some(None),
        Some(arrival) => {
            let delta = arrival.checked_sub(previous).and_then(|delta| i16::try_from(delta).ok())?;
            previous = arrival;
            Some(Some(delta))
        }
    })
}

/// How many packets one feedback with that reference time can tell of.
fn fitting(arrivals: &[Option<i64>], reference: i64) -> usize {
    deltas(arrivals, reference).take(STATUS_LIMIT).take_while(Option::is_some).count()
}

fn symbol_of(delta: Option<i16>) -> u8 {
    match delta {
        None => symbol::NOT_RECEIVED,
        Some(0..=255) => symbol::SMALL_DELTA,
        Some(_) => symbol::LARGE_DELTA,
    }
}

/// Chooses at each place the chunk that tells of the most packets: a run, 14 packets by a bit each, 7 by two.
fn write_chunks(out: &mut Vec<u8>, told: &[Option<i64>], reference: i64) {
    let mut symbols = deltas(told, reference).flatten().map(symbol_of);
    let mut left = told.len();
    while left > 0 {
        let mut ahead = symbols.clone();
        let first = ahead.next().unwrap_or(symbol::NOT_RECEIVED);
        let run = 1 + ahead.take(RUN_LIMIT - 1).take_while(|&s| s == first).count();
        let bits = symbols.clone().take(14).take_while(|&s| s != symbol::LARGE_DELTA).count();
        let by_bit = if bits == left.min(14) { bits } else { 0 };
        let by_two_bits = left.min(7);
        let (chunk, told) = if run >= by_bit.max(by_two_bits) {
            (u16::from(first) << 13 | run as u16, run)
        } else if by_bit >= by_two_bits {
            let vector = symbols.clone().take(14).zip((0..14).rev());
            (vector.fold(0b10 << 14, |chunk, (s, shift)| chunk | u16::from(s) << shift), by_bit)
        } else {
            let vector = symbols.clone().take(7).zip((0..7).rev());
            (vector.fold(0b11 << 14, |chunk, (s, shift)| chunk | u16::from(s) << (2 * shift)), by_two_bits)
        };
        out.extend_from_slice(&chunk.to_be_bytes());
        symbols.by_ref().take(told).for_each(drop);
        left -= told;
    }
}

fn write_deltas(out: &mut Vec<u8>, told: &[Option<i64>], reference: i64) {
    for delta in deltas(told, reference).flatten().flatten() {
        match u8::try_from(delta) {
            Ok(small) => out.push(small),
            Err(_) => out.extend_from_slice(&delta.to_be_bytes()),
        }
    }
}
