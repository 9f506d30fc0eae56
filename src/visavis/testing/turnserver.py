"""A STUN and TURN server for the virtual network (RFC 8489, RFC 8656)."""

import itertools
from dataclasses import dataclass, field

from visavis.clock import Clock
from visavis.dataplane.commands import Address
from visavis.stun import AttributeType, ErrorCode, LongTermCredentials, Method, long_term_key
from visavis.stun.attributes import (
    find,
    read_channel_untrusted,
    read_lifetime_untrusted,
    read_xor_address_untrusted,
    write_address,
    write_error,
    write_lifetime,
    write_xor_address,
)
from visavis.testing.network import Datagram, Realm

_PERMISSION_S = 300.0
_CHANNEL_S = 600.0
_REALM = "example.org"


@dataclass(frozen=True, slots=True)
class ServerRequest:
    """A request as it is on the wire."""

    method: int
    attributes: tuple[tuple[int, bytes], ...]
    transaction: bytes
    key: bytes | None


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """Its answer; `code` 0 is success."""

    code: int
    attributes: tuple[tuple[int, bytes], ...]
    transaction: bytes


@dataclass(frozen=True, slots=True)
class Relayed:
    """ChannelData (`via` is a channel), or a Send or Data indication (`via` is the peer)."""

    via: int | Address
    payload: object


@dataclass(slots=True)
class ServerAllocation:
    """What the server keeps for a client; a repetition of the request with its `transaction` is answered
    alike (RFC 8656 section 7.2)."""

    transaction: bytes
    client: Address
    port: int
    expires_s: float
    permissions: dict[str, float] = field(default_factory=dict[str, float])
    channels: dict[int, tuple[Address, float]] = field(default_factory=dict[int, tuple[Address, float]])


