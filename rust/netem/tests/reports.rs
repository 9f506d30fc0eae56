//! What sender and receiver reports say.

mod common;

use common::{assert_seamless, bad, good, seeds};
use visavis_dataplane::Report;
use visavis_dataplane::api::{Figure, Kind, SlotId};
use visavis_netem::peer::Codecs;
use visavis_netem::server::NTP_AT_ZERO;
use visavis_netem::{Call, Member};

/// By how much the newest packet of a slot was captured before it should have been, by the reports; milliseconds of the
/// server's wall clock.
fn error_ms(call: &Call, member: Member, slot: SlotId) -> f64 {
    let inbound = call.inbound(member, slot);
    let clock_hz = Codecs::default().clock_hz(inbound.line.kind);
    let newest = inbound.pieces.values().next_back().expect("media came");
    let told = inbound.wall_clock_of(newest.timestamp, clock_hz).expect("a report came");
    let captured = (u128::from(newest.content.captured.as_nanos()) << 32) / 1_000_000_000;
    let true_one = i128::from(NTP_AT_ZERO) + captured as i128;
    (told - true_one) as f64 * 1_000.0 / (1u64 << 32) as f64
}

#[test]
fn audio_and_video_of_a_publisher_with_a_wrong_clock_stay_together_through_pauses_and_switches() {
    for seed in seeds(4) {
        for shards in [1, 2] {
            // Ten years behind.
            let wrong = NTP_AT_ZERO - ((315_360_000u64 << 32) | 12_345);
            let mut call = Call::with_shards(seed, shards);
            let publisher = call.join_with(0, bad(), Codecs::default(), wrong);
            let other = call.join(0, bad());
            let subscriber = call.join(shards - 1, bad());
            let audio = call.publish_audio(publisher);
            let video = call.publish_simulcast(publisher, [100_000, 300_000, 600_000]);
            let another = call.publish_video(other, 300_000);
            let (heard, seen) = (call.subscribe(subscriber, audio), call.subscribe(subscriber, video));
            call.run_ms(5_000);
            let together = |call: &Call, story: &str| {
                let (heard, seen) = (error_ms(call, subscriber, heard), error_ms(call, subscriber, seen));
                assert!(
                    (heard - seen).abs() < 2.0,
                    "seed {seed}, {shards} shards, {story}: {heard} and {seen} ms"
                );
                // The server cannot know the way's delay, so it is at most that late.
                assert!((0.0..60.0).contains(&heard), "seed {seed}, {shards} shards, {story}: {heard} ms");
            };
            together(&call, "at first");
            let ladder = call.ladder(subscriber).to_vec();
            call.set_ladder(subscriber, ladder[..2].to_vec());
            call.run_ms(4_000);
            together(&call, "on another layer");
            call.set_ladder(subscriber, ladder[..1].to_vec());
            call.run_ms(3_000);
            call.set_ladder(subscriber, ladder.clone());
            call.run_ms(4_000);
            together(&call, "after a pause");
            call.route(subscriber, seen, Some(another));
            call.run_ms(3_000);
            call.route(subscriber, seen, Some(video));
            call.run_ms(4_000);
            together(&call, "after another source");
            assert_eq!(call.inbound(subscriber, seen).line.kind, Kind::Video);
        }
    }
}

fn figure(figures: &[(&'static str, Figure)], name: &str) -> f64 {
    match figures.iter().find(|(known, _)| *known == name) {
        Some((_, Figure::Int(value))) => *value as f64,
        Some((_, Figure::Float(value))) => *value,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn the_server_knows_round_trip_and_loss_of_each_end() {
    let mut call = Call::new(1);
    let publisher = call.join(0, good());
    let subscriber = call.join(0, good());
    let track = call.publish_video(publisher, 500_000);
    call.subscribe(subscriber, track);
    call.network.links(publisher.handle).0.config.loss = 0.1;
    call.run_ms(8_000);
    for member in [publisher, subscriber] {
        call.command(visavis_dataplane::Command::RequestStats { id: member.transport });
    }
    let mut received_figures = Vec::new();
    let mut sent_figures = Vec::new();
    for (_, report) in call.server().reports() {
        if let Report::Stats { received, sent, .. } = report {
            received_figures.extend(received.clone());
            sent_figures.extend(sent.clone());
        }
    }
    let sent = &sent_figures[0];
    let round_trip = figure(sent, "roundTripTime");
    assert!((0.038..0.045).contains(&round_trip), "{round_trip} s");
    let repaired = call.outbound(publisher, 0).repeated;
    assert!(repaired > 20);
    let lost: f64 = received_figures.iter().map(|figures| figure(figures, "packetsLost")).sum();
    let packets = f64::from(call.outbound(publisher, 0).packets);
    let share = lost / packets;
    assert!((0.07..0.13).contains(&share), "{lost} of {packets} lost, though all were repaired");
    let (arrived, missing) = call.peer(publisher).feedback;
    assert!(arrived > 400 && missing > 20, "transport-wide feedback: {arrived} arrived, {missing} did not");
}

#[test]
fn feedback_comes_with_a_report_before_it_where_nothing_else_was_agreed_on() {
    for agreed in [true, false] {
        let mut call = Call::new(1);
        let publisher = call.join(0, bad());
        let subscriber = call.join(0, good());
        for member in [publisher, subscriber] {
            call.peer_mut(member).takes_reduced_size_rtcp = agreed;
        }
        let track = call.publish_video(publisher, 500_000);
        let slot = call.subscribe(subscriber, track);
        call.run_ms(5_000);
        call.peer_mut(publisher).outbound[0].enabled = false;
        call.run_ms(1_000);
        assert_seamless(call.inbound(subscriber, slot), "what was lost was asked for");
        let bare = call.peer(publisher).reduced_size_rtcp;
        assert_eq!(bare > 20, agreed, "{bare} packets of feedback without a report");
        assert!(agreed || bare == 0, "{bare}");
        assert_eq!(call.peer(subscriber).reduced_size_rtcp, 0, "sender reports are always compound");
    }
}
