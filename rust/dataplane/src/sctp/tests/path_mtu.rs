//! Datagrams as long as the path takes, and what happens when it takes less.

use visavis_wire::sctp::{self, ChunkWriter, Packet, chunk_type};

use super::*;

const DISCOVERS: Config = Config { fixed_path_mtu: None, ..CONFIG };
const LONG: Path = Path { delay: Duration::from_millis(25), bytes_per_second: 1_250_000, ..GOOD };

fn duo(path: Path) -> Duo {
    let mut duo = Duo::with(path, 1, [DISCOVERS; 2]);
    duo.connect();
    duo
}

/// Keeps the queue of one end filled for so long; how many bytes came meanwhile.
fn transfer(duo: &mut Duo, from: usize, duration: Duration) -> usize {
    let count = |duo: &Duo| duo.messages(1 - from).iter().map(|(_, data)| data.len()).sum::<usize>();
    let (until, before) = (duo.now + duration, count(duo));
    while duo.now < until {
        while duo.ends[from].figures().queued_bytes < 1 << 20 {
            let now = duo.now;
            duo.ends[from].send(now, message(1, vec![7; 16 << 10]));
        }
        duo.step(until);
    }
    count(duo) - before
}

/// What was queued arrives whole.
fn drain(duo: &mut Duo, from: usize) {
    let arrived = duo.run_until(Duration::from_secs(60), |duo| {
        let figures = duo.ends[from].figures();
        figures.queued_bytes == 0 && figures.unacknowledged_bytes == 0
    });
    assert!(arrived, "{:?}", duo.ends[from].figures());
    assert!(duo.messages(1 - from).iter().all(|(_, data)| data.len() == 16 << 10));
}

#[test]
fn datagrams_grow_to_what_the_path_takes_and_no_data_is_lost_by_it() {
    for (mtu, found) in [(1_200, 1_200), (1_240, 1_232), (1_280, 1_252), (1_464, 1_452), (8_972, 8_972)] {
        let mut duo = duo(Path { mtu, ..LONG });
        transfer(&mut duo, 0, Duration::from_secs(8));
        let figures = duo.ends[0].figures();
        assert_eq!((figures.path_mtu, figures.lost), (found, 0), "over {mtu}");
        drain(&mut duo, 0);
        assert_eq!(duo.ends[1].figures().path_mtu, BASE_PATH_MTU, "the other way nothing was sent");
    }
}

#[test]
fn nothing_is_longer_than_the_base_before_its_size_has_come_back() {
    let mut duo = duo(LONG);
    duo.run(Duration::from_secs(5));
    assert!(duo.longest.iter().all(|&longest| longest <= BASE_PATH_MTU), "{:?}", duo.longest);
    duo.ends[0].send(duo.now, message(1, vec![1; 60_000]));
    duo.settle();
    assert!(duo.longest[0] <= BASE_PATH_MTU, "{:?}", duo.longest);
    duo.run(Duration::from_secs(2));
    assert_eq!(duo.ends[0].figures().path_mtu, LARGEST_PATH_MTU);
    let size = duo.longest[0];
    assert!(size == LARGEST_PATH_MTU, "{size}");
    assert!(duo.longest[1] <= BASE_PATH_MTU, "answers to probes are short: {:?}", duo.longest);
}

#[test]
fn a_fixed_size_is_kept() {
    for fixed in [600, 1_200, 1_400] {
        let mut duo = Duo::with(LONG, 1, [Config { fixed_path_mtu: Some(fixed), ..CONFIG }; 2]);
        duo.connect();
        transfer(&mut duo, 0, Duration::from_secs(2));
        assert!((fixed - 3..=fixed).contains(&duo.longest[0]), "{:?}", duo.longest);
        assert_eq!(duo.ends[0].figures().path_mtu, fixed);
    }
}

#[test]
fn a_path_that_takes_less_in_the_middle_of_a_transfer_loses_nothing_and_goes_on() {
    for (before, after, found) in [(20_000, 1_400, 1_392), (1_472, 1_200, 1_200), (9_000, 1_472, 1_472)] {
        let mut duo = duo(Path { mtu: before, ..LONG });
        let full = transfer(&mut duo, 0, Duration::from_secs(4));
        duo.path.mtu = after;
        let fallen = transfer(&mut duo, 0, Duration::from_secs(1));
        assert!(
            fallen > full / 4 / 10,
            "{before} to {after}: {fallen} bytes in the second, {full} in 4 before"
        );
        transfer(&mut duo, 0, Duration::from_secs(8));
        assert_eq!(duo.ends[0].figures().path_mtu, found, "{before} to {after}");
        let again = transfer(&mut duo, 0, Duration::from_secs(4));
        assert!(again > full * 8 / 10, "{before} to {after}: {again} bytes, {full} before");
        drain(&mut duo, 0);
    }
}

