"""Starts coroutines as `await` does: their first step runs at once, the rest in a task."""

import asyncio
import inspect
from collections.abc import Awaitable, Generator
from typing import Any


class _Rest:
    """What is left of a coroutine whose first step was run: an awaitable."""

    def __init__(self, coroutine: Any) -> None:
        self._coroutine = coroutine
        self.first: Any = None
        self.ended = False
        self.value: Any = None
        self.error: Exception | None = None

    def run_first_step(self) -> None:
        try:
            self.first = self._coroutine.send(None)
        except StopIteration as stop:
            self.ended, self.value = True, stop.value
        except Exception as error:
            self.ended, self.error = True, error

    def __await__(self) -> Generator[Any, Any, Any]:
        if self.error is not None:
            raise self.error
        if self.ended:
            return self.value
        yielded = self.first
        while True:
            try:
                sent = yield yielded
            except BaseException as error:  # a cancellation, which is the coroutine's to handle
                try:
                    yielded = self._coroutine.throw(error)
                except StopIteration as stop:
                    return stop.value
            else:
                try:
                    yielded = self._coroutine.send(sent)
                except StopIteration as stop:
                    return stop.value


async def _finish(rest: _Rest) -> Any:
    return await rest


def start(
    loop: asyncio.AbstractEventLoop, awaitable: Awaitable[Any]
) -> "tuple[asyncio.Future[Any], Exception | None]":
    """The task of an awaitable, and what its first step raised."""
    if not inspect.iscoroutine(awaitable):
        return asyncio.ensure_future(awaitable, loop=loop), None
    rest = _Rest(awaitable)
    task = loop.create_task(_finish(rest))
    outer = asyncio.current_task(loop)
    if outer is not None:
        asyncio.tasks._leave_task(loop, outer)
    asyncio.tasks._enter_task(loop, task)
    try:
        rest.run_first_step()
    finally:
        asyncio.tasks._leave_task(loop, task)
        if outer is not None:
            asyncio.tasks._enter_task(loop, outer)
    return task, rest.error
