use super::*;

const PATIENCE: Duration = Duration::from_millis(300);
const ROUND: Duration = Duration::from_millis(50);

fn at(milliseconds: u64) -> Time {
    Time::from_millis(milliseconds)
}

/// Lets probes pass that are not longer than `mtu`, until the search has no more of them; what was sent, and when it was over.
fn search(path: &mut PathMtu, mut now: Time, mtu: usize) -> (Vec<usize>, Time) {
    let mut sent = Vec::new();
    while path.trial.is_some() {
        if let Some(probe) = path.take_probe(now, Some(PATIENCE)) {
            sent.push(probe.size);
            if probe.size <= mtu {
                now = now + ROUND;
                path.handle_answer_untrusted(now, probe.number);
                continue;
            }
        }
        now = path.poll_timeout().unwrap();
        path.handle_timeout(now);
    }
    (sent, now)
}

fn begun() -> PathMtu {
    let mut path = PathMtu::new(at(0), None, true, true);
    path.on_full_packet(at(0));
    path
}

#[test]
fn the_table_ascends_and_is_found_out_size_by_size() {
    assert!(SIZES.is_sorted_by(|a, b| a < b));
    for (mtu, found) in [(1_200, 1_200), (1_251, 1_232), (1_472, 1_472), (1_500, 1_472), (9_000, 8_972)] {
        let mut path = begun();
        let (sent, _) = search(&mut path, at(0), mtu);
        assert_eq!(path.current(), found, "{sent:?}");
        assert!(matches!(path.state, State::SearchComplete { .. }));
    }
    let mut path = begun();
    assert_eq!(search(&mut path, at(0), usize::MAX).0.len(), 5, "one each for base and bisection");
    assert_eq!(path.current(), LARGEST);
}

#[test]
fn nothing_is_asked_before_a_packet_is_full_nor_of_a_fixed_size_or_a_stream() {
    let mut idle = PathMtu::new(at(0), None, true, true);
    assert_eq!((idle.take_probe(at(0), None), idle.poll_timeout()), (None, None));
    assert!(!idle.forbids_fragments());
    for (fixed, may_probe, size) in [(Some(1_300), true, 1_300), (None, false, BASE)] {
        let mut path = PathMtu::new(at(0), fixed, may_probe, true);
        path.on_full_packet(at(0));
        assert_eq!((path.take_probe(at(0), None), path.current()), (None, size));
        path.restart(at(0), may_probe);
        assert_eq!(path.current(), size);
        assert!(!path.forbids_fragments());
    }
}

#[test]
fn what_a_peer_answers_unasked_counts_for_nothing() {
    let mut path = begun();
    path.handle_answer_untrusted(at(0), 0);
    assert_eq!(path.state, State::Base, "it was not sent yet");
    let probe = path.take_probe(at(0), None).unwrap();
    for number in [probe.number + 1, u64::MAX] {
        path.handle_answer_untrusted(at(1), number);
    }
    assert_eq!(path.state, State::Base);
    path.handle_answer_untrusted(at(1), probe.number);
    assert_eq!(path.state, State::Searching);
    let next = path.take_probe(at(1), None).unwrap();
    path.handle_answer_untrusted(at(2), probe.number);
    assert_eq!(path.current(), BASE, "that was of another size");
    path.restart(at(3), true);
    path.on_full_packet(at(3));
    path.take_probe(at(3), None).unwrap();
    path.handle_answer_untrusted(at(4), next.number);
    assert_eq!(path.state, State::Base, "that was of another path");
}

#[test]
fn a_probe_is_lost_three_times_before_its_size_is_too_long() {
    let mut path = begun();
    let probe = path.take_probe(at(0), None).unwrap();
    path.handle_answer_untrusted(at(10), probe.number);
    let mut sent = Vec::new();
    for _ in 0..ATTEMPTS {
        sent.push(path.take_probe(at(10), Some(PATIENCE)).unwrap());
        assert_eq!(path.take_probe(at(10), Some(PATIENCE)), None, "one at a time");
        path.handle_timeout(at(309));
        assert_eq!(path.take_probe(at(309), Some(PATIENCE)), None);
        if sent.len() < 3 {
            path.handle_timeout(at(310));
        }
    }
    assert!(sent.iter().all(|probe| probe.size == sent[0].size), "{sent:?}");
    let late = path.clone();
    path.handle_answer_untrusted(at(310), sent[0].number);
    assert_eq!(path.current(), sent[0].size, "a late answer is one");
    let mut path = late;
    path.handle_timeout(at(310));
    assert!(path.take_probe(at(310), None).unwrap().size < sent[0].size);
}

