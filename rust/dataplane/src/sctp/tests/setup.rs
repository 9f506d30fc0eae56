//! Associations come to stand, whatever is lost, and end.

use super::*;

#[test]
fn both_begin_and_one_association_stands() {
    let mut duo = Duo::new(GOOD, 1);
    duo.connect();
    duo.run(Duration::from_secs(2));
    for events in &duo.events {
        assert_eq!(*events, [Event::Connected { inbound: 65_535, outbound: 65_535 }]);
    }
    assert!(duo.sent_packets.iter().all(|&sent| sent <= 4), "{:?}", duo.sent_packets);
}

#[test]
fn the_loss_of_any_packets_only_delays_it() {
    for seed in 0..200 {
        let mut duo = Duo::new(Path { loss: 400, doubled: 100, reordered: 100, ..GOOD }, seed);
        duo.connect();
        duo.ends[0].send(duo.now, message(0, vec![7; 10]));
        duo.ends[1].send(duo.now, message(0, vec![8; 10]));
        let arrived = duo
            .run_until(Duration::from_secs(60), |duo| [0, 1].iter().all(|&end| duo.messages(end).len() == 1));
        assert!(arrived, "seed {seed}");
    }
}

#[test]
fn what_is_sent_before_it_stands_waits() {
    let mut duo = Duo::new(GOOD, 1);
    let now = duo.now;
    duo.ends[0].send(now, message(3, b"early".to_vec()));
    duo.run(Duration::from_secs(1));
    assert_eq!(duo.messages(1), [(3, b"early".as_slice())]);
}

#[test]
fn an_abort_ends_both_ends() {
    let mut duo = Duo::new(GOOD, 1);
    duo.connect();
    duo.ends[0].abort();
    duo.run(Duration::from_secs(1));
    assert!(duo.ends.iter().all(Association::is_over));
    assert_eq!(duo.events[1].last(), Some(&Event::Closed("the peer closed it")));
    assert_eq!(duo.events[0].len(), 1, "who ends it is not told");
}

#[test]
fn a_peer_that_never_answers_is_given_up() {
    let mut duo = Duo::new(Path { loss: 1_000, ..GOOD }, 1);
    duo.run(Duration::from_secs(300));
    assert_eq!(duo.events[0], [Event::Failed("the peer does not answer")]);
}

#[test]
fn a_peer_that_vanishes_is_given_up_and_one_that_comes_back_is_not() {
    for (outage, survives) in [(40, true), (300, false)] {
        let mut duo = Duo::new(GOOD, 1);
        duo.connect();
        duo.path.loss = 1_000;
        duo.ends[0].send(duo.now, message(0, vec![1; 5_000]));
        duo.run(Duration::from_secs(outage));
        duo.path.loss = 0;
        duo.run(Duration::from_secs(30));
        assert_eq!(duo.messages(1).len() == 1, survives);
        assert_eq!(duo.ends[0].is_over(), !survives);
    }
}
