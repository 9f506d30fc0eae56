"""coturn as a process: a STUN and TURN server on loopback, or in a network namespace."""

import shutil
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.interop.namespaces import TURN_PORT, within
from visavis.server.certificates import CertificateFiles

_STOP_S = 10
_READY = "Total General servers"


@contextmanager
def coturn(
    directory: Path,
    certificate: CertificateFiles | None = None,
    namespace: str | None = None,
    host: str = "127.0.0.1",
) -> Generator[dict[str, Any]]:
    """Runs until the block ends, in a network namespace where one is named; gives the `RTCIceServer` of it.
    Its port takes TCP too, and with a `certificate` TLS over that. Without coturn the test is skipped."""
    path = shutil.which("turnserver")
    if path is None:
        pytest.skip("no coturn found, so no TURN; on Debian: apt-get install coturn")
    port = _free_port() if namespace is None else TURN_PORT
    options = ["-n", f"--listening-ip={host}", f"--listening-port={port}", f"--relay-ip={host}"]
    options += ["--lt-cred-mech", "--realm=visavis.test", "--user=ada:secret", "--allow-loopback-peers"]
    options += ["--no-dtls", "--no-cli", "--log-file=stdout", f"--pidfile={directory / 'pid'}"]
    if certificate is not None:
        options += [f"--cert={certificate.certificate}", f"--pkey={certificate.key}"]
        with socket.socket() as free_tcp:
            free_tcp.bind(("127.0.0.1", 0))
            options += [f"--tls-listening-port={free_tcp.getsockname()[1]}"]
    else:
        options += ["--no-tls"]
    options += [f"--userdb={directory / 'users'}"]
    command = [path, *options] if namespace is None else within(namespace, path, *options)
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=directory
    )
    try:
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            if _READY in line:
                break
        else:
            raise AssertionError(f"coturn ended with {process.wait()}:\n{''.join(said)}")
        yield {"urls": f"turn:{host}:{port}", "username": "ada", "credential": "secret"}
    finally:
        process.terminate()
        process.communicate(timeout=_STOP_S)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
