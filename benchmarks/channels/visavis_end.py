"""An end of visavis (`end.py`)."""

import asyncio

from benchmarks.channels import end
from visavis import RTCDataChannel, RTCDataChannelEvent, RTCPeerConnection

HIGH_WATER_BYTES = 2 << 20
UNASKED_BYTES = 8_192
"""So much of small messages is sent without asking each time how much waits."""
TIMEOUT_S = 60.0


class VisavisEnd(end.End):
    """`ping` has a higher priority than what is sent in bulk."""

    def __init__(self, job: end.Job) -> None:
        super().__init__(job)
        self._connection = RTCPeerConnection({"path_mtu_bytes": job.path_mtu_bytes})
        self._connection.ondatachannel = self._begin_channel
        self._ping_channel: RTCDataChannel | None = None
        self._bulk: list[RTCDataChannel] = []
        self._iterations: list[asyncio.Task[None]] = []

    async def offer(self) -> str:
        self._ping_channel = self._connection.createDataChannel(end.PING, {"priority": "high"})
        self._ping_channel.onmessage = self.ping_came_back
        for number in range(self.job.channels):
            self._bulk.append(self._connection.createDataChannel(f"bulk {number}"))
        await self._connection.setLocalDescription()
        return await self._gathered()

    async def take_answer(self, sdp: str) -> None:
        assert self._ping_channel is not None
        opened = asyncio.gather(*(_open(channel) for channel in (self._ping_channel, *self._bulk)))
        await self._connection.setRemoteDescription({"type": "answer", "sdp": sdp})
        await opened

    async def answer(self, sdp: str) -> str:
        await self._connection.setRemoteDescription({"type": "offer", "sdp": sdp})
        await self._connection.setLocalDescription()
        return await self._gathered()

    async def send_bulk(self, number: int) -> None:
        channel, data = self._bulk[number], bytes(self.job.size_bytes)
        unasked = UNASKED_BYTES // self.job.size_bytes
        while True:
            await channel.send_async(data, high_water_bytes=HIGH_WATER_BYTES)
            for _ in range(unasked):
                channel.send(data)

    def send_ping(self) -> None:
        assert self._ping_channel is not None
        self._ping_channel.send(b"ping")

    async def _gathered(self) -> str:
        while self._connection.iceGatheringState != "complete":
            await self._connection.next_event("icegatheringstatechange", timeout=TIMEOUT_S)
        assert self._connection.localDescription is not None
        return self._connection.localDescription.sdp

    def _begin_channel(self, event: RTCDataChannelEvent) -> None:
        channel = event.channel
        if channel.label == end.PING:
            channel.onmessage = lambda message: channel.send(message.data)
        elif self.job.receiver == "iteration":
            self._iterations.append(asyncio.ensure_future(self._iterate(channel)))
        else:
            channel.onmessage = self.count

    async def _iterate(self, channel: RTCDataChannel) -> None:
        async for message in channel:
            self.count(message)


async def _open(channel: RTCDataChannel) -> None:
    if channel.readyState != "open":
        await channel.next_event("open", timeout=TIMEOUT_S)


if __name__ == "__main__":
    end.main(VisavisEnd)
