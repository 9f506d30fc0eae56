"""aiortc's end. It has no trickle, its descriptions hold all candidates; and no restart of ICE."""

import asyncio
import importlib
import itertools
from collections.abc import Coroutine
from typing import Any, TypeVar

import av
import numpy as np
import pytest

from tests.interop.aiortc_channels import AiortcChannels
from tests.interop.ends import Candidate, Configuration, Description, Media
from tests.interop.loops import LoopThread
from visavis.media import testcard

_WAIT_S = 30

T = TypeVar("T")


class AiortcEnd:
    """Runs on the event loop of a thread; `aiortc` is the module, which may not be installed."""

    def __init__(self, loop: LoopThread, aiortc: Any) -> None:
        self._loop = loop
        self._aiortc = aiortc
        self._pc: Any = None
        self._channels: AiortcChannels | None = None
        self._sending: list[Any] = []
        self._answered_first: bool | None = None

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
            if offers and self._answered_first:
                pytest.skip("aiortc, when it answered first, offers header extensions under other numbers")
            if self._answered_first is None:
                self._answered_first = not offers
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

    def sees(self, pictures: int = 1) -> None:
        async def see() -> None:
            tracks = self._received("video")
            assert len(tracks) == pictures
            for track in tracks:
                first = (await track.recv()).to_ndarray().tobytes()
                while (await track.recv()).to_ndarray().tobytes() == first:
                    pass

        self._run(see())

    def hears(self) -> None:
        async def hear() -> None:
            for track in self._received("audio"):
                while abs((await track.recv()).to_ndarray()).max() < 1000:
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

        async def picture(track: Any) -> av.VideoFrame:
            pts, time_base = await track.next_timestamp()
            drawn = testcard.draw(next(counter), 640, 360, 0.0)
            frame = av.VideoFrame.from_ndarray(drawn.rgb, "rgb24")
            frame.pts, frame.time_base = pts, time_base
            return frame

        async def tone(track: Any) -> av.AudioFrame:
            frame: av.AudioFrame = await base.recv(track)
            wave = np.sin(np.arange(frame.samples) * (2 * np.pi / 20)) * 8000
            frame.planes[0].update(wave.astype(np.int16).tobytes())
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
