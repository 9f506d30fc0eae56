"""A path on loopback that loses some datagrams: two sockets, each told to one peer as the other's address."""

import asyncio
import random
from typing import Self

Address = tuple[str, int]


class LossyPath:
    """Learns where its ends are from what they send, or is told. Used as an asynchronous context manager."""

    def __init__(self, loss: float, seed: int) -> None:
        self.loss = loss
        self._random = random.Random(seed)
        self._doors: list[_Door] = []

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for _ in range(2):
            _, door = await loop.create_datagram_endpoint(lambda: _Door(self), local_addr=("127.0.0.1", 0))
            self._doors.append(door)
        first, second = self._doors
        first.other, second.other = second, first
        return self

    async def __aexit__(self, *_: object) -> None:
        for door in self._doors:
            door.transport.close()

    def address(self, of: int, end: Address) -> Address:
        """What the other peer is told instead of `end`, the address of the peer of that number."""
        door = self._doors[of]
        door.end = end
        name: Address = door.transport.get_extra_info("sockname")
        return name

    def passes(self) -> bool:
        """Whether the next datagram is not lost."""
        return self._random.random() >= self.loss


class _Door(asyncio.DatagramProtocol):
    """Stands for one peer: what comes here goes to it, out of the door that stands for the other."""

    transport: asyncio.DatagramTransport
    other: "_Door"
    end: Address | None = None

    def __init__(self, path: LossyPath) -> None:
        self._path = path

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if self.end is not None and self._path.passes():
            self.other.transport.sendto(data, self.end)
