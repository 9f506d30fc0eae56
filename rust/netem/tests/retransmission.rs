//! What the network loses or reorders comes all the same.

mod common;

use common::seeds;
use visavis_netem::{Call, LinkConfig, Links};

#[test]
fn every_frame_arrives_whole_at_both_subscribers_though_all_links_lose_and_reorder() {
    for seed in seeds(5) {
        let mut call = Call::new(seed);
        let link = LinkConfig::delay_ms(20).with_loss(0.03).with_reordering(0.05, 15).with_duplicates(0.01);
        let publisher = call.join(0, Links::both(link));
        let subscribers = [call.join(0, Links::both(link)), call.join(0, Links::both(link))];
        let track = call.publish_video(publisher, 1_000_000);
        let slots = subscribers.map(|subscriber| call.subscribe(subscriber, track));
        call.run_ms(10_000);
        call.peer_mut(publisher).outbound[0].enabled = false;
        call.run_ms(1_000);
        for (subscriber, slot) in subscribers.into_iter().zip(slots) {
            let inbound = call.inbound(subscriber, slot);
            assert_eq!(inbound.gaps(), [0u64; 0], "seed {seed}");
            assert_eq!((inbound.damaged, call.peer(subscriber).strange), (0, 0), "seed {seed}");
            let frames = inbound.frames();
            let all = call.outbound(publisher, 0).frames;
            assert!(frames.len() as u32 >= all - 10, "seed {seed}: {} of {all}", frames.len());
            assert_eq!(inbound.shown().len(), frames.len(), "seed {seed}");
            assert!(inbound.pieces.values().any(|piece| piece.recovered), "seed {seed}");
        }
    }
}
