"""How fast a file moves, and how long it will take: in numbers, and in the words that people read."""

from collections import deque

WINDOW_S = 5.0
"""The rate is that of the last seconds."""

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


class Progress:
    """One file on its way. Time is an argument."""

    def __init__(self, size: int, offset: int, now_s: float) -> None:
        self._size = size
        self._begun: tuple[float, int] = (now_s, offset)
        self._samples: deque[tuple[float, int]] = deque([(now_s, offset)])

    def moved(self, position: int, now_s: float) -> None:
        """The file is there up to `position`."""
        self._samples.append((now_s, position))
        while len(self._samples) > 2 and self._samples[1][0] <= now_s - WINDOW_S:
            self._samples.popleft()

    @property
    def position(self) -> int:
        """How much is there."""
        return self._samples[-1][1]

    @property
    def fraction(self) -> float:
        """From 0 to 1."""
        return self.position / self._size if self._size else 1.0

    def rate_bytes_per_s(self, now_s: float) -> float:
        """Of the last seconds; 0.0 while nothing can be said."""
        then_s, then = self._samples[0]
        return (self.position - then) / (now_s - then_s) if now_s > then_s else 0.0

    def left_s(self, now_s: float) -> float | None:
        """How long it will take; None while nothing moves."""
        rate = self.rate_bytes_per_s(now_s)
        return (self._size - self.position) / rate if rate > 0 else None

    def mean_bytes_per_s(self, now_s: float) -> float:
        """Over the whole time."""
        then_s, then = self._begun
        return (self.position - then) / (now_s - then_s) if now_s > then_s else 0.0

    def __str__(self) -> str:
        """How much of how much."""
        return f"{said_size(self.position)} of {said_size(self._size)}"


def said_size(size: float) -> str:
    """`4.7 GB`: powers of a thousand (IEC 80000-13), three digits."""
    unit = 0
    while size >= 999.5 and unit < len(_UNITS) - 1:
        size /= 1000
        unit += 1
    digits = 0 if unit == 0 or size >= 99.95 else 1
    return f"{size:.{digits}f} {_UNITS[unit]}"


def said_time(duration_s: float) -> str:
    """`9 s`, `1:05`, `2:00:01`."""
    seconds = round(duration_s)
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes}:{seconds:02}"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
