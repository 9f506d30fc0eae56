"""The data channels' association at work: its messages become the channels' events (webrtc-pc section 6)."""

import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from visavis.datachannel import ChannelTable, Closed, Closing, Opened, Options, Received
from visavis.datachannel import Event as TableEvent
from visavis.dataplane import Arrivals
from visavis.dataplane.commands import DtlsRole
from visavis.events import Event
from visavis.rtc.backlog import Backlog
from visavis.rtc.data_channel import RTCDataChannel
from visavis.rtc.data_channel_event import RTCDataChannelEvent
from visavis.rtc.data_channel_init import RTCDataChannelInit
from visavis.rtc.error import RTCError, RTCErrorDetailType, RTCErrorInit
from visavis.rtc.network import Association, Link
from visavis.rtc.parameters import RTCPriorityType
from visavis.rtc.sctp_transport import RTCSctpTransport, RTCSctpTransportState

if TYPE_CHECKING:
    from visavis.rtc.connection import Connection

_log = logging.getLogger(__name__)

_READS = 8
"""What waits for its task when more is not read any more; nor is it behind a read that was cut short."""
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

    @property
    def backlog(self) -> Backlog:
        """Of all channels."""
        return self._flow.backlog

    def close(self) -> None:
        """Resets our side."""
        self._flow.table.close(self._id)

    def release(self, size_bytes: int) -> None:
        """The program has taken so much."""
        self._flow.release(size_bytes)


class DataFlow:
    """One association: hears its link (`AssociationEvents`), lets its channels out (`Outlet`)."""

    def __init__(self, connection: "Connection", sctp: RTCSctpTransport, role: DtlsRole) -> None:
        self.table = ChannelTable(self, is_dtls_client=role is DtlsRole.CLIENT)
        self.backlog = Backlog()
        self.role = role
        self._connection = connection
        self._sctp = sctp
        self._by_stream: dict[int, RTCDataChannel] = {}
        self._association: Association | None = None
        self._connected = False
        self._reads: deque[Arrivals] = deque()
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

    def end(self) -> None:
        """A description has no data any more: its channels are closed, as both ends agreed to."""
        channels = self._connection.data.channels
        self._connection.tasks.queue(lambda: self._end(None, channels))

    def give_way(self) -> None:
        """Another association takes its place: those of its channels that nobody could use yet are the
        other's."""

        def end() -> None:
            channels = self._connection.data.channels
            self._end(None, [made for made in channels if made.readyState != "connecting"])

        self._connection.tasks.queue(end)

    def close(self) -> None:
        """Ends it abruptly."""
        if self._association is not None:
            self._association.close()
            self._association = None
            self.backlog.end()

    # What the table sends.

    def send(self, stream: int, ppid: int, data: bytes, options: Options, *, ordered: bool) -> bool:
        """Queues a message in the association."""
        is_queued = self._association is not None and self._association.send_message(
            stream,
            ppid,
            data,
            ordered=ordered,
            max_retransmits=options.max_retransmits,
            lifetime_ms=options.lifetime_ms,
            priority=options.priority,
        )
        if is_queued:
            self.backlog.enter(len(data))
        return is_queued

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
            self._connection.tasks.queue(lambda: self._end(reason, self._connection.data.channels))

    def messages_ready(self) -> None:
        """Something waits to be read. It is read now, for a task of its own: the ends of two channels in one
        event loop have their events in the order of what happened, a message after its leaving."""
        self._is_ready = True
        self._read()

    def _read(self) -> None:
        """Reads, unless enough waits for its task; the last of these reads on.

        Nothing before the channels are open: a peer that was told of the association first may send at once
        what comes before we are told, and a channel that both negotiated themselves would lose it.
        """
        is_behind = self._reads and (len(self._reads) >= _READS or self._reads[-1].more)
        if self._association is None or not self._connected or not self._is_ready or is_behind:
            return
        read = self._association.read_messages()
        self._is_ready = read.more
        self._reads.append(read)
        self._connection.tasks.queue(self._hand_out)

    # The tasks.

    def _connect(self, channels: int) -> None:
        """Section 6.1.1.3, "when an SCTP association is established"."""
        self._connected = True
        self._sctp.set_state(RTCSctpTransportState.CONNECTED, channels)
        self._sctp.dispatchEvent(Event("statechange"))
        for made in self._connection.data.channels:
            self._open(made)
        self._read()

    def _open(self, made: RTCDataChannel) -> None:
        if made.id is None or self._by_stream.get(made.id) is made or self._association is None:
            return
        if made.readyState == "closing":
            self._connection.data.end(made)
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
        if self._association is None or not self._reads:
            return
        read = self._reads[0]
        if read.left:
            self._reads[0] = Arrivals(read.arrived, [], read.more)
            self._count_off(read.left)
            if read.arrived:  # a task later, as what was read together may have come after another end's news
                self._connection.tasks.queue(self._hand_out)
                return
        self._reads.popleft()
        released, hand_out = 0, self._hand_out_one
        for stream, ppid, data in read.arrived:
            released += hand_out(stream, ppid, data)
        self.release(released)
        self._read()

    def _count_off(self, left: list[tuple[int, int]]) -> None:
        """What has left waits no more (section 6.2, bufferedAmount)."""
        for stream, size_bytes in left:
            self.backlog.leave(size_bytes)
            own_bytes = self.table.left(stream, size_bytes)
            if own_bytes and (channel := self._by_stream.get(stream)):
                channel.sent(own_bytes)

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
            self._connection.data.end(channel)

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
        self._connection.data.add(made)
        self._by_stream[event.stream] = made
        made.attach(_ChannelStream(self, event.stream), self._sctp)
        self._connection.target.dispatchEvent(RTCDataChannelEvent("datachannel", {"channel": made}))
        if made.readyState == "open":
            made.dispatchEvent(Event("open"))

    def _end(self, reason: str | None, channels: list[RTCDataChannel]) -> None:
        """The peer ended the association, or it failed: so do its channels, after what had come before
        (section 6.2.5). That is an error: who wants no more closes channels, not the association (RFC 8831
        section 6.7). Without a reason it is none."""
        while self._association is not None and self._connected and (self._is_ready or self._reads):
            self._read()
            self._hand_out()
        if self._association is None:
            return
        self.close()
        self._sctp.set_state(RTCSctpTransportState.CLOSED)
        self._sctp.dispatchEvent(Event("statechange"))
        for channel in channels:
            error = None
            if reason is not None:
                error = RTCError(RTCErrorInit(RTCErrorDetailType.SCTP_FAILURE), reason)
            self._connection.data.end(channel, error)
        self._by_stream.clear()
