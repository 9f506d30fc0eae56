"""The allocations of a transport, one for each base and TURN URL; they outlive a generation of candidates."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from visavis.clock import Clock
from visavis.dataplane.commands import (
    Address,
    AddSocket,
    OpenStream,
    RemoveSocket,
    SocketId,
    TransportId,
)
from visavis.ice.bases import Base
from visavis.ice.options import Machine
from visavis.ice.servers import IceServer
from visavis.stun import CommandSink, LongTermCredentials, Requests
from visavis.stun.registry import NOT_SENT
from visavis.turn import Allocation

_log = logging.getLogger(__name__)

_Key = tuple[SocketId, str]


@dataclass(frozen=True, slots=True)
class Relay:
    """An allocation that is there: its own address, and how the server saw us."""

    allocation: Allocation
    relayed: Address
    mapped: Address


@dataclass(frozen=True, slots=True)
class RelayAsker:
    """Who wants a relay: `found` or `failed` (code, reason) is called once."""

    found: Callable[[Relay], None]
    failed: Callable[[int, str], None]


class Relays:
    """Asks servers for allocations, and keeps them; `lost` hears of one that the server took away."""

    def __init__(
        self,
        *,
        transport: TransportId,
        plane: CommandSink,
        requests: Requests,
        clock: Clock,
        machine: Machine,
        new_socket: Callable[[], SocketId],
        lost: Callable[[SocketId], None],
    ) -> None:
        self._transport = transport
        self._plane = plane
        self._requests = requests
        self._clock = clock
        self._machine = machine
        self._new_socket = new_socket
        self._lost = lost
        self._allocations: dict[_Key, Allocation] = {}
        self._ready: dict[SocketId, Relay] = {}
        self._askers: dict[SocketId, RelayAsker] = {}

    def find(self, socket: SocketId) -> Allocation | None:
        """The allocation that is a socket of the transport."""
        return next((one for one in self._allocations.values() if one.relay == socket), None)

    def base(self, socket: SocketId) -> SocketId | None:
        """The base from which an allocation that is a socket of the transport was asked for."""
        return next((key[0] for key, one in self._allocations.items() if one.relay == socket), None)

    def ask(
        self,
        base: Base,
        server: IceServer,
        address: Address,
        credentials: LongTermCredentials,
        asker: RelayAsker,
    ) -> None:
        """Allocates from `base` at `address`, which the server's name means. One that an earlier generation
        has is told at once; one that it asked for is awaited."""
        key = (base.socket, server.url)
        known = self._allocations.get(key)
        if known is not None and known.relay in self._ready:
            asker.found(self._ready[known.relay])
            return
        if known is not None:
            self._askers[known.relay] = asker
            return
        reconnect = partial(self._connect, base, server) if server.relay_protocol != "udp" else None
        if reconnect is not None:
            socket = reconnect(address)
        else:
            # An allocation is one socket's (RFC 8656 section 5): by a shared one there could be one for all.
            socket = self._bind(base) if base.is_shared else base.socket
        if socket is None:
            asker.failed(NOT_SENT, "no way leads to the server")
            return
        allocation = Allocation(
            transport=self._transport,
            plane=self._plane,
            requests=self._requests,
            clock=self._clock,
            relay=self._new_socket(),
            socket=socket,
            server=address,
            credentials=credentials,
            version=6 if ":" in base.address[0] else 4,
            events=self,
            reconnect=reconnect,
        )
        self._allocations[key] = allocation
        self._askers[allocation.relay] = asker
        allocation.allocate()

    def set_credentials(self, servers: Iterable[IceServer]) -> None:
        """New credentials of known servers count from their next request on."""
        for server in servers:
            for (_, url), allocation in self._allocations.items():
                if url == server.url and server.credentials is not None:
                    allocation.set_credentials(server.credentials)

    def keep(self, sockets: Iterable[SocketId], servers: Iterable[IceServer]) -> list[SocketId]:
        """Gives back all but those over these sockets and servers; returns the relays that ended."""
        wanted_sockets = set(sockets)
        urls = {server.url for server in servers}
        ended = [key for key in self._allocations if key[0] not in wanted_sockets or key[1] not in urls]
        relays: list[SocketId] = []
        for key in ended:
            allocation = self._allocations.pop(key)
            relays.append(allocation.relay)
            self._ready.pop(allocation.relay, None)
            self._askers.pop(allocation.relay, None)
            allocation.close()
            self._disconnect(key, allocation)
        return relays

    def close(self) -> None:
        """Gives all back."""
        self.keep((), ())

    def socket_lost(self, socket: SocketId) -> None:
        """The stream to a server ended."""
        for allocation in tuple(self._allocations.values()):
            if allocation.socket == socket:
                allocation.lose("the stream to the server ended")

    def _bind(self, base: Base) -> SocketId | None:
        """A UDP socket on the base's address, for one allocation."""
        try:
            descriptor, _ = self._machine.open_socket(base.address[0], None)
        except OSError as error:
            _log.warning("no UDP port on %s for a relay: %s", base.address[0], error.strerror or error)
            return None
        socket = self._new_socket()
        self._plane.submit(AddSocket(self._transport, socket, descriptor))
        return socket

    def _connect(self, base: Base, server: IceServer, address: Address) -> SocketId | None:
        """A stream from the base's address: TCP, and TLS for the name in the URL (RFC 8656 section 3.1)."""
        try:
            descriptor = self._machine.open_stream(base.address[0], address)
        except OSError as error:
            _log.warning("no TCP stream from %s to %s: %s", base.address[0], address, error.strerror or error)
            return None
        stream = self._new_socket()
        tls_name = server.uri.host if server.uri.is_secure else None
        self._plane.submit(OpenStream(self._transport, stream, descriptor, address, tls_name))
        return stream

    def _disconnect(self, key: _Key, allocation: Allocation) -> None:
        if allocation.socket != key[0]:
            self._plane.submit(RemoveSocket(self._transport, allocation.socket))

    def allocated(self, allocation: Allocation, relayed: Address, mapped: Address) -> None:
        """`AllocationEvents`: the server gave it."""
        self._ready[allocation.relay] = relay = Relay(allocation, relayed, mapped)
        self._askers.pop(allocation.relay).found(relay)

    def ended(self, allocation: Allocation, code: int, reason: str) -> None:
        """`AllocationEvents`: the server refused it, or took it away."""
        key = next(key for key, one in self._allocations.items() if one is allocation)
        del self._allocations[key]
        self._disconnect(key, allocation)
        if self._ready.pop(allocation.relay, None) is not None:
            self._lost(allocation.relay)
        else:
            self._askers.pop(allocation.relay).failed(code, reason)
