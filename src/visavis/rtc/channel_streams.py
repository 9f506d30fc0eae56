"""A data channel as a stream of bytes, as asyncio has them (`RTCDataChannel.streams`)."""

import asyncio

from visavis.rtc.data_channel import RTCDataChannel, RTCDataChannelState

_CHUNK_BYTES = 16 << 10
"""Messages that every peer takes, and that hold up no other channel of a peer without interleaving."""


class ChannelWriter:
    """What is written leaves as messages. It has the methods of an `asyncio.StreamWriter`."""

    def __init__(self, channel: RTCDataChannel) -> None:
        self._channel = channel

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Sends bytes, in as many messages as they need.

        Raises:
            DOMException: As `RTCDataChannel.send` does.
        """
        view = memoryview(data).cast("B")
        for start in range(0, len(view), _CHUNK_BYTES):
            self._channel.send(view[start : start + _CHUNK_BYTES])

    async def drain(self) -> None:
        """Waits until no more than `high_water_bytes` of the channel are buffered."""
        while (
            self._channel.bufferedAmount > self._channel.high_water_bytes
            and self._channel.readyState is RTCDataChannelState.OPEN
        ):
            await self._channel.next_change()

    def close(self) -> None:
        """Closes the channel, after what was written."""
        self._channel.close()

    def is_closing(self) -> bool:
        """Whether nothing can be written any more."""
        return self._channel.readyState in (RTCDataChannelState.CLOSING, RTCDataChannelState.CLOSED)

    async def wait_closed(self) -> None:
        """Waits until the channel is closed."""
        while self._channel.readyState is not RTCDataChannelState.CLOSED:
            await self._channel.next_change()


class _Flow(asyncio.Transport):
    """How a reader says that it has enough."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.open.set()

    def pause_reading(self) -> None:
        self.open.clear()

    def resume_reading(self) -> None:
        self.open.set()


def open_streams(channel: RTCDataChannel) -> tuple[asyncio.StreamReader, ChannelWriter]:
    """Reader and writer of a channel; the reader ends with it."""
    reader, flow = asyncio.StreamReader(), _Flow()
    reader.set_transport(flow)

    async def pump() -> None:
        async for message in channel:
            reader.feed_data(message.encode() if isinstance(message, str) else message)
            await flow.open.wait()
        reader.feed_eof()

    channel.run(pump())
    return reader, ChannelWriter(channel)
