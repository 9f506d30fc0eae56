//! What the network loses or reorders comes all the same.

mod common;

use std::time::Duration;

use common::{assert_seamless, bad, good, seeds};
use visavis_dataplane::counters::Counter;
use visavis_netem::{Call, LinkConfig, Links};
use visavis_wire::rtcp;

#[test]
fn every_frame_arrives_whole_at_both_subscribers_though_all_links_lose_and_reorder() {
    for seed in seeds(8) {
        let mut call = Call::new(seed);
        let publisher = call.join(0, bad());
        let subscribers = [call.join(0, bad()), call.join(0, bad())];
        let track = call.publish_video(publisher, 1_000_000);
        let slots = subscribers.map(|subscriber| call.subscribe(subscriber, track));
        call.run_ms(10_000);
        call.peer_mut(publisher).outbound[0].enabled = false;
        call.run_ms(1_000);
        for (subscriber, slot) in subscribers.into_iter().zip(slots) {
            let story = format!("seed {seed}");
            let inbound = call.inbound(subscriber, slot);
            assert_seamless(inbound, &story);
            assert_eq!(call.peer(subscriber).strange, 0, "{story}");
            let (frames, all) = (inbound.frames(), call.outbound(publisher, 0).frames);
            // Who is connected later than the publisher, or loses the first key frame, begins with the next one.
            assert!(frames.len() as u32 >= all - 20, "{story}: {} of {all}", frames.len());
            // A receiver cannot know of what it missed before the first packet that it got.
            let shown = frames.iter().skip_while(|frame| !frame.key).count();
            assert_eq!(inbound.shown().len(), shown, "{story}: each frame follows the one before");
            assert!(inbound.pieces.values().any(|piece| piece.recovered), "{story}");
        }
    }
}

#[test]
fn bursts_of_loss_are_repaired_within_a_few_round_trips() {
    for seed in seeds(4) {
        let mut call = Call::new(seed);
        let publisher = call.join(0, Links::both(LinkConfig::delay_ms(30).with_bursts(0.005, 0.2)));
        let subscriber = call.join(0, Links::both(LinkConfig::delay_ms(30).with_bursts(0.005, 0.2)));
        // What is lost counts against the bandwidth; here nothing shall be left out for want of that.
        call.peer_mut(subscriber).gives_feedback = false;
        let track = call.publish_video(publisher, 800_000);
        let slot = call.subscribe(subscriber, track);
        call.run_ms(15_000);
        for member in [publisher, subscriber] {
            let (up, down) = call.network.links(member.handle);
            (up.config.burst, down.config.burst) = (None, None);
        }
        call.peer_mut(publisher).outbound[0].enabled = false;
        call.run_ms(1_500);
        let inbound = call.inbound(subscriber, slot);
        assert_seamless(inbound, &format!("seed {seed}"));
        let freezes = inbound.freezes(Duration::from_millis(900));
        assert_eq!(freezes, [], "seed {seed}");
    }
}

#[test]
fn what_a_distant_publisher_lost_is_seldom_asked_for_twice() {
    for delay_ms in [20, 120] {
        let mut call = Call::new(1);
        let publisher = call.join(0, Links::both(LinkConfig::delay_ms(delay_ms)));
        let subscriber = call.join(0, good());
        let track = call.publish_video(publisher, 1_000_000);
        call.subscribe(subscriber, track);
        call.network.links(publisher.handle).0.config.loss = 0.05;
        call.run_ms(10_000);
        let lost = call.network.links(publisher.handle).0.counts.lost;
        let repeated = call.outbound(publisher, 0).repeated;
        assert!(lost > 50 && repeated > 40, "{delay_ms} ms: {lost} lost, {repeated} repeated");
        assert!(repeated < lost * 5 / 4, "{delay_ms} ms: {lost} lost, {repeated} repeated");
    }
}

