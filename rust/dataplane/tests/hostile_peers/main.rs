//! Peers that are in the call, hold keys of their own and mean harm: what one of them does reaches no other.

mod plane;

use std::time::Duration;

use plane::{MEDIA, NOT_ROUTED, Peer, Plane, SLOT_SSRC, address};
use visavis_dataplane::Command;
use visavis_dataplane::api::{Kind, TrackId};
use visavis_dataplane::counters::Counter;
use visavis_wire::{rtcp, stun};

/// A participant holds the passwords of its own transport: its checks are authentic, whatever source it gives them.
#[test]
fn who_nominates_a_forged_address_has_no_media_sent_there() {
    let mut plane = Plane::new(1);
    let mut publisher = Peer::connect(&mut plane, 0, 1, 5_000, 0);
    let mut thief = Peer::connect(&mut plane, 0, 2, 6_000, 0);
    let victim = plane::address(9_000);
    let track = TrackId(11);
    publisher.publish(&mut plane, track, Kind::Audio);
    thief.subscribe(&mut plane, Kind::Audio);
    thief.route(&mut plane, Some(track));
    let mut stream = publisher.open_stream(1);
    let (mut asked, mut sent, mut kept) = (0, 0, 0);
    for sequence in 0..3_000 {
        if sequence % 10 == 0 {
            // To go on, it has to have consent where it is; what it nominates last is the victim's address.
            plane.datagram(0, thief.address, &thief.check());
            let check = thief.check();
            asked += check.len();
            plane.datagram(0, victim, &check);
        }
        plane.datagram(0, publisher.address, &publisher.rtp(&mut stream, sequence, MEDIA, &[7; 1_000]));
        plane.datagram(0, publisher.address, &publisher.check());
        plane.advance(Duration::from_millis(20));
        for datagram in plane.take_sent(victim) {
            assert!(stun::Message::parse_untrusted(&datagram).is_ok(), "answers and checks alone");
            sent += datagram.len();
        }
        kept += thief.media(&mut plane).len();
    }
    assert!(sent <= 3 * asked, "{sent} bytes for {asked}");
    assert!(kept > 2_900, "what it nominated before goes on: {kept}");
}

/// Who is at the nominated address gets the media as soon as it has said so.
#[test]
fn who_answers_at_a_nominated_address_has_media_sent_there() {
    let mut plane = Plane::new(1);
    let mut publisher = Peer::connect(&mut plane, 0, 1, 5_000, 0);
    let mut mover = Peer::connect(&mut plane, 0, 2, 6_000, 0);
    let track = TrackId(11);
    publisher.publish(&mut plane, track, Kind::Audio);
    mover.subscribe(&mut plane, Kind::Audio);
    mover.route(&mut plane, Some(track));
    let mut stream = publisher.open_stream(1);
    plane.datagram(0, publisher.address, &publisher.rtp(&mut stream, 0, MEDIA, b"voice"));
    assert_eq!(mover.media(&mut plane).len(), 1);
    mover.address = plane::address(6_001);
    plane.advance(Duration::from_millis(100));
    plane.datagram(0, mover.address, &mover.check());
    mover.answer_checks(&mut plane, 0);
    plane.datagram(0, publisher.address, &publisher.rtp(&mut stream, 1, MEDIA, b"voice"));
    assert_eq!(mover.media(&mut plane).len(), 1);
}

fn astray(plane: &Plane) -> u64 {
    plane.count(Counter::SrtpUnauthentic) + plane.count(Counter::UnvalidatedAddress)
}

/// Wherever the kernel hands the packets: to the thread of the victim, of the thief, or of neither.
#[test]
fn who_forges_the_address_of_another_does_not_get_its_packets() {
    for arrival in 0..3 {
        for thief_shard in 0..3 {
            let mut plane = Plane::new(3);
            let mut victim = Peer::connect(&mut plane, 1, 1, 5_000, arrival);
            let thief = Peer::connect(&mut plane, thief_shard, 2, 6_000, arrival);
            victim.publish(&mut plane, TrackId(1 << 24 | 9), Kind::Audio);
            let mut stream = victim.open_stream(1);
            for sequence in 0..500 {
                plane.datagram(arrival, victim.address, &victim.rtp(&mut stream, sequence, MEDIA, b"voice"));
                plane.datagram(arrival, victim.address, &thief.check());
                plane.advance(Duration::from_millis(20));
            }
            assert_eq!(astray(&plane), 0, "arrival at {arrival}, thief on {thief_shard}");
        }
    }
}

