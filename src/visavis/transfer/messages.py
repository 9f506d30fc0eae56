"""What the two ends say to each other on the data channel (docs/transfer.md).

Text messages are JSON objects with a `type`; binary ones are the next bytes of the file that is under way.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import cast

from visavis.errors import RemoteProtocolError

MAX_FILES = 1000
MAX_NAME = 1024
MAX_SIZE = 2**53 - 1
"""The largest number that a browser counts by ones to."""
MAX_POINTS = 16
MAX_REASON = 300

_SHA256 = re.compile("[0-9a-f]{64}")


class Direction(StrEnum):
    """What the host does with files."""

    SENDS = "sends"
    RECEIVES = "receives"


@dataclass(frozen=True, slots=True)
class FileInfo:
    """One file that is offered; the name is as its sender has it, not as it may be used."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """So many bytes are there already, and have this SHA-256 in hexadecimal."""

    offset: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Hello:
    """The visitor's first message: its proof, and a name of its own by which it is known when it returns."""

    proof: str
    visitor: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """The host's answer: its proof, and what it is here for."""

    proof: str
    host: Direction


@dataclass(frozen=True, slots=True)
class Refused:
    """The host's answer when the proof is wrong."""

    reason: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be had; `Get.file` counts from 0. The sender's first message after the proofs, and again when
    there is more to be had: then those that were offered before stand first."""

    files: tuple[FileInfo, ...]


@dataclass(frozen=True, slots=True)
class Get:
    """Asks for a file, from the furthest of these points that is right, else from its beginning."""

    file: int
    resume: tuple[ResumePoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Begin:
    """The binary messages from here on are this file, from `offset` to its end."""

    file: int
    offset: int


@dataclass(frozen=True, slots=True)
class Ack:
    """So many bytes of the file are written, counted from its beginning."""

    file: int
    received: int


@dataclass(frozen=True, slots=True)
class End:
    """The file is whole; the digest is of all of it."""

    file: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Done:
    """The digest was right, and the file is where it belongs."""

    file: int


@dataclass(frozen=True, slots=True)
class Failed:
    """Either end gives up on a file. The sender answers a receiver's with its own: no more bytes come."""

    file: int
    reason: str


@dataclass(frozen=True, slots=True)
class Bye:
    """Nothing more is wanted, or to be had."""


Message = Hello | Welcome | Refused | Offer | Get | Begin | Ack | End | Done | Failed | Bye

_TYPES: dict[type[Message], str] = {
    Hello: "hello",
    Welcome: "welcome",
    Refused: "refused",
    Offer: "offer",
    Get: "get",
    Begin: "begin",
    Ack: "ack",
    End: "end",
    Done: "done",
    Failed: "failed",
    Bye: "bye",
}


def encode(message: Message) -> str:
    """The text of a message."""
    return json.dumps({"type": _TYPES[type(message)], **asdict(message)}, separators=(",", ":"))


def parse_untrusted(text: str) -> Message:
    """Reads a message.

    Raises:
        RemoteProtocolError: It is none, or something in it is beyond its bounds.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise RemoteProtocolError("a message is not JSON") from None
    members = _object(value)
    kind = members.get("type")
    read = _READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise RemoteProtocolError("a message of no known type")
    return read(members)


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise RemoteProtocolError("a message is no object")
    return cast("dict[str, object]", value)


def _number(members: Mapping[str, object], name: str, most: int) -> int:
    value = members.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise RemoteProtocolError(f"{name} is no number from 0 to {most}")
    return value


def _text(members: Mapping[str, object], name: str, most: int) -> str:
    value = members.get(name)
    if not isinstance(value, str) or len(value) > most:
        raise RemoteProtocolError(f"{name} is no text of at most {most} characters")
    return value


def _digest(members: Mapping[str, object], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or _SHA256.fullmatch(value) is None:
        raise RemoteProtocolError(f"{name} is no SHA-256 in hexadecimal")
    return value


def _list(members: Mapping[str, object], name: str, most: int) -> list[Mapping[str, object]]:
    value = members.get(name)
    if not isinstance(value, list):
        raise RemoteProtocolError(f"{name} is no list")
    items = cast("list[object]", value)
    if len(items) > most:
        raise RemoteProtocolError(f"{name} has more than {most} entries")
    return [_object(item) for item in items]


def _file(members: Mapping[str, object]) -> int:
    return _number(members, "file", MAX_FILES - 1)


def _direction(members: Mapping[str, object]) -> Direction:
    value = members.get("host")
    if value not in tuple(Direction):
        raise RemoteProtocolError("host is neither sends nor receives")
    return Direction(cast("str", value))


def _offer(members: Mapping[str, object]) -> Offer:
    files = _list(members, "files", MAX_FILES)
    return Offer(
        tuple(FileInfo(_text(one, "name", MAX_NAME), _number(one, "size", MAX_SIZE)) for one in files)
    )


def _get(members: Mapping[str, object]) -> Get:
    points = _list(members, "resume", MAX_POINTS)
    return Get(
        _file(members),
        tuple(ResumePoint(_number(one, "offset", MAX_SIZE), _digest(one, "sha256")) for one in points),
    )


_READERS: dict[str, Callable[[Mapping[str, object]], Message]] = {
    "hello": lambda members: Hello(_digest(members, "proof"), _text(members, "visitor", 64)),
    "welcome": lambda members: Welcome(_digest(members, "proof"), _direction(members)),
    "refused": lambda members: Refused(_text(members, "reason", MAX_REASON)),
    "offer": _offer,
    "get": _get,
    "begin": lambda members: Begin(_file(members), _number(members, "offset", MAX_SIZE)),
    "ack": lambda members: Ack(_file(members), _number(members, "received", MAX_SIZE)),
    "end": lambda members: End(_file(members), _digest(members, "sha256")),
    "done": lambda members: Done(_file(members)),
    "failed": lambda members: Failed(_file(members), _text(members, "reason", MAX_REASON)),
    "bye": lambda _: Bye(),
}
