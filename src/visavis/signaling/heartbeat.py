"""Noticing a peer that is gone without a word (RFC 6455 section 5.5.2)."""

from collections.abc import Callable

from visavis.clock import Clock

SILENCE_S = 25.0
"""Proxies and NATs that forget connections do so after 30 s and more."""
ANSWER_S = 12.5


class Heartbeat:
    """Pings after `SILENCE_S` without a frame; after `ANSWER_S` more without one the peer is dead.

    It is over with `stop`, or once it has said that the peer is dead.
    """

    def __init__(self, clock: Clock, ping: Callable[[], None], dead: Callable[[], None]) -> None:
        self._clock = clock
        self._ping = ping
        self._dead = dead
        self._heard_s = clock.monotonic()
        self._pinged = False
        self._timer = clock.call_later(SILENCE_S, self._due)

    def heard(self) -> None:
        """A frame came, of any kind; costs no timer."""
        self._heard_s = self._clock.monotonic()
        self._pinged = False

    def stop(self) -> None:
        """The socket is closed; idempotent."""
        self._timer.cancel()

    def _due(self) -> None:
        silent_s = self._clock.monotonic() - self._heard_s
        if silent_s < SILENCE_S:
            self._timer = self._clock.call_later(SILENCE_S - silent_s, self._due)
        elif not self._pinged:
            self._pinged = True
            self._timer = self._clock.call_later(ANSWER_S, self._due)
            self._ping()
        else:
            self._dead()
