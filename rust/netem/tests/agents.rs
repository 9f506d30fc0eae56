//! Two full ICE agents over an emulated network, their owners saying as little as they can.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::{good, seeds};
use visavis_dataplane::Report;
use visavis_dataplane::api::TransportState::{Connected, Disconnected, Failed};
use visavis_dataplane::api::{Command, IceMode, PairId};
use visavis_dataplane::shard::Sizes;
use visavis_netem::duo::{CONTROLLED, CONTROLLING, TRANSPORT};
use visavis_netem::{Duo, LinkConfig, Links};

const BOTH: [usize; 2] = [CONTROLLING, CONTROLLED];

fn outer(n: u8) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, n], 50_000 + u16::from(n)))
}

#[test]
fn the_first_check_leaves_at_once_and_a_nominated_pair_is_selected_at_both_ends() {
    let mut duo = Duo::new(1, good(), 1);
    duo.start();
    // 20 ms each through the sender's link and the receiver's: 80 ms there and back.
    duo.run_ms(81);
    assert_eq!(duo.outcomes(CONTROLLING), [(duo.pair(0), true)]);
    duo.nominate(0);
    duo.run_ms(81);
    for end in BOTH {
        assert_eq!(duo.states(end), [Connected]);
        let [(_, pair, reason)] = duo.selections(end)[..] else { panic!("{:?}", duo.selections(end)) };
        assert_eq!((pair, reason), (duo.pair(0), "nominated"));
    }
}

#[test]
fn a_role_that_was_wrong_is_changed_before_the_checks_and_there_is_no_conflict() {
    let full = |tie_breaker| IceMode::Full { controlling: true, tie_breaker };
    let mut duo = Duo::with_modes(1, good(), 1, [full(1), full(2)]);
    for _ in 0..2 {
        duo.command(CONTROLLED, Command::SetIceRole { id: TRANSPORT, controlling: false });
    }
    duo.start();
    duo.run_ms(100);
    duo.nominate(0);
    duo.run_ms(100);
    let roles = |duo: &Duo, end| {
        let role = |report: &Report| match report {
            Report::RoleChanged { controlling, .. } => Some(*controlling),
            _ => None,
        };
        duo.reports(end).iter().filter_map(|(_, report)| role(report)).collect::<Vec<_>>()
    };
    assert_eq!((roles(&duo, CONTROLLING), roles(&duo, CONTROLLED)), (vec![], vec![false]));
    for end in BOTH {
        assert_eq!(duo.selections(end).iter().map(|&(_, pair, _)| pair).collect::<Vec<_>>(), [duo.pair(0)]);
    }
}

#[test]
fn another_peers_credentials_begin_the_checks_anew_while_the_path_in_use_serves() {
    let mut duo = Duo::new(1, good(), 1);
    duo.start();
    duo.run_ms(100);
    duo.nominate(0);
    duo.run_ms(1_000);
    duo.replace_controlled();
    duo.run_ms(200);
    assert_eq!(duo.outcomes(CONTROLLING).last(), Some(&(duo.pair(0), true)), "by the new credentials");
    duo.nominate(0);
    duo.run_ms(200);
    for end in BOTH {
        assert_eq!(duo.selections(end).last().map(|&(_, pair, _)| pair), Some(duo.pair(0)));
        assert_eq!(duo.states(end), [Connected]);
    }
}

#[test]
fn the_peer_that_is_checked_first_checks_back_at_once() {
    let mut duo = Duo::new(1, good(), 1);
    duo.connect(CONTROLLED);
    duo.connect(CONTROLLING);
    duo.check(CONTROLLING, &[0]);
    duo.run_ms(125);
    assert_eq!(duo.outcomes(CONTROLLED), [(PairId(1 << 24), true)], "a learnt pair, a round trip later");
}

#[test]
fn new_checks_are_fifty_milliseconds_apart() {
    let mut duo = Duo::new(1, good(), 8);
    (0..8).for_each(|n| duo.network.cut(duo.address(CONTROLLED, n)));
    duo.connect(CONTROLLING);
    duo.check(CONTROLLING, &[0, 1, 2, 3, 4, 5, 6, 7]);
    let sent = |duo: &mut Duo| duo.network.links(duo.node(CONTROLLING)).0.counts.carried;
    for expected in 1..=8 {
        assert_eq!(sent(&mut duo), if expected == 1 { 0 } else { expected - 1 });
        duo.run_ms(if expected == 1 { 1 } else { 50 });
        assert_eq!(sent(&mut duo), expected);
    }
}

