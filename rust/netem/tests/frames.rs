//! Frames that a local source sends reach a receiver whole and in their order, whatever the network does to their packets.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{bad, good, seeds};
use visavis_dataplane::api::{
    Codec, Extension, Figure, Kind, Payload, PayloadMap, ReceiveSection, Rung, SendSlot, SlotId,
    SourcePayload, TrackId, TransportId,
};
use visavis_dataplane::frames::{Frame, FrameEvent, OutgoingFrame, ReceiverId};
use visavis_dataplane::{Command, Report, Time};
use visavis_netem::mirror::Mirror;
use visavis_netem::{Call, Handle, LinkConfig, Links};
use visavis_wire::ext::AudioLevel;

const SENT: TrackId = TrackId(100);
const RECEIVED: TrackId = TrackId(200);
const RECEIVER: ReceiverId = ReceiverId(7);
const EXTENSIONS: [(u8, Extension); 5] = [
    (1, Extension::AudioLevel),
    (3, Extension::TransportCc),
    (4, Extension::Mid),
    (10, Extension::Rid),
    (11, Extension::RepairedRid),
];

fn kind_of(codec: Codec) -> Kind {
    if codec == Codec::Opus { Kind::Audio } else { Kind::Video }
}

fn section(codec: Codec, rids: &[&str]) -> ReceiveSection {
    let kind = kind_of(codec);
    let audio = kind == Kind::Audio;
    let payload = Payload {
        payload_type: 96,
        codec,
        clock_hz: if audio { 48_000 } else { 90_000 },
        rtx_payload_type: (!audio).then_some(97),
        nack: !audio,
        pli: !audio,
        fir: false,
    };
    ReceiveSection {
        track: RECEIVED,
        mid: "0".to_owned(),
        kind,
        payloads: vec![payload],
        ssrcs: Vec::new(),
        rids: rids.iter().map(|&rid| rid.to_owned()).collect(),
    }
}

fn slot(kind: Kind, number: u16, rid: Option<&str>) -> SendSlot {
    let ssrc = 5_000 + u32::from(number) * 2;
    SendSlot {
        slot: SlotId(number),
        mid: "0".to_owned(),
        rid: rid.map(ToOwned::to_owned),
        kind,
        ssrc,
        rtx_ssrc: (kind == Kind::Video).then_some(ssrc + 1),
        cname: "name".to_owned(),
    }
}

/// A local source, a network, and a receiver at its far end.
struct Line {
    call: Call,
    mirror: Handle<Mirror>,
    sender: TransportId,
    codec: Codec,
    kind: Kind,
    sent: u64,
    key_frames_wanted: usize,
}

impl Line {
    fn new(seed: u64, codec: Codec, links: Links) -> Line {
        let mut call = Call::new(seed);
        let ([sender, receiver], mirror) = call.join_mirrored(0, links);
        let (kind, audio) = (kind_of(codec), codec == Codec::Opus);
        let clock_hz = if audio { 48_000 } else { 90_000 };
        let (section, slot) = (section(codec, &[]), slot(kind, 0, None));
        let own = SourcePayload { payload_type: 10, codec, clock_hz };
        let map = PayloadMap { from: 10, to: 96, to_rtx: (!audio).then_some(97) };
        let extensions = EXTENSIONS.to_vec();
        for command in [
            Command::Receive {
                id: receiver,
                extensions: extensions.clone(),
                sections: vec![section],
                transport_cc: true,
                reduced_size_rtcp: true,
            },
            Command::OpenReceiver { track: RECEIVED, layer: 0, receiver: RECEIVER },
            Command::Send { id: sender, extensions, slots: vec![slot] },
            Command::OpenSource { track: SENT, kind, payloads: vec![own], wanted_bps: Some(1_000_000) },
            Command::Route { id: sender, slot: SlotId(0), track: Some(SENT), payloads: vec![map] },
            Command::SetLadder { id: sender, rungs: vec![Rung { slot: SlotId(0), layer: 0 }] },
        ] {
            call.command(command);
        }
        call.run_ms(500);
        Line { call, mirror, sender, codec, kind, sent: 0, key_frames_wanted: 0 }
    }

