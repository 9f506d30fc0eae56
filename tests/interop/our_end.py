"""Our own end: `visavis.RTCPeerConnection` with the synthetic camera and microphone.

`python -m tests.interop.our_end` is the same as a process.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from tests.interop.ends import Candidate, Configuration, Description, Media, Route
from tests.interop.loops import LoopThread
from tests.interop.our_channels import OurChannels
from tests.interop.serve_end import serve
from visavis import (
    MediaStream,
    MediaStreamTrack,
    NetworkSettings,
    RTCIceCandidatePair,
    RTCPeerConnection,
    RTCPeerConnectionIceEvent,
    RTCRtpReceiver,
    RTCRtpSender,
    mediaDevices,
)
from visavis.media.frames import AudioFrame, VideoFrame

_WAIT_S = 30
_SILENCE_DBOV = -50

T = TypeVar("T")


class OurEnd:
    """Runs on the event loop of a thread."""

    name = "ours"

    def __init__(self, loop: LoopThread) -> None:
        self._loop = loop
        self._pc = RTCPeerConnection()
        self._channels = OurChannels(self._pc, self._run)
        self._candidates: asyncio.Queue[Candidate | None] = asyncio.Queue()
        self._sending: list[tuple[MediaStreamTrack, RTCRtpSender]] = []

    @property
    def channels(self) -> OurChannels:
        return self._channels

    def open(self, configuration: Configuration) -> None:
        self._run(lambda: self._open(configuration))

    def send(self, *kinds: Media) -> None:
        self._run(lambda: self._send(kinds))

    def stop_sending(self, kind: Media) -> None:
        self._run(lambda: self._stop_sending(kind))

    def restart_ice(self) -> None:
        async def restart() -> None:
            self._pc.restartIce()

        self._run(restart)

    def describe(self) -> Description:
        async def describe() -> Description:
            await self._pc.setLocalDescription()
            assert self._pc.localDescription is not None
            return self._pc.localDescription.toJSON()

        return self._run(describe)

    def accept(self, description: Description) -> None:
        self._run(lambda: self._pc.setRemoteDescription(description))

    def next_candidate(self) -> Candidate | None:
        return self._run(lambda: self._candidates.get())

    def add_candidate(self, candidate: Candidate) -> None:
        self._run(lambda: self._pc.addIceCandidate(candidate))

    def connected(self) -> None:
        self._run(lambda: self._pc.wait_for("connected", timeout=_WAIT_S))

    def sees(self, pictures: int = 1) -> None:
        async def see() -> None:
            tracks = self._received("video")
            assert len(tracks) == pictures
            for track in tracks:
                await _moves(track)

        self._run(see)

    def hears(self) -> None:
        async def hear() -> None:
            for track in self._received("audio"):
                await _sounds(track)

        self._run(hear)

    def prefer(self, mime: str) -> None:
        """Negotiates this codec of its kind, and no other, on all m-lines that there are."""

        async def prefer() -> None:
            kind = mime.partition("/")[0]
            known = RTCRtpReceiver.getCapabilities(kind)
            assert known is not None
            codecs = [codec for codec in known.codecs if codec.mimeType in (mime, f"{kind}/rtx")]
            for transceiver in self._pc.getTransceivers():
                if transceiver.receiver.track.kind == kind:
                    transceiver.setCodecPreferences(codecs)

        self._run(prefer)

    def codecs(self) -> set[object]:
        """What is sent and received."""

        async def known() -> set[object]:
            report = await self._pc.getStats()
            return {one["mimeType"] for one in report.values() if one["type"] == "codec"}

        return self._run(known)

    def ask_for_layers(self, rids: Sequence[str]) -> None:
        """Adds an m-line on which a picture in layers may come."""

        async def ask() -> None:
            self._pc.addTransceiver("video", {"direction": "recvonly", "receive_rids": list(rids)})

        self._run(ask)

    def sees_layers(self, sizes: Mapping[str, tuple[int, int]]) -> None:
        """Waits until each of these layers moves in its size."""

        async def see(rid: str, size: tuple[int, int]) -> None:
            async for frame in self._layer(rid):
                if isinstance(frame, VideoFrame) and (frame.width, frame.height) == size:
                    break
            await _moves(self._layer(rid))

        async def all_of_them() -> None:
            await asyncio.gather(*(see(rid, size) for rid, size in sizes.items()))

        self._run(all_of_them)

    def loses_layers(self, rids: Sequence[str], *, while_comes: str) -> None:
        """Waits until nothing comes of these layers any more while twenty pictures of another one do."""

        async def packets() -> dict[str, int]:
            report = await self._pc.getStats()
            inbound = {one["trackIdentifier"]: one for one in report.values() if one["type"] == "inbound-rtp"}
            return {rid: int(str(inbound[self._layer(rid).id]["packetsReceived"])) for rid in rids}

        async def stop() -> None:
            before: dict[str, int] = {}
            while (now := await packets()) != before:
                before = now
                pictures = aiter(self._layer(while_comes))
                for _ in range(20):
                    await anext(pictures)

        self._run(stop)

    def route(self) -> Route:
        pair = self._selected_pair()
        return Route(str(pair.local.type), str(pair.remote.type), pair.local.relayProtocol)

    def protocols(self) -> tuple[str, str]:
        """Those of the candidates in use, ours first."""
        pair = self._selected_pair()
        return str(pair.local.protocol), str(pair.remote.protocol)

    def _selected_pair(self) -> RTCIceCandidatePair:
        async def selected() -> RTCIceCandidatePair:
            transport = self._pc.getTransceivers()[0].sender.transport
            assert transport is not None
            pair = transport.iceTransport.getSelectedCandidatePair()
            assert pair is not None
            return pair

        return self._run(selected)

    def close(self) -> None:
        async def close() -> None:
            self._pc.close()
            for track, _ in self._sending:
                track.stop()

        self._run(close)

    def _run(self, call: Callable[[], Awaitable[T]]) -> T:
        async def limited() -> T:
            async with asyncio.timeout(_WAIT_S):
                return await call()

        return self._loop.run(limited())

    async def _open(self, configuration: Configuration) -> None:
        """`tcp` is no member of the standard's, as for other ends: it says which TCP candidates there are."""
        standard = {name: value for name, value in configuration.items() if name != "tcp"}
        settings = NetworkSettings(tcp=configuration.get("tcp", ()))
        self._pc = RTCPeerConnection(standard, settings=settings)
        self._pc.onicecandidate = self._found
        self._channels = OurChannels(self._pc, self._run)

    def _found(self, event: RTCPeerConnectionIceEvent) -> None:
        # An empty candidate ends a generation; the other end knows it from the null that ends all.
        if event.candidate is None:
            self._candidates.put_nowait(None)
        elif event.candidate.candidate:
            self._candidates.put_nowait(event.candidate.toJSON())

    async def _send(self, kinds: tuple[Media, ...]) -> None:
        stream = await mediaDevices.getUserMedia(dict.fromkeys(kinds, True))
        for track in stream.getTracks():
            self._sending.append((track, self._pc.addTrack(track, MediaStream([track]))))

    async def _stop_sending(self, kind: Media) -> None:
        track, sender = [one for one in self._sending if one[0].kind == kind][-1]
        self._sending.remove((track, sender))
        self._pc.removeTrack(sender)
        track.stop()

    def _layer(self, rid: str) -> MediaStreamTrack:
        [receiver] = [one for one in self._pc.getReceivers() if one.layer_tracks]
        return receiver.layer_tracks[rid]

    def _received(self, kind: Media) -> list[MediaStreamTrack]:
        return [
            one.receiver.track
            for one in self._pc.getTransceivers()
            if one.currentDirection in ("sendrecv", "recvonly") and one.receiver.track.kind == kind
        ]


async def _moves(track: MediaStreamTrack) -> None:
    first: bytes | None = None
    async for frame in track:
        assert isinstance(frame, VideoFrame)
        picture = frame.i420[0].tobytes()
        if first is not None and picture != first:
            return
        first = first or picture
    raise AssertionError("the track ended")


async def _sounds(track: MediaStreamTrack) -> None:
    async for frame in track:
        assert isinstance(frame, AudioFrame)
        if frame.level_dbov() > _SILENCE_DBOV:
            return
    raise AssertionError("the track ended")


if __name__ == "__main__":
    with LoopThread() as running:
        serve(OurEnd(running))
