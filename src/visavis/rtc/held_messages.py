"""Messages of a channel that nobody listens to, held for who iterates; they hold the peer's window."""

import asyncio
import logging
from collections import deque

_log = logging.getLogger(__name__)

SHARE_BYTES = 256 * 1024
"""What one channel may hold unread before that is told in the log; an unreliable one drops what is beyond."""


class HeldMessages:
    """A queue, bounded by the association's window where nothing may be lost, else by `SHARE_BYTES`."""

    def __init__(self, label: str, *, drops: bool) -> None:
        self.dropped = 0
        self._label = label
        self.drops = drops
        self._waiting: deque[tuple[str | bytes, int]] = deque()
        self._size_bytes = 0
        self._warned = False
        self._is_read = False
        self._changed: asyncio.Event = asyncio.Event()
        self._ended = False

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def put(self, data: str | bytes, size_bytes: int) -> int:
        """Holds a message; how many bytes are free again, since it was dropped."""
        if self._size_bytes + size_bytes > SHARE_BYTES:
            if not self._warned and (
                self.drops or not self._is_read
            ):  # else a slow reader slows the peer down
                self._warned = True
                _log.warning(
                    "%s the data channel %r: its messages %s",
                    "the program does not keep up with" if self._is_read else "nobody reads",
                    self._label,
                    "are dropped" if self.drops else "fill the window",
                )
            if self.drops:
                self.dropped += 1
                return size_bytes
        self._waiting.append((data, size_bytes))
        self._size_bytes += size_bytes
        self._changed.set()
        return 0

    def take(self) -> tuple[str | bytes, int]:
        """The oldest message, and how many bytes are free again."""
        self._is_read = True
        data, size_bytes = self._waiting.popleft()
        self._size_bytes -= size_bytes
        return data, 0 if self._ended else size_bytes

    def end(self) -> int:
        """No more come; the bytes that are held are free for others."""
        was_ended, self._ended = self._ended, True
        self._changed.set()
        return 0 if was_ended else self._size_bytes

    async def wait(self) -> bool:
        """Waits for a message; False: no more come."""
        self._is_read = True
        while not self._waiting:
            if self._ended:
                return False
            self._changed.clear()
            await self._changed.wait()
        return True
