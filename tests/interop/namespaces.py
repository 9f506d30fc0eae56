"""Networks of this machine's own kernel: two peers, each behind a NAT of nftables, and a public server.

peer a (10.0.1.2) - NAT a (203.0.113.11) - public (203.0.113.1) - NAT b (203.0.113.12) - peer b (10.0.2.2)
"""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

import pytest

PUBLIC_ADDRESS: Final = "203.0.113.1"
TURN_PORT: Final = 3478
_COMMAND_TIMEOUT_S: Final = 20
_CLONE_NEWNET: Final = 0x40000000

T = TypeVar("T")


class Nat(StrEnum):
    """How a NAT chooses ports, as nftables says it. It keeps the port of a socket where it can, which makes
    one mapping of it for all remote ends; or it draws one for each flow. Both filter by address and port."""

    KEEPS_PORTS = "masquerade"
    DRAWS_PORTS = "masquerade fully-random"


class Permitted(StrEnum):
    """What a NAT lets out, as nftables says what it does not."""

    EVERYTHING = "counter"
    UDP_TO_THE_SERVER = f"udp dport != {TURN_PORT} drop"
    NO_UDP = "meta l4proto udp drop"


class Namespaces:
    """Their names, which no other test has."""

    def __init__(self) -> None:
        mark = f"visavis{os.getpid()}"
        self.public = f"{mark}-public"
        self.nats = (f"{mark}-nat-a", f"{mark}-nat-b")
        self.peers = (f"{mark}-a", f"{mark}-b")

    @property
    def all(self) -> tuple[str, ...]:
        """The public one first."""
        return (self.public, *self.nats, *self.peers)


def within(namespace: str, *command: str) -> list[str]:
    """The command line that runs another in a namespace."""
    return ["ip", "netns", "exec", namespace, *command]


def inside(namespace: str, call: Callable[[], T]) -> T:
    """What a function gives that runs in a namespace. Sockets that it makes stay there."""
    system = ctypes.CDLL(None, use_errno=True)

    def entered() -> T:
        descriptor = os.open(Path("/run/netns") / namespace, os.O_RDONLY)
        try:
            if system.setns(descriptor, _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
        finally:
            os.close(descriptor)
        return call()

    with ThreadPoolExecutor(1) as thread:  # a namespace is a thread's
        return thread.submit(entered).result()


def permit(spaces: Namespaces, what: Permitted) -> None:
    """From now on both NATs let that out and nothing else."""
    for nat in spaces.nats:
        _run(*within(nat, "nft", _PERMITTED.format(what=what)))


@contextmanager
def nats(first: Nat, second: Nat) -> Generator[Namespaces]:
    """The whole network until the block ends. Where it is not permitted the test is skipped."""
    if sys.platform != "linux":
        pytest.skip("network namespaces are Linux's")
    for tool, package in (("ip", "iproute2"), ("nft", "nftables")):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool} found, so no NATs; on Debian: apt-get install {package}")
    spaces = Namespaces()
    try:
        _may_fail("ip", "netns", "add", spaces.public)
        _public(spaces)
        for number, kind in enumerate((first, second)):
            _peer_behind(spaces, number, kind)
        yield spaces
    finally:
        for space in spaces.all:
            subprocess.run(["ip", "netns", "del", space], capture_output=True, check=False)


def _public(spaces: Namespaces) -> None:
    space = spaces.public
    _may_fail(*within(space, "ip", "link", "set", "lo", "up"))
    _may_fail(*within(space, "ip", "link", "add", "bridge", "type", "bridge"))
    _run(*within(space, "ip", "address", "add", f"{PUBLIC_ADDRESS}/24", "dev", "bridge"))
    _run(*within(space, "ip", "link", "set", "bridge", "up"))
    # What is sent to private addresses is lost on its way, as in the Internet. Were there no way at all, the
    # error would have coturn close the allocation that was to send there.
    _cable(space, "out", space, "void")
    _run(*within(space, "ip", "address", "add", "192.0.2.1/24", "dev", "out"))
    _run(*within(space, "ip", "neighbour", "add", "192.0.2.2", "dev", "out", "lladdr", "02:00:00:00:00:02"))
    _run(*within(space, "ip", "route", "add", "default", "via", "192.0.2.2"))


def _peer_behind(spaces: Namespaces, number: int, kind: Nat) -> None:
    nat, peer = spaces.nats[number], spaces.peers[number]
    inside = f"10.0.{number + 1}"
    for space in (nat, peer):
        _run("ip", "netns", "add", space)
        _run(*within(space, "ip", "link", "set", "lo", "up"))
    _cable(spaces.public, f"port{number}", nat, "outside")
    _run(*within(spaces.public, "ip", "link", "set", f"port{number}", "master", "bridge"))
    _cable(nat, "inside", peer, "eth0")
    _run(*within(nat, "ip", "address", "add", f"203.0.113.{11 + number}/24", "dev", "outside"))
    _run(*within(nat, "ip", "address", "add", f"{inside}.1/24", "dev", "inside"))
    _run(*within(peer, "ip", "address", "add", f"{inside}.2/24", "dev", "eth0"))
    _run(*within(peer, "ip", "route", "add", "default", "via", f"{inside}.1"))
    _run(*within(nat, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1"))
    _may_fail(*within(nat, "nft", _RULES.format(kind=kind)))


_RULES: Final = """
table ip home {{
  chain out {{ type nat hook postrouting priority srcnat; oifname "outside" {kind}; }}
  chain in {{
    type filter hook input priority filter;
    iifname "outside" ct state new drop;
  }}
  chain through {{
    type filter hook forward priority filter;
    iifname "outside" ct state new drop;
  }}
}}
"""
"""What comes in unasked is dropped before it is tracked: else a check that comes before ours has gone out
would hold its port, and ours would be given another."""

_PERMITTED: Final = """
add table ip permitted
delete table ip permitted
table ip permitted {{
  chain through {{ type filter hook forward priority filter; iifname "inside" {what}; }}
}}
"""


def _cable(one: str, name: str, other: str, far_name: str) -> None:
    _may_fail(
        "ip", "link", "add", name, "netns", one, "type", "veth", "peer", "name", far_name, "netns", other
    )
    _run(*within(one, "ip", "link", "set", name, "up"))
    _run(*within(other, "ip", "link", "set", far_name, "up"))


def _may_fail(*command: str) -> None:
    done = _run(*command, check=False)
    if done.returncode:
        pytest.skip(f"no NATs on this machine: {' '.join(command[:4])}: {done.stderr.strip()}")


def _run(*command: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_COMMAND_TIMEOUT_S)
    assert not check or done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done
