"""Whether the real server keeps anything: thousands who join and leave, and garbage on a live call.

`python -m benchmarks.soak` (what `make soak` runs) needs the built package and Chromium. It prints what it
saw, and ends with 1 when memory grew, somebody was left over, or the call stopped. With `--data-channels`
it asks the same of data channels instead (`channel_soak.py`).
"""

import argparse
import asyncio
import itertools
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import WSCloseCode
from playwright.sync_api import sync_playwright

from benchmarks import channel_soak, flood
from tests.interop.conftest import FAKE_CONSENT, launched_chromium
from tests.interop.tabs import ChromiumTab
from visavis.testing.browser import FakeSubscriber

RECORDED = Path(__file__).parents[1] / "tests" / "unit" / "sdp" / "recorded"
OFFERS = [
    (RECORDED / f"{name}-av-data-offer.sdp").read_bytes().decode() for name in ("chromium-156", "firefox-153")
]
TRACKS = [
    {"mid": "0", "source": "microphone", "muted": False},
    {"mid": "1", "source": "camera", "muted": False},
]
AT_ONCE = 12
ROOMS = 4
FLAT_KIB = 2048
"""What may be added to memory once it is warm: for a thousand guests, two KiB for each."""
REST_S = 1.0
STOP_S = 10.0


