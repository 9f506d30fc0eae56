"""The event loop's side of the data plane: identifiers, commands down, reports to whom they concern."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Protocol, Self, TypeVarTuple, assert_never

from visavis.dataplane import _native
from visavis.dataplane.channels import MessagePort, NativeChannels
from visavis.dataplane.commands import (
    Address,
    Command,
    Fingerprint,
    Kind,
    PairId,
    RequestStats,
    SlotId,
    SocketId,
    TrackId,
    TransportId,
)
from visavis.dataplane.frames import DEFAULT_CAPACITY, FrameReceiver, FrameSender, NativeFrames
from visavis.dataplane.identifiers import Identifiers, new_password, new_ufrag
from visavis.dataplane.reports import (
    AssociationState,
    AudioLevels,
    Fatal,
    Forwarding,
    FramesReady,
    IceReport,
    KeyFrameWanted,
    MessagesReady,
    PairLearnt,
    PairSelected,
    PairState,
    Report,
    RoleChanged,
    SocketLost,
    StunResult,
    TargetBitrate,
    TrackState,
    TransportState,
    TransportStats,
)
from visavis.errors import LocalProtocolError

_log = logging.getLogger(__name__)
_Arguments = TypeVarTuple("_Arguments")


class TransportEvents(Protocol):
    """The owner of a transport, which hears the reports about it."""

    def transport_state(self, state: str, reason: str) -> None:
        """`connecting`, `connected`, `disconnected`, `failed` or `closed`; the reason is a word for logs."""

    def forwarding(self, slot: int, reason: str) -> None:
        """What a slot of the transport carries changed; the reason is one of `Forwarding`'s."""

    def audio_levels(self, levels: Sequence[tuple[int, int]]) -> None:
        """(track, level in dBov) of the transport's tracks with voice, the loudest first."""


class IceEvents(Protocol):
    """Who decides for the ICE agent of a full transport, and hears what its checks found."""

    def pair_state(self, pair: PairId, state: str, mapped: str, rtt_s: float, reason: str) -> None:
        """A pair's check ended: `succeeded` (`mapped` is "ip:port", as the peer saw us) or `failed`."""

    def pair_learnt(self, pair: PairId, socket: SocketId, remote: Address, priority: int) -> None:
        """A check came from a peer-reflexive candidate (RFC 8445 section 7.3.1.3), which is checked now."""

    def pair_selected(self, pair: PairId, reason: str) -> None:
        """From now on media goes over this pair: it was `nominated`, or is the `fallback` of a silent one."""

    def socket_lost(self, socket: SocketId) -> None:
        """A socket of the transport's own is gone, and so are the relays over it."""

    def role_changed(self, controlling: bool) -> None:
        """A role conflict (RFC 8445 section 7.3.1.1) was resolved by changing ours."""

    def stun_result(
        self, request: int, code: int, attributes: list[tuple[int, bytes]], rtt_s: float, transaction: bytes
    ) -> None:
        """A `SendStun` ended: 0 success, 300 to 699 the server's error, -1 nobody answered, -2 it could not
        be sent. `transaction` (12 bytes) opens XORed addresses."""


class AssociationEvents(Protocol):
    """The owner of a transport's association, which hears the reports about it."""

    def association_state(self, state: str, reason: str, inbound: int, outbound: int) -> None:
        """`connected`, with so many streams in each direction, `closed` or `failed`; the reason is a word for
        logs."""

    def messages_ready(self) -> None:
        """Something waits for `read_messages`; told once until that has said that no more waits."""


