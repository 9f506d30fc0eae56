//! A full agent.

use super::*;

fn states(events: &[Event]) -> Vec<(u32, bool, &'static str)> {
    let state = |event: &Event| match event {
        Event::State { pair, succeeded, reason, .. } => Some((pair.0, *succeeded, *reason)),
        _ => None,
    };
    events.iter().filter_map(state).collect()
}

#[test]
fn checks_go_in_the_order_of_the_list_with_triggered_ones_first() {
    let mut scene = Scene::full(true);
    scene.set_pairs(&[3, 1, 2]);
    assert_eq!(scene.sent()[0].path, path(3));
    scene.check(2, false);
    let ports: Vec<u16> = scene.pass(at_ms(150)).iter().map(|(_, asked)| asked.path.peer.port()).collect();
    assert_eq!(ports, [2, 1]);
}

#[test]
fn a_check_that_is_not_answered_is_repeated_with_the_same_identifier_and_fails_in_the_end() {
    let mut scene = Scene::full(true);
    scene.set_pairs(&[1]);
    let sent = scene.pass(at_ms(39_499));
    assert_eq!(sent.len(), 7);
    assert!(sent.iter().all(|(_, asked)| *asked == sent[0].1));
    assert_eq!(states(&scene.events()), []);
    scene.pass(at_ms(39_500));
    assert_eq!(states(&scene.events()), [(1, false, "no answer")]);
    assert_eq!(scene.answer(&sent[0].1), Taken::Answer, "an answer that comes later still is one");
}

#[test]
fn an_answer_from_elsewhere_fails_the_pair() {
    let mut scene = Scene::full(true);
    scene.set_pairs(&[1]);
    let asked = scene.sent().remove(0);
    scene.answer_from(path(2), &asked, &credentials("peer").password, None);
    assert_eq!(states(&scene.events()), [(1, false, "the answer came another way")]);
}

#[test]
fn an_answer_that_is_not_the_peers_counts_as_if_it_had_never_come() {
    let mut scene = Scene::full(true);
    scene.set_pairs(&[1]);
    let asked = scene.sent().remove(0);
    for error in [None, Some(487), Some(400)] {
        let taken = scene.answer_from(path(1), &asked, "another password 0123456789", error);
        assert_eq!(taken, Taken::Unauthentic);
    }
    assert_eq!(scene.events(), []);
    assert_eq!(scene.answer(&asked), Taken::Answer);
    assert_eq!(scene.answer(&asked), Taken::Unknown, "it counts once");
}

#[test]
fn only_a_controlling_agent_nominates_and_only_what_is_valid() {
    let mut scene = Scene::full(true);
    scene.set_pairs(&[1]);
    scene.agent.nominate(PairId(1));
    let first = scene.sent().remove(0);
    assert!(!first.nominates && first.controlling);
    scene.answer(&first);
    let second = scene.sent().remove(0);
    assert!(second.nominates);
    assert_eq!(scene.selected(), Some(1), "media need not wait for the nomination");
    assert!(!scene.events().iter().any(|event| matches!(event, Event::Selected { .. })));
    scene.answer(&second);
    assert!(scene.events().contains(&Event::Selected { pair: PairId(1), reason: "nominated" }));

    let mut scene = Scene::full(false);
    scene.set_pairs(&[1]);
    scene.answer_all();
    scene.agent.nominate(PairId(1));
    assert_eq!(scene.sent(), []);
}

#[test]
fn a_nomination_of_a_pair_that_is_not_valid_yet_is_remembered() {
    let mut scene = Scene::full(false);
    scene.set_pairs(&[1, 2]);
    scene.answer_all();
    scene.check(2, true);
    assert_eq!(scene.selected(), Some(1));
    scene.now = at_ms(50);
    scene.answer_all();
    assert_eq!(scene.selected(), Some(2));
}

#[test]
fn of_pairs_nominated_all_at_once_the_most_important_counts_and_later_the_last() {
    let mut scene = Scene::full(false);
    scene.set_pairs(&[1, 2]);
    scene.answer_all();
    scene.now = at_ms(50);
    scene.answer_all();
    scene.check(1, true);
    scene.check(2, true);
    assert_eq!(scene.selected(), Some(1));
    scene.now = at_ms(2_500);
    scene.check(2, true);
    assert_eq!(scene.selected(), Some(2));
}

#[test]
fn the_role_follows_the_tie_breakers() {
    for (controlling, theirs, verdict) in [
        (true, 100, Verdict::RoleConflict),
        (true, 101, Verdict::Success),
        (false, 100, Verdict::Success),
        (false, 101, Verdict::RoleConflict),
    ] {
        let mut scene = Scene::full(controlling);
        let role = if controlling { Role::Controlling(theirs) } else { Role::Controlled(theirs) };
        assert_eq!(scene.check_as(b"Aone:peer", 1, false, Some(role)), verdict);
        let switched = scene.events().contains(&Event::RoleChanged { controlling: !controlling });
        assert_eq!(switched, verdict == Verdict::Success);
    }
}

