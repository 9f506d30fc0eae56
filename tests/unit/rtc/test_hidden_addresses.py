"""Host candidates under random names."""

import asyncio
import re
import socket
from collections.abc import Sequence

from tests.unit.rtc.pairs import GUARD_S, negotiate, trickle
from visavis.ice import Interface
from visavis.ice.mdns_socket import MdnsSocket
from visavis.rtc import NetworkSettings, RTCPeerConnection
from visavis.rtc.host_names import HostNames
from visavis.rtc.loop_plane import LoopPlane
from visavis.rtc.plane_network import PlaneNetwork
from visavis.sdp import Candidate

HIDDEN = {"hide_host_addresses": True}
UUID_NAME = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.local")


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("", 0))
        return int(bound.getsockname()[1])


async def test_two_connections_meet_by_names_alone() -> None:
    held = LoopPlane(asyncio.get_running_loop(), free_port())

    def open_network() -> PlaneNetwork:
        held.hold()
        return PlaneNetwork(held, NetworkSettings())

    async with (
        RTCPeerConnection(HIDDEN, open_network=open_network) as one,
        RTCPeerConnection(HIDDEN, open_network=open_network) as other,
    ):
        trickle(one, other)
        one.addTransceiver("audio")
        await negotiate(one, other)
        await one.wait_for("connected", timeout=GUARD_S)
        await other.wait_for("connected", timeout=GUARD_S)
        for pc in (one, other):
            assert pc.localDescription is not None
            told = re.findall(r"a=candidate:\S+ 1 udp \d+ (\S+) ", pc.localDescription.sdp)
            assert told
            assert all(UUID_NAME.fullmatch(address) for address in told)
        names = [
            set(re.findall(UUID_NAME.pattern, pc.localDescription.sdp if pc.localDescription else ""))
            for pc in (one, other)
        ]
        assert not names[0] & names[1]


async def resolve(mdns: MdnsSocket, name: str) -> Sequence[str]:
    answered: asyncio.Future[Sequence[str]] = asyncio.get_running_loop().create_future()
    assert mdns.resolve(name, answered.set_result)
    async with asyncio.timeout(GUARD_S):
        return await answered


async def test_a_name_stands_for_one_address_and_is_answered_for() -> None:
    mdns = MdnsSocket(asyncio.get_running_loop(), lambda: [Interface("lo", "127.0.0.1")], free_port())
    names = HostNames(mdns)
    host = Candidate("1", 1, "udp", 2130706431, "192.0.2.1", 4000, "host")
    first, again = names.hide(host), names.hide(host)
    assert first is not None
    assert first == again
    assert UUID_NAME.fullmatch(first.address)
    assert await resolve(mdns, first.address) == ["192.0.2.1"]
    other = HostNames(mdns).hide(host)
    assert other is not None
    assert other.address != first.address
    names.close()
    names.close()
    mdns.close()


async def test_other_candidates_do_not_show_their_base() -> None:
    names = HostNames(MdnsSocket(asyncio.get_running_loop(), list, free_port()))
    reflexive = Candidate("1", 1, "udp", 1694498815, "198.51.100.1", 5000, "srflx", "192.0.2.1", 4000)
    hidden = names.hide(reflexive)
    assert hidden is not None
    assert str(hidden) == "1 1 udp 1694498815 198.51.100.1 5000 typ srflx raddr 0.0.0.0 rport 0"


async def test_an_address_without_a_name_is_not_told() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("", 0))
        names = HostNames(MdnsSocket(asyncio.get_running_loop(), list, taken.getsockname()[1]))
        assert names.hide(Candidate("1", 1, "udp", 1, "192.0.2.1", 4000, "host")) is None
