"""The channels over one SCTP association: how they open, what they carry, how they close (RFC 8831, 8832)."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from visavis.datachannel import Acknowledge, Open, Ppid, decode_untrusted, encode, parse_untrusted
from visavis.dataplane.commands import DtlsRole
from visavis.errors import RemoteProtocolError
from visavis.rtc.data_channel import RTCDataChannel, RTCDataChannelInit
from visavis.rtc.network import DataPath
from visavis.rtc.parameters import RTCPriorityType

if TYPE_CHECKING:
    from typing_extensions import Buffer

_log = logging.getLogger(__name__)
_PEER_RESET = -1
_OUR_RESET = -2

_PRIORITIES = {
    RTCPriorityType.VERY_LOW: 128,
    RTCPriorityType.LOW: 256,
    RTCPriorityType.MEDIUM: 512,
    RTCPriorityType.HIGH: 1024,
}
"""RFC 8831 section 6.4."""


class ChannelStream:
    """A channel's two streams: what it sends on, and what of its closing is done."""

    def __init__(self, association: "DataAssociation", id: int, init: RTCDataChannelInit) -> None:
        self.id = id
        self.acknowledged = init.negotiated
        self.reset_wanted = False
        self.reset_done = False
        self.peer_reset = False
        self.control_bytes = 0
        """What is in the queue that is not the program's."""
        self._association = association
        self._ordered = init.ordered
        self._max_retransmits = init.maxRetransmits
        self._lifetime_ms = init.maxPacketLifeTime
        self._priority = _PRIORITIES[init.priority]

    def send(self, data: "str | Buffer") -> bool:
        """Hands a message down; False if too much waits.

        Before the peer has answered OPEN all is ordered, so that nothing overtakes it (RFC 8832 section 6).
        """
        ppid, content, size = encode(data)
        sent = self._association.path.send(
            self.id,
            ppid,
            content,
            ordered=self._ordered or not self.acknowledged,
            max_retransmits=self._max_retransmits,
            lifetime_ms=self._lifetime_ms,
            priority=self._priority,
        )
        if sent and not size:
            self.control_bytes += 1
        return sent

    def send_control(self, message: bytes) -> None:
        """Sends a message of DCEP: in order, until it arrives (RFC 8832 section 4)."""
        if self._association.path.send(self.id, Ppid.DCEP, message, priority=self._priority):
            self.control_bytes += len(message)

    def left(self, count_bytes: int) -> int:
        """How many of the bytes that have left were the program's."""
        control = min(self.control_bytes, count_bytes)
        self.control_bytes -= control
        return count_bytes - control

    def close(self) -> None:
        """Resets our stream, once (RFC 8831 section 6.7)."""
        if not self.reset_wanted:
            self.reset_wanted = True
            self._association.path.reset((self.id,))

    def release(self, count_bytes: int) -> None:
        """The program has taken so much."""
        self._association.path.release(count_bytes)