@dataclass(frozen=True, slots=True)
class Served:
    """A running `visavis serve`."""

    url: str
    port: int
    pid: int

    def health(self) -> dict[str, Any]:
        """What `/healthz` says."""
        with urllib.request.urlopen(f"{self.url}/healthz") as answer:
            health: dict[str, Any] = json.load(answer)
        return health

    def rss_kib(self) -> int:
        """Its resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))

    def left_over(self) -> dict[str, int]:
        """What is still there, once nothing changes any more."""
        while True:
            counts = {
                name: self.health()[name] for name in ("sockets", "participants", "rooms", "transports")
            }
            time.sleep(REST_S)
            if counts == {name: self.health()[name] for name in counts}:
                return counts


@contextmanager
def serving() -> Generator[Served]:
    """`visavis serve` as a process, until the block ends."""
    command = [sys.executable, "-m", "visavis", "serve", "--host", "127.0.0.1", "--port", "0"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*command, "--log-level", "error"], stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            assert process.stdout is not None
            url = next(line.strip() for line in process.stdout if "http://" in line)
            yield Served(url, int(url.rpartition(":")[2]), process.pid)
        finally:
            process.terminate()
            process.wait(STOP_S)
            log.seek(0)
            sys.stderr.write(log.read().decode())


async def guest(client: aiohttp.ClientSession, url: str, number: int) -> None:
    """Joins, publishes what a browser offered, answers what the server offers, and leaves."""
    async with client.ws_connect(f"{url}/signal") as socket:
        room = f"soak-{number % ROOMS}"
        await socket.send_json({"type": "join", "room": room, "name": f"Guest {number}", "mode": "sfu"})
        await socket.send_json({"type": "tracks", "tracks": TRACKS})
        await socket.send_json({"type": "offer", "pc": "publish", "sdp": OFFERS[number % len(OFFERS)]})
        subscriber, answered, subscribed = FakeSubscriber(number), False, False
        async for frame in socket:
            message = frame.json()
            match message["type"], message.get("pc"):
                case "answer", "publish":
                    answered = True
                case "offer", "subscribe":
                    sdp = subscriber.answer(message["sdp"])
                    answer = {"type": "answer", "pc": "subscribe", "sdp": sdp, "id": message["id"]}
                    await socket.send_json(answer)
                    subscribed = True
                case "error", _:
                    raise AssertionError(message)
                case _:
                    pass
            if answered and subscribed:
                await socket.send_json({"type": "leave"})
                return


async def guests(url: str, count: int) -> None:
    """So many, some of them at once: each stays until it is answered and has somebody to see."""
    waiting = asyncio.Semaphore(AT_ONCE)

    async def one(client: aiohttp.ClientSession, number: int) -> None:
        async with waiting:
            await guest(client, url, number)

    async with aiohttp.ClientSession() as client:
        resident = asyncio.create_task(stay(client, url))
        await asyncio.gather(*(one(client, number) for number in range(count)))
        resident.cancel()
        await asyncio.gather(resident, return_exceptions=True)


async def stay(client: aiohttp.ClientSession, url: str) -> None:
    """Somebody in each room who publishes, so that whoever comes has somebody to see; ends as a page does."""
    async with asyncio.TaskGroup() as group:
        for number in range(ROOMS):
            group.create_task(_reside(client, url, number))


async def _reside(client: aiohttp.ClientSession, url: str, number: int) -> None:
    async with client.ws_connect(f"{url}/signal") as socket:
        await socket.send_json({"type": "join", "room": f"soak-{number}", "name": "Host", "mode": "sfu"})
        await socket.send_json({"type": "tracks", "tracks": TRACKS})
        await socket.send_json({"type": "offer", "pc": "publish", "sdp": OFFERS[0]})
        try:
            async for _ in socket:
                pass
        finally:
            await socket.close(code=WSCloseCode.GOING_AWAY)


def joins(count: int) -> bool:
    """Two rounds of `count` guests after a first one that fills caches; whether the last added nothing."""
    print(f"{count} joins and leaves, {AT_ONCE} at once, in {ROOMS} rooms")
    with serving() as served:
        rss_kib = [served.rss_kib()]
        print(f"  before        {rss_kib[0] / 1024:7.1f} MiB")
        clean = True
        for turn in (1, 2, 3):
            started_s = time.monotonic()
            asyncio.run(guests(served.url, count))
            duration_s = time.monotonic() - started_s
            left = served.left_over()
            rss_kib.append(served.rss_kib())
            clean = clean and not any(left.values())
            print(
                f"  after round {turn} {rss_kib[-1] / 1024:7.1f} MiB in {duration_s:.0f} s, left over: {left}"
            )
    return clean and rss_kib[3] - rss_kib[2] < FLAT_KIB


def call(duration_s: int, per_s: int) -> bool:
    """A call of two while garbage comes to its port; whether the pictures went on and memory stayed flat."""
    print(f"a call of two in Chromium under {per_s} datagrams of garbage a second")
    with (
        serving() as served,
        sync_playwright() as playwright,
        launched_chromium(playwright, FAKE_CONSENT) as browser,
    ):
        context = browser.new_context()
        ada, bob = (ChromiumTab.joining(context.new_page(), served.url, "soak", n) for n in ("Ada", "Bob"))
        ada.sees("Bob")
        bob.sees("Ada")
        before = served.health()["packets"]
        rss_kib, frames = [served.rss_kib()], [_frames(ada, bob)]
        program = [sys.executable, "-m", "benchmarks.flood", str(served.port), str(duration_s), str(per_s)]
        with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
            while process.poll() is None:
                ada.page.wait_for_timeout(2000)
                rss_kib.append(served.rss_kib())
                frames.append(_frames(ada, bob))
                print(f"  {rss_kib[-1] / 1024:7.1f} MiB, frames decoded {frames[-1]}")
            assert process.stdout is not None
            print(f"  sent: {process.stdout.read().strip()}")
        after = served.health()["packets"]
        grown = {name: count - before.get(name, 0) for name, count in after.items()}
        print("  counted: " + ", ".join(f"{name} {count}" for name, count in grown.items() if count))
    steps = [
        later - sooner
        for one, other in itertools.pairwise(frames)
        for sooner, later in zip(one, other, strict=True)
    ]
    settled = rss_kib[len(rss_kib) // 2]
    return min(steps) > 0 and rss_kib[-1] - settled < FLAT_KIB


def _frames(*tabs: ChromiumTab) -> list[int]:
    return [tab.received(name)["framesDecoded"] for tab, name in zip(tabs, ("Bob", "Ada"), strict=True)]


def main() -> int:
    """Runs both parts of the server's, or the data channels'."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--joins", type=int, default=1000, help="guests in each round; 0 leaves this part out"
    )
    parser.add_argument("--flood-s", type=int, default=30, help="seconds of garbage; 0 leaves this part out")
    parser.add_argument("--per-s", type=int, default=flood.PER_S, help="datagrams of garbage a second")
    parser.add_argument(
        "--data-channels", type=float, metavar="MINUTES", help="data channels alone, for so long"
    )
    asked = parser.parse_args()
    well = [
        *([channel_soak.channels(asked.data_channels * 60)] if asked.data_channels else []),
    ] or [
        *([joins(asked.joins)] if asked.joins else []),
        *([call(asked.flood_s, asked.per_s)] if asked.flood_s else []),
    ]
    print("all is well" if all(well) else "something was kept, or stopped")
    return 0 if all(well) else 1


if __name__ == "__main__":
    raise SystemExit(main())
