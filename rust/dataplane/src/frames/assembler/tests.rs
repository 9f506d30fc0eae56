use visavis_wire::payload::split_evenly;
use visavis_wire::payload::vp8;

use super::*;
use crate::api::Codec;
use crate::media::ExtensionSpans;

const START: u64 = 70_000;

/// A packet of a stream, without a header.
fn packet(
    kind: Kind,
    sequence: u64,
    timestamp: u32,
    marker: bool,
    key: bool,
    payload: Vec<u8>,
) -> Arc<MediaPacket> {
    Arc::new(MediaPacket {
        stream: 1,
        ssrc: 77,
        sequence,
        timestamp,
        marker,
        payload_type: 96,
        codec: if kind == Kind::Audio { Codec::Opus } else { Codec::Vp8 },
        clock_hz: 90_000,
        starts_key_frame: key,
        numbers: None,
        recovered: false,
        received: Time::ZERO,
        extensions: ExtensionSpans::default(),
        payload_offset: 0,
        data: payload.into_boxed_slice(),
    })
}

fn audio(sequence: u64) -> Arc<MediaPacket> {
    packet(Kind::Audio, sequence, sequence as u32 * 960, false, true, vec![sequence as u8])
}

/// A stream of VP8 frames, each of `packets` packets; every tenth is a key frame.
fn video(frames: u64, packets: u64) -> Vec<Arc<MediaPacket>> {
    let mut stream = Vec::new();
    for frame in 0..frames {
        let key = frame.is_multiple_of(10);
        let data = content(frame, packets);
        for (index, piece) in split_evenly(data.len(), 100).enumerate() {
            let payload = [&vp8::descriptor(index == 0, frame as u16)[..], &data[piece]].concat();
            let last = index as u64 + 1 == packets;
            let sequence = START + frame * packets + index as u64;
            stream.push(packet(
                Kind::Video,
                sequence,
                frame as u32 * 3_000,
                last,
                key && index == 0,
                payload,
            ));
        }
    }
    stream
}

fn content(frame: u64, packets: u64) -> Vec<u8> {
    let mut data = vec![frame as u8; packets as usize * 100];
    data[0] = u8::from(!frame.is_multiple_of(10));
    data
}

struct Bench {
    assembler: Assembler,
    frames: Vec<Frame>,
}

impl Bench {
    fn new(kind: Kind) -> Bench {
        Bench { assembler: Assembler::new(kind), frames: Vec::new() }
    }

    fn push(&mut self, ms: u64, packet: &Arc<MediaPacket>) {
        self.assembler.push_untrusted(Time::from_millis(ms), packet, &mut self.frames);
    }

    fn wait(&mut self, ms: u64) {
        self.assembler.handle_timeout(Time::from_millis(ms), &mut self.frames);
    }

    /// Which frames came out, each checked to be whole.
    fn numbers(&self, packets: u64) -> Vec<u64> {
        let number = |frame: &Frame| {
            let number = (frame.timestamp as u32 / 3_000) as u64;
            assert_eq!(*frame.data, *content(number, packets), "frame {number}");
            assert_eq!((frame.key, frame.ssrc), (number.is_multiple_of(10), 77));
            number
        };
        self.frames.iter().map(number).collect()
    }

    fn lost(&self) -> Vec<u32> {
        self.frames.iter().map(|frame| frame.lost_before).collect()
    }
}

#[test]
fn frames_of_every_number_of_packets_come_out_whole_whatever_the_order_of_their_packets() {
    for packets in 1..12 {
        let stream = video(12, packets);
        let mut bench = Bench::new(Kind::Video);
        // Reversed in runs of five; the first packet of the first key frame is the fifth to come.
        stream.chunks(5).for_each(|run| run.iter().rev().for_each(|packet| bench.push(0, packet)));
        assert_eq!(bench.numbers(packets), (0..12).collect::<Vec<_>>());
        assert_eq!(bench.lost(), [0; 12]);
        let counts = AssembledFrames {
            frames: 12,
            key_frames: 2,
            from_many_packets: if packets > 1 { 12 } else { 0 },
            assembly_time: Duration::ZERO,
            dropped: 0,
        };
        assert_eq!(bench.assembler.counts(), counts);
    }
}

