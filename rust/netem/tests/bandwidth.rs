//! What fits the network is sent, and what does not waits until it does.

mod common;

use std::time::Duration;

use common::{good, seeds};
use visavis_dataplane::api::{Rung, SlotId};
use visavis_dataplane::counters::Counter;
use visavis_netem::{Call, LinkConfig, Links, Member};

fn narrow(bps: u64) -> LinkConfig {
    LinkConfig::delay_ms(20).with_rate(bps)
}

/// Bits a second that a slot got in the last `ms`.
fn rate(call: &Call, member: Member, slot: SlotId, ms: u64) -> u64 {
    let since = call.now() - Duration::from_millis(ms);
    let pieces = call.inbound(member, slot).pieces.values();
    let size = if slot.0 == 0 { 80 } else { 850 };
    pieces.filter(|piece| piece.arrived >= since).count() as u64 * size * 8 * 1_000 / ms
}

#[test]
fn a_link_that_narrows_loses_its_video_before_its_audio_and_gets_it_back_when_it_widens() {
    for seed in seeds(2) {
        let mut call = Call::new(seed);
        let publisher = call.join(0, good());
        let subscriber = call.join(0, Links { up: LinkConfig::delay_ms(20), down: narrow(5_000_000) });
        let audio = call.publish_audio(publisher);
        let video = call.publish_video(publisher, 800_000);
        let (heard, seen) = (call.subscribe(subscriber, audio), call.subscribe(subscriber, video));
        call.run_ms(8_000);
        assert!(
            rate(&call, subscriber, seen, 2_000) > 600_000,
            "seed {seed}: video came while there was room"
        );
        call.network.links(subscriber.handle).1.config.rate_bps = Some(200_000);
        call.run_ms(15_000);
        let (audio_bps, video_bps) =
            (rate(&call, subscriber, heard, 5_000), rate(&call, subscriber, seen, 5_000));
        assert!(audio_bps > 29_000, "seed {seed}: {audio_bps} bits a second of audio are left");
        assert!(video_bps < 150_000, "seed {seed}: {video_bps} bits a second of video still come");
        call.network.links(subscriber.handle).1.config.rate_bps = Some(5_000_000);
        call.run_ms(30_000);
        let video_bps = rate(&call, subscriber, seen, 3_000);
        assert!(video_bps > 600_000, "seed {seed}: {video_bps} bits a second after the link widened");
        let newest = call.inbound(subscriber, seen).shown().pop().expect("frames were shown");
        assert!(call.now().since(newest.complete) < Duration::from_millis(200), "seed {seed}: {newest:?}");
    }
}

#[test]
fn simulcast_settles_on_the_layer_that_fits() {
    for (bps, layer) in [(350_000, 0), (1_000_000, 1), (5_000_000, 2)] {
        let mut call = Call::new(1);
        let publisher = call.join(0, good());
        let subscriber = call.join(0, Links { up: LinkConfig::delay_ms(20), down: narrow(bps) });
        let track = call.publish_simulcast(publisher, [150_000, 500_000, 1_500_000]);
        let slot = call.subscribe(subscriber, track);
        call.set_ladder(subscriber, (0..3).map(|layer| Rung { slot, layer }).collect());
        call.run_ms(40_000);
        let since = call.now() - Duration::from_millis(10_000);
        let encoders: Vec<u32> =
            call.peer(publisher).outbound.iter().map(|outbound| outbound.encoding.ssrc).collect();
        let mut frames = [0; 3];
        for frame in call.inbound(subscriber, slot).shown().iter().filter(|frame| frame.complete >= since) {
            let of = encoders
                .iter()
                .position(|&encoder| encoder == frame.encoder)
                .expect("a layer of the publisher's");
            frames[of] += 1;
        }
        assert!(
            frames[layer] > 200,
            "{bps} bits a second: frames of the layers in the last ten seconds: {frames:?}"
        );
    }
}

