"""Pairs of connections in this process, counted and timed: what visavis and aiortc are measured by.

Only the standard library is used here, since aiortc has an environment of its own. `pion_pairs` does the
same in Go. A program of it takes three numbers (`Job`) and prints one JSON line.
"""

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

IDLE_STEPS = 10


class Pair(Protocol):
    """Two connections that are connected with each other."""

    async def close(self) -> None:
        """Ends both."""


Open = Callable[[], Awaitable[Pair]]
"""Makes two connections and returns once both ends are connected."""


@dataclass(frozen=True, slots=True)
class Job:
    """How many pairs come and go unmeasured, how many measured, and how many stay in the end."""

    warmup: int
    measured: int
    idle: int

    @classmethod
    def of(cls, arguments: list[str]) -> "Job":
        warmup, measured, idle = map(int, arguments)
        return cls(warmup, measured, idle)


@dataclass(slots=True)
class Report:
    """`setup_ms` of each pair; process time of all that were measured, closing and what follows it included;
    `resident` in bytes with so many idle pairs."""

    setup_ms: list[float]
    cpu_ms: float
    resident: list[tuple[int, int]]


async def measure(open: Open, job: Job) -> Report:
    """Carries out a job."""
    for _ in range(job.warmup):
        await (await open()).close()
    report = Report([], 0.0, [])
    cpu_began = time.process_time()
    for _ in range(job.measured):
        began = time.perf_counter()
        pair = await open()
        report.setup_ms.append((time.perf_counter() - began) * 1e3)
        await pair.close()
    report.cpu_ms = (time.process_time() - cpu_began) * 1e3
    pairs: list[Pair] = []
    for number in range(job.idle + 1):
        if number % max(1, job.idle // IDLE_STEPS) == 0:
            gc.collect()
            report.resident.append((number, _resident_bytes()))
        if number < job.idle:
            pairs.append(await open())
    for pair in pairs:
        await pair.close()
    return report


def main(open: Open) -> None:
    """The program around a way to open pairs."""
    report = asyncio.run(measure(open, Job.of(sys.argv[1:])))
    print(json.dumps(asdict(report)))


def _resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
