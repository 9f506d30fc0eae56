"""STUN requests of one transport: numbered, submitted, and their results handed to who asked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from visavis.dataplane.commands import Address, Command, SendStun, SocketId, TransportId


class CommandSink(Protocol):
    """What decisions need of a data plane."""

    def submit(self, *commands: Command) -> None:
        """Hands commands down, in their order."""


@dataclass(frozen=True, slots=True)
class Response:
    """How a request ended: `code` as in `StunResult`; `transaction` opens XORed addresses."""

    code: int
    attributes: tuple[tuple[int, bytes], ...] = ()
    rtt_s: float = 0.0
    transaction: bytes = bytes(12)


class Requests:
    """The requests of a transport that are under way; each ends by one call of its handler, or is
    forgotten."""

    def __init__(self, transport: TransportId, plane: CommandSink) -> None:
        self._transport = transport
        self._plane = plane
        self._last = 0
        self._waiting: dict[int, Callable[[Response], None]] = {}

    def send(
        self,
        socket: SocketId,
        server: Address,
        method: int,
        attributes: tuple[tuple[int, bytes], ...],
        handler: Callable[[Response], None],
        key: bytes | None = None,
    ) -> int:
        """Submits a request; `handler` is called when it ended, never before this returns."""
        self._last += 1
        self._waiting[self._last] = handler
        self._plane.submit(
            SendStun(self._transport, self._last, socket, server, int(method), attributes, key)
        )
        return self._last

    def forget(self, request: int) -> None:
        """Nobody wants the result any more; idempotent."""
        self._waiting.pop(request, None)

    def handle_result(self, request: int, response: Response) -> None:
        """Hands a result on; one that nobody waits for is dropped."""
        handler = self._waiting.pop(request, None)
        if handler is not None:
            handler(response)
