"""RTCDataChannel (webrtc-pc section 6.2) and RTCDataChannelEvent (section 6.3)."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol

from visavis.errors import DOMException
from visavis.events import Event, EventHandler, EventTarget
from visavis.rtc import idl
from visavis.rtc.error import RTCError, RTCErrorDetailType, RTCErrorEvent, RTCErrorInit
from visavis.rtc.idl import UnsignedLong, UnsignedShort
from visavis.rtc.parameters import RTCPriorityType
from visavis.rtc.sctp_transport import RTCSctpTransport

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from visavis.rtc.channel_streams import ChannelWriter

_log = logging.getLogger(__name__)
_RELEASE_BYTES = 64 << 10
"""Bytes that were taken are told in lumps of this: each telling may wake a thread."""

_LONGEST_TEXT_BYTES = 65535


class RTCDataChannelState(StrEnum):
    """Whether messages can be sent."""

    CONNECTING = "connecting"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


@dataclass(slots=True)
class RTCDataChannelInit:
    """How a channel delivers; `id` counts only where the program negotiates it itself."""

    ordered: bool = True
    maxPacketLifeTime: UnsignedShort | None = None
    maxRetransmits: UnsignedShort | None = None
    protocol: str = ""
    negotiated: bool = False
    id: UnsignedShort | None = None
    priority: RTCPriorityType = RTCPriorityType.LOW


class MessageEvent(Event):
    """A message came (HTML section 9.1)."""

    def __init__(self, type: str, data: str | bytes) -> None:
        super().__init__(type)
        self._data = data

    @property
    def data(self) -> str | bytes:
        """The message: text or bytes, as the peer sent it."""
        return self._data


class Stream(Protocol):
    """A channel's streams of the SCTP association."""

    def send(self, data: "str | Buffer") -> bool:
        """Queues a message, False if too much waits; `RTCDataChannel.sent` tells when it left."""
        ...

    def close(self) -> None:
        """Begins to reset the streams (RFC 8831 section 6.7); `RTCDataChannel.set_closed` tells the end."""

    def release(self, count_bytes: int) -> None:
        """So much of what came was taken: the peer may send as much."""


