"""The emulated network: a process between the two ends, which each has for the other (`benchmarks/path/`)."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path as File

from benchmarks.channels.pair import Signaling
from benchmarks.processes import BenchmarkError

TIMEOUT_S = 5.0
CANDIDATE = re.compile(
    r"^(?P<before>a=candidate:\S+ 1 udp \d+) (?P<address>[\d.]+) (?P<port>\d+) (?P<after>typ host.*)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, order=True)
class Path:
    """Losses are of packets, in both directions; the queue holds what is under way in one round trip."""

    loss: float
    round_trip_ms: float
    capacity_mbps: float = 100.0
    seed: int = 1

    @property
    def queue_bytes(self) -> int:
        return int(self.capacity_mbps * 1e6 / 8 * self.round_trip_ms / 1e3)


class ThroughPath(Signaling):
    """Has each end know the other by an address of the path alone."""

    def __init__(self, process: asyncio.subprocess.Process, path: Path) -> None:
        self._process = process
        self._path = path
        self._facing_offerer = ""

    @classmethod
    @asynccontextmanager
    async def running(cls, program: File, path: Path) -> AsyncGenerator["ThroughPath", None]:
        """Ends it when the block ends."""
        process = await asyncio.create_subprocess_exec(
            program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        try:
            yield cls(process, path)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def offered(self, sdp: str) -> str:
        described = {**asdict(self._path), "queue_bytes": self._path.queue_bytes}
        self._tell({"end": address_of(sdp), **described})
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), TIMEOUT_S)
        if not line:
            raise BenchmarkError("the emulated path ended by itself")
        sockets = json.loads(line)
        self._facing_offerer = sockets["facing_end"]
        return with_address(sdp, sockets["facing_other"])

    async def answered(self, sdp: str) -> str:
        self._tell({"end": address_of(sdp)})
        return with_address(sdp, self._facing_offerer)

    def _tell(self, message: dict[str, object]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")


def address_of(sdp: str) -> str:
    """The first of the addresses that the path can reach.

    Raises:
        BenchmarkError: There is none.
    """
    for line in sdp.splitlines():
        if match := CANDIDATE.match(line):
            return f"{match['address']}:{match['port']}"
    raise BenchmarkError("a description without a host candidate of IPv4 cannot go through the path")


def with_address(sdp: str, address: str) -> str:
    """The same description with that one candidate."""
    host, _, port = address.rpartition(":")
    lines: list[str] = []
    replaced = False
    for line in sdp.splitlines():
        match = CANDIDATE.match(line)
        if match and not replaced:
            lines.append(f"{match['before']} {host} {port} {match['after']}")
            replaced = True
        elif not line.startswith("a=candidate:"):
            lines.append(line)
    return "\r\n".join(lines) + "\r\n"
