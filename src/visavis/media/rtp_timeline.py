"""RTP timestamps of captured frames (RFC 3550 section 5.1)."""

_LEAP_S = 30.0
"""A source that leaps by more has another clock."""


class RtpTimeline:
    """Turns times of capture into timestamps that begin at a random one, and never go back.

    A track that replaces another one (`replaceTrack`) continues its time, as long as both have one clock; a
    source with a clock of its own goes on one step after the last.
    """

    def __init__(self, clock_hz: int, first_timestamp: int) -> None:
        """`first_timestamp`: a random number of 32 bits."""
        self._clock_hz = clock_hz
        self._origin_s: float | None = None
        self._origin_ticks = first_timestamp
        self._last_s = 0.0
        self._last_ticks = first_timestamp

    def timestamp(self, capture_time_s: float, step_s: float) -> int:
        """The 32 bits for a frame; `step_s` is the distance to the one before where clocks differ."""
        elapsed_s = capture_time_s - self._last_s
        if self._origin_s is None:
            self._origin_s = capture_time_s
        elif not 0 < elapsed_s < _LEAP_S:
            self._origin_s = capture_time_s
            self._origin_ticks = self._last_ticks + max(1, round(step_s * self._clock_hz))
        self._last_s = capture_time_s
        self._last_ticks = self._origin_ticks + round((capture_time_s - self._origin_s) * self._clock_hz)
        return self._last_ticks & 0xFFFFFFFF