#[test]
fn audio_that_the_network_reordered_arrives_whole() {
    for seed in seeds(4) {
        let mut call = Call::new(seed);
        let publisher = call.join(0, Links::both(LinkConfig::delay_ms(10).with_reordering(0.2, 90)));
        let subscriber = call.join(0, Links::both(LinkConfig::delay_ms(10).with_reordering(0.2, 90)));
        let track = call.publish_audio(publisher);
        let slot = call.subscribe(subscriber, track);
        call.run_ms(10_000);
        call.peer_mut(publisher).outbound[0].enabled = false;
        call.run_ms(500);
        let inbound = call.inbound(subscriber, slot);
        assert_seamless(inbound, &format!("seed {seed}"));
        let late = inbound
            .pieces
            .values()
            .collect::<Vec<_>>()
            .windows(2)
            .filter(|p| p[0].arrived > p[1].arrived)
            .count();
        assert!(late > 50, "seed {seed}: {late} came late");
        assert!(inbound.frames().len() as u32 >= call.outbound(publisher, 0).frames - 10, "seed {seed}");
        assert_eq!(call.server().count(Counter::SrtpIndexExhausted), 0, "seed {seed}");
    }
}

#[test]
fn one_subscriber_that_asks_for_everything_again_and_again_is_bounded_by_its_budget() {
    let mut call = Call::new(1);
    let publisher = call.join(0, good());
    let (greedy, honest) = (call.join(0, good()), call.join(0, bad()));
    let track = call.publish_video(publisher, 2_000_000);
    let greedy_slot = call.subscribe(greedy, track);
    let honest_slot = call.subscribe(honest, track);
    call.run_ms(2_000);
    let before = call.network.links(greedy.handle).1.counts.carried;
    for _ in 0..200 {
        let inbound = call.inbound(greedy, greedy_slot);
        let newest = inbound.pieces.last_key_value().map_or(0, |(&sequence, _)| sequence as u16);
        let all: Vec<u16> = (0..400).rev().map(|n| newest.wrapping_sub(n)).collect();
        let mut nack = Vec::new();
        rtcp::write_nack(&mut nack, 1, inbound.line.ssrc, &all);
        call.peer_mut(greedy).send_rtcp(nack);
        call.run_ms(10);
    }
    // At most a megabyte a second and a burst of 400 kB; here half of the bandwidth that is known, which is less.
    let carried = call.network.links(greedy.handle).1.counts.carried - before;
    let repeated = call.inbound(greedy, greedy_slot).repeated;
    assert!(repeated * 1_100 < 2_400_000, "{repeated} of 80,000 asked for; {carried} in all");
    assert!(repeated > 100, "{repeated}: the budget is there to be used");
    assert!(call.server().count(Counter::NackRateLimited) > 100);
    call.peer_mut(publisher).outbound[0].enabled = false;
    call.run_ms(1_000);
    assert_seamless(call.inbound(honest, honest_slot), "the other one's losses are repaired meanwhile");
}

#[test]
fn a_nack_of_the_repetitions_themselves_repeats_nothing() {
    let mut call = Call::new(1);
    let publisher = call.join(0, good());
    let subscriber = call.join(0, good());
    let track = call.publish_video(publisher, 500_000);
    let slot = call.subscribe(subscriber, track);
    call.run_ms(2_000);
    let rtx_ssrc = call.inbound(subscriber, slot).line.rtx_ssrc.expect("video is repeated");
    let mut nack = Vec::new();
    rtcp::write_nack(&mut nack, 1, rtx_ssrc, &[1, 2, 3, 100, 101]);
    call.peer_mut(subscriber).send_rtcp(nack);
    call.run_ms(200);
    assert_eq!(call.server().count(Counter::NackAnswered), 0);
    assert_eq!(call.inbound(subscriber, slot).repeated, 0);
}

#[test]
fn a_publisher_that_was_away_for_seconds_is_asked_for_a_key_frame() {
    let mut call = Call::new(1);
    let publisher = call.join(0, good());
    let subscriber = call.join(0, good());
    let track = call.publish_video(publisher, 3_000_000);
    let slot = call.subscribe(subscriber, track);
    call.run_ms(3_000);
    let asked_before = call.outbound(publisher, 0).plis.len();
    // A gap too long for retransmission: some 900 packets.
    call.network.links(publisher.handle).0.config.loss = 1.0;
    call.run_ms(2_500);
    call.network.links(publisher.handle).0.config.loss = 0.0;
    let back = call.now();
    call.run_ms(50);
    let asked = &call.outbound(publisher, 0).plis[asked_before..];
    assert_eq!(asked.len(), 1, "{asked:?}: asked by the server itself, before any subscriber could");
    assert!(asked[0].since(back) < Duration::from_millis(60));
    call.run_ms(1_000);
    let shown = call.inbound(subscriber, slot).shown();
    assert!(shown.iter().any(|frame| frame.key && frame.complete > back), "it goes on with that key frame");
}
