import asyncio
import socket
from dataclasses import replace

import pytest

from visavis.errors import StartError
from visavis.ice.options import Interface
from visavis.transfer import nearby
from visavis.transfer.opening import HostOptions, Opened, open_host
from visavis.transfer.secret import Code

LOOPBACK = [Interface("lo", "127.0.0.1")]


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearby, "machine_interfaces", lambda: LOOPBACK)


@pytest.fixture
def port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def opened() -> Opened:
    return replace(open_host(HostOptions("127.0.0.1")), reachable=("127.0.0.1",))


async def test_a_code_leads_to_the_link(port: int) -> None:
    host = opened()
    with nearby.nearby(host, port) as code:
        assert code is not None
        async with asyncio.timeout(20):
            assert await nearby.find(code, port) == host.links[0]
    host.close()


async def test_where_nobody_else_reaches_the_host_there_is_no_code(port: int) -> None:
    host = open_host(HostOptions("127.0.0.1"))
    with nearby.nearby(host, port) as code:
        assert code is None
    host.close()


async def test_a_code_that_nobody_knows_is_said(port: int) -> None:
    with pytest.raises(StartError, match="nobody in this network knows the code 0000"):
        await nearby.find(Code("0000", "1111-1111-1111"), port)
