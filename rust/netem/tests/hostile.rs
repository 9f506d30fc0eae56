//! What strangers and liars send changes counters, and nothing else.

mod common;

use common::{assert_seamless, good, seeds};
use visavis_dataplane::counters::Counter;
use visavis_netem::call::server_address;
use visavis_netem::{Call, Datagram, Random};
use visavis_wire::rtcp;

/// Turns a datagram into one that was tampered with.
fn mutated(datagram: &Datagram, random: &mut Random) -> Datagram {
    let mut data = datagram.data.clone();
    match random.below(4) {
        0 => data.truncate(random.below(data.len() as u64 + 1) as usize),
        1 => {
            for _ in 0..=random.below(8) {
                let at = random.below(data.len().max(1) as u64) as usize;
                if let Some(byte) = data.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
        2 => {
            let mut tail = vec![0; random.below(600) as usize];
            random.fill(&mut tail);
            data.extend(tail);
        }
        _ => {
            let keep = random.below(24) as usize;
            let length = data.len();
            data.truncate(keep);
            data.resize(length, 0);
            random.fill(&mut data[keep.min(length)..]);
        }
    }
    if data == datagram.data {
        data.truncate(data.len() / 2);
    }
    // A check that only lost its fingerprint would still be authentic.
    if data.first().is_some_and(|&first| first < 2)
        && let Some(byte) = data.get_mut(30)
    {
        *byte ^= 1;
    }
    Datagram { data, ..datagram.clone() }
}

#[test]
fn a_flood_of_garbage_changes_counters_and_no_table() {
    for seed in seeds(3) {
        let mut call = Call::with_shards(seed, 2);
        let publisher = call.join(0, good());
        let subscriber = call.join(1, good());
        let track = call.publish_video(publisher, 400_000);
        let slot = call.subscribe(subscriber, track);
        call.network.tap();
        call.run_ms(2_000);
        let real: Vec<Datagram> = call
            .network
            .tapped()
            .into_iter()
            .map(|(_, datagram)| datagram)
            .filter(|d| d.to == server_address())
            .collect();
        let before = call.server().sizes();
        let frames = call.outbound(publisher, 0).key_frames;
        let mut random = Random::new(seed);
        for round in 0..100 {
            for n in 0..60u32 {
                let from = match n % 3 {
                    // From everywhere, and, forged, from those who are validated.
                    0 => Call::address_of(1_000_000 + random.below(1_000_000) as usize, 1_000 + n as u16),
                    1 => call.peer(publisher).checks.nominated(),
                    _ => call.peer(subscriber).checks.nominated(),
                };
                let mut datagram = if n % 2 == 0 {
                    let mut data = vec![0; random.below(1_500) as usize];
                    random.fill(&mut data);
                    Datagram { from, to: server_address(), data }
                } else {
                    mutated(&real[random.below(real.len() as u64) as usize], &mut random)
                };
                datagram.from = from;
                call.network.inject(datagram);
            }
            call.run_ms(if round % 10 == 0 { 100 } else { 5 });
        }
        let after = call.server().sizes();
        assert_eq!(after, before, "seed {seed}");
        for counter in [
            Counter::UnknownKind,
            Counter::StunMalformed,
            Counter::UnvalidatedAddress,
            Counter::SrtpUnauthentic,
            Counter::RtpMalformed,
        ] {
            assert!(call.server().count(counter) > 0, "seed {seed}: {counter:?}");
        }
        call.peer_mut(publisher).outbound[0].enabled = false;
        call.run_ms(500);
        assert_eq!(call.outbound(publisher, 0).key_frames, frames, "seed {seed}: nobody was bothered");
        assert_seamless(call.inbound(subscriber, slot), &format!("seed {seed}"));
    }
}

#[test]
fn a_member_that_sends_authentic_nonsense_hurts_nobody() {
    for seed in seeds(3) {
        let mut call = Call::with_shards(seed, 2);
        let publisher = call.join(0, good());
        let (liar, honest) = (call.join(1, good()), call.join(1, good()));
        let track = call.publish_video(publisher, 400_000);
        let own = call.publish_video(liar, 400_000);
        call.subscribe(liar, track);
        let slot = call.subscribe(honest, track);
        call.subscribe(honest, own);
        call.run_ms(2_000);
        let mut random = Random::new(seed);
        let known = [
            call.inbound(liar, visavis_dataplane::api::SlotId(0)).line.ssrc,
            call.outbound(liar, 0).encoding.ssrc,
            call.outbound(publisher, 0).encoding.ssrc,
        ];
        for _ in 0..200 {
            let mut packet = Vec::new();
            let ssrc = known[random.below(3) as usize];
            match random.below(6) {
                0 => rtcp::write_sender_report(
                    &mut packet,
                    ssrc,
                    random.next_u64(),
                    random.next_u64() as u32,
                    1,
                    1,
                    &[],
                ),
                1 => {
                    let block = rtcp::ReportBlock {
                        ssrc,
                        fraction_lost: random.next_u64() as u8,
                        cumulative_lost: random.next_u64() as i32,
                        highest_sequence: random.next_u64() as u32,
                        jitter: random.next_u64() as u32,
                        last_sender_report: random.next_u64() as u32,
                        delay_since_last_sender_report: random.next_u64() as u32,
                    };
                    rtcp::write_receiver_report(&mut packet, ssrc, &[block; 31]);
                }
                2 => {
                    let lost: Vec<u16> = (0..200).map(|_| random.next_u64() as u16).collect();
                    rtcp::write_nack(&mut packet, 1, ssrc, &lost);
                }
                3 => rtcp::write_fir(&mut packet, 1, &[(ssrc, random.next_u64() as u8)]),
                4 => rtcp::write_bye(&mut packet, &known, "bye"),
                _ => {
                    // A header that is right and a body that is not.
                    packet = vec![0x80 | random.below(32) as u8, 200 + random.below(8) as u8, 0, 0];
                    let words = 1 + random.below(60) as usize;
                    packet[3] = words as u8;
                    let start = packet.len();
                    packet.resize(start + 4 * words, 0);
                    random.fill(&mut packet[start..]);
                }
            }
            call.peer_mut(liar).send_rtcp(packet);
            call.run_ms(10);
        }
        call.peer_mut(publisher).outbound[0].enabled = false;
        call.run_ms(1_000);
        let inbound = call.inbound(honest, slot);
        assert_seamless(inbound, &format!("seed {seed}"));
        // It may ask for key frames, as everybody may, but not more often than twice a second.
        assert!(call.outbound(publisher, 0).plis.len() <= 8, "seed {seed}");
    }
}

#[test]
fn a_member_whose_ssrcs_never_end_is_bounded() {
    let mut call = Call::new(1);
    let publisher = call.join(0, good());
    let subscriber = call.join(0, good());
    let track = call.publish_video(publisher, 100_000);
    let slot = call.subscribe(subscriber, track);
    let before = call.server().sizes();
    for _ in 0..100 {
        let ssrc = call.fresh_ssrc();
        call.peer_mut(publisher).change_ssrc(0, ssrc);
        call.run_ms(60);
    }
    call.run_ms(1_000);
    let after = call.server().sizes();
    assert_eq!((after.sources, after.addresses, after.ufrags), (1, 2, 2));
    assert_eq!(before.transports, after.transports);
    let newest = call.inbound(subscriber, slot).shown().pop().expect("frames were shown");
    assert_eq!(newest.encoder, call.outbound(publisher, 0).encoding.ssrc, "the last one is shown");
}
