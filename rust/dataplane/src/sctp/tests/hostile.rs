//! Peers that break rules cost themselves the association, and us nothing.

use visavis_wire::sctp::{self, ChunkWriter, chunk_type};

use super::*;

/// A packet with whatever chunks, under the right tag.
fn forge(duo: &Duo, write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut packet = Vec::new();
    let start = sctp::begin_packet(&mut packet, 5_000, 5_000, duo.ends[1].local_tag());
    write(&mut packet);
    sctp::finish_packet(&mut packet, start, false);
    packet
}

#[test]
fn forged_init_packets_leave_nothing_behind() {
    let mut duo = Duo::new(GOOD, 1);
    duo.connect();
    for n in 0..10_000u32 {
        let mut packet = Vec::new();
        let start = sctp::begin_packet(&mut packet, 5_000, 5_000, 0);
        let mut init = ChunkWriter::begin(&mut packet, chunk_type::INIT, 0);
        init.word(n + 1).word(100_000).half(10).half(10).word(n).finish();
        sctp::finish_packet(&mut packet, start, false);
        let now = duo.now;
        duo.ends[1].handle_packet_untrusted(now, &packet);
    }
    let mut out = Vec::new();
    let mut answers = 0;
    while duo.ends[1].poll_transmit(duo.now, &mut out) {
        answers += 1;
    }
    assert!(answers <= 17, "{answers}");
    duo.ends[0].send(duo.now, message(0, b"still".to_vec()));
    duo.run(Duration::from_secs(1));
    assert_eq!(duo.messages(1), [(0, b"still".as_slice())]);
}

#[test]
fn bytes_of_any_kind_bring_nothing_down() {
    let mut random = Random::new(&[3; 32]);
    for seed in 0..300 {
        let mut duo = Duo::new(GOOD, seed);
        duo.connect();
        duo.ends[1].send(duo.now, message(0, vec![1; 5_000]));
        for _ in 0..60 {
            let kind = [0, 3, 64, 130, 192, 194, 1, 2, 9, 10, 4, 200][(random.next_u64() % 12) as usize];
            let length = random.next_u64() % 60;
            let bytes: Vec<u8> = (0..length)
                .map(|_| if random.next_u64().is_multiple_of(3) { random.next_u64() as u8 } else { 0 })
                .collect();
            let flags = random.next_u64() as u8 & 15;
            let packet = forge(&duo, |out| ChunkWriter::begin(out, kind, flags).bytes(&bytes).finish());
            let now = duo.now;
            duo.ends[1].handle_packet_untrusted(now, &packet);
            duo.run(Duration::from_millis(1));
        }
        duo.run(Duration::from_secs(5));
    }
}

#[test]
fn pieces_of_one_byte_cost_what_they_take() {
    for (is_unordered, begins, ends) in [(false, true, false), (true, true, false), (false, true, true)] {
        let config = Config { receive_budget: 1 << 20, ..CONFIG };
        let mut duo = Duo::with(GOOD, 1, [config; 2]);
        duo.connect();
        let first = duo.ends[0].local_tsn();
        let now = duo.now;
        for n in 0..20_000u32 {
            let header = sctp::DataHeader {
                tsn: first.wrapping_add(1 + n),
                stream: 3,
                is_interleaved: true,
                is_unordered,
                begins,
                ends,
                is_immediate: false,
                message: 1 + n,
                fragment: 0,
                ppid: 53,
            };
            let packet = forge(&duo, |out| header.write(out, &[0]));
            duo.ends[1].handle_packet_untrusted(now, &packet);
        }
        let held = duo.ends[1].held_bytes();
        assert!(held.abs_diff(config.receive_budget) < 1_000, "{held}");
    }
}

#[test]
fn what_never_completes_is_bounded_by_the_window() {
    let mut duo = Duo::new(GOOD, 1);
    duo.connect();
    let first = duo.ends[0].local_tsn();
    for n in 1..60_000u32 {
        let header = sctp::DataHeader {
            tsn: first.wrapping_add(2 * n),
            stream: (n % 500) as u16,
            is_interleaved: true,
            is_unordered: n % 2 == 0,
            begins: true,
            ends: false,
            is_immediate: false,
            message: n,
            fragment: 0,
            ppid: 53,
        };
        let packet = forge(&duo, |out| header.write(out, &[0; 1_000]));
        let now = duo.now;
        duo.ends[1].handle_packet_untrusted(now, &packet);
    }
    assert!(duo.ends[1].held_bytes() <= CONFIG.receive_budget);
    assert!(duo.ends[1].figures().discarded > 50_000);
}

#[test]
fn data_on_a_stream_that_there_is_not_is_acknowledged_and_answered_by_an_error() {
    let config = Config { streams: 10, ..CONFIG };
    let mut duo = Duo::with(GOOD, 1, [config; 2]);
    duo.connect();
    let header = sctp::DataHeader {
        tsn: duo.ends[0].local_tsn(),
        stream: 10,
        is_interleaved: true,
        is_unordered: false,
        begins: true,
        ends: true,
        is_immediate: true,
        message: 0,
        fragment: 0,
        ppid: 53,
    };
    let packet = forge(&duo, |out| header.write(out, &[0; 4]));
    let now = duo.now;
    duo.ends[1].handle_packet_untrusted(now, &packet);
    let mut answer = Vec::new();
    assert!(duo.ends[1].poll_transmit(now, &mut answer));
    let answer = sctp::Packet::parse_untrusted(&answer).unwrap();
    let chunks: Vec<_> = answer.chunks().map(Result::unwrap).collect();
    let [sack, error] = chunks[..] else { panic!("{chunks:?}") };
    assert_eq!(sctp::Sack::parse_untrusted(sack).unwrap().cumulative_tsn, header.tsn);
    // Section 3.3.10.1: the cause, its length, the stream, two bytes that are reserved.
    assert_eq!((error.kind, error.value), (chunk_type::ERROR, &[0, 1, 0, 8, 0, 10, 0, 0][..]));
    assert!(duo.messages(1).is_empty() && !duo.ends[1].is_over());
}
