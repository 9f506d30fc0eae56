"""The channels of one SCTP association, sans-IO: establishment, messages, closing (RFC 8831, RFC 8832)."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Protocol

from visavis.datachannel import dcep
from visavis.datachannel.dcep import Ack, Options, Ppid

_HIGHEST_STREAM = 65534
_FILLER = b"\0"
_DCEP, _TEXT, _BINARY = int(Ppid.DCEP), int(Ppid.TEXT), int(Ppid.BINARY)
_EMPTY_TEXT, _EMPTY_BINARY = int(Ppid.EMPTY_TEXT), int(Ppid.EMPTY_BINARY)
"""As numbers: an enumeration's members are slow to find, and each message needs one."""


class Outlet(Protocol):
    """The association's way out."""

    def send(self, stream: int, ppid: int, data: bytes, options: Options, *, ordered: bool) -> bool:
        """Queues a message; False: too much waits, and nothing was queued."""
        ...

    def reset(self, stream: int) -> None:
        """Resets our side of a stream after what is queued on it has left (RFC 6525)."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The peer opened a channel."""

    stream: int
    options: Options


@dataclass(slots=True)
class Received:
    """A message of a channel."""

    stream: int
    data: str | bytes


@dataclass(frozen=True, slots=True)
class Closing:
    """A channel ends, not by our wish."""

    stream: int


@dataclass(frozen=True, slots=True)
class Closed:
    """Both sides of a channel's stream are reset: its number is free."""

    stream: int


Event = Opened | Received | Closing | Closed


@dataclass(slots=True)
class _Channel:
    """`queued` and `left` count bytes on the wire; `unseen` says which of them are no program's."""

    options: Options
    confirmed: bool
    closing: bool = False
    reset_by_us: bool = False
    reset_by_peer: bool = False
    queued: int = 0
    left: int = 0
    unseen: deque[int] = field(default_factory=deque[int])


class ChannelTable:
    """Who uses which stream. What the peer does against the rules closes its channel and is counted."""

    def __init__(self, outlet: Outlet, *, is_dtls_client: bool, streams: int = _HIGHEST_STREAM + 1) -> None:
        self.refused: Counter[str] = Counter()
        self._outlet = outlet
        self._our_parity = 0 if is_dtls_client else 1
        self._streams = min(streams, _HIGHEST_STREAM + 1)
        self._channels: dict[int, _Channel] = {}

    def open(self, stream: int, options: Options, *, negotiated: bool) -> bool:
        """Opens a channel, by a DATA_CHANNEL_OPEN unless the programs have agreed on it themselves.

        Returns:
            False if the stream is in use, is beyond the association's, or too much waits to be sent.
        """
        if stream in self._channels or not 0 <= stream < self._streams:
            return False
        made = _Channel(options, confirmed=negotiated)
        if not negotiated and not self._send_control(stream, made, dcep.write_open(options)):
            return False
        self._channels[stream] = made
        return True

    def send(self, stream: int, data: str | bytes) -> bool:
        """Sends a message; ordered until the peer is known to have the channel (RFC 8832 section 6).

        Returns:
            False if the channel is not open, or too much waits to be sent.
        """
        channel = self._channels.get(stream)
        if channel is None or channel.closing:
            return False
        if isinstance(data, str):
            ppid, payload = (_TEXT, dcep.utf8(data)) if data else (_EMPTY_TEXT, _FILLER)
        else:
            ppid, payload = (_BINARY, data) if data else (_EMPTY_BINARY, _FILLER)
        ordered = channel.options.ordered or not channel.confirmed
        if not self._outlet.send(stream, ppid, payload, channel.options, ordered=ordered):
            return False
        if not data:
            channel.unseen.append(channel.queued)
        channel.queued += len(payload)
        return True

    def close(self, stream: int) -> None:
        """Begins to close a channel (RFC 8831 section 6.7)."""
        channel = self._channels.get(stream)
        if channel is not None and not channel.closing:
            channel.closing = True
            self._outlet.reset(stream)

    def left(self, stream: int, size_bytes: int) -> int:
        """So much of a stream left the send queue: how much of that were the program's bytes."""
        channel = self._channels.get(stream)
        if channel is None:
            return 0
        channel.left += size_bytes
        own = size_bytes
        while channel.unseen and channel.unseen[0] < channel.left:
            channel.unseen.popleft()
            own -= 1
        return own

    def receive_untrusted(self, stream: int, ppid: int, data: bytes) -> Event | None:
        """A message came."""
        if ppid == _DCEP:
            return self._control_untrusted(stream, data)
        channel = self._channels.get(stream)
        if channel is None or channel.reset_by_peer:
            self.refused["message without a channel"] += 1
            return None
        channel.confirmed = True
        if channel.closing:
            return None
        if ppid == _BINARY:
            return Received(stream, data)
        if ppid == _TEXT:
            return Received(stream, data.decode(errors="replace"))
        if ppid == _EMPTY_TEXT:
            return Received(stream, "")
        if ppid == _EMPTY_BINARY:
            return Received(stream, b"")
        return self._refuse(stream, "unknown kind of message")

    def reset_by_peer(self, stream: int) -> list[Event]:
        """The peer reset its side; ours follows."""
        channel = self._channels.get(stream)
        if channel is None:
            return []
        channel.reset_by_peer = True
        told: list[Event] = []
        if not channel.closing:
            self.close(stream)
            told.append(Closing(stream))
        return told + self._end(stream, channel)

    def reset_by_us(self, stream: int) -> list[Event]:
        """Our side is reset."""
        channel = self._channels.get(stream)
        if channel is None or not channel.closing:
            return []
        channel.reset_by_us = True
        return self._end(stream, channel)

    def _end(self, stream: int, channel: _Channel) -> list[Event]:
        if not (channel.reset_by_us and channel.reset_by_peer):
            return []
        del self._channels[stream]
        return [Closed(stream)]

    def _control_untrusted(self, stream: int, data: bytes) -> Event | None:
        channel = self._channels.get(stream)
        message = dcep.parse_untrusted(data)
        if isinstance(message, Ack):
            if channel is None:
                self.refused["acknowledgement without a channel"] += 1
            else:
                channel.confirmed = True
            return None
        if message is None:
            return self._refuse(stream, "malformed control message")
        if channel is not None:
            return self._refuse(stream, "stream in use")
        if stream % 2 == self._our_parity or stream >= self._streams:
            return self._refuse(stream, "stream not the peer's to open")
        made = _Channel(message, confirmed=True)
        self._channels[stream] = made
        if not self._send_control(stream, made, dcep.write_ack()):
            del self._channels[stream]
            return self._refuse(stream, "too much waits to acknowledge")
        return Opened(stream, message)

    def _send_control(self, stream: int, channel: _Channel, data: bytes) -> bool:
        if not self._outlet.send(
            stream, Ppid.DCEP, data, Options(priority=channel.options.priority), ordered=True
        ):
            return False
        channel.unseen.extend(range(channel.queued, channel.queued + len(data)))
        channel.queued += len(data)
        return True

    def _refuse(self, stream: int, why: str) -> Event | None:
        """Closes the channel of a stream (RFC 8832 section 6); one that is none yet is one until it ended."""
        self.refused[why] += 1
        if not 0 <= stream < self._streams:
            return None
        known = stream in self._channels
        channel = self._channels.setdefault(stream, _Channel(Options(), confirmed=True))
        if channel.closing:
            return None
        self.close(stream)
        return Closing(stream) if known else None
