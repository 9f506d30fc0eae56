"""An allocation at a TURN server (RFC 8656), from Allocate to its end.

UDP to the peers; what leads to the server, UDP or a stream, is the owner's to open.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, Protocol

from visavis.clock import Clock, TimerHandle
from visavis.dataplane.commands import AddRelay, Address, RemoveSocket, SocketId, TransportId
from visavis.stun import (
    AttributeType,
    CommandSink,
    ErrorCode,
    LongTermCredentials,
    Method,
    Requests,
    Response,
)
from visavis.stun.attributes import (
    find,
    read_address_untrusted,
    read_error_untrusted,
    read_lifetime_untrusted,
    read_xor_address_untrusted,
    write_lifetime,
    write_requested_family,
    write_requested_transport,
)
from visavis.stun.registry import NOT_SENT, UDP_PROTOCOL
from visavis.turn.peers import Peers
from visavis.turn.session import Session

MALFORMED: Final = -3
"""The code of a failure where the server answered nonsense; beside those of `StunResult`."""

_MAX_REDIRECTIONS: Final = 3
_MIN_LIFETIME_S: Final = 30
_REFRESH_MARGIN_S: Final = 60.0
_RETRY_S: Final = 5.0


class AllocationState(StrEnum):
    """NEW → ALLOCATING → ACTIVE → ENDED, or ENDED from anywhere."""

    NEW = "new"
    ALLOCATING = "allocating"
    ACTIVE = "active"
    ENDED = "ended"


class AllocationEvents(Protocol):
    """Who asked for an allocation."""

    def allocated(self, allocation: "Allocation", relayed: Address, mapped: Address) -> None:
        """It is there: `relayed` is its address, `mapped` is how the server saw us."""

    def ended(self, allocation: "Allocation", code: int, reason: str) -> None:
        """It was refused, or is lost; `code` is the server's (300 to 699), or that of a `StunResult`."""


