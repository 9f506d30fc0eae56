"""A connection belongs to one event loop, and to its thread: whoever errs is told so, and does not wait."""

import asyncio
import os
from collections.abc import Awaitable, Callable

import pytest

from tests.unit.rtc.pairs import negotiate, pair, run
from visavis.rtc import RTCPeerConnection

_AWAITED: list[Callable[[RTCPeerConnection], Awaitable[object]]] = [
    lambda pc: pc.createOffer(),
    lambda pc: pc.createAnswer(),
    lambda pc: pc.setLocalDescription(),
    lambda pc: pc.setRemoteDescription({"type": "rollback"}),
    lambda pc: pc.addIceCandidate(None),
    lambda pc: pc.getStats(),
    lambda pc: pc.wait_for("connected"),
    lambda pc: pc.getSenders()[0].replaceTrack(None),
    lambda pc: pc.getSenders()[0].setParameters(pc.getSenders()[0].getParameters()),
]
_CALLED: list[Callable[[RTCPeerConnection], object]] = [
    lambda pc: pc.addTransceiver("video"),
    lambda pc: pc.createDataChannel("x"),
    lambda pc: pc.restartIce(),
    lambda pc: pc.setConfiguration(),
    lambda pc: pc.getTransceivers()[0].stop(),
    lambda pc: pc.removeTrack(pc.getSenders()[0]),
    lambda pc: setattr(pc.getTransceivers()[0], "direction", "inactive"),
    lambda pc: pc.close(),
]


async def _negotiated() -> RTCPeerConnection:
    one, other = pair()
    one.addTransceiver("audio")
    await negotiate(one, other)
    return one


@pytest.mark.parametrize("method", _AWAITED)
def test_what_is_awaited_on_another_event_loop_is_refused(
    method: Callable[[RTCPeerConnection], Awaitable[object]],
) -> None:
    pc = run(_negotiated())

    async def elsewhere() -> None:
        await method(pc)

    with pytest.raises(RuntimeError, match="another event loop"):
        run(elsewhere())
    pc.close()


@pytest.mark.parametrize("method", _CALLED)
async def test_what_is_called_in_another_thread_is_refused_and_changes_nothing(
    method: Callable[[RTCPeerConnection], object],
) -> None:
    pc = await _negotiated()
    before = pc.getTransceivers()
    with pytest.raises(RuntimeError, match="call_soon_threadsafe"):
        await asyncio.to_thread(method, pc)
    assert pc.getTransceivers() == before
    assert pc.getTransceivers()[0].direction == "sendrecv"
    assert pc.signalingState == "stable"
    await pc.createOffer()
    pc.close()


def test_a_connection_is_closed_after_its_event_loop() -> None:
    pc = run(_negotiated())
    track = pc.getTransceivers()[0].receiver.track
    pc.close()
    assert (pc.connectionState, track.readyState) == ("closed", "ended")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
async def test_a_forked_process_is_told_that_the_connection_is_its_parents() -> None:
    pc = await _negotiated()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            pc.addTransceiver("audio")
        except RuntimeError as error:
            os.write(writing, str(error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    await asyncio.to_thread(os.waitpid, child, 0)
    assert b"another thread or process" in os.read(reading, 1_000)
    os.close(reading)
    await pc.createOffer()
    pc.close()
