"""The rows of the table: which are measured, for how long, and what came out, peer by peer."""

import dataclasses
import itertools
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any, TypeVar

from benchmarks.channels import measuring
from benchmarks.channels.end import Job
from benchmarks.channels.measuring import Latency, Rate, Times
from benchmarks.channels.path import Path, ThroughPath
from benchmarks.channels.peers import VARIANTS, VISAVIS, Peer
from benchmarks.processes import BenchmarkError, run_load

SIZES_BYTES = (100, 1_200, 16_384, 262_144)
CHANNELS = (1, 8)
BULK_BYTES = 16_384
PING_PAUSE_S = 0.005
LOSSES = (0.0, 0.001, 0.01, 0.05)
ROUND_TRIP_MS = 50.0
PLOTTED_LOSS = 0.01
PLOTTED_ROUND_TRIPS_MS = (10.0, 50.0, 100.0, 200.0)
MOST_FAILURES = 3
"""After so many rows without a figure a peer is left out."""

DATAGRAM_BYTES = 1_200
MESSAGE_BYTES = 1_128
"""What DTLS 1.2, SCTP and I-DATA leave of a datagram."""

Measured = TypeVar("Measured")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """Messages of one size, sent on so many channels at once."""

    size_bytes: int
    channels: int

    @property
    def name(self) -> str:
        return f"{self.size_bytes:,} B, {self.channels} channel{'s' if self.channels > 1 else ''}"


@dataclass(frozen=True, slots=True)
class Effort:
    """What is measured, and for how long."""

    rows: tuple[Row, ...]
    paths: tuple[Path, ...]
    loopback: Times
    through_path: Times
    idle_pairs: int
    limit_s: float


FULL = Effort(
    tuple(Row(*row) for row in itertools.product(SIZES_BYTES, CHANNELS)),
    tuple(
        dict.fromkeys(
            [
                *(Path(loss, ROUND_TRIP_MS) for loss in LOSSES),
                *(Path(PLOTTED_LOSS, round_trip_ms) for round_trip_ms in PLOTTED_ROUND_TRIPS_MS),
            ]
        )
    ),
    Times(1.0, 3.0),
    Times(4.0, 8.0),
    100,
    3.0,
)
QUICK = Effort(
    (*(Row(size_bytes, 1) for size_bytes in SIZES_BYTES), Row(BULK_BYTES, 8)),
    (Path(0.0, ROUND_TRIP_MS), Path(0.01, ROUND_TRIP_MS)),
    Times(0.5, 1.0),
    Times(3.0, 4.0),
    40,
    1.0,
)


@dataclass(frozen=True, slots=True)
class Limit:
    """What copying, sealing, GSO, GRO and opening allow."""

    mbps: float
    sender_cpu_s_per_gb: float
    receiver_cpu_s_per_gb: float


@dataclass(slots=True)
class Results:
    """By row, then by peer; what could not be measured is missing, and `failures` says why."""

    loopback: dict[Row, dict[str, Rate]] = field(default_factory=dict[Row, dict[str, Rate]])
    latency: dict[str, Latency] = field(default_factory=dict[str, Latency])
    memory_kb: dict[str, float] = field(default_factory=dict[str, float])
    paths: dict[Path, dict[str, Rate]] = field(default_factory=dict[Path, dict[str, Rate]])
    limit: Limit | None = None
    failures: dict[str, str] = field(default_factory=dict[str, str])

    def as_json(self) -> dict[str, Any]:
        """Lists of flat objects."""
        return {
            "loopback": _flat(self.loopback),
            "latency": {name: dataclasses.asdict(latency) for name, latency in self.latency.items()},
            "memory_kb": self.memory_kb,
            "paths": _flat(self.paths),
            "limit": dataclasses.asdict(self.limit) if self.limit else None,
            "failures": self.failures,
        }


def _flat(
    table: Mapping[Row, Mapping[str, Rate]] | Mapping[Path, Mapping[str, Rate]],
) -> list[dict[str, Any]]:
    return [
        {**dataclasses.asdict(row), "peer": name, **dataclasses.asdict(rate)}
        for row, rates in table.items()
        for name, rate in rates.items()
    ]


class Run:
    """Measures, each row with one peer after the other, so that a disturbance meets all of them."""

    def __init__(self, peers: Sequence[Peer], effort: Effort, results: Results, say: Say) -> None:
        self._peers = peers
        self._effort = effort
        self._results = results
        self._say = say
        self._failed: dict[str, int] = {}

    async def loopback(self) -> None:
        """Throughput and CPU without a network between."""
        for row in self._effort.rows:
            for peer in self._peers:
                job = Job(row.size_bytes, row.channels)
                await self._loopback(row, peer, peer.name, job)
                if peer.name == VISAVIS and row.channels == 1:
                    for variant in VARIANTS:
                        if row.size_bytes in variant.sizes_bytes:
                            other = dataclasses.replace(job, **variant.settings)
                            await self._loopback(row, peer, variant.name, other)

    async def _loopback(self, row: Row, peer: Peer, name: str, job: Job) -> None:
        rate = await self._try(name, row.name, measuring.rate(peer.command, job, self._effort.loopback))
        if rate is not None:
            self._results.loopback.setdefault(row, {})[name] = rate

    async def latency(self) -> None:
        """Round trips of a small message."""
        job = Job(BULK_BYTES, 1, PING_PAUSE_S)
        for peer in self._peers:
            taken = await self._try(
                peer.name, "latency", measuring.latency(peer.command, job, self._effort.loopback)
            )
            if taken is not None:
                self._results.latency[peer.name] = taken

    async def memory(self) -> None:
        """Of idle pairs."""
        for peer in self._peers:
            held = await self._try(
                peer.name, "memory", measuring.memory_kb(peer.command, self._effort.idle_pairs)
            )
            if held is not None:
                self._results.memory_kb[peer.name] = held

    async def paths(self, program: File) -> None:
        """Throughput over the emulated network."""
        for path in self._effort.paths:
            for peer in self._peers:
                what = f"{path.loss:.1%} lost, {path.round_trip_ms:.0f} ms"
                rate = await self._try(peer.name, what, self._through(program, path, peer))
                if rate is not None:
                    self._results.paths.setdefault(path, {})[peer.name] = rate

    async def _through(self, program: File, path: Path, peer: Peer) -> Rate:
        async with ThroughPath.running(program, path) as signaling:
            return await measuring.rate(
                peer.command, Job(BULK_BYTES, 1), self._effort.through_path, signaling
            )

    def limit(self, load: File) -> None:
        """What no implementation can be better than."""
        job = {
            "kind": "bulk",
            "send_cpu": 0,
            "receive_cpu": 1,
            "datagram_bytes": DATAGRAM_BYTES,
            "message_bytes": MESSAGE_BYTES,
            "window_s": self._effort.limit_s,
        }
        try:
            (report,) = run_load(load, job)
        except BenchmarkError as error:
            self._results.failures["limit"] = str(error)
            return
        self._results.limit = Limit(
            *(report[name] for name in ("mbps", "sender_cpu_s_per_gb", "receiver_cpu_s_per_gb"))
        )

    async def _try(self, name: str, what: str, figure: Coroutine[Any, Any, Measured]) -> Measured | None:
        if self._failed.get(name, 0) >= MOST_FAILURES:
            figure.close()
            return None
        began_s = time.monotonic()
        self._say(f"{what}: {name}")
        try:
            return await figure
        except BenchmarkError as error:
            self._failed[name] = self._failed.get(name, 0) + 1
            self._results.failures[f"{name}, {what}"] = f"{error} (after {time.monotonic() - began_s:.0f} s)"
            return None