#[test]
fn who_joins_over_a_slow_link_soon_has_a_picture() {
    for bps in [350_000, 600_000, 1_000_000] {
        let mut call = Call::new(1);
        let publisher = call.join(0, good());
        let subscriber = call.join(0, Links { up: LinkConfig::delay_ms(20), down: narrow(bps) });
        let track = call.publish_simulcast(publisher, [150_000, 500_000, 1_500_000]);
        let slot = call.subscribe(subscriber, track);
        call.run_ms(6_000);
        let since = call.now() - Duration::from_millis(1_500);
        let shown = call.inbound(subscriber, slot).shown();
        let lately = shown.iter().filter(|frame| frame.complete >= since).count();
        assert!(lately > 25, "{bps} bits a second: {lately} frames between the fourth second and the sixth");
    }
}

#[test]
fn what_a_full_link_dropped_does_not_fill_it_again() {
    let mut call = Call::new(1);
    let publisher = call.join(0, good());
    let subscriber = call.join(0, Links { up: LinkConfig::delay_ms(20), down: narrow(350_000) });
    let track = call.publish_video(publisher, 1_500_000);
    call.subscribe(subscriber, track);
    call.run_ms(10_000);
    let (_, down) = call.network.links(subscriber.handle);
    // Until the estimate has come down, more media leaves than fits; its repetitions are a part of that at most.
    let bytes = (down.counts.carried + down.counts.dropped) * 900;
    assert!(
        bytes < 2_200_000,
        "{bytes} bytes were sent, of which {} packets were dropped",
        down.counts.dropped
    );
}

#[test]
fn one_subscribers_narrow_link_is_nobody_elses() {
    let mut call = Call::new(1);
    let publisher = call.join(0, good());
    let slow = call.join(0, Links { up: LinkConfig::delay_ms(20), down: narrow(300_000) });
    let fast = call.join(0, good());
    let track = call.publish_video(publisher, 1_200_000);
    call.subscribe(slow, track);
    let slot = call.subscribe(fast, track);
    call.run_ms(15_000);
    let inbound = call.inbound(fast, slot);
    assert_eq!(inbound.freezes(Duration::from_millis(150)), []);
    common::assert_seamless(inbound, "the fast one");
    assert!(inbound.frames().len() > 430);
}

/// A call of so many, each with a camera in three layers, which one more joins over a link of this rate; the slots with
/// the cameras' largest layers.
fn join_a_call_of(others: usize, bps: u64, seed: u64) -> (Call, Member, Vec<(SlotId, u32)>) {
    let mut call = Call::new(seed);
    let publishers: Vec<Member> = (0..others).map(|_| call.join(0, good())).collect();
    let cameras: Vec<_> =
        publishers.iter().map(|&one| call.publish_simulcast(one, [150_000, 500_000, 1_500_000])).collect();
    let voices: Vec<_> = publishers.iter().map(|&one| call.publish_audio(one)).collect();
    call.run_ms(5_000);
    let subscriber = call.join(0, Links { up: LinkConfig::delay_ms(20), down: narrow(bps) });
    voices.into_iter().for_each(|voice| _ = call.subscribe(subscriber, voice));
    let slots: Vec<SlotId> = cameras.into_iter().map(|camera| call.subscribe(subscriber, camera)).collect();
    // All have a small picture before one has a large one.
    let voices = (0..others).map(|n| Rung { slot: SlotId(n as u16), layer: 0 });
    let pictures = (0..3).flat_map(|layer| slots.iter().map(move |&slot| Rung { slot, layer }));
    let rungs = voices.chain(pictures).collect();
    call.set_ladder(subscriber, rungs);
    let largest = publishers.iter().map(|&one| call.outbound(one, 2).encoding.ssrc).collect::<Vec<_>>();
    (call, subscriber, slots.into_iter().zip(largest).collect())
}

