"""The Data Channel Establishment Protocol (RFC 8832 section 5)."""

import struct
from dataclasses import dataclass

from visavis.errors import RemoteProtocolError

_ACK = 0x02
_OPEN = 0x03
_UNORDERED = 0x80
_RELIABLE, _RETRANSMITS, _LIFETIME = 0, 1, 2
_OPEN_FIELDS = struct.Struct("!BBHIHH")


@dataclass(frozen=True, slots=True)
class Open:
    """DATA_CHANNEL_OPEN (section 5.1): a channel as the peer is to have it; at most one of the limits is
    set, `max_packet_lifetime_ms` in milliseconds, both below 2^32."""

    label: str = ""
    protocol: str = ""
    ordered: bool = True
    max_retransmits: int | None = None
    max_packet_lifetime_ms: int | None = None
    priority: int = 256

    def to_bytes(self) -> bytes:
        """The message."""
        kind, limit = _RELIABLE, 0
        if self.max_retransmits is not None:
            kind, limit = _RETRANSMITS, self.max_retransmits
        elif self.max_packet_lifetime_ms is not None:
            kind, limit = _LIFETIME, self.max_packet_lifetime_ms
        label, protocol = self.label.encode(), self.protocol.encode()
        kind |= 0 if self.ordered else _UNORDERED
        head = _OPEN_FIELDS.pack(_OPEN, kind, self.priority, limit, len(label), len(protocol))
        return head + label + protocol


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """DATA_CHANNEL_ACK (section 5.2)."""

    def to_bytes(self) -> bytes:
        """The message."""
        return bytes((_ACK,))


def parse_untrusted(message: bytes) -> Open | Acknowledge:
    """Reads a message of the protocol.

    Raises:
        RemoteProtocolError: It is none, or its parts do not fit.
    """
    if message[:1] == bytes((_ACK,)):
        return Acknowledge()
    if len(message) < _OPEN_FIELDS.size or message[0] != _OPEN:
        raise RemoteProtocolError("no message of the data channel establishment protocol")
    _, kind, priority, limit, label_bytes, protocol_bytes = _OPEN_FIELDS.unpack_from(message)
    texts = message[_OPEN_FIELDS.size :]
    if len(texts) != label_bytes + protocol_bytes:
        raise RemoteProtocolError("a data channel's label and protocol are not as long as they are said to be")
    reliability = kind & ~_UNORDERED
    if reliability > _LIFETIME:
        raise RemoteProtocolError(f"a data channel of the unknown type {kind:#04x}")
    try:
        label, protocol = texts[:label_bytes].decode(), texts[label_bytes:].decode()
    except UnicodeDecodeError as error:
        raise RemoteProtocolError("a data channel's label or protocol is no UTF-8") from error
    return Open(
        label,
        protocol,
        ordered=not kind & _UNORDERED,
        max_retransmits=limit if reliability == _RETRANSMITS else None,
        max_packet_lifetime_ms=limit if reliability == _LIFETIME else None,
        priority=priority,
    )
