"""Forwarding: one publisher to 10, 50 and 200 subscribers, beside Pion and beside the limit of the machine.

    python -m benchmarks.forwarding [--quick]

Packets of 100 and of 1,100 bytes (RTP header and payload; SRTP adds 16), evenly spaced and in bursts of
eight (a video frame). The server has core 0, the load core 1. The load generator searches the highest rate
at which less than 1 % is lost, then measures there and at half of it: CPU of the server process per
delivered packet, and the delay from before the publisher's sealing to the kernel's receive time stamp at
two subscribers that are whole clients. visavis is also measured at the rate that saturates Pion, since cost
per packet falls with load. All over loopback, where the receiving half of the kernel's work is charged to
the sender; so it is for the limit, which seals and sends the same packets by sendmmsg, bursts by GSO, and
does nothing else.

A server that is late finds several packets waiting, and one that sends runs by GSO then pays less for each:
at saturation evenly spaced packets may cost less than the limit of single ones. Pion runs once with a system
call for each packet and once with its batched writer; in each case the cheaper is the peer.
"""

import argparse
import dataclasses
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.bars import bars
from benchmarks.figures import Case, Forwarded, cheapest, forwarded, limits
from benchmarks.machine import this_machine
from benchmarks.processes import (
    HERE,
    PYTHON,
    BenchmarkError,
    Server,
    build_load,
    build_pion,
    run_load,
    serving,
)
from benchmarks.table import print_bars, print_costs

SERVER_CPU = 0
LOAD_CPU = 1
PIPE_WIDTH = 130
FULL = [Case(*case) for case in itertools.product((10, 50, 200), (100, 1_100), (1, 8))]
QUICK = [Case(10, 1_100, 1), Case(50, 1_100, 1), Case(50, 1_100, 8), Case(200, 1_100, 1)]


@dataclass(frozen=True, slots=True)
class Effort:
    """How long each step of a measurement takes."""

    probe_s: float
    window_s: float
    windows: int = 3

    def job(self) -> dict[str, float]:
        return dataclasses.asdict(self)


