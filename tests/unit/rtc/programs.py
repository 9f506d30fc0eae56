"""Programs that do as they please with a connection, over a signaling channel that is as slow as a test
wants it."""

import asyncio
import logging
import traceback
from collections import deque
from collections.abc import Coroutine
from typing import Any

from visavis.errors import DOMException, RangeError
from visavis.media import MediaSource, MediaStream, MediaStreamTrack
from visavis.rtc import RTCPeerConnection, RTCPeerConnectionIceEvent, RTCRtpTransceiver
from visavis.testing.peer_network import PeerNetworks

Operation = tuple[Any, ...]

QUIET_TURNS = 40
"""So many turns of the event loop end all that a call has begun."""
_MOST_ROUNDS = 400


class LoggedErrors(logging.Handler):
    """What the package's loggers say went wrong: listeners whose exception nobody else sees."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[BaseException | str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.errors.append(error if error is not None else record.getMessage())


class Program:
    """A connection with its program: what it calls, and how each call ended."""

    def __init__(self, world: PeerNetworks) -> None:
        self.pc = RTCPeerConnection(open_network=world)
        self.other: Program = self
        self.running: set[asyncio.Task[None]] = set()
        self.unspecified: list[BaseException] = []
        self.is_reachable = True
        """Whether all candidates may reach the other end, and those that came were taken."""
        self.descriptions: deque[dict[str, Any]] = deque()
        self.candidates: list[dict[str, Any]] = []
        self.pc.onicecandidate = self._signal_candidate

    def _signal_candidate(self, event: RTCPeerConnectionIceEvent) -> None:
        if event.candidate is not None:
            self.other.candidates.append(event.candidate.toJSON())

    @property
    def is_idle(self) -> bool:
        """Whether no call of it waits for its end."""
        return not self.running

    def call(self, coroutine: Coroutine[Any, Any, object]) -> asyncio.Task[None]:
        """Calls a method and does not wait for it."""

        async def watch() -> None:
            try:
                await coroutine
            except asyncio.CancelledError:
                if self.pc.signalingState != "closed":
                    raise
            except DOMException:
                pass
            except (TypeError, RangeError) as error:
                self._judge(error)
            except Exception as error:
                self.unspecified.append(error)

        task = asyncio.get_running_loop().create_task(watch())
        self.running.add(task)
        task.add_done_callback(self.running.discard)
        return task

    def _judge(self, error: Exception) -> None:
        """A specified TypeError is raised by a line of ours; another one is Python's, and a defect."""
        *_, last = traceback.extract_tb(error.__traceback__)
        if not (last.line or "").startswith("raise "):
            self.unspecified.append(error)

    def do(self, operation: Operation) -> None:
        """One call that a program may make at any time."""
        try:
            self._do(operation)
        except DOMException:
            pass
        except (TypeError, RangeError) as error:
            self._judge(error)

    def _do(self, operation: Operation) -> None:
        pc = self.pc
        match operation:
            case ("addTrack", kind, streams):
                pc.addTrack(MediaStreamTrack(MediaSource(kind)), *(MediaStream() for _ in range(streams)))
            case ("addTransceiver", kind, direction):
                pc.addTransceiver(kind, {"direction": direction})
            case ("addSimulcast",):
                pc.addTransceiver("video", {"sendEncodings": [{"rid": "a"}, {"rid": "b"}]})
            case ("createDataChannel", negotiated):
                pc.createDataChannel("x", {"negotiated": True, "id": 4} if negotiated else None)
            case ("restartIce",):
                pc.restartIce()
            case ("setConfiguration", policy):
                self.is_reachable = self.is_reachable and policy == "all"
                pc.setConfiguration({"iceTransportPolicy": policy})
            case ("getStats",):
                self.call(pc.getStats())
            case ("createOffer",):
                self.call(pc.createOffer())
            case ("addCandidate", place):
                if self.candidates:
                    self.call(self._take_candidate(self.candidates.pop(int(place) % len(self.candidates))))
            case ("nonsense", candidate, mid, index):
                self.call(pc.addIceCandidate({"candidate": candidate, "sdpMid": mid, "sdpMLineIndex": index}))
            case (name, place, *rest) if pc.getTransceivers():
                transceivers = pc.getTransceivers()
                self._change(str(name), transceivers[int(place) % len(transceivers)], rest)
            case _:
                pass

    async def _take_candidate(self, candidate: dict[str, Any]) -> None:
        """One that comes before its description is lost, as on any channel that does not keep the order."""
        try:
            await self.pc.addIceCandidate(candidate)
        except DOMException:
            self.is_reachable = False
            raise

    def _change(self, name: str, transceiver: RTCRtpTransceiver, rest: list[Any]) -> None:
        sender = transceiver.sender
        match name, rest:
            case "removeTrack", []:
                self.pc.removeTrack(sender)
            case "stop", []:
                transceiver.stop()
            case "direction", [direction]:
                transceiver.direction = direction
            case "setStreams", []:
                sender.setStreams(MediaStream())
            case "replaceTrack", [kind]:
                track = None if kind is None else MediaStreamTrack(MediaSource(kind))
                self.call(sender.replaceTrack(track))
            case "setParameters", [bitrate]:
                parameters = sender.getParameters()
                for encoding in parameters.encodings:
                    encoding.maxBitrate = bitrate
                self.call(sender.setParameters(parameters))
            case "setCodecPreferences", [rotation]:
                capabilities = type(transceiver.receiver).getCapabilities(transceiver.receiver.track.kind)
                assert capabilities is not None
                codecs = capabilities.codecs
                transceiver.setCodecPreferences(
                    [*codecs[rotation % len(codecs) :], *codecs[: rotation % len(codecs)]] if rotation else []
                )
            case _:
                raise AssertionError(name)


