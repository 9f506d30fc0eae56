//! How much gets through, on paths on which a window that halves with each loss gets 2 %.

use super::*;

const LONG: Path =
    Path { delay: Duration::from_millis(25), bytes_per_second: 12_500_000, queue_bytes: 625_000, ..GOOD };

/// Megabits a second of a bulk transfer in its last five of eight seconds, and the smoothed round trip then.
fn bulk(path: Path) -> (f64, Duration) {
    let mut duo = Duo::new(path, 1);
    duo.connect();
    let at = |duo: &mut Duo, seconds: u64| {
        let until = Time::from_millis(1_000) + Duration::from_secs(seconds);
        while duo.now < until {
            while duo.ends[0].figures().queued_bytes < 1 << 20 {
                let now = duo.now;
                duo.ends[0].send(now, message(1, vec![0; 16 << 10]));
            }
            duo.step(until);
        }
        duo.messages(1).iter().map(|(_, data)| data.len()).sum::<usize>()
    };
    let before = at(&mut duo, 3);
    let after = at(&mut duo, 8);
    let figures = duo.ends[0].figures();
    ((after - before) as f64 * 8.0 / 5e6, figures.smoothed_rtt.unwrap())
}

#[test]
fn random_loss_costs_little_more_than_what_it_loses() {
    for (loss, least) in [(0, 85.0), (1, 85.0), (10, 75.0), (50, 40.0)] {
        let (got, _) = bulk(Path { loss, ..LONG });
        assert!(got > least, "{loss} per mille: {got} Mb/s");
    }
}

#[test]
fn a_thin_path_has_no_standing_queue() {
    let (got, rtt) = bulk(Path { bytes_per_second: 125_000, queue_bytes: 200_000, ..LONG });
    assert!(got > 0.8, "{got} Mb/s");
    assert!(rtt < Duration::from_millis(120), "{rtt:?}");
}
