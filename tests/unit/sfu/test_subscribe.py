import pytest

from visavis.dataplane.commands import (
    CloseTransport,
    Command,
    ConnectTransport,
    OpenTransport,
    Receive,
    RestartIce,
    Route,
    Send,
    SetLadder,
    TransportId,
)
from visavis.errors import ConfigError, IncompatibleError, RemoteProtocolError, SdpError
from visavis.sfu import Source, StreamReason, StreamState, SubscriberOptions, Tile
from visavis.testing.codecs import CHROMIUM, FIREFOX
from visavis.testing.conference import Conference
from visavis.testing.participant import FakeParticipant


def commands(conference: Conference, transport: TransportId, start: int = 0) -> list[Command]:
    return [
        command
        for command in conference.plane.commands[start:]
        if getattr(command, "transport", None) == transport
    ]


def reasons(participant: FakeParticipant) -> list[StreamReason]:
    return [stream.reason for stream in participant.streams]


def test_a_track_is_routed_only_after_the_answer_that_activates_its_m_line() -> None:
    conference = Conference()
    conference.join(Source.MICROPHONE, Source.CAMERA)
    bob = conference.join(answering=False)
    conference.settle()
    transport = conference.subscribing(bob)
    assert list(map(type, commands(conference, transport))) == [OpenTransport]
    bob.answer(*bob.offers[0])
    assert list(map(type, commands(conference, transport))) == [
        OpenTransport,
        ConnectTransport,
        Send,
        Route,
        Route,
        SetLadder,
    ]
    assert bob.carried() == {"0": "p1", "1": "p1"}


def test_payload_types_and_rtx_are_each_subscribers_own() -> None:
    conference = Conference()
    conference.join(Source.CAMERA, codecs=FIREFOX)
    bob = conference.join(codecs=CHROMIUM)
    conference.settle()
    [route] = conference.routes(bob).values()
    vp8 = next(payload for payload in route.payloads if payload.from_payload_type == 120)
    assert (vp8.to_payload_type, vp8.to_rtx_payload_type) == (96, 97)
    slot = conference.plane.transports[conference.subscribing(bob)].slots[route.slot]
    assert slot.rtx_ssrc is not None


def test_a_subscriber_without_rtx_gets_none() -> None:
    conference = Conference()
    conference.join(Source.CAMERA)
    bob = conference.join(answering=False)
    conference.settle()
    offer_id, offer = bob.offers[0]
    answer = bob.subscriber.answer(offer)
    kept = [line for line in answer.splitlines() if " rtx/" not in line and " apt=" not in line]
    bob.peer.subscribe_answer(offer_id, "".join(f"{line}\r\n" for line in kept))
    [route] = conference.routes(bob).values()
    assert all(payload.to_rtx_payload_type is None for payload in route.payloads)
    slot = conference.plane.transports[conference.subscribing(bob)].slots[route.slot]
    assert slot.rtx_ssrc is None


def test_changes_while_an_offer_is_outstanding_wait_for_its_answer_and_come_in_one_offer() -> None:
    conference = Conference()
    conference.join(Source.MICROPHONE)
    bob = conference.join(answering=False)
    conference.settle()
    for _ in range(5):
        conference.join(Source.MICROPHONE)
        conference.settle(0.5)
    assert len(bob.offers) == 1
    bob.answering = True
    bob.answer(*bob.offers[0])
    conference.settle()
    assert len(bob.offers) == 2
    assert sorted(bob.carried().values()) == ["p1", "p3", "p4", "p5", "p6", "p7"]


def test_a_freed_m_line_is_used_again_with_its_ssrc_and_another_stream_id() -> None:
    conference = Conference()
    ada, bob = conference.join(Source.CAMERA), conference.join()
    conference.settle()
    assert bob.subscriber.msids == {"0": "p1"}
    conference.leave(ada)
    conference.settle()
    assert bob.subscriber.msids == {}
    assert [(stream.mid, stream.participant) for stream in bob.streams] == [("0", None)]
    conference.join(Source.CAMERA)
    conference.settle()
    assert bob.subscriber.msids == {"0": "p3"}
    assert bob.subscriber.lines == 1
    assert bob.carried() == {"0": "p3"}


