//! A scenario can be told again.

mod common;

use common::bad;
use visavis_netem::Call;

fn run(seed: u64) -> (u64, usize) {
    let mut call = Call::with_shards(seed, 2);
    let members: Vec<_> = (0..4).map(|n| call.join(n % 2, bad())).collect();
    let tracks: Vec<_> = members
        .iter()
        .flat_map(|&member| [call.publish_audio(member), call.publish_video(member, 300_000)])
        .collect();
    for (n, &member) in members.iter().enumerate() {
        for (m, &track) in tracks.iter().enumerate() {
            if m / 2 != n {
                call.subscribe(member, track);
            }
        }
    }
    call.run_ms(3_000);
    let pieces = members
        .iter()
        .flat_map(|&member| &call.peer(member).inbound)
        .map(|inbound| inbound.pieces.len())
        .sum();
    (call.network.fingerprint(), pieces)
}

#[test]
fn the_same_seed_is_the_same_run_to_the_byte_and_another_seed_is_another() {
    let (first, pieces) = run(7);
    assert!(pieces > 3_000, "{pieces}");
    assert_eq!((first, pieces), run(7));
    assert_ne!(first, run(8).0);
}
