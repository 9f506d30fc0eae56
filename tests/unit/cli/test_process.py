"""The program as a process, with the real data plane."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager

import pytest


@contextmanager
def serving(*flags: str) -> Generator[tuple[subprocess.Popen[str], str]]:
    """A server that has printed its URL."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VISAVIS_")}
    command = [sys.executable, "-m", "visavis", "serve", "--port", "0", *flags]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if found := re.search(r"https?://\S+", line):
                    yield process, found[0]
                    return
            assert process.stderr is not None
            raise AssertionError(process.stderr.read())
        finally:
            if process.poll() is None:
                process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_url_serves_and_ends_with_status_0_when_told_to_stop(number: signal.Signals) -> None:
    with serving() as (process, url):
        with urllib.request.urlopen(f"{url}/healthz") as response:
            assert response.status == 200
        process.send_signal(number)
        assert process.wait() == 0
        assert process.stderr is not None
        log = process.stderr.read()
    assert "event=closed" in log
    assert "Traceback" not in log


def test_a_port_in_use_is_one_line_and_status_1() -> None:
    with serving("--host", "127.0.0.1") as (_, url):
        port = url.rpartition(":")[2]
        command = [sys.executable, "-m", "visavis", "--host", "127.0.0.1", "--port", port]
        second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert second.stderr == (
        f"visavis: TCP port {port} is in use by another program; "
        "stop that one, or choose another port with --port\n"
    )


def test_a_udp_port_in_use_is_one_line_and_status_1() -> None:
    with serving("--host", "127.0.0.1") as (_, url):
        port = url.rpartition(":")[2]
        command = [sys.executable, "-m", "visavis", "--host", "127.0.0.1", "--port", "0", "--udp-port", port]
        second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert f"UDP port {port} is in use by another program" in second.stderr
    assert len(second.stderr.splitlines()) == 1


STUCK = """
import sys, threading
from visavis.config import ServerConfig
from visavis.server import Server, run
from visavis.testing.media import RecordingMedia

class Stuck(RecordingMedia):
    def close(self):
        sys.stdout.write("stuck\\n")
        sys.stdout.flush()
        threading.Event().wait()

def started(server):
    sys.stdout.write("started\\n")
    sys.stdout.flush()

sys.exit(run(Server(ServerConfig(host="127.0.0.1", port=0), media=Stuck), started))
"""


def test_a_second_ctrl_c_ends_it_at_once_with_status_130_even_where_the_loop_is_stuck() -> None:
    with subprocess.Popen([sys.executable, "-c", STUCK], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "stuck\n"
            process.send_signal(signal.SIGINT)
            assert process.wait() == 130
        finally:
            process.kill()
