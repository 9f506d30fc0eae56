"""A bounded queue of frames, put from any thread, taken by a thread or by an event loop."""

import asyncio
import threading
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import Generic, Self, TypeVar

FrameT = TypeVar("FrameT")


class FrameQueue(Generic[FrameT]):
    """Keeps the newest frames: a full queue drops its oldest one, and counts it in `dropped`.

    One consumer, which is a thread (`get`) or a coroutine (`async for`). It binds to an event loop only while
    a coroutine waits.
    """

    def __init__(self, capacity: int) -> None:
        """`capacity`: frames that it holds at most. Raises ValueError below 1."""
        if capacity < 1:
            raise ValueError(f"a queue holds one frame at the least, not {capacity}")
        self.dropped = 0
        """Frames that were not taken in time."""
        self._capacity = capacity
        self._frames: deque[FrameT] = deque()
        self._changed = threading.Condition()
        self._waiting: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]] | None = None
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether no more frames come; those that wait can still be taken."""
        return self._ended

    def __len__(self) -> int:
        """How many frames wait."""
        return len(self._frames)

    def put(self, frame: FrameT) -> None:
        """Adds a frame, from any thread, and returns at once; nothing once the queue has ended."""
        with self._changed:
            if self._ended:
                return
            if len(self._frames) >= self._capacity:
                self._frames.popleft()
                self.dropped += 1
            self._frames.append(frame)
            self._wake()

    def end(self) -> None:
        """No more frames come; wakes who waits. From any thread; idempotent."""
        with self._changed:
            self._ended = True
            self._wake()

    def clear(self) -> None:
        """Forgets what waits, without counting it as dropped."""
        with self._changed:
            self._frames.clear()

    def get(self, timeout_s: float | None = None) -> FrameT | None:
        """The next frame, waiting for it in this thread; None when the queue ended, or after `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._frames or self._ended, timeout_s)
            return self._frames.popleft() if self._frames else None

    def close(self) -> None:
        """The consumer wants no more: ends the queue and forgets what waits."""
        self.end()
        self.clear()

    def __aiter__(self) -> Self:
        """Itself."""
        return self

    async def __anext__(self) -> FrameT:
        """The next frame. Raises RuntimeError when another coroutine waits already."""
        while True:
            with self._changed:
                if self._frames:
                    return self._frames.popleft()
                if self._ended:
                    raise StopAsyncIteration
                if self._waiting is not None:
                    raise RuntimeError("another coroutine waits for this queue; take a queue for each")
                loop = asyncio.get_running_loop()
                future = loop.create_future()
                self._waiting = (loop, future)
            try:
                await future
            finally:
                with self._changed:
                    self._waiting = None

    def __enter__(self) -> Self:
        """`with track.frames() as frames` ends the consumption at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wake(self) -> None:
        """Called with the lock held."""
        self._changed.notify_all()
        if self._waiting is not None:
            loop, future = self._waiting
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_resolve, future)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
