"""Connections: what a pair of peer connections costs, beside aiortc and Pion.

    python -m benchmarks.connections [--quick]

Both ends are in one process, a pair at a time: made, offer, answer, candidates, ICE over this machine's own
addresses, DTLS, until both say `connected`; then closed. There is one m-line of audio and no media. Each
program runs several times, in turn with the others, so that a disturbance meets all of them; of each figure
the median of the runs counts. Memory is the slope of what is resident over the number of idle pairs.
"""

import argparse
import dataclasses
import json
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.bars import Bar
from benchmarks.machine import Machine, this_machine
from benchmarks.pairs import Job, Report
from benchmarks.processes import HERE, PYTHON, BenchmarkError, build_aiortc, build_pion_pairs
from benchmarks.table import print_bars

RUN_TIMEOUT_S = 300
PIPE_WIDTH = 130
FULL, FULL_RUNS = Job(warmup=50, measured=300, idle=200), 5
QUICK, QUICK_RUNS = Job(warmup=20, measured=50, idle=100), 1

MOST_SETUP_MS = 8.0
MOST_CPU_MS = 4.0
MOST_MEMORY_KB = 100.0
SHARE_OF_AIORTC = 1 / 3


@dataclass(frozen=True, slots=True)
class Costs:
    """What a pair costs."""

    setup_p50_ms: float
    setup_p99_ms: float
    cpu_ms: float
    memory_kb: float

    @classmethod
    def of(cls, report: Report) -> "Costs":
        pairs, resident = zip(*report.resident, strict=True)
        setup = sorted(report.setup_ms)
        return cls(
            statistics.median(setup),
            setup[int(len(setup) * 0.99)],
            report.cpu_ms / len(setup),
            statistics.linear_regression(pairs, resident).slope / 1e3,
        )

    @classmethod
    def median(cls, runs: Sequence["Costs"]) -> "Costs":
        """Figure by figure."""
        return cls(
            *(statistics.median(figures) for figures in zip(*map(dataclasses.astuple, runs), strict=True))
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; 1 if a program of it failed, whether or not the bars are met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.connections", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="one short run of each, half a minute in all")
    parser.add_argument("--runs", type=int, help=f"runs of each program, {FULL_RUNS} if not quick")
    parser.add_argument("--output", type=Path, default=HERE / "results", help="folder for the JSON file")
    options = parser.parse_args(arguments)

    # So that what it has started ends with it.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
    job = QUICK if options.quick else FULL
    count = options.runs or (QUICK_RUNS if options.quick else FULL_RUNS)
    failures: dict[str, str] = {}
    programs = _build(console, failures)
    machine = this_machine()
    if not machine.is_quiet:
        load = machine.load_average_before
        console.print(f"the machine is not quiet (load average {load:.2f})", style="yellow")
    reports = _run(programs, job, count, console, failures)

    runs = {name: [Costs.of(report) for report in reported] for name, reported in reports.items()}
    costs = {name: Costs.median(measured) for name, measured in runs.items()}
    judged = list(_bars(costs))
    console.print(f"{machine.cpu}, {machine.cores} cores, Linux {machine.kernel}, commit {machine.commit}")
    _print_costs(console, costs)
    print_bars(console, judged, "Bars, per pair")
    for what, why in failures.items():
        console.print(f"{what}: {why}", style="bold red", markup=False)
    console.print(f"written to {_write(options.output, machine, job, runs, judged, failures)}")
    return 1 if failures else 0


def _build(console: Console, failures: dict[str, str]) -> dict[str, list[str]]:
    """The command of each program, visavis' first."""
    programs = {"visavis": [PYTHON, "-m", "benchmarks.visavis_pairs"]}
    with console.status("building"):
        try:
            programs["aiortc"] = [str(build_aiortc()), "-m", "benchmarks.aiortc_pairs"]
        except BenchmarkError as error:
            failures["aiortc"] = str(error)
        try:
            programs["pion"] = [str(build_pion_pairs())]
        except BenchmarkError as error:
            failures["pion"] = str(error)
    return programs


def _run(
    programs: Mapping[str, Sequence[str]], job: Job, runs: int, console: Console, failures: dict[str, str]
) -> dict[str, list[Report]]:
    reports: dict[str, list[Report]] = {}
    for number in range(runs):
        for name, command in programs.items():
            if name not in failures:
                with console.status(f"{name}, run {number + 1} of {runs}"):
                    try:
                        reports.setdefault(name, []).append(_report(command, job))
                    except BenchmarkError as error:
                        failures[name] = str(error)
    return {name: reported for name, reported in reports.items() if reported}


def _report(command: Sequence[str], job: Job) -> Report:
    counts = map(str, dataclasses.astuple(job))
    try:
        done = subprocess.run(
            [*command, *counts],
            capture_output=True,
            text=True,
            check=True,
            timeout=RUN_TIMEOUT_S,
            cwd=HERE.parent,
        )
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"did not end within {RUN_TIMEOUT_S} s") from None
    except subprocess.CalledProcessError as error:
        said = "\n".join(error.stderr.strip().splitlines()[-5:])
        raise BenchmarkError(f"ended with {error.returncode}: {said}") from None
    return Report(**json.loads(done.stdout))