#[test]
fn what_the_machine_refuses_is_not_tried_again() {
    let mut path = begun();
    let mut sent = Vec::new();
    while let Some(probe) = path.take_probe(at(0), None) {
        sent.push(probe.size);
        if probe.size > 1_472 {
            path.handle_refusal(at(0), true);
        } else {
            path.handle_answer_untrusted(at(0), probe.number);
        }
    }
    assert_eq!(path.current(), 1_472);
    let mut unique = sent.clone();
    unique.dedup();
    assert_eq!(sent, unique);
    path.handle_refusal(at(1), false);
    assert_eq!(path.current(), BASE);
}

#[test]
fn without_an_answer_to_the_base_fragments_are_permitted_and_it_is_asked_again_later() {
    let mut path = begun();
    assert!(path.forbids_fragments());
    let (sent, now) = search(&mut path, at(0), 1_000);
    assert_eq!(sent, [BASE; 3]);
    assert_eq!(path.current(), BASE);
    assert!(!path.forbids_fragments());
    path.on_full_packet(now + RAISE_AFTER - PATIENCE);
    assert_eq!(path.trial.map(|trial| trial.place), None);
    path.on_full_packet(now + RAISE_AFTER);
    search(&mut path, now + RAISE_AFTER, 1_472);
    assert_eq!(path.current(), 1_472);
}

#[test]
fn a_black_hole_is_long_packets_lost_in_a_row_over_more_than_a_round_trip() {
    let mut path = begun();
    let (_, now) = search(&mut path, at(0), 1_472);
    let sent = |n: u64| now + Duration::from_millis(20 * n);
    for n in 0..20 {
        // Bursts, and losses between what is delivered, are none.
        path.on_lost(sent(n), sent(0), ROUND);
    }
    path.on_delivered(sent(1));
    for n in 2..40 {
        path.on_lost(sent(n), sent(n), ROUND);
        if n % 3 == 0 {
            path.on_delivered(sent(n));
        }
    }
    path.on_delivered(sent(50));
    for n in 40..50 {
        path.on_lost(sent(60), sent(n), ROUND);
    }
    assert_eq!(path.current(), 1_472);
    for n in 51..55 {
        assert_eq!(path.current(), 1_472);
        path.on_lost(sent(60), sent(n), ROUND);
    }
    assert_eq!(path.current(), BASE);
    let (sent, _) = search(&mut path, sent(60), 1_300);
    assert_eq!((sent[0], path.current()), (BASE, 1_252));
}

#[test]
fn each_black_hole_doubles_the_pause_before_the_next_search() {
    let mut path = begun();
    let (_, mut now) = search(&mut path, at(0), 1_472);
    for pause in [1, 2, 4, 8] {
        path.handle_refusal(now, false);
        assert_eq!(path.poll_timeout(), Some(now + Duration::from_secs(pause)));
        (_, now) = search(&mut path, now, 1_472);
    }
    now = now + RAISE_AFTER;
    path.handle_refusal(now, false);
    assert_eq!(path.poll_timeout(), Some(now + FIRST_PAUSE));
}

#[test]
fn a_path_that_takes_more_is_found_when_the_raise_timer_is_over() {
    let mut path = begun();
    let (_, now) = search(&mut path, at(0), 1_252);
    path.on_full_packet(now + RAISE_AFTER - ROUND);
    assert!(path.trial.is_none());
    path.on_full_packet(now + RAISE_AFTER);
    search(&mut path, now + RAISE_AFTER, 8_972);
    assert_eq!(path.current(), 8_972);
}
