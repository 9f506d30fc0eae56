//! Packets as the bytes say them, to an association that stands, with its tag and without a checksum.
#![no_main]

use std::time::Duration;

use visavis_dataplane::Time;
use visavis_dataplane::sctp::{Association, Config, Event, OutgoingMessage, Reliability};

const CONFIG: Config = Config {
    local_port: 5_000,
    remote_port: 5_000,
    receive_budget: 1 << 16,
    max_message: 1 << 14,
    streams: 1_024,
    fixed_path_mtu: None,
    interleaving: true,
};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut now = Time::from_millis(1_000);
    let mut ends = [1, 2].map(|secret| Association::new(CONFIG, now, &[secret; 32]));
    let mut tag = [0; 4];
    for _ in 0..8 {
        for end in 0..2 {
            let mut packet = Vec::new();
            while ends[end].poll_transmit(now, &mut packet) {
                if end == 0 {
                    tag.copy_from_slice(&packet[4..8]);
                }
                ends[1 - end].handle_packet_untrusted(now, &std::mem::take(&mut packet));
            }
        }
    }
    let message = OutgoingMessage {
        stream: 1,
        ppid: 53,
        ordered: true,
        reliability: Reliability::Retransmits(1),
        priority: 256,
        data: vec![1; 5_000],
    };
    let under_test = &mut ends[1];
    under_test.send(now, message);
    let mut rest = data;
    while let Some((&length, bytes)) = rest.split_first() {
        let (chunks, after) = bytes.split_at(bytes.len().min(usize::from(length)));
        rest = after;
        let packet = [&[0x13, 0x88, 0x13, 0x88][..], &tag, &[0; 4], chunks].concat();
        under_test.handle_packet_untrusted(now, &packet);
        now = now + Duration::from_millis(u64::from(length));
        if under_test.poll_timeout().is_some_and(|due| due <= now) {
            under_test.handle_timeout(now);
        }
        let mut out = Vec::new();
        let mut packets = 0;
        while under_test.poll_transmit(now, &mut out) {
            packets += 1;
            assert!(packets < 1_000);
        }
        while let Some(event) = under_test.poll_event() {
            if let Event::Message { data, .. } = event {
                under_test.release(data.len());
            }
        }
    }
});
