//! What arrives against what was sent: random operations over random paths.

use super::*;

/// What a test remembers of a stream.
#[derive(Default)]
struct Model {
    sent: Vec<Vec<u8>>,
    got: Vec<Vec<u8>>,
}

/// The kind of a stream, by its number.
fn kind(stream: u16) -> (bool, Reliability) {
    let reliability = match stream / 2 % 3 {
        0 => Reliability::Reliable,
        1 => Reliability::Retransmits(u32::from(stream / 6) % 2),
        _ => Reliability::Lifetime(Duration::from_millis(40)),
    };
    (stream.is_multiple_of(2), reliability)
}

fn check(stream: u16, model: &Model, seed: u64) {
    let (ordered, reliability) = kind(stream);
    let at = |data: &Vec<u8>| model.sent.iter().position(|sent| sent == data);
    let order: Vec<usize> = model
        .got
        .iter()
        .map(|data| at(data).unwrap_or_else(|| panic!("seed {seed}: invented on {stream}")))
        .collect();
    let mut sorted = order.clone();
    sorted.sort_unstable();
    let mut unique = sorted.clone();
    unique.dedup();
    assert_eq!(sorted, unique, "seed {seed}: doubled on {stream}");
    if ordered {
        assert_eq!(order, sorted, "seed {seed}: out of order on {stream}");
    }
    if reliability == Reliability::Reliable {
        assert_eq!(order.len(), model.sent.len(), "seed {seed}: lost on {stream}");
    }
}

/// How long datagrams may be that pass.
fn path_mtu(below: &mut impl FnMut(u64) -> u64) -> usize {
    let most = [1, 100, 300, 8_000, 20_000][below(5) as usize];
    BASE_PATH_MTU + below(most) as usize
}

/// One run: bursts of messages both ways, on a path that changes.
fn run(seed: u64) {
    let mut random = Random::new(&[seed as u8 ^ 0x5a; 32]);
    let mut below = move |limit: u64| random.next_u64() % limit;
    let path = Path {
        delay: Duration::from_millis(1 + below(60)),
        bytes_per_second: 20_000 + below(5_000_000),
        queue_bytes: 3_000 + below(200_000),
        loss: below(300),
        doubled: below(100),
        reordered: below(200),
        corrupted: below(30),
        mtu: path_mtu(&mut below),
    };
    let config = Config {
        receive_budget: 20_000 + below(300_000) as usize,
        max_message: 20_000,
        fixed_path_mtu: if below(4) == 0 { CONFIG.fixed_path_mtu } else { None },
        ..CONFIG
    };
    let other = Config { interleaving: !seed.is_multiple_of(3), ..config };
    let mut duo = Duo::with(path, seed, [config, other]);
    if seed.is_multiple_of(2) {
        duo.ends[0].begin_at(0u32.wrapping_sub(seed as u32 % 50));
        duo.ends[1].begin_at(seed as u32 % 3);
    }
    let mut models: [BTreeMap<u16, Model>; 2] = Default::default();
    let mut number = 0u64;
    for _ in 0..8 {
        for (from, streams) in models.iter_mut().enumerate() {
            for _ in 0..below(6) {
                let stream = below(12) as u16;
                let (ordered, reliability) = kind(stream);
                number += 1;
                let length = if below(4) == 0 { 8 + below(15_000) } else { 8 + below(300) };
                let mut data = vec![number as u8; length as usize];
                data[..8].copy_from_slice(&number.to_be_bytes());
                streams.entry(stream).or_default().sent.push(data.clone());
                let sent = OutgoingMessage { ordered, reliability, ..message(stream, data) };
                duo.ends[from].send(duo.now, sent);
            }
        }
        if below(5) == 0 {
            duo.path.mtu = path_mtu(&mut below);
        }
        if below(5) == 0 {
            // A pause of the path.
            let loss = std::mem::replace(&mut duo.path.loss, 1_000);
            duo.run(Duration::from_millis(below(2_000)));
            duo.path.loss = loss;
        }
        duo.run(Duration::from_millis(below(300)));
    }
    let reliable: Vec<usize> = models
        .iter()
        .map(|streams| {
            let of = |(&stream, model): (&u16, &Model)| match kind(stream).1 {
                Reliability::Reliable => model.sent.len(),
                _ => 0,
            };
            streams.iter().map(of).sum()
        })
        .collect();
    let is_reliable = |stream: u16| kind(stream).1 == Reliability::Reliable;
    let arrived = duo.run_until(Duration::from_secs(600), |duo| {
        [0, 1].iter().all(|&from| {
            duo.messages(1 - from).iter().filter(|(stream, _)| is_reliable(*stream)).count() >= reliable[from]
                || duo.ends[from].is_over()
        })
    });
    let state = format!("{:?} {:?}", duo.ends[0].figures(), duo.ends[1].figures());
    assert!(arrived, "seed {seed}: not all arrived; {path:?} {state}");
    for (from, streams) in models.iter_mut().enumerate() {
        assert!(!duo.ends[from].is_over(), "seed {seed}: over {:?}", duo.events[from].last());
        for (stream, data) in duo.messages(1 - from) {
            streams.entry(stream).or_default().got.push(data.to_vec());
        }
        for (&stream, model) in &*streams {
            check(stream, model, seed);
        }
        let sent: usize = streams.values().flat_map(|model| &model.sent).map(Vec::len).sum();
        let left: usize = duo.events[from]
            .iter()
            .map(|event| if let Event::Sent { bytes, .. } = event { *bytes } else { 0 })
            .sum();
        assert_eq!(left + duo.ends[from].figures().queued_bytes, sent, "seed {seed}: bytes of the queue");
    }
}

