"""A data plane without packets: it writes down what it is told, and refuses what the real one could not."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from visavis.dataplane.commands import (
    CloseSource,
    CloseTransport,
    Command,
    ConnectTransport,
    Fingerprint,
    OpenSource,
    OpenTransport,
    Receive,
    RequestKeyFrame,
    RequestStats,
    RestartIce,
    Route,
    Rung,
    Send,
    SendSlot,
    SetLadder,
    SlotId,
    TrackId,
    TransportId,
)
from visavis.sfu import TransportEvents

_SHARD_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@dataclass(slots=True)
class PlaneTransport:
    """What the plane knows of a transport."""

    ufrag: str
    password: str
    connected: bool = False
    remote_ufrag: str | None = None
    received: Receive | None = None
    slots: dict[SlotId, SendSlot] = field(default_factory=dict[SlotId, SendSlot])
    routes: dict[SlotId, Route] = field(default_factory=dict[SlotId, Route])
    rungs: tuple[Rung, ...] = ()


class RecordingPlane:
    """A `visavis.sfu.DataPlane`; `commands` is all it was told, `transports` what is alive after that.

    A command that breaks the contract of `visavis.dataplane.commands` raises AssertionError.
    """

    def __init__(self, threads: int = 2) -> None:
        self.commands: list[Command] = []
        self.in_use: set[TransportId] = set()
        self.transports: dict[TransportId, PlaneTransport] = {}
        self.sources: dict[TrackId, OpenSource] = {}
        self._handlers: dict[TransportId, TransportEvents] = {}
        self._threads = threads
        self._numbers = itertools.count(1)
        self._used_ssrcs: dict[TransportId, dict[int, SlotId]] = {}

    @property
    def fingerprint(self) -> Fingerprint:
        """Always the same one."""
        return Fingerprint("sha-256", bytes(range(32)))

    def new_transport(self) -> TransportId:
        """Threads take turns."""
        number = next(self._numbers)
        transport = TransportId((number % self._threads) << 24 | number)
        self.in_use.add(transport)
        return transport

    def new_track(self, transport: TransportId) -> TrackId:
        """On the thread of its transport."""
        assert transport in self.in_use, "a track of a transport that is not in use"
        return TrackId(transport & 0xFF000000 | next(self._numbers))

    def new_ufrag(self, transport: TransportId) -> str:
        """The first character names the thread."""
        return f"{_SHARD_ALPHABET[transport >> 24]}{next(self._numbers):07d}"

    def new_password(self) -> str:
        """Plausible, and never the same."""
        return f"{next(self._numbers):024d}"

    def on_transport(self, transport: TransportId, events: TransportEvents) -> None:
        """Who hears what the test reports."""
        assert transport in self.in_use, "a handler for a transport that is not in use"
        self._handlers[transport] = events

    def forget(self, transport: TransportId) -> None:
        """Nobody hears it any more, and its identifier may be given to another one."""
        self.in_use.discard(transport)
        self._handlers.pop(transport, None)

    def submit(self, *commands: Command) -> None:
        """Carries commands out, as far as that goes without packets."""
        for command in commands:
            self.commands.append(command)
            self._carry_out(command)

    def tracks(self) -> set[TrackId]:
        """All tracks that some transport may receive now, and local sources."""
        return set(self.sources) | {
            section.track
            for transport in self.transports.values()
            if transport.received is not None
            for section in transport.received.sections
        }

    def by_ufrag(self, ufrag: str) -> TransportId:
        """The transport with that user name fragment."""
        return next(number for number, transport in self.transports.items() if transport.ufrag == ufrag)

    def report_state(self, transport: TransportId, state: str, reason: str = "") -> None:
        """A `TransportState` report."""
        if transport in self._handlers:
            self._handlers[transport].transport_state(state, reason)

    def report_forwarding(self, transport: TransportId, slot: int, reason: str) -> None:
        """A `Forwarding` report."""
        if transport in self._handlers:
            self._handlers[transport].forwarding(slot, reason)

    def report_levels(self, transport: TransportId, levels: Sequence[tuple[int, int]]) -> None:
        """An `AudioLevels` report."""
        if transport in self._handlers:
            self._handlers[transport].audio_levels(levels)

    def _carry_out(self, command: Command) -> None:
        match command:
            case OpenTransport():
                assert command.transport not in self.transports, "opened twice"
                self.transports[command.transport] = PlaneTransport(command.ufrag, command.password)
            case ConnectTransport():
                transport = self.transports[command.transport]
                assert not transport.connected, "connected twice"
                transport.connected, transport.remote_ufrag = True, command.remote_ufrag
            case RestartIce():
                transport = self.transports[command.transport]
                transport.ufrag, transport.password = command.ufrag, command.password
                transport.remote_ufrag = command.remote_ufrag or transport.remote_ufrag
            case CloseTransport():
                self._close(command.transport)
            case Receive():
                assert all(section.track >> 24 == command.transport >> 24 for section in command.sections), (
                    "a track on another thread than its transport"
                )
                self.transports[command.transport].received = command
            case Send():
                self._send(command)
            case Route():
                self._route(command)
            case SetLadder():
                transport = self.transports[command.transport]
                assert {rung.slot for rung in command.rungs} <= set(transport.slots), "a rung without a slot"
                transport.rungs = command.rungs
            case OpenSource():
                self.sources[command.track] = command
            case CloseSource():
                del self.sources[command.track]
            case RequestKeyFrame() | RequestStats():
                pass
            case _:
                raise AssertionError(f"a lite transport is told {command}")

    def _close(self, closing: TransportId) -> None:
        transport = self.transports.pop(closing)
        sections = transport.received.sections if transport.received is not None else ()
        ending = {section.track for section in sections}
        for other in self.transports.values():
            for route in other.routes.values():
                assert route.track not in ending, "a track ended under a route"

    def _send(self, command: Send) -> None:
        transport = self.transports[command.transport]
        assert transport.connected, "slots before the peer is known"
        used = self._used_ssrcs.setdefault(command.transport, {})
        for slot in command.slots:
            for ssrc in (slot.ssrc, slot.rtx_ssrc):
                assert ssrc is None or used.setdefault(ssrc, slot.slot) == slot.slot, "an SSRC used twice"
        transport.slots = {slot.slot: slot for slot in command.slots}
        assert set(transport.routes) <= set(transport.slots), "a slot vanished under a route"

    def _route(self, command: Route) -> None:
        transport = self.transports[command.transport]
        assert command.slot in transport.slots, "a route to a slot that was not announced"
        if command.track is None:
            assert command.slot in transport.routes, "nothing to take away"
            del transport.routes[command.slot]
        else:
            assert command.track in self.tracks(), "a route from a track that nobody publishes"
            assert command.payloads, "a route without payload types"
            transport.routes[command.slot] = command