class DataAssociation:
    """What happens on an association, from when it is connected.

    Args:
        path: The association.
        role: Ours in DTLS: whose channels have odd numbers (RFC 8832 section 6).
        find: A channel that was created here, by its number.
        announce: A channel of the peer's came.
        queue: Has something done in a task of its own (HTML section 8.1.7).
    """

    def __init__(
        self,
        path: DataPath,
        role: DtlsRole,
        find: Callable[[int], RTCDataChannel | None],
        announce: Callable[[RTCDataChannel, ChannelStream], None],
        queue: Callable[[Callable[[], object]], None],
    ) -> None:
        self.path = path
        self.refused = 0
        """Messages that broke a rule."""
        self._role = role
        self._find = find
        self._announce = announce
        self._queue = queue
        self._channels: dict[int, tuple[RTCDataChannel, ChannelStream]] = {}

    def open(self, channel: RTCDataChannel, init: RTCDataChannelInit) -> ChannelStream:
        """A channel of ours gets its streams; the peer is told, unless it knows."""
        assert channel.id is not None
        stream = ChannelStream(self, channel.id, init)
        self._channels[channel.id] = channel, stream
        if not init.negotiated:
            message = Open(
                channel.label,
                channel.protocol,
                init.ordered,
                init.maxRetransmits,
                init.maxPacketLifeTime,
                _PRIORITIES[init.priority],
            )
            stream.send_control(message.to_bytes())
        return stream

    def read(self) -> None:
        """Takes what waits: what has left its queues, and what came."""
        arrived, left = self.path.read()
        for id, count_bytes in left:
            if (found := self._channels.get(id)) is not None and (ours := found[1].left(count_bytes)):
                self._queue(lambda channel=found[0], ours=ours: channel.sent(ours))
        for id, ppid, data in arrived:
            if ppid in (Ppid.BINARY, Ppid.TEXT, Ppid.TEXT_EMPTY, Ppid.BINARY_EMPTY):
                self._take(id, ppid, data)
            elif ppid == Ppid.DCEP:
                self.path.release(len(data))
                self._handle_control_untrusted(id, data)
            elif ppid in (_PEER_RESET, _OUR_RESET):
                self._handle_reset(id, by_peer=ppid == _PEER_RESET)
            else:
                self.path.release(len(data))
                self._refuse(id, f"a message of the unknown kind {ppid}")

    def _take(self, id: int, ppid: int, data: bytes) -> None:
        entry = self._channels.get(id)
        if entry is None:
            self.path.release(len(data))
            self._refuse(id, "a message of no channel")
            return
        channel, stream = entry
        # What the peer sends on it says as much as its answer (RFC 8832 section 6).
        stream.acknowledged = True
        message = decode_untrusted(ppid, data)
        assert message is not None
        if channel.take_at_once(message, len(data)):
            return
        self._queue(lambda: channel.receive(message, len(data)))

    def _handle_control_untrusted(self, id: int, data: bytes) -> None:
        try:
            message = parse_untrusted(data)
        except RemoteProtocolError as error:
            self._refuse(id, str(error))
            self.path.reset((id,))
            return
        entry = self._channels.get(id)
        if isinstance(message, Acknowledge):
            if entry is not None:
                entry[1].acknowledged = True
            return
        ours_are_odd = self._role is DtlsRole.SERVER
        if entry is not None or self._find(id) is not None or bool(id % 2) is ours_are_odd:
            # Section 6: such a channel is closed.
            self._refuse(id, "a channel under a number that is not free, or not the peer's")
            if entry is None:
                self.path.reset((id,))
            return
        init = RTCDataChannelInit(
            ordered=message.ordered,
            maxPacketLifeTime=message.max_packet_lifetime_ms,
            maxRetransmits=message.max_retransmits,
            protocol=message.protocol,
            id=id,
            priority=_priority(message.priority),
        )
        channel = RTCDataChannel(message.label, init, id)
        stream = ChannelStream(self, id, init)
        stream.acknowledged = True
        self._channels[id] = channel, stream
        stream.send_control(Acknowledge().to_bytes())
        self._announce(channel, stream)

    def _handle_reset(self, id: int, *, by_peer: bool) -> None:
        entry = self._channels.get(id)
        if entry is None:
            return
        channel, stream = entry
        if by_peer:
            stream.peer_reset = True
            stream.close()
        else:
            stream.reset_done = True
        if stream.peer_reset and stream.reset_done:
            del self._channels[id]
            self._queue(channel.set_closed)
        elif by_peer:
            self._queue(channel.set_closing)

    def _refuse(self, id: int, what: str) -> None:
        self.refused += 1
        _log.debug("on stream %d the peer sent %s", id, what)


def _priority(number: int) -> RTCPriorityType:
    """The highest that is no higher (RFC 8831 section 6.4)."""
    fitting = [one for one, at_least in _PRIORITIES.items() if at_least <= number]
    return fitting[-1] if fitting else RTCPriorityType.VERY_LOW
