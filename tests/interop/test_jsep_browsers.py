"""Real browsers take our answers and our offers, and we take their answers."""

from dataclasses import replace
from typing import Any

import pytest

from tests.interop.pages import OpenPage, Page
from tests.unit.jsep.transports import LOCAL, offered
from visavis.dataplane.commands import DtlsRole, Kind
from visavis.jsep import (
    MAX_SECTIONS,
    LocalTransport,
    OfferedSection,
    PublisherAnswer,
    SubscriberAnswer,
    SubscriberCodecs,
    accept_subscriber,
    answer_publisher,
    offer_subscriber,
    read_publisher,
)
from visavis.sdp import SessionDescription, parse

PUBLISH = """
    globalThis.publishing = new RTCPeerConnection();
    const camera = publishing.addTransceiver("video", {direction: "sendonly", sendEncodings: argument});
    publishing.addTransceiver("audio", {direction: "sendonly"});
    publishing.createDataChannel("refused");
    await publishing.setLocalDescription();
    return publishing.localDescription.sdp;
"""
ADD_AND_STOP = """
    publishing.getTransceivers()[1].stop();
    publishing.addTransceiver("video", {direction: "sendonly"});
    await publishing.setLocalDescription();
    return publishing.localDescription.sdp;
"""
RESTART_ICE = """
    publishing.restartIce();
    await publishing.setLocalDescription();
    return publishing.localDescription.sdp;
"""
TAKE_ANSWER = """
    await publishing.setRemoteDescription({type: "answer", sdp: argument});
    return publishing.getTransceivers().map(
        one => [one.mid, one.currentDirection, one.sender.getParameters().encodings.map(e => e.rid ?? null)]);
"""
ANSWER = """
    if (argument.anew) {
        globalThis.subscribed = new RTCPeerConnection();
        subscribed.ontrack = event => tracks.push([event.transceiver.mid, event.streams.map(one => one.id)]);
    }
    globalThis.tracks = [];
    await subscribed.setRemoteDescription({type: "offer", sdp: argument.sdp});
    await subscribed.setLocalDescription();
    return {
        sdp: subscribed.localDescription.sdp,
        tracks,
        directions: subscribed.getTransceivers().map(one => one.currentDirection),
    };
"""
LAYERS = [{"rid": "q", "scaleResolutionDownBy": 4}, {"rid": "h", "scaleResolutionDownBy": 2}, {"rid": "f"}]
FOUR = [offered("0", Kind.AUDIO), offered("1"), offered("2", Kind.AUDIO), offered("3")]


@pytest.fixture(params=["chromium", "firefox"])
def page(request: pytest.FixtureRequest, open_page: OpenPage) -> Page:
    """An empty page."""
    return open_page(request.param)


def _run(page: Page, body: str, argument: object = None) -> Any:
    return page.evaluate(f"async (argument) => {{ {body} }}", argument)


def _published(page: Page, script: str, version: int, argument: object = None) -> tuple[PublisherAnswer, Any]:
    offer = parse(_run(page, script, argument))
    answer = answer_publisher(read_publisher(offer), LOCAL, session_id=1, session_version=version)
    return answer, _run(page, TAKE_ANSWER, str(answer.description))


def _subscribed(
    page: Page,
    sections: list[OfferedSection],
    version: int,
    codecs: SubscriberCodecs | None = None,
    local: LocalTransport = LOCAL,
) -> tuple[SessionDescription, SubscriberAnswer, Any]:
    offer = offer_subscriber(sections, local, session_id=1, session_version=version, codecs=codecs)
    reply = _run(page, ANSWER, {"sdp": str(offer), "anew": version == 1})
    return offer, accept_subscriber(offer, parse(reply["sdp"])), reply


def test_a_publisher_takes_our_answers_through_its_renegotiations(page: Page) -> None:
    answer, state = _published(page, PUBLISH, 1, LAYERS)
    assert answer.remote.role is DtlsRole.SERVER
    assert [(one.kind, one.active, one.rids) for one in answer.sections] == [
        (Kind.VIDEO, True, ("q", "h", "f")),
        (Kind.AUDIO, True, ()),
    ]
    assert state == [["0", "sendonly", ["q", "h", "f"]], ["1", "sendonly", [None]]]

    answer, state = _published(page, ADD_AND_STOP, 2)
    assert [one.active for one in answer.sections if one.kind is Kind.AUDIO] in ([False], [])
    assert [one.active for one in answer.sections if one.kind is Kind.VIDEO] == [True, True]
    assert [direction for _, direction, _ in state if direction == "sendonly"] == ["sendonly"] * 2

    before = answer.remote.ufrag
    answer, _ = _published(page, RESTART_ICE, 3)
    assert answer.remote.ufrag != before


def test_a_subscriber_takes_our_offers_while_m_lines_come_wait_and_are_used_again(page: Page) -> None:
    _, first, reply = _subscribed(page, FOUR, 1)
    assert first.remote.role is DtlsRole.SERVER
    assert [one.accepted for one in first.sections] == [True] * 4
    assert reply["tracks"] == [[mid, [f"stream-{mid}"]] for mid in "0123"]
    assert reply["directions"] == ["recvonly"] * 4
    video = first.sections[1]
    assert {"video/VP8", "video/VP9", "video/AV1"} <= {codec.mime for codec in video.codecs}
    for codec in video.codecs:
        assert (codec.nack, codec.pli, codec.fir, codec.transport_cc) == (True,) * 4
        assert codec.rtx_payload_type == codec.payload_type + 1

    waiting = [*FOUR[:3], offered("3", active=False), offered("4")]
    offer, second, reply = _subscribed(page, waiting, 2, first.codecs)
    assert [one.accepted for one in second.sections] == [True, True, True, False, True]
    assert second.codecs == first.codecs
    assert second.sections[3].codecs
    assert reply["directions"] == ["recvonly", "recvonly", "recvonly", "inactive", "recvonly"]
    assert set(offer.media[4].payload_types) <= {
        number for codec in video.codecs for number in (codec.payload_type, codec.rtx_payload_type)
    }

    again = [*FOUR[:3], offered("3", track="another"), offered("4")]
    _, third, reply = _subscribed(page, again, 3, second.codecs)
    assert [one.accepted for one in third.sections] == [True] * 5
    assert ["3", ["stream-another"]] in reply["tracks"]
    assert third.remote == first.remote

    restarted = replace(LOCAL, ufrag="next", password="z" * 22)
    _, fourth, _ = _subscribed(page, again, 4, second.codecs, restarted)
    assert fourth.sections == third.sections
    assert fourth.remote.fingerprints == first.remote.fingerprints
    assert fourth.remote.restarts_ice(third.remote)


def test_two_hundred_m_lines_fit_one_message_both_ways(page: Page) -> None:
    """100 participants with camera and microphone, and names as long as UUIDs; a message holds 256 KiB."""
    name = "123e4567-e89b-12d3-a456-4266141740"
    sections = [
        offered(str(index), Kind.VIDEO if index % 2 else Kind.AUDIO, track=f"{name}{index:02}")
        for index in range(200)
    ]
    offer, answer, reply = _subscribed(page, sections, 1)
    assert len(str(offer)) < 256 * 1024
    assert len(reply["sdp"]) < 256 * 1024
    assert all(one.accepted for one in answer.sections[:MAX_SECTIONS])
    shorter = offer_subscriber(sections, LOCAL, session_id=1, session_version=2, codecs=answer.codecs)
    assert max(len("\r\n".join(media.lines())) for media in shorter.media) <= 1250
