"""Running a server as a process: signals, draining, exit status."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from types import FrameType

from visavis.server.server import Server

_log = logging.getLogger(__name__)

DRAIN_S = 5.0
EXIT_INTERRUPTED = 130


def run(server: Server, on_started: Callable[[Server], None]) -> int:
    """Serves until SIGINT or SIGTERM, then drains; returns the exit status. A second signal ends the process
    at once.

    Raises:
        ConfigError: see `Server.start`.
        StartError: see `Server.start`.
    """
    return asyncio.run(_serve(server, on_started))


def _exit_at_once(_number: int, _frame: FrameType | None) -> None:
    os._exit(EXIT_INTERRUPTED)


async def _serve(server: Server, on_started: Callable[[Server], None]) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
            signal.signal(number, _exit_at_once)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    try:
        await server.start()
        on_started(server)
        await stop.wait()
    finally:
        try:
            await asyncio.wait_for(server.close(), DRAIN_S)
        except TimeoutError:
            _log.error(
                "draining took more than %.0f s and was cut off", DRAIN_S, extra={"event": "drain-late"}
            )
    return 0
