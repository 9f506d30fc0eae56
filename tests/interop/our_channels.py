"""The data channels of our own end."""

import asyncio
import hashlib
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from tests.interop.channels import Message, pattern
from visavis import MessageEvent, RTCDataChannel, RTCDataChannelEvent, RTCPeerConnection

T = TypeVar("T")


class Run(Protocol):
    """Runs what is asynchronous on the end's event loop."""

    def __call__(self, call: Callable[[], Awaitable[T]], /) -> T: ...


@dataclass(eq=False)
class _Kept:
    """A channel and what came in it."""

    channel: RTCDataChannel
    messages: deque[Message] = field(default_factory=deque[Message])


class OurChannels:
    """Of one `RTCPeerConnection`."""

    def __init__(self, pc: RTCPeerConnection, run: Run) -> None:
        self._pc = pc
        self._run = run
        self._kept: dict[str, _Kept] = {}
        self._changed = asyncio.Event()
        pc.ondatachannel = self._came

    def create(self, init: Mapping[str, Any], *labels: str) -> None:
        async def create() -> None:
            for label in labels:
                self._keep(self._pc.createDataChannel(label, init))

        self._run(create)

    def opened(self, label: str) -> dict[str, Any]:
        async def opened() -> dict[str, Any]:
            channel = await self._until_open(label)
            names = ("ordered", "maxRetransmits", "maxPacketLifeTime", "protocol", "negotiated", "id")
            return {name: getattr(channel, name) for name in names}

        return self._run(opened)

    def say(self, message: Message, *labels: str) -> None:
        async def say() -> None:
            for label in labels:
                (await self._until_open(label)).send(message)

        self._run(say)

    def told(self, *labels: str) -> list[Message]:
        async def told() -> list[Message]:
            return [await self._next(label) for label in labels]

        return self._run(told)

    def say_pattern(self, label: str, count: int, size_bytes: int) -> None:
        async def say() -> None:
            channel = await self._until_open(label)
            for number in range(count):
                await channel.send_async(pattern(number, size_bytes))
            await channel.drained()

        self._run(say)

    def told_digest(self, label: str, count: int) -> str:
        async def told() -> str:
            digest = hashlib.sha256()
            for _ in range(count):
                message = await self._next(label)
                assert isinstance(message, bytes)
                digest.update(message)
            return digest.hexdigest()

        return self._run(told)

    def close(self, label: str) -> None:
        async def close() -> None:
            self._kept[label].channel.close()

        self._run(close)

    def closed(self, label: str) -> None:
        async def closed() -> None:
            await self._until(lambda: self._kept[label].channel.readyState == "closed")

        self._run(closed)

    def _came(self, event: RTCDataChannelEvent) -> None:
        self._keep(event.channel)

    def _keep(self, channel: RTCDataChannel) -> None:
        kept = self._kept[channel.label] = _Kept(channel)

        def told(event: MessageEvent) -> None:
            kept.messages.append(event.data)
            self._changed.set()

        channel.onmessage = told
        channel.onopen = channel.onclose = lambda _: self._changed.set()
        self._changed.set()

    async def _next(self, label: str) -> Message:
        await self._until(lambda: label in self._kept and bool(self._kept[label].messages))
        return self._kept[label].messages.popleft()

    async def _until_open(self, label: str) -> RTCDataChannel:
        await self._until(lambda: label in self._kept and self._kept[label].channel.readyState == "open")
        return self._kept[label].channel

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._changed.clear()
            await self._changed.wait()
