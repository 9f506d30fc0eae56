import pytest

from visavis import sdp
from visavis.dataplane.commands import (
    CloseTransport,
    Command,
    ConnectTransport,
    OpenTransport,
    Receive,
    RestartIce,
    Route,
)
from visavis.errors import IncompatibleError, LocalProtocolError, SdpError
from visavis.sfu import Source, TrackSource
from visavis.testing.browser import FakePublisher
from visavis.testing.codecs import CHROMIUM
from visavis.testing.conference import Conference


def since(conference: Conference, start: int) -> list[type[Command]]:
    return [type(command) for command in conference.plane.commands[start:]]


def test_a_first_offer_opens_and_connects_a_transport_and_says_what_it_receives() -> None:
    conference = Conference()
    ada = conference.join(Source.MICROPHONE, Source.CAMERA)
    assert since(conference, 0) == [OpenTransport, ConnectTransport, Receive]
    received = conference.plane.transports[conference.publishing(ada)].received
    assert received is not None
    assert [section.mid for section in received.sections] == ["0", "1"]
    assert received.transport_cc
    assert received.reduced_size_rtcp
    assert all(section.payloads and section.ssrcs for section in received.sections)
    assert [(track.source, track.muted) for track in ada.tracks] == [
        (Source.MICROPHONE, False),
        (Source.CAMERA, False),
    ]


def test_what_the_client_has_not_announced_is_not_published() -> None:
    conference = Conference()
    ada = conference.join(Source.MICROPHONE)
    ada.publisher.add(Source.CAMERA.kind)
    ada.offer()
    assert [track.source for track in ada.tracks] == [Source.MICROPHONE]
    ada.peer.set_tracks([TrackSource("0", Source.MICROPHONE), TrackSource("1", Source.CAMERA)])
    assert [track.source for track in ada.tracks] == [Source.MICROPHONE, Source.CAMERA]


def test_a_source_of_the_wrong_kind_is_not_published() -> None:
    conference = Conference()
    ada = conference.join(Source.MICROPHONE)
    ada.peer.set_tracks([TrackSource("0", Source.CAMERA)])
    assert ada.tracks == []


def test_muting_is_told_without_a_command() -> None:
    conference = Conference()
    ada = conference.join(Source.MICROPHONE)
    before, start = ada.tracks[0], len(conference.plane.commands)
    ada.peer.set_tracks([TrackSource("0", Source.MICROPHONE, muted=True)])
    assert [(track.id, track.muted) for track in ada.tracks] == [(before.id, True)]
    assert since(conference, start) == []


def test_a_screen_is_added_stopped_and_shared_again_on_the_same_m_line() -> None:
    conference = Conference()
    ada = conference.join(Source.MICROPHONE)
    transport = conference.publishing(ada)
    [screen] = ada.publish(Source.SCREEN)
    first = ada.tracks[1]
    assert first.source is Source.SCREEN
    ada.unpublish(screen)
    assert [track.source for track in ada.tracks] == [Source.MICROPHONE]
    ada.publisher.send(screen, True)
    ada.sources[screen] = TrackSource(screen, Source.SCREEN)
    ada.peer.set_tracks(list(ada.sources.values()))
    ada.offer()
    assert ada.tracks[1].source is Source.SCREEN
    assert ada.tracks[1].id != first.id
    assert conference.publishing(ada) == transport


def test_an_m_line_that_changes_its_source_carries_another_track() -> None:
    conference = Conference()
    ada = conference.join(Source.CAMERA)
    camera, data_plane_tracks = ada.tracks[0], conference.plane.tracks()
    ada.peer.set_tracks([TrackSource("0", Source.SCREEN)])
    assert ada.tracks[0].id != camera.id
    assert not conference.plane.tracks() & data_plane_tracks


def test_simulcast_layers_are_received_in_the_order_of_their_rids() -> None:
    conference = Conference()
    ada = conference.join()
    ada.publish(Source.CAMERA, rids=("q", "h", "f"))
    received = conference.plane.transports[conference.publishing(ada)].received
    assert received is not None
    assert received.sections[0].rids == ("q", "h", "f")


def test_other_credentials_restart_ice_on_the_same_transport() -> None:
    conference = Conference()
    ada = conference.join(Source.MICROPHONE)
    transport, start = conference.publishing(ada), len(conference.plane.commands)
    before = conference.plane.transports[transport].ufrag
    ada.publisher.ice.restart()
    ada.offer()
    assert since(conference, start) == [RestartIce]
    assert conference.publishing(ada) == transport
    assert conference.plane.transports[transport].ufrag != before
    assert conference.plane.transports[transport].remote_ufrag == ada.publisher.ice.ufrag


