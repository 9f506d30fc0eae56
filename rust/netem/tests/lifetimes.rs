//! Who comes and goes leaves nothing behind.

mod common;

use std::time::Duration;

use common::{bad, good};
use visavis_dataplane::Command;
use visavis_dataplane::api::Kind;
use visavis_dataplane::shard::Sizes;
use visavis_netem::{Call, LinkConfig, Links};

#[test]
fn a_thousand_members_that_came_and_went_leave_nothing() {
    let mut call = Call::with_shards(1, 2);
    let mut present = Vec::new();
    for n in 0..1_000u32 {
        let member = call.join((n % 2) as u8, Links::both(LinkConfig::delay_ms(5)));
        let track = call.publish_video(member, 60_000);
        let others: Vec<_> = present.iter().map(|&(_, track)| track).collect();
        others.into_iter().for_each(|track| _ = call.subscribe(member, track));
        for &(other, _) in &present {
            call.subscribe(other, track);
        }
        if n % 3 == 0 {
            call.add_address(member, visavis_dataplane::ShardId((n % 2) as u8));
            call.restart_ice(member);
        }
        present.push((member, track));
        call.run_ms(40);
        if present.len() > 3 {
            let (first, _) = present.remove(0);
            call.leave(first);
        }
    }
    let sizes = call.server().sizes();
    assert!(sizes.transports <= 4);
    assert_eq!(sizes.deadlines, sizes.transports, "one deadline each");
    for (member, _) in present {
        call.leave(member);
    }
    call.run_ms(5_000);
    assert_eq!(call.server().sizes(), Sizes::default());
}

#[test]
fn a_room_closed_in_the_middle_of_everything_leaves_nothing() {
    let mut call = Call::with_shards(1, 3);
    let members: Vec<_> = (0..6).map(|n| call.join(n % 3, bad())).collect();
    let tracks: Vec<_> =
        members.iter().map(|&member| call.publish_simulcast(member, [90_000, 200_000, 500_000])).collect();
    for &member in &members {
        for &track in &tracks {
            call.subscribe(member, track);
        }
    }
    call.run_ms(1_234);
    for &member in &members {
        call.command(Command::CloseTransport { id: member.transport });
    }
    // Their clients do not know yet, and go on sending.
    call.run_ms(5_000);
    assert_eq!(call.server().sizes(), Sizes::default());
}

#[test]
fn a_track_that_another_transport_took_over_survives_the_first_one() {
    let mut call = Call::new(1);
    let first = call.join(0, good());
    let second = call.join(0, good());
    let subscriber = call.join(0, good());
    let track = call.publish_video(first, 300_000);
    let slot = call.subscribe(subscriber, track);
    call.run_ms(1_000);
    // As a client does that lost its connection, and comes again before it is given up.
    let sections = call.sections(first).to_vec();
    let ssrc = call.fresh_ssrc();
    let now = call.now();
    call.set_sections(second, sections);
    call.peer_mut(second).publish(now, visavis_netem::peer::outbound::Encoding::video("0", ssrc, 300_000));
    call.leave(first);
    call.run_ms(2_000);
    let inbound = call.inbound(subscriber, slot);
    let newest = inbound.shown().pop().expect("frames were shown");
    assert_eq!(newest.encoder, ssrc);
    // It still has a publisher, who is asked at once, and not when its transport is looked after the next time.
    let asked = call.now();
    call.command(Command::RequestKeyFrame { track });
    call.run_ms(700);
    let heard = call.outbound(second, 0).plis.last().copied().expect("it was asked");
    assert_eq!(heard.since(asked), Duration::from_millis(20));
    for member in [second, subscriber] {
        call.leave(member);
    }
    call.run_ms(3_000);
    assert_eq!(call.server().sizes(), Sizes::default());
}

#[test]
fn who_has_got_a_stream_is_told_of_its_end() {
    let mut call = Call::new(1);
    let publisher = call.join(0, good());
    let subscriber = call.join(0, bad());
    let track = call.publish_video(publisher, 500_000);
    let slot = call.subscribe(subscriber, track);
    let unused = call.add_slot(subscriber, Kind::Video);
    call.run_ms(3_000);
    assert_eq!(call.peer(subscriber).farewells, [0u32; 0]);
    // What the network loses is not said again: a goodbye is a courtesy.
    call.network.links(subscriber.handle).1.config.loss = 0.0;
    let line = call.inbound(subscriber, slot).line.clone();
    let never_used = call.inbound(subscriber, unused).line.ssrc;
    call.command(Command::Send { id: subscriber.transport, extensions: Vec::new(), slots: Vec::new() });
    call.run_ms(200);
    let told = call.peer(subscriber).farewells.clone();
    assert_eq!(told, [line.ssrc, line.ssrc + 1], "and not {never_used}");
    let another = call.subscribe(subscriber, track);
    call.run_ms(1_000);
    let ssrc = call.inbound(subscriber, another).line.ssrc;
    call.command(Command::CloseTransport { id: subscriber.transport });
    call.run_ms(200);
    assert!(call.peer(subscriber).farewells[told.len()..].contains(&ssrc));
    assert_eq!(call.peer(subscriber).reduced_size_rtcp, 0);
}
