"""RTCDataChannel (webrtc-pc section 6.2)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Literal, cast

from visavis.datachannel import utf8
from visavis.errors import DOMException
from visavis.events import Event, EventHandler, EventTarget
from visavis.rtc import idl
from visavis.rtc.channel_streams import ChannelWriter, open_streams
from visavis.rtc.data_channel_incoming import Incoming, MessageEvent, Stream
from visavis.rtc.data_channel_init import RTCDataChannelInit, RTCDataChannelState
from visavis.rtc.error import RTCError, RTCErrorEvent
from visavis.rtc.idl import UnsignedLong
from visavis.rtc.parameters import RTCPriorityType
from visavis.rtc.sctp_transport import RTCSctpTransport

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray
    from typing_extensions import Buffer

_HIGH_WATER_BYTES = 128 * 1024

_MESSAGES_IN_TURN = 256
"""Whoever sends by `send_async` without end lets the event loop's other work have its turn after so many."""
_OPEN = RTCDataChannelState.OPEN
"""By a short way: an enumeration's members are slow to find, and each message asks for this one."""


class RTCDataChannel(EventTarget):
    """Messages both ways. `createDataChannel` and the peer make them."""

    onopen: EventHandler[Event] = EventHandler()
    onbufferedamountlow: EventHandler[Event] = EventHandler()
    onerror: EventHandler[RTCErrorEvent] = EventHandler()
    onclosing: EventHandler[Event] = EventHandler()
    onclose: EventHandler[Event] = EventHandler()
    onmessage: EventHandler[MessageEvent] = EventHandler()

    def __init__(self, label: str, init: RTCDataChannelInit, id: int | None) -> None:
        super().__init__()
        self._label = label
        self._init = init
        self._id = id
        self._state = RTCDataChannelState.CONNECTING
        self._buffered = 0
        self._low_threshold = 0
        self._binary_type = "arraybuffer"
        self._was_open = False
        self._messages_sent = self._bytes_sent = 0
        self._stream: Stream | None = None
        self._sctp: RTCSctpTransport | None = None
        self._is_reliable = init.maxRetransmits is None and init.maxPacketLifeTime is None
        self._incoming = Incoming(self.dispatchEvent, self.has_listener, label, drops=not self._is_reliable)
        self._left = asyncio.Event()

    @property
    def label(self) -> str:
        """What it is called; several may be called the same."""
        return self._label

    @property
    def ordered(self) -> bool:
        """Whether messages arrive in the order of sending."""
        return self._init.ordered

    @property
    def maxPacketLifeTime(self) -> int | None:
        """How many milliseconds a message is sent again, None without such a limit."""
        return self._init.maxPacketLifeTime

    @property
    def maxRetransmits(self) -> int | None:
        """How often a message is sent again, None without such a limit."""
        return self._init.maxRetransmits

    @property
    def protocol(self) -> str:
        """The program's own name for what is said in it."""
        return self._init.protocol

    @property
    def negotiated(self) -> bool:
        """Whether the program has agreed on it with the peer by itself."""
        return self._init.negotiated

    @property
    def id(self) -> int | None:
        """The SCTP stream, None before it is known."""
        return self._id

    @property
    def priority(self) -> RTCPriorityType:
        """webrtc-priority section 4.2."""
        return self._init.priority

    @property
    def readyState(self) -> RTCDataChannelState:
        """Whether messages can be sent."""
        return self._state

    @property
    def bufferedAmount(self) -> int:
        """How many bytes wait to be sent."""
        return self._buffered

    @property
    def bufferedAmountLowThreshold(self) -> int:
        """`bufferedamountlow` is fired when no more than so many bytes wait any more."""
        return self._low_threshold

    @bufferedAmountLowThreshold.setter
    def bufferedAmountLowThreshold(self, threshold: int) -> None:
        self._low_threshold = idl.convert(UnsignedLong, threshold, "bufferedAmountLowThreshold")

    @property
    def binaryType(self) -> str:
        """`arraybuffer` or `blob`: kept for the standard's sake, Python has bytes for both."""
        return self._binary_type

    @binaryType.setter
    def binaryType(self, value: str) -> None:
        if value in ("arraybuffer", "blob"):
            self._binary_type = value

    @property
    def receive_policy(self) -> Literal["wait", "drop"]:
        """What becomes of messages that come while 256 KiB are unread.

        They wait, up to the window of the association, which all its channels share: so it is where nothing
        may be lost. Or they are dropped, and counted in `messages_dropped`: so it is, unless set to `wait`,
        with `maxRetransmits` or `maxPacketLifeTime`.

        Raises:
            ValueError: Set to something else.
            DOMException: `InvalidStateError`, set to `drop` on a channel that may lose nothing.
        """
        return "drop" if self._incoming.held.drops else "wait"

    @receive_policy.setter
    def receive_policy(self, policy: Literal["wait", "drop"]) -> None:
        if policy not in ("wait", "drop"):
            raise ValueError(f"receive_policy: {policy!r} is neither 'wait' nor 'drop'")
        if policy == "drop" and self._is_reliable:
            raise DOMException("a reliable channel drops nothing", "InvalidStateError")
        self._incoming.held.drops = policy == "drop"

    @property
    def messages_dropped(self) -> int:
        """How many came and were dropped, since nobody read them."""
        return self._incoming.held.dropped

    def send(self, data: "str | Buffer | NDArray[Any]") -> None:
        """Sends a message: text arrives as text, with U+FFFD for lone surrogates (Web IDL's `USVString`).

        Bytes, and whatever else has contiguous memory, as numpy's arrays, arrive as bytes.

        Raises:
            DOMException: `InvalidStateError`, the channel is not open; `OperationError`, too much waits.
            TypeError: No text and no bytes, or more of them than the peer takes.
        """
        if self._state is not _OPEN or self._stream is None or self._sctp is None:
            raise DOMException(f"the channel is {self._state}", "InvalidStateError")
        if isinstance(data, str):
            size = len(data) if data.isascii() else len(utf8(data))
        else:
            data = data if isinstance(data, bytes) else bytes(memoryview(cast("Buffer", data)))
            size = len(data)
        longest = self._sctp.maxMessageSize
        if longest is not None and size > longest:
            raise TypeError(f"{size} bytes are more than the peer takes ({longest:.0f})")
        if self._buffered + size > self._sctp.max_buffer_size:
            raise DOMException("too much waits to be sent", "OperationError")
        if not self._stream.send(data):
            raise DOMException("too much waits in the association", "OperationError")
        self._buffered += size
        self._messages_sent += 1
        self._bytes_sent += size

    async def send_async(
        self, data: "str | Buffer | NDArray[Any]", *, high_water_bytes: int = _HIGH_WATER_BYTES
    ) -> None:
        """Sends a message once no more than `high_water_bytes` wait here, and 32 MiB in all channels.

        Raises as `send`.
        """
        if self._buffered > high_water_bytes:
            await self.buffered_at_most(high_water_bytes)
        if self._stream is not None and self._stream.backlog.is_full:
            await self._stream.backlog.room()
        self.send(data)
        if not self._messages_sent % _MESSAGES_IN_TURN:
            await asyncio.sleep(0)

    async def drained(self) -> None:
        """Returns when all that was sent has left.

        Raises:
            DOMException: `InvalidStateError`, the channel was closed before.
        """
        await self.buffered_at_most(0)
        if self._buffered:
            raise DOMException("the channel was closed before all had left", "InvalidStateError")

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """The messages, until the channel is closed. A `message` listener takes them instead."""
        async with contextlib.aclosing(self._incoming.messages()) as messages:
            async for message in messages:
                yield message

    def streams(self, *, limit_bytes: int = 64 * 1024) -> tuple[asyncio.StreamReader, ChannelWriter]:
        """The channel as asyncio's streams; the reader takes the messages, in place of an iteration.

        Args:
            limit_bytes: The longest line that is read; with twice as much unread the peer's window waits.

        Raises:
            DOMException: `InvalidStateError`, the channel may lose messages or change their order.
            RuntimeError: No event loop runs.
        """
        return open_streams(self, limit_bytes)

    async def closed(self) -> None:
        """Returns when the channel is closed."""
        while self._state is not RTCDataChannelState.CLOSED:
            self._left.clear()
            await self._left.wait()

    async def buffered_at_most(self, limit_bytes: int) -> None:
        """Returns when no more than so much waits to be sent, or the channel is closed."""
        while self._buffered > limit_bytes and self._state is not RTCDataChannelState.CLOSED:
            self._left.clear()
            await self._left.wait()

    def close(self) -> None:
        """Ends it in both directions, after what was sent."""
        if self._state in (RTCDataChannelState.CLOSING, RTCDataChannelState.CLOSED):
            return
        self._state = RTCDataChannelState.CLOSING
        if self._stream is not None:
            self._stream.close()

    @property
    def was_open(self) -> bool:
        """Whether it ever was."""
        return self._was_open

    def figures(self) -> dict[str, object]:
        """RTCDataChannelStats (webrtc-stats section 8.13), without what all figures have."""
        return {
            "label": self._label,
            "protocol": self._init.protocol,
            "dataChannelIdentifier": self._id,
            "state": str(self._state),
            "messagesSent": self._messages_sent,
            "bytesSent": self._bytes_sent,
            "messagesReceived": self._incoming.message_count,
            "bytesReceived": self._incoming.byte_count,
        }

    def set_id(self, id: int | None) -> None:
        """The DTLS role is known, and so the stream; None where it is another role, and not said yet."""
        self._id = id

    def set_open(self, stream: Stream, sctp: RTCSctpTransport) -> None:
        """The association has its streams (section 6.2.2)."""
        if self._state is RTCDataChannelState.CONNECTING:
            self.attach(stream, sctp)
            self.dispatchEvent(Event("open"))

    def attach(self, stream: Stream, sctp: RTCSctpTransport) -> None:
        """It is open, which nobody was told yet."""
        self._state = RTCDataChannelState.OPEN
        self._was_open = True
        self._stream = self._incoming.stream = stream
        self._sctp = sctp

    def receive(self, data: str | bytes, size_bytes: int) -> int:
        """A message came (section 6.2.6), of so many bytes on the wire; how many of them are consumed."""
        return self._incoming.receive(data, size_bytes) if self._state is _OPEN else size_bytes

    def sent(self, size_bytes: int) -> None:
        """So much of what waits has left."""
        before, self._buffered = self._buffered, max(0, self._buffered - size_bytes)
        self._left.set()
        if self._buffered <= self._low_threshold < before:
            self.dispatchEvent(Event("bufferedamountlow"))

    def set_closing(self) -> None:
        """The peer closes it (section 6.2.4)."""
        if self._state is RTCDataChannelState.OPEN:
            self._state = RTCDataChannelState.CLOSING
            self.dispatchEvent(Event("closing"))

    def set_closed(self, error: RTCError | None = None, *, silently: bool = False) -> None:
        """It is over (section 6.2.5, "announcing a data channel as closed"); a closed connection tells nobody
        (section 4.4.2, "close the connection")."""
        if self._state is RTCDataChannelState.CLOSED:
            return
        self._state = RTCDataChannelState.CLOSED
        self._incoming.end()
        self._stream = None
        self._left.set()
        if silently:
            return
        if error is not None:
            self.dispatchEvent(RTCErrorEvent("error", {"error": error}))
        self.dispatchEvent(Event("close"))