def test_another_certificate_is_a_new_connection_that_replaces_the_old_one() -> None:
    conference = Conference()
    ada, bob = conference.join(Source.MICROPHONE), conference.join()
    conference.settle()
    old, start = conference.publishing(ada), len(conference.plane.commands)
    ada.publisher = FakePublisher(999)
    ada.publisher.add(Source.MICROPHONE.kind)
    ada.offer()
    conference.settle()
    assert conference.publishing(ada) != old
    assert old not in conference.plane.transports
    assert since(conference, start)[:3] == [OpenTransport, ConnectTransport, Route]
    assert {route.track for route in conference.routes(bob).values()} == conference.plane.tracks()


def test_another_certificate_with_the_old_credentials_is_refused() -> None:
    conference = Conference()
    ada = conference.join(Source.MICROPHONE)
    offer, start = ada.publisher.offer(), len(conference.plane.commands)
    digest = next(line for line in offer.splitlines() if line.startswith("a=fingerprint"))
    with pytest.raises(SdpError, match="certificate"):
        ada.peer.publish(offer.replace(digest, digest[:-2] + "FF"))
    assert since(conference, start) == []


@pytest.mark.parametrize("offer", ["", "v=0", "nonsense\r\n"])
def test_a_malformed_offer_changes_nothing(offer: str) -> None:
    conference = Conference()
    newcomer = conference.join()
    with pytest.raises(SdpError):
        newcomer.peer.publish(offer)
    assert conference.plane.in_use == set()
    ada = conference.join(Source.MICROPHONE)
    start = len(conference.plane.commands)
    with pytest.raises(SdpError):
        ada.peer.publish(offer)
    assert since(conference, start) == []
    assert len(ada.tracks) == 1


def test_an_offer_without_a_codec_in_common_is_refused() -> None:
    conference = Conference()
    browser = FakePublisher(1, CHROMIUM.without("opus"))
    browser.add(Source.MICROPHONE.kind)
    ada = conference.join()
    with pytest.raises(IncompatibleError):
        ada.peer.publish(browser.offer())
    assert conference.plane.in_use == set()


@pytest.mark.parametrize("rids", [tuple(f"r{number}" for number in range(17)), ("r" * 17,)])
def test_more_layers_than_the_data_plane_takes_are_refused(rids: tuple[str, ...]) -> None:
    conference = Conference()
    ada = conference.join()
    with pytest.raises(SdpError):
        ada.publish(Source.CAMERA, rids=rids)
    assert conference.plane.commands == []
    assert conference.plane.in_use == set()


def test_a_ninth_track_is_refused() -> None:
    conference = Conference()
    ada = conference.join()
    with pytest.raises(LocalProtocolError):
        ada.peer.set_tracks([TrackSource(str(number), Source.CAMERA) for number in range(9)])


def test_a_connection_that_the_client_closed_ends_its_tracks_and_the_next_offer_opens_another() -> None:
    conference = Conference()
    ada, bob = conference.join(Source.MICROPHONE), conference.join()
    conference.settle()
    transport = conference.publishing(ada)
    conference.plane.report_state(transport, "closed", "close-notify")
    assert ada.tracks == []
    assert ada.failures == [("publish", "close-notify")]
    conference.settle()
    assert bob.carried() == {}
    assert since(conference, 0).count(CloseTransport) == 1
    ada.offer()
    conference.settle()
    assert list(bob.carried().values()) == ["p1"]


def test_after_a_failure_the_tracks_stay_and_the_client_restarts_ice() -> None:
    conference = Conference()
    ada = conference.join(Source.MICROPHONE)
    transport = conference.publishing(ada)
    conference.plane.report_state(transport, "failed", "consent")
    assert ada.failures == [("publish", "consent")]
    assert len(ada.tracks) == 1
    ada.publisher.ice.restart()
    assert "a=recvonly" in ada.offer()
    assert conference.publishing(ada) == transport


def test_an_answer_tells_the_candidates_and_that_we_are_lite() -> None:
    conference = Conference()
    ada = conference.join(Source.MICROPHONE)
    answer = sdp.parse(ada.publish_answers[0])
    assert answer.has(sdp.Flag.ICE_LITE)
    assert "192.0.2.1 5000 typ host" in ada.publish_answers[0]
