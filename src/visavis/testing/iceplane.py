"""A data plane that only does ICE, between hosts of the virtual network, as the real one does between sockets."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from visavis.dataplane import IceEvents
from visavis.dataplane.commands import (
    FIRST_LEARNT_PAIR,
    AddRelay,
    Address,
    AddSocket,
    BindChannel,
    CloseTransport,
    Command,
    ConnectTransport,
    Nominate,
    OpenTransport,
    Pair,
    PairId,
    RemoveSocket,
    RestartIce,
    SendStun,
    SetPairs,
    SocketId,
)
from visavis.stun import AttributeType
from visavis.stun.attributes import read_address_untrusted, write_xor_address
from visavis.testing.network import Datagram, Host
from visavis.testing.turnserver import Relayed, ServerAnswer, ServerRequest

_RTO_S = 0.5
_WAITS = (1, 2, 4, 8, 16, 32, 16)
"""In RTOs: after each of seven transmissions (RFC 8489 section 6.2.1)."""
_PACE_S = 0.05
_KEEP_ALIVE_S = 2.5
_FALLBACK_S = 3.0
_SILENT_S = 5.0
_CONSENT_S = 30.0


class PlaneEvents(IceEvents, Protocol):
    """Who hears all reports about a transport."""

    def transport_state(self, state: str, reason: str) -> None:
        """As `TransportEvents` has it."""


@dataclass(frozen=True, slots=True)
class Check:
    """A connectivity check (RFC 8445 section 7.1)."""

    transaction: bytes
    username: str
    password: str
    priority: int
    controlling: bool
    tie_breaker: int
    nominating: bool


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """Its answer; `code` is 0 or 487."""

    transaction: bytes
    password: str
    code: int
    mapped: Address


@dataclass(slots=True)
class _Path:
    """A pair under check; `state` is `waiting`, `checking`, `succeeded` or `failed`."""

    pair: PairId
    socket: SocketId
    remote: Address
    priority: int
    state: str = "waiting"
    nominate: bool = False
    peer_nominated: bool = False
    transaction: bytes = b""
    heard_s: float = 0.0


@dataclass(slots=True)
class _Relay:
    """An allocation: what the server has bound to whom."""

    socket: SocketId
    server: Address
    channels: dict[Address, int | None] = field(default_factory=dict[Address, int | None])


class FakeIcePlane:
    """The ICE of one transport on one host.

    It breaks with AssertionError on a command that the contract forbids; `commands` is all that it was told.
    """

    def __init__(self, host: Host, tie_breaker_digits: bytes = b"a") -> None:
        self.events: PlaneEvents | None = None
        self.commands: list[Command] = []
        self.selected: PairId | None = None
        self._host = host
        self._clock = host.clock
        self._prefix = tie_breaker_digits
        self._numbers = itertools.count(1)
        self._learnt = itertools.count(FIRST_LEARNT_PAIR)
        self._open: OpenTransport | None = None
        self._local = ("", "")
        self._previous: tuple[str, str] | None = None
        self._remote: tuple[str, str] | None = None
        self._controlling = False
        self._tie_breaker = 0
        self._sockets: dict[SocketId, Address] = {}
        self._relays: dict[SocketId, _Relay] = {}
        self._paths: dict[tuple[SocketId, Address], _Path] = {}
        self._order: list[PairId] = []
        self._triggered: list[_Path] = []
        self._selected_path: _Path | None = None
        self._requests: dict[bytes, tuple[SendStun, float]] = {}
        self._checks: dict[bytes, tuple[_Path, float, bool]] = {}
        self._pacing = False
        self._state = "new"

    @property
    def selected_path(self) -> tuple[SocketId, Address] | None:
        """Where media would go."""
        path = self._selected_path
        return (path.socket, path.remote) if path is not None else None

    def submit(self, *commands: Command) -> None:
        """Does what ICE is told."""
        for command in commands:
            self.commands.append(command)
            self._do(command)

    def _do(self, command: Command) -> None:
        match command:
            case OpenTransport():
                assert self._open is None, "opened twice"
                self._open = command
                self._local = (command.ufrag, command.password)
                self._controlling, self._tie_breaker = command.controlling, command.tie_breaker
                self._clock.call_later(_KEEP_ALIVE_S, self._keep_alive)
            case ConnectTransport():
                self._remote = (command.remote_ufrag, command.remote_password)
            case RestartIce():
                self._restart(command)
            case AddSocket(socket=socket, descriptor=descriptor):
                assert self._open is not None, "a socket before the transport"
                address = self._host.listen(descriptor, lambda datagram: self._arrive(socket, datagram))
                self._sockets[socket] = address
            case RemoveSocket(socket=socket):
                self._remove(socket)
            case SetPairs(pairs=pairs):
                self._set_pairs(pairs)
            case Nominate(pair=pair):
                path = next(path for path in self._paths.values() if path.pair == pair)
                assert self._controlling, "nominated while controlled"
                path.nominate = True
                self._trigger(path)
            case SendStun():
                self._ask(command)
            case AddRelay(relay=relay, socket=socket, server=server):
                assert socket in self._sockets, "a relay over no socket"
                self._relays[relay] = _Relay(socket, server)
            case BindChannel(relay=relay, peer=peer, channel=channel):
                self._relays[relay].channels[peer] = channel
            case CloseTransport():
                self._close()
            case _:
                raise AssertionError(f"{command} is none of ICE")

    def _restart(self, command: RestartIce) -> None:
        if (command.ufrag, command.password) != self._local:
            self._previous, self._local = self._local, (command.ufrag, command.password)
            self._remote = None
            self._triggered.clear()
            kept = self._selected_path
            self._paths = {} if kept is None else {(kept.socket, kept.remote): kept}
        if command.remote_ufrag is not None and command.remote_password is not None:
            self._remote = (command.remote_ufrag, command.remote_password)

    def _remove(self, socket: SocketId) -> None:
        address = self._sockets.pop(socket, None)
        if address is not None:
            self._host.close(address)
        self._relays.pop(socket, None)
        for key in [key for key in self._paths if key[0] == socket]:
            self._paths.pop(key).state = "failed"

    def _close(self) -> None:
        for address in self._sockets.values():
            self._host.close(address)
        self._sockets.clear()
        self._open = None

    def _set_pairs(self, pairs: tuple[Pair, ...]) -> None:
        assert self._remote is not None, "pairs before the peer's credentials"
        assert len({pair.pair for pair in pairs}) == len(pairs), "a pair twice"
        for pair in pairs:
            assert pair.socket in self._sockets or pair.socket in self._relays, "a pair over no socket"
            path = self._paths.get((pair.socket, pair.remote))
            if path is None:
                path = _Path(pair.pair, pair.socket, pair.remote, pair.priority)
                self._paths[pair.socket, pair.remote] = path
            path.pair = pair.pair
        self._order = [pair.pair for pair in pairs]
        wanted = {(pair.socket, pair.remote) for pair in pairs}
        for key, path in list(self._paths.items()):
            if key not in wanted and path is not self._selected_path:
                del self._paths[key]
        self._pace()

    # Checks.

    def _pace(self) -> None:
        if not self._pacing and self._check_next():
            self._pacing = True
            self._clock.call_later(_PACE_S, self._paced)

    def _paced(self) -> None:
        self._pacing = False
        self._pace()

    def _check_next(self) -> bool:
        """Triggered checks first (RFC 8445 section 6.1.4.2)."""
        if self._remote is None or self._open is None:
            return False
        if self._triggered:
            self._check(self._triggered.pop(0))
            return True
        rank = {pair: index for index, pair in enumerate(self._order)}
        waiting = [path for path in self._paths.values() if path.state == "waiting" and path.pair in rank]
        if not waiting:
            return False
        self._check(min(waiting, key=lambda path: rank[path.pair]))
        return True

    def _trigger(self, path: _Path) -> None:
        if path not in self._triggered:
            self._triggered.append(path)
        self._pace()

    def _check(self, path: _Path) -> None:
        if path.state != "succeeded":
            path.state = "checking"
        path.transaction = self._transaction()
        self._checks[path.transaction] = (path, self._clock.monotonic(), path.nominate)
        self._transmit(path, path.transaction, 0)

    def _transmit(self, path: _Path, transaction: bytes, sent: int) -> None:
        if transaction not in self._checks or self._open is None or self._remote is None:
            return
        if self._paths.get((path.socket, path.remote)) is not path:
            del self._checks[transaction]
            return
        if sent == len(_WAITS):
            del self._checks[transaction]
            self._fail(path)
            return
        check = Check(
            transaction,
            f"{self._remote[0]}:{self._local[0]}",
            self._remote[1],
            path.priority,
            self._controlling,
            self._tie_breaker,
            self._checks[transaction][2],
        )
        self._send(path.socket, path.remote, check)
        self._clock.call_later(_RTO_S * _WAITS[sent], lambda: self._transmit(path, transaction, sent + 1))

    def _fail(self, path: _Path) -> None:
        if path.state == "checking":
            path.state = "failed"
            self._report_pair(path, "failed", "", 0.0)

    def _report_pair(self, path: _Path, state: str, mapped: str, rtt_s: float) -> None:
        pair = path.pair
        self._later(
            lambda events: events.pair_state(pair, state, mapped, rtt_s, "answered" if mapped else "silent")
        )

    def _later(self, report: Callable[[PlaneEvents], None]) -> None:
        """Reports come from the event loop, after what caused them."""

        def hand_on() -> None:
            if self.events is not None and self._open is not None:
                report(self.events)

        self._clock.call_later(0.0, hand_on)

    def _checked(self, socket: SocketId, source: Address, check: Check) -> None:
        """A check came (RFC 8445 section 7.3)."""
        ufrag = check.username.partition(":")[0]
        known = [pair for pair in (self._local, self._previous) if pair is not None]
        if (ufrag, check.password) not in known:
            return
        if check.controlling is self._controlling:
            if self._tie_breaker >= check.tie_breaker:
                if self._controlling:
                    self._answer(socket, source, check, 487)
                    return
                self._switch_role(True)
            elif self._controlling:
                self._switch_role(False)
            else:
                self._answer(socket, source, check, 487)
                return
        self._answer(socket, source, check, 0)
        path = self._paths.get((socket, source))
        if path is None:
            path = _Path(PairId(next(self._learnt)), socket, source, check.priority)
            self._paths[socket, source] = path
            pair, priority = path.pair, check.priority
            self._later(lambda events: events.pair_learnt(pair, socket, source, priority))
        path.heard_s = self._clock.monotonic()
        if check.nominating and not self._controlling:
            path.peer_nominated = True
            if path.state == "succeeded":
                self._select(path, "nominated")
        if path.state != "succeeded":
            self._trigger(path)

    def _answer(self, socket: SocketId, source: Address, check: Check, code: int) -> None:
        self._send(socket, source, CheckAnswer(check.transaction, check.password, code, source))

    def _switch_role(self, controlling: bool) -> None:
        self._controlling = controlling
        self._later(lambda events: events.role_changed(controlling))

    def _answered(self, socket: SocketId, source: Address, answer: CheckAnswer) -> None:
        """RFC 8445 section 7.2.5."""
        known = self._checks.get(answer.transaction)
        if known is None or self._remote is None or answer.password != self._remote[1]:
            return
        path, sent_s, nominating = known
        if (path.socket, path.remote) != (socket, source):
            return
        del self._checks[answer.transaction]
        if answer.code == 487:
            self._switch_role(not self._controlling)
            self._trigger(path)
            return
        path.heard_s = self._clock.monotonic()
        was, path.state = path.state, "succeeded"
        if was != "succeeded":
            mapped = f"{answer.mapped[0]}:{answer.mapped[1]}"
            self._report_pair(path, "succeeded", mapped, self._clock.monotonic() - sent_s)
        if nominating or (path.peer_nominated and not self._controlling and was != "succeeded"):
            self._select(path, "nominated")

    def _select(self, path: _Path, reason: str) -> None:
        if path is not self._selected_path:
            self._selected_path = path
            self.selected = path.pair
            pair = path.pair
            self._later(lambda events: events.pair_selected(pair, reason))
        self._enter("connected", reason)

    def _enter(self, state: str, reason: str) -> None:
        if state != self._state:
            self._state = state
            self._later(lambda events: events.transport_state(state, reason))

    def _keep_alive(self) -> None:
        """Consent of the selected pair, keep-alive of the others, and falling back."""
        if self._open is None:
            return
        self._clock.call_later(_KEEP_ALIVE_S, self._keep_alive)
        now = self._clock.monotonic()
        valid = [path for path in self._paths.values() if path.state == "succeeded"]
        for path in valid:
            self._check(path)
        selected = self._selected_path
        if selected is None:
            return
        silent_s = now - selected.heard_s
        rank = {pair: index for index, pair in enumerate(self._order)}
        living = [path for path in valid if now - path.heard_s < _FALLBACK_S and path.pair in rank]
        if silent_s > _FALLBACK_S and living:
            self._select(min(living, key=lambda path: rank[path.pair]), "fallback")
        elif silent_s > _CONSENT_S:
            self._enter("failed", "no consent for 30 s")
        elif silent_s > _SILENT_S and self._state == "connected":
            self._enter("disconnected", "silence")
        elif silent_s < _SILENT_S and self._state == "disconnected":
            self._enter("connected", "answered")

    # Packets.

    def _transaction(self) -> bytes:
        return self._prefix[:1] + next(self._numbers).to_bytes(11)

    def _send(self, socket: SocketId, remote: Address, payload: object) -> None:
        relay = self._relays.get(socket)
        if relay is not None:
            if remote in relay.channels and relay.socket in self._sockets:
                number = relay.channels[remote]
                via = remote if number is None else number
                self._host.send(self._sockets[relay.socket], relay.server, Relayed(via, payload))
        elif socket in self._sockets:
            self._host.send(self._sockets[socket], remote, payload)

    def _arrive(self, socket: SocketId, datagram: Datagram) -> None:
        if self._open is None:
            return
        match datagram.payload:
            case Relayed(via=via, payload=payload):
                self._arrive_relayed(socket, datagram.source, via, payload)
            case ServerAnswer():
                self._server_answered(datagram.payload)
            case payload:
                self._handle(socket, datagram.source, payload)

    def _arrive_relayed(self, socket: SocketId, server: Address, via: int | Address, payload: object) -> None:
        for relay_id, relay in self._relays.items():
            if relay.socket == socket and relay.server == server:
                if isinstance(via, int):
                    peer = next((peer for peer, number in relay.channels.items() if number == via), None)
                else:
                    peer = via
                if peer is not None:
                    relay.channels.setdefault(peer, None)
                    self._handle(relay_id, peer, payload)

    def _handle(self, socket: SocketId, source: Address, payload: object) -> None:
        match payload:
            case Check():
                self._checked(socket, source, payload)
            case CheckAnswer():
                self._answered(socket, source, payload)
            case _:
                pass

    # Requests to servers.

    def _ask(self, command: SendStun) -> None:
        transaction = self._transaction()
        self._requests[transaction] = (command, self._clock.monotonic())
        self._transmit_request(transaction, 0)

    def _transmit_request(self, transaction: bytes, sent: int) -> None:
        if transaction not in self._requests or self._open is None:
            return
        command, _ = self._requests[transaction]
        address = self._sockets.get(command.socket)
        if address is None or address[0] not in self._host.addresses or sent == len(_WAITS):
            del self._requests[transaction]
            code = -1 if sent else -2
            self._later(lambda events: events.stun_result(command.request, code, [], 0.0, transaction))
            return
        attributes = tuple(_as_sent(type_, value, transaction) for type_, value in command.attributes)
        request = ServerRequest(command.method, attributes, transaction, command.key)
        self._host.send(address, command.server, request)
        self._clock.call_later(_RTO_S * _WAITS[sent], lambda: self._transmit_request(transaction, sent + 1))

    def _server_answered(self, answer: ServerAnswer) -> None:
        known = self._requests.pop(answer.transaction, None)
        if known is None:
            return
        command, sent_s = known
        rtt_s = self._clock.monotonic() - sent_s
        attributes = list(answer.attributes)
        self._later(
            lambda events: events.stun_result(
                command.request, answer.code, attributes, rtt_s, answer.transaction
            )
        )


def _as_sent(type_: int, value: bytes, transaction: bytes) -> tuple[int, bytes]:
    """The data plane XORs addresses, since it chooses the transaction."""
    address = read_address_untrusted(value)
    if type_ == AttributeType.XOR_PEER_ADDRESS and address is not None:
        return type_, write_xor_address(address, transaction)
    return type_, value
