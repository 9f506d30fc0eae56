"""Whether data channels keep anything (`python -m benchmarks.soak --data-channels`).

Pairs in one process open and close thousands of them over lossy paths, send much in the middle of ICE
restarts, and end; again and again.
"""

import asyncio
import contextlib
import gc
import hashlib
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.lossy_path import LossyPath
from visavis import RTCDataChannel, RTCDataChannelEvent, RTCPeerConnection, RTCPeerConnectionIceEvent

PAIRS = 4
CHANNELS_EACH = 250
BULK_CHANNELS = 4
BULK_MESSAGES = 256
BULK_BYTES = 16_384
LOSS = 0.02
RESTARTS = 2
FLAT_KIB = 4096
"""What memory may vary by once it is warm."""
LIMIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Kept:
    """What the process has."""

    rss_kib: int
    threads: int
    descriptors: int

    @classmethod
    def now(cls) -> "Kept":
        """After what only waits to be collected is gone."""
        gc.collect()
        status = Path("/proc/self/status").read_text()
        rss = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
        return cls(rss, len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd")))


class Pair:
    """Two peer connections with a lossy path between, which changes with each restart of ICE."""

    def __init__(self, seed: int) -> None:
        self.ends = (RTCPeerConnection(), RTCPeerConnection())
        self._seed = seed
        self._paths = contextlib.AsyncExitStack()
        self._path: LossyPath | None = None
        for number, end in enumerate(self.ends):
            end.onicecandidate = self._teller(number)

    async def negotiate(self) -> None:
        """An offer and its answer; candidates follow."""
        self._seed += 1
        self._path = await self._paths.enter_async_context(LossyPath(LOSS, self._seed))
        offerer, answerer = self.ends
        for one, other in ((offerer, answerer), (answerer, offerer)):
            await one.setLocalDescription()
            assert one.localDescription is not None
            lines = one.localDescription.sdp.splitlines(keepends=True)
            bare = "".join(line for line in lines if not line.startswith("a=candidate:"))
            await other.setRemoteDescription({"type": one.localDescription.type, "sdp": bare})

    async def connected(self) -> None:
        """Once both are."""
        await asyncio.gather(*(end.wait_for("connected", timeout=LIMIT_S) for end in self.ends))

    async def close(self) -> None:
        """The first says good-bye, the second ends too."""
        for end in self.ends:
            end.close()
        await self._paths.aclose()

    def _teller(self, number: int) -> Any:
        async def tell(event: RTCPeerConnectionIceEvent) -> None:
            found = event.candidate
            if found is None or found.protocol != "udp" or found.address is None or ":" in found.address:
                return
            assert self._path is not None
            assert found.port is not None
            host, port = self._path.address(number, (found.address, found.port))
            words = found.candidate.split()
            words[4:6] = [host, str(port)]
            told = {**found.toJSON(), "candidate": " ".join(words)}
            await self.ends[1 - number].addIceCandidate(told)

        return tell


@contextlib.asynccontextmanager
async def connected_pair(seed: int) -> AsyncIterator[Pair]:
    """Both ends send back what they are told in the channels that the other opens, and then close with it."""
    pair = Pair(seed)
    try:
        for end in pair.ends:
            end.ondatachannel = _echo
        pair.ends[0].createDataChannel("first")
        await pair.negotiate()
        await pair.connected()
        yield pair
    finally:
        await pair.close()


def _echo(event: RTCDataChannelEvent) -> None:
    channel = event.channel
    if channel.label != "bulk":
        channel.onmessage = lambda message: channel.send(message.data)


async def opened(end: RTCPeerConnection, label: str) -> RTCDataChannel:
    """A new channel, once it is open."""
    channel = end.createDataChannel(label)
    there = asyncio.Event()
    channel.onopen = lambda _: there.set()
    await there.wait()
    return channel


async def open_and_close(end: RTCPeerConnection, number: int) -> None:
    """One channel: what is said comes back, and the channel is closed."""
    channel = await opened(end, f"channel {number}")
    closed = asyncio.Event()
    channel.onclose = lambda _: closed.set()
    await channel.send_async(f"message {number}")
    async for message in channel:
        assert message == f"message {number}"
        break
    channel.close()
    await closed.wait()


async def bulk(sender: RTCPeerConnection, receiver: RTCPeerConnection, seed: int) -> None:
    """Much in several channels, of which each arrives as it was sent."""
    arriving: asyncio.Queue[RTCDataChannel] = asyncio.Queue()

    def came(event: RTCDataChannelEvent) -> None:
        if event.channel.label == "bulk":
            arriving.put_nowait(event.channel)
        else:
            _echo(event)

    receiver.ondatachannel = came
    content = hashlib.shake_128(str(seed).encode()).digest(BULK_BYTES)

    async def send() -> None:
        channel = await opened(sender, "bulk")
        for number in range(BULK_MESSAGES):
            await channel.send_async(number.to_bytes(4, "big") + content)
        await channel.drained()

    async def receive() -> None:
        channel, number = await arriving.get(), 0
        async for message in channel:
            assert message == number.to_bytes(4, "big") + content
            number += 1
            if number == BULK_MESSAGES:
                break

    async with asyncio.TaskGroup() as group:
        for _ in range(BULK_CHANNELS):
            group.create_task(send())
            group.create_task(receive())


async def one_pair(seed: int) -> None:
    """All of it with one pair."""
    async with connected_pair(seed) as pair, asyncio.TaskGroup() as group:
        for end in pair.ends:
            for number in range(CHANNELS_EACH):
                group.create_task(open_and_close(end, number))
        sending = group.create_task(bulk(*pair.ends, seed))
        for _ in range(RESTARTS):
            pair.ends[0].restartIce()
            await pair.negotiate()
            await pair.connected()
        await sending


async def one_round(seed: int) -> None:
    """Some pairs at once."""
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
        for number in range(PAIRS):
            group.create_task(one_pair(seed + number * 1_000))


def channels(duration_s: float) -> bool:
    """Rounds until the time is over, each on its own event loop; whether the later half kept nothing."""
    of_a_round = PAIRS * (2 * CHANNELS_EACH + BULK_CHANNELS + 1)
    sent_mb = PAIRS * BULK_CHANNELS * BULK_MESSAGES * BULK_BYTES / 1e6
    print(
        f"rounds of {PAIRS} pairs, {of_a_round} channels, {sent_mb:.0f} MB in bulk and "
        f"{PAIRS * RESTARTS} ICE restarts, with {LOSS:.0%} of all datagrams lost"
    )
    end_s = time.monotonic() + duration_s
    kept: list[Kept] = []
    while len(kept) < 4 or time.monotonic() < end_s:
        started_s = time.monotonic()
        asyncio.run(one_round(len(kept) * 100_000))
        kept.append(Kept.now())
        print(
            f"  round {len(kept)}: {kept[-1].rss_kib / 1024:7.1f} MiB, {kept[-1].threads} threads, "
            f"{kept[-1].descriptors} descriptors, {time.monotonic() - started_s:.1f} s",
            flush=True,
        )
    warm, last = kept[len(kept) // 2], kept[-1]
    return (
        last.rss_kib - warm.rss_kib < FLAT_KIB
        and last.threads <= warm.threads
        and last.descriptors <= warm.descriptors
    )
