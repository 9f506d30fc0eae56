"""Cells of the NAT laboratory on NATs of the Linux kernel, with coturn: what theory says of the virtual ones
(`tests/scenarios/test_nat_laboratory.py`) holds there."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.interop.ends import Pair, Route
from tests.interop.namespaces import PUBLIC_ADDRESS, Namespaces, Nat, nats, within
from tests.interop.process_end import ProcessEnd
from tests.interop.turn_server import coturn


def call(spaces: Namespaces, servers: list[dict[str, Any]]) -> list[Route]:
    """What a call of two peers of ours goes through."""
    with ExitStack() as closing:
        ends: list[ProcessEnd] = []
        for space in spaces.peers:
            command = within(space, sys.executable, "-m", "tests.interop.our_end")
            ends.append(ProcessEnd("ours", command))
            closing.callback(ends[-1].close)
            ends[-1].open({"iceServers": servers})
        ends[0].send("audio")
        Pair(*ends).connect()
        return [end.route() for end in ends]


def is_relayed(routes: list[Route]) -> bool:
    """Whether the path of a call leads through the relay."""
    return any("relay" in (one.local, one.remote) for one in routes)


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
        routes = call(spaces, [server])
        assert is_relayed(routes) is relayed, routes


def test_stun_alone_is_enough_where_nats_keep_ports(tmp_path: Path) -> None:
    with (
        nats(Nat.KEEPS_PORTS, Nat.KEEPS_PORTS) as spaces,
        coturn(tmp_path, namespace=spaces.public, host=PUBLIC_ADDRESS) as server,
    ):
        for route in call(spaces, [{"urls": server["urls"].replace("turn:", "stun:")}]):
            assert {route.local, route.remote} <= {"srflx", "prflx", "host"}, route
            assert route.remote != "host", route
