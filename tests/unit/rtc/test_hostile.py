"""What a peer, or a careless program, may do to a connection."""

import asyncio
import gc
import re
import threading
import weakref
from collections.abc import Awaitable, Callable

import pytest

from tests.unit.rtc.pairs import GUARD_S, negotiate, pair, trickle
from visavis.errors import DOMException
from visavis.events import Event
from visavis.media import MediaStream
from visavis.rtc import RTCError, RTCPeerConnection, RTCTrackEvent


async def _offer() -> str:
    one, other = pair()
    one.addTransceiver("audio")
    await one.setLocalDescription()
    offer = one.localDescription
    one.close()
    other.close()
    assert offer is not None
    return offer.sdp


def _with_fingerprint(sdp: str, lines: str) -> str:
    return re.sub(r"a=fingerprint:[^\r]*\r\n", lines, sdp)


@pytest.mark.parametrize(
    ("lines", "name", "tells"),
    [
        ("", "InvalidAccessError", "lacks a=fingerprint"),
        ("a=fingerprint:md5 " + ":".join(["00"] * 16) + "\r\n", "InvalidAccessError", "by md5 only"),
        ("a=fingerprint:sha-256 ZZ:11\r\n", "OperationError", "not bytes in hexadecimal"),
        ("a=fingerprint:sha-256 00:11\r\n", "OperationError", "fingerprint"),
    ],
)
async def test_a_fingerprint_that_is_none_is_refused_and_changes_nothing(
    lines: str, name: str, tells: str
) -> None:
    _, pc = pair()
    with pytest.raises(DOMException, match=tells) as refused:
        await pc.setRemoteDescription({"type": "offer", "sdp": _with_fingerprint(await _offer(), lines)})
    assert refused.value.name == name
    assert (pc.signalingState, pc.remoteDescription, pc.getTransceivers()) == ("stable", None, [])
    pc.close()


@pytest.mark.parametrize("filler", ["a=x:" + "y" * 10_000_000 + "\r\n", "a=x:y\r\n" * 1_500_000])
async def test_a_description_of_ten_megabytes_is_refused(filler: str) -> None:
    _, pc = pair()
    with pytest.raises(DOMException, match="larger than 1,048,576 bytes"):
        await pc.setRemoteDescription({"type": "offer", "sdp": await _offer() + filler})
    assert pc.signalingState == "stable"
    pc.close()


async def test_candidates_are_refused_after_a_thousand() -> None:
    one, other = pair()
    one.addTransceiver("audio")
    await negotiate(one, other)
    refused: list[str] = []
    for number in range(1_500):
        line = f"candidate:{number} 1 udp 1 127.0.0.1 {number + 1} typ host"
        try:
            await other.addIceCandidate({"candidate": line, "sdpMid": "0"})
        except DOMException as error:
            refused.append(error.name)
    assert refused == ["OperationError"] * 500
    one.close()
    other.close()


async def test_a_handler_that_raises_does_not_stop_the_negotiation() -> None:
    one, other = pair()
    trickle(one, other)

    def fail(_: Event) -> None:
        raise ZeroDivisionError

    for pc in (one, other):
        for type in ("signalingstatechange", "track", "connectionstatechange", "icegatheringstatechange"):
            pc.addEventListener(type, fail)
    one.addTransceiver("audio")
    await negotiate(one, other)
    await one.wait_for("connected", timeout=GUARD_S)
    one.close()
    other.close()


async def test_a_closed_connection_that_is_dropped_is_collected_and_leaves_no_thread() -> None:
    threads = threading.active_count()
    one, other = pair()
    one.addTransceiver("audio")
    await negotiate(one, other)
    one.close()
    other.close()
    gone = weakref.ref(one)
    del one, other
    for _ in range(3):
        await _turn()
        gc.collect()
    assert gone() is None
    assert threading.active_count() == threads


async def test_renegotiation_leaves_nothing_of_what_was_stopped() -> None:
    one, other = pair()
    one.addTransceiver("audio")
    await negotiate(one, other)
    gone: list[weakref.ref[object]] = []
    for _ in range(5):
        stopped = one.addTransceiver("video", {"streams": [MediaStream()]})
        heard: list[RTCTrackEvent] = []
        other.ontrack = heard.append
        await negotiate(one, other)
        gone.extend(weakref.ref(each) for each in (stopped, heard[0].transceiver, heard[0].streams[0]))
        stopped.stop()
        await negotiate(one, other)
        del stopped, heard
        other.ontrack = None
    for _ in range(3):
        await _turn()
    gc.collect()
    assert [each() for each in gone] == [None] * 15
    assert len(one.getTransceivers()) == len(other.getTransceivers()) == 1
    one.close()
    other.close()


