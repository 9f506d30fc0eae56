"""What the benchmark of data channels makes of descriptions, figures and ends that fail."""

import asyncio
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest

from benchmarks.channels import measuring
from benchmarks.channels.end import Job
from benchmarks.channels.judging import bars
from benchmarks.channels.measuring import Latency, Rate, RoundTrip, Times
from benchmarks.channels.path import Path, address_of, with_address
from benchmarks.channels.plot import plot
from benchmarks.channels.rows import Results, Row
from benchmarks.processes import BenchmarkError

DESCRIPTION = "\r\n".join(
    [
        "v=0",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "a=candidate:1 1 udp 2130706431 fd00::2 50000 typ host",
        "a=candidate:2 1 UDP 2130706430 192.0.2.2 50001 typ host generation 0",
        "a=candidate:3 1 tcp 2130706429 192.0.2.2 9 typ host tcptype active",
        "a=candidate:4 1 udp 2130706428 127.0.0.1 50002 typ host",
        "a=end-of-candidates",
        "",
    ]
)


def rate(mbps: float, size_bytes: int = 16_384, cpu_s_per_gb: float = 2.0) -> Rate:
    return Rate(mbps * 1e6 / 8 / size_bytes, mbps, cpu_s_per_gb, cpu_s_per_gb)


def verdicts(results: Results) -> dict[tuple[str, str], bool]:
    return {(bar.name, bar.case): bar.is_met for bar in bars(results)}


def test_a_description_goes_on_with_the_paths_address_as_its_only_candidate() -> None:
    assert address_of(DESCRIPTION) == "192.0.2.2:50001"
    rewritten = with_address(DESCRIPTION, "127.0.0.1:7")
    assert [line for line in rewritten.splitlines() if line.startswith("a=candidate:")] == [
        "a=candidate:2 1 UDP 2130706430 127.0.0.1 7 typ host generation 0"
    ]
    assert rewritten.splitlines()[:2] == DESCRIPTION.splitlines()[:2]
    assert rewritten.endswith("a=end-of-candidates\r\n")


def test_a_description_that_the_path_cannot_reach_is_refused() -> None:
    with pytest.raises(BenchmarkError, match="IPv4"):
        address_of("v=0\r\na=candidate:1 1 udp 1 fd00::2 50000 typ host\r\n")


def test_the_queue_holds_what_is_under_way_in_a_round_trip() -> None:
    assert Path(0.0, 50.0).queue_bytes == 625_000


def test_bulk_is_judged_by_the_fastest_native_peer_by_aiortc_and_by_its_cost() -> None:
    row = Row(16_384, 1)
    results = Results()
    results.loopback[row] = {
        "visavis": rate(1_400, cpu_s_per_gb=3.6),
        "aiortc": rate(50),
        "pion": rate(400),
        "webrtc-rs": rate(1_000),
    }
    assert verdicts(results) == {
        ("faster than pion, Mb/s", row.name): True,
        ("faster than webrtc-rs, Mb/s", row.name): True,
        ("25 times aiortc, Mb/s", row.name): True,
        ("1.5 times the fastest native, Mb/s", row.name): False,
        ("at most 7 CPU s a GB, both ends", row.name): False,
    }


def test_small_messages_are_judged_by_their_number() -> None:
    row = Row(100, 1)
    results = Results()
    results.loopback[row] = {"visavis": rate(250, 100), "aiortc": rate(4, 100)}
    assert verdicts(results) == {
        ("300,000 messages a second", row.name): True,
        ("50 times aiortc, messages a second", row.name): True,
    }


def test_a_path_that_loses_one_in_a_hundred_has_a_bar_of_its_own() -> None:
    results = Results()
    results.paths[Path(0.01, 50.0)] = {"visavis": rate(39.0), "pion": rate(2.0)}
    results.paths[Path(0.01, 200.0)] = {"visavis": rate(10.0)}
    assert verdicts(results) == {
        ("faster than pion, Mb/s", "1.0% lost, 50 ms"): True,
        ("40 Mb/s through a loss of 1%", "50 ms"): False,
    }


def test_of_two_that_fill_a_path_none_is_the_slower() -> None:
    results = Results()
    results.paths[Path(0.0, 50.0)] = {"visavis": rate(91.0), "webrtc-rs": rate(92.0), "pion": rate(70.0)}
    assert set(verdicts(results).values()) == {True}
    results.paths[Path(0.0, 50.0)]["visavis"] = rate(89.0)
    assert verdicts(results)["faster than webrtc-rs, Mb/s", "0.0% lost, 50 ms"] is False


def test_a_round_trip_that_never_ended_is_no_fast_one() -> None:
    results = Results()
    results.latency["visavis"] = Latency(RoundTrip(0.1, 0.2, 9), None)
    results.latency["pion"] = Latency(RoundTrip(0.2, 0.4, 9), RoundTrip(3.0, 9.0, 9))
    assert list(verdicts(results).values()) == [True, True, False, False]


def test_the_picture_has_a_point_for_each_figure() -> None:
    results = Results()
    for path in (Path(0.0, 50.0), Path(0.01, 50.0), Path(0.01, 200.0)):
        results.paths[path] = {"visavis": rate(90.0), "pi<n": rate(2.0)}
    drawn = ElementTree.fromstring(plot(results.as_json()))
    titles = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}title")]
    # A loss of 1 % with a round trip of 50 ms is in both halves.
    assert sorted(map(str, titles)) == ["pi<n: 2.0 Mb/s"] * 4 + ["visavis: 90.0 Mb/s"] * 4


def test_an_end_that_fails_is_named_with_what_it_said() -> None:
    command = ("sh", "-c", "echo no network >&2; exit 3")

    async def run() -> Any:
        return await measuring.rate(command, Job(100, 1), Times(0.0, 0.0))

    with pytest.raises(BenchmarkError, match="ended by itself: no network"):
        asyncio.run(run())
