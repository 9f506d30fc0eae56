"""Permissions and channels of an allocation (RFC 8656 sections 9 and 12), installed and kept up."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from visavis.clock import Clock, TimerHandle
from visavis.dataplane.commands import Address, BindChannel, SocketId, TransportId
from visavis.stun import AttributeType, CommandSink, Method, Response
from visavis.stun.attributes import write_channel, write_xor_address
from visavis.stun.registry import FIRST_CHANNEL, LAST_CHANNEL
from visavis.turn.session import Session

PERMISSION_REFRESH_S: Final = 240.0
"""A permission lasts 300 s (RFC 8656 section 9)."""
CHANNEL_REFRESH_S: Final = 540.0
"""A channel lasts 600 s (RFC 8656 section 12)."""

MAX_PEERS: Final = 100
"""As many as an agent takes remote candidates; more are not permitted."""


@dataclass(slots=True)
class _Permission:
    """One IP address; `granted` is None while the first answer is awaited."""

    granted: bool | None = None
    timer: TimerHandle | None = None
    waiting: list[tuple[Address, Callable[[bool], None]]] = field(
        default_factory=list[tuple[Address, Callable[[bool], None]]]
    )


class Peers:
    """Who may be reached over an allocation. `close` it with that."""

    def __init__(
        self,
        session: Session,
        plane: CommandSink,
        clock: Clock,
        transport: TransportId,
        relay: SocketId,
    ) -> None:
        self._session = session
        self._plane = plane
        self._clock = clock
        self._transport = transport
        self._relay = relay
        self._permissions: dict[str, _Permission] = {}
        self._channels: dict[Address, int] = {}
        self._bound: set[Address] = set()
        self._timers: dict[Address, TimerHandle] = {}
        self._closed = False

    def permit(self, peer: Address, done: Callable[[bool], None]) -> None:
        """Installs a permission for the peer's IP address; `done` is told, at once for a known one, whether
        packets can go there."""
        permission = self._permissions.get(peer[0])
        if permission is None:
            if len(self._permissions) >= MAX_PEERS:
                done(False)
                return
            permission = self._permissions[peer[0]] = _Permission()
            permission.waiting.append((peer, done))
            self._request_permission(peer[0], permission)
        elif permission.granted is None:
            permission.waiting.append((peer, done))
        else:
            self._tell(peer, done, permission.granted)

    def bind(self, peer: Address) -> None:
        """Binds a channel, whose four bytes of header replace the 36 of an indication; idempotent. A peer
        that gets none is served by indications."""
        number = FIRST_CHANNEL + len(self._channels)
        if peer not in self._channels and number <= LAST_CHANNEL:
            self._channels[peer] = number
            self._request_channel(peer, number)

    def close(self) -> None:
        """Forgets all; who waits for a permission hears no more."""
        self._closed = True
        for permission in self._permissions.values():
            if permission.timer is not None:
                permission.timer.cancel()
        for timer in self._timers.values():
            timer.cancel()

    def _request_permission(self, host: str, permission: _Permission) -> None:
        def ended(response: Response) -> None:
            if not self._closed:
                self._permission_ended(host, permission, response.code == 0)

        peer = (int(AttributeType.XOR_PEER_ADDRESS), write_xor_address((host, 0)))
        self._session.send(Method.CREATE_PERMISSION, (peer,), ended)

    def _permission_ended(self, host: str, permission: _Permission, granted: bool) -> None:
        """A refresh that failed is tried again in its turn: the answer may have been lost with the path. What
        was refused at first may be wished for again."""
        if granted or permission.granted is None:
            permission.granted = granted
        if not permission.granted:
            del self._permissions[host]
        else:
            permission.timer = self._clock.call_later(
                PERMISSION_REFRESH_S, lambda: self._request_permission(host, permission)
            )
        waiting, permission.waiting = permission.waiting, []
        for peer, done in waiting:
            self._tell(peer, done, permission.granted is True)

    def _tell(self, peer: Address, done: Callable[[bool], None], granted: bool) -> None:
        if granted and peer not in self._bound:
            self._plane.submit(BindChannel(self._transport, self._relay, peer, None))
        done(granted)

    def _request_channel(self, peer: Address, number: int) -> None:
        def ended(response: Response) -> None:
            if self._closed:
                return
            if response.code == 0:
                self._bound.add(peer)
                self._plane.submit(BindChannel(self._transport, self._relay, peer, number))
                self._timers[peer] = self._clock.call_later(
                    CHANNEL_REFRESH_S, lambda: self._request_channel(peer, number)
                )
            else:
                self._bound.discard(peer)
                self._plane.submit(BindChannel(self._transport, self._relay, peer, None))

        attributes = (
            (int(AttributeType.CHANNEL_NUMBER), write_channel(number)),
            (int(AttributeType.XOR_PEER_ADDRESS), write_xor_address(peer)),
        )
        self._session.send(Method.CHANNEL_BIND, attributes, ended)