class FakeTurnServer:
    """Answers Binding requests always, and TURN's for its `users`.

    `refuse` has it answer a method with a code; `alternate` has it redirect Allocate requests; `deaf` has it
    answer nothing.
    """

    def __init__(self, clock: Clock, realm: Realm, host: str, users: dict[str, str] | None = None) -> None:
        self.address: Address = (host, 3478)
        self.users = dict(users or {})
        self.refuse: dict[Method, int] = {}
        self.alternate: Address | None = None
        self.deaf = False
        self.nonce = b"nonce-1"
        self.lifetime_s = 600
        self.requests: list[ServerRequest] = []
        self.allocations: dict[Address, ServerAllocation] = {}
        self._clock = clock
        self._realm = realm
        self._ports = itertools.count(49_152)
        realm.attach(host, self._arrive)

    def counted(self, method: Method) -> int:
        """How many requests of a method came."""
        return sum(request.method == method for request in self.requests)

    def _arrive(self, datagram: Datagram) -> None:
        if self.deaf:
            return
        if datagram.destination != self.address:
            self._from_peer(datagram)
        elif isinstance(datagram.payload, ServerRequest):
            self.requests.append(datagram.payload)
            answer = self._answer(datagram.source, datagram.payload)
            self._realm.send(Datagram(self.address, datagram.source, answer))
        elif isinstance(datagram.payload, Relayed):
            self._from_client(datagram.source, datagram.payload)

    def _living(self, client: Address) -> ServerAllocation | None:
        allocation = self.allocations.get(client)
        if allocation is not None and allocation.expires_s <= self._clock.monotonic():
            del self.allocations[client]
            return None
        return allocation

    def _from_client(self, client: Address, relayed: Relayed) -> None:
        allocation = self._living(client)
        if allocation is None:
            return
        now = self._clock.monotonic()
        if isinstance(relayed.via, int):
            peer, expires_s = allocation.channels.get(relayed.via, (("", 0), 0.0))
            if expires_s <= now:
                return
        else:
            peer = relayed.via
        if allocation.permissions.get(peer[0], 0.0) > now:
            self._realm.send(Datagram((self.address[0], allocation.port), peer, relayed.payload))

    def _from_peer(self, datagram: Datagram) -> None:
        now = self._clock.monotonic()
        for client in list(self.allocations):
            allocation = self._living(client)
            if allocation is None or allocation.port != datagram.destination[1]:
                continue
            if allocation.permissions.get(datagram.source[0], 0.0) <= now:
                return
            bound = (
                number
                for number, (peer, expires_s) in allocation.channels.items()
                if peer == datagram.source and expires_s > now
            )
            via = next(bound, datagram.source)
            self._realm.send(Datagram(self.address, client, Relayed(via, datagram.payload)))

    def _answer(self, client: Address, request: ServerRequest) -> ServerAnswer:
        method = Method(request.method)
        if method in self.refuse:
            return _error(request, self.refuse[method])
        if method is Method.BINDING:
            return _success(request, (AttributeType.XOR_MAPPED_ADDRESS, self._xor(client, request)))
        code = self._authenticate(request)
        if code:
            challenge = (
                (int(AttributeType.REALM), _REALM.encode()),
                (int(AttributeType.NONCE), self.nonce),
            )
            return _error(request, code, *challenge)
        if method is Method.ALLOCATE:
            return self._allocate(client, request)
        allocation = self._living(client)
        if allocation is None:
            return _error(request, ErrorCode.ALLOCATION_MISMATCH)
        match method:
            case Method.REFRESH:
                return self._refresh(allocation, request)
            case Method.CREATE_PERMISSION:
                return self._permit(allocation, request)
            case Method.CHANNEL_BIND:
                return self._bind(allocation, request)

    def _authenticate(self, request: ServerRequest) -> int:
        if request.key is None:
            return ErrorCode.UNAUTHENTICATED
        username = (find(request.attributes, AttributeType.USERNAME) or b"").decode()
        credentials = LongTermCredentials(username, self.users.get(username, ""))
        if username not in self.users or request.key != long_term_key(credentials, _REALM):
            return ErrorCode.UNAUTHENTICATED
        return 0 if find(request.attributes, AttributeType.NONCE) == self.nonce else ErrorCode.STALE_NONCE

    def _allocate(self, client: Address, request: ServerRequest) -> ServerAnswer:
        if self.alternate is not None:
            alternate = (int(AttributeType.ALTERNATE_SERVER), write_address(self.alternate))
            return _error(request, ErrorCode.TRY_ALTERNATE, alternate)
        allocation = self._living(client)
        if allocation is not None and allocation.transaction != request.transaction:
            return _error(request, ErrorCode.ALLOCATION_MISMATCH)
        if allocation is None:
            expires_s = self._clock.monotonic() + self.lifetime_s
            allocation = ServerAllocation(request.transaction, client, next(self._ports), expires_s)
            self.allocations[client] = allocation
        relayed = (self.address[0], allocation.port)
        return _success(
            request,
            (AttributeType.XOR_RELAYED_ADDRESS, self._xor(relayed, request)),
            (AttributeType.XOR_MAPPED_ADDRESS, self._xor(client, request)),
            (AttributeType.LIFETIME, write_lifetime(self.lifetime_s)),
        )

    def _refresh(self, allocation: ServerAllocation, request: ServerRequest) -> ServerAnswer:
        wanted = read_lifetime_untrusted(find(request.attributes, AttributeType.LIFETIME) or b"")
        lifetime_s = 0 if wanted == 0 else self.lifetime_s
        allocation.expires_s = self._clock.monotonic() + lifetime_s
        self._living(allocation.client)
        return _success(request, (AttributeType.LIFETIME, write_lifetime(lifetime_s)))

    def _permit(self, allocation: ServerAllocation, request: ServerRequest) -> ServerAnswer:
        peer = self._peer(request)
        if peer is None:
            return _error(request, ErrorCode.BAD_REQUEST)
        allocation.permissions[peer[0]] = self._clock.monotonic() + _PERMISSION_S
        return _success(request)

    def _bind(self, allocation: ServerAllocation, request: ServerRequest) -> ServerAnswer:
        peer = self._peer(request)
        number = read_channel_untrusted(find(request.attributes, AttributeType.CHANNEL_NUMBER) or b"")
        if peer is None or number is None:
            return _error(request, ErrorCode.BAD_REQUEST)
        now = self._clock.monotonic()
        allocation.channels[number] = (peer, now + _CHANNEL_S)
        allocation.permissions[peer[0]] = now + _PERMISSION_S
        return _success(request)

    def _peer(self, request: ServerRequest) -> Address | None:
        value = find(request.attributes, AttributeType.XOR_PEER_ADDRESS) or b""
        return read_xor_address_untrusted(value, request.transaction)

    def _xor(self, address: Address, request: ServerRequest) -> bytes:
        return write_xor_address(address, request.transaction)


def _success(request: ServerRequest, *attributes: tuple[AttributeType, bytes]) -> ServerAnswer:
    return ServerAnswer(0, tuple((int(type_), value) for type_, value in attributes), request.transaction)


def _error(request: ServerRequest, code: int, *attributes: tuple[int, bytes]) -> ServerAnswer:
    error = (int(AttributeType.ERROR_CODE), write_error(code, "No"))
    return ServerAnswer(int(code), (error, *attributes), request.transaction)
