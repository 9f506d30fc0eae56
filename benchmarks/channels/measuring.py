"""What is measured of a pair of ends, and how long it takes."""

import asyncio
import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.channels.end import Job
from benchmarks.channels.pair import Pair, Process, Signaling, connected

WINDOWS = 3
IDLE_TIMEOUT_S = 90.0


@dataclass(frozen=True, slots=True)
class Times:
    """Of each row: until it is measured, and while it is."""

    warm_up_s: float
    measured_s: float


@dataclass(frozen=True, slots=True)
class Rate:
    """What arrived; CPU is that of all threads of a process, for as many bytes of messages, if any came."""

    messages_per_s: float
    mbps: float
    sender_cpu_s_per_gb: float | None
    receiver_cpu_s_per_gb: float | None

    @property
    def cpu_s_per_gb(self) -> float | None:
        """At both ends."""
        if self.sender_cpu_s_per_gb is None or self.receiver_cpu_s_per_gb is None:
            return None
        return self.sender_cpu_s_per_gb + self.receiver_cpu_s_per_gb


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """Of four bytes."""

    p50_ms: float
    p99_ms: float
    count: int

    @classmethod
    def of(cls, round_trips_s: Sequence[float]) -> "RoundTrip | None":
        if not round_trips_s:
            return None
        ordered = sorted(round_trips_s)
        p99 = ordered[len(ordered) * 99 // 100]
        return cls(statistics.median(ordered) * 1e3, p99 * 1e3, len(ordered))


@dataclass(frozen=True, slots=True)
class Latency:
    """While nothing else is sent, and while as much as goes."""

    idle: RoundTrip | None
    busy: RoundTrip | None


async def rate(command: Sequence[str], job: Job, times: Times, signaling: Signaling | None = None) -> Rate:
    """What goes through once it has got going: the median of three windows; CPU over all of them."""
    async with connected(command, job, signaling or Signaling()) as pair:
        pair.offerer.tell({"do": "send"})
        await asyncio.sleep(times.warm_up_s)
        counts, cpu_began_s = [await _count(pair)], pair.cpu_s()
        for _ in range(WINDOWS):
            await asyncio.sleep(times.measured_s / WINDOWS)
            counts.append(await _count(pair))
        cpu_s = [after_s - before_s for before_s, after_s in zip(cpu_began_s, pair.cpu_s(), strict=True)]
    rates = [
        (after - before) / (after_s - before_s)
        for (before, before_s), (after, after_s) in itertools.pairwise(counts)
    ]
    # A path's losses come unevenly: there it is the mean that means something.
    (first, first_s), (last, last_s) = counts[0], counts[-1]
    per_s = statistics.median(rates) if signaling is None else (last - first) / (last_s - first_s)
    gigabytes = (last - first) * job.size_bytes / 1e9
    sender, receiver = (used_s / gigabytes if gigabytes else None for used_s in cpu_s)
    return Rate(per_s, per_s * job.size_bytes * 8e-6, sender, receiver)


async def _count(pair: Pair) -> tuple[int, float]:
    counted = await pair.answerer.ask("count")
    return counted["messages"], counted["at_s"]


async def latency(command: Sequence[str], job: Job, times: Times) -> Latency:
    """Of a small message, on a channel of its own."""
    async with connected(command, job, Signaling()) as pair:
        pair.offerer.tell({"do": "ping"})
        idle = await _round_trips(pair, times)
        pair.offerer.tell({"do": "send"})
        return Latency(idle, await _round_trips(pair, times))


async def _round_trips(pair: Pair, times: Times) -> RoundTrip | None:
    await asyncio.sleep(times.warm_up_s)
    await pair.offerer.ask("round-trips")
    await asyncio.sleep(times.measured_s)
    return RoundTrip.of((await pair.offerer.ask("round-trips"))["round_trips_s"])


async def memory_kb(command: Sequence[str], pairs: int) -> float:
    """Of an idle pair with an open channel, both ends: the slope of what is resident."""
    async with Process.running(command, "idle", Job(pairs=pairs)) as process:
        counts, resident = zip(*(await process.hear(IDLE_TIMEOUT_S))["resident"], strict=True)
    # What the first pairs bring along is not a pair's.
    half = len(counts) // 2
    return statistics.linear_regression(counts[half:], resident[half:]).slope / 1e3
