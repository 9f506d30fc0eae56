use super::super::{Bandwidth, Config, Estimator};
use super::link::Rng;
use crate::time::Time;

#[test]
fn any_arrivals_keep_the_target_within_its_bounds() {
    let config = Config { start_bps: 300_000, min_bps: 100_000, max_bps: 2_000_000 };
    let mut rng = Rng(4);
    let mut estimator = Estimator::new(config);
    let mut sequence = 0;
    for round in 0..20_000u64 {
        let now = Time::from_millis(round * 10);
        for _ in 0..rng.next() % 4 {
            sequence += 1 + rng.next() % 3;
            estimator.note_sent(sequence, now, rng.next() as usize % 1_500, None);
        }
        let arrivals: Vec<_> = (0..rng.next() % 20)
            .map(|_| {
                let told = sequence.wrapping_sub(rng.next() % 30) as u16;
                let arrival = match rng.next() % 4 {
                    0 => None,
                    1 => Some(Time::from_nanos(rng.next())),
                    2 => Some(Time::ZERO),
                    _ => Some(Time::from_micros(round * 10_000 + rng.next() % 50_000)),
                };
                (told, arrival)
            })
            .collect();
        estimator.handle_arrivals(now, arrivals);
        assert!((config.min_bps..=config.max_bps).contains(&estimator.target_bps()));
    }
}

#[test]
fn feedback_for_what_was_never_sent_changes_nothing() {
    let mut bandwidth = Bandwidth::new(Config::default());
    let mut estimator = Estimator::new(Config::default());
    estimator.handle_arrivals(Time::from_millis(5), (0..1_000).map(|n| (n, Some(Time::ZERO))));
    assert_eq!(estimator.target_bps(), 1_000_000);
    bandwidth.set_wanted_bps(9_000_000);
    let asked: usize = (0..60_000).filter_map(|now| bandwidth.poll_probe(Time::from_millis(now))).sum();
    assert!(asked < 7 * 20_000, "{asked} bytes: seven probes in a minute, though no feedback ever comes");
}
