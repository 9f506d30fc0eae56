"""A clock for sources, with a thread of its own: a blocked event loop does not stop a camera."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

_log = logging.getLogger(__name__)


@dataclass(order=True, slots=True)
class _Timer:
    when_s: float
    number: int
    callback: Callable[[], None] = field(compare=False)
    changed: threading.Condition = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Forgets the callback; one that runs already is not waited for."""
        with self.changed:
            self.cancelled = True
            self.changed.notify_all()


class ThreadClock:
    """A `visavis.clock.Clock` whose callbacks run on a thread, which is there only while one waits.

    `call_later` may be called from any thread. What a callback raises is logged.
    """

    def __init__(self, name: str) -> None:
        """`name` is the thread's."""
        self._name = name
        self._timers: list[_Timer] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def monotonic(self) -> float:
        """The system's monotonic seconds, which asyncio's loops count too."""
        return time.monotonic()

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> _Timer:
        """Calls `callback` on the clock's thread, `delay_s` seconds from now."""
        with self._changed:
            timer = _Timer(time.monotonic() + delay_s, next(self._numbers), callback, self._changed)
            heapq.heappush(self._timers, timer)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return timer

    def _run(self) -> None:
        while (timer := self._next()) is not None:
            try:
                timer.callback()
            except Exception:
                _log.exception("a callback of %s failed", self._name)

    def _next(self) -> _Timer | None:
        """Waits for the first timer; None when none is left, and then the thread ends."""
        with self._changed:
            while True:
                while self._timers and self._timers[0].cancelled:
                    heapq.heappop(self._timers)
                if not self._timers:
                    self._thread = None
                    return None
                remaining_s = self._timers[0].when_s - time.monotonic()
                if remaining_s <= 0:
                    return heapq.heappop(self._timers)
                self._changed.wait(remaining_s)


CAPTURE_CLOCK = ThreadClock("visavis-capture")
"""What paces the devices of this process."""
