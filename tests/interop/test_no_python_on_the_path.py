"""A call goes on, packet by packet, while nothing of Python runs in the server."""

import signal
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from tests.interop.serving import ServerProcess
from tests.interop.tabs import Tab

HELD_MS = 2_000

SERVER = """
import ctypes, signal, sys
from visavis.cli import main

libc = ctypes.PyDLL(None)  # what is called through it keeps the GIL

def hold(*_):
    libc.read(0, ctypes.create_string_buffer(1), 1)

signal.signal(signal.SIGUSR1, hold)
sys.exit(main())
"""
"""A server that on SIGUSR1 holds the GIL until something is written to it."""

COUNTS = """async () => {
  const { publish, subscribe } = window.visavis.connections();
  const counts = {};
  for (const [name, pc] of [["sent", publish], ["received", subscribe]]) {
    for (const stat of (await pc.getStats()).values()) {
      if (stat.type !== (name === "sent" ? "outbound-rtp" : "inbound-rtp")) continue;
      const unit = stat.kind === "video" ? "frames" : "packets";
      counts[`${name} ${stat.kind}`] = stat[`${unit}Sent`] ?? stat[`${unit}Received`];
      if (name === "received") counts[`missing ${stat.kind}`] = stat.packetsLost + (stat.nackCount ?? 0);
    }
  }
  return counts;
}"""
"""Frames of video, packets of audio (which nobody pads), and what was lost or so late that it was missed."""

RECEIVED = f"""async (atLeast) => {{
  const counts = await ({COUNTS})();
  return Object.entries(atLeast).every(([name, count]) => counts[name] >= count);
}}"""


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    running = ServerProcess(program=(sys.executable, "-c", SERVER))
    running.start()
    yield running
    running.stop()


def counts(tab: Tab) -> dict[str, Any]:
    found: dict[str, Any] = tab.page.evaluate(COUNTS)
    return found


def test_all_that_is_sent_arrives_while_the_gil_is_held(
    context: BrowserContext, server: ServerProcess
) -> None:
    ada, bob = (Tab.joining(context.new_page(), server.url, "teatime", name) for name in ("Ada", "Bob"))
    ada.sees("Bob")
    bob.sees("Ada")
    ada.hears("Bob")
    server.send_signal(signal.SIGUSR1)
    with pytest.raises(TimeoutError):
        urllib.request.urlopen(f"{server.url}/healthz", timeout=1)
    received, sent = counts(bob), counts(ada)
    ada.page.evaluate("(ms) => new Promise((resolve) => setTimeout(resolve, ms))", HELD_MS)
    since = {kind: counts(ada)[f"sent {kind}"] - sent[f"sent {kind}"] for kind in ("audio", "video")}
    assert min(since.values()) > 0
    # Bob was asked first: what had left Ada by then and not arrived can only be more.
    bob.page.wait_for_function(
        RECEIVED, arg={f"received {kind}": received[f"received {kind}"] + since[kind] for kind in since}
    )
    with pytest.raises(TimeoutError):
        urllib.request.urlopen(f"{server.url}/healthz", timeout=1)
    server.write(".")
    with urllib.request.urlopen(f"{server.url}/healthz", timeout=10) as answer:
        assert answer.status == 200
    for kind in since:
        assert counts(bob)[f"missing {kind}"] == received[f"missing {kind}"]