#[test]
fn a_path_that_takes_more_is_found_out_after_ten_minutes() {
    let mut duo = duo(Path { mtu: 1_252, ..GOOD });
    transfer(&mut duo, 0, Duration::from_secs(3));
    drain(&mut duo, 0);
    duo.path.mtu = 9_000;
    duo.run(Duration::from_secs(590));
    transfer(&mut duo, 0, Duration::from_millis(50));
    assert_eq!(duo.ends[0].figures().path_mtu, 1_252);
    drain(&mut duo, 0);
    duo.run(Duration::from_secs(10));
    transfer(&mut duo, 0, Duration::from_secs(2));
    assert_eq!(duo.ends[0].figures().path_mtu, 8_972);
}

#[test]
fn another_path_begins_with_the_base() {
    let mut duo = duo(GOOD);
    transfer(&mut duo, 0, Duration::from_secs(1));
    assert!(duo.ends[0].forbids_fragments());
    duo.path.mtu = 1_300;
    duo.settle();
    duo.longest = [0; 2];
    let now = duo.now;
    duo.ends[0].handle_path_change(now, true);
    assert_eq!(duo.ends[0].figures().path_mtu, BASE_PATH_MTU);
    assert!(!duo.ends[0].forbids_fragments());
    transfer(&mut duo, 0, Duration::from_secs(5));
    assert_eq!(duo.ends[0].figures().path_mtu, 1_252);
    let now = duo.now;
    duo.ends[0].handle_path_change(now, false);
    duo.longest = [0; 2];
    transfer(&mut duo, 0, Duration::from_secs(1));
    assert!(duo.longest[0] <= BASE_PATH_MTU, "over a stream nothing is looked for");
    drain(&mut duo, 0);
}

#[test]
fn random_loss_is_taken_for_no_black_hole() {
    let mut duo = duo(Path { mtu: 1_472, loss: 50, ..LONG });
    transfer(&mut duo, 0, Duration::from_secs(5));
    for _ in 0..30 {
        transfer(&mut duo, 0, Duration::from_millis(200));
        assert_eq!(duo.ends[0].figures().path_mtu, 1_472);
    }
}

#[test]
fn a_peer_that_answers_no_probes_gets_short_datagrams() {
    let mut duo = duo(GOOD);
    // Its answers are lost, and nothing else.
    duo.ends[0].send(duo.now, message(1, vec![1; 100_000]));
    let until = duo.now + Duration::from_secs(30);
    loop {
        duo.settle();
        for wire in &mut duo.wires {
            wire.packets.retain(|_, packet| !has(packet, chunk_type::HEARTBEAT_ACK));
        }
        if !duo.step(until) {
            break;
        }
    }
    assert_eq!(duo.messages(1).len(), 1);
    assert!(duo.longest[0] <= BASE_PATH_MTU, "{:?}", duo.longest);
    assert!(!duo.ends[0].forbids_fragments(), "the base itself seems not to pass whole");
}

fn has(packet: &[u8], kind: u8) -> bool {
    let packet = Packet::parse_untrusted(packet).unwrap();
    packet.chunks().any(|chunk| chunk.is_ok_and(|chunk| chunk.kind == kind))
}

#[test]
fn an_answer_repeats_what_the_heartbeat_says_and_not_its_padding() {
    let mut duo = duo(GOOD);
    let mut packet = Vec::new();
    let start = sctp::begin_packet(&mut packet, 5_000, 5_000, duo.ends[1].local_tag());
    ChunkWriter::begin(&mut packet, chunk_type::HEARTBEAT, 0).bytes(&[0, 1, 0, 8, 1, 2, 3, 4]).finish();
    ChunkWriter::begin(&mut packet, chunk_type::PAD, 0).fill_to(9_000).finish();
    sctp::finish_packet(&mut packet, start, false);
    let now = duo.now;
    duo.ends[1].handle_packet_untrusted(now, &packet);
    let mut answer = Vec::new();
    assert!(duo.ends[1].poll_transmit(now, &mut answer));
    assert_eq!(answer.len(), sctp::HEADER_LENGTH + 12);
    assert!(has(&answer, chunk_type::HEARTBEAT_ACK));
    assert_eq!(duo.ends[1].figures().discarded, 0);
}
