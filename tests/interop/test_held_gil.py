"""No Python is on the path of media: the interpreter stands still for two seconds, and nobody notices."""

import ctypes
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import pytest
from playwright.sync_api import BrowserContext

from tests.interop.loops import LoopThread
from tests.interop.tabs import ChromiumTab
from visavis.config import ServerConfig
from visavis.server import Server

HOLD_S = 2.0
MARGIN_S = 0.2
"""The samples nearest to the edges of the hold are left out: a sample on its way may lie on either side."""

SAMPLE = """() => {
  const take = async () => {
    const report = await window.visavis.connections().subscribe.getStats();
    samples.push(...[...report.values()].filter(({ type }) => type === 'inbound-rtp'));
  };
  window.samples = [];
  window.sampling = setInterval(take, 100);
}"""


@pytest.fixture
def url() -> Iterator[str]:
    """A server in this process, on a thread of its own."""
    with LoopThread() as loop:
        server = Server(ServerConfig(port=0))
        loop.run(server.start())
        yield server.url
        loop.run(server.close())


@dataclass(frozen=True)
class Window:
    """What one tab received of one kind in a stretch of time."""

    packets_per_s: float
    frames_per_s: float
    lost: int

    @classmethod
    def between(cls, begin_s: float, end_s: float, samples: list[dict[str, Any]]) -> "Window":
        """Sums up the samples between two moments of the wall clock."""
        inside = [each for each in samples if begin_s <= each["timestamp"] / 1e3 <= end_s]
        first, last = inside[0], inside[-1]
        seconds = (last["timestamp"] - first["timestamp"]) / 1e3
        frames = last.get("framesDecoded", 0) - first.get("framesDecoded", 0)
        packets = last["packetsReceived"] - first["packetsReceived"]
        return cls(packets / seconds, frames / seconds, last["packetsLost"] - first["packetsLost"])


class Pulse:
    """A thread of Python that beats, to see whether Python runs."""

    def __init__(self) -> None:
        self.longest_pause_s = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat)

    def _beat(self) -> None:
        last_s = time.monotonic()
        while not self._end.wait(0.01):
            now_s = time.monotonic()
            self.longest_pause_s = max(self.longest_pause_s, now_s - last_s)
            last_s = now_s

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()


def test_a_held_gil_costs_no_packet(context: BrowserContext, url: str) -> None:
    """`usleep` by PyDLL keeps the GIL, as a C extension does that never lets go: no line of Python runs in
    the server, whichever thread it is on. The browsers go on; the one that receives samples its statistics.

    What arrives during the hold is compared with what arrived as long before it, in the same call on the
    same machine, and loosely: half of the packets is enough. Were Python on the path, nothing would arrive.
    """
    ada = ChromiumTab.joining(context.new_page(), url, "teatime", "Ada")
    bob = ChromiumTab.joining(context.new_page(), url, "teatime", "Bob")
    ada.sees("Bob")
    bob.sees("Ada")
    bob.page.evaluate(SAMPLE)
    bob.page.wait_for_function("() => samples.at(-1)?.timestamp > samples[0]?.timestamp + 2500")

    with Pulse() as pulse:
        begin_s = time.time()
        ctypes.PyDLL(None).usleep(int(HOLD_S * 1e6))
        end_s = time.time()
        bob.page.wait_for_function("(end_s) => samples.at(-1).timestamp / 1e3 > end_s", arg=end_s)
    assert pulse.longest_pause_s > HOLD_S * 0.9, "Python went on"

    samples: list[dict[str, Any]] = bob.page.evaluate("samples")
    for kind in ("audio", "video"):
        received = [each for each in samples if each["kind"] == kind]
        before = Window.between(begin_s - HOLD_S, begin_s, received)
        held = Window.between(begin_s + MARGIN_S, end_s - MARGIN_S, received)
        assert held.packets_per_s > before.packets_per_s / 2
        assert held.frames_per_s >= before.frames_per_s / 2
        assert held.lost <= before.lost
    assert bob.call()["receiving"] == "connected"
    assert ada.call()["sending"] == "connected"
    ada.press("m")
    bob.shows("Ada", muted="true")
