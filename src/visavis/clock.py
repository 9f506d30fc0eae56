"""Time as an argument: what decides by time is given a `Clock`, and a test gives it one of its own."""

import asyncio
from collections.abc import Callable
from typing import Protocol


class TimerHandle(Protocol):
    """A callback that waits for its time."""

    def cancel(self) -> None:
        """Makes sure that the callback is not called any more; idempotent."""


class Clock(Protocol):
    """Monotonic seconds, and callbacks after some of them."""

    def monotonic(self) -> float:
        """Seconds since some moment in the past; never goes back."""
        ...

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> TimerHandle:
        """Calls `callback` once, `delay_s` seconds from now, never before this call returns."""
        ...


class LoopClock:
    """The time of an asyncio event loop; to be used on that loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def monotonic(self) -> float:
        """The loop's own time in seconds."""
        return self._loop.time()

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> TimerHandle:
        """Calls `callback` from the loop, `delay_s` seconds from now."""
        return self._loop.call_later(delay_s, callback)
