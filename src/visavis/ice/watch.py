"""Noticing that the network changed: the addresses are polled, which works on every system."""

from collections.abc import Callable, Sequence

from visavis.clock import Clock, TimerHandle
from visavis.ice.options import Interface

PERIOD_S = 3.0


class NetworkWatcher:
    """Calls `changed` when the machine's addresses are others than `period_s` ago. `close` it in the end."""

    def __init__(
        self,
        clock: Clock,
        interfaces: Callable[[], Sequence[Interface]],
        changed: Callable[[], None],
        period_s: float = PERIOD_S,
    ) -> None:
        self._clock = clock
        self._interfaces = interfaces
        self._changed = changed
        self._period_s = period_s
        self._known = frozenset(interfaces())
        self._timer: TimerHandle | None = clock.call_later(period_s, self._look)

    def close(self) -> None:
        """Looks no more; idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = self._clock.call_later(self._period_s, self._look)
        now = frozenset(self._interfaces())
        if now != self._known:
            self._known = now
            self._changed()