@dataclass(slots=True)
class Run:
    """One run of the benchmark: what it is to measure, and the reports so far."""

    load: Path
    cases: Sequence[Case]
    effort: Effort
    gro: bool
    console: Console
    reports: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def limit(self) -> None:
        """The machine's own limit in all cases."""
        for subscribers, cases in self._by_subscribers():
            self._measure(
                "limit",
                {
                    "kind": "limit",
                    "send_cpu": SERVER_CPU,
                    "drain_cpu": LOAD_CPU,
                    "subscribers": subscribers,
                    "gro": self.gro,
                    "patterns": [case.pattern() for case in cases],
                    "window_s": self.effort.window_s,
                    "windows": self.effort.windows,
                },
            )

    def seal(self) -> None:
        """AES-128-GCM alone."""
        sizes = sorted({case.size_bytes for case in self.cases})
        job = {"kind": "seal", "cpu": LOAD_CPU, "sizes_bytes": sizes, "window_s": 0.2, "windows": 5}
        self._measure("seal", job)

    def server(self, name: str, start: Sequence[str], at: Mapping[Case, Forwarded] | None = None) -> None:
        """A server in all cases, a new process for each number of subscribers."""
        for subscribers, cases in self._by_subscribers():
            try:
                with _start(start) as server:
                    job = {
                        "kind": "forward",
                        "http": server.http,
                        "pid": server.pid,
                        "cpu": LOAD_CPU,
                        "subscribers": subscribers,
                        "gro": self.gro,
                        "cells": [
                            {
                                "pattern": case.pattern(),
                                "at_pps": [at[case].saturation.forwarded_pps] if at and case in at else [],
                            }
                            for case in cases
                        ],
                        **self.effort.job(),
                    }
                    self._measure(name, job)
            except BenchmarkError as error:
                self.failures[f"{name}, {subscribers} subscribers"] = str(error)

    def _measure(self, name: str, job: Mapping[str, Any]) -> None:
        of = f" to {job['subscribers']} subscribers" if "subscribers" in job else ""
        with self.console.status(f"{name}{of}"):
            self.reports.setdefault(name, []).extend(run_load(self.load, job))

    def _by_subscribers(self) -> list[tuple[int, list[Case]]]:
        cases = sorted(self.cases)
        groups = itertools.groupby(cases, key=lambda case: case.subscribers)
        return [(subscribers, list(group)) for subscribers, group in groups]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark; 1 if a program of it failed, whether or not the bars are met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forwarding", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--quick", action="store_true", help="four cases and shorter windows, two minutes in all"
    )
    parser.add_argument("--subscribers", type=int, nargs="+", help="only these numbers of subscribers")
    parser.add_argument("--servers", nargs="+", choices=("pion", "visavis"), default=("pion", "visavis"))
    parser.add_argument(
        "--pion-io",
        choices=("mux", "batch", "sockets"),
        nargs="+",
        help="how Pion writes: mux batch, or mux if quick",
    )
    parser.add_argument(
        "--gro",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="subscribers take runs of packets whole, as behind a network card that segments (default); "
        "without, the kernel segments on the server's account",
    )
    parser.add_argument("--output", type=Path, default=HERE / "results", help="folder for the JSON file")
    options = parser.parse_args(arguments)

    # So that what it has started ends with it.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
    if not {SERVER_CPU, LOAD_CPU} <= os.sched_getaffinity(0):
        console.print(f"cores {SERVER_CPU} and {LOAD_CPU} are needed", style="bold red")
        return 1
    machine = this_machine()
    if not machine.is_quiet:
        load = machine.load_average_before
        console.print(
            f"the machine is not quiet (load average {load:.2f}): the figures mean little", style="yellow"
        )
    cases = QUICK if options.quick else FULL
    if options.subscribers:
        cases = [case for case in cases if case.subscribers in options.subscribers]
    try:
        effort = Effort(probe_s=0.4, window_s=0.8) if options.quick else Effort(probe_s=1.0, window_s=2.0)
        run = Run(build_load(), cases, effort, options.gro, console)
        run.seal()
        run.limit()
    except BenchmarkError as error:
        console.print(str(error), style="bold red")
        return 1
    if "pion" in options.servers:
        try:
            pion_sfu = build_pion()
            for io in options.pion_io or (["mux"] if options.quick else ["mux", "batch"]):
                run.server(f"pion {io}", [str(pion_sfu), "-io", io])
        except BenchmarkError as error:
            run.failures["pion"] = str(error)
    pions = {name: forwarded(reports) for name, reports in run.reports.items() if name.startswith("pion ")}
    pion = cheapest(pions.values())
    if "visavis" in options.servers:
        run.server("visavis", [PYTHON, "-m", "benchmarks.visavis_sfu"], at=pion)
    visavis, limit = forwarded(run.reports.get("visavis", [])), limits(run.reports["limit"])

    console.print(f"{machine.cpu}, {machine.cores} cores, Linux {machine.kernel}, commit {machine.commit}")
    print_costs(console, sorted(cases), limit, {**pions, "visavis": visavis})
    judged = bars(visavis, pion, limit)
    print_bars(console, judged, "Bars, CPU µs per forwarded packet")
    for what, why in run.failures.items():
        console.print(f"{what}: {why}", style="bold red", markup=False)
    path = _write(options.output, machine, run, judged)
    console.print(f"written to {path}")
    return 1 if run.failures else 0


def _start(command: Sequence[str]) -> AbstractContextManager[Server]:
    return serving(command, cpu=SERVER_CPU, environment={"GOMAXPROCS": "1"})


def _write(folder: Path, machine: Any, run: Run, judged: Sequence[Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / time.strftime("forwarding-%Y%m%dT%H%M%SZ.json", time.gmtime())
    result = {
        "machine": dataclasses.asdict(machine),
        "effort": run.effort.job(),
        "gro": run.gro,
        "reports": run.reports,
        "bars": [{**dataclasses.asdict(bar), "is_met": bar.is_met} for bar in judged],
        "failures": run.failures,
    }
    path.write_text(json.dumps(result, indent=2) + "\n")
    return path


if __name__ == "__main__":
    sys.exit(main())
