//! What could make an association stand still for ever, and does not.

use super::*;

#[test]
fn long_messages_on_many_streams_do_not_fill_the_window_with_parts() {
    let config = Config { receive_budget: 1 << 20, ..CONFIG };
    let mut duo = Duo::with(GOOD, 1, [config; 2]);
    duo.connect();
    for stream in 0..12 {
        duo.ends[0].send(duo.now, message(stream, vec![1; 250_000]));
    }
    duo.ends[0].send(duo.now, message(20, vec![2; 100]));
    assert!(duo.run_until(Duration::from_secs(20), |duo| duo.messages(1).len() == 13));
    assert_eq!(duo.messages(1)[0].0, 20, "a short one does not wait for them");
}

#[test]
fn every_stream_hears_what_was_given_up_however_many_they_are() {
    for interleaving in [true, false] {
        let mut duo = Duo::with(GOOD, 1, [Config { interleaving, ..CONFIG }; 2]);
        duo.connect();
        let send = |duo: &mut Duo, data: u8| {
            for stream in 0..600 {
                let reliability = Reliability::Retransmits(0);
                duo.ends[0].send(duo.now, OutgoingMessage { reliability, ..message(stream, vec![data; 8]) });
            }
        };
        duo.path.loss = 1_000;
        send(&mut duo, 1);
        duo.run(Duration::from_secs(1));
        duo.path.loss = 0;
        duo.run(Duration::from_secs(20));
        send(&mut duo, 2);
        duo.run(Duration::from_secs(20));
        let got = duo.messages(1).iter().filter(|(_, data)| data[0] == 2).count();
        assert_eq!(got, 600, "interleaving {interleaving}");
    }
}
