"""What a peer, or a careless program, may do to a connection."""

import gc
import re
import threading
import weakref

import pytest

from tests.unit.rtc.pairs import GUARD_S, negotiate, pair, trickle
from visavis.errors import DOMException
from visavis.events import Event
from visavis.rtc import RTCPeerConnection


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


async def _turn() -> None:
    pc = RTCPeerConnection()
    await pc.createOffer()
    pc.close()