#[test]
fn nothing_is_lost_doubled_or_out_of_order_where_that_is_promised() {
    let seeds = std::env::var("SCTP_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(150);
    for seed in 0..seeds {
        run(seed);
    }
}

#[test]
fn the_numbers_of_messages_begin_again_after_the_last() {
    for reliability in [Reliability::Reliable, Reliability::Retransmits(0)] {
        let config = Config { interleaving: false, ..CONFIG };
        let mut duo = Duo::with(Path { loss: 20, reordered: 20, ..GOOD }, 1, [config; 2]);
        duo.connect();
        for n in 0..70_000u32 {
            let data = n.to_be_bytes().to_vec();
            duo.ends[0].send(duo.now, OutgoingMessage { reliability, ..message(1, data) });
        }
        let is_last =
            |event: &Event| matches!(event, Event::Message { data, .. } if *data == 69_999u32.to_be_bytes());
        duo.run_until(Duration::from_secs(60), |duo| duo.events[1].last().is_some_and(is_last));
        duo.path.loss = 0;
        duo.ends[0].send(duo.now, OutgoingMessage { reliability, ..message(1, vec![255; 4]) });
        duo.run(Duration::from_secs(10));
        let got = duo.messages(1);
        assert!(got.is_sorted_by_key(|(_, data)| *data), "{reliability:?}");
        assert_eq!(got.last().unwrap().1, [255; 4]);
        let least = if reliability == Reliability::Reliable { 70_001 } else { 60_000 };
        assert!(got.len() >= least, "{reliability:?}: {}", got.len());
    }
}

#[test]
fn a_long_message_holds_up_no_short_one() {
    let slow = Path { bytes_per_second: 100_000, ..GOOD };
    let mut duo = Duo::new(slow, 1);
    duo.connect();
    duo.ends[0].send(duo.now, message(1, vec![1; 200_000]));
    duo.run(Duration::from_millis(500));
    let asked = duo.now;
    duo.ends[0].send(asked, message(2, vec![2; 100]));
    assert!(duo.run_until(Duration::from_secs(10), |duo| !duo.messages(1).is_empty()));
    assert_eq!(duo.messages(1)[0].0, 2);
    assert!(duo.now.since(asked) < Duration::from_millis(150), "{:?}", duo.now.since(asked));
}

#[test]
fn a_window_that_closed_opens_again() {
    let mut duo = Duo::with(GOOD, 1, [Config { receive_budget: 50_000, max_message: 20_000, ..CONFIG }; 2]);
    duo.releases = false;
    duo.connect();
    for _ in 0..20 {
        duo.ends[0].send(duo.now, message(1, vec![1; 10_000]));
    }
    duo.run(Duration::from_secs(20));
    let waiting = duo.messages(1).len();
    assert!((4..=7).contains(&waiting), "{waiting}");
    duo.releases = true;
    duo.ends[1].release(10_000 * waiting);
    let opened = duo.now;
    assert!(duo.run_until(Duration::from_secs(60), |duo| duo.messages(1).len() == 20));
    assert!(duo.now.since(opened) < Duration::from_secs(1), "{:?}", duo.now.since(opened));
}

#[test]
fn streams_are_reset_after_what_was_sent_on_them() {
    for seed in 0..40 {
        let mut duo = Duo::new(Path { loss: 200, reordered: 200, ..GOOD }, seed);
        duo.connect();
        for round in 0..3u8 {
            for n in 0..5 {
                duo.ends[0].send(duo.now, message(1, vec![16 * round + n; 3_000]));
            }
            duo.ends[0].reset_streams(&[1]);
            let before = duo.events[0].len();
            let is_done = |events: &[Event]| events.contains(&Event::ResetDone { stream: 1 });
            assert!(duo.run_until(Duration::from_secs(60), |duo| is_done(&duo.events[0][before..])));
        }
        let told: Vec<u8> = duo.events[1]
            .iter()
            .filter_map(|event| match event {
                Event::Message { data, .. } => Some(data[0]),
                Event::StreamReset { stream: 1 } => Some(255),
                _ => None,
            })
            .collect();
        let round = |first: u8| [first, first + 1, first + 2, first + 3, first + 4, 255];
        assert_eq!(told, [round(0), round(16), round(32)].concat(), "seed {seed}");
    }
}
