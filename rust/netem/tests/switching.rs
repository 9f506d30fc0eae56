//! A slot stops, goes on, and changes its source; the subscriber's stream stays one.

mod common;

use std::time::Duration;

use common::{assert_seamless, assert_seamless_but_for_tails, bad, good, seeds};
use visavis_dataplane::Report;
use visavis_dataplane::api::{ForwardReason, Rung, SlotId};
use visavis_netem::{Call, Member};

/// What was reported of a slot.
fn outcomes(call: &Call, member: Member, of: SlotId) -> Vec<(Option<u8>, ForwardReason)> {
    let reports = call.server().reports().iter();
    reports
        .filter_map(|(_, report)| match report {
            Report::Forwarding { id, slot, layer, reason } if (*id, *slot) == (member.transport, of) => {
                Some((*layer, *reason))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn a_rung_removed_pauses_the_stream_and_put_back_resumes_it_with_a_key_frame_and_no_gap() {
    for seed in seeds(4) {
        let mut call = Call::new(seed);
        let publisher = call.join(0, bad());
        let subscriber = call.join(0, bad());
        let track = call.publish_video(publisher, 800_000);
        let slot = call.subscribe(subscriber, track);
        call.run_ms(3_000);
        let ladder = call.ladder(subscriber).to_vec();
        // The very last packets before a pause must not be lost: nobody could know before it ends.
        let loss = std::mem::take(&mut call.network.links(subscriber.handle).1.config.loss);
        call.run_ms(200);
        call.set_ladder(subscriber, Vec::new());
        call.network.links(subscriber.handle).1.config.loss = loss;
        call.run_ms(200);
        let paused = call.inbound(subscriber, slot).pieces.len();
        call.run_ms(1_800);
        let story = format!("seed {seed}");
        let while_paused = call.inbound(subscriber, slot).pieces.len() - paused;
        assert!(while_paused <= 3, "{story}: {while_paused} came though the slot is not shown");
        call.set_ladder(subscriber, ladder);
        let resumed = call.now();
        call.run_ms(3_000);
        call.peer_mut(publisher).outbound[0].enabled = false;
        call.run_ms(1_000);
        let inbound = call.inbound(subscriber, slot);
        assert_seamless(inbound, &story);
        let frames = inbound.frames();
        let first = frames.iter().find(|frame| frame.captured > resumed).expect("it goes on");
        assert!(
            first.key && first.complete.since(resumed) < Duration::from_millis(1_000),
            "{story}: {first:?}"
        );
        // The publisher's own timeline goes on: two seconds of pause are two seconds of timestamps.
        let last = frames.iter().rfind(|frame| frame.captured < resumed).expect("it had begun");
        let ticks = first.captured.since(last.captured).as_micros() as u32 / 100 * 9;
        assert!(first.timestamp.wrapping_sub(last.timestamp).abs_diff(ticks) < 9, "{story}");
        let told = outcomes(&call, subscriber, slot);
        assert!(told.contains(&(None, ForwardReason::NotShown)), "{told:?}");
        assert_eq!(told.last(), Some(&(Some(0), ForwardReason::Ok)), "{told:?}");
    }
}

#[test]
fn a_slot_that_is_routed_to_another_track_goes_on_without_a_seam() {
    for seed in seeds(4) {
        for shards in [1, 2] {
            let mut call = Call::with_shards(seed, shards);
            let publishers = [call.join(0, bad()), call.join(shards - 1, bad())];
            let subscriber = call.join(0, bad());
            let tracks = publishers.map(|publisher| call.publish_video(publisher, 500_000));
            let slot = call.subscribe(subscriber, tracks[0]);
            for turn in 1..=6 {
                call.run_ms(2_500);
                call.route(subscriber, slot, Some(tracks[turn % 2]));
            }
            call.run_ms(2_500);
            for publisher in publishers {
                call.peer_mut(publisher).outbound[0].enabled = false;
            }
            call.run_ms(1_000);
            let story = format!("seed {seed}, {shards} shards");
            let inbound = call.inbound(subscriber, slot);
            assert_seamless_but_for_tails(inbound, &story);
            let shown = inbound.shown();
            let changes = shown.windows(2).filter(|pair| pair[0].encoder != pair[1].encoder).count();
            assert_eq!(changes, 6, "{story}");
            for pair in shown.windows(2).filter(|pair| pair[0].encoder != pair[1].encoder) {
                assert!(pair[1].key, "{story}");
                let ticks = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
                assert!(ticks < 90_000 * 3, "{story}: {ticks} between two sources");
            }
            // A request for a key frame that is lost is made again half a second later.
            assert_eq!(inbound.freezes(Duration::from_millis(1_700)), [], "{story}");
        }
    }
}

#[test]
fn an_audio_slot_changes_speakers_at_once() {
    let mut call = Call::new(1);
    let publishers = [call.join(0, good()), call.join(0, good())];
    let subscriber = call.join(0, good());
    let tracks = publishers.map(|publisher| call.publish_audio(publisher));
    let slot = call.subscribe(subscriber, tracks[0]);
    for turn in 1..=20 {
        call.run_ms(500);
        call.route(subscriber, slot, Some(tracks[turn % 2]));
    }
    call.run_ms(500);
    let inbound = call.inbound(subscriber, slot);
    assert_seamless(inbound, "twenty changes");
    assert_eq!(inbound.freezes(Duration::from_millis(250)), []);
}

#[test]
fn simulcast_layers_are_told_by_mid_and_rid_and_switch_at_key_frames() {
    for seed in seeds(4) {
        let mut call = Call::new(seed);
        let publisher = call.join(0, bad());
        let subscriber = call.join(0, bad());
        let track = call.publish_simulcast(publisher, [150_000, 500_000, 1_500_000]);
        let slot = call.subscribe(subscriber, track);
        call.run_ms(3_000);
        let encoders: Vec<u32> =
            call.peer(publisher).outbound.iter().map(|outbound| outbound.encoding.ssrc).collect();
        let story = format!("seed {seed}");
        let newest = |call: &Call| call.inbound(subscriber, slot).shown().last().map(|frame| frame.encoder);
        assert_eq!(newest(&call), Some(encoders[2]), "{story}: the ladder's top");
        for layer in [0, 1, 2, 0, 2] {
            let rungs = (0..=layer).map(|layer| Rung { slot, layer }).collect();
            call.set_ladder(subscriber, rungs);
            call.run_ms(1_500);
            assert_eq!(newest(&call), Some(encoders[usize::from(layer)]), "{story}: layer {layer}");
        }
        for outbound in &mut call.peer_mut(publisher).outbound {
            outbound.enabled = false;
        }
        call.run_ms(1_000);
        let inbound = call.inbound(subscriber, slot);
        assert_seamless(inbound, &story);
        let frames = inbound.frames();
        for pair in frames.windows(2).filter(|pair| pair[0].encoder != pair[1].encoder) {
            assert!(pair[1].key, "{story}: {pair:?}");
            // The layers' own timestamps have nothing in common; the stream's go on by the time that passed.
            let elapsed = pair[1].captured.since(pair[0].captured).as_micros() as i64 * 9 / 100;
            let ticks = i64::from(pair[1].timestamp.wrapping_sub(pair[0].timestamp));
            assert!((ticks - elapsed).abs() < 90 * 60, "{story}: {ticks} ticks in {elapsed}");
        }
        assert_eq!(
            inbound.freezes(Duration::from_millis(700)),
            [],
            "{story}: the old layer stays until the new one is there"
        );
    }
}

#[test]
fn a_layer_that_its_publisher_stops_gives_way_to_the_one_below() {
    let mut call = Call::new(1);
    let publisher = call.join(0, good());
    let subscriber = call.join(0, good());
    let track = call.publish_simulcast(publisher, [150_000, 500_000, 1_500_000]);
    let slot = call.subscribe(subscriber, track);
    call.run_ms(3_000);
    call.peer_mut(publisher).outbound[2].enabled = false;
    call.run_ms(4_000);
    let middle = call.outbound(publisher, 1).encoding.ssrc;
    let inbound = call.inbound(subscriber, slot);
    assert_eq!(inbound.shown().last().map(|frame| frame.encoder), Some(middle));
    call.peer_mut(publisher).outbound[2].enabled = true;
    call.run_ms(2_000);
    let top = call.outbound(publisher, 2).encoding.ssrc;
    assert_eq!(call.inbound(subscriber, slot).shown().last().map(|frame| frame.encoder), Some(top));
}

#[test]
fn a_publisher_that_changes_its_ssrc_goes_on_with_a_key_frame() {
    for seed in seeds(4) {
        for shards in [1, 2] {
            let mut call = Call::with_shards(seed, shards);
            let publisher = call.join(0, bad());
            let subscriber = call.join(shards - 1, bad());
            let track = call.publish_video(publisher, 800_000);
            let slot = call.subscribe(subscriber, track);
            for _ in 0..3 {
                call.run_ms(2_000);
                let ssrc = call.fresh_ssrc();
                call.peer_mut(publisher).change_ssrc(0, ssrc);
            }
            call.run_ms(2_000);
            call.peer_mut(publisher).outbound[0].enabled = false;
            call.run_ms(1_000);
            let story = format!("seed {seed}, {shards} shards");
            let inbound = call.inbound(subscriber, slot);
            let shown = inbound.shown();
            let changes = shown.windows(2).filter(|pair| pair[0].encoder != pair[1].encoder).count();
            assert_eq!(changes, 3, "{story}");
            assert_seamless_but_for_tails(inbound, &story);
        }
    }
}

#[test]
fn an_m_line_that_ends_and_comes_back_with_its_ssrc_is_shown_again() {
    for shards in [1, 2] {
        let mut call = Call::with_shards(1, shards);
        let publisher = call.join(0, good());
        let subscriber = call.join(shards - 1, good());
        let track = call.publish_video(publisher, 800_000);
        let slot = call.subscribe(subscriber, track);
        call.run_ms(3_000);
        let sections = call.sections(publisher).to_vec();
        call.set_sections(publisher, Vec::new());
        call.run_ms(1_000);
        call.set_sections(publisher, sections);
        let back = call.now();
        call.run_ms(2_000);
        let inbound = call.inbound(subscriber, slot);
        let first = inbound.shown().into_iter().find(|frame| frame.captured > back);
        let first = first.unwrap_or_else(|| panic!("{shards} shards: nothing is shown any more"));
        assert!(first.key && first.complete.since(back) < Duration::from_millis(1_000), "{first:?}");
        assert_seamless(inbound, &format!("{shards} shards"));
    }
}
