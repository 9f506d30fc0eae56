//! Who comes late, and who comes first.

mod common;

use std::time::Duration;

use common::{assert_seamless, good, seeds};
use visavis_netem::{Call, LinkConfig, Links};

#[test]
fn a_late_joiner_sees_a_picture_within_a_second() {
    for seed in seeds(6) {
        for shards in [1, 2] {
            let mut call = Call::with_shards(seed, shards);
            // A request or a packet that is lost takes half a second more: this is about none of them.
            let jittery = Links::both(LinkConfig::delay_ms(30).with_jitter_ms(20).with_reordering(0.1, 20));
            let publisher = call.join(0, jittery);
            let track = call.publish_video(publisher, 800_000);
            call.run_ms(5_000 + seed * 37);
            let subscriber = call.join(shards - 1, jittery);
            let slot = call.subscribe(subscriber, track);
            let joined = call.now();
            call.run_ms(3_000);
            let first = call.inbound(subscriber, slot).shown()[0];
            assert!(first.key, "seed {seed}");
            let waited = first.complete.since(joined);
            assert!(waited < Duration::from_millis(1_000), "seed {seed}, {shards} shards: {waited:?}");
        }
    }
}

#[test]
fn fifty_late_joiners_within_a_second_cost_the_publisher_a_few_key_frames() {
    for shards in [1, 2] {
        let mut call = Call::with_shards(1, shards);
        let publisher = call.join(0, good());
        let track = call.publish_video(publisher, 300_000);
        call.run_ms(5_000);
        let before = call.outbound(publisher, 0).key_frames;
        let mut joined = Vec::new();
        for n in 0..50 {
            let member = call.join(n % shards, good());
            joined.push((member, call.subscribe(member, track), call.now()));
            call.run_ms(20);
        }
        call.run_ms(3_000);
        let key_frames = call.outbound(publisher, 0).key_frames - before;
        assert!((1..=4).contains(&key_frames), "{shards} shards: {key_frames} key frames");
        for (member, slot, at) in joined {
            let first = call.inbound(member, slot).shown()[0];
            assert!(first.complete.since(at) < Duration::from_millis(1_000), "{first:?}");
            assert_seamless(call.inbound(member, slot), "a late joiner");
        }
    }
}

#[test]
fn who_waits_for_a_track_gets_its_very_first_frame() {
    for shards in [1, 2] {
        let mut call = Call::with_shards(1, shards);
        let publisher = call.join(0, good());
        let subscriber = call.join(shards - 1, good());
        call.run_ms(1_000);
        let track = call.publish_video(publisher, 800_000);
        let slot = call.subscribe(subscriber, track);
        call.run_ms(2_000);
        let frames = call.inbound(subscriber, slot).frames();
        assert_eq!(frames[0].number, 0, "{shards} shards");
        assert_eq!(
            call.outbound(publisher, 0).key_frames,
            1,
            "{shards} shards: nobody had to ask for another one"
        );
    }
}

#[test]
fn a_key_frame_whose_first_packet_came_last_is_shown_without_being_asked_for_again() {
    let mut call = Call::new(1);
    let publisher = call.join(0, good());
    let subscriber = call.join(0, good());
    let track = call.publish_video(publisher, 800_000);
    call.run_ms(1_210);
    let slot = call.subscribe(subscriber, track);
    let now = call.now();
    call.peer_mut(publisher).outbound[0].handle_key_frame_request(now);
    // Only its first packet is lost; it comes again when the server has asked for it.
    call.network.links(publisher.handle).0.lose_next(1);
    call.run_ms(1_000);
    let inbound = call.inbound(subscriber, slot);
    assert_seamless(inbound, "all of it");
    let first = inbound.frames()[0];
    assert!(first.key && first.captured.since(now) < Duration::from_millis(34), "{first:?}");
    assert!(first.complete.since(first.captured) < Duration::from_millis(90), "{first:?}");
    assert_eq!((inbound.nacks_sent, inbound.plis_sent), (0, 0));
}

#[test]
fn a_publisher_that_comes_after_its_audience_waited_long_is_seen_at_once() {
    let mut call = Call::new(1);
    let publisher = call.join(0, good());
    let subscriber = call.join(0, good());
    let track = call.publish_video(publisher, 800_000);
    let slot = call.subscribe(subscriber, track);
    call.peer_mut(publisher).outbound[0].enabled = false;
    call.run_ms(20_000);
    call.peer_mut(publisher).outbound[0].enabled = true;
    let begun = call.now();
    call.run_ms(2_000);
    let first = call.inbound(subscriber, slot).shown()[0];
    assert!(first.complete.since(begun) < Duration::from_millis(200), "{first:?}");
}
