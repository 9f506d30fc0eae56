"""aiortc's end, a program for an environment of aiortc's own (`python -m tests.interop.aiortc_end`).

It has no trickle: its descriptions hold all candidates. And it cannot restart ICE.
"""

import array
import asyncio
import importlib
import itertools
import math
from collections.abc import Coroutine
from typing import Any, TypeVar

from tests.interop.aiortc_channels import AiortcChannels
from tests.interop.ends import Candidate, Configuration, Description, Media, Route
from tests.interop.loops import LoopThread
from tests.interop.serve_end import serve

_WAIT_S = 30
_WIDTH, _HEIGHT = 640, 360
_BAR = 40
_LOUD = 1_000

T = TypeVar("T")


class AiortcEnd:
    """Runs on the event loop of a thread."""

    name = "aiortc"

    def __init__(self, loop: LoopThread) -> None:
        self._loop = loop
        self._aiortc: Any = importlib.import_module("aiortc")
        self._pc: Any = None
        self._channels: AiortcChannels | None = None
        self._sending: list[Any] = []

    @property
    def channels(self) -> AiortcChannels:
        assert self._channels is not None
        return self._channels

    def open(self, configuration: Configuration) -> None:
        async def made() -> Any:
            servers = [self._aiortc.RTCIceServer(**one) for one in configuration.get("iceServers", ())]
            return self._aiortc.RTCPeerConnection(self._aiortc.RTCConfiguration(servers))

        self._pc = self._run(made())
        self._channels = AiortcChannels(self._pc, self._run)

    def send(self, *kinds: Media) -> None:
        async def send() -> None:
            for kind in kinds:
                self._sending.append(self._pc.addTrack(self._track(kind)))

        self._run(send())

    def stop_sending(self, kind: Media) -> None:
        async def stop() -> None:
            sender = [one for one in self._sending if one.kind == kind][-1]
            self._sending.remove(sender)
            sender.track.stop()
            sender.replaceTrack(None)
            (transceiver,) = [one for one in self._pc.getTransceivers() if one.sender is sender]
            transceiver.direction = "recvonly"

        self._run(stop())

    def restart_ice(self) -> None:
        raise NotImplementedError("aiortc cannot restart ICE")

    def describe(self) -> Description:
        async def describe() -> Description:
            offers = self._pc.signalingState == "stable"
            await self._pc.setLocalDescription(
                await (self._pc.createOffer() if offers else self._pc.createAnswer())
            )
            return {"type": self._pc.localDescription.type, "sdp": self._pc.localDescription.sdp}

        return self._run(describe())

    def accept(self, description: Description) -> None:
        self._run(self._pc.setRemoteDescription(self._aiortc.RTCSessionDescription(**description)))

    def next_candidate(self) -> Candidate | None:
        return None

    def add_candidate(self, candidate: Candidate) -> None:
        sdp: Any = importlib.import_module("aiortc.sdp")
        made: Any = sdp.candidate_from_sdp(candidate["candidate"].removeprefix("candidate:"))
        made.sdpMid, made.sdpMLineIndex = candidate["sdpMid"], candidate["sdpMLineIndex"]
        self._run(self._pc.addIceCandidate(made))

    def connected(self) -> None:
        async def connected() -> None:
            changed = asyncio.Event()
            self._pc.on("connectionstatechange", changed.set)
            while self._pc.connectionState != "connected":
                await changed.wait()
                changed.clear()

        self._run(connected())

    def route(self) -> Route:
        async def selected() -> Route:
            transport = self._pc.getTransceivers()[0].sender.transport.transport
            (pair,) = transport._connection._nominated.values()
            return Route(pair.local_candidate.type, pair.remote_candidate.type, None)

        return self._run(selected())

    def sees(self, pictures: int = 1) -> None:
        async def see() -> None:
            tracks = self._received("video")
            assert len(tracks) == pictures
            for track in tracks:
                first = bytes((await track.recv()).planes[0])
                while bytes((await track.recv()).planes[0]) == first:
                    pass

        self._run(see())

    def hears(self) -> None:
        async def hear() -> None:
            for track in self._received("audio"):
                while _loudest(await track.recv()) < _LOUD:
                    pass

        self._run(hear())

    def close(self) -> None:
        async def close() -> None:
            for sender in self._sending:
                if sender.track is not None:
                    sender.track.stop()
            await self._pc.close()

        if self._pc is not None:
            self._run(close())

    def _track(self, kind: Media) -> Any:
        base: Any = self._aiortc.VideoStreamTrack if kind == "video" else self._aiortc.AudioStreamTrack
        counter = itertools.count()

        av: Any = importlib.import_module("av")

        async def picture(track: Any) -> Any:
            """Grey, and a bar that moves down."""
            frame = av.VideoFrame(_WIDTH, _HEIGHT, "yuv420p")
            frame.pts, frame.time_base = await track.next_timestamp()
            rows, white = frame.planes[0].height, next(counter) * 4
            line = frame.planes[0].line_size
            luma = [b"\xe0" if (row - white) % rows < _BAR else b"\x40" for row in range(rows)]
            frame.planes[0].update(b"".join(grey * line for grey in luma))
            for plane in frame.planes[1:]:
                plane.update(b"\x80" * plane.buffer_size)
            return frame

        async def tone(track: Any) -> Any:
            frame = await base.recv(track)
            wave = (round(math.sin(moment * math.pi / 10) * 8_000) for moment in range(frame.samples))
            frame.planes[0].update(array.array("h", wave).tobytes())
            return frame

        return type("Track", (base,), {"recv": picture if kind == "video" else tone})()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        async def limited() -> T:
            async with asyncio.timeout(_WAIT_S):
                return await coroutine

        return self._loop.run(limited())

    def _received(self, kind: Media) -> list[Any]:
        return [
            one.receiver.track
            for one in self._pc.getTransceivers()
            if one.currentDirection in ("sendrecv", "recvonly") and one.kind == kind
        ]


def _loudest(frame: Any) -> int:
    return max(abs(sample) for sample in array.array("h", bytes(frame.planes[0])))


if __name__ == "__main__":
    with LoopThread() as running:
        serve(AiortcEnd(running))