#[test]
fn a_missing_packet_is_waited_for_and_the_frames_behind_it_follow_it() {
    let stream = video(6, 3);
    let mut bench = Bench::new(Kind::Video);
    stream.iter().filter(|packet| packet.sequence != START + 4).for_each(|packet| bench.push(0, packet));
    bench.wait(499);
    assert_eq!(bench.numbers(3), [0]);
    bench.push(499, &stream[4]);
    assert_eq!(bench.numbers(3), [0, 1, 2, 3, 4, 5]);
    assert!(!bench.assembler.take_key_frame_wanted());
}

#[test]
fn what_does_not_come_in_time_costs_its_frame_and_what_follows_up_to_a_key_frame_that_is_asked_for() {
    let stream = video(12, 3);
    let mut bench = Bench::new(Kind::Video);
    stream[..18]
        .iter()
        .filter(|packet| packet.sequence != START + 4)
        .for_each(|packet| bench.push(0, packet));
    bench.wait(500);
    assert!(bench.assembler.take_key_frame_wanted());
    assert!(!bench.assembler.take_key_frame_wanted(), "once");
    bench.push(500, &stream[4]);
    stream[18..].iter().for_each(|packet| bench.push(510, packet));
    assert_eq!(bench.numbers(3), [0, 10, 11]);
    assert_eq!(bench.lost(), [0, 9, 0]);
    assert_eq!(bench.assembler.counts().dropped, 9);
}

#[test]
fn a_whole_key_frame_behind_a_gap_ends_the_waiting_sooner() {
    let stream = video(12, 3);
    let mut bench = Bench::new(Kind::Video);
    stream.iter().filter(|packet| packet.sequence != START + 25).for_each(|packet| bench.push(0, packet));
    bench.wait(99);
    assert_eq!(bench.numbers(3), (0..8).collect::<Vec<_>>());
    bench.wait(100);
    assert_eq!(bench.numbers(3), [0, 1, 2, 3, 4, 5, 6, 7, 10, 11]);
    assert!(!bench.assembler.take_key_frame_wanted());
}

#[test]
fn nothing_comes_out_before_a_key_frame() {
    let stream = video(12, 3);
    let mut bench = Bench::new(Kind::Video);
    stream[3..].iter().for_each(|packet| bench.push(0, packet));
    assert_eq!((bench.numbers(3), bench.lost()), (vec![10, 11], vec![9, 0]));
}

#[test]
fn padding_between_frames_is_no_gap() {
    let mut bench = Bench::new(Kind::Video);
    for packet in video(3, 2) {
        let frame = (packet.sequence - START) / 2;
        let mut packet = clone_of(&packet);
        packet.sequence += frame;
        let behind = packet.sequence + 1;
        let ends = packet.marker;
        bench.push(0, &Arc::new(packet));
        if ends {
            bench.push(0, &self::packet(Kind::Video, behind, 0, false, false, Vec::new()));
        }
    }
    assert_eq!((bench.numbers(2), bench.lost()), (vec![0, 1, 2], vec![0, 0, 0]));
}

#[test]
fn another_stream_begins_with_its_key_frame_and_its_timestamps_go_on_upwards() {
    let mut bench = Bench::new(Kind::Video);
    video(3, 2).iter().for_each(|packet| bench.push(0, packet));
    let again = |packet: &Arc<MediaPacket>| {
        let mut packet = clone_of(packet);
        (packet.stream, packet.sequence) = (9, packet.sequence + 1_000_000);
        Arc::new(packet)
    };
    let old = video(4, 2);
    old[1..].iter().for_each(|packet| bench.push(0, &again(packet)));
    assert_eq!(bench.frames.len(), 3, "the start of the key frame is missing");
    bench.push(0, &again(&old[0]));
    bench.push(0, &old[7]);
    assert_eq!(bench.numbers(2), [0, 1, 2, 0, 1, 2, 3], "and stragglers of the old one are none");
    assert!(bench.frames.windows(2).all(|pair| pair[0].timestamp < pair[1].timestamp));
}

