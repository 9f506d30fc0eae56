"""Builds and runs the programs that a benchmark is made of, each on a core of its own."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
STOP_TIMEOUT_S = 10


class BenchmarkError(Exception):
    """A program of the benchmark could not be built or run; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running SFU: where its HTTP endpoints are, and whose CPU time counts."""

    http: str
    pid: int


def build_load() -> Path:
    """The load generator, built if need be."""
    return _build_rust("load")


def build_path() -> Path:
    """The emulated path, built if need be."""
    return _build_rust("path")


def build_webrtc_rs_channels() -> Path:
    """An end of webrtc-rs, built if need be; the first time takes minutes."""
    return _build_rust("channels/webrtc_rs")


def build_pion() -> Path:
    """The Pion SFU, built if need be."""
    return _build_go("pion_sfu")


def build_pion_pairs() -> Path:
    """Pairs of Pion's connections, built if need be."""
    return _build_go("pion_pairs")


def build_pion_channels() -> Path:
    """An end of Pion, built if need be."""
    return _build_go("channels/pion")


def build_aiortc() -> Path:
    """The Python of an environment that holds aiortc, made if need be."""
    wanted = HERE / "aiortc.txt"
    environment = HERE / ".cache" / "aiortc"
    python, made_of = environment / "bin" / "python", environment / "made_of.txt"
    if not made_of.exists() or made_of.read_bytes() != wanted.read_bytes():
        _run([PYTHON, "-m", "venv", "--clear", str(environment)])
        _run([str(python), "-m", "pip", "install", "--quiet", "--requirement", str(wanted)])
        shutil.copy(wanted, made_of)
    return python


@contextmanager
def serving(
    command: Sequence[str], *, cpu: int, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Runs a server on one core until the block ends; it says `{"http": "address:port"}` when it is ready."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            ["taskset", "-c", str(cpu), *command],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, **(environment or {})},
            cwd=HERE.parent,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            try:
                http = json.loads(line)["http"]
            except (ValueError, KeyError, TypeError):
                process.wait(STOP_TIMEOUT_S)
                raise BenchmarkError(f"{command[0]} did not start: {_tail(errors)}") from None
            try:
                yield Server(http, process.pid)
            except BenchmarkError as error:
                raise BenchmarkError(f"{error}\nthe server said: {_tail(errors)}") from error
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def run_load(load: Path, job: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Carries out a job of the load generator; what it says on the way goes to standard error."""
    process = subprocess.run([str(load)], input=json.dumps(job), capture_output=True, text=True, check=False)
    if process.returncode != 0:
        raise BenchmarkError(f"the load generator failed: {process.stderr.strip()}")
    return [json.loads(line) for line in process.stdout.splitlines()]


def _build_rust(folder: str) -> Path:
    manifest = ["--manifest-path", str(HERE / folder / "Cargo.toml")]
    _run(["cargo", "build", "--release", "--locked", "--quiet", *manifest])
    metadata = json.loads(_run(["cargo", "metadata", "--format-version", "1", "--no-deps", *manifest]))
    return Path(metadata["target_directory"]) / "release" / str(metadata["packages"][0]["name"])


def _build_go(folder: str) -> Path:
    if shutil.which("go") is None:
        raise BenchmarkError("Go is not installed: there is no Pion to compare with")
    program = HERE / folder / Path(folder).name
    _run(["go", "build", "-o", program.name, "."], cwd=program.parent)
    return program


def _run(command: Sequence[str], *, cwd: Path | None = None) -> str:
    try:
        process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=cwd)
    except FileNotFoundError:
        raise BenchmarkError(f"{command[0]} is not installed") from None
    except subprocess.CalledProcessError as error:
        raise BenchmarkError(f"{' '.join(command)} ended with {error.returncode}") from None
    return process.stdout


def _tail(errors: Any) -> str:
    errors.seek(0)
    return "\n".join(errors.read().strip().splitlines()[-5:]) or "nothing"


PYTHON = sys.executable
