"""The tables that a benchmark prints."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.bars import Bar, name_of
from benchmarks.figures import Case, Figures, Forwarded, Limit


def print_costs(
    console: Console,
    cases: Sequence[Case],
    limit: Mapping[Case, Limit],
    servers: Mapping[str, Mapping[Case, Forwarded]],
) -> None:
    """One row per case and server."""
    table = Table(
        title="Forwarding on one core; CPU is µs per forwarded packet; * the load was the bottleneck"
    )
    for heading in ("case", "server"):
        table.add_column(heading, no_wrap=True)
    for heading in (
        "packets/s",
        "CPU",
        "of limit",
        "p50 / p99 ms",
        "CPU at half",
        "of limit",
        "p50 / p99 ms",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for case in cases:
        bound = limit.get(case)
        if bound is not None:
            table.add_row(
                name_of(case),
                "limit",
                f"{bound.sent_pps:,.0f}",
                f"{bound.cpu_us_per_packet:.2f}",
                "",
                f"sealing {bound.seal_us_per_packet:.2f} µs",
                "",
                "",
                "",
            )
        for name, measured in servers.items():
            if case in measured:
                saturation, half = measured[case].saturation, measured[case].half
                table.add_row(
                    "",
                    name,
                    f"{saturation.forwarded_pps:,.0f}{'*' if saturation.limited_by_load else ''}",
                    f"{saturation.cpu_us_per_packet:.2f}",
                    _share(bound, saturation),
                    _delay(saturation),
                    f"{half.cpu_us_per_packet:.2f}",
                    _share(bound, half),
                    _delay(half),
                )
        table.add_section()
    console.print(table)


def print_bars(console: Console, bars: Sequence[Bar], title: str) -> None:
    """One row per bar."""
    if not bars:
        return
    table = Table(title=title)
    table.add_column("bar")
    table.add_column("case")
    table.add_column("measured", justify="right")
    table.add_column("allowed", justify="right")
    table.add_column("")
    for bar in bars:
        verdict = "[green]met[/]" if bar.is_met else "[bold red]missed[/]"
        table.add_row(bar.name, bar.case, f"{bar.measured:.2f}", f"{bar.allowed:.2f}", verdict)
    console.print(table)


def _share(bound: Limit | None, figures: Figures) -> str:
    return f"{bound.cpu_us_per_packet / figures.cpu_us_per_packet:.0%}" if bound else ""


def _delay(figures: Figures) -> str:
    return f"{figures.delay_p50_us / 1e3:.2f} / {figures.delay_p99_us / 1e3:.2f}"
