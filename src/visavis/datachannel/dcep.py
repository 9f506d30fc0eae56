"""The Data Channel Establishment Protocol (RFC 8832): its two messages."""

import struct
from dataclasses import dataclass
from enum import IntEnum

_OPEN_HEADER = struct.Struct("!BBHIHH")
_UNORDERED = 0x80
_RELIABLE, _RETRANSMITS, _LIFETIME = range(3)


class Ppid(IntEnum):
    """What a message is (RFC 8831 section 8)."""

    DCEP = 50
    TEXT = 51
    BINARY = 53
    EMPTY_TEXT = 56
    EMPTY_BINARY = 57


class MessageType(IntEnum):
    """RFC 8832 section 8.2.1."""

    ACK = 0x02
    OPEN = 0x03


@dataclass(frozen=True, slots=True)
class Options:
    """What a DATA_CHANNEL_OPEN says (section 5.1); at most one of the two limits is there."""

    label: str = ""
    protocol: str = ""
    ordered: bool = True
    max_retransmits: int | None = None
    lifetime_ms: int | None = None
    priority: int = 256


@dataclass(frozen=True, slots=True)
class Ack:
    """A DATA_CHANNEL_ACK (section 5.2)."""


def write_open(options: Options) -> bytes:
    """A DATA_CHANNEL_OPEN; each text has at most 65,535 bytes."""
    kind, limit = _RELIABLE, 0
    if options.max_retransmits is not None:
        kind, limit = _RETRANSMITS, options.max_retransmits
    elif options.lifetime_ms is not None:
        kind, limit = _LIFETIME, options.lifetime_ms
    label, protocol = utf8(options.label), utf8(options.protocol)
    header = _OPEN_HEADER.pack(
        MessageType.OPEN,
        kind if options.ordered else kind | _UNORDERED,
        options.priority,
        limit,
        len(label),
        len(protocol),
    )
    return header + label + protocol


def utf8(text: str) -> bytes:
    """Lone surrogates become U+FFFD, as in Web IDL's `USVString`."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        pass
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def write_ack() -> bytes:
    """A DATA_CHANNEL_ACK."""
    return bytes([MessageType.ACK])


def parse_untrusted(data: bytes) -> Options | Ack | None:
    """Reads a message; None if it is none, has a type nobody knows, or does not end where it says.

    An acknowledgement is one byte; Pion pads it to four, so what follows its type is left unread.
    """
    if data.startswith(write_ack()):
        return Ack()
    if len(data) < _OPEN_HEADER.size or data[0] != MessageType.OPEN:
        return None
    _, channel_type, priority, limit, label_size, protocol_size = _OPEN_HEADER.unpack_from(data)
    kind = channel_type & ~_UNORDERED
    if kind > _LIFETIME or len(data) != _OPEN_HEADER.size + label_size + protocol_size:
        return None
    texts = data[_OPEN_HEADER.size :]
    try:
        label, protocol = texts[:label_size].decode(), texts[label_size:].decode()
    except UnicodeDecodeError:
        return None
    return Options(
        label,
        protocol,
        ordered=not channel_type & _UNORDERED,
        max_retransmits=limit if kind == _RETRANSMITS else None,
        lifetime_ms=limit if kind == _LIFETIME else None,
        priority=priority,
    )
