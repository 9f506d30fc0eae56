"""What machine a figure was measured on."""

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

QUIET_LOAD = 0.5


@dataclass(frozen=True, slots=True)
class Machine:
    """The facts without which a figure means nothing."""

    cpu: str
    cores: int
    kernel: str
    python: str
    rust: str
    go: str
    commit: str
    load_average_before: float

    @property
    def is_quiet(self) -> bool:
        """Whether nothing else was running to speak of."""
        return self.load_average_before < QUIET_LOAD


def this_machine() -> Machine:
    """Reads them."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return Machine(
        cpu=models[0] if models else platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        kernel=platform.release(),
        python=platform.python_version(),
        rust=_said(["rustc", "--version"]),
        go=_said(["go", "version"]),
        commit=_said(["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]),
        load_average_before=os.getloadavg()[0],
    )


def _said(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