def test_an_m_line_goes_straight_to_another_track_in_one_offer() -> None:
    conference = Conference()
    ada, bob = conference.join(Source.CAMERA), conference.join()
    conference.settle()
    offers = len(bob.offers)
    conference.leave(ada)
    conference.join(Source.CAMERA)
    assert conference.routes(bob) == {}
    conference.settle()
    assert len(bob.offers) == offers + 1
    assert bob.carried() == {"0": "p3"}
    assert len(conference.routes(bob)) == 1


def test_a_track_that_ends_while_its_offer_is_outstanding_is_never_routed() -> None:
    conference = Conference()
    ada = conference.join(Source.CAMERA)
    bob = conference.join(answering=False)
    conference.settle()
    conference.leave(ada)
    bob.answering = True
    bob.answer(*bob.offers[0])
    assert conference.routes(bob) == {}
    conference.settle()
    assert conference.routes(bob) == {}
    assert bob.subscriber.msids == {}


def test_a_peer_that_leaves_while_its_offer_is_outstanding_leaves_nothing() -> None:
    conference = Conference()
    ada = conference.join(Source.CAMERA)
    bob = conference.join(answering=False)
    conference.settle()
    conference.leave(bob)
    conference.leave(ada)
    conference.settle()
    assert conference.plane.in_use == set()
    assert conference.plane.transports == {}
    assert conference.clock.pending() == 0


@pytest.mark.parametrize("offer_id", [-1, 0, 2])
def test_an_answer_to_no_offer_is_refused_and_the_outstanding_one_stays(offer_id: int) -> None:
    conference = Conference()
    conference.join(Source.CAMERA)
    bob = conference.join(answering=False)
    conference.settle()
    answer = bob.subscriber.answer(bob.offers[0][1])
    with pytest.raises(RemoteProtocolError):
        bob.peer.subscribe_answer(offer_id, answer)
    bob.peer.subscribe_answer(1, answer)
    with pytest.raises(RemoteProtocolError):
        bob.peer.subscribe_answer(1, answer)
    assert len(conference.routes(bob)) == 1


@pytest.mark.parametrize("answer", ["", "v=0\r\n", "nonsense"])
def test_after_a_malformed_answer_the_offer_is_still_outstanding(answer: str) -> None:
    conference = Conference()
    conference.join(Source.CAMERA)
    bob = conference.join(answering=False)
    conference.settle()
    start = len(conference.plane.commands)
    with pytest.raises(SdpError):
        bob.peer.subscribe_answer(1, answer)
    assert conference.plane.commands[start:] == []
    bob.answer(*bob.offers[0])
    assert len(conference.routes(bob)) == 1


def test_an_answer_with_another_certificate_is_refused() -> None:
    conference = Conference()
    conference.join(Source.CAMERA)
    bob = conference.join()
    conference.settle()
    conference.join(Source.CAMERA)
    bob.answering = False
    conference.settle()
    offer_id, offer = bob.offers[-1]
    answer = bob.subscriber.answer(offer)
    digest = next(line for line in answer.splitlines() if line.startswith("a=fingerprint"))
    with pytest.raises(SdpError, match="certificate"):
        bob.peer.subscribe_answer(offer_id, answer.replace(digest, digest[:-2] + "FF"))
    bob.peer.subscribe_answer(offer_id, answer)
    assert len(conference.routes(bob)) == 2


def test_a_rejected_m_line_is_never_used_again() -> None:
    conference = Conference()
    ada, bob = conference.join(Source.MICROPHONE, Source.CAMERA), conference.join()
    bob.subscriber.reject = {"1"}
    conference.settle()
    assert list(conference.routes(bob)) == ["0"]
    assert reasons(bob)[1] is StreamReason.UNSUPPORTED_CODEC
    offers = len(bob.offers)
    conference.settle()
    assert len(bob.offers) == offers
    conference.leave(ada)
    bob.subscriber.reject = set()
    conference.join(Source.MICROPHONE, Source.CAMERA)
    conference.settle()
    assert bob.carried() == {"0": "p3", "2": "p3"}
    assert [stream.mid for stream in bob.streams] == ["0", "2"]


