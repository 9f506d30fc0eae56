"""A data plane that only does ICE, between hosts of the virtual network, as the real one does between
sockets."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from visavis.dataplane.commands import (
    AddRelay,
    Address,
    AddSocket,
    AddTcpSocket,
    AnswerByRelaysOnly,
    BindChannel,
    CloseTransport,
    Command,
    ConnectTransport,
    Nominate,
    OpenStream,
    OpenTransport,
    RemoveSocket,
    RestartIce,
    SendStun,
    SetIceRole,
    SetPairs,
    SocketId,
)
from visavis.stun import AttributeType
from visavis.testing.icechecks import RTO_S, WAITS, Check, CheckAnswer, FakeChecks, PlaneEvents
from visavis.testing.network import Datagram, Host
from visavis.testing.turnserver import Relayed, ServerAnswer, ServerRequest


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

    def __init__(self, host: Host, name: bytes = b"a") -> None:
        """`name` keeps its transactions apart from others'."""
        self.events: PlaneEvents | None = None
        self.commands: list[Command] = []
        self._host = host
        self._clock = host.clock
        self._name = name
        self._numbers = itertools.count(1)
        self._checks: FakeChecks | None = None
        self._sockets: dict[SocketId, Address] = {}
        self._relays: dict[SocketId, _Relay] = {}
        self._requests: dict[bytes, tuple[SendStun, float]] = {}
        self._by_relays_only = False
        self._active: dict[SocketId, str] = {}
        self._streams: dict[tuple[SocketId, Address], Address] = {}

    @property
    def selected(self) -> tuple[SocketId, Address] | None:
        """Where media would go."""
        return self._checks.selected if self._checks is not None else None

    def submit(self, *commands: Command) -> None:
        """Does what ICE is told."""
        for command in commands:
            self.commands.append(command)
            self._do(command)

    def _do(self, command: Command) -> None:
        if isinstance(command, OpenTransport):
            self._open(command)
            return
        checks = self._checks
        assert checks is not None, f"{command} before the transport"
        match command:
            case ConnectTransport():
                checks.connect((command.remote_ufrag, command.remote_password))
            case RestartIce():
                checks.restart(command)
            case SetIceRole(controlling=controlling):
                checks.set_role(controlling)
            case (
                AddSocket(socket=socket, descriptor=descriptor)
                | OpenStream(socket=socket, descriptor=descriptor)
            ):
                address = self._host.listen(descriptor, lambda datagram: self._arrive(socket, datagram))
                self._sockets[socket] = address
            case AddTcpSocket(socket=socket, descriptor=int() as descriptor):
                address = self._host.listen(descriptor, lambda datagram: self._arrive(socket, datagram))
                self._sockets[socket] = address
            case AddTcpSocket(socket=socket, host=host):
                self._active[socket] = host
            case RemoveSocket(socket=socket):
                self._remove(socket)
                checks.remove_socket(socket)
            case SetPairs(pairs=pairs):
                known = self._sockets.keys() | self._relays.keys() | self._active.keys()
                assert all(pair.socket in known for pair in pairs), "a pair over no socket"
                checks.set_pairs(pairs)
            case AnswerByRelaysOnly(only=only):
                self._by_relays_only = only
            case Nominate(pair=pair):
                checks.nominate(pair)
            case SendStun():
                self._ask(command)
            case AddRelay(relay=relay, socket=socket, server=server):
                assert socket in self._sockets, "a relay over no socket"
                self._relays[relay] = _Relay(socket, server)
            case BindChannel(relay=relay, peer=peer, channel=channel):
                self._relays[relay].channels[peer] = channel
            case CloseTransport():
                self._close(checks)
            case _:
                raise AssertionError(f"{command} is none of ICE")

    def _open(self, command: OpenTransport) -> None:
        assert self._checks is None, "opened twice"
        self._checks = FakeChecks(
            self._clock,
            local=(command.ufrag, command.password),
            controlling=command.controlling,
            tie_breaker=command.tie_breaker,
            new_transaction=self._transaction,
            send=self._send,
            report=self._later,
        )

    def _remove(self, socket: SocketId) -> None:
        address = self._sockets.pop(socket, None)
        if address is not None:
            self._host.close(address)
        self._relays.pop(socket, None)
        self._active.pop(socket, None)
        for path in [path for path in self._streams if path[0] == socket]:
            self._host.close(self._streams.pop(path))

    def _close(self, checks: FakeChecks) -> None:
        for address in (*self._sockets.values(), *self._streams.values()):
            self._host.close(address)
        self._sockets.clear()
        self._streams.clear()
        self._active.clear()
        checks.close()
        self._checks = None

    def _later(self, report: Callable[[PlaneEvents], None]) -> None:
        """Reports come from the event loop, after what caused them."""

        def hand_on() -> None:
            if self.events is not None and self._checks is not None:
                report(self.events)

        self._clock.call_later(0.0, hand_on)

    def _transaction(self) -> bytes:
        return self._name[:1] + next(self._numbers).to_bytes(11)

    def _send(self, socket: SocketId, remote: Address, payload: object) -> None:
        relay = self._relays.get(socket)
        if relay is not None:
            if remote in relay.channels and relay.socket in self._sockets:
                number = relay.channels[remote]
                via = remote if number is None else number
                self._host.send(self._sockets[relay.socket], relay.server, Relayed(via, payload))
        elif socket in self._sockets:
            self._host.send(self._sockets[socket], remote, payload)
        elif socket in self._active:
            self._host.send(self._stream(socket, remote), remote, payload)

    def _stream(self, socket: SocketId, remote: Address) -> Address:
        """An active candidate's stream to an address, opened where there is none."""
        if (socket, remote) not in self._streams:
            descriptor = self._host.open_stream(self._active[socket], remote)
            address = self._host.listen(descriptor, lambda datagram: self._arrive(socket, datagram))
            self._streams[socket, remote] = address
        return self._streams[socket, remote]

    def _arrive(self, socket: SocketId, datagram: Datagram) -> None:
        if self._checks is None:
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
            case Check() if self._by_relays_only and socket not in self._relays:
                pass
            case Check() if self._checks is not None:
                self._checks.checked(socket, source, payload)
            case CheckAnswer() if self._checks is not None:
                self._checks.answered(socket, source, payload)
            case _:
                pass

    def _ask(self, command: SendStun) -> None:
        transaction = self._transaction()
        self._requests[transaction] = (command, self._clock.monotonic())
        self._transmit_request(transaction, 0)

    def _transmit_request(self, transaction: bytes, sent: int) -> None:
        if transaction not in self._requests or self._checks is None:
            return
        command, _ = self._requests[transaction]
        address = self._sockets.get(command.socket)
        if address is None or address[0] not in self._host.addresses or sent == len(WAITS):
            del self._requests[transaction]
            code = -1 if sent else -2
            self._later(lambda events: events.stun_result(command.request, code, [], 0.0, transaction))
            return
        attributes = tuple(_as_sent(type_, value, transaction) for type_, value in command.attributes)
        request = ServerRequest(command.method, attributes, transaction, command.key)
        self._host.send(address, command.server, request)
        self._clock.call_later(RTO_S * WAITS[sent], lambda: self._transmit_request(transaction, sent + 1))

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
    """The data plane completes XORed IPv6 addresses, since it chooses the transaction."""
    if type_ == AttributeType.XOR_PEER_ADDRESS and len(value) == 20:
        value = value[:8] + bytes(a ^ b for a, b in zip(value[8:], transaction, strict=True))
    return type_, value