    fn interval(&self) -> Duration {
        Duration::from_millis(if self.kind == Kind::Audio { 20 } else { 40 })
    }

    /// Sends so many frames, one after the other; video has a key frame at first and wherever one is wanted.
    fn send(&mut self, count: u64) {
        for _ in 0..count {
            let wanted = self.key_frames_asked();
            let key = self.kind == Kind::Audio || self.sent == 0 || wanted > self.key_frames_wanted;
            self.key_frames_wanted = wanted;
            let number = self.sent;
            self.sent += 1;
            let ticks = if self.kind == Kind::Audio { 960 } else { 3_600 };
            let frame = OutgoingFrame {
                layer: 0,
                payload_type: 10,
                timestamp: (number as u32).wrapping_mul(ticks).wrapping_sub(ticks * 20),
                captured: self.call.now(),
                key,
                audio_level: Some(AudioLevel { voice: true, level: (number % 128) as u8 }),
                data: self.content(number, key),
            };
            let now = self.call.now();
            self.call.server_mut().send_frame(now, SENT, &frame);
            self.call.run_for(self.interval());
        }
    }

    fn content(&self, number: u64, key: bool) -> Vec<u8> {
        let bytes = if self.kind == Kind::Audio {
            80
        } else {
            [3_000, 20_000][usize::from(key)] + number as usize % 997
        };
        let mut data: Vec<u8> = (0..bytes).map(|n| (n as u64 * 31 + number * 7) as u8).collect();
        let at = self.number_at();
        match self.codec {
            Codec::Vp8 => data[0] = u8::from(!key),
            Codec::H264 => {
                // One slice, in which nothing looks like a start code.
                data.iter_mut().for_each(|byte| *byte |= 0x80);
                data[..at].copy_from_slice(&[0, 0, 0, 1, if key { 0x65 } else { 0x41 }, 0x88]);
            }
            _ => (),
        }
        for (byte, digit) in data[at..at + 4].iter_mut().zip(format!("{number:04}").bytes()) {
            *byte = digit;
        }
        data
    }

    fn number_at(&self) -> usize {
        if self.codec == Codec::H264 { 6 } else { 1 }
    }

    fn key_frames_asked(&self) -> usize {
        let wanted = |(_, report): &&(Time, Report)| {
            matches!(report, Report::KeyFrameWanted { track: SENT, layer: 0 })
        };
        self.call.server().reports().iter().filter(wanted).count()
    }

    fn frames(&self) -> Vec<(Time, Arc<Frame>)> {
        let events = self.call.server().frames().iter();
        events
            .filter_map(|(at, receiver, event)| match event {
                FrameEvent::Frame(frame) if *receiver == RECEIVER => Some((*at, Arc::clone(frame))),
                _ => None,
            })
            .collect()
    }

    /// The numbers of the frames that came, each checked to be as it was sent.
    fn numbers(&self) -> Vec<u64> {
        let frames = self.frames();
        let numbers = frames.iter().map(|(_, frame)| {
            let digits = &frame.data[self.number_at()..][..4];
            let number = std::str::from_utf8(digits).unwrap().parse().unwrap();
            assert_eq!(*frame.data, *self.content(number, frame.key), "frame {number}");
            number
        });
        numbers.collect()
    }

    fn is_ended(&self) -> bool {
        self.call.server().frames().iter().any(|(_, _, event)| *event == FrameEvent::Ended)
    }
}

#[test]
fn video_arrives_whole_and_in_order_over_loss_and_reordering() {
    for (seed, codec) in seeds(6).into_iter().flat_map(|seed| [(seed, Codec::Vp8), (seed, Codec::H264)]) {
        let mut line = Line::new(seed, codec, bad());
        line.send(250);
        line.call.run_ms(1_000);
        let numbers = line.numbers();
        let first = line.frames().first().map(|(_, frame)| frame.key);
        assert_eq!(first, Some(true), "seed {seed}");
        // What cannot be repaired in time costs frames up to the next key frame, which is asked for.
        assert!(numbers.len() > 200, "seed {seed}: {numbers:?}");
        for (pair, (_, frame)) in numbers.windows(2).zip(line.frames().iter().skip(1)) {
            assert!(pair[0] < pair[1], "seed {seed}: {pair:?}");
            assert!(pair[0] + 1 == pair[1] || frame.key, "seed {seed}: {pair:?} without a key frame");
        }
    }
}

