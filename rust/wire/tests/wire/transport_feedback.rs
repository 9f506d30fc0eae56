//! Transport-wide feedback: chunks chosen well, read as written, split where a delta does not fit.

use crate::seeds::{Random, for_each_seed};
use visavis_wire::rtcp::{Packet, RtcpError, TransportFeedback, packets_untrusted, write_transport_feedback};

fn written(base_sequence: u16, arrivals: &[Option<i64>]) -> Vec<u8> {
    let mut out = Vec::new();
    write_transport_feedback(&mut out, 1, 2, base_sequence, 9, arrivals);
    out
}

fn feedbacks(data: &[u8]) -> Vec<TransportFeedback<'_>> {
    packets_untrusted(data)
        .map(|packet| match packet {
            Ok(Packet::TransportFeedback(feedback)) => feedback,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// Sequence numbers and arrivals in ticks, for a clock that its 24 bits of reference time can tell.
fn read(data: &[u8]) -> Vec<(u16, Option<i64>)> {
    let mut read = Vec::new();
    for feedback in feedbacks(data) {
        let mut time = i64::from(feedback.reference_time_64ms) * 256;
        for (sequence, delta) in feedback.arrivals() {
            time += i64::from(delta.unwrap_or(0));
            read.push((sequence, delta.map(|_| time)));
        }
    }
    read
}

/// The packet status chunks: what is between the fixed part and `deltas_length` bytes with their padding.
fn chunks(data: &[u8], count: usize) -> Vec<u16> {
    data[20..].chunks_exact(2).take(count).map(|c| u16::from_be_bytes([c[0], c[1]])).collect()
}

#[test]
fn the_fixed_part_is_the_drafts() {
    // Arrivals at 3 * 64 ms and 4 ticks, then 250 µs later.
    let data = written(0xfffe, &[Some(3 * 256 + 4), Some(3 * 256 + 5)]);
    assert_eq!(
        data,
        [
            0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, // header, sender, media
            0xff, 0xfe, 0, 2, 0, 0, 3, 9, // base, count, reference time, feedback count
            0x20, 0x02, 4, 1, // a run of two small deltas, and these
        ]
    );
    assert_eq!(read(&data), [(0xfffe, Some(772)), (0xffff, Some(773))]);
}

#[test]
fn the_reference_time_has_a_sign() {
    let data = written(0, &[Some(-1)]);
    assert_eq!(feedbacks(&data)[0].reference_time_64ms, -1);
    assert_eq!(read(&data), [(0, Some(-1))]);
}

#[test]
fn a_long_run_takes_one_chunk() {
    let arrivals: Vec<_> = (0..1000).map(|i| Some(i * 4)).collect();
    let data = written(0, &arrivals);
    assert_eq!(chunks(&data, 1), [0x2000 | 1000]);
    assert_eq!(data.len(), 20 + 2 + 1000 + 2);
    assert_eq!(read(&data).len(), 1000);
}

#[test]
fn single_losses_take_a_bit_for_each_packet() {
    // Every second packet of 14 is lost.
    let arrivals: Vec<_> = (0..14).map(|i| (i % 2 == 0).then_some(i)).collect();
    assert_eq!(chunks(&written(0, &arrivals), 1), [0b10_10101010101010]);
}

#[test]
fn a_large_delta_among_small_ones_takes_two_bits_for_each_packet() {
    let arrivals = [Some(0), None, Some(1000), Some(999), Some(1000), None, Some(1001)];
    let data = written(0, &arrivals);
    assert_eq!(chunks(&data, 1), [0b11_01_00_10_10_01_00_01]);
    assert_eq!(read(&data).into_iter().map(|(_, a)| a).collect::<Vec<_>>(), arrivals);
}

#[test]
fn where_nothing_arrived_nothing_is_written() {
    let mut out = Vec::new();
    assert_eq!(write_transport_feedback(&mut out, 1, 2, 0, 9, &[None; 30]), 9);
    assert_eq!(write_transport_feedback(&mut out, 1, 2, 0, 9, &[]), 9);
    assert!(out.is_empty());
}

#[test]
fn a_delta_that_16_bits_cannot_hold_begins_another_feedback() {
    let mut out = Vec::new();
    let arrivals = [Some(0), None, Some(32767), Some(65535), None, Some(-1)];
    assert_eq!(write_transport_feedback(&mut out, 1, 2, 65534, 255, &arrivals), 2, "after 255, 0 and 1");
    let told: Vec<_> =
        feedbacks(&out).iter().map(|f| (f.base_sequence, f.status_count, f.feedback_count)).collect();
    assert_eq!(told, [(65534, 3, 255), (1, 2, 0), (3, 1, 1)]);
    assert_eq!(read(&out).into_iter().map(|(_, arrival)| arrival).collect::<Vec<_>>(), arrivals);
}

#[test]
fn more_packets_than_one_feedback_may_tell_of_take_several() {
    let mut arrivals: Vec<_> = (0..20_000).map(|i| (i % 3 != 0).then_some(i * 300)).collect();
    arrivals[..9000].fill(None);
    let data = written(5, &arrivals);
    assert_eq!(feedbacks(&data).len(), 3);
    let read = read(&data);
    assert!(read.iter().zip(5u16..).all(|(&(sequence, _), expected)| sequence == expected));
    assert_eq!(read.into_iter().map(|(_, arrival)| arrival).collect::<Vec<_>>(), arrivals);
}

#[test]
fn extreme_times_do_not_overflow() {
    let mut out = Vec::new();
    let arrivals = [Some(i64::MIN), Some(i64::MAX), Some(0), Some(i64::MIN)];
    assert_eq!(write_transport_feedback(&mut out, 1, 2, 0, 0, &arrivals), 4);
    assert_eq!(feedbacks(&out).len(), 4);
}

/// A stream of packets with bursts of loss, reordering and pauses.
fn stream(random: &mut Random) -> Vec<Option<i64>> {
    let mut time = random.below(1 << 24) as i64;
    let mut arrivals = Vec::new();
    for _ in 0..random.below(40) {
        let run = 1 + random.below(30);
        match random.below(5) {
            0 => arrivals.extend(std::iter::repeat_n(None, run)),
            1 => {
                for _ in 0..run {
                    time += random.below(2000) as i64 - 500;
                    arrivals.push((!random.one_in(3)).then_some(time));
                }
            }
            2 => time += random.below(100_000) as i64,
            _ => {
                for _ in 0..run {
                    time += random.below(300) as i64;
                    arrivals.push(Some(time));
                }
            }
        }
    }
    // What ends with losses alone may not be told of.
    arrivals.push(Some(time));
    arrivals
}

#[test]
fn any_stream_is_read_as_written_and_takes_no_more_than_a_chunk_for_seven() {
    for_each_seed(2000, |random| {
        let base = random.next() as u16;
        let arrivals = stream(random);
        let data = written(base, &arrivals);
        let read = read(&data);
        let expected: Vec<_> =
            arrivals.iter().enumerate().map(|(i, &a)| (base.wrapping_add(i as u16), a)).collect();
        assert_eq!(read, expected);
        for feedback in feedbacks(&data) {
            let status_count = usize::from(feedback.status_count);
            assert!(status_count <= arrivals.len());
        }
        let fixed = 24 * feedbacks(&data).len();
        let chunks = 2 * (arrivals.len() / 7 + feedbacks(&data).len());
        let deltas: usize = feedbacks(&data)
            .iter()
            .flat_map(|f| f.arrivals())
            .map(|(_, delta)| delta.map_or(0, |d| if (0..=255).contains(&d) { 1 } else { 2 }))
            .sum();
        assert!(data.len() <= fixed + chunks + deltas);
    });
}

fn error_of(content: &[u8]) -> Option<RtcpError> {
    let mut data = vec![0x8f, 205, 0, (2 + content.len() / 4) as u8, 0, 0, 0, 1, 0, 0, 0, 2];
    data.extend_from_slice(content);
    packets_untrusted(&data).next().unwrap().err()
}

#[test]
fn feedback_that_contradicts_itself_is_refused() {
    // Two packets in a run of small deltas, with both; then with one; then with the reserved symbol in a run
    // and a vector.
    assert_eq!(error_of(&[0, 0, 0, 2, 0, 0, 0, 0, 0x20, 2, 1, 1]), None);
    assert_eq!(error_of(&[0, 0, 0, 3, 0, 0, 0, 0, 0x20, 3, 1, 1]), Some(RtcpError::Truncated));
    assert_eq!(error_of(&[0, 0, 0, 2, 0, 0, 0, 0, 0x60, 2, 1, 1]), Some(RtcpError::Malformed));
    assert_eq!(error_of(&[0, 0, 0, 2, 0, 0, 0, 0, 0xdc, 0, 1, 1]), Some(RtcpError::Malformed));
    // Fewer chunks than packets; nothing behind the SSRCs.
    assert_eq!(error_of(&[0, 0, 0, 9, 0, 0, 0, 0, 0, 2, 0, 3]), Some(RtcpError::Truncated));
    assert_eq!(error_of(&[]), Some(RtcpError::Truncated));
}

#[test]
fn a_run_of_no_packets_is_skipped() {
    // Some senders' chunks: a run of 0, then a run of 1 small delta.
    let data =
        [0x8f, 205, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2, 0, 7, 0, 1, 0, 0, 0, 0, 0x20, 0, 0x20, 1, 5, 0, 0, 0];
    assert_eq!(read(&data), [(7, Some(5))]);
}
