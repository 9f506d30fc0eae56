from visavis.sfu.speakers import Speakers


def test_a_single_loud_report_makes_no_speaker() -> None:
    speakers = Speakers()
    speakers.heard(0.0, [("ada", -20)])
    assert speakers.current(0.0) == []
    assert speakers.current(0.5) == []


def test_who_is_loud_in_two_reports_speaks_until_a_pause_is_over() -> None:
    speakers = Speakers()
    speakers.heard(0.0, [("ada", -20)])
    speakers.heard(0.2, [("ada", -20)])
    assert speakers.current(0.2) == ["ada"]
    assert speakers.current(0.9) == ["ada"]
    assert speakers.expires_s() == 1.0
    assert speakers.current(1.0) == []
    assert speakers.expires_s() is None


def test_who_speaks_may_become_quieter_than_one_who_begins_may_be() -> None:
    speakers = Speakers()
    for now_s in (0.0, 0.2):
        speakers.heard(now_s, [("ada", -30), ("bob", -50)])
    for now_s in (0.4, 0.6, 0.8, 1.0, 1.2):
        speakers.heard(now_s, [("ada", -50), ("bob", -50)])
    assert speakers.current(1.2) == ["ada"]


def test_neighbours_change_places_only_when_one_is_clearly_louder() -> None:
    speakers = Speakers()
    for now_s in (0.0, 0.2):
        speakers.heard(now_s, [("ada", -30), ("bob", -32)])
    assert speakers.current(0.2) == ["ada", "bob"]
    speakers.heard(0.4, [("ada", -30), ("bob", -26)])
    assert speakers.current(0.4) == ["ada", "bob"]
    speakers.heard(0.6, [("ada", -30), ("bob", -24)])
    assert speakers.current(0.6) == ["bob", "ada"]
    speakers.heard(0.8, [("ada", -28), ("bob", -24)])
    assert speakers.current(0.8) == ["bob", "ada"]


def test_one_who_leaves_is_forgotten_at_once() -> None:
    speakers = Speakers()
    for now_s in (0.0, 0.2):
        speakers.heard(now_s, [("ada", -30), ("bob", -32)])
    assert speakers.current(0.2) == ["ada", "bob"]
    speakers.forget("ada")
    assert speakers.current(0.2) == ["bob"]
