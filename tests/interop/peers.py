"""The programs of other implementations that the tests call, each made where it is missing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.processes import build_aiortc

_PION = Path(__file__).parent / "pion"

_LIBDATACHANNEL = Path(__file__).parent / "libdatachannel"

PEERS = ("chromium", "firefox", "aiortc", "pion")
CHANNEL_PEERS = (*PEERS, "libdatachannel")
"""The last, whose SCTP is usrsctp's, is played with data channels alone."""

RESTART_ICE = ("chromium", "firefox", "pion")
"""Not libdatachannel; nor aiortc: `test_aiortc_answers_a_restart_of_ice_with_the_credentials_it_had`."""


def pion(directory: Path) -> list[str]:
    """Pion's end, built; without Go the test is skipped."""
    go = shutil.which("go", path=f"{os.environ['PATH']}:/usr/local/go/bin")
    if go is None:
        pytest.skip("no Go found, so no Pion; on Debian: apt-get install golang")
    program = directory / "pion_end"
    subprocess.run([go, "build", "-o", str(program), "."], cwd=_PION, check=True)
    return [str(program)]


def aiortc() -> list[str]:
    """aiortc's end, in the environment of its own that the benchmarks use too."""
    return [str(build_aiortc()), "-m", "tests.interop.aiortc_end"]


def libdatachannel() -> list[str]:
    """libdatachannel's end, in Node, with the library as npm has it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.fail("no Node found, so no libdatachannel; on Debian: apt-get install nodejs npm")
    if not (_LIBDATACHANNEL / "node_modules").is_dir():
        subprocess.run([npm, "ci", "--silent", "--no-audit", "--no-fund"], cwd=_LIBDATACHANNEL, check=True)
    return [node, str(_LIBDATACHANNEL / "end.mjs")]