fn clone_of(packet: &MediaPacket) -> MediaPacket {
    MediaPacket { data: packet.data.clone(), ..*packet }
}

#[test]
fn audio_is_given_out_in_order_and_loss_is_told_with_what_follows_it() {
    let mut bench = Bench::new(Kind::Audio);
    for sequence in [0, 2, 1, 3, 6, 7] {
        bench.push(0, &audio(START + sequence));
    }
    assert_eq!(bench.frames.len(), 4);
    bench.wait(59);
    assert_eq!(bench.frames.len(), 4);
    bench.wait(60);
    bench.push(60, &audio(START + 5));
    assert_eq!(bench.lost(), [0, 0, 0, 0, 2, 0], "and it is too late then");
    let order: Vec<u8> = bench.frames.iter().map(|frame| frame.data[0].wrapping_sub(START as u8)).collect();
    assert_eq!(order, [0, 1, 2, 3, 6, 7]);
}

#[test]
fn a_publisher_that_never_ends_a_frame_fills_no_memory() {
    let mut bench = Bench::new(Kind::Video);
    for sequence in 0..20_000u64 {
        let starts = sequence.is_multiple_of(5_000);
        let payload = [&vp8::descriptor(starts, 1)[..], &[0; 900]].concat();
        bench.push(0, &packet(Kind::Video, START + sequence, 5, false, starts, payload));
        assert!(bench.assembler.waiting.len() <= MAX_PACKETS && bench.assembler.bytes <= MAX_BYTES);
    }
    assert!(bench.frames.is_empty() && bench.assembler.take_key_frame_wanted());
}

#[test]
fn packets_that_make_no_frame_are_dropped_as_one() {
    let stream = video(12, 3);
    for spoil in [3, 4] {
        let mut bench = Bench::new(Kind::Video);
        for (index, packet) in stream.iter().enumerate() {
            if index == spoil {
                // A frame that does not begin with its beginning; a packet of another timestamp in the middle.
                let spoilt =
                    MediaPacket { timestamp: 1, data: vec![0x80, 0x80, 0x80].into(), ..clone_of(packet) };
                bench.push(0, &Arc::new(spoilt));
            } else {
                bench.push(0, packet);
            }
        }
        assert_eq!(bench.numbers(3), [0, 10, 11]);
    }
}

#[test]
fn whatever_packets_come_frames_come_of_them_and_memory_is_bounded() {
    for seed in 1..40u64 {
        let mut state = seed;
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let kind = if seed.is_multiple_of(2) { Kind::Audio } else { Kind::Video };
        let (mut bench, mut newest) = (Bench::new(kind), START);
        for ms in 0..4_000 {
            // Mostly the next one; sometimes far away, in either direction.
            let sequence = match random(50) {
                0 => newest.saturating_sub(random(3_000)),
                1 => newest + random(5_000),
                _ => newest + 1,
            };
            newest = newest.max(sequence);
            let payload: Vec<u8> =
                (0..random(7)).map(|_| [0x10, 0x80, 0x90, 0x00, 0xff][random(5) as usize]).collect();
            let (marker, key) = (random(2) == 0, random(10) == 0);
            let timestamp = (sequence / 2 * 3_000) as u32 ^ u32::from(random(20) == 0);
            let codec = [Codec::Vp8, Codec::Opus, Codec::H264][random(20).saturating_sub(17) as usize];
            // Another one from the middle on, with stragglers of the first.
            let stream = if ms > 2_000 && random(10) > 0 { 2 } else { 1 };
            let packet = packet(kind, sequence, timestamp, marker, key, payload);
            bench.push(ms, &Arc::new(MediaPacket { stream, codec, ..clone_of(&packet) }));
            bench.wait(ms + 20);
            let assembler = &bench.assembler;
            assert!(assembler.waiting.len() <= MAX_PACKETS);
            let bytes: usize = assembler.waiting.values().map(|packet| packet.data.len()).sum();
            assert_eq!(assembler.bytes, bytes);
            assert!(assembler.key_starts.iter().all(|start| assembler.waiting.contains_key(start)));
        }
        assert!(bench.frames.len() > 10, "seed {seed}: {}", bench.frames.len());
    }
}
