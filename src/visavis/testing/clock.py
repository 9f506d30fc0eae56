"""A clock that stands still until a test moves it."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(order=True, slots=True)
class ManualTimer:
    """A callback that waits; timers of one moment fire in the order in which they were set."""

    when_s: float
    number: int
    callback: Callable[[], None] | None = field(compare=False)

    def cancel(self) -> None:
        """Forgets the callback; idempotent."""
        self.callback = None


class ManualClock:
    """A `visavis.clock.Clock` whose time moves only by `advance`."""

    def __init__(self, start_s: float = 1000.0) -> None:
        self._now_s = start_s
        self._timers: list[ManualTimer] = []
        self._numbers = itertools.count()

    def monotonic(self) -> float:
        """The virtual time in seconds."""
        return self._now_s

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> ManualTimer:
        """Sets a timer; it fires within `advance`, also with a delay of zero."""
        timer = ManualTimer(self._now_s + max(0.0, delay_s), next(self._numbers), callback)
        heapq.heappush(self._timers, timer)
        return timer

    def advance(self, duration_s: float) -> None:
        """Moves the time on, firing each timer at its moment, those included that timers set on the way."""
        end_s = self._now_s + duration_s
        while self._timers and self._timers[0].when_s <= end_s:
            timer = heapq.heappop(self._timers)
            self._now_s = max(self._now_s, timer.when_s)
            callback, timer.callback = timer.callback, None
            if callback is not None:
                callback()
        self._now_s = end_s

    def pending(self) -> int:
        """How many timers still wait; cancelled ones do not count."""
        return sum(timer.callback is not None for timer in self._timers)
