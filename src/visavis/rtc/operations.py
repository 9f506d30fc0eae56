"""The operations chain (webrtc-pc section 4.4.1.2): a connection's operations run one after the other."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from visavis.errors import DOMException
from visavis.rtc.tasks import Tasks

T = TypeVar("T")


class Operations:
    """A connection's chain; `on_empty` is called each time that its last operation has ended."""

    def __init__(self, tasks: Tasks, on_empty: Callable[[], None]) -> None:
        self._tasks = tasks
        self._on_empty = on_empty
        self._chain: list[asyncio.Future[None]] = []
        self._closed = False

    def __len__(self) -> int:
        """How many operations run or wait."""
        return len(self._chain)

    async def run(self, operation: Callable[[], Awaitable[T]]) -> T:
        """Runs an operation after those that were chained before.

        Raises:
            DOMException: `InvalidStateError`, the connection is closed.
            RuntimeError: It belongs to another event loop.
            asyncio.CancelledError: It was closed meanwhile.
        """
        if self._closed:
            raise DOMException("the connection is closed", "InvalidStateError")
        self._tasks.check_loop()
        ticket: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._chain.append(ticket)
        try:
            if self._chain[0] is not ticket:
                await self._tasks.until(ticket)
            return await operation()
        finally:
            self._end(ticket)

    def close(self) -> None:
        """No operation begins any more."""
        self._closed = True

    def _end(self, ticket: "asyncio.Future[None]") -> None:
        was_first = self._chain[0] is ticket
        self._chain.remove(ticket)
        if self._closed or not was_first:
            return
        if not self._chain:
            self._on_empty()
        elif not (following := self._chain[0]).done():
            following.set_result(None)