#[test]
fn an_address_that_another_took_comes_back_with_the_next_check_on_every_thread() {
    let mut plane = Plane::new(3);
    let mut victim = Peer::connect(&mut plane, 1, 1, 5_000, 0);
    let thief = Peer::connect(&mut plane, 2, 2, 6_000, 0);
    victim.publish(&mut plane, TrackId(1 << 24 | 9), Kind::Audio);
    // No media has come yet that would prove whose it is.
    plane.datagram(0, victim.address, &thief.check());
    plane.datagram(0, victim.address, &victim.check());
    let mut stream = victim.open_stream(1);
    plane.datagram(0, victim.address, &victim.rtp(&mut stream, 1, MEDIA, b"voice"));
    assert_eq!(astray(&plane), 0);
}

/// Two transports of one shard had the same address one after the other.
#[test]
fn the_end_of_a_transport_leaves_an_address_to_who_has_it_now() {
    let mut plane = Plane::new(2);
    let before = Peer::connect(&mut plane, 1, 1, 5_000, 0);
    let mut after = Peer::connect(&mut plane, 1, 2, 5_000, 0);
    after.publish(&mut plane, TrackId(1 << 24 | 9), Kind::Audio);
    plane.command(Command::CloseTransport { id: before.id });
    let mut stream = after.open_stream(1);
    plane.datagram(0, after.address, &after.rtp(&mut stream, 1, MEDIA, b"voice"));
    assert_eq!(astray(&plane), 0);
}

/// The numbers of a track leap while the subscriber gets nothing of it; then the slot is used for somebody else's.
#[test]
fn who_leaps_in_its_numbers_spoils_no_slot_for_those_after_it() {
    let mut plane = Plane::new(1);
    let mut leaper = Peer::connect(&mut plane, 0, 1, 5_000, 0);
    let mut honest = Peer::connect(&mut plane, 0, 2, 6_000, 0);
    let mut subscriber = Peer::connect(&mut plane, 0, 3, 7_000, 0);
    let (leaping, steady) = (TrackId(11), TrackId(12));
    leaper.publish(&mut plane, leaping, Kind::Audio);
    honest.publish(&mut plane, steady, Kind::Audio);
    subscriber.subscribe(&mut plane, Kind::Audio);
    subscriber.route(&mut plane, Some(leaping));
    let mut stream = leaper.open_stream(1);
    plane.datagram(0, leaper.address, &leaper.rtp(&mut stream, 65_535, MEDIA, b"first"));
    plane.advance(Duration::from_millis(200));
    for (sequence, payload_type) in
        [(0, MEDIA), (20_000, NOT_ROUTED), (40_000, NOT_ROUTED), (50_000, MEDIA), (50_001, MEDIA)]
    {
        plane.datagram(0, leaper.address, &leaper.rtp(&mut stream, sequence, payload_type, b"leap"));
    }
    assert_eq!(subscriber.media(&mut plane), [1, 2, 3, 4]);
    subscriber.route(&mut plane, Some(steady));
    let mut stream = honest.open_stream(1);
    plane.datagram(0, honest.address, &honest.rtp(&mut stream, 65_535, MEDIA, b"first"));
    plane.advance(Duration::from_millis(200));
    subscriber.media(&mut plane);
    for sequence in 0..10 {
        plane.datagram(0, honest.address, &honest.rtp(&mut stream, sequence, MEDIA, b"voice"));
    }
    assert_eq!(subscriber.media(&mut plane).len(), 10);
    assert_eq!(plane.count(Counter::SrtpIndexExhausted), 0);
}

