//! Checks, consent, restarts.

mod common;

use std::time::Duration;

use common::{assert_seamless, good, state_names};
use visavis_dataplane::api::TransportState::{Connected, Connecting, Disconnected, Failed};
use visavis_dataplane::counters::Counter;
use visavis_netem::peer::Peer;
use visavis_netem::{Call, LinkConfig, Links};

#[test]
fn a_peer_that_vanishes_is_disconnected_after_eight_seconds_and_failed_after_thirty() {
    let mut call = Call::new(1);
    let publisher = call.join(0, good());
    let subscriber = call.join(0, good());
    let track = call.publish_video(publisher, 500_000);
    call.subscribe(subscriber, track);
    call.run_ms(4_000);
    call.network.links(subscriber.handle).0.config.loss = 1.0;
    let gone = call.now();
    call.run_ms(29_000);
    let sent_before = call.network.links(subscriber.handle).1.counts.carried;
    call.run_ms(4_000);
    let states = call.states(subscriber);
    assert_eq!(state_names(&call, subscriber), [Connected, Disconnected, Failed]);
    let after = |n: usize| states[n].0.since(gone).as_secs_f64();
    assert!((6.9..=8.6).contains(&after(1)), "{}", after(1));
    // The last check may lie five seconds before the end.
    assert!((24.9..=30.6).contains(&after(2)), "{}", after(2));
    call.run_ms(1_000);
    let sent = call.network.links(subscriber.handle).1.counts.carried;
    let failed = states[2].0;
    assert!(sent > sent_before || after(2) < 29.0, "while there is consent media is sent");
    let silent_since = call.now().since(failed);
    call.run_ms(2_000);
    assert!(silent_since > Duration::ZERO);
    assert_eq!(
        call.network.links(subscriber.handle).1.counts.carried,
        sent,
        "without consent nothing is (RFC 7675)"
    );
    assert_eq!(state_names(&call, publisher), [Connected]);
}

#[test]
fn checks_that_stop_end_consent_even_while_media_flows() {
    let mut call = Call::new(1);
    let publisher = call.join(0, good());
    call.publish_video(publisher, 500_000);
    call.run_ms(4_000);
    call.peer_mut(publisher).checks.stop();
    call.run_ms(31_000);
    assert_eq!(
        state_names(&call, publisher),
        [Connected, Failed],
        "never disconnected: it was heard all the time"
    );
}

#[test]
fn a_peer_that_comes_back_within_thirty_seconds_is_connected_again() {
    let mut call = Call::new(1);
    let publisher = call.join(0, good());
    let subscriber = call.join(0, good());
    let track = call.publish_video(publisher, 500_000);
    let slot = call.subscribe(subscriber, track);
    call.run_ms(4_000);
    for loss in [1.0, 0.0] {
        let (up, down) = call.network.links(publisher.handle);
        (up.config.loss, down.config.loss) = (loss, loss);
        call.run_ms(15_000);
    }
    assert_eq!(state_names(&call, publisher), [Connected, Disconnected, Connected]);
    let newest = call.inbound(subscriber, slot).shown().pop().expect("frames were shown");
    assert!(call.now().since(newest.complete) < Duration::from_millis(100), "{newest:?}");
}

#[test]
fn a_peer_that_never_comes_is_given_up_after_a_minute() {
    let mut call = Call::new(1);
    let absent = call.join(0, Links::both(LinkConfig::default().with_loss(1.0)));
    call.run_ms(62_000);
    assert_eq!(state_names(&call, absent), [Failed]);
}

#[test]
fn an_ice_restart_in_the_middle_of_a_call_loses_no_frame() {
    for shards in [1, 2] {
        let mut call = Call::with_shards(1, shards);
        let publisher = call.join(0, good());
        let subscriber = call.join(shards - 1, good());
        let track = call.publish_video(publisher, 500_000);
        let slot = call.subscribe(subscriber, track);
        for _ in 0..3 {
            call.run_ms(3_000);
            call.restart_ice(publisher);
            call.restart_ice(subscriber);
        }
        call.run_ms(8_000);
        let inbound = call.inbound(subscriber, slot);
        assert_seamless(inbound, "three restarts");
        assert_eq!(inbound.freezes(Duration::from_millis(150)), []);
        assert_eq!(state_names(&call, publisher), [Connected]);
        assert_eq!(call.server().sizes().ufrags, 2, "the old fragments are forgotten");
        assert_eq!(call.peer(publisher).checks.wrong_answers, 0);
    }
}

