//! A lite agent: what the peer's checks make known, proved by the peer's answers.

use super::*;
use crate::ice::check::MAX_LEARNT;

/// A path that the peer checked from, and answered on.
fn prove(scene: &mut Scene, port: u16, nominates: bool) {
    scene.check(port, nominates);
    scene.now = scene.now + Duration::from_millis(50);
    scene.answer_all();
}

#[test]
fn the_first_proved_path_serves_until_one_is_nominated() {
    let mut scene = Scene::new(IceMode::Lite);
    prove(&mut scene, 1, false);
    prove(&mut scene, 2, false);
    assert_eq!(scene.selected(), Some(1));
    scene.check(2, true);
    assert_eq!(scene.selected(), Some(2));
}

#[test]
fn a_check_alone_selects_nothing_even_if_it_nominates() {
    let mut scene = Scene::new(IceMode::Lite);
    prove(&mut scene, 1, true);
    scene.check(2, true);
    assert_eq!(scene.selected(), Some(1));
    let asked = scene.pass(at_ms(500));
    assert!(asked.iter().all(|(_, asked)| asked.path == path(2) && !asked.controlling));
    assert_eq!(scene.answer_from(path(2), &asked[0].1, "a guess 0123456789012345", None), Taken::Unauthentic);
    assert_eq!(scene.selected(), Some(1));
    assert_eq!(scene.answer(&asked[0].1), Taken::Answer);
    assert_eq!(scene.selected(), Some(2), "the nomination was remembered");
}

#[test]
fn a_path_that_proves_itself_late_was_not_nominated_late() {
    let mut scene = Scene::new(IceMode::Lite);
    scene.check(1, true);
    let late = scene.sent().remove(0);
    scene.now = at_ms(100);
    prove(&mut scene, 2, true);
    scene.answer(&late);
    assert_eq!(scene.selected(), Some(2));
}

#[test]
fn an_answer_that_comes_from_elsewhere_proves_nothing() {
    let mut scene = Scene::new(IceMode::Lite);
    scene.check(1, true);
    let asked = scene.sent().remove(0);
    assert_eq!(scene.answer_from(path(2), &asked, &credentials("peer").password, None), Taken::Answer);
    assert_eq!(scene.selected(), None);
}

#[test]
fn an_address_that_never_answers_gets_no_more_than_three_times_what_came_from_it() {
    let mut scene = Scene::new(IceMode::Lite);
    scene.check(1, true);
    let bytes = |scene: &mut Scene, end| -> usize {
        let mut bytes = 0;
        while let Some(due) = scene.agent.poll_timeout().filter(|&due| due <= end) {
            scene.now = scene.now.max(due);
            scene.agent.handle_timeout(scene.now, &mut scene.random);
            bytes +=
                std::iter::from_fn(|| scene.agent.poll_transmit()).map(|(_, data)| data.len()).sum::<usize>();
        }
        bytes
    };
    let checks = bytes(&mut scene, at_ms(60_000));
    assert!((100..=300).contains(&checks), "{checks}");
    assert!(!scene.agent.spend(path(1), 301 - checks));
    assert!(scene.agent.spend(path(1), 300 - checks), "the handshake has the rest");
}

#[test]
fn a_password_is_given_for_our_own_fragment_and_the_known_peer_only() {
    let mut agent = Agent::new(ID, credentials("Aone"), IceMode::Lite, Time::ZERO);
    assert!(agent.password_for(b"Aone:anybody").is_some());
    agent.set_remote(credentials("peer"));
    assert!(agent.password_for(b"Aone:peer").is_some());
    for other in [&b"Aone:other"[..], b"Atwo:peer", b"Aone", b"", b":", b"Aonepeer"] {
        assert!(agent.password_for(other).is_none());
    }
}

#[test]
fn a_restart_keeps_the_old_path_until_the_new_credentials_are_used() {
    let mut scene = Scene::new(IceMode::Lite);
    prove(&mut scene, 1, true);
    scene.agent.restart(credentials("Atwo"), Some(credentials("peer")));
    assert_eq!(scene.selected(), Some(1));
    assert!(scene.agent.password_for(b"Aone:peer").is_some());
    scene.now = at_ms(1_000);
    scene.check_as(b"Atwo:peer", 2, true, None);
    scene.answer_all();
    assert_eq!(scene.selected(), Some(2));
    assert!(scene.agent.password_for(b"Aone:peer").is_none());
    assert!(scene.events().contains(&Event::Moved));
}

#[test]
fn paths_are_bounded_and_the_one_in_use_stays() {
    let mut scene = Scene::new(IceMode::Lite);
    prove(&mut scene, 1, true);
    for port in 2..100 {
        scene.now = scene.now + Duration::from_millis(1);
        scene.check(port, false);
    }
    assert_eq!(scene.agent.paths().count(), MAX_LEARNT);
    assert!(scene.agent.paths().any(|known| known == path(1)));
    let released = scene.events().iter().filter(|event| matches!(event, Event::Released(_))).count();
    assert_eq!(released, 99 - MAX_LEARNT);
}

#[test]
fn consent_ends_thirty_seconds_after_the_last_check() {
    let mut scene = Scene::new(IceMode::Lite);
    assert!(scene.agent.keep_consent(at_ms(99_000)), "nothing is sent yet");
    scene.now = at_ms(1_000);
    scene.check(1, true);
    scene.answer_all();
    scene.agent.handle_authentic(at_ms(20_000));
    assert!(scene.agent.keep_consent(at_ms(30_999)));
    assert!(!scene.agent.keep_consent(at_ms(31_000)));
}

#[test]
fn checks_of_one_path_are_no_consent_for_another() {
    let mut scene = Scene::new(IceMode::Lite);
    prove(&mut scene, 1, true);
    prove(&mut scene, 2, false);
    for second in (5..60).step_by(5) {
        scene.now = at_ms(second * 1_000);
        scene.check(2, false);
        assert!(scene.agent.keep_consent(scene.now));
        assert_eq!(scene.selected(), Some(if second < 30 { 1 } else { 2 }), "{second}");
    }
}

#[test]
fn a_peer_that_would_be_controlled_is_told_of_the_conflict() {
    let mut scene = Scene::new(IceMode::Lite);
    let verdict = scene.check_as(b"Aone:peer", 1, false, Some(Role::Controlled(1)));
    assert_eq!(verdict, Verdict::RoleConflict);
    assert_eq!(scene.agent.paths().count(), 0);
}

#[test]
fn a_peer_far_away_that_checks_often_is_proved_all_the_same() {
    let mut scene = Scene::new(IceMode::Lite);
    let mut first = None;
    for _ in 0..40 {
        scene.check(1, true);
        first = first.or(scene.sent().pop());
        scene.now = scene.now + Duration::from_millis(50);
    }
    scene.answer(&first.unwrap());
    assert_eq!(scene.selected(), Some(1), "the answer to the first check counts two seconds later");
}
