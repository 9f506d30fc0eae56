"""Pion's end: the program in tests/interop/pion, which sends back what it receives."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.interop.ends import Candidate, Configuration, Description, Media
from tests.interop.pion_channels import PionChannels

_SOURCE = Path(__file__).parent / "pion"
_STOP_S = 10


def built(directory: Path) -> Path:
    """The program, built; without Go the test is skipped."""
    go = shutil.which("go", path=f"{os.environ['PATH']}:/usr/local/go/bin")
    if go is None:
        pytest.skip("no Go found, so no Pion; on Debian: apt-get install golang")
    program = directory / "pion_end"
    subprocess.run([go, "build", "-o", str(program), "."], cwd=_SOURCE, check=True)
    return program


class PionEnd:
    """A process that is asked line by line."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            [str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    @property
    def channels(self) -> PionChannels:
        return PionChannels(self._ask)

    def open(self, configuration: Configuration) -> None:
        self._ask("open", dict(configuration))

    def send(self, *kinds: Media) -> None:
        for kind in kinds:
            self._ask("send", kind)

    def stop_sending(self, kind: Media) -> None:
        self._ask("stop_sending", kind)

    def restart_ice(self) -> None:
        self._ask("restart_ice")

    def describe(self) -> Description:
        description: Description = self._ask("describe")
        return description

    def accept(self, description: Description) -> None:
        self._ask("accept", description)

    def next_candidate(self) -> Candidate | None:
        candidate: Candidate | None = self._ask("next_candidate")
        return candidate

    def add_candidate(self, candidate: Candidate) -> None:
        self._ask("add_candidate", candidate)

    def connected(self) -> None:
        self._ask("connected")

    def sees(self, pictures: int = 1) -> None:
        self._ask("sees", pictures)

    def hears(self) -> None:
        self._ask("hears", "audio")

    def close(self) -> None:
        """Its input ends, and then so does the process."""
        try:
            self._process.communicate(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise

    def _ask(self, what: str, with_: object = None) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": what, "with": with_}) + "\n")
        self._process.stdin.flush()
        reply = json.loads(self._process.stdout.readline())
        if "error" in reply:
            raise AssertionError(f"Pion could not {what}: {reply['error']}")
        return reply["result"]