class Allocation:
    """A client's allocation; as a socket of the transport it is `relay`.

    The owner calls `allocate` once, `permit` for each peer, and `close` in the end.
    """

    def __init__(
        self,
        *,
        transport: TransportId,
        plane: CommandSink,
        requests: Requests,
        clock: Clock,
        relay: SocketId,
        socket: SocketId,
        server: Address,
        credentials: LongTermCredentials,
        version: int,
        events: AllocationEvents,
        reconnect: Callable[[Address], SocketId | None] | None = None,
    ) -> None:
        """`version` is the IP version of the relayed address. Where `socket` is a stream, which leads to one
        server alone, `reconnect` opens one to another, if it can; the owner closes the last."""
        self.relay = relay
        self.socket = socket
        self._reconnect = reconnect
        self.state = AllocationState.NEW
        self._transport = transport
        self._plane = plane
        self._clock = clock
        self._version = version
        self._events = events
        self._redirections = 0
        self._timer: TimerHandle | None = None
        self._expires_s = 0.0
        self._session = Session(requests, socket, server, credentials)
        self._peers = Peers(self._session, plane, clock, transport, relay)

    @property
    def server(self) -> Address:
        """The server, the alternate one after a redirection."""
        return self._session.server

    def set_credentials(self, credentials: LongTermCredentials) -> None:
        """New ones, before the old expire; they must be the same user's (RFC 8656 section 5)."""
        self._session.credentials = credentials

    def allocate(self) -> None:
        """Asks the server (RFC 8656 section 7.1)."""
        self.state = AllocationState.ALLOCATING
        attributes = [(int(AttributeType.REQUESTED_TRANSPORT), write_requested_transport(UDP_PROTOCOL))]
        if self._version == 6:
            family = (int(AttributeType.REQUESTED_ADDRESS_FAMILY), write_requested_family(6))
            attributes.append(family)
        self._session.send(Method.ALLOCATE, tuple(attributes), self._allocate_ended)

    def permit(self, peer: Address, done: Callable[[bool], None]) -> None:
        """Lets the peer's IP address send and be sent to; `done` is told whether it may."""
        if self.state is AllocationState.ACTIVE:
            self._peers.permit(peer, done)
        else:
            done(False)

    def bind_channel(self, peer: Address) -> None:
        """Saves 32 bytes a packet on the way to a permitted peer that is going to be used; idempotent."""
        if self.state is AllocationState.ACTIVE:
            self._peers.bind(peer)

    def close(self) -> None:
        """Gives the allocation back (RFC 8656 section 7.4: a lifetime of 0); idempotent."""
        if self.state is AllocationState.ACTIVE:
            self._session.send(Method.REFRESH, (_lifetime(0),), lambda _: None)
            self._plane.submit(RemoveSocket(self._transport, self.relay))
        self._end()

    def lose(self, reason: str) -> None:
        """What led to the server is gone, and the relay with it; before it is active, its request tells
        that."""
        if self.state is AllocationState.ACTIVE:
            self._end()
            self._events.ended(self, NOT_SENT, reason)

    def _end(self) -> None:
        self.state = AllocationState.ENDED
        self._peers.close()
        if self._timer is not None:
            self._timer.cancel()

    def _allocate_ended(self, response: Response) -> None:
        if self.state is not AllocationState.ALLOCATING:
            if response.code == 0:
                self._session.send(Method.REFRESH, (_lifetime(0),), lambda _: None)
            return
        if response.code == ErrorCode.TRY_ALTERNATE and self._redirect(response):
            self.allocate()
        elif response.code != 0:
            self._fail(response)
        else:
            self._take(response)

    def _redirect(self, response: Response) -> bool:
        """RFC 8489 section 10: the server that ALTERNATE-SERVER names, of the same IP version."""
        value = find(response.attributes, AttributeType.ALTERNATE_SERVER)
        alternate = read_address_untrusted(value) if value is not None else None
        same_version = alternate is not None and (":" in alternate[0]) == (":" in self.server[0])
        if alternate is None or not same_version or self._redirections >= _MAX_REDIRECTIONS:
            return False
        if self._reconnect is not None:
            socket = self._reconnect(alternate)
            if socket is None:
                return False
            self._plane.submit(RemoveSocket(self._transport, self.socket))
            self.socket = socket
        self._redirections += 1
        self._session.move(self.socket, alternate)
        return True

    def _take(self, response: Response) -> None:
        """RFC 8656 section 7.3."""
        relayed = _xor_address(response, AttributeType.XOR_RELAYED_ADDRESS)
        mapped = _xor_address(response, AttributeType.XOR_MAPPED_ADDRESS)
        if relayed is None or mapped is None:
            self._end()
            self._events.ended(self, MALFORMED, "the server's success lacks an address")
            return
        self.state = AllocationState.ACTIVE
        self._plane.submit(AddRelay(self._transport, self.relay, self.socket, self.server))
        self._schedule(response)
        self._events.allocated(self, relayed, mapped)

    def _schedule(self, response: Response) -> None:
        value = find(response.attributes, AttributeType.LIFETIME)
        said = read_lifetime_untrusted(value) if value is not None else None
        lifetime_s = float(max(said if said is not None else 600, _MIN_LIFETIME_S))
        self._expires_s = self._clock.monotonic() + lifetime_s
        self._timer = self._clock.call_later(
            max(lifetime_s / 2, lifetime_s - _REFRESH_MARGIN_S), self._refresh
        )

    def _refresh(self) -> None:
        self._session.send(Method.REFRESH, (_lifetime(600),), self._refresh_ended)

    def _refresh_ended(self, response: Response) -> None:
        """RFC 8656 section 8.3. What the server refuses is lost; silence is asked again while there is
        time."""
        if self.state is not AllocationState.ACTIVE:
            return
        if response.code == 0:
            self._schedule(response)
        elif response.code < 0 and self._clock.monotonic() + _RETRY_S < self._expires_s:
            self._timer = self._clock.call_later(_RETRY_S, self._refresh)
        else:
            self._plane.submit(RemoveSocket(self._transport, self.relay))
            self._fail(response)

    def _fail(self, response: Response) -> None:
        self._end()
        value = find(response.attributes, AttributeType.ERROR_CODE)
        error = read_error_untrusted(value) if value is not None else None
        self._events.ended(self, response.code, error[1] if error is not None else "")


def _lifetime(seconds: int) -> tuple[int, bytes]:
    return int(AttributeType.LIFETIME), write_lifetime(seconds)


def _xor_address(response: Response, type_: AttributeType) -> Address | None:
    value = find(response.attributes, type_)
    return read_xor_address_untrusted(value, response.transaction) if value is not None else None
