use super::link::Simulation;

/// Several seeds, so that no lucky one hides a fault.
const SEEDS: [u64; 4] = [1, 65_000, 3, 40_000];

fn assert_between(share: f64, low: f64, high: f64, what: &str) {
    assert!((low..=high).contains(&share), "{what}: {share:.3} of the link");
}

#[test]
fn the_target_converges_to_the_link_and_keeps_its_queue_short() {
    for seed in SEEDS {
        for link in [300e3, 1e6, 3e6, 8e6] {
            let mut simulation = Simulation::new(link, seed);
            simulation.bandwidth.set_wanted_bps(20_000_000);
            simulation.run(40);
            let shown = simulation.run(60);
            assert_between(shown.target_bps / link, 0.7, 1.0, &format!("{link} seed {seed}"));
            assert!(shown.queue_ms < 60.0, "{link} seed {seed}: {shown:?}");
            assert!(shown.worst_queue_ms < 400.0, "{link} seed {seed}: {shown:?}");
        }
    }
}

#[test]
fn without_probes_the_target_climbs_to_the_link_by_itself() {
    for seed in SEEDS {
        let mut simulation = Simulation::new(2e6, seed);
        simulation.run(30);
        let shown = simulation.run(60);
        assert_between(shown.target_bps / 2e6, 0.7, 1.0, &format!("seed {seed}"));
    }
}

#[test]
fn a_probe_finds_a_wide_link_within_seconds() {
    for seed in SEEDS {
        let mut simulation = Simulation::new(8e6, seed);
        simulation.bandwidth.set_wanted_bps(6_000_000);
        simulation.run(12);
        assert!(simulation.target_bps() > 4e6, "seed {seed}: {}", simulation.target_bps());
    }
}

#[test]
fn a_link_that_doubles_is_found() {
    for seed in SEEDS {
        let mut simulation = Simulation::new(1e6, seed);
        simulation.bandwidth.set_wanted_bps(5_000_000);
        simulation.run(40);
        simulation.link_bps = 2e6;
        simulation.run(45);
        let shown = simulation.run(30);
        assert_between(shown.target_bps / 2e6, 0.7, 1.0, &format!("seed {seed}"));
    }
}

#[test]
fn a_link_that_halves_is_followed_and_its_queue_drained() {
    for seed in SEEDS {
        let mut simulation = Simulation::new(2e6, seed);
        simulation.bandwidth.set_wanted_bps(5_000_000);
        simulation.run(40);
        simulation.link_bps = 1e6;
        simulation.run(8);
        let shown = simulation.run(40);
        assert_between(shown.target_bps / 1e6, 0.7, 1.0, &format!("seed {seed}"));
        assert!(shown.queue_ms < 60.0, "seed {seed}: {shown:?}");
    }
}

#[test]
fn a_little_random_loss_does_not_sink_the_target() {
    for seed in SEEDS {
        for loss in [0.01, 0.02] {
            let mut simulation = Simulation::new(2e6, seed);
            simulation.loss = loss;
            simulation.bandwidth.set_wanted_bps(5_000_000);
            simulation.run(40);
            let shown = simulation.run(60);
            assert_between(shown.target_bps / 2e6, 0.7, 1.0, &format!("loss {loss} seed {seed}"));
        }
    }
}

#[test]
fn jitter_of_the_path_does_not_sink_the_target() {
    for seed in SEEDS {
        let mut simulation = Simulation::new(2e6, seed);
        simulation.jitter = std::time::Duration::from_millis(15);
        simulation.bandwidth.set_wanted_bps(5_000_000);
        simulation.run(40);
        let shown = simulation.run(60);
        assert_between(shown.target_bps / 2e6, 0.7, 1.0, &format!("seed {seed}"));
        assert!(shown.queue_ms < 60.0, "seed {seed}: {shown:?}");
    }
}

#[test]
fn lost_feedback_does_not_sink_the_target() {
    for seed in SEEDS {
        let mut simulation = Simulation::new(2e6, seed);
        simulation.feedback_loss = 0.1;
        simulation.bandwidth.set_wanted_bps(5_000_000);
        simulation.run(40);
        let shown = simulation.run(60);
        assert_between(shown.target_bps / 2e6, 0.7, 1.0, &format!("seed {seed}"));
    }
}

#[test]
fn heavy_loss_sinks_the_target() {
    for seed in SEEDS {
        let mut simulation = Simulation::new(5e6, seed);
        simulation.run(20);
        let before = simulation.target_bps();
        simulation.loss = 0.3;
        simulation.run(20);
        assert!(simulation.target_bps() < before / 3.0, "seed {seed}: {before} {}", simulation.target_bps());
    }
}

#[test]
fn a_queue_too_short_for_delay_is_found_by_its_loss() {
    for seed in SEEDS {
        let mut simulation = Simulation::new(1e6, seed);
        simulation.queue_limit = std::time::Duration::from_millis(40);
        simulation.run(40);
        let shown = simulation.run(60);
        assert_between(shown.target_bps / 1e6, 0.6, 1.15, &format!("seed {seed}"));
    }
}

#[test]
fn an_application_that_sends_little_keeps_its_target() {
    for seed in SEEDS {
        let mut simulation = Simulation::new(3e6, seed);
        simulation.application_bps = 200e3;
        simulation.run(120);
        assert!(simulation.target_bps() >= 1e6, "seed {seed}: {}", simulation.target_bps());
        assert!(simulation.target_bps() <= 1.01e6, "seed {seed}: {}", simulation.target_bps());
    }
}

#[test]
fn an_application_that_sends_little_finds_room_by_probes() {
    for seed in SEEDS {
        let mut simulation = Simulation::new(3e6, seed);
        simulation.application_bps = 200e3;
        simulation.bandwidth.set_wanted_bps(2_500_000);
        simulation.run(40);
        assert!(simulation.target_bps() > 2e6, "seed {seed}: {}", simulation.target_bps());
        assert!(simulation.target_bps() < 3.1e6, "seed {seed}: {}", simulation.target_bps());
    }
}
