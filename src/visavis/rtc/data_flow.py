"""The data channels' association at work: its messages become the channels' events (webrtc-pc section 6)."""

import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from visavis.datachannel import ChannelTable, Closed, Closing, Opened, Options, Received
from visavis.datachannel import Event as TableEvent
from visavis.dataplane.commands import DtlsRole
from visavis.events import Event
from visavis.rtc.data_channel import (
    RTCDataChannel,
    RTCDataChannelEvent,
    RTCDataChannelInit,
)
from visavis.rtc.error import RTCError, RTCErrorDetailType, RTCErrorEvent, RTCErrorInit
from visavis.rtc.network import Association, Link
from visavis.rtc.parameters import RTCPriorityType
from visavis.rtc.sctp_transport import RTCSctpTransport, RTCSctpTransportState

if TYPE_CHECKING:
    from visavis.rtc.connection import Connection

_log = logging.getLogger(__name__)

_BATCH = 256
"""Messages handed out in one task; then the loop's other work has its turn."""
_RESET_BY_PEER, _RESET_BY_US = -1, -2
_PRIORITIES = {
    RTCPriorityType.VERY_LOW: 128,
    RTCPriorityType.LOW: 256,
    RTCPriorityType.MEDIUM: 512,
    RTCPriorityType.HIGH: 1024,
}


class _ChannelStream:
    """One channel's way into the flow (`Stream`)."""

    __slots__ = ("_flow", "_id", "_send")

    def __init__(self, flow: "DataFlow", id: int) -> None:
        self._flow = flow
        self._id = id
        self._send = partial(flow.table.send, id)

    @property
    def send(self) -> Callable[[str | bytes], bool]:
        """Queues a message."""
        return self._send

    def close(self) -> None:
        """Resets our side."""
        self._flow.table.close(self._id)

    def release(self, size_bytes: int) -> None:
        """The program has taken so much."""
        self._flow.release(size_bytes)


