//! What scenarios share.
#![allow(dead_code, reason = "each scenario uses a part")]

use std::collections::BTreeMap;

use visavis_dataplane::api::TransportState;
use visavis_netem::peer::inbound::Inbound;
use visavis_netem::{Call, LinkConfig, Links, Member};

/// Some seeds. `VISAVIS_SEED` names one to run alone, `VISAVIS_TIMES` runs so many times as many.
pub fn seeds(count: u64) -> Vec<u64> {
    let number = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    match number("VISAVIS_SEED") {
        Some(seed) => vec![seed],
        None => (1..=count * number("VISAVIS_TIMES").unwrap_or(1)).collect(),
    }
}

/// 40 ms there and back, and no faults.
pub fn good() -> Links {
    Links::both(LinkConfig::delay_ms(20))
}

/// Loses, reorders and duplicates.
pub fn bad() -> Links {
    Links::both(LinkConfig::delay_ms(20).with_loss(0.03).with_reordering(0.05, 15).with_duplicates(0.01))
}

/// As `assert_seamless`, but where the source changes: what the one before lost last, while it was still wanted, is not
/// asked for any more.
pub fn assert_seamless_but_for_tails(inbound: &Inbound, story: &str) {
    for gap in inbound.gaps() {
        let before = inbound.pieces.range(..gap).next_back().map(|(_, piece)| piece.content.encoder);
        let after =
            inbound.pieces.range(gap..gap + 60).any(|(_, piece)| Some(piece.content.encoder) != before);
        assert!(after, "{story}: {gap} is missing in the middle of a source");
    }
    assert!(inbound.gaps().len() < 10, "{story}: {:?}", inbound.gaps());
    assert_in_order(inbound, story);
}

/// What left is what came: nothing missing, nothing damaged, sequence numbers without a hole, timestamps never backwards,
/// frames counted as if one encoder had made them all.
pub fn assert_seamless(inbound: &Inbound, story: &str) {
    assert_eq!(inbound.gaps(), [0u64; 0], "{story}: gaps");
    assert_eq!(inbound.lost, [0u64; 0], "{story}: lost");
    assert_in_order(inbound, story);
}

fn assert_in_order(inbound: &Inbound, story: &str) {
    assert_eq!(inbound.damaged, 0, "{story}: damaged");
    let frames = inbound.frames();
    for pair in frames.windows(2) {
        let ahead = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        assert!(ahead != 0 && ahead < 0x8000_0000, "{story}: {:?} then {:?}", pair[0], pair[1]);
    }
    for ((before, earlier), (after, later)) in inbound.pieces.iter().zip(inbound.pieces.iter().skip(1)) {
        let (Some((picture_id, tl0)), Some(next)) = (earlier.numbers, later.numbers) else { continue };
        let same =
            (earlier.content.encoder, earlier.content.frame) == (later.content.encoder, later.content.frame);
        let expected =
            if same { (picture_id, tl0) } else { ((picture_id + 1) & 0x7fff, tl0.wrapping_add(1)) };
        if after - before == 1 {
            assert_eq!(next, expected, "{story}: {earlier:?} then {later:?}");
        }
    }
    let mut by_timestamp = BTreeMap::new();
    for piece in inbound.pieces.values() {
        let frame = (piece.content.encoder, piece.content.frame);
        assert_eq!(
            *by_timestamp.entry(piece.timestamp).or_insert(frame),
            frame,
            "{story}: two frames, one timestamp"
        );
    }
}

pub fn state_names(call: &Call, member: Member) -> Vec<TransportState> {
    call.states(member).into_iter().map(|(_, state)| state).collect()
}