def _bars(costs: Mapping[str, Costs]) -> Iterator[Bar]:
    """What visavis has to reach, as far as the peers that ran allow to judge."""
    visavis, aiortc, pion = costs.get("visavis"), costs.get("aiortc"), costs.get("pion")
    if visavis is None:
        return
    yield Bar("at most 8 ms", "setup, ms", visavis.setup_p50_ms, MOST_SETUP_MS)
    yield Bar("at most 4 ms", "CPU, ms", visavis.cpu_ms, MOST_CPU_MS)
    yield Bar("at most 100 kB", "memory, kB", visavis.memory_kb, MOST_MEMORY_KB)
    if aiortc is not None:
        for case, ours, theirs in (
            ("setup, ms", visavis.setup_p50_ms, aiortc.setup_p50_ms),
            ("CPU, ms", visavis.cpu_ms, aiortc.cpu_ms),
            ("memory, kB", visavis.memory_kb, aiortc.memory_kb),
        ):
            yield Bar("a third of aiortc's", case, ours, theirs * SHARE_OF_AIORTC)
    if pion is not None:
        yield Bar("below Pion's", "memory, kB", visavis.memory_kb, pion.memory_kb)


def _print_costs(console: Console, costs: Mapping[str, Costs]) -> None:
    table = Table(title="A pair of connections: both ends in one process, from nothing to connected")
    table.add_column("library")
    for heading in ("setup p50 ms", "p99 ms", "CPU ms", "memory kB"):
        table.add_column(heading, justify="right")
    for name, one in costs.items():
        table.add_row(
            name,
            f"{one.setup_p50_ms:.1f}",
            f"{one.setup_p99_ms:.1f}",
            f"{one.cpu_ms:.1f}",
            f"{one.memory_kb:.0f}",
        )
    console.print(table)


def _write(
    folder: Path,
    machine: Machine,
    job: Job,
    runs: Mapping[str, Sequence[Costs]],
    judged: Sequence[Bar],
    failures: Mapping[str, str],
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / time.strftime("connections-%Y%m%dT%H%M%SZ.json", time.gmtime())
    result: dict[str, Any] = {
        "machine": dataclasses.asdict(machine),
        "job": dataclasses.asdict(job),
        "runs": {name: [dataclasses.asdict(one) for one in measured] for name, measured in runs.items()},
        "bars": [{**dataclasses.asdict(bar), "is_met": bar.is_met} for bar in judged],
        "failures": failures,
    }
    path.write_text(json.dumps(result, indent=2) + "\n")
    return path


if __name__ == "__main__":
    sys.exit(main())
