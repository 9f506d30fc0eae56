import pytest

from visavis.errors import LocalProtocolError
from visavis.sfu import Source, TrackSource
from visavis.testing.conference import Conference
from visavis.testing.participant import FakeParticipant


def speak(
    conference: Conference, participant: FakeParticipant, mid: str = "0", level_dbov: int = -20
) -> None:
    transport = conference.publishing(participant)
    received = conference.plane.transports[transport].received
    assert received is not None
    track = next(section.track for section in received.sections if section.mid == mid)
    for _ in range(2):
        conference.plane.report_levels(transport, [(track, level_dbov)])
        conference.settle(0.2)


def test_everybody_gets_what_everybody_else_publishes() -> None:
    conference = Conference()
    for _ in range(3):
        conference.join(Source.MICROPHONE, Source.CAMERA)
    conference.settle()
    for participant in conference.participants.values():
        others = {name for name in conference.participants if name != participant.id}
        assert sorted(participant.carried().values()) == sorted([*others, *others])


def test_nobody_is_offered_anything_while_nobody_publishes() -> None:
    conference = Conference()
    ada, bob = conference.join(), conference.join()
    conference.settle()
    assert ada.offers == bob.offers == []
    assert conference.plane.commands == []


def test_two_peers_of_one_name_are_a_mistake() -> None:
    conference = Conference()
    ada = conference.join()
    with pytest.raises(LocalProtocolError):
        ada.join(conference.router)


def test_who_speaks_is_told_and_told_again_when_it_stops() -> None:
    conference = Conference()
    ada = conference.join(Source.MICROPHONE)
    speak(conference, ada)
    assert conference.speakers == [["p1"]]
    conference.settle(1.0)
    assert conference.speakers == [["p1"], []]
    assert conference.clock.pending() == 0


def test_a_speaker_who_leaves_speaks_no_more() -> None:
    conference = Conference()
    ada = conference.join(Source.MICROPHONE)
    speak(conference, ada)
    conference.leave(ada)
    assert conference.speakers == [["p1"], []]


def test_neither_the_sound_of_a_screen_nor_a_muted_microphone_makes_a_speaker() -> None:
    conference = Conference()
    ada = conference.join(Source.SCREEN_AUDIO, Source.MICROPHONE)
    speak(conference, ada, mid="0")
    ada.peer.set_tracks(
        [TrackSource("0", Source.SCREEN_AUDIO), TrackSource("1", Source.MICROPHONE, muted=True)]
    )
    speak(conference, ada, mid="1")
    assert conference.speakers == []


def test_who_speaks_moves_to_the_front_of_the_ladder() -> None:
    conference = Conference()
    for _ in range(2):
        conference.join(Source.MICROPHONE)
    cyd = conference.join()
    conference.settle()
    transport = conference.plane.transports[conference.subscribing(cyd)]
    assert [rung.slot for rung in transport.rungs] == [0, 1]
    speak(conference, conference.participants["p2"])
    assert [rung.slot for rung in transport.rungs] == [1, 0]


def test_closing_is_idempotent_and_calls_nobody_back() -> None:
    conference = Conference()
    ada = conference.join(Source.MICROPHONE, answering=False)
    bob = conference.join(Source.CAMERA, answering=False)
    conference.settle(0.03)
    peer, heard = ada.peer, (len(ada.offers), ada.streams_messages, list(ada.tracks))
    peer.close()
    peer.close()
    conference.router.close()
    conference.router.close()
    conference.settle()
    assert (len(ada.offers), ada.streams_messages, ada.tracks) == heard
    assert bob.failures == []
    assert conference.plane.in_use == set()
    assert conference.clock.pending() == 0
    for late in (peer.resume, peer.restart_subscribe, lambda: peer.publish(""), lambda: peer.set_view([])):
        with pytest.raises(LocalProtocolError):
            late()