#[test]
fn who_joins_over_a_fast_link_has_all_pictures_in_full_within_a_second() {
    for seed in seeds(3) {
        let (mut call, subscriber, slots) = join_a_call_of(4, 30_000_000, seed);
        let joined = call.now();
        call.run_ms(3_000);
        for (slot, largest) in slots {
            let full =
                call.inbound(subscriber, slot).shown().into_iter().find(|frame| frame.encoder == largest);
            let after = full.map(|frame| frame.complete.since(joined));
            assert!(
                after.is_some_and(|after| after < Duration::from_millis(1_000)),
                "seed {seed}, {slot:?}: {after:?}"
            );
        }
    }
}

#[test]
fn who_joins_over_a_slow_link_loses_less_than_a_second_of_it_until_that_is_known() {
    for seed in seeds(3) {
        for others in [1, 4] {
            let (mut call, subscriber, _) = join_a_call_of(others, 500_000, seed);
            call.run_ms(5_000);
            let lost = call.network.links(subscriber.handle).1.counts.dropped_bytes;
            assert!(lost < 500_000 / 8, "seed {seed}, {others} others: {lost} bytes");
            let heard = call.inbound(subscriber, SlotId(0)).freezes(Duration::from_millis(1_000));
            assert_eq!(heard, [], "seed {seed}, {others} others");
        }
    }
}

#[test]
fn a_picture_that_a_busy_machine_lost_is_back_within_seconds() {
    for seed in seeds(3) {
        let mut call = Call::new(seed);
        let publisher = call.join(0, good());
        let subscriber = call.join(0, Links { up: LinkConfig::delay_ms(20), down: narrow(20_000_000) });
        let (voice, camera) = (call.publish_audio(publisher), call.publish_video(publisher, 1_500_000));
        call.subscribe(subscriber, voice);
        let slot = call.subscribe(subscriber, camera);
        call.run_ms(8_000);
        // For a few seconds packets are read late, and then some at a time.
        call.network.links(subscriber.handle).1.config.rate_bps = Some(60_000);
        call.run_ms(6_000);
        call.network.links(subscriber.handle).1.config.rate_bps = Some(20_000_000);
        let free = call.now();
        call.run_ms(30_000);
        let back = call.inbound(subscriber, slot).shown().into_iter().find(|frame| frame.captured > free);
        let after = back.map(|frame| frame.complete.since(free));
        assert!(after.is_some_and(|after| after < Duration::from_millis(6_000)), "seed {seed}: {after:?}");
    }
}

#[test]
fn probes_for_a_picture_that_does_not_fit_do_not_fill_the_queue_of_its_link() {
    for seed in seeds(3) {
        let mut call = Call::new(seed);
        let publisher = call.join(0, good());
        let subscriber = call.join(0, Links { up: LinkConfig::delay_ms(20), down: narrow(300_000) });
        let (voice, camera) = (call.publish_audio(publisher), call.publish_video(publisher, 1_000_000));
        let (heard, seen) = (call.subscribe(subscriber, voice), call.subscribe(subscriber, camera));
        call.run_ms(15_000);
        let (settled, dropped) = (call.now(), call.network.links(subscriber.handle).1.counts.dropped);
        let probes = call.server().count(Counter::ProbesSent);
        call.run_ms(60_000);
        let story = format!("seed {seed}");
        assert_eq!(call.network.links(subscriber.handle).1.counts.dropped, dropped, "{story}");
        assert!(rate(&call, subscriber, seen, 60_000) < 20_000, "{story}: it does not fit");
        assert!(call.server().count(Counter::ProbesSent) > probes, "{story}: it is tried all the same");
        let voices = call.inbound(subscriber, heard).pieces.values();
        let slowest = voices
            .filter(|piece| piece.content.captured > settled)
            .map(|piece| piece.arrived.since(piece.content.captured))
            .max();
        let slowest = slowest.expect("voices were heard");
        assert!(slowest < Duration::from_millis(40 + 130), "{story}: {slowest:?}");
    }
}
