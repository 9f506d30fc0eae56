//! Who comes and goes leaves nothing behind.

mod common;

use common::{bad, good};
use visavis_dataplane::Command;
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
        for n in 0..present.len() {
            let (other, _) = present[n];
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
    assert!(call.server().sizes().transports <= 4);
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
    let subscriber_lost = inbound.lost.len();
    call.network.links(subscriber.handle).1.config.loss = 1.0;
    call.run_ms(200);
    call.network.links(subscriber.handle).1.config.loss = 0.0;
    // It still has a publisher to be asked.
    let asked = call.outbound(second, 0).plis.len();
    call.command(Command::RequestKeyFrame { track });
    call.run_ms(700);
    assert!(call.outbound(second, 0).plis.len() > asked);
    assert_eq!(call.inbound(subscriber, slot).lost.len(), subscriber_lost);
}
