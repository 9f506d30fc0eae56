"""The data channels of one end, whoever plays it. Channels are known by their labels."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

Message = str | bytes
_PERIOD = bytes(range(251)) * 2


class Channels(Protocol):
    """What one end says and hears in its channels; those that the other end opens are there by themselves."""

    def create(self, init: Mapping[str, Any], *labels: str) -> None:
        """Creates channels by an `RTCDataChannelInit`."""

    def opened(self, label: str) -> dict[str, Any]:
        """Waits until a channel is open; what `RTCDataChannel` says of it."""
        ...

    def say(self, message: Message, *labels: str) -> None:
        """Sends a message in each channel, and waits until they are open before."""

    def told(self, *labels: str) -> list[Message]:
        """Waits for the next message in each channel."""
        ...

    def say_pattern(self, label: str, count: int, size_bytes: int) -> None:
        """Sends many messages (`pattern`), as fast as they leave."""

    def told_digest(self, label: str, count: int) -> str:
        """Waits for so many messages; the SHA-256 of all of them together."""
        ...

    def close(self, label: str) -> None:
        """Closes a channel."""

    def closed(self, label: str) -> None:
        """Waits until a channel is closed."""


def pattern(number: int, size_bytes: int) -> bytes:
    """The message of a number: byte j of it is (number + j) mod 251."""
    first = number % 251
    period = _PERIOD[first : first + 251]
    return (period * (size_bytes // 251 + 1))[:size_bytes]


def pattern_digest(count: int, size_bytes: int) -> str:
    """The SHA-256 of so many messages of `pattern`."""
    digest = hashlib.sha256()
    for number in range(count):
        digest.update(pattern(number, size_bytes))
    return digest.hexdigest()


def packed(message: Message) -> dict[str, str]:
    """A message as JSON."""
    if isinstance(message, str):
        return {"text": message}
    return {"base64": base64.b64encode(message).decode()}


def unpacked(packed: Mapping[str, str]) -> Message:
    """The message again."""
    return packed["text"] if "text" in packed else base64.b64decode(packed["base64"], validate=True)
