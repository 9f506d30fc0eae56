//! Resets that meet refusals, data on its way, and each other.

use visavis_wire::sctp::{self, ChunkWriter, ReconfigResponse, chunk_type, parameter};

use super::*;

/// Gives `end` a RE-CONFIG chunk as if the other end had sent it.
fn give(duo: &mut Duo, end: usize, write: impl FnOnce(&mut ChunkWriter<'_>)) {
    let mut packet = Vec::new();
    let start = sctp::begin_packet(&mut packet, 5_000, 5_000, duo.ends[end].local_tag());
    let mut chunk = ChunkWriter::begin(&mut packet, chunk_type::RECONFIG, 0);
    write(&mut chunk);
    chunk.finish();
    sctp::finish_packet(&mut packet, start, false);
    let now = duo.now;
    duo.ends[end].handle_packet_untrusted(now, &packet);
}

fn request(duo: &mut Duo, end: usize, number: u32, last_tsn: u32, streams: &[u16]) {
    give(duo, end, |chunk| {
        chunk.parameter(parameter::OUTGOING_RESET_REQUEST, |parameter| {
            parameter.word(number).word(0).word(last_tsn);
            streams.iter().for_each(|&id| _ = parameter.half(id));
        });
    });
}

#[test]
fn after_a_refused_reset_the_numbers_go_on() {
    let mut duo = Duo::new(GOOD, 1);
    duo.connect();
    duo.ends[0].send(duo.now, message(1, b"before".to_vec()));
    duo.run(Duration::from_secs(1));
    duo.path.loss = 1_000;
    duo.ends[0].reset_streams(&[1]);
    duo.settle();
    let number = duo.ends[0].local_tsn();
    give(&mut duo, 0, |chunk| {
        chunk.parameter(parameter::RECONFIG_RESPONSE, |parameter| {
            parameter.word(number).word(ReconfigResponse::DENIED);
        });
    });
    duo.path.loss = 0;
    duo.ends[0].send(duo.now, message(1, b"after".to_vec()));
    duo.run(Duration::from_secs(5));
    assert_eq!(duo.messages(1), [(1, b"before".as_slice()), (1, b"after".as_slice())]);
}

#[test]
fn resets_that_wait_for_data_are_all_done_when_it_comes() {
    let mut duo = Duo::new(GOOD, 1);
    duo.connect();
    let first = duo.ends[0].local_tsn();
    request(&mut duo, 1, first, first, &[1]);
    request(&mut duo, 1, first.wrapping_add(1), first, &[2]);
    duo.ends[0].send(duo.now, message(1, b"last".to_vec()));
    duo.run(Duration::from_secs(1));
    let resets = [1, 2].map(|stream| Event::StreamReset { stream });
    assert!(duo.events[1].ends_with(&resets), "{:?}", duo.events[1]);
}

#[test]
fn a_storm_of_resets_fills_no_memory() {
    let mut duo = Duo::new(GOOD, 1);
    duo.connect();
    let first = duo.ends[0].local_tsn();
    let streams: Vec<u16> = (0..500).collect();
    for n in 0..1_000 {
        request(&mut duo, 1, first.wrapping_add(n), first.wrapping_sub(1), &streams);
    }
    let mut told = 0;
    while duo.ends[1].poll_event().is_some() {
        told += 1;
    }
    assert!((60_000..132_000).contains(&told), "{told}");
}

#[test]
fn both_ends_reset_the_same_streams_at_once_and_use_them_again() {
    for seed in 0..40 {
        let mut duo = Duo::new(Path { loss: 200, reordered: 200, doubled: 200, ..GOOD }, seed);
        duo.connect();
        for round in 0..4u8 {
            let before = [0, 1].map(|end: usize| duo.events[end].len());
            for end in 0..2 {
                for stream in 0..3 {
                    let reliability = match stream {
                        0 => Reliability::Reliable,
                        _ => Reliability::Retransmits(0),
                    };
                    let data = vec![round; 3_000];
                    duo.ends[end].send(duo.now, OutgoingMessage { reliability, ..message(stream, data) });
                }
                duo.ends[end].reset_streams(&[0, 1, 2]);
            }
            let is_over = |events: &[Event]| {
                let count = |wanted: fn(&Event) -> bool| events.iter().filter(|event| wanted(event)).count();
                count(|event| matches!(event, Event::ResetDone { .. })) == 3
                    && count(|event| matches!(event, Event::StreamReset { .. })) == 3
            };
            let done = duo.run_until(Duration::from_secs(120), |duo| {
                [0, 1].iter().all(|&end: &usize| is_over(&duo.events[end][before[end]..]))
            });
            assert!(done, "seed {seed}, round {round}: {:?}", duo.events);
        }
        for end in 0..2 {
            let reliable: Vec<u8> = duo
                .messages(end)
                .iter()
                .filter(|(stream, _)| *stream == 0)
                .map(|(_, data)| data[0])
                .collect();
            assert_eq!(reliable, [0, 1, 2, 3], "seed {seed}");
        }
    }
}

#[test]
fn what_is_sent_during_a_reset_has_the_new_numbers() {
    for seed in 0..20 {
        let mut duo = Duo::new(Path { loss: 200, reordered: 200, ..GOOD }, seed);
        duo.connect();
        duo.ends[0].send(duo.now, message(1, b"old".to_vec()));
        duo.ends[0].reset_streams(&[1]);
        let sent = duo.run_until(Duration::from_secs(60), |duo| duo.ends[0].figures().queued_bytes == 0);
        assert!(sent, "seed {seed}");
        duo.ends[0].send(duo.now, message(1, b"new".to_vec()));
        duo.ends[0].send(duo.now, message(1, b"newer".to_vec()));
        assert!(duo.run_until(Duration::from_secs(60), |duo| duo.messages(1).len() == 3), "seed {seed}");
        let told = |data: &[u8]| Event::Message { stream: 1, ppid: 53, data: data.to_vec() };
        let expected = [told(b"old"), Event::StreamReset { stream: 1 }, told(b"new"), told(b"newer")];
        assert!(duo.events[1].ends_with(&expected), "seed {seed}: {:?}", duo.events[1]);
    }
}

#[test]
fn two_requests_in_one_chunk_get_two_answers() {
    let mut duo = Duo::new(GOOD, 1);
    duo.connect();
    let first = duo.ends[0].local_tsn();
    give(&mut duo, 1, |chunk| {
        chunk.parameter(parameter::OUTGOING_RESET_REQUEST, |parameter| {
            parameter.word(first).word(0).word(first.wrapping_sub(1)).half(1);
        });
        chunk.parameter(parameter::INCOMING_RESET_REQUEST, |parameter| {
            parameter.word(first.wrapping_add(1)).half(2);
        });
    });
    let mut packet = Vec::new();
    assert!(duo.ends[1].poll_transmit(duo.now, &mut packet));
    let packet = sctp::Packet::parse_untrusted(&packet).unwrap();
    let chunks: Vec<_> = packet.chunks().map(Result::unwrap).collect();
    let [chunk] = chunks[..] else { panic!("{chunks:?}") };
    let answers = sctp::Parameters::of(chunk).map(|parameter| {
        let answer = ReconfigResponse::parse_untrusted(parameter).unwrap().unwrap();
        (answer.request, answer.result)
    });
    let expected = [(first, ReconfigResponse::PERFORMED), (first.wrapping_add(1), ReconfigResponse::DENIED)];
    assert_eq!(answers.collect::<Vec<_>>(), expected);
}
