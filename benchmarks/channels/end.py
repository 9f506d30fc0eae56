"""What one end of a measured pair does, whatever library it has: the programs of visavis and aiortc share it.

Only the standard library is used here, since aiortc has an environment of its own. `pion/` and `webrtc_rs/`
do the same in Go and in Rust. A program is called in one of these ways, with a `Job` as JSON:

    PROGRAM offer JOB     makes the channels `ping` and `bulk 0` and on, and sends
    PROGRAM answer JOB    sends back what comes on `ping`, and counts what comes on the others
    PROGRAM idle JOB      opens pairs in one process, and tells how much memory they hold

Then it speaks JSON lines on standard input and output:

    {"sdp": ...}           the offerer says its own first; the answerer is told it, and says its answer
    {"open": true}         the offerer: all channels are
    {"do": "send"}         to the offerer: send on the bulk channels without end
    {"do": "ping"}         to the offerer: send four bytes on `ping`, again a pause after they came back
    {"do": "round-trips"}  to the offerer, which says {"round_trips_s": [...]} since it was last asked
    {"do": "count"}        to the answerer, which says {"messages": ..., "at_s": ...} by a clock of its own

It ends when its standard input does, so none outlives the benchmark.
"""

import asyncio
import gc
import json
import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PING = "ping"
IDLE_STEPS = 10


@dataclass(frozen=True, slots=True)
class Job:
    """`pairs` counts for `idle` alone.

    Two are for visavis alone: `receiver`, which is `onmessage` or `iteration`, and `path_mtu_bytes`, at which
    datagrams are held; None lets it find out.
    """

    size_bytes: int = 0
    channels: int = 0
    ping_pause_s: float = 0.0
    receiver: str = "onmessage"
    path_mtu_bytes: int | None = 1_200
    pairs: int = 0


class End(ABC):
    """An `RTCPeerConnection` with what the protocol needs, on an event loop."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.messages = 0
        self._answered = asyncio.Event()
        self._round_trips_s: list[float] = []
        self._sending: list[asyncio.Task[None]] = []

    @abstractmethod
    async def offer(self) -> str:
        """Makes the channels, and gives the description with all candidates."""

    @abstractmethod
    async def take_answer(self, sdp: str) -> None:
        """Returns when all channels are open."""

    @abstractmethod
    async def answer(self, sdp: str) -> str:
        """The description with all candidates."""

    @abstractmethod
    async def send_bulk(self, number: int) -> None:
        """Sends on that channel as fast as it takes it, without end."""

    @abstractmethod
    def send_ping(self) -> None:
        """Sends four bytes on `ping`."""

    def count(self, _message: object) -> None:
        """Listens to the messages of a bulk channel."""
        self.messages += 1

    def ping_came_back(self, _message: object) -> None:
        """Listens to the messages of the offerer's `ping`."""
        self._answered.set()

    async def _ping(self) -> None:
        while True:
            self._answered.clear()
            began_s = time.perf_counter()
            self.send_ping()
            await self._answered.wait()
            self._round_trips_s.append(time.perf_counter() - began_s)
            await asyncio.sleep(self.job.ping_pause_s)

    def _start(self, sending: Awaitable[None]) -> None:
        self._sending.append(asyncio.ensure_future(_ending_all(sending)))

    def do(self, what: str) -> dict[str, Any] | None:
        """Carries out a command; gives what is to be said."""
        match what:
            case "send":
                for number in range(self.job.channels):
                    self._start(self.send_bulk(number))
            case "ping":
                self._start(self._ping())
            case "round-trips":
                taken, self._round_trips_s = self._round_trips_s, []
                return {"round_trips_s": taken}
            case "count":
                return {"messages": self.messages, "at_s": time.monotonic()}
            case _:
                raise ValueError(f"there is no command {what!r}")
        return None


async def _ending_all(sending: Awaitable[None]) -> None:
    """An end that can no longer send must not look like a slow one."""
    try:
        await sending
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)


async def _lines() -> AsyncIterator[dict[str, Any]]:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        yield json.loads(line)


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


async def _play(role: str, end: End) -> None:
    if role == "offer":
        _say({"sdp": await end.offer()})
    async for line in _lines():
        if "do" in line:
            said = end.do(line["do"])
            if said is not None:
                _say(said)
        elif role == "offer":
            await end.take_answer(line["sdp"])
            _say({"open": True})
        else:
            _say({"sdp": await end.answer(line["sdp"])})
    # Closing politely would ask for a peer that may be gone.
    os._exit(0)


async def _idle(make: Callable[[Job], End], job: Job) -> None:
    ends: list[End] = []
    resident: list[tuple[int, int]] = []
    for number in range(job.pairs + 1):
        if number % max(1, job.pairs // IDLE_STEPS) == 0:
            gc.collect()
            resident.append((number, _resident_bytes()))
        if number < job.pairs:
            offerer, answerer = make(job), make(job)
            await offerer.take_answer(await answerer.answer(await offerer.offer()))
            ends += offerer, answerer
    _say({"resident": resident})
    os._exit(0)


def _resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def main(
    make: Callable[[Job], End], loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
) -> None:
    """The program around a library's end."""
    role, job = sys.argv[1], Job(**json.loads(sys.argv[2]))

    async def run() -> None:
        if role == "idle":
            await _idle(make, job)
        else:
            await _play(role, make(job))

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(run())