def test_a_subscriber_that_takes_no_m_line_at_all_is_told_so() -> None:
    conference = Conference()
    conference.join(Source.CAMERA)
    bob = conference.join(answering=False)
    bob.subscriber.reject = {"0"}
    conference.settle()
    with pytest.raises(IncompatibleError):
        bob.answer(*bob.offers[0])
    assert commands(conference, conference.subscribing(bob), start=4) == []


def test_a_codec_that_the_subscriber_lacks_is_paused_and_comes_when_the_publisher_changes_it() -> None:
    conference = Conference()
    ada = conference.join(Source.MICROPHONE, Source.CAMERA, codecs=CHROMIUM.without("VP8", "VP9", "AV1"))
    bob = conference.join(codecs=FIREFOX)
    conference.settle()
    assert list(conference.routes(bob)) == ["0"]
    assert (bob.streams[1].state, bob.streams[1].reason) == (
        StreamState.PAUSED,
        StreamReason.UNSUPPORTED_CODEC,
    )
    offers = len(bob.offers)
    ada.publisher.codecs = CHROMIUM
    ada.offer()
    conference.settle()
    assert list(conference.routes(bob)) == ["0", "1"]
    assert bob.streams[1].reason is StreamReason.WAITING_FOR_KEY_FRAME
    assert len(bob.offers) == offers


def test_what_the_data_plane_says_of_a_slot_reaches_the_subscriber_in_few_messages() -> None:
    conference = Conference()
    conference.join(Source.MICROPHONE, Source.CAMERA)
    bob = conference.join()
    conference.settle()
    transport = conference.subscribing(bob)
    assert reasons(bob) == [StreamReason.NO_MEDIA, StreamReason.WAITING_FOR_KEY_FRAME]
    for word in ("ok", "bandwidth", "ok", "no-track", "gibberish"):
        conference.plane.report_forwarding(transport, 1, word)
    conference.plane.report_forwarding(transport, 0, "ok")
    conference.plane.report_forwarding(transport, 77, "ok")
    conference.settle(0.03)
    assert bob.streams_messages == 1
    assert [stream.state for stream in bob.streams] == [StreamState.FORWARDING, StreamState.FORWARDING]
    conference.plane.report_forwarding(transport, 1, "bandwidth")
    conference.settle(0.05)
    assert bob.streams_messages == 1
    conference.settle(0.06)
    assert bob.streams_messages == 2
    assert reasons(bob)[1] is StreamReason.BANDWIDTH


def test_a_restart_gives_new_credentials_before_the_offer_and_the_peers_with_the_answer() -> None:
    conference = Conference()
    conference.join(Source.CAMERA)
    bob = conference.join()
    conference.settle()
    transport, start = conference.subscribing(bob), len(conference.plane.commands)
    bob.peer.restart_subscribe()
    conference.settle(0.03)
    [restart] = commands(conference, transport, start)
    assert isinstance(restart, RestartIce)
    assert restart.remote_ufrag is None
    assert restart.ufrag in bob.offers[-1][1]
    conference.settle()
    [_, completed] = commands(conference, transport, start)
    assert isinstance(completed, RestartIce)
    assert (completed.ufrag, completed.remote_ufrag) == (restart.ufrag, bob.subscriber.ice.ufrag)
    assert completed.remote_password == bob.subscriber.ice.password


def test_a_restart_waits_for_the_outstanding_answer_and_no_longer() -> None:
    conference = Conference()
    conference.join(Source.CAMERA)
    bob = conference.join(answering=False)
    conference.settle()
    for _ in range(3):
        bob.peer.restart_subscribe()
    conference.settle()
    assert len(bob.offers) == 1
    bob.answer(*bob.offers[0])
    conference.settle(0.03)
    assert len(bob.offers) == 2
    bob.answer(*bob.offers[1])
    conference.settle()
    assert len(bob.offers) == 2
    assert len(conference.routes(bob)) == 1


