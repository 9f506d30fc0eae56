"""The tables of data channels."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from benchmarks.channels.measuring import Rate, RoundTrip
from benchmarks.channels.rows import Results


def print_results(console: Console, results: Results) -> None:
    """Those of which something was measured."""
    if results.loopback:
        _print_loopback(console, results)
    if results.latency or results.memory_kb:
        _print_latency(console, results)
    if results.paths:
        _print_paths(console, results)


def _table(title: str, names: int, headings: Iterable[str]) -> Table:
    table = Table(title=title)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number < names else "right", no_wrap=True)
    return table


def _print_loopback(console: Console, results: Results) -> None:
    headings = ("messages", "library", "messages/s", "Mb/s", "CPU s/GB", "sender + receiver")
    table = _table("Two processes over loopback, datagrams of 1,200 bytes", 2, headings)
    for row, rates in results.loopback.items():
        case = row.name
        for name, rate in rates.items():
            table.add_row(case, name, f"{rate.messages_per_s:,.0f}", *_costs(rate))
            case = ""
        table.add_section()
    if results.limit is not None:
        limit = results.limit
        rate = Rate(0.0, limit.mbps, limit.sender_cpu_s_per_gb, limit.receiver_cpu_s_per_gb)
        table.add_row("limit: AES-128-GCM, GSO, GRO", "", "", *_costs(rate))
    console.print(table)


def _costs(rate: Rate) -> tuple[str, str, str]:
    mbps = f"{rate.mbps:,.0f}" if rate.mbps >= 10 else f"{rate.mbps:.1f}"
    if rate.cpu_s_per_gb is None:
        return mbps, "", ""
    return (
        mbps,
        f"{rate.cpu_s_per_gb:.1f}",
        f"{rate.sender_cpu_s_per_gb:.1f} + {rate.receiver_cpu_s_per_gb:.1f}",
    )


def _print_latency(console: Console, results: Results) -> None:
    headings = ("library", "idle p50 / p99 ms", "in bulk p50 / p99 ms", "idle pair, kB")
    table = _table(
        "A round trip of four bytes, alone and beside 16 KiB messages; memory of both ends", 1, headings
    )
    for name in dict.fromkeys([*results.latency, *results.memory_kb]):
        latency, memory = results.latency.get(name), results.memory_kb.get(name)
        table.add_row(
            name,
            _round_trip(latency.idle) if latency else "",
            _round_trip(latency.busy) if latency else "",
            f"{memory:.0f}" if memory is not None else "",
        )
    console.print(table)


def _round_trip(round_trip: RoundTrip | None) -> str:
    return f"{round_trip.p50_ms:.2f} / {round_trip.p99_ms:.2f}" if round_trip else "none came back"


def _print_paths(console: Console, results: Results) -> None:
    names = list(dict.fromkeys(name for rates in results.paths.values() for name in rates))
    headings = ("lost", "round trip", *(f"{name}, Mb/s" for name in names))
    table = _table("Through an emulated path of 100 Mb/s, messages of 16 KiB", 2, headings)
    for path, rates in results.paths.items():
        figures = (f"{rates[name].mbps:.1f}" if name in rates else "" for name in names)
        table.add_row(f"{path.loss:.1%}", f"{path.round_trip_ms:.0f} ms", *figures)
    console.print(table)