#[test]
fn without_loss_every_frame_arrives_with_its_timestamp_and_capture_time() {
    for codec in [Codec::Opus, Codec::Vp8, Codec::H264] {
        let mut line = Line::new(3, codec, good());
        line.send(120);
        line.call.run_ms(200);
        let frames = line.frames();
        assert_eq!(line.numbers(), (0..120).collect::<Vec<_>>(), "{codec:?}");
        let ticks = if codec == Codec::Opus { 960 } else { 3_600 };
        for pair in frames.windows(2) {
            assert_eq!(pair[1].1.timestamp - pair[0].1.timestamp, ticks);
        }
        let level = |frame: &Frame| frame.audio_level.map(|level| level.level);
        let levels: Vec<_> = frames.iter().map(|(_, frame)| level(frame)).collect();
        assert_eq!(levels, (0..120).map(|number| Some(number as u8)).collect::<Vec<_>>());
        // Two links of 20 ms each way; a report was under way for as long as a frame. The first frames wait for the pacer.
        let last = &frames[119];
        let delay = last.1.captured.map(|captured| last.0.since(captured));
        assert!(delay.is_some_and(|delay| delay < Duration::from_millis(25)), "{codec:?}: {delay:?}");
    }
}

#[test]
fn audio_arrives_in_order_and_tells_what_is_missing() {
    for seed in seeds(6) {
        let mut line = Line::new(seed, Codec::Opus, bad());
        line.send(500);
        line.call.run_ms(500);
        let numbers = line.numbers();
        assert!(numbers.len() > 400, "seed {seed}: {}", numbers.len());
        for (pair, (_, frame)) in numbers.windows(2).zip(line.frames().iter().skip(1)) {
            assert_eq!(pair[0] + 1 + u64::from(frame.lost_before), pair[1], "seed {seed}");
        }
    }
}

#[test]
fn a_break_of_the_network_ends_with_a_key_frame_that_was_asked_for() {
    let mut line = Line::new(1, Codec::Vp8, good());
    line.send(20);
    let asked = line.key_frames_asked();
    let mirror = line.mirror;
    line.call.network.links(mirror).1.config.loss = 1.0;
    line.send(50);
    line.call.network.links(mirror).1.config.loss = 0.0;
    line.send(30);
    assert!(line.key_frames_asked() > asked);
    let numbers = line.numbers();
    let after = numbers.iter().position(|&number| number >= 70).expect("it goes on");
    let (_, frame) = &line.frames()[after];
    assert!(frame.key && numbers[after] < 90, "{numbers:?}");
    assert_eq!(numbers.last(), Some(&(line.sent - 1)));
}

#[test]
fn the_same_seed_gives_the_same_frames() {
    let run = |seed| {
        let mut line = Line::new(seed, Codec::Vp8, bad());
        line.send(60);
        (line.frames(), line.call.network.fingerprint())
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5).1, run(6).1);
}

#[test]
fn a_slow_link_is_told_to_the_encoder() {
    let slow = Links::both(LinkConfig::delay_ms(20).with_rate(600_000));
    let mut line = Line::new(2, Codec::Vp8, slow);
    line.send(200);
    let rates: Vec<(Time, u64)> = line
        .call
        .server()
        .reports()
        .iter()
        .filter_map(|(at, report)| match report {
            Report::TargetBitrate { id, bps } if *id == line.sender => Some((*at, *bps)),
            _ => None,
        })
        .collect();
    assert!(rates.last().is_some_and(|&(_, bps)| bps < 700_000), "{rates:?}");
    for pair in rates.windows(2) {
        assert!(pair[1].0.since(pair[0].0) >= Duration::from_millis(100), "{rates:?}");
        assert!(pair[0].1.abs_diff(pair[1].1) * 20 >= pair[0].1, "{rates:?}");
    }
}

