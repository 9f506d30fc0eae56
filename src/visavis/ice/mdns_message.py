"""DNS messages as multicast DNS uses them for addresses (RFC 1035 section 4.1, RFC 6762 section 18)."""

import ipaddress
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from visavis.errors import RemoteProtocolError

MAX_MESSAGE_BYTES: Final = 9000
"""RFC 6762 section 17."""

_MAX_NAME_BYTES: Final = 255
_MAX_LABEL_BYTES: Final = 63
_MAX_ENTRIES: Final = 64
_HEADER: Final = struct.Struct("!6H")
_TYPE_AND_CLASS: Final = struct.Struct("!HH")
_TTL_AND_LENGTH: Final = struct.Struct("!IH")
_RESPONSE: Final = 0x8000
_AUTHORITATIVE: Final = 0x0400
_OPCODE_AND_CODE: Final = 0x780F
_IN: Final = 1
_FLUSH: Final = 0x8000
"""The top bit of the class: cache-flush of a record (section 10.2), unicast-response of a question (5.4)."""

_POINTER: Final = 0xC0


class RecordType(IntEnum):
    """Types of RFC 1035, 3596; the others are not of interest."""

    A = 1
    AAAA = 28
    ANY = 255


@dataclass(frozen=True, slots=True)
class Question:
    """A name, in lower case and without a final dot, and the type that is asked for."""

    name: str
    type: int


@dataclass(frozen=True, slots=True)
class AddressRecord:
    """An A or AAAA record; `ttl_s` 0 takes it back (RFC 6762 section 10.1)."""

    name: str
    address: str
    ttl_s: int


@dataclass(frozen=True, slots=True)
class MdnsMessage:
    """A query, or a response; of records only the addresses."""

    is_response: bool
    questions: tuple[Question, ...] = ()
    records: tuple[AddressRecord, ...] = ()
    id: int = 0


class MdnsError(RemoteProtocolError):
    """A datagram is no DNS message that multicast DNS allows; the message says why."""


def encode(message: MdnsMessage, *, flush: bool = True) -> bytes:
    """The message on the wire; `flush` marks records as all there are (not for legacy queriers, RFC 6762
    section 6.7).

    Raises:
        ValueError: A name has a label that is empty or too long.
    """
    flags = _RESPONSE | _AUTHORITATIVE if message.is_response else 0
    parts = [_HEADER.pack(message.id, flags, len(message.questions), len(message.records), 0, 0)]
    for question in message.questions:
        parts += [_encode_name(question.name), _TYPE_AND_CLASS.pack(question.type, _IN)]
    for record in message.records:
        data = ipaddress.ip_address(record.address).packed
        type = RecordType.A if len(data) == 4 else RecordType.AAAA
        parts += [
            _encode_name(record.name),
            _TYPE_AND_CLASS.pack(type, _IN | (_FLUSH if flush else 0)),
            _TTL_AND_LENGTH.pack(record.ttl_s, len(data)),
            data,
        ]
    return b"".join(parts)


def parse_untrusted(data: bytes) -> MdnsMessage:
    """Reads a datagram; records of other types and classes are passed over.

    Raises:
        MdnsError: It is malformed, or longer or fuller than is allowed.
    """
    if len(data) > MAX_MESSAGE_BYTES:
        raise MdnsError("the message is too long")
    reader = _Reader(data)
    id, flags, *counts = reader.take(_HEADER)
    if flags & _OPCODE_AND_CODE:
        raise MdnsError("the opcode or the response code is not 0")
    if sum(counts) > _MAX_ENTRIES:
        raise MdnsError("there are too many entries")
    questions = [reader.question_untrusted() for _ in range(counts[0])]
    records = [reader.record_untrusted() for _ in range(sum(counts[1:]))]
    return MdnsMessage(
        bool(flags & _RESPONSE),
        tuple(one for one in questions if one is not None),
        tuple(one for one in records if one is not None),
        id,
    )


def _encode_name(name: str) -> bytes:
    labels = [label.encode("ascii") for label in name.split(".")]
    if any(not 0 < len(label) <= _MAX_LABEL_BYTES for label in labels):
        raise ValueError(f"{name!r} is not a name of DNS")
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


class _Reader:
    """Walks through a message; every step checks that there is so much."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, layout: struct.Struct) -> tuple[int, ...]:
        return layout.unpack(self._bytes(layout.size))

    def question_untrusted(self) -> Question | None:
        name = self._name()
        type, class_ = self.take(_TYPE_AND_CLASS)
        return Question(name, type) if class_ & ~_FLUSH == _IN else None

    def record_untrusted(self) -> AddressRecord | None:
        name = self._name()
        type, class_ = self.take(_TYPE_AND_CLASS)
        ttl_s, length = self.take(_TTL_AND_LENGTH)
        data = self._bytes(length)
        if class_ & ~_FLUSH != _IN or (type, length) not in ((RecordType.A, 4), (RecordType.AAAA, 16)):
            return None
        return AddressRecord(name, str(ipaddress.ip_address(data)), ttl_s)

    def _bytes(self, length: int) -> bytes:
        taken = self._data[self._at : self._at + length]
        if len(taken) < length:
            raise MdnsError("the message is cut off")
        self._at += length
        return taken

    def _name(self) -> str:
        """A name (RFC 1035 section 4.1.4); a pointer leads backwards only, so that there is an end."""
        labels: list[str] = []
        after: int | None = None
        limit, size = self._at, 0
        while True:
            length = self._bytes(1)[0]
            if length & _POINTER == _POINTER:
                target = (length & ~_POINTER) << 8 | self._bytes(1)[0]
                after = self._at if after is None else after
                if target >= limit:
                    raise MdnsError("a name leads to itself or forward")
                self._at = limit = target
            elif length > _MAX_LABEL_BYTES:
                raise MdnsError("a label is too long")
            elif length:
                size += length + 1
                if size > _MAX_NAME_BYTES:
                    raise MdnsError("a name is too long")
                labels.append(self._bytes(length).decode("utf-8", "replace").lower())
            else:
                break
        if after is not None:
            self._at = after
        return ".".join(labels)
