"""One peer as a process: descriptions and candidates go out by standard output and come in by standard input,
one JSON object a line. What became of it is in a file, for who runs it.

    python -m tests.interop.nat_peer offer|answer CONFIGURATION RESULT_FILE
"""

import asyncio
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from visavis import RTCPeerConnection, RTCPeerConnectionIceEvent
from visavis.errors import DOMException

_WAIT_S = 60


async def _play(offers: bool, configuration: dict[str, Any], result: Path) -> None:
    async with RTCPeerConnection(configuration) as pc:
        incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        threading.Thread(
            target=_read, args=(asyncio.get_running_loop(), incoming), daemon=True, name="signaling"
        ).start()
        pc.onicecandidate = _tell
        if offers:
            pc.addTransceiver("audio")
            await pc.setLocalDescription()
            _say(pc)
        signaling = asyncio.create_task(_follow(pc, incoming))
        try:
            await pc.wait_for("connected", timeout=_WAIT_S)
            transport = pc.getTransceivers()[0].sender.transport
            assert transport is not None
            pair = transport.iceTransport.getSelectedCandidatePair()
            assert pair is not None
            outcome = {
                "state": pc.connectionState,
                "local": pair.local.type,
                "remote": pair.remote.type,
                "remote_address": pair.remote.address,
            }
        except (DOMException, TimeoutError):
            outcome = {"state": pc.connectionState}
        await asyncio.to_thread(result.write_text, json.dumps(outcome))
        pc.onicecandidate = None
        os.close(sys.stdout.fileno())
        await signaling  # until the peer is as far: it may need our answers to its checks


async def _follow(pc: RTCPeerConnection, incoming: "asyncio.Queue[dict[str, Any]]") -> None:
    while message := await incoming.get():
        if "candidate" in message:
            await pc.addIceCandidate(message["candidate"])
        else:
            await pc.setRemoteDescription(message["description"])
            if pc.signalingState == "have-remote-offer":
                await pc.setLocalDescription()
                _say(pc)


def _read(loop: asyncio.AbstractEventLoop, incoming: "asyncio.Queue[dict[str, Any]]") -> None:
    """An empty message is the end."""
    end: dict[str, Any] = {}
    for line in sys.stdin:
        loop.call_soon_threadsafe(incoming.put_nowait, json.loads(line))
    loop.call_soon_threadsafe(incoming.put_nowait, end)


def _tell(event: RTCPeerConnectionIceEvent) -> None:
    if event.candidate is not None:
        _write({"candidate": event.candidate.toJSON()})


def _say(pc: RTCPeerConnection) -> None:
    assert pc.localDescription is not None
    _write({"description": pc.localDescription.toJSON()})


def _write(message: dict[str, Any]) -> None:
    os.write(sys.stdout.fileno(), json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    asyncio.run(_play(sys.argv[1] == "offer", json.loads(sys.argv[2]), Path(sys.argv[3])))
