"""The W3C's event loop over asyncio's (HTML section 8.1.7): tasks, and what runs between two of them.

In a browser the reactions to a promise run before the next task does. asyncio has one queue for both, in
which a coroutine needs a few turns from its future's result to its caller's next line. So a task here waits
until those turns are over: who awaits `setLocalDescription` goes on before a later task fires its events, as
in a browser. After a task that called nobody there are no reactions, and nothing to wait for.
"""

import asyncio
import weakref
from collections import deque
from collections.abc import Callable

_TURNS = 4
"""Turns of asyncio's loop before each task: future, awaiting coroutine, its task's end, who awaits that."""

Task = Callable[[], object]
"""Returns False if it called nobody: fired no event that anybody listens to, and resolved nothing."""


class TaskQueue:
    """The tasks of one event loop, in their order, one at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self._waiting: deque[Task] = deque()
        self._running = False

    def queue(self, task: Task) -> None:
        """Has a task called, after all that were queued before; on the loop's thread."""
        self._waiting.append(task)
        if not self._running:
            self._running = True
            self._wait()

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop, None once it is closed: then no task is called any more."""
        loop = self._loop()
        return None if loop is None or loop.is_closed() else loop

    def _wait(self) -> None:
        if (loop := self.loop) is not None:
            loop.call_soon(self._turn, loop, _TURNS - 1)

    def _turn(self, loop: asyncio.AbstractEventLoop, turns: int) -> None:
        if turns:
            loop.call_soon(self._turn, loop, turns - 1)
            return
        called: object = False
        try:
            while self._waiting and called is False:
                called = self._waiting.popleft()()
        finally:
            self._running = bool(self._waiting)
            if self._running:
                self._wait()


_queues: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[TaskQueue]]" = (
    weakref.WeakKeyDictionary()
)
"""Held by its connections, and by its loop while tasks wait: those left when a loop is closed lead to it, and
were they held here, it would stay."""


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _queue_of(loop: asyncio.AbstractEventLoop) -> TaskQueue:
    known = _queues.get(loop)
    queue = None if known is None else known()
    if queue is None:
        queue = TaskQueue(loop)
        _queues[loop] = weakref.ref(queue)
    return queue


class Tasks:
    """The tasks of one connection, in the queue of its event loop.

    It belongs to no loop until one of its tasks is queued inside of one; what was queued before waits for
    that. `close` drops what waits.
    """

    def __init__(self) -> None:
        self._early: list[Task] = []
        self._futures: list[asyncio.Future[None]] = []
        self._queue: TaskQueue | None = None
        self._closed = False

    def check_thread(self) -> None:
        """What changes a connection is called where its event loop runs, or while that does not run.

        Raises:
            RuntimeError: The event loop runs in another thread.
        """
        loop = None if self._queue is None else self._queue.loop
        if loop is not None and loop.is_running() and loop is not _running_loop():
            raise RuntimeError(
                "the connection belongs to the event loop of another thread or process: "
                "call this by that loop's call_soon_threadsafe"
            )

    def check_loop(self) -> None:
        """What is awaited of a connection is awaited on its event loop, which is that of the first time.

        Raises:
            RuntimeError: Another event loop runs here.
        """
        if self._queue is None:
            self._queue = _queue_of(asyncio.get_running_loop())
        elif self._queue.loop is not asyncio.get_running_loop():
            raise RuntimeError(
                "the connection belongs to another event loop: await this there, or by "
                "asyncio.run_coroutine_threadsafe"
            )

    def queue(self, task: Task) -> None:
        """Has a task called, unless the connection is closed before."""
        if self._queue is None or self._queue.loop is not None:
            self._put(lambda: False if self._closed else task())

    def queue_last_words(self, task: Task) -> None:
        """Has a task called, even of a connection that is closed; at once, if the loop is closed itself."""
        if self._queue is not None and self._queue.loop is None:
            task()
        else:
            self._put(task)

    def _put(self, task: Task) -> None:
        if self._queue is None and (loop := _running_loop()) is not None:
            self._queue = _queue_of(loop)
        if self._queue is None:
            self._early.append(task)
            return
        if self._early:
            early, self._early = self._early, []
            for one in early:
                self._queue.queue(one)
        self._queue.queue(task)

    async def turn(self) -> None:
        """Returns in a task of its own.

        Raises:
            RuntimeError: As `check_loop` does.
            asyncio.CancelledError: The connection was closed: what a closed connection owes is never
                answered (webrtc-pc section 4.4.1.2), which for a coroutine is its end.
        """
        self.check_loop()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def resolve() -> None:
            if not future.done():
                future.set_result(None)

        self.queue(resolve)
        await self.until(future)

    async def until(self, future: "asyncio.Future[None]") -> None:
        """Waits for a future, which `close` cancels."""
        if self._closed:
            future.cancel()
        self._futures.append(future)
        try:
            await future
        finally:
            self._futures.remove(future)

    def close(self) -> None:
        """Drops all tasks but last words, and ends those who wait for one."""
        self._closed = True
        for future in tuple(self._futures):
            future.cancel()