/// A track on shard 0 with one subscriber there and, on shard 1, another.
fn call() -> (Plane, Peer, Peer) {
    let mut plane = Plane::new(2);
    let publisher = Peer::connect(&mut plane, 0, 1, 5_000, 0);
    let subscriber = Peer::connect(&mut plane, 0, 2, 6_000, 0);
    let elsewhere = Peer::connect(&mut plane, 1, 3, 7_000, 1);
    let track = TrackId(11);
    publisher.publish(&mut plane, track, Kind::Audio);
    for peer in [&subscriber, &elsewhere] {
        peer.subscribe(&mut plane, Kind::Audio);
        peer.route(&mut plane, Some(track));
    }
    (plane, publisher, subscriber)
}

/// 36 bytes of feedback that tell of 65,528 packets.
fn bomb() -> Vec<u8> {
    let mut feedback = vec![0x8f, 205, 0, 8];
    feedback.extend_from_slice(&[0; 8]);
    feedback.extend_from_slice(&[0, 0, 0xff, 0xf8, 0, 0, 0, 0]);
    (0..8).for_each(|_| feedback.extend_from_slice(&[0x1f, 0xff]));
    feedback
}

#[test]
fn feedback_on_more_packets_than_were_sent_is_not_walked() {
    let (mut plane, _, mut subscriber) = call();
    let bombs = subscriber.rtcp(&bomb().repeat(30));
    plane.datagram(0, subscriber.address, &bombs);
    assert_eq!(plane.count(Counter::FeedbackRateLimited), 29);
    // The budget comes back.
    plane.advance(Duration::from_secs(1));
    let one = subscriber.rtcp(&bomb());
    plane.datagram(0, subscriber.address, &one);
    assert_eq!(plane.count(Counter::FeedbackRateLimited), 29);
}

#[test]
fn a_nack_for_what_is_not_there_is_answered_to_a_bound() {
    let (mut plane, mut publisher, mut subscriber) = call();
    let mut stream = publisher.open_stream(1);
    plane.datagram(0, publisher.address, &publisher.rtp(&mut stream, 65_535, MEDIA, b"first"));
    plane.advance(Duration::from_millis(200));
    for sequence in 0..100 {
        plane.datagram(0, publisher.address, &publisher.rtp(&mut stream, sequence, MEDIA, b"voice"));
    }
    let mut nack = Vec::new();
    let missing: Vec<u16> = (1_000..6_000).collect();
    rtcp::write_nack(&mut nack, 1, SLOT_SSRC, &missing);
    for _ in 0..100 {
        let datagram = subscriber.rtcp(&nack);
        plane.datagram(0, subscriber.address, &datagram);
    }
    assert!(plane.count(Counter::NackTooOld) < 10_000, "{}", plane.count(Counter::NackTooOld));
    subscriber.media(&mut plane);
    // Who asks for what is there gets it as soon as the budget allows.
    plane.advance(Duration::from_secs(1));
    nack.clear();
    rtcp::write_nack(&mut nack, 1, SLOT_SSRC, &[100]);
    let datagram = subscriber.rtcp(&nack);
    plane.datagram(0, subscriber.address, &datagram);
    assert_eq!(subscriber.media(&mut plane).len(), 1);
}

/// SRTP seals no index that lies further back than its window, however the packet came.
#[test]
fn a_repetition_that_comes_too_late_has_a_counter_of_its_own() {
    let (mut plane, mut publisher, _) = call();
    let (mut stream, mut repair) = (publisher.open_stream(1), publisher.open_stream(2));
    for sequence in (1..1_200).filter(|&sequence| sequence != 10) {
        plane.datagram(0, publisher.address, &publisher.rtp(&mut stream, sequence, MEDIA, b"voice"));
    }
    plane.datagram(0, publisher.address, &publisher.rtp(&mut repair, 1, MEDIA + 1, b"\x00\x0avoice"));
    assert_eq!((plane.count(Counter::RtpTooLate), plane.count(Counter::SrtpIndexExhausted)), (2, 0));
}

