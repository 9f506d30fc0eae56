//! One call on several threads: whose datagram reached which does not matter.

mod common;

use std::time::Duration;

use common::{assert_seamless, bad, good, seeds};
use visavis_dataplane::api::{ShardId, TransportState};
use visavis_dataplane::counters::Counter;
use visavis_netem::Call;

#[test]
fn publisher_and_subscriber_live_on_threads_of_their_own() {
    for seed in seeds(4) {
        let mut call = Call::with_shards(seed, 3);
        let publisher = call.join(0, bad());
        let subscribers = [1, 1, 2].map(|shard| call.join(shard, bad()));
        let (audio, video) = (call.publish_audio(publisher), call.publish_video(publisher, 800_000));
        let slots = subscribers.map(|subscriber| {
            call.subscribe(subscriber, audio);
            call.subscribe(subscriber, video)
        });
        call.run_ms(6_000);
        for outbound in &mut call.peer_mut(publisher).outbound {
            outbound.enabled = false;
        }
        call.run_ms(1_000);
        for (subscriber, slot) in subscribers.into_iter().zip(slots) {
            assert_seamless(call.inbound(subscriber, slot), &format!("seed {seed}"));
            assert!(call.inbound(subscriber, slot).shown().len() > 150, "seed {seed}");
        }
    }
}

#[test]
fn datagrams_that_reach_the_wrong_thread_are_handed_to_the_right_one_in_both_directions() {
    for shard in [0, 1] {
        let mut call = Call::with_shards(1, 2);
        let publisher = call.join(shard, good());
        let subscriber = call.join(1 - shard, good());
        // The "kernel" gives each client's datagrams to the thread that is not its own.
        for (member, thread) in [(publisher, ShardId(1 - shard)), (subscriber, ShardId(shard))] {
            let address = call.peer(member).checks.nominated();
            call.server_mut().steer(address, thread);
        }
        let track = call.publish_video(publisher, 500_000);
        let slot = call.subscribe(subscriber, track);
        call.run_ms(3_000);
        assert!(call.server().handed_over() > 200);
        assert!(call.inbound(subscriber, slot).shown().len() > 75);
        assert_seamless(call.inbound(subscriber, slot), "all came");
        // What came before the first check was answered has no owner; nothing later is turned away.
        assert_eq!(call.server().count(Counter::UnvalidatedAddress), 0);
        assert_eq!(call.peer(publisher).checks.wrong_answers, 0);
    }
}

#[test]
fn a_client_moves_to_an_address_of_another_thread_and_back_without_losing_a_frame() {
    let mut call = Call::with_shards(1, 2);
    let publisher = call.join(0, good());
    let subscriber = call.join(1, good());
    let track = call.publish_video(publisher, 500_000);
    let slot = call.subscribe(subscriber, track);
    let homes = [publisher, subscriber].map(|member| call.peer(member).checks.nominated());
    call.server_mut().steer(homes[0], ShardId(0));
    call.server_mut().steer(homes[1], ShardId(1));
    call.run_ms(2_000);
    let away = [call.add_address(publisher, ShardId(1)), call.add_address(subscriber, ShardId(0))];
    call.run_ms(500);
    for addresses in [away, homes, away] {
        for (member, address) in [publisher, subscriber].into_iter().zip(addresses) {
            call.nominate(member, address);
        }
        call.run_ms(7_000);
    }
    let inbound = call.inbound(subscriber, slot);
    assert_seamless(inbound, "three moves");
    assert_eq!(inbound.freezes(Duration::from_millis(150)), []);
    let sent_to = |call: &Call, address| call.server().sent_to(address);
    assert!(sent_to(&call, away[1]) > 400 && sent_to(&call, homes[1]) > 400);
}

#[test]
fn an_address_whose_datagrams_begin_to_reach_another_thread_goes_on_with_the_next_check() {
    let mut call = Call::with_shards(1, 2);
    let publisher = call.join(0, good());
    let subscriber = call.join(0, good());
    let track = call.publish_video(publisher, 500_000);
    let slot = call.subscribe(subscriber, track);
    let address = call.peer(publisher).checks.nominated();
    call.server_mut().steer(address, ShardId(0));
    call.run_ms(3_000);
    // As when the kernel's table of sockets changes.
    call.server_mut().steer(address, ShardId(1));
    call.run_ms(12_000);
    let newest = call.inbound(subscriber, slot).shown().pop().expect("frames were shown");
    assert!(call.now().since(newest.complete) < Duration::from_millis(100), "{newest:?}");
    assert_eq!(call.states(publisher).last().map(|&(_, state)| state), Some(TransportState::Connected));
}

#[test]
fn an_address_that_passed_to_another_member_stays_with_it_when_the_first_one_leaves() {
    let mut call = Call::with_shards(1, 2);
    let first = call.join(0, good());
    let address = call.peer(first).checks.nominated();
    call.server_mut().steer(address, ShardId(1));
    call.run_ms(1_000);
    // The first one's client is gone without a word, and its address, behind the same NAT, is now another's.
    call.network.detach(first.handle);
    let second = call.join(0, good());
    let subscriber = call.join(1, good());
    let track = call.publish_video(second, 500_000);
    let slot = call.subscribe(subscriber, track);
    call.network.add_address(second.handle, address);
    let now = call.now();
    call.peer_mut(second).checks.add_pair(now, address);
    call.nominate(second, address);
    call.run_ms(2_000);
    call.command(visavis_dataplane::Command::CloseTransport { id: first.transport });
    call.run_ms(2_000);
    assert_eq!(call.server().count(Counter::UnvalidatedAddress), 0);
    assert_seamless(call.inbound(subscriber, slot), "the second one's media");
}
