"""What waits to be sent in an association, over all its channels, and who waits for that to become less."""

import asyncio

_HIGH_WATER_BYTES = 32 << 20
"""Half of what an association takes: whoever waits for room finds it, also beside those who do not."""
_LOW_WATER_BYTES = _HIGH_WATER_BYTES // 2


class Backlog:
    """From the high water mark on those wait who can, until it has fallen to the low one."""

    def __init__(self) -> None:
        self._bytes = 0
        self._waiting: list[asyncio.Future[None]] = []
        self._is_over = False

    @property
    def is_full(self) -> bool:
        """Whether who can wait ought to."""
        return self._bytes > _HIGH_WATER_BYTES and not self._is_over

    def enter(self, size_bytes: int) -> None:
        """A message was queued."""
        self._bytes += size_bytes

    def leave(self, size_bytes: int) -> None:
        """So much was sent, or given up."""
        self._bytes -= size_bytes
        if self._waiting and self._bytes <= _LOW_WATER_BYTES:
            self._wake()

    def end(self) -> None:
        """Nothing will leave any more: nobody waits."""
        self._is_over = True
        self._wake()

    async def room(self) -> None:
        """Returns when there is room, in the order of asking, or it has ended."""
        while self.is_full:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)
