"""The data channels of aiortc's end."""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from tests.interop.channels import Message, pattern

_LOW_BYTES = 1 << 20
_NAMES = ("ordered", "maxRetransmits", "maxPacketLifeTime", "protocol", "negotiated", "id")


class AiortcChannels:
    """Of one connection of aiortc's, which raises events by itself."""

    def __init__(self, pc: Any, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._pc = pc
        self._run = run
        self._kept: dict[str, tuple[Any, deque[Message]]] = {}
        self._changed = asyncio.Event()
        pc.on("datachannel", self._keep)

    def create(self, init: Mapping[str, Any], *labels: str) -> None:
        async def create() -> None:
            for label in labels:
                self._keep(self._pc.createDataChannel(label, **init))

        self._run(create())

    def opened(self, label: str) -> dict[str, Any]:
        async def opened() -> dict[str, Any]:
            channel = await self._until("open", label)
            return {name: getattr(channel, name) for name in _NAMES}

        said: dict[str, Any] = self._run(opened())
        return said

    def say(self, message: Message, *labels: str) -> None:
        async def say() -> None:
            for label in labels:
                (await self._until("open", label)).send(message)

        self._run(say())

    def told(self, *labels: str) -> list[Message]:
        async def told() -> list[Message]:
            return [await self._next(label) for label in labels]

        messages: list[Message] = self._run(told())
        return messages

    def say_pattern(self, label: str, count: int, size_bytes: int) -> None:
        async def say() -> None:
            channel = await self._until("open", label)
            channel.bufferedAmountLowThreshold = _LOW_BYTES
            channel.on("bufferedamountlow", self._changed.set)
            for number in range(count):
                while channel.bufferedAmount > _LOW_BYTES:
                    self._changed.clear()
                    await self._changed.wait()
                channel.send(pattern(number, size_bytes))

        self._run(say())

    def told_digest(self, label: str, count: int) -> str:
        async def told() -> str:
            digest = hashlib.sha256()
            for _ in range(count):
                message = await self._next(label)
                assert isinstance(message, bytes)
                digest.update(message)
            return digest.hexdigest()

        hexadecimal: str = self._run(told())
        return hexadecimal

    def close(self, label: str) -> None:
        async def close() -> None:
            self._kept[label][0].close()

        self._run(close())

    def closed(self, label: str) -> None:
        self._run(self._until("closed", label))

    def _keep(self, channel: Any) -> None:
        messages: deque[Message] = deque()
        self._kept[channel.label] = channel, messages

        def told(message: Message) -> None:
            messages.append(message)
            self._changed.set()

        channel.on("message", told)
        for event in ("open", "close"):
            channel.on(event, self._changed.set)
        self._changed.set()

    async def _next(self, label: str) -> Message:
        while label not in self._kept or not self._kept[label][1]:
            self._changed.clear()
            await self._changed.wait()
        return self._kept[label][1].popleft()

    async def _until(self, state: str, label: str) -> Any:
        while label not in self._kept or self._kept[label][0].readyState != state:
            self._changed.clear()
            await self._changed.wait()
        return self._kept[label][0]
