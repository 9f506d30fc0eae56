"""The data channels of an end that is a process (`process_end`)."""

from collections.abc import Mapping
from typing import Any, Protocol

from tests.interop.channels import Message, packed, unpacked


class Ask(Protocol):
    """Has the process do something."""

    def __call__(self, what: str, with_: object, /) -> Any: ...


class ProcessChannels:
    """Of the connection of a process."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def create(self, init: Mapping[str, Any], *labels: str) -> None:
        self._ask("create_channels", {"init": dict(init), "labels": labels})

    def opened(self, label: str) -> dict[str, Any]:
        said: dict[str, Any] = self._ask("opened", {"labels": [label]})
        return said

    def say(self, message: Message, *labels: str) -> None:
        self._ask("say", {"message": packed(message), "labels": labels})

    def told(self, *labels: str) -> list[Message]:
        return [unpacked(message) for message in self._ask("told", {"labels": labels})]

    def say_pattern(self, label: str, count: int, size_bytes: int) -> None:
        self._ask("say_pattern", {"labels": [label], "count": count, "size": size_bytes})

    def told_digest(self, label: str, count: int) -> str:
        digest: str = self._ask("told_digest", {"labels": [label], "count": count})
        return digest

    def close(self, label: str) -> None:
        self._ask("close_channel", {"labels": [label]})

    def closed(self, label: str) -> None:
        self._ask("closed", {"labels": [label]})