#[test]
fn agents_connect_through_a_fifth_of_loss() {
    for seed in seeds(20) {
        let mut duo = Duo::new(seed, Links::both(LinkConfig::delay_ms(20).with_loss(0.11)), 2);
        duo.start();
        duo.run_ms(4_000);
        let valid = duo.outcomes(CONTROLLING).into_iter().find(|(_, succeeded)| *succeeded);
        assert!(valid.is_some(), "seed {seed}");
        duo.nominate(valid.map_or(0, |(pair, _)| pair.0 as usize));
        duo.run_ms(30_000);
        for end in BOTH {
            assert_eq!(duo.states(end), [Connected], "seed {seed}");
            assert!(!duo.selections(end).is_empty(), "seed {seed}");
        }
    }
}

#[test]
fn both_controlling_or_both_controlled_come_to_one_of_each() {
    for controlling in [true, false] {
        for tie_breakers in [[5, 9], [9, 5]] {
            let modes = tie_breakers.map(|tie_breaker| IceMode::Full { controlling, tie_breaker });
            let mut duo = Duo::with_modes(1, good(), 1, modes);
            duo.start();
            duo.run_ms(500);
            let changes: Vec<usize> = BOTH
                .into_iter()
                .filter(|&end| {
                    duo.reports(end).iter().any(|(_, report)| {
                        *report == Report::RoleChanged { id: TRANSPORT, controlling: !controlling }
                    })
                })
                .collect();
            // The larger tie-breaker controls.
            let larger = usize::from(tie_breakers[1] > tie_breakers[0]);
            assert_eq!(changes, [if controlling { 1 - larger } else { larger }]);
            for end in BOTH {
                assert_eq!(duo.states(end), [Connected]);
            }
        }
    }
}

#[test]
fn an_address_that_a_nat_made_is_learnt_and_told_to_who_is_behind_it() {
    let mut duo = Duo::new(1, good(), 1);
    duo.translate(CONTROLLING, 0, outer(1));
    duo.start();
    duo.run_ms(500);
    let learnt = duo.reports(CONTROLLED).iter().find_map(|(_, report)| match report {
        Report::PairLearnt { pair, remote, .. } => Some((*pair, *remote)),
        _ => None,
    });
    let (learnt, remote) = learnt.expect("it came from an address that no pair had");
    assert_eq!(remote, outer(1));
    let mapped = duo.reports(CONTROLLING).iter().find_map(|(_, report)| match report {
        Report::PairState { succeeded: true, mapped, .. } => *mapped,
        _ => None,
    });
    assert_eq!(mapped, Some(outer(1)));
    duo.nominate(0);
    duo.run_ms(500);
    assert_eq!(duo.selections(CONTROLLED).last().map(|&(_, pair, _)| pair), Some(learnt));
}

#[test]
fn a_nat_that_forgets_its_mapping_costs_seconds_and_not_the_connection() {
    let mut duo = Duo::new(1, good(), 1);
    duo.translate(CONTROLLING, 0, outer(1));
    duo.start();
    duo.run_ms(500);
    duo.nominate(0);
    duo.run_ms(5_000);
    duo.translate(CONTROLLING, 0, outer(2));
    duo.run_ms(20_000);
    assert!(!duo.states(CONTROLLING).contains(&Failed));
    assert_eq!(duo.states(CONTROLLED), [Connected], "the checks from the new address are heard");
    let (_, pair, _) = *duo.selections(CONTROLLED).last().expect("one was nominated");
    let remote = duo.reports(CONTROLLED).iter().find_map(|(_, report)| match report {
        Report::PairLearnt { pair: learnt, remote, .. } if *learnt == pair => Some(*remote),
        _ => None,
    });
    assert_eq!(remote, Some(outer(2)));
}

/// The event loop is blocked for ten seconds: no command comes. The pair in use dies meanwhile.
#[test]
fn the_next_valid_pair_takes_over_by_itself_when_the_one_in_use_dies() {
    for seed in seeds(10) {
        let mut duo = Duo::new(seed, good(), 3);
        duo.start();
        duo.run_ms(1_000);
        duo.nominate(0);
        duo.run_ms(4_000 + 137 * seed);
        let died = duo.network.now();
        duo.network.cut(duo.address(CONTROLLED, 0));
        duo.run_ms(10_000);
        for end in BOTH {
            assert_eq!(duo.states(end), [Connected], "seed {seed}: it was never disconnected");
            let selections = duo.selections(end);
            let (at, pair, reason) = selections[1];
            assert_eq!(pair, duo.pair(1), "seed {seed}: the next in order");
            // The controlled end may be told by the other's nomination first.
            assert!(reason == "fallback" || end == CONTROLLED, "seed {seed}");
            let took = at.since(died);
            assert!(took <= Duration::from_millis(4_500), "seed {seed}, end {end}: {took:?}");
        }
    }
}