class RTCDataChannel(EventTarget):
    """Messages both ways. `createDataChannel` and the peer make them.

    Messages are heard by `onmessage` and its like, or taken by `async for message in channel`; what nobody
    hears waits for that. What waits counts against the window of the association, all channels' together.
    """

    high_water_bytes: int = 1 << 20
    """`send_async` waits while more is buffered."""

    receive_bytes: int = 256 << 10
    """This channel's share of what may wait to be taken. When more does, that is logged once; what counts
    then is `receive_policy`."""

    receive_policy: Literal["wait", "drop"] = "wait"
    """What becomes of messages beyond `receive_bytes`: they wait, and in the end the peer's sending does, on
    all channels; or they are dropped, on a channel that may lose messages."""

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
        self._counts = {"messagesSent": 0, "bytesSent": 0, "messagesReceived": 0, "bytesReceived": 0}
        self._stream: Stream | None = None
        self._sctp: RTCSctpTransport | None = None
        self._waiting: deque[tuple[str | bytes, int]] = deque()
        self._waiting_bytes = 0
        self._taken_bytes = 0
        self._readers = 0
        self._was_full = False
        self._dropped = 0
        self._changed: set[asyncio.Future[None]] = set()
        self._work: set[asyncio.Task[None]] = set()

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

    def send(self, data: "str | Buffer") -> None:
        """Sends a message: text arrives as text; bytes, and whatever has its memory in one piece (bytearray,
        memoryview, a numpy array), as bytes. It is copied.

        Raises:
            DOMException: `InvalidStateError`, the channel is not open; `OperationError`, too much waits.
            TypeError: No text and no bytes, or more of them than the peer takes.
        """
        if self._state is not RTCDataChannelState.OPEN or self._stream is None or self._sctp is None:
            raise DOMException(f"the channel is {self._state}", "InvalidStateError")
        size = _size(data)
        if self._sctp.maxMessageSize is not None and size > self._sctp.maxMessageSize:
            raise TypeError(f"{size} bytes are more than the peer takes ({self._sctp.maxMessageSize:.0f})")
        if self._buffered + size > self._sctp.max_buffer_size or not self._stream.send(data):
            raise DOMException("too much waits to be sent", "OperationError")
        self._buffered += size
        self._count("Sent", size)

    async def send_async(self, data: "str | Buffer") -> None:
        """As `send`, after waiting until the channel is open and no more than `high_water_bytes` are
        buffered."""
        while self._state is RTCDataChannelState.CONNECTING or (
            self._state is RTCDataChannelState.OPEN and self._buffered > self.high_water_bytes
        ):
            await self.next_change()
        self.send(data)

    async def drained(self) -> None:
        """Returns when nothing is buffered any more: all has left, or the channel is closed."""
        while self._buffered and self._state is not RTCDataChannelState.CLOSED:
            await self.next_change()

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """The messages, from those on that wait, until the channel is closed."""
        self._readers += 1
        try:
            while True:
                while self._waiting:
                    message, size = self._waiting.popleft()
                    self._waiting_bytes -= size
                    yield message
                    self._take(size)
                self._tell_taken()
                if self._state is RTCDataChannelState.CLOSED:
                    return
                await self.next_change()
        finally:
            self._readers -= 1

    def streams(self) -> "tuple[asyncio.StreamReader, ChannelWriter]":
        """The channel as a stream of bytes, as asyncio has them: (reader, writer). Borders of messages mean
        nothing there; text is read as UTF-8."""
        from visavis.rtc.channel_streams import open_streams  # noqa: PLC0415 - which knows this class

        return open_streams(self)

    def close(self) -> None:
        """Begins to reset the streams (RFC 8831 section 6.7); `RTCDataChannel.set_closed` tells the end."""

    def release(self, count_bytes: int) -> None:
        """So much of what came was taken: the peer may send as much."""