class PoliteOrNot(Program):
    """Perfect negotiation (webrtc-pc section 10.7): descriptions keep their order, candidates need not."""

    def __init__(self, world: PeerNetworks, *, polite: bool) -> None:
        super().__init__(world)
        self._polite = polite
        self._making_offer = False
        self._is_setting_answer = False
        self._taking: asyncio.Task[None] | None = None
        self.pc.onnegotiationneeded = lambda _: self.call(self._negotiate())

    @property
    def is_idle(self) -> bool:
        """And nothing waits to be taken."""
        return super().is_idle and not self.descriptions and not self.candidates

    async def _negotiate(self) -> None:
        try:
            self._making_offer = True
            await self.pc.setLocalDescription()
            self._send()
        finally:
            self._making_offer = False

    def _send(self) -> None:
        description = self.pc.localDescription
        assert description is not None
        self.other.descriptions.append(dict(description.toJSON()))

    def deliver(self) -> None:
        """The channel brings the next description, once the last one was taken."""
        if self.descriptions and (self._taking is None or self._taking.done()):
            self._taking = self.call(self._take(self.descriptions.popleft()))

    async def _take(self, description: dict[str, Any]) -> None:
        pc = self.pc
        is_offer = description["type"] == "offer"
        ready = not self._making_offer and (pc.signalingState == "stable" or self._is_setting_answer)
        if is_offer and not ready and not self._polite:
            return
        try:
            self._is_setting_answer = description["type"] == "answer"
            await pc.setRemoteDescription(description)
            self._is_setting_answer = False
            if is_offer:
                await pc.setLocalDescription()
                self._send()
        except DOMException as error:
            self.unspecified.append(error)
            raise


async def turns(count: int) -> None:
    """Lets the event loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)


async def settle(one: PoliteOrNot, other: PoliteOrNot) -> None:
    """Delivers all that is on its way, until nothing moves any more; AssertionError when that never is."""
    quiet = 0
    for _ in range(_MOST_ROUNDS):
        for program in (one, other):
            program.deliver()
            while program.candidates:
                program.do(("addCandidate", 0))
        await turns(QUIET_TURNS)
        quiet = quiet + 1 if one.is_idle and other.is_idle else 0
        if quiet == 2:
            return
    raise AssertionError("the two negotiate without end")
