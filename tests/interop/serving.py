"""`visavis serve` as a process."""

import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

_URL = re.compile(r"https?://[^\s/]+:(\d+)")
_STOP_S = 10


@dataclass
class ServerProcess:
    """A server on a free port; when it is started again it has the same port as before."""

    url: str = ""
    port: int = 0
    program: tuple[str, ...] = (str(Path(sys.executable).with_name("visavis")),)
    options: tuple[str, ...] = ()
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Starts the server; returns when its banner says where it is."""
        process = subprocess.Popen(
            [*self.program, "serve", "--port", str(self.port), *self.options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._process = process
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            found = _URL.search(line)
            if found:
                self.url, self.port = found[0], int(found[1])
                return
        raise AssertionError(f"the server ended with {process.wait()}:\n{''.join(said)}")

    def send_signal(self, number: signal.Signals) -> None:
        """Sends the process a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def write(self, text: str) -> None:
        """Writes to its standard input."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def stop(self) -> int:
        """Ends the server as Ctrl-C does; returns its exit status."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        return process.returncode
