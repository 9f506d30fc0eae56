"""Cells of the NAT laboratory on NATs of the Linux kernel, with coturn: what theory says of the virtual ones
(`tests/scenarios/test_nat_laboratory.py`) holds there."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.interop.namespaces import PUBLIC_ADDRESS, Namespaces, Nat, nats, within
from tests.interop.turn_server import coturn

_GUARD_S = 90


def call(spaces: Namespaces, servers: list[dict[str, Any]], directory: Path) -> list[dict[str, Any]]:
    """What became of a call: what either peer writes, the other reads."""
    to_second, from_first = os.pipe()
    to_first, from_second = os.pipe()
    configuration = json.dumps({"iceServers": servers})
    results = [directory / "first.json", directory / "second.json"]
    ends = (("offer", to_first, from_first), ("answer", to_second, from_second))
    processes = [
        subprocess.Popen(
            within(space, sys.executable, "-m", "tests.interop.nat_peer", role, configuration, str(result)),
            stdin=reads,
            stdout=writes,
        )
        for space, (role, reads, writes), result in zip(spaces.peers, ends, results, strict=True)
    ]
    for _, reads, writes in ends:
        os.close(reads)
        os.close(writes)
    try:
        for process in processes:
            assert process.wait(_GUARD_S) == 0
        return [json.loads(result.read_text()) for result in results]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def is_relayed(outcomes: list[dict[str, Any]]) -> bool:
    """Whether the path of a call that was connected leads through the relay."""
    assert [one["state"] for one in outcomes] == ["connected"] * 2
    return any("relay" in (one["local"], one["remote"]) for one in outcomes)


@pytest.mark.parametrize(
    ("first", "second", "relayed"),
    [
        (Nat.KEEPS_PORTS, Nat.KEEPS_PORTS, False),
        (Nat.KEEPS_PORTS, Nat.DRAWS_PORTS, True),
        (Nat.DRAWS_PORTS, Nat.DRAWS_PORTS, True),
    ],
)
def test_two_peers_behind_nats_meet_as_their_kinds_allow(
    first: Nat, second: Nat, relayed: bool, tmp_path: Path
) -> None:
    with (
        nats(first, second) as spaces,
        coturn(tmp_path, namespace=spaces.public, host=PUBLIC_ADDRESS) as server,
    ):
        outcomes = call(spaces, [server], tmp_path)
        assert is_relayed(outcomes) is relayed, outcomes


def test_stun_alone_is_enough_where_nats_keep_ports(tmp_path: Path) -> None:
    with (
        nats(Nat.KEEPS_PORTS, Nat.KEEPS_PORTS) as spaces,
        coturn(tmp_path, namespace=spaces.public, host=PUBLIC_ADDRESS) as server,
    ):
        outcomes = call(spaces, [{"urls": server["urls"].replace("turn:", "stun:")}], tmp_path)
        assert not is_relayed(outcomes)
        assert [one["remote_address"] for one in outcomes] == ["203.0.113.12", "203.0.113.11"]