#[test]
fn who_moves_to_a_new_address_with_an_ice_restart_is_followed() {
    let mut call = Call::with_shards(1, 2);
    let publisher = call.join(0, good());
    let subscriber = call.join(1, good());
    let track = call.publish_video(publisher, 500_000);
    let slot = call.subscribe(subscriber, track);
    call.run_ms(3_000);
    let address = call.add_address(subscriber, visavis_dataplane::ShardId(0));
    call.nominate(subscriber, address);
    call.restart_ice(subscriber);
    call.run_ms(3_000);
    assert!(call.server().sent_to(address) > 150);
    assert_seamless(call.inbound(subscriber, slot), "after the move");
}

#[test]
fn media_from_an_address_that_no_check_validated_goes_nowhere() {
    let mut call = Call::new(1);
    let publisher = call.join(0, good());
    let subscriber = call.join(0, good());
    let track = call.publish_video(publisher, 500_000);
    let slot = call.subscribe(subscriber, track);
    call.run_ms(2_000);
    // Somebody on the way copies the publisher's packets, and sends them first, from his own address.
    call.network.tap();
    call.run_ms(500);
    let server = visavis_netem::call::server_address();
    let copied: Vec<_> =
        call.network.tapped().into_iter().filter(|(_, datagram)| datagram.to == server).collect();
    let before =
        [Counter::UnvalidatedAddress, Counter::SrtpReplayed, Counter::SrtpUnauthentic, Counter::DtlsError]
            .map(|counter| call.server().count(counter));
    let media: Vec<_> = copied.into_iter().filter(|(_, datagram)| datagram.data[0] >= 128).collect();
    for (_, mut datagram) in media.clone() {
        datagram.from = "203.0.113.9:999".parse().expect("an address");
        call.network.inject(datagram);
    }
    let mut hello = vec![22, 254, 253];
    hello.resize(200, 0);
    call.network.inject(visavis_netem::Datagram {
        from: "203.0.113.9:999".parse().expect("an address"),
        to: server,
        data: hello,
    });
    call.run_ms(1_000);
    let after =
        [Counter::UnvalidatedAddress, Counter::SrtpReplayed, Counter::SrtpUnauthentic, Counter::DtlsError]
            .map(|counter| call.server().count(counter));
    assert_eq!(after[0] - before[0], media.len() as u64 + 1);
    assert_eq!(after[1..], before[1..], "neither SRTP nor DTLS saw one of them");
    assert_seamless(call.inbound(subscriber, slot), "untouched");
}

#[test]
fn a_check_of_another_peers_making_validates_nothing() {
    let mut call = Call::new(1);
    let victim = call.join(0, good());
    call.run_ms(500);
    let local = call.peer(victim).checks.local().clone();
    let addresses = call.server().sizes().addresses;
    // The user name fragment is known, the password is not.
    let mut data = Vec::new();
    visavis_wire::stun::Builder::binding_request(&mut data, [7; 12])
        .username(&format!("{}:{}", call.peer(victim).checks.remote().ufrag, local.ufrag))
        .priority(1)
        .ice_controlling(1)
        .use_candidate()
        .finish_with_integrity(b"a guess");
    let from = "203.0.113.9:999".parse().expect("an address");
    call.network.inject(visavis_netem::Datagram { from, to: visavis_netem::call::server_address(), data });
    call.run_ms(100);
    assert_eq!(call.server().count(Counter::StunBadIntegrity), 1);
    assert_eq!(call.server().sizes().addresses, addresses);
    assert_eq!(call.server().sent_to(from), 1, "the error alone (RFC 8489 section 9.1.3)");
}

#[test]
fn keys_that_are_there_before_the_first_check_change_nothing() {
    let mut call = Call::new(1);
    let slow = call.join(0, Links::both(LinkConfig::delay_ms(400)));
    call.run_ms(1_100);
    assert_eq!(state_names(&call, slow), []);
    // A check there, ours back, and its answer.
    call.run_ms(200);
    assert_eq!(state_names(&call, slow), [Connected]);
    assert!(!state_names(&call, slow).contains(&Connecting));
    let peer: &Peer = call.peer(slow);
    assert_eq!(peer.strange, 0);
}