class DataFlow:
    """One association: hears its link (`AssociationEvents`), lets its channels out (`Outlet`)."""

    def __init__(
        self, connection: "Connection", sctp: RTCSctpTransport, channels: list[RTCDataChannel], role: DtlsRole
    ) -> None:
        self.table = ChannelTable(self, is_dtls_client=role is DtlsRole.CLIENT)
        self._connection = connection
        self._sctp = sctp
        self._known = channels
        self._by_stream: dict[int, RTCDataChannel] = {}
        self._association: Association | None = None
        self._connected = False
        self._arrived: deque[tuple[int, int, bytes]] = deque()
        self._is_queued = False
        self._is_ready = False

    def begin(self, link: Link, local_port: int, remote_port: int, max_message_bytes: int) -> None:
        """Asks for the association; it begins when DTLS is connected."""
        self._association = link.open_association(local_port, remote_port, max_message_bytes, self)

    def add(self, made: RTCDataChannel) -> None:
        """Opens a channel that has its id, if the association is there already (section 6.1)."""
        if self._connected:
            self._connection.tasks.queue(lambda: self._open(made))

    def release(self, size_bytes: int) -> None:
        """The program has taken so much: the window opens again."""
        if self._association is not None and size_bytes:
            self._association.release_messages(size_bytes)

    def close(self) -> None:
        """Ends it abruptly."""
        if self._association is not None:
            self._association.close()
            self._association = None

    # What the table sends.

    def send(self, stream: int, ppid: int, data: bytes, options: Options, *, ordered: bool) -> bool:
        """Queues a message in the association."""
        return self._association is not None and self._association.send_message(
            stream,
            ppid,
            data,
            ordered=ordered,
            max_retransmits=options.max_retransmits,
            lifetime_ms=options.lifetime_ms,
            priority=options.priority,
        )

    def reset(self, stream: int) -> None:
        """Resets our side of a stream."""
        if self._association is not None:
            self._association.reset_streams(stream)

    # What the link tells.

    def association_state(self, state: str, reason: str, inbound: int, outbound: int) -> None:
        """`connected`, `closed` or `failed`."""
        if state == "connected":
            self._connection.tasks.queue(lambda: self._connect(min(inbound, outbound)))
        else:
            _log.debug("the data channels' association is %s: %s", state, reason)
            self._connection.tasks.queue(lambda: self._end(reason if state == "failed" else None))

    def messages_ready(self) -> None:
        """Something waits to be read."""
        self._is_ready = True
        self._queue()

    def _queue(self) -> None:
        if not self._is_queued:
            self._is_queued = True
            self._connection.tasks.queue(self._hand_out)

    # The tasks.

    def _connect(self, channels: int) -> None:
        """Section 6.1.1.3, "when an SCTP association is established"."""
        self._connected = True
        self._sctp.set_state(RTCSctpTransportState.CONNECTED, channels)
        self._sctp.dispatchEvent(Event("statechange"))
        for made in list(self._known):
            self._open(made)

    def _open(self, made: RTCDataChannel) -> None:
        if made.id is None or self._by_stream.get(made.id) is made or self._association is None:
            return
        if made.readyState == "closing":
            made.set_closed()
        if made.readyState != "connecting":
            return
        options = Options(
            made.label,
            made.protocol,
            ordered=made.ordered,
            max_retransmits=made.maxRetransmits,
            lifetime_ms=made.maxPacketLifeTime,
            priority=_PRIORITIES[made.priority],
        )
        is_beyond = self._sctp.maxChannels is not None and made.id >= self._sctp.maxChannels
        if is_beyond or not self.table.open(made.id, options, negotiated=made.negotiated):
            self._connection.data.fail(made, f"the stream {made.id} cannot be opened")
            return
        self._by_stream[made.id] = made
        made.set_open(_ChannelStream(self, made.id), self._sctp)

    def _hand_out(self) -> None:
        self._is_queued = False
        if self._association is None:
            return
        if self._is_ready and not self._arrived:
            self._is_ready = False
            arrived, left = self._association.read_messages()
            self._arrived.extend(arrived)
            for stream, size_bytes in left:
                own_bytes = self.table.left(stream, size_bytes)
                if own_bytes and (channel := self._by_stream.get(stream)):
                    channel.sent(own_bytes)
        released, next_arrived, hand_out = 0, self._arrived.popleft, self._hand_out_one
        for _ in range(min(_BATCH, len(self._arrived))):
            released += hand_out(*next_arrived())
        self.release(released)
        if self._arrived or self._is_ready:
            self._queue()

    def _hand_out_one(self, stream: int, ppid: int, data: bytes) -> int:
        """Returns how many bytes are consumed."""
        if ppid == _RESET_BY_PEER:
            events = self.table.reset_by_peer(stream)
        elif ppid == _RESET_BY_US:
            events = self.table.reset_by_us(stream)
        else:
            event = self.table.receive_untrusted(stream, ppid, data)
            if isinstance(event, Received) and (channel := self._by_stream.get(stream)):
                return channel.receive(event.data, len(data))
            events = [] if event is None else [event]
        for event in events:
            self._tell(event)
        return len(data)

    def _tell(self, event: TableEvent) -> None:
        if isinstance(event, Opened):
            self._announce(event)
        elif isinstance(event, Closing) and (channel := self._by_stream.get(event.stream)):
            channel.set_closing()
        elif isinstance(event, Closed) and (channel := self._by_stream.pop(event.stream, None)):
            channel.set_closed()

    def _announce(self, event: Opened) -> None:
        """Section 6.2, "when an underlying data transport is to be announced"."""
        options = event.options
        priority = next(
            (name for name, number in _PRIORITIES.items() if options.priority <= number), RTCPriorityType.HIGH
        )
        init = RTCDataChannelInit(
            ordered=options.ordered,
            maxPacketLifeTime=options.lifetime_ms,
            maxRetransmits=options.max_retransmits,
            protocol=options.protocol,
            priority=priority,
        )
        made = RTCDataChannel(options.label, init, event.stream)
        self._known.append(made)
        self._by_stream[event.stream] = made
        made.attach(_ChannelStream(self, event.stream), self._sctp)
        self._connection.target.dispatchEvent(RTCDataChannelEvent("datachannel", {"channel": made}))
        if made.readyState == "open":
            made.dispatchEvent(Event("open"))

    def _end(self, failure: str | None) -> None:
        """The association is gone: so are its channels, after what had come before (section 6.2.5)."""
        while self._association is not None and (self._is_ready or self._arrived):
            self._hand_out()
        if self._association is None:
            return
        self.close()
        self._sctp.set_state(RTCSctpTransportState.CLOSED)
        self._sctp.dispatchEvent(Event("statechange"))
        for channel in list(self._known):
            if failure is not None and channel.readyState != "closed":
                error = RTCError(RTCErrorInit(RTCErrorDetailType.SCTP_FAILURE), failure)
                channel.dispatchEvent(RTCErrorEvent("error", {"error": error}))
            channel.set_closed()
        self._by_stream.clear()
