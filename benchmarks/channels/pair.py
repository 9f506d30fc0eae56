"""Two processes with a connection between them, driven as `end.py` says; nothing here waits for ever."""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict
from typing import IO, Any, Self

from benchmarks.channels.end import Job
from benchmarks.processes import HERE, BenchmarkError

ANSWER_TIMEOUT_S = 20.0
SETUP_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 0.3
LINE_BYTES = 1 << 24
TOLD_LINES = 3


class Process:
    """One program of a peer, and what it says."""

    def __init__(self, process: asyncio.subprocess.Process, errors: IO[str]) -> None:
        self._process = process
        self._errors = errors

    @classmethod
    @asynccontextmanager
    async def running(cls, command: Sequence[str], role: str, job: Job) -> AsyncGenerator[Self, None]:
        """Ends it when the block ends."""
        with tempfile.TemporaryFile("w+") as errors:
            process = await asyncio.create_subprocess_exec(
                *command,
                role,
                json.dumps(asdict(job)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=LINE_BYTES,
                cwd=HERE.parent,
                # Of a panic the last lines that it says are to be its reason.
                env={**os.environ, "RUST_BACKTRACE": "0"},
            )
            try:
                yield cls(process, errors)
            finally:
                await _stopped(process)

    def tell(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")

    async def hear(self, timeout_s: float = ANSWER_TIMEOUT_S) -> dict[str, Any]:
        """The next line.

        Raises:
            BenchmarkError: None came in time, or the program has ended.
        """
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), timeout_s)
        except TimeoutError:
            raise BenchmarkError(f"said nothing for {timeout_s:.0f} s{self._tail()}") from None
        if not line:
            raise BenchmarkError(f"ended by itself{self._tail()}")
        heard: dict[str, Any] = json.loads(line)
        return heard

    async def ask(self, what: str) -> dict[str, Any]:
        """Has a command carried out that is answered."""
        self.tell({"do": what})
        return await self.hear()

    def cpu_s(self) -> float:
        """That all threads have used, those that have ended included."""
        # The clock of a process, as clock_getcpuclockid(3) makes it.
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def _tail(self) -> str:
        self._errors.seek(0, os.SEEK_SET)
        said = self._errors.read().strip().splitlines()[-TOLD_LINES:]
        return f": {' / '.join(said)}" if said else ""


async def _stopped(process: asyncio.subprocess.Process) -> None:
    """It ends when its input does, unless it is stuck."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
    except TimeoutError:
        # It may have ended at this moment.
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class Pair:
    """An offerer and an answerer whose channels are open."""

    def __init__(self, offerer: Process, answerer: Process) -> None:
        self.offerer = offerer
        self.answerer = answerer

    def cpu_s(self) -> tuple[float, float]:
        """Of both."""
        return self.offerer.cpu_s(), self.answerer.cpu_s()


class Signaling:
    """What becomes of descriptions on their way from one to the other: nothing."""

    async def offered(self, sdp: str) -> str:
        return sdp

    async def answered(self, sdp: str) -> str:
        return sdp


@asynccontextmanager
async def connected(command: Sequence[str], job: Job, signaling: Signaling) -> AsyncGenerator[Pair, None]:
    """Both ends of a peer.

    Raises:
        BenchmarkError: They do not start, or do not come together.
    """
    async with AsyncExitStack() as stack:
        offerer = await stack.enter_async_context(Process.running(command, "offer", job))
        answerer = await stack.enter_async_context(Process.running(command, "answer", job))
        offer = (await offerer.hear())["sdp"]
        answerer.tell({"sdp": await signaling.offered(offer)})
        answer = (await answerer.hear())["sdp"]
        offerer.tell({"sdp": await signaling.answered(answer)})
        await offerer.hear(SETUP_TIMEOUT_S)
        yield Pair(offerer, answerer)
