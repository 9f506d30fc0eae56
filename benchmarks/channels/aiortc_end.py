"""An end of aiortc (`end.py`); runs in the environment that `processes.py` makes."""

import asyncio
import socket
from typing import Any

import aiortc  # type: ignore[import-not-found, unused-ignore]

from benchmarks.channels import end

HIGH_WATER_BYTES = 1 << 16
LOW_WATER_BYTES = 1 << 15
SOCKET_BUFFER_BYTES = 4 << 20
SO_RCVBUFFORCE = 33


class AiortcEnd(end.End):
    """aiortc has no trickle: its descriptions hold the candidates."""

    def __init__(self, job: end.Job) -> None:
        super().__init__(job)
        # Without a list of its own it asks a public STUN server.
        self._connection: Any = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
        self._connection.on("datachannel", self._begin_channel)
        self._ping_channel: Any = None
        self._bulk: list[Any] = []

    async def offer(self) -> str:
        self._ping_channel = self._connection.createDataChannel(end.PING)
        self._ping_channel.on("message", self.ping_came_back)
        for number in range(self.job.channels):
            self._bulk.append(self._connection.createDataChannel(f"bulk {number}"))
        await self._connection.setLocalDescription(await self._connection.createOffer())
        return str(self._connection.localDescription.sdp)

    async def take_answer(self, sdp: str) -> None:
        opened = asyncio.gather(*(_open(channel) for channel in (self._ping_channel, *self._bulk)))
        await self._connection.setRemoteDescription(aiortc.RTCSessionDescription(sdp, "answer"))
        await opened

    async def answer(self, sdp: str) -> str:
        await self._connection.setRemoteDescription(aiortc.RTCSessionDescription(sdp, "offer"))
        await self._connection.setLocalDescription(await self._connection.createAnswer())
        return str(self._connection.localDescription.sdp)

    async def send_bulk(self, number: int) -> None:
        channel, data = self._bulk[number], bytes(self.job.size_bytes)
        low = asyncio.Event()
        channel.bufferedAmountLowThreshold = LOW_WATER_BYTES
        channel.on("bufferedamountlow", low.set)
        while True:
            while channel.bufferedAmount < HIGH_WATER_BYTES:
                channel.send(data)
                # Each begins a task; with hundreds of them at once it stalls.
                await asyncio.sleep(0)
            low.clear()
            await low.wait()

    def send_ping(self) -> None:
        self._ping_channel.send(b"ping")

    def _begin_channel(self, channel: Any) -> None:
        channel.on("message", channel.send if channel.label == end.PING else self.count)


class LargeBuffersLoop(asyncio.SelectorEventLoop):
    """With the kernel's own buffers loopback loses what aiortc's window permits."""

    async def create_datagram_endpoint(self, *arguments: Any, **named: Any) -> Any:
        transport, protocol = await super().create_datagram_endpoint(*arguments, **named)
        opened = transport.get_extra_info("socket")
        try:
            opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER_BYTES)
        except PermissionError:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER_BYTES)
        return transport, protocol


async def _open(channel: Any) -> None:
    opened = asyncio.Event()
    channel.on("open", opened.set)
    if channel.readyState != "open":
        await opened.wait()


if __name__ == "__main__":
    end.main(AiortcEnd, LargeBuffersLoop)
