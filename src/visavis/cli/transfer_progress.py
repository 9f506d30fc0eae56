"""How a transfer goes, on a terminal as one line that changes, elsewhere as a line now and then."""

from pathlib import Path
from typing import IO

from visavis.clock import Clock
from visavis.server.logs import escaped
from visavis.transfer.messages import FileInfo
from visavis.transfer.names import safe_name_untrusted
from visavis.transfer.progress import Progress, said_size, said_time

REDRAWN_AFTER_S = 0.1
LINE_AFTER_S = 10.0
"""So often a line is written where no terminal is."""
_BAR = 24


class TransferProgress:
    """Implements `visavis.transfer.watch.Watch`."""

    def __init__(
        self, out: IO[str], clock: Clock, *, is_terminal: bool, width: int = 80, sends: bool
    ) -> None:
        self._out = out
        self._clock = clock
        self._is_terminal = is_terminal
        self._width = width
        self._done_word = "sent" if sends else "received"
        self._moving: dict[FileInfo, Progress] = {}
        self._shown_s = 0.0
        self._is_line_open = False

    def met(self) -> None:
        """The other end is here."""
        self._line("connected")

    def lost(self) -> None:
        """It is not any more."""
        if self._moving:
            self._line("connection lost; it goes on from here when it is back (Ctrl-C to stop)")
        self._moving.clear()

    def checking(self, file: FileInfo, there_bytes: int) -> None:
        """Something is there already."""
        self._line(f"{_name(file)}: comparing the {said_size(there_bytes)} that are there already")

    def begun(self, file: FileInfo, offset: int) -> None:
        """The file is on its way."""
        self._moving[file] = Progress(file.size, offset, self._clock.monotonic())
        self._shown_s = self._clock.monotonic()
        if offset and offset < file.size:
            self._line(f"{_name(file)}: goes on from {said_size(offset)} of {said_size(file.size)}")
        elif not self._is_terminal and not offset:
            self._line(f"{_name(file)}: {said_size(file.size)}")

    def moved(self, file: FileInfo, position: int) -> None:
        """It is there up to `position`."""
        progress, now_s = self._moving.get(file), self._clock.monotonic()
        if progress is None:
            return
        progress.moved(position, now_s)
        if now_s - self._shown_s < (REDRAWN_AFTER_S if self._is_terminal else LINE_AFTER_S):
            return
        self._shown_s = now_s
        if self._is_terminal:
            self._redraw(self._bar(file, progress, now_s))
        else:
            self._line(f"{_name(file)}: {progress.fraction:.0%}, {self._pace(progress, now_s)}")

    def finished(self, file: FileInfo, path: Path | None, *, was_there: bool = False) -> None:
        """It is whole."""
        progress, now_s = self._moving.pop(file, None), self._clock.monotonic()
        shown = escaped(str(path)) if path is not None else _name(file)
        if was_there:
            self._line(f"{shown}: is there already, checksum ok")
            return
        rate = progress.mean_bytes_per_s(now_s) if progress is not None else 0.0
        pace = f" at {said_size(rate)}/s" if rate else ""
        self._line(f"{shown}: {self._done_word}, {said_size(file.size)}{pace}, checksum ok")

    def failed(self, file: FileInfo, reason: str) -> None:
        """It will not come."""
        self._moving.pop(file, None)
        self._line(f"{_name(file)}: not {self._done_word}: {escaped(reason)}")

    def _pace(self, progress: Progress, now_s: float) -> str:
        left_s = progress.left_s(now_s)
        left = f", {said_time(left_s)} left" if left_s is not None else ""
        return f"{progress}, {said_size(progress.rate_bytes_per_s(now_s))}/s{left}"

    def _bar(self, file: FileInfo, progress: Progress, now_s: float) -> str:
        filled = int(_BAR * progress.fraction)
        rest = (
            f" {progress.fraction:4.0%} {'━' * filled}{'·' * (_BAR - filled)} {self._pace(progress, now_s)}"
        )
        room = max(8, self._width - len(rest) - 1)
        name = _name(file)
        return (name if len(name) <= room else name[: room - 1] + "…") + rest

    def _redraw(self, text: str) -> None:
        self._out.write(f"\r\x1b[K{text[: self._width - 1]}")
        self._out.flush()
        self._is_line_open = True

    def _line(self, text: str) -> None:
        self._out.write(f"\r\x1b[K{text}\n" if self._is_line_open else f"{text}\n")
        self._out.flush()
        self._is_line_open = False


def _name(file: FileInfo) -> str:
    return safe_name_untrusted(file.name)
