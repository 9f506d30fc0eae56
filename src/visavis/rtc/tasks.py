"""The W3C's event loop over asyncio's (HTML section 8.1.7): tasks, and what runs between two of them.

In a browser a promise's reactions run before the next task. asyncio has one queue for both, in which a
coroutine needs a few turns from its future's result to its caller's next line. So a task here waits until those turns are over: who awaits
`setLocalDescription` goes on before the events of a later task are fired, as in a browser.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

_TURNS = 4
"""Turns of asyncio's loop before each task: future, awaiting coroutine, its task's end, who awaits that."""


class Tasks:
    """The tasks of one connection, in their order, one at a time.

    It belongs to no event loop until the first of its tasks is queued inside of one; what was queued before
    waits for that. `close` drops what waits.
    """

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._futures: set[asyncio.Future[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running = False
        self._closed = False

    def queue(self, task: Callable[[], None]) -> None:
        """Has `task` called, after all that were queued before."""
        if self._closed:
            return
        self._waiting.append(task)
        self.start()

    def start(self) -> None:
        """Binds to the running event loop, if there is one, and begins with what waits."""
        if self._loop is None or self._loop.is_closed():
            with contextlib.suppress(RuntimeError):
                self._loop = asyncio.get_running_loop()
                self._running = False
        if self._loop is not None and self._waiting and not self._running:
            self._running = True
            self._loop.call_soon(self._turn, _TURNS - 1)

    async def turn(self) -> None:
        """Returns in a task of its own.

        Raises:
            asyncio.CancelledError: The connection was closed: what a closed connection owes is never
                answered (webrtc-pc section 4.4.1.3), which for a coroutine is its end.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._closed:
            future.cancel()
        await self.settled(future, lambda: self.queue(lambda: future.done() or future.set_result(None)))

    async def settled(self, future: "asyncio.Future[None]", begin: Callable[[], object]) -> None:
        """Waits for a future, which `close` cancels."""
        self._futures.add(future)
        try:
            begin()
            await future
        finally:
            self._futures.discard(future)

    def close(self) -> None:
        """Drops all tasks and ends those who wait for one."""
        self._closed = True
        self._waiting.clear()
        for future in tuple(self._futures):
            future.cancel()

    def _turn(self, turns: int) -> None:
        loop = self._loop
        if loop is None or not self._waiting:
            self._running = False
        elif turns:
            loop.call_soon(self._turn, turns - 1)
        else:
            task = self._waiting.popleft()
            loop.call_soon(self._turn, _TURNS - 1)
            task()
