"""No Python is on the path of media: the server's interpreter stands still for two seconds, and nobody notices."""

import ctypes
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

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
    for (const { type, kind, timestamp, packetsReceived, packetsLost, framesDecoded } of report.values()) {
      if (type === 'inbound-rtp') samples.push({ kind, timestamp, packetsReceived, packetsLost, framesDecoded });
    }
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
    """What one tab received of one kind between two moments of the wall clock."""

    packets_per_s: float
    frames_per_s: float
    lost: int
    longest_silence_s: float


def window(samples: list[dict[str, Any]], kind: str, begin_s: float, end_s: float) -> Window:
    """Sums up the samples of a stretch of time; there have to be two."""
    inside = [
        each for each in samples if each["kind"] == kind and begin_s <= each["timestamp"] / 1e3 <= end_s
    ]
    first, last = inside[0], inside[-1]
    seconds = (last["timestamp"] - first["timestamp"]) / 1e3
    arrivals = [first]
    for each in inside:
        if each["packetsReceived"] > arrivals[-1]["packetsReceived"]:
            arrivals.append(each)
    times = [each["timestamp"] / 1e3 for each in arrivals] + [last["timestamp"] / 1e3]
    return Window(
        (last["packetsReceived"] - first["packetsReceived"]) / seconds,
        (last.get("framesDecoded", 0) - first.get("framesDecoded", 0)) / seconds,
        last["packetsLost"] - first["packetsLost"],
        max(later - earlier for earlier, later in zip(times[:-1], times[1:], strict=True)),
    )


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
    bob.page.wait_for_function("samples.at(-1)?.timestamp > samples[0]?.timestamp + 2500")

    begin_s = time.time()
    ctypes.PyDLL(None).usleep(int(HOLD_S * 1e6))
    end_s = time.time()

    bob.page.wait_for_function("(end_s) => samples.at(-1).timestamp / 1e3 > end_s", arg=end_s)
    samples: list[dict[str, Any]] = bob.page.evaluate("samples")
    for kind in ("audio", "video"):
        before = window(samples, kind, begin_s - HOLD_S, begin_s)
        held = window(samples, kind, begin_s + MARGIN_S, end_s - MARGIN_S)
        print(kind, before, held)
        assert held.lost == 0
        assert held.packets_per_s > before.packets_per_s / 2
        assert held.longest_silence_s < HOLD_S / 2
        if kind == "video":
            assert held.frames_per_s > before.frames_per_s / 2
    assert bob.call()["receiving"] == "connected"
    assert ada.call()["sending"] == "connected"
    ada.press("m")
    bob.shows("Ada", muted="true")
