"""A data channel as asyncio's streams: bytes in their order, without the bounds of messages."""

import asyncio
from typing import TYPE_CHECKING, cast

from visavis.errors import DOMException

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from visavis.rtc.data_channel import RTCDataChannel

_PIECE_BYTES = 16 * 1024
"""What is written goes in messages of at most so much, which all peers take (RFC 8831 section 6.6)."""
_MOST_WAITING_BYTES = 8 << 20
HIGH_WATER_BYTES = 256 * 1024
"""`drain` returns when no more than this waits."""


class ChannelWriter:
    """The writing half, with the methods of `asyncio.StreamWriter` that a channel has something for."""

    def __init__(self, channel: "RTCDataChannel") -> None:
        """As `RTCDataChannel.streams` makes it."""
        self._channel = channel

    def write(self, data: "Buffer | NDArray[Any]") -> None:
        """Sends bytes in messages of 16 KiB; `await drain()` follows, so that not too many wait.

        Raises:
            DOMException: `InvalidStateError`, the channel is not open; `OperationError`, more than 8 MiB
                would wait, and nothing was taken; or the association had no room, and the channel is closed.
            BufferError: `data` is no contiguous memory.
        """
        octets = memoryview(cast("Buffer", data)).cast("B")
        if self._channel.bufferedAmount + len(octets) > _MOST_WAITING_BYTES:
            raise DOMException("too much waits to be sent: await drain() between writes", "OperationError")
        try:
            for start in range(0, len(octets), _PIECE_BYTES):
                self._channel.send(octets[start : start + _PIECE_BYTES])
        except DOMException:
            # The peer would find a gap in what it reads.
            self._channel.close()
            raise

    async def drain(self) -> None:
        """Returns when no more than 256 KiB wait.

        Raises:
            ConnectionResetError: The channel is closed.
        """
        await self._channel.buffered_at_most(HIGH_WATER_BYTES)
        if self._channel.readyState == "closed":
            raise ConnectionResetError("the data channel is closed")

    def close(self) -> None:
        """Closes the channel, after what was written; then the peer reads the end."""
        self._channel.close()

    def is_closing(self) -> bool:
        """Whether nothing can be written any more."""
        return self._channel.readyState in ("closing", "closed")

    async def wait_closed(self) -> None:
        """Returns when the channel is closed."""
        await self._channel.closed()


class _Feed(asyncio.ReadTransport):
    """Takes messages from a channel for a reader; while that holds enough the peer's window waits."""

    def __init__(self, channel: "RTCDataChannel", reader: asyncio.StreamReader) -> None:
        super().__init__()
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._task = asyncio.get_running_loop().create_task(self._feed(channel, reader))

    def is_reading(self) -> bool:
        """Whether messages are taken."""
        return self._may_read.is_set()

    def pause_reading(self) -> None:
        """The reader holds enough."""
        self._may_read.clear()

    def resume_reading(self) -> None:
        """It has been read."""
        self._may_read.set()

    async def _feed(self, channel: "RTCDataChannel", reader: asyncio.StreamReader) -> None:
        async for message in channel:
            reader.feed_data(message.encode() if isinstance(message, str) else message)
            await self._may_read.wait()
        reader.feed_eof()


def open_streams(channel: "RTCDataChannel", limit_bytes: int) -> tuple[asyncio.StreamReader, ChannelWriter]:
    """What `RTCDataChannel.streams` returns.

    Raises:
        DOMException: `InvalidStateError`, the channel may lose messages or change their order.
        RuntimeError: No event loop runs.
    """
    if not channel.ordered or channel.maxRetransmits is not None or channel.maxPacketLifeTime is not None:
        raise DOMException("a stream needs an ordered, reliable channel", "InvalidStateError")
    reader = asyncio.StreamReader(limit_bytes, asyncio.get_running_loop())
    reader.set_transport(_Feed(channel, reader))
    return reader, ChannelWriter(channel)
