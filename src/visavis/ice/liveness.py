"""What becomes of the pair in use, and times for which something is waited for."""

from collections.abc import Callable

from visavis.clock import Clock, TimerHandle
from visavis.ice.states import Connection

_CONSENT_LASTS_S = 30.0
"""RFC 7675 section 5.1. The data plane counts it as long as it asks."""


class Patience:
    """A time for which something is waited for, as the PAC timer (RFC 8863 section 4)."""

    def __init__(self, clock: Clock, ended: Callable[[], None]) -> None:
        """`ended` is called when it has run out."""
        self.is_over = False
        self._clock = clock
        self._ended = ended
        self._timer: TimerHandle | None = None

    def begin(self, duration_s: float) -> None:
        """From now on."""
        self.reset()
        self._timer = self._clock.call_later(duration_s, self._end)

    def reset(self) -> None:
        """It does not run any more, and is not over."""
        self.is_over = False
        if self._timer is not None:
            self._timer.cancel()

    def _end(self) -> None:
        self.is_over = True
        self._ended()


class Liveness:
    """Whether the pair in use is, by what the data plane says of its transport."""

    def __init__(self, clock: Clock, changed: Callable[[], None]) -> None:
        """`changed` is called when it is another."""
        self.connection = Connection.NONE
        self._changed = changed
        self._parting = Patience(clock, lambda: self.hear("failed"))

    def hear(self, state: str) -> None:
        """A state of the transport.

        Of a peer that has said good-bye (`closed`) nothing is asked any more: its consent expires.
        """
        before, self.connection = self.connection, _after(self.connection, state)
        if state == "closed" and self.connection is Connection.SILENT:
            self._parting.begin(_CONSENT_LASTS_S)
        elif self.connection is not Connection.SILENT:
            self._parting.reset()
        if self.connection is not before:
            self._changed()

    def select(self) -> None:
        """A pair is in use."""
        self.connection = Connection.UP

    def restart(self) -> None:
        """A generation begins; a pair in use serves until another does."""
        if self.connection is not Connection.UP:
            self.connection = Connection.NONE

    def forget(self) -> None:
        """What was in use leads to nobody any more."""
        self.connection = Connection.NONE

    def close(self) -> None:
        """Waits for nothing any more."""
        self._parting.reset()


def _after(connection: Connection, state: str) -> Connection:
    match state:
        case "disconnected" | "closed" if connection is Connection.UP:
            return Connection.SILENT
        case "connecting" | "connected" if connection is Connection.SILENT:
            return Connection.UP
        case "failed" if connection is Connection.SILENT:
            return Connection.LOST
        case _:
            return connection