def test_after_a_failure_a_restart_goes_on_with_the_same_m_lines() -> None:
    conference = Conference()
    conference.join(Source.CAMERA)
    bob = conference.join()
    conference.settle()
    transport = conference.subscribing(bob)
    conference.plane.report_state(transport, "failed", "consent")
    assert bob.failures == [("subscribe", "consent")]
    bob.peer.restart_subscribe()
    conference.settle()
    assert conference.subscribing(bob) == transport
    assert bob.subscriber.lines == 1


def test_after_the_client_closed_its_connection_a_restart_begins_a_new_one() -> None:
    conference = Conference()
    conference.join(Source.CAMERA)
    bob = conference.join()
    conference.settle()
    transport = conference.subscribing(bob)
    conference.plane.report_state(transport, "closed", "close-notify")
    assert bob.failures == [("subscribe", "close-notify")]
    assert transport not in conference.plane.transports
    conference.join(Source.CAMERA)
    conference.settle()
    offers = len(bob.offers)
    bob.subscriber = type(bob.subscriber)(999)
    bob.peer.restart_subscribe()
    conference.settle()
    assert conference.subscribing(bob) != transport
    assert bob.offers[offers][0] == offers + 1
    assert sorted(bob.carried().values()) == ["p1", "p3"]
    assert len(conference.routes(bob)) == 2


def test_resuming_sends_the_outstanding_offer_or_the_streams_again() -> None:
    conference = Conference()
    bob = conference.join(answering=False)
    bob.peer.resume()
    assert (bob.offers, bob.streams_messages) == ([], 0)
    conference.join(Source.CAMERA)
    conference.settle()
    bob.peer.resume()
    assert bob.offers[0] == bob.offers[1]
    bob.answer(*bob.offers[1])
    bob.streams = []
    bob.peer.resume()
    assert bob.carried() == {"0": "p2"}


def test_the_view_decides_who_has_the_m_lines_when_there_are_too_few() -> None:
    conference = Conference(options=SubscriberOptions(video_lines=1))
    conference.join(Source.CAMERA)
    conference.join(Source.CAMERA)
    cyd = conference.join()
    conference.settle()
    assert cyd.carried() == {"0": "p1"}
    assert [(stream.mid, stream.participant, stream.reason) for stream in cyd.streams][1:] == [
        (None, "p2", StreamReason.NOT_SHOWN)
    ]
    cyd.peer.set_view([Tile("p2", Source.CAMERA, 320, 180)])
    conference.settle()
    assert cyd.carried() == {"0": "p2"}
    assert len(conference.routes(cyd)) == cyd.subscriber.lines == 1


def test_the_first_offers_list_all_codecs_on_few_m_lines_only() -> None:
    conference = Conference()
    for _ in range(10):
        conference.join(Source.MICROPHONE, Source.CAMERA)
    conference.settle()
    late = conference.join(codecs=FIREFOX)
    conference.settle()
    counts = [sdp.count("m=") for _, sdp in late.offers]
    assert counts == [12, 20]
    assert "H264" in late.offers[0][1]
    assert "H264" not in late.offers[1][1]


def test_more_m_lines_than_browsers_take_are_a_mistake_of_the_operator() -> None:
    with pytest.raises(ConfigError):
        SubscriberOptions(audio_lines=100, video_lines=100)


def test_a_publisher_that_leaves_is_unrouted_everywhere_before_its_transport_ends() -> None:
    conference = Conference()
    ada = conference.join(Source.MICROPHONE, Source.CAMERA)
    conference.join()
    conference.settle()
    publishing, start = conference.publishing(ada), len(conference.plane.commands)
    conference.leave(ada)
    told = conference.plane.commands[start:]
    assert [type(command) for command in told] == [Route, Route, CloseTransport]
    assert told[-1] == CloseTransport(publishing)
    assert not any(isinstance(command, Receive) for command in told)