/// What the ring between two threads may not lose is not as much as a publisher likes.
#[test]
fn a_flood_of_sender_reports_fills_no_ring_for_good() {
    let (mut plane, mut publisher, _) = call();
    let mut stream = publisher.open_stream(1);
    plane.datagram(0, publisher.address, &publisher.rtp(&mut stream, 1, MEDIA, b"voice"));
    let before = plane.lasting_messages;
    let mut reports = Vec::new();
    (0..40).for_each(|n| rtcp::write_sender_report(&mut reports, 1, n << 32, 0, 0, 0, &[]));
    let datagram = publisher.rtcp(&reports);
    plane.datagram(0, publisher.address, &datagram);
    assert_eq!(plane.lasting_messages - before, 0);
}

#[test]
fn a_packet_larger_than_any_paths_is_neither_stored_nor_forwarded() {
    let (mut plane, mut publisher, mut subscriber) = call();
    let mut stream = publisher.open_stream(1);
    for (sequence, bytes) in [(1, 1_400), (2, 9_000), (3, 1_400)] {
        let packet = publisher.rtp(&mut stream, sequence, MEDIA, &vec![0; bytes]);
        plane.datagram(0, publisher.address, &packet);
    }
    plane.advance(Duration::from_millis(200));
    assert_eq!(subscriber.media(&mut plane).len(), 2);
    assert_eq!(plane.count(Counter::DatagramOversized), 1);
}

/// Python is told that it failed, and closes it when it gets round to it.
#[test]
fn what_a_failed_transport_still_sends_reaches_nobody() {
    let (mut plane, mut publisher, mut subscriber) = call();
    let mut stream = publisher.open_stream(1);
    for _ in 0..7 {
        plane.advance(Duration::from_secs(5));
        plane.datagram(0, subscriber.address, &subscriber.check());
    }
    subscriber.media(&mut plane);
    let packet = publisher.rtp(&mut stream, 1, MEDIA, b"voice");
    plane.datagram(0, publisher.address, &packet);
    let report = publisher.rtcp(&[0x80, 201, 0, 1, 0, 0, 0, 1]);
    plane.datagram(0, publisher.address, &report);
    plane.advance(Duration::from_millis(200));
    assert_eq!(subscriber.media(&mut plane), [0u16; 0]);
    assert_eq!(plane.count(Counter::TransportOver), 2);
}

/// Anybody can write the name of a thread into a check; the ring to it carries media too.
#[test]
fn strangers_checks_for_another_thread_are_handed_over_to_a_bound() {
    let mut plane = Plane::new(2);
    let known = Peer::connect(&mut plane, 1, 1, 5_000, 0);
    let named = Peer::connect(&mut plane, 1, 2, 6_000, 0);
    for n in 0..10_000u16 {
        plane.datagram(0, address(10_000 + n), &named.check());
    }
    let refused = plane.count(Counter::StunHandOverLimited);
    assert!((7_000..10_000).contains(&refused), "{refused}");
    // Who is known there is heard even now.
    plane.take_sent(known.address);
    plane.datagram(0, known.address, &known.check());
    assert_eq!(plane.take_sent(known.address).len(), 1);
}

/// What is sent in a turn lies in memory until it ends; 200 subscribers make much of little.
#[test]
fn a_turn_is_full_when_what_it_makes_would_be_too_much() {
    let mut plane = Plane::new(1);
    let mut publisher = Peer::connect(&mut plane, 0, 1, 5_000, 0);
    publisher.publish(&mut plane, TrackId(11), Kind::Audio);
    for n in 0..200u8 {
        let subscriber = Peer::connect(&mut plane, 0, 2 + n, 6_000 + u16::from(n), 0);
        subscriber.subscribe(&mut plane, Kind::Audio);
        subscriber.route(&mut plane, Some(TrackId(11)));
    }
    let mut stream = publisher.open_stream(1);
    let mut turns = 0;
    for sequence in 0..500 {
        let packet = publisher.rtp(&mut stream, sequence, MEDIA, &[0; 1_200]);
        plane.datagram_of_a_batch(0, publisher.address, &packet);
        if plane.shards[0].is_full() {
            plane.shards[0].flush(plane.now);
            assert!(plane.shards[0].transmits().waiting_bytes() < 18 << 20);
            plane.settle();
            assert!(!plane.shards[0].is_full());
            turns += 1;
        }
    }
    assert!((5..=9).contains(&turns), "{turns}");
}