class NativePlane(NativeFrames, NativeChannels, Protocol):
    """What `Plane` needs of the compiled `DataPlane`, whose contract is in `_native.pyi`; tests bring
    their own."""

    @property
    def local_addresses(self) -> list[tuple[str, int]]:
        """The bound addresses."""
        ...

    def fileno(self) -> int:
        """Readable while reports wait."""
        ...

    def submit(self, commands: Sequence[Command]) -> None:
        """Hands commands to their threads."""

    def drain(self) -> list[Report]:
        """Takes waiting reports."""
        ...

    def receive_frames(
        self, track: int, kind: str, *, layer: int = ..., capacity: int = ..., announces: bool = ...
    ) -> FrameReceiver:
        """Begins to give out a track's frames."""
        ...

    def counters(self) -> dict[str, int]:
        """What happened to packets."""
        ...

    def close(self) -> None:
        """Ends the threads."""


class Plane:
    """A running data plane, for one event loop.

    `start` it, `attach` it to the loop, `close` it in the end. It is not thread-safe: all calls are the
    loop's.
    """

    def __init__(
        self,
        native: NativePlane,
        *,
        threads: int,
        fingerprint: bytes,
        draw: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """Wraps a plane of `threads` threads; `draw` draws the random bytes of ICE's names and passwords."""
        self._native = native
        self._fingerprint = Fingerprint("sha-256", fingerprint)
        self._draw = draw
        self._identifiers = Identifiers(threads)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._events: dict[TransportId, TransportEvents] = {}
        self._ice_events: dict[TransportId, IceEvents] = {}
        self._track_handlers: dict[TrackId, Callable[[TrackState], None]] = {}
        self._key_frame_handlers: dict[TrackId, Callable[[int], None]] = {}
        self._receivers: dict[TrackId, list[tuple[FrameReceiver, Callable[[], None]]]] = {}
        self._bitrate_handlers: dict[TransportId, Callable[[int], None]] = {}
        self._association_events: dict[TransportId, tuple[int, AssociationEvents]] = {}
        self._lost_threads = 0
        self._certificates: dict[TransportId, bytes] = {}
        self._waiting_for_stats: dict[TransportId, list[asyncio.Future[TransportStats]]] = {}
        self._closed = False

    @classmethod
    def start(
        cls,
        addresses: Sequence[tuple[str, int]],
        *,
        threads: int,
        draw: Callable[[int], bytes] = secrets.token_bytes,
    ) -> Self:
        """Binds UDP `addresses` (ip, port; port 0 picks one) and starts threads, with a certificate of its
        own. Without an address only transports with own sockets can be reached.

        Raises:
            OSError: An address cannot be bound; `filename` says which.
            ValueError: More than 64 addresses, or not 1 to 64 threads.
        """
        certificate = _native.Certificate.generate()
        native = _native.DataPlane(addresses, threads=threads, certificate=certificate)
        return cls(native, threads=threads, fingerprint=certificate.fingerprint, draw=draw)

    @property
    def fingerprint(self) -> Fingerprint:
        """The digest of the certificate that every transport shows (RFC 8122 section 5)."""
        return self._fingerprint

    @property
    def local_addresses(self) -> list[tuple[str, int]]:
        """The bound addresses, with real ports."""
        return self._native.local_addresses

    @property
    def is_whole(self) -> bool:
        """Whether all threads run. One that a defect has ended takes no transport any more."""
        return self._lost_threads == 0

    @property
    def transport_count(self) -> int:
        """How many transports there are: those that `new_transport` gave and nobody has forgotten."""
        return len(self._identifiers)

    def counters(self) -> dict[str, int]:
        """What happened to packets since the start, by reason."""
        return self._native.counters()

    def new_transport(self) -> TransportId:
        """An identifier for a transport, on the thread with the fewest; `forget` gives it back."""
        return self._identifiers.new_transport()

    def new_track(self, transport: TransportId) -> TrackId:
        """An identifier for a track that `transport` receives, or for a local source that is sent on it; it
        is given back with the transport's.

        Raises:
            LocalProtocolError: The transport's identifier is not in use.
        """
        self._check_in_use(transport)
        return self._identifiers.new_track(transport)

    def new_ufrag(self, transport: TransportId) -> str:
        """An ICE user name fragment that leads to the transport's thread (RFC 8839 section 5.4)."""
        return new_ufrag(transport, self._draw)

    def new_password(self) -> str:
        """An ICE password (RFC 8839 section 5.4)."""
        return new_password(self._draw)

    def submit(self, *commands: Command) -> None:
        """Hands commands down, in their order; does not wait for them.

        Raises: ValueError: A field is impossible; none of the commands was taken. TypeError: The same, for
        a field's type. RuntimeError: The plane is closed, lost a thread, has too many commands waiting, or
        the process forked.
        """
        self._native.submit(commands)

    def on_transport(self, transport: TransportId, events: TransportEvents) -> None:
        """Who hears the reports about a transport, until `forget`."""
        self._check_in_use(transport)
        self._events[transport] = events

    def on_ice(self, transport: TransportId, events: IceEvents) -> None:
        """Who decides for the ICE agent of a full transport, until `forget`. The peer's certificate
        is kept so long."""
        self._check_in_use(transport)
        self._ice_events[transport] = events

    def on_track(self, track: TrackId, handler: Callable[[TrackState], None]) -> None:
        """Who hears that a track's layers start and stop, until its transport is forgotten."""
        self._check_track(track)
        self._track_handlers[track] = handler

    def on_key_frame_wanted(self, track: TrackId, handler: Callable[[int], None]) -> None:
        """Who hears, with the layer, that the encoder of a local source shall make a key frame; until
        `forget_source`, or the transport of its identifier is forgotten."""
        self._check_track(track)
        self._key_frame_handlers[track] = handler

    def forget_source(self, track: TrackId) -> None:
        """A local source was closed: its encoder hears nothing any more."""
        self._key_frame_handlers.pop(track, None)

    def on_target_bitrate(self, transport: TransportId, handler: Callable[[int], None]) -> None:
        """Who hears how many bits a second the network carries of a transport that local sources are sent
        on, all media together; until `forget`."""
        self._check_in_use(transport)
        self._bitrate_handlers[transport] = handler

    def on_association(self, transport: TransportId, events: AssociationEvents, association: int = 0) -> None:
        """Who hears the reports about a transport's association of that number, until `forget`. Of the one
        before nothing is told any more."""
        self._check_in_use(transport)
        self._association_events[transport] = (association, events)

    def message_port(self, transport: TransportId) -> MessagePort:
        """What sends and reads the messages of a transport's association, once `OpenAssociation` was
        submitted; for any thread."""
        return MessagePort(self._native, transport)

    def remote_certificate(self, transport: TransportId) -> bytes | None:
        """What the peer of a transport showed, in DER; None before it was `connected`."""
        return self._certificates.get(transport)

    def frame_sender(self, track: TrackId, layer: int = 0) -> FrameSender:
        """What sends the frames of a layer of a local source, once `OpenSource` was submitted; for any
        thread."""
        return FrameSender(self._native, track, layer)

    def receive_frames(
        self,
        track: TrackId,
        kind: Kind,
        *,
        layer: int = 0,
        capacity: int = DEFAULT_CAPACITY,
        on_ready: Callable[[], None] | None = None,
    ) -> FrameReceiver:
        """Begins to give out the whole encoded frames of a track that a transport receives; for any thread.

        Args:
            track: The track; one that there is not ends at once.
            kind: As in its `ReceiveSection`.
            layer: Which of its layers.
            capacity: How many frames may wait; then the oldest go.
            on_ready: Called by the loop when frames begin to wait, or the end does, once until `try_get`
                found none; the plane then holds the receiver until it has ended or is closed. Without it the
                loop does not hear of frames: a thread should `wait`.

        Raises:
            LocalProtocolError: With `on_ready`, the track's identifier is not in use.
            ValueError: No such layer or an impossible capacity.
            RuntimeError: As `submit`.
        """
        if on_ready is None:
            return self._native.receive_frames(track, kind, layer=layer, capacity=capacity)
        self._check_track(track)
        receiver = self._native.receive_frames(track, kind, layer=layer, capacity=capacity, announces=True)
        self._receivers.setdefault(track, []).append((receiver, on_ready))
        return receiver

    def forget(self, transport: TransportId) -> None:
        """Gives back the identifiers of a transport and its tracks: no report about them is handed on any
        more."""
        self._events.pop(transport, None)
        self._ice_events.pop(transport, None)
        self._certificates.pop(transport, None)
        self._bitrate_handlers.pop(transport, None)
        self._association_events.pop(transport, None)
        for track in self._identifiers.release(transport):
            self._track_handlers.pop(track, None)
            self._key_frame_handlers.pop(track, None)
            self._receivers.pop(track, None)
        self._fail_stats(transport, "the transport was forgotten")

    async def stats(self, transport: TransportId) -> TransportStats:
        """Figures of a transport, as they are now. The caller bounds the wait: a transport that was not
        opened is silent.

        Raises:
            LocalProtocolError: The transport's identifier is not in use, or it ended meanwhile.
        """
        self._check_in_use(transport)
        future: asyncio.Future[TransportStats] = asyncio.get_running_loop().create_future()
        waiting = self._waiting_for_stats.setdefault(transport, [])
        waiting.append(future)
        try:
            self.submit(RequestStats(transport))
            return await future
        finally:
            if future in waiting:
                waiting.remove(future)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on reports are handed on by this loop, until `close`."""
        if self._loop is not None:
            raise LocalProtocolError("the plane is attached to a loop already")
        loop.add_reader(self._native.fileno(), self._drain)
        self._loop = loop

    def close(self) -> None:
        """Every transport says good-bye, the threads end, the last reports are handed on. Idempotent, in
        bounded time."""
        if self._closed:
            return
        self._closed = True
        if self._loop is not None:
            self._loop.remove_reader(self._native.fileno())
        self._native.close()
        while self._drain():
            pass
        for transport in list(self._waiting_for_stats):
            self._fail_stats(transport, "the data plane was closed")

    def _check_in_use(self, transport: TransportId) -> None:
        if transport not in self._identifiers:
            raise LocalProtocolError(f"transport {transport} is not in use")

    def _check_track(self, track: TrackId) -> None:
        if self._identifiers.owner(track) is None:
            raise LocalProtocolError(f"track {track} is not in use")

    def _drain(self) -> int:
        """Hands on a batch; the descriptor stays readable while more wait, so that the loop's other work
        has its turn."""
        reports = self._native.drain()
        for report in reports:
            self._dispatch(report)
        return len(reports)

    def _dispatch(self, report: Report) -> None:
        match report:
            case TransportState(transport=transport, state=state, reason=reason):
                _log_state(report)
                if report.certificate and TransportId(transport) in self._ice_events:
                    self._certificates[TransportId(transport)] = report.certificate
                self._tell_state(TransportId(transport), state, reason)
            case TrackState(track=track):
                if handler := self._track_handlers.get(TrackId(track)):
                    _call(handler, report)
            case Forwarding(transport=transport, slot=slot, reason=reason):
                if events := self._events.get(TransportId(transport)):
                    _call(events.forwarding, SlotId(slot), reason)
            case AudioLevels(levels=levels):
                self._tell_levels(levels)
            case TransportStats(transport=transport):
                for future in self._waiting_for_stats.pop(TransportId(transport), []):
                    if not future.done():
                        future.set_result(report)
            case PairState() | PairLearnt() | PairSelected() | RoleChanged() | SocketLost() | StunResult():
                if ice := self._ice_events.get(TransportId(report.transport)):
                    _tell_ice(ice, report)
            case KeyFrameWanted(track=track, layer=layer):
                if encoder := self._key_frame_handlers.get(TrackId(track)):
                    _call(encoder, layer)
            case TargetBitrate(transport=transport, bps=bps):
                if encoder := self._bitrate_handlers.get(TransportId(transport)):
                    _call(encoder, bps)
            case FramesReady(track=track):
                self._tell_ready(TrackId(track))
            case AssociationState(transport=transport):
                known = self._association_events.get(TransportId(transport))
                if known is not None and known[0] == report.association:
                    _tell_association(known[1], report)
            case MessagesReady(transport=transport):
                if reader := self._association_events.get(TransportId(transport)):
                    _call(reader[1].messages_ready)
            case Fatal(thread=thread, message=message):
                self._lost_threads += 1
                _log.critical("data plane thread %d is lost: %s", thread, message)
                for transport in self._identifiers.on_thread(thread):
                    self._tell_state(transport, "failed", "thread-lost")
                    if known := self._association_events.get(transport):
                        _tell_association(known[1], AssociationState(transport, "failed", "thread-lost"))
            case _:
                assert_never(report)

    def _tell_state(self, transport: TransportId, state: str, reason: str) -> None:
        if events := self._events.get(transport):
            _call(events.transport_state, state, reason)
        if state in ("failed", "closed"):
            self._fail_stats(transport, f"the transport is {state}")

    def _tell_levels(self, levels: Sequence[tuple[int, int]]) -> None:
        by_transport: dict[TransportId, list[tuple[int, int]]] = {}
        for track, level in levels:
            owner = self._identifiers.owner(TrackId(track))
            if owner is not None:
                by_transport.setdefault(owner, []).append((track, level))
        for transport, its_levels in by_transport.items():
            if events := self._events.get(transport):
                _call(events.audio_levels, its_levels)

    def _tell_ready(self, track: TrackId) -> None:
        for _, on_ready in list(self._receivers.get(track, [])):
            _call(on_ready)
        remaining = [entry for entry in self._receivers.get(track, []) if not entry[0].is_ended]
        if remaining:
            self._receivers[track] = remaining
        else:
            self._receivers.pop(track, None)

    def _fail_stats(self, transport: TransportId, why: str) -> None:
        for future in self._waiting_for_stats.pop(transport, []):
            if not future.done():
                future.set_exception(LocalProtocolError(why))


def _tell_association(events: AssociationEvents, report: AssociationState) -> None:
    _call(events.association_state, report.state, report.reason, report.inbound, report.outbound)


def _tell_ice(events: IceEvents, report: IceReport) -> None:
    match report:
        case PairState(pair=pair, state=state, mapped=mapped, rtt_s=rtt_s, reason=reason):
            _call(events.pair_state, PairId(pair), state, mapped, rtt_s, reason)
        case PairLearnt(pair=pair, socket=socket, remote=remote, priority=priority):
            _call(events.pair_learnt, PairId(pair), SocketId(socket), remote, priority)
        case PairSelected(pair=pair, reason=reason):
            _call(events.pair_selected, PairId(pair), reason)
        case RoleChanged(controlling=controlling):
            _call(events.role_changed, controlling)
        case SocketLost(socket=socket):
            _call(events.socket_lost, SocketId(socket))
        case StunResult():
            _call(
                events.stun_result,
                report.request,
                report.code,
                report.attributes,
                report.rtt_s,
                report.transaction,
            )
        case _:
            assert_never(report)


def _log_state(report: TransportState) -> None:
    level = logging.INFO if report.state in ("connected", "failed") else logging.DEBUG
    if not _log.isEnabledFor(level):
        return
    fields = {
        "event": f"transport-{report.state}",
        "transport": report.transport,
        "remote": report.remote,
        "dtls": report.dtls_version,
        "srtp": report.srtp_profile,
    }
    known = {name: value for name, value in fields.items() if value != ""}
    _log.log(level, "transport %s: %s", report.state, report.reason, extra=known)


def _call(handler: Callable[[*_Arguments], None], *arguments: *_Arguments) -> None:
    """A handler that raises has a defect; it is logged, and the others have their turn."""
    try:
        handler(*arguments)
    except Exception:
        _log.exception("a handler of data plane reports failed")