async def test_a_stream_that_the_program_kept_is_the_same_when_the_peer_names_it_again() -> None:
    one, other = pair()
    kept: list[MediaStream] = []
    other.ontrack = lambda event: kept.append(event.streams[0])
    transceiver = one.addTransceiver("audio", {"streams": [MediaStream()]})
    await negotiate(one, other)
    transceiver.direction = "recvonly"
    await negotiate(one, other)
    assert kept[0].getTracks() == []
    transceiver.direction = "sendrecv"
    await negotiate(one, other)
    assert kept[0] is kept[1]
    assert len(kept[0].getTracks()) == 1
    one.close()
    other.close()


async def test_a_thousand_transceivers_are_offered_and_refused_by_the_limit_of_m_lines() -> None:
    one, other = pair()
    for _ in range(1_000):
        one.addTransceiver("audio")
    await one.setLocalDescription()
    assert one.localDescription is not None
    with pytest.raises(RTCError, match="more than 512 m-lines"):
        await other.setRemoteDescription(one.localDescription)
    assert (one.signalingState, other.signalingState) == ("have-local-offer", "stable")
    one.close()
    other.close()


async def test_as_many_transceivers_as_there_may_be_m_lines_are_agreed_on() -> None:
    one, other = pair()
    for _ in range(512):
        one.addTransceiver("audio")
    await negotiate(one, other)
    assert len(other.getTransceivers()) == 512
    one.close()
    other.close()


_FIRED = (
    "signalingstatechange",
    "track",
    "icecandidate",
    "icegatheringstatechange",
    "iceconnectionstatechange",
    "connectionstatechange",
    "negotiationneeded",
)


@pytest.mark.parametrize("type", _FIRED)
async def test_a_handler_that_closes_the_connection_hears_the_last_event(type: str) -> None:
    one, other = pair()
    trickle(one, other)
    heard: list[str] = []

    def close(event: Event) -> None:
        heard.append(event.type)
        other.close()

    for one_of_them in _FIRED:
        if one_of_them != type:
            other.addEventListener(one_of_them, lambda event: heard.append(event.type))
    other.addEventListener(type, close)
    other.addTransceiver("video")
    one.addTransceiver("audio", {"streams": [MediaStream()]})
    # Its methods that wait are cancelled, which would cancel this test.
    await asyncio.gather(negotiate(one, other), return_exceptions=True)
    for _ in range(100):
        await asyncio.sleep(0)
    assert heard[-1] == type
    assert heard.count(type) == 1
    assert (other.signalingState, other.connectionState) == ("closed", "closed")
    one.close()


_METHODS: list[Callable[[RTCPeerConnection], Awaitable[object]]] = [
    lambda pc: pc.createOffer(),
    lambda pc: pc.setLocalDescription(),
    lambda pc: pc.addIceCandidate(None),
    lambda pc: pc.getStats(),
    lambda pc: pc.wait_for("failed"),
    lambda pc: pc.getSenders()[0].replaceTrack(None),
    lambda pc: pc.getSenders()[0].setParameters(pc.getSenders()[0].getParameters()),
]


@pytest.mark.parametrize("turns", range(8))
@pytest.mark.parametrize("method", _METHODS)
async def test_a_cancelled_method_leaves_a_connection_that_goes_on(
    method: Callable[[RTCPeerConnection], Awaitable[object]], turns: int
) -> None:
    """At whatever turn of the event loop, alone or with others waiting behind it."""
    one, other = pair()
    trickle(one, other)
    one.addTransceiver("audio")
    await negotiate(one, other)
    calls = [asyncio.ensure_future(method(one)) for _ in range(2)]
    behind = asyncio.ensure_future(one.createOffer())
    for _ in range(turns):
        await asyncio.sleep(0)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await behind
    if one.signalingState == "have-local-offer":
        await one.setLocalDescription({"type": "rollback"})
    one.addTransceiver("video")
    await negotiate(one, other)
    await one.wait_for("connected", timeout=GUARD_S)
    assert len(other.getTransceivers()) == 2
    one.close()
    other.close()


async def _turn() -> None:
    pc = RTCPeerConnection()
    await pc.createOffer()
    pc.close()
