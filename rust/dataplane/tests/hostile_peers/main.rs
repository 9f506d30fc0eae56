//! Peers that are in the call, hold keys of their own and mean harm: what one of them does reaches no other.

mod plane;

use std::time::Duration;

use plane::{MEDIA, NOT_ROUTED, Peer, Plane};
use visavis_dataplane::Command;
use visavis_dataplane::api::{Kind, TrackId};
use visavis_dataplane::counters::Counter;

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
