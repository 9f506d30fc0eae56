"""An event loop on a thread of its own, for what is asynchronous beside the synchronous Playwright."""

import asyncio
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

_RUN_S = 60

T = TypeVar("T")


class LoopThread:
    """Runs coroutines on its thread, one call after the other."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loop", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Waits for the result of a coroutine.

        Raises:
            TimeoutError: there was none in a minute.
        """
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_RUN_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
