"""Data channels: what they carry, beside aiortc, Pion, webrtc-rs and the limit of the machine.

    python -m benchmarks.data_channels [--quick] [--peers visavis,pion] [--only loopback,paths]
    python -m benchmarks.data_channels --plot FILE.svg [--results FILE.json]

A pair is two processes, each with one connection, anew for each row. Messages are sent without end, and
counted where they arrive, over a window that begins when the transfer has got going. README.md says what a
figure means.
"""

import argparse
import asyncio
import dataclasses
import json
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.bars import Bar
from benchmarks.channels import peers
from benchmarks.channels.judging import bars
from benchmarks.channels.plot import plot
from benchmarks.channels.rows import FULL, QUICK, Effort, Results, Row, Run
from benchmarks.channels.tables import print_results
from benchmarks.machine import Machine, this_machine
from benchmarks.processes import HERE, BenchmarkError, build_load, build_path
from benchmarks.table import print_bars

PIPE_WIDTH = 130
SECTIONS = ("loopback", "latency", "memory", "paths", "limit")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; 1 if a program of it failed, whether or not the bars are met."""
    options = _options(arguments)
    if options.plot:
        results = options.results or _newest(options.output)
        options.plot.write_text(plot(json.loads(results.read_text())))
        print(f"{options.plot} shows {results}")
        return 0

    # So that what it has started ends with it.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
    effort = QUICK if options.quick else FULL
    if options.case:
        effort = dataclasses.replace(effort, rows=(options.case,))
    machine = this_machine()
    if not machine.is_quiet:
        load = machine.load_average_before
        console.print(f"the machine is not quiet (load average {load:.2f})", style="yellow")
    results = Results()
    asyncio.run(_measure(console, options.peers, options.only, effort, results))

    judged = bars(results)
    console.print(f"{machine.cpu}, {machine.cores} cores, Linux {machine.kernel}, commit {machine.commit}")
    print_results(console, results)
    print_bars(console, judged, "Bars")
    for what, why in results.failures.items():
        console.print(f"{what}: {why}", style="bold red", markup=False)
    console.print(f"written to {_write(options.output, machine, effort, results, judged)}")
    return 1 if results.failures else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data_channels", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rows, three minutes in all")
    parser.add_argument(
        "--peers", type=_chosen(peers.BUILDERS), default=list(peers.BUILDERS), help="visavis,aiortc and so on"
    )
    parser.add_argument("--only", type=_chosen(SECTIONS), default=list(SECTIONS), help=",".join(SECTIONS))
    parser.add_argument("--case", type=_row, help="SIZE,CHANNELS: this row of loopback only")
    parser.add_argument("--output", type=Path, default=HERE / "results", help="folder for the JSON file")
    parser.add_argument("--plot", type=Path, help="measure nothing: draw what the paths carried, as SVG")
    parser.add_argument("--results", type=Path, help="what to draw, if not the newest")
    return parser.parse_args(arguments)


def _chosen(known: Any) -> Any:
    def choose(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]} is none of {', '.join(known)}")
        return names

    return choose


def _row(text: str) -> Row:
    size_bytes, channels = map(int, text.split(","))
    return Row(size_bytes, channels)


async def _measure(
    console: Console, names: Sequence[str], only: Sequence[str], effort: Effort, results: Results
) -> None:
    with console.status("building") as status:
        built = peers.build(names, results.failures)
        run = Run(built, effort, results, status.update)
        if "loopback" in only:
            await run.loopback()
        if "latency" in only:
            await run.latency()
        if "memory" in only:
            await run.memory()
        try:
            if "paths" in only:
                await run.paths(build_path())
            if "limit" in only:
                run.limit(build_load())
        except BenchmarkError as error:
            results.failures["a program of the benchmark"] = str(error)


def _write(folder: Path, machine: Machine, effort: Effort, results: Results, judged: Sequence[Bar]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / time.strftime("data-channels-%Y%m%dT%H%M%SZ.json", time.gmtime())
    result = {
        "machine": dataclasses.asdict(machine),
        "effort": dataclasses.asdict(effort),
        **results.as_json(),
        "bars": [{**dataclasses.asdict(bar), "is_met": bar.is_met} for bar in judged],
    }
    path.write_text(json.dumps(result, indent=2) + "\n")
    return path


def _newest(folder: Path) -> Path:
    found = sorted(folder.glob("data-channels-*.json"))
    if not found:
        raise SystemExit(
            f"there are no results in {folder}: run the benchmark first, or name a file with --results"
        )
    return found[-1]


if __name__ == "__main__":
    sys.exit(main())
