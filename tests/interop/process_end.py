"""An end that is a process of its own, asked by one JSON object a line: {"do", "with"}, and it answers
{"result"} or {"error"}. Pion's is in tests/interop/pion; those in Python are served by `serve_end`."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.interop.ends import Candidate, Configuration, Description, Media, Route
from tests.interop.process_channels import ProcessChannels

_ROOT = Path(__file__).parents[2]
_STOP_S = 10


class ProcessEnd:
    """Lives from its construction until it is closed."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT
        )

    @property
    def channels(self) -> ProcessChannels:
        return ProcessChannels(self._ask)

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

    def route(self) -> Route:
        return Route(**self._ask("route"))

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
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(f"{self.name} ended with {self._process.wait(_STOP_S)} when asked to {what}")
        reply = json.loads(line)
        if "error" in reply:
            raise AssertionError(f"{self.name} could not {what}: {reply['error']}")
        return reply["result"]
