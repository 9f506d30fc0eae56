"""Messages of data channels: what a transport's association sends and brings, for any thread."""

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from visavis.dataplane.commands import TransportId

if TYPE_CHECKING:
    from typing_extensions import Buffer

PEER_RESET: Final = -1
"""In place of a PPID: the peer has reset its stream (RFC 6525)."""
RESET_DONE: Final = -2
"""In place of a PPID: our stream is reset."""
DEFAULT_PRIORITY: Final = 256
"""RFC 8832 section 8.2.1: normal."""


class Arrivals(NamedTuple):
    """What waited to be read: `arrived` are (stream, PPID, data), each stream's in their order and streams in
    turns, with `PEER_RESET` and `RESET_DONE` among the PPIDs; `left` are (stream, bytes) that have left its
    queue or were given up. `more`: there is more than is read at once, of which nobody is told again."""

    arrived: list[tuple[int, int, bytes]]
    left: list[tuple[int, int]]
    more: bool


class NativeChannels(Protocol):
    """What a `MessagePort` needs of the compiled `DataPlane`, whose contract is in `_native.pyi`."""

    def send_message(
        self,
        transport: int,
        stream: int,
        ppid: int,
        data: "Buffer",
        *,
        ordered: bool = ...,
        max_retransmits: int | None = ...,
        lifetime_ms: int | None = ...,
        priority: int = ...,
    ) -> bool:
        """Hands a message to an association."""
        ...

    def read_messages(
        self, transport: int
    ) -> tuple[list[tuple[int, int, bytes]], list[tuple[int, int]], bool]:
        """Takes what waits of an association."""
        ...

    def release_messages(self, transport: int, count_bytes: int) -> None:
        """So many bytes of what was read are used up."""


class MessagePort:
    """The messages of one transport's association. All methods may be called from any thread."""

    def __init__(self, native: NativeChannels, transport: TransportId) -> None:
        """As `Plane.message_port` makes it."""
        self._native = native
        self._transport = transport

    def send(
        self,
        stream: int,
        ppid: int,
        data: "Buffer",
        *,
        ordered: bool = True,
        max_retransmits: int | None = None,
        lifetime_ms: int | None = None,
        priority: int = DEFAULT_PRIORITY,
    ) -> bool:
        """Sends a message; its data is copied. It leaves once the association is connected.

        Args:
            stream: 0 to 65,534.
            ppid: What it is (RFC 8831 section 8).
            data: At least one byte.
            ordered: It arrives after what was sent on the stream before.
            max_retransmits: It is given up after so many repetitions (RFC 3758).
            lifetime_ms: It is given up after so long; only one of the two.
            priority: What has more leaves before (RFC 8831 section 6.4).

        Returns:
            False if 64 MiB wait to be sent: the message is refused, and nothing that was accepted is lost.

        Raises:
            ValueError: No association is open, or a number is impossible.
            TypeError: `data` is no buffer.
            BufferError: `data` is a buffer of something else than bytes.
            RuntimeError: The plane is closed, lost the thread, or the process forked.
        """
        return self._native.send_message(
            self._transport,
            stream,
            ppid,
            data,
            ordered=ordered,
            max_retransmits=max_retransmits,
            lifetime_ms=lifetime_ms,
            priority=priority,
        )

    def read(self) -> Arrivals:
        """Takes what waits, some 256 KiB or 256 messages of it at most.

        It counts against the peer's window until it is released.

        Raises:
            ValueError: No association is open.
            RuntimeError: The process forked.
        """
        return Arrivals(*self._native.read_messages(self._transport))

    def release(self, count_bytes: int) -> None:
        """So many bytes of what was read are used up: the peer may send as many more.

        Raises:
            ValueError: No association is open.
            RuntimeError: The plane is closed, lost the thread, or the process forked.
        """
        self._native.release_messages(self._transport, count_bytes)
