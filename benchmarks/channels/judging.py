"""What visavis' data channels have to reach beside their peers', as far as those that ran allow to judge."""

from collections.abc import Iterator, Mapping

from benchmarks.bars import Bar
from benchmarks.channels.measuring import Rate, RoundTrip
from benchmarks.channels.peers import AIORTC, NATIVE, VISAVIS
from benchmarks.channels.rows import Results, Row

BULK_BYTES = 16_384
SMALL_BYTES = 100
TIMES_AIORTC_BULK = 25
TIMES_AIORTC_SMALL = 50
TIMES_NATIVE_BULK = 1.5
MOST_CPU_S_PER_GB = 7.0
LEAST_SMALL_PER_S = 300_000
LOSSY = 0.01
LEAST_LOSSY_MBPS = 40.0
FULL = 0.9
"""Who carries this share of a path's capacity fills it: headers are the rest."""
NEVER = float("inf")


def bars(results: Results) -> list[Bar]:
    """All of them."""
    return [*_in_every_row(results), *_in_bulk(results), *_small(results), *_through_loss(results)]


def _natives(rates: Mapping[str, Rate]) -> dict[str, float]:
    return {name: rates[name].mbps for name in NATIVE if name in rates}


def _in_every_row(results: Results) -> Iterator[Bar]:
    for row, rates in results.loopback.items():
        if VISAVIS in rates:
            for name, mbps in _natives(rates).items():
                yield _at_least(f"faster than {name}, Mb/s", row.name, rates[VISAVIS].mbps, mbps)
    for path, rates in results.paths.items():
        if VISAVIS in rates:
            for name, mbps in _natives(rates).items():
                case = f"{path.loss:.1%} lost, {path.round_trip_ms:.0f} ms"
                least = min(mbps, path.capacity_mbps * FULL)
                yield _at_least(f"faster than {name}, Mb/s", case, rates[VISAVIS].mbps, least)
    for name in NATIVE:
        if VISAVIS in results.latency and name in results.latency:
            ours, theirs = results.latency[VISAVIS], results.latency[name]
            yield from _sooner(name, "idle", ours.idle, theirs.idle)
            yield from _sooner(name, "in bulk", ours.busy, theirs.busy)


def _sooner(name: str, when: str, ours: RoundTrip | None, theirs: RoundTrip | None) -> Iterator[Bar]:
    if theirs is None:
        return
    p50, p99 = (ours.p50_ms, ours.p99_ms) if ours is not None else (NEVER, NEVER)
    yield Bar(f"sooner than {name}, ms", f"round trip {when}, p50", p50, theirs.p50_ms)
    yield Bar(f"sooner than {name}, ms", f"round trip {when}, p99", p99, theirs.p99_ms)


def _in_bulk(results: Results) -> Iterator[Bar]:
    for row, rates in results.loopback.items():
        if row.size_bytes < BULK_BYTES or VISAVIS not in rates:
            continue
        ours = rates[VISAVIS]
        if AIORTC in rates:
            least = rates[AIORTC].mbps * TIMES_AIORTC_BULK
            yield _at_least(f"{TIMES_AIORTC_BULK} times aiortc, Mb/s", row.name, ours.mbps, least)
        if natives := _natives(rates):
            least = max(natives.values()) * TIMES_NATIVE_BULK
            name = f"{TIMES_NATIVE_BULK} times the fastest native, Mb/s"
            yield _at_least(name, row.name, ours.mbps, least)
        name = f"at most {MOST_CPU_S_PER_GB:.0f} CPU s a GB, both ends"
        yield Bar(name, row.name, ours.cpu_s_per_gb or NEVER, MOST_CPU_S_PER_GB)


def _small(results: Results) -> Iterator[Bar]:
    row = Row(SMALL_BYTES, 1)
    rates = results.loopback.get(row, {})
    if VISAVIS not in rates:
        return
    ours = rates[VISAVIS].messages_per_s
    yield _at_least(f"{LEAST_SMALL_PER_S:,} messages a second", row.name, ours, LEAST_SMALL_PER_S)
    if AIORTC in rates:
        least = rates[AIORTC].messages_per_s * TIMES_AIORTC_SMALL
        yield _at_least(f"{TIMES_AIORTC_SMALL} times aiortc, messages a second", row.name, ours, least)


def _through_loss(results: Results) -> Iterator[Bar]:
    for path, rates in results.paths.items():
        if path.loss == LOSSY and path.round_trip_ms == 50 and VISAVIS in rates:
            name = f"{LEAST_LOSSY_MBPS:.0f} Mb/s through a loss of {LOSSY:.0%}"
            yield _at_least(name, f"{path.round_trip_ms:.0f} ms", rates[VISAVIS].mbps, LEAST_LOSSY_MBPS)


def _at_least(name: str, case: str, measured: float, least: float) -> Bar:
    return Bar(name, case, measured, least, more_is_better=True)
