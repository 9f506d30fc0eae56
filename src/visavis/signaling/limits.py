"""Token buckets, and how fast a participant may speak by two of them."""

from dataclasses import dataclass

BURST_MESSAGES = 40
MESSAGES_PER_S = 20.0
BURST_BYTES = 256 * 1024
BYTES_PER_S = 128 * 1024.0
PATIENCE_S = 10.0
CALM_S = 1.0
"""So long without a reason to slow it, and a sender is forgiven; a late timer alone forgives nobody."""


class TokenBucket:
    """Holds up to `burst` tokens and gains `rate_per_s`; it may go into debt, paid back in time."""

    def __init__(self, burst: float, rate_per_s: float, now_s: float) -> None:
        self._burst = burst
        self._rate_per_s = rate_per_s
        self._tokens = burst
        self._at_s = now_s

    def take(self, amount: float, now_s: float) -> float:
        """Takes `amount`; returns the seconds after which the bucket is out of debt, 0.0 when it is now."""
        self._gain(now_s)
        self._tokens -= amount
        return max(0.0, -self._tokens / self._rate_per_s)

    def take_if_there(self, amount: float, now_s: float) -> bool:
        """Takes `amount` without going into debt; False, and nothing is taken, when that cannot be."""
        self._gain(now_s)
        if self._tokens < amount:
            return False
        self._tokens -= amount
        return True

    def _gain(self, now_s: float) -> None:
        gained = (now_s - self._at_s) * self._rate_per_s
        self._tokens = min(self._burst, self._tokens + gained)
        self._at_s = now_s


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do before the next message is read: wait, or give up on the sender."""

    wait_s: float
    flooding: bool


class ReadingPace:
    """Decides how slowly one connection is read.

    A message over the limit is still served, but the next is not read before the debt is paid; what the
    sender goes on to send waits in its own buffers. Who has to be slowed for `PATIENCE_S` on end is flooding.
    """

    def __init__(self, now_s: float) -> None:
        self._messages = TokenBucket(BURST_MESSAGES, MESSAGES_PER_S, now_s)
        self._bytes = TokenBucket(BURST_BYTES, BYTES_PER_S, now_s)
        self._slowed_since_s: float | None = None
        self._slowed_until_s = now_s

    def after(self, size_bytes: int, now_s: float) -> Verdict:
        """Counts a message that was just read."""
        wait_s = max(self._messages.take(1, now_s), self._bytes.take(size_bytes, now_s))
        if self._slowed_since_s is not None and now_s - self._slowed_until_s >= CALM_S:
            self._slowed_since_s = None
        if wait_s == 0.0:
            return Verdict(0.0, flooding=False)
        if self._slowed_since_s is None:
            self._slowed_since_s = now_s
        self._slowed_until_s = now_s + wait_s
        return Verdict(wait_s, flooding=now_s - self._slowed_since_s >= PATIENCE_S)
