"""The event loop's side of the data plane: identifiers, commands down, reports to whom they concern."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Protocol, Self

from visavis.dataplane import _native
from visavis.dataplane.channels import MessagePort, NativeChannels
from visavis.dataplane.commands import Command, Fingerprint, Kind, RequestStats, TrackId, TransportId
from visavis.dataplane.dispatcher import Dispatcher
from visavis.dataplane.events import AssociationEvents, IceEvents, TransportEvents
from visavis.dataplane.frames import DEFAULT_CAPACITY, FrameReceiver, FrameSender, NativeFrames
from visavis.dataplane.identifiers import Identifiers, new_password, new_ufrag
from visavis.dataplane.reports import Report, TrackState, TransportStats
from visavis.errors import LocalProtocolError


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
        self._heard = Dispatcher(self._identifiers)
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
        return self._heard.lost_threads == 0

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
        self._heard.transports[transport] = events

    def on_ice(self, transport: TransportId, events: IceEvents) -> None:
        """Who decides for the ICE agent of a full transport, until `forget`. The peer's certificate
        is kept so long."""
        self._check_in_use(transport)
        self._heard.ice[transport] = events

    def on_track(self, track: TrackId, handler: Callable[[TrackState], None]) -> None:
        """Who hears that a track's layers start and stop, until its transport is forgotten."""
        self._check_track(track)
        self._heard.tracks[track] = handler

    def on_key_frame_wanted(self, track: TrackId, handler: Callable[[int], None]) -> None:
        """Who hears, with the layer, that the encoder of a local source shall make a key frame; until
        `forget_source`, or the transport of its identifier is forgotten."""
        self._check_track(track)
        self._heard.encoders[track] = handler

    def forget_source(self, track: TrackId) -> None:
        """A local source was closed: its encoder hears nothing any more."""
        self._heard.encoders.pop(track, None)

    def on_target_bitrate(self, transport: TransportId, handler: Callable[[int], None]) -> None:
        """Who hears how many bits a second the network carries of a transport that local sources are sent
        on, all media together; until `forget`."""
        self._check_in_use(transport)
        self._heard.bitrates[transport] = handler

    def on_association(self, transport: TransportId, events: AssociationEvents, association: int = 0) -> None:
        """Who hears the reports about a transport's association of that number, until `forget`. Of the one
        before nothing is told any more."""
        self._check_in_use(transport)
        self._heard.associations[transport] = (association, events)

    def message_port(self, transport: TransportId) -> MessagePort:
        """What sends and reads the messages of a transport's association, once `OpenAssociation` was
        submitted; for any thread."""
        return MessagePort(self._native, transport)

    def remote_certificate(self, transport: TransportId) -> bytes | None:
        """What the peer of a transport showed, in DER; None before it was `connected`."""
        return self._heard.certificates.get(transport)

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
        self._heard.receivers.setdefault(track, []).append((receiver, on_ready))
        return receiver

    def forget(self, transport: TransportId) -> None:
        """Gives back the identifiers of a transport and its tracks: no report about them is handed on any
        more."""
        self._heard.forget(transport, self._identifiers.release(transport))

    async def stats(self, transport: TransportId) -> TransportStats:
        """Figures of a transport, as they are now. The caller bounds the wait: a transport that was not
        opened is silent.

        Raises:
            LocalProtocolError: The transport's identifier is not in use, or it ended meanwhile.
        """
        self._check_in_use(transport)
        future: asyncio.Future[TransportStats] = asyncio.get_running_loop().create_future()
        waiting = self._heard.waiting_for_stats.setdefault(transport, [])
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
        self._heard.close()

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
            self._heard.dispatch(report)
        return len(reports)