class RTCDataChannel(EventTarget):
    """Messages both ways. `createDataChannel` and the peer make them.

    Messages are heard by `onmessage` and its like, or taken by `async for message in channel`; what nobody
    hears waits for that. What waits counts against the window of the association, all channels' together.
    """

    high_water_bytes: int = 1 << 20
    """`send_async` waits while more is buffered."""

    receive_bytes: int = 256 << 10
    """This channel's share of what may wait to be taken. When more does, that is logged once; what counts
    then is `receive_policy`."""

    receive_policy: Literal["wait", "drop"] = "wait"
    """What becomes of messages beyond `receive_bytes`: they wait, and in the end the peer's sending does, on
    all channels; or they are dropped, on a channel that may lose messages."""

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
        self._counts = {"messagesSent": 0, "bytesSent": 0, "messagesReceived": 0, "bytesReceived": 0}
        self._stream: Stream | None = None
        self._sctp: RTCSctpTransport | None = None
        self._waiting: deque[tuple[str | bytes, int]] = deque()
        self._waiting_bytes = 0
        self._taken_bytes = 0
        self._readers = 0
        self._was_full = False
        self._dropped = 0
        self._changed: set[asyncio.Future[None]] = set()
        self._work: set[asyncio.Task[None]] = set()

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

    def send(self, data: str | bytes | bytearray | memoryview) -> None:
        """Sends a message: text arrives as text, bytes as bytes.

        Raises:
            DOMException: `InvalidStateError`, the channel is not open; `OperationError`, too much waits.
            TypeError: No text and no bytes, or more of them than the peer takes.
        """
        if self._state is not RTCDataChannelState.OPEN or self._stream is None or self._sctp is None:
            raise DOMException(f"the channel is {self._state}", "InvalidStateError")
        message = data if isinstance(data, str) else bytes(data)
        size = len(message.encode()) if isinstance(message, str) else len(message)
        if self._sctp.maxMessageSize is not None and size > self._sctp.maxMessageSize:
            raise TypeError(f"{size} bytes are more than the peer takes ({self._sctp.maxMessageSize:.0f})")
        if self._buffered + size > self._sctp.max_buffer_size:
            raise DOMException("too much waits to be sent", "OperationError")
        self._buffered += size
        self._count("Sent", size)
        self._stream.send(message)

    def close(self) -> None:
        """Ends it in both directions, after what was sent."""
        if self._state in (RTCDataChannelState.CLOSING, RTCDataChannelState.CLOSED):
            return
        self._state = RTCDataChannelState.CLOSING
        if self._stream is not None:
            self._stream.close()

    @property
    def init(self) -> RTCDataChannelInit:
        """What it was made with."""
        return self._init

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
            **self._counts,
        }

    @property
    def dropped(self) -> int:
        """How many messages were dropped, as `receive_policy` says."""
        return self._dropped

    def next_change(self) -> "asyncio.Future[None]":
        """Done at the next change of state, or of what waits."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._changed.add(future)
        future.add_done_callback(self._changed.discard)
        return future

    def _tell_change(self) -> None:
        for future in tuple(self._changed):
            if not future.done():
                future.set_result(None)

    def _take(self, size_bytes: int) -> None:
        self._taken_bytes += size_bytes
        if self._taken_bytes >= _RELEASE_BYTES:
            self._tell_taken()

    def _tell_taken(self) -> None:
        if self._taken_bytes and self._stream is not None:
            self._stream.release(self._taken_bytes)
        self._taken_bytes = 0

    def _count(self, direction: str, size_bytes: int) -> None:
        self._counts[f"messages{direction}"] += 1
        self._counts[f"bytes{direction}"] += size_bytes

    def run(self, work: Coroutine[object, object, None]) -> None:
        """Has a coroutine run that belongs to the channel."""
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def set_id(self, id: int) -> None:
        """The DTLS role is known, and so the stream."""
        self._id = id

    def set_open(self, stream: Stream, sctp: RTCSctpTransport) -> None:
        """The association has its streams (section 6.2.2)."""
        if self._state is RTCDataChannelState.CONNECTING:
            self.set_stream(stream, sctp)
            self.dispatchEvent(Event("open"))

    def set_stream(self, stream: Stream, sctp: RTCSctpTransport) -> None:
        """The association has its streams; the event comes later (section 6.1, "a data channel is
        announced")."""
        self._state = RTCDataChannelState.OPEN
        self._was_open = True
        self._stream, self._sctp = stream, sctp
        self._tell_change()

    def take_at_once(self, data: str | bytes, size_bytes: int) -> bool:
        """Whether a message, of so many bytes as it came, went to a program that reads: it takes no task."""
        if not self._readers or self._state is not RTCDataChannelState.OPEN or self.has_listeners("message"):
            return False
        self._count("Received", size_bytes)
        self._keep(data, size_bytes)
        return True

    def receive(self, data: str | bytes, size_bytes: int) -> None:
        """A message came (section 6.2.6), so many bytes; without a listener it waits to be read."""
        if self._state is not RTCDataChannelState.OPEN:
            self._take(size_bytes)
            return
        self._count("Received", size_bytes)
        if not self.has_listeners("message"):
            self._keep(data, size_bytes)
            return
        self.dispatchEvent(MessageEvent("message", data))
        self._take(size_bytes)
        self._tell_taken()

    def _keep(self, data: str | bytes, size_bytes: int) -> None:
        if self._waiting_bytes + size_bytes > self.receive_bytes:
            is_reliable = self._init.maxRetransmits is None and self._init.maxPacketLifeTime is None
            drops = self.receive_policy == "drop" and not is_reliable
            if not self._was_full:
                self._was_full = True
                what = "what comes is dropped" if drops else "the peer will have to wait"
                _log.warning(
                    "data channel %r has %d bytes that nobody reads: %s",
                    self._label,
                    self._waiting_bytes,
                    what,
                )
            if drops:
                self._dropped += 1
                self._take(size_bytes)
                return
        self._waiting.append((data, size_bytes))
        self._waiting_bytes += size_bytes
        if self._changed:
            self._tell_change()

    def sent(self, size_bytes: int) -> None:
        """So much of what waits has left."""
        before, self._buffered = self._buffered, max(0, self._buffered - size_bytes)
        if self._changed:
            self._tell_change()
        if self._buffered <= self._low_threshold < before:
            self.dispatchEvent(Event("bufferedamountlow"))

    def set_closing(self) -> None:
        """The peer closes it (section 6.2.4)."""
        if self._state is RTCDataChannelState.OPEN:
            self._state = RTCDataChannelState.CLOSING
            self._tell_change()
            self.dispatchEvent(Event("closing"))

    def fail(self, message: str) -> None:
        """The association failed: the channel is closed, with the error (section 6.2.5)."""
        if self._state is not RTCDataChannelState.CLOSED:
            self._state = RTCDataChannelState.CLOSED
            self._stream = None
            self._tell_change()
            error = RTCError(RTCErrorInit(RTCErrorDetailType.SCTP_FAILURE), message)
            self.dispatchEvent(RTCErrorEvent("error", {"error": error}))
            self.dispatchEvent(Event("close"))

    def set_closed(self, *, silently: bool = False) -> None:
        """It is over; a closed connection tells nobody (section 4.4.2, "close the connection")."""
        if self._state is RTCDataChannelState.CLOSED:
            return
        self._tell_taken()
        self._state = RTCDataChannelState.CLOSED
        self._stream = None
        self._tell_change()
        if not silently:
            self.dispatchEvent(Event("close"))


def _size(data: "str | Buffer") -> int:
    """Bytes of a message. Raises TypeError for what has none."""
    if isinstance(data, str):
        return len(data) if data.isascii() else len(data.encode("utf-8", "surrogatepass"))
    return len(data) if isinstance(data, bytes) else memoryview(data).nbytes


def channel(label: str, init: RTCDataChannelInit) -> RTCDataChannel:
    """Creates what `createDataChannel` returns (section 6.1).

    Raises:
        TypeError: A text is too long, both limits of sending again are there, or a negotiated channel has no
            id, or 65,535.
    """
    for what, text in (("label", label), ("protocol", init.protocol)):
        if len(text.encode("utf-8", "surrogatepass")) > _LONGEST_TEXT_BYTES:
            raise TypeError(f"a {what} has at most {_LONGEST_TEXT_BYTES:,} bytes")
    id = init.id if init.negotiated else None
    if init.negotiated and id is None:
        raise TypeError("a negotiated channel needs an id")
    if init.maxPacketLifeTime is not None and init.maxRetransmits is not None:
        raise TypeError("maxPacketLifeTime and maxRetransmits exclude each other")
    if id == _LONGEST_TEXT_BYTES:
        raise TypeError("the highest id is 65534")
    return RTCDataChannel(label, init, id)


@dataclass(slots=True)
class RTCDataChannelEventInit:
    """What an `RTCDataChannelEvent` is made from."""

    channel: RTCDataChannel
    bubbles: bool = False
    cancelable: bool = False


class RTCDataChannelEvent(Event):
    """The peer opened a channel."""

    def __init__(self, type: str, eventInitDict: RTCDataChannelEventInit | Mapping[str, object]) -> None:
        init = idl.dictionary(RTCDataChannelEventInit, eventInitDict)
        super().__init__(type, {"bubbles": init.bubbles, "cancelable": init.cancelable})
        self._channel = init.channel

    @property
    def channel(self) -> RTCDataChannel:
        """The channel."""
        return self._channel