#[test]
fn a_peer_that_insists_on_its_role_gets_a_new_check_with_the_other_one() {
    let mut scene = Scene::full(true);
    scene.set_pairs(&[1]);
    let asked = scene.sent().remove(0);
    scene.answer_from(path(1), &asked, &credentials("peer").password, Some(487));
    assert_eq!(scene.events(), [Event::RoleChanged { controlling: false }]);
    let (_, again) = scene.pass(at_ms(50)).remove(0);
    assert!(!again.controlling && again.transaction != asked.transaction);
}

#[test]
fn a_list_without_a_learnt_pair_keeps_it_and_one_with_its_path_takes_it_over() {
    let mut scene = Scene::full(false);
    scene.set_pairs(&[1]);
    scene.check(2, true);
    scene.answer_all();
    assert_eq!(scene.selected(), Some(2));
    scene.set_pairs(&[1]);
    assert_eq!(scene.agent.paths().count(), 2);
    scene.events();
    scene.set_pairs(&[2, 1]);
    assert_eq!(scene.agent.paths().count(), 2);
    let events = scene.events();
    assert_eq!(states(&events), [(2, true, "")], "it is valid already");
    assert!(events.contains(&Event::Selected { pair: PairId(2), reason: "nominated" }));
    assert_eq!(scene.selected(), Some(2));
}

#[test]
fn a_pair_that_leaves_the_list_makes_place_for_the_next_valid_one() {
    let mut scene = Scene::full(true);
    scene.set_pairs(&[1, 2]);
    scene.answer_all();
    scene.now = at_ms(50);
    scene.answer_all();
    scene.events();
    scene.set_pairs(&[2]);
    assert_eq!(scene.selected(), Some(2));
    assert_eq!(
        scene.events(),
        [Event::Released(path(1)), Event::Selected { pair: PairId(2), reason: "fallback" }]
    );
    assert!(scene.sent()[0].nominates, "the peer is told");
}

#[test]
fn a_second_pair_of_the_same_path_is_refused() {
    let mut scene = Scene::full(true);
    scene.agent.set_pairs([(PairId(1), path(1), 1), (PairId(2), path(1), 1)]);
    assert_eq!(states(&scene.events()), [(2, false, "the path of another pair")]);
}

#[test]
fn what_was_learnt_before_the_peer_was_known_stays_if_it_was_the_peers() {
    let mut scene = Scene::full(false);
    scene.agent.restart(credentials("Atwo"), None);
    scene.check_as(b"Atwo:peer", 1, false, None);
    scene.check_as(b"Atwo:other", 2, false, None);
    assert_eq!(scene.sent(), [], "with what password?");
    scene.agent.set_remote(credentials("peer"));
    let paths: Vec<Path> = scene.agent.paths().collect();
    assert_eq!(paths, [path(1)]);
    assert_eq!(scene.sent().len(), 1);
}

#[test]
fn a_peer_that_moves_from_address_to_address_is_learnt_at_a_bounded_rate() {
    let mut scene = Scene::full(false);
    for port in 1..1_000 {
        scene.check(port, false);
    }
    let learnt = |scene: &mut Scene| {
        scene.events().iter().filter(|event| matches!(event, Event::Learnt { .. })).count()
    };
    assert_eq!(learnt(&mut scene), 32);
    scene.now = at_ms(5_000);
    (1_000..2_000).for_each(|port| _ = scene.check(port, false));
    assert_eq!(learnt(&mut scene), 5);
}

#[test]
fn consent_is_asked_for_every_few_seconds_and_other_pairs_are_kept_alive() {
    let mut scene = Scene::full(true);
    scene.set_pairs(&[1, 2]);
    scene.answer_all();
    scene.now = at_ms(50);
    scene.answer_all();
    let mut counts = [0, 0];
    while let Some(due) = scene.agent.poll_timeout().filter(|&due| due <= at_ms(60_050)) {
        scene.now = scene.now.max(due);
        for asked in scene.sent() {
            counts[usize::from(asked.path == path(2))] += 1;
            scene.answer(&asked);
        }
    }
    assert!((20..=30).contains(&counts[0]), "{counts:?}");
    assert!((5..=8).contains(&counts[1]), "{counts:?}");
}

#[test]
fn answers_to_consent_are_consent_and_the_peers_checks_are_none() {
    let mut scene = Scene::full(false);
    scene.set_pairs(&[1]);
    scene.answer_all();
    for second in 1..40 {
        scene.pass(at_ms(second * 1_000));
        scene.check(1, true);
    }
    assert!(states(&scene.events()).contains(&(1, false, "no answer for 30 s")));
    assert!(!scene.agent.keep_consent(scene.now));
}