#[test]
fn a_peer_that_is_gone_is_disconnected_after_five_seconds_and_failed_after_thirty() {
    let mut duo = Duo::new(1, good(), 2);
    duo.start();
    duo.run_ms(1_000);
    duo.nominate(0);
    duo.run_ms(10_000);
    let gone = duo.network.now();
    (0..2).for_each(|n| duo.network.cut(duo.address(CONTROLLED, n)));
    duo.run_ms(35_000);
    let end = CONTROLLING;
    assert_eq!(duo.states(end), [Connected, Disconnected, Failed]);
    let at = |wanted| {
        let found = duo
            .reports(end)
            .iter()
            .find(|(_, report)| matches!(report, Report::Transport { state, .. } if *state == wanted));
        found.map(|(at, _)| at.since(gone).as_secs_f64())
    };
    // What was heard last may lie three seconds before the end.
    let (disconnected, failed) = (at(Disconnected).unwrap(), at(Failed).unwrap());
    assert!((2.0..=5.6).contains(&disconnected), "{disconnected}");
    assert!((27.0..=30.6).contains(&failed), "{failed}");
    let sent = duo.network.links(duo.node(end)).0.counts.carried;
    duo.run_ms(20_000);
    assert_eq!(duo.network.links(duo.node(end)).0.counts.carried, sent, "without consent nothing is sent");
}

#[test]
fn a_restart_keeps_the_pair_in_use_until_the_new_one_is_nominated() {
    let mut duo = Duo::new(1, good(), 1);
    duo.start();
    duo.run_ms(500);
    duo.nominate(0);
    duo.run_ms(3_000);
    let before = duo.pair(0);
    duo.restart();
    duo.run_ms(20_000);
    for end in BOTH {
        assert_eq!(duo.selections(end).len(), 1, "nothing was nominated, and the old pair serves");
        assert_eq!(duo.states(end), [Connected]);
    }
    duo.nominate(0);
    duo.run_ms(500);
    for end in BOTH {
        assert_eq!(duo.selections(end).last().map(|&(_, pair, _)| pair), Some(duo.pair(0)));
        assert_ne!(duo.pair(0), before);
        assert_eq!(duo.server(end).sizes().ufrags, 1, "the old credentials are forgotten");
        assert_eq!(duo.server(end).sizes().addresses, 1);
    }
}

#[test]
fn a_connection_that_failed_comes_back_by_a_restart() {
    let mut duo = Duo::new(1, good(), 1);
    duo.start();
    duo.run_ms(500);
    duo.nominate(0);
    duo.run_ms(500);
    duo.network.cut(duo.address(CONTROLLED, 0));
    duo.run_ms(35_000);
    duo.network.mend(duo.address(CONTROLLED, 0));
    duo.restart();
    duo.run_ms(500);
    for end in BOTH {
        assert_eq!(duo.states(end), [Connected, Disconnected, Failed, Connected]);
    }
}

#[test]
fn checks_that_come_before_the_peer_is_known_are_answered_and_checked_back_later() {
    let mut duo = Duo::new(1, good(), 1);
    duo.connect(CONTROLLING);
    duo.check(CONTROLLING, &[0]);
    duo.run_ms(1_000);
    assert_eq!(duo.outcomes(CONTROLLING), [(duo.pair(0), true)]);
    assert_eq!(duo.outcomes(CONTROLLED), [], "it does not know with what to ask");
    duo.connect(CONTROLLED);
    duo.run_ms(81);
    assert_eq!(duo.outcomes(CONTROLLED), [(PairId(1 << 24), true)]);
}

#[test]
fn a_transport_that_is_closed_leaves_nothing() {
    let mut duo = Duo::new(1, good(), 3);
    duo.start();
    duo.run_ms(300);
    for end in BOTH {
        assert!(duo.server(end).is_open(duo.address(end, 0)));
        duo.command(end, Command::CloseTransport { id: TRANSPORT });
        assert!(!duo.server(end).is_open(duo.address(end, 0)));
    }
    duo.run_ms(1_000);
    for end in BOTH {
        assert_eq!(duo.server(end).sizes(), Sizes::default());
    }
}