#[test]
fn simulcast_encodings_are_told_apart_by_their_rid_even_where_they_are_repaired() {
    let mut line = Line::new(4, Codec::Vp8, bad());
    let (rids, receiver) = (["q", "f"], TransportId(line.sender.0 + 1));
    let other = TrackId(SENT.0 + 1);
    let slots = rids.iter().zip(1..).map(|(rid, number)| slot(Kind::Video, number, Some(rid))).collect();
    let extensions = EXTENSIONS.to_vec();
    let sections = vec![section(Codec::Vp8, &rids)];
    line.call.command(Command::CloseReceiver { track: RECEIVED, receiver: RECEIVER });
    line.call.command(Command::Receive {
        id: receiver,
        extensions: extensions.clone(),
        sections,
        transport_cc: true,
        reduced_size_rtcp: true,
    });
    line.call.command(Command::Send { id: line.sender, extensions, slots });
    let own = SourcePayload { payload_type: 10, codec: Codec::Vp8, clock_hz: 90_000 };
    for (track, number) in [(SENT, 1), (other, 2)] {
        let payloads = vec![PayloadMap { from: 10, to: 96, to_rtx: Some(97) }];
        let (id, slot) = (line.sender, SlotId(number));
        let wanted_bps = Some(1_000_000);
        line.call.command(Command::OpenSource { track, kind: Kind::Video, payloads: vec![own], wanted_bps });
        line.call.command(Command::Route { id, slot, track: Some(track), payloads });
    }
    let rungs = [1, 2].map(|slot| Rung { slot: SlotId(slot), layer: 0 }).to_vec();
    line.call.command(Command::SetLadder { id: line.sender, rungs });
    for layer in 0..2 {
        let receiver = ReceiverId(layer);
        line.call.command(Command::OpenReceiver { track: RECEIVED, layer: layer as u8, receiver });
    }
    for number in 0..100u32 {
        for (track, first) in [(SENT, 0x10), (other, 0x20)] {
            let key = number.is_multiple_of(10);
            let data = vec![first | u8::from(!key); 3_000];
            let captured = line.call.now();
            let frame = OutgoingFrame {
                layer: 0,
                payload_type: 10,
                timestamp: number * 3_600,
                captured,
                key,
                audio_level: None,
                data,
            };
            line.call.server_mut().send_frame(captured, track, &frame);
        }
        line.call.run_ms(40);
    }
    for (layer, first) in [(0, 0x10), (1, 0x20)] {
        let events = line.call.server().frames().iter();
        let frames: Vec<&Arc<Frame>> = events
            .filter_map(|(_, receiver, event)| match event {
                FrameEvent::Frame(frame) if *receiver == ReceiverId(layer) => Some(frame),
                _ => None,
            })
            .collect();
        assert!(frames.len() > 80, "{}", frames.len());
        assert!(frames.iter().all(|frame| frame.data.iter().all(|byte| byte & 0xf0 == first)));
    }
    line.call.command(Command::RequestStats { id: receiver });
    let stats = line.call.server().reports().iter().rev().find_map(|(_, report)| match report {
        Report::Stats { received, .. } => Some(received.clone()),
        _ => None,
    });
    let figure = |name| {
        let streams = stats.iter().flatten();
        let figures = streams.flat_map(|stream| stream.iter().filter(move |(known, _)| *known == name));
        figures.map(|(_, figure)| figure.clone()).collect::<Vec<_>>()
    };
    let received: u64 = figure("framesReceived").iter().map(as_int).sum();
    let all = line.call.server().frames().iter().filter(|(_, _, event)| *event != FrameEvent::Ended).count();
    assert_eq!(received, all as u64);
    assert!(figure("retransmittedPacketsReceived").iter().map(as_int).sum::<u64>() > 10);
}

fn as_int(figure: &Figure) -> u64 {
    match figure {
        Figure::Int(value) => *value,
        other => panic!("{other:?} is no integer"),
    }
}

#[test]
fn the_end_of_a_track_is_told_and_nothing_stays() {
    let mut line = Line::new(1, Codec::Opus, good());
    line.send(10);
    assert!(!line.is_ended());
    line.call.command(Command::CloseSource { track: SENT });
    for id in [line.sender, TransportId(line.sender.0 + 1)] {
        line.call.command(Command::CloseTransport { id });
    }
    assert!(line.is_ended());
    line.call.run_ms(2_000);
    assert_eq!(line.call.server().sizes().sources, 0);
}
