"""Gathering ahead: `iceCandidatePoolSize` (RFC 9429 section 3.5.4)."""

import asyncio
import re
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.rtc.pairs import GUARD_S, negotiate, trickle
from visavis.rtc import RTCPeerConnection
from visavis.rtc.loop_plane import LoopPlane, acquire, release
from visavis.testing.peer_network import MemoryNetwork, PeerNetworks

POOL = {"iceCandidatePoolSize": 1}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The addresses on which sockets were opened."""
    sockets: list[tuple[str, int]] = []
    made = LoopPlane.__init__

    def spied(self: LoopPlane, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        made(self, loop, **options)
        open_socket = self.machine.open_socket

        def counted(host: str, ports: tuple[int, int] | None) -> tuple[int, int]:
            descriptor, port = open_socket(host, ports)
            sockets.append((host, port))
            return descriptor, port

        self.machine = replace(self.machine, open_socket=counted)

    monkeypatch.setattr(LoopPlane, "__init__", spied)
    return sockets


def ports_in(sdp: str) -> set[int]:
    return {int(port) for port in re.findall(r"a=candidate:\S+ 1 udp \d+ \S+ (\d+) typ host", sdp)}


async def test_an_offer_has_the_candidates_that_the_pool_gathered_before(
    opened: list[tuple[str, int]],
) -> None:
    async with RTCPeerConnection(POOL) as one, RTCPeerConnection() as other:
        gathered_ahead = {port for _, port in opened}
        assert gathered_ahead
        assert one.iceGatheringState == "new"
        trickle(one, other)
        one.addTransceiver("audio")
        await negotiate(one, other)
        await one.wait_for("connected", timeout=GUARD_S)
        await other.wait_for("connected", timeout=GUARD_S)
        assert one.iceGatheringState == "complete"
        assert one.localDescription is not None
        assert ports_in(one.localDescription.sdp) == gathered_ahead


async def test_a_restart_after_the_pool_was_used_has_credentials_of_its_own() -> None:
    async with RTCPeerConnection(POOL) as one, RTCPeerConnection() as other:
        trickle(one, other)
        one.addTransceiver("audio")
        await negotiate(one, other)
        await one.wait_for("connected", timeout=GUARD_S)
        transport = one.getTransceivers()[0].sender.transport
        assert transport is not None
        before = transport.iceTransport.getLocalParameters()
        one.restartIce()
        await negotiate(one, other)
        after = transport.iceTransport.getLocalParameters()
        assert before is not None
        assert after is not None
        assert before.usernameFragment != after.usernameFragment


async def test_an_answer_has_the_candidates_of_the_pool_too_and_is_controlled(
    opened: list[tuple[str, int]],
) -> None:
    async with RTCPeerConnection() as one, RTCPeerConnection(POOL) as other:
        gathered_ahead = {port for _, port in opened}
        trickle(one, other)
        one.addTransceiver("audio")
        await negotiate(one, other)
        await one.wait_for("connected", timeout=GUARD_S)
        await other.wait_for("connected", timeout=GUARD_S)
        transport = other.getTransceivers()[0].receiver.transport
        assert transport is not None
        assert transport.iceTransport.role == "controlled"
        assert other.localDescription is not None
        assert ports_in(other.localDescription.sdp) == gathered_ahead


async def test_two_offers_before_the_first_is_set_use_the_pool_once(opened: list[tuple[str, int]]) -> None:
    async with RTCPeerConnection(POOL) as pc:
        count = len(opened)
        pc.addTransceiver("audio")
        await pc.createOffer()
        pc.addTransceiver("audio")
        await pc.setLocalDescription(await pc.createOffer())
        assert pc.getTransceivers()[0].sender.transport is not None
        # With BUNDLE "balanced", both m-lines are of one kind: one transport, the pooled one.
        assert len(opened) == count


async def test_other_servers_empty_the_pool_and_fill_it_again(opened: list[tuple[str, int]]) -> None:
    async with RTCPeerConnection(POOL) as pc:
        count = len(opened)
        pc.setConfiguration(POOL)
        assert len(opened) == count
        pc.setConfiguration({**POOL, "iceServers": [{"urls": "stun:127.0.0.1:9"}]})
        assert len(opened) == 2 * count
        pc.setConfiguration({"iceServers": [{"urls": "stun:127.0.0.1:9"}]})
        assert len(opened) == 2 * count


async def test_a_pool_that_nobody_used_is_given_back() -> None:
    held = acquire()
    before = held.plane.transport_count
    RTCPeerConnection(POOL).close()
    assert held.plane.transport_count == before
    release(held)


def test_a_connection_made_outside_of_a_loop_fills_its_pool_with_its_first_offer() -> None:
    world = PeerNetworks()
    networks: list[MemoryNetwork] = []

    def open_network() -> MemoryNetwork:
        networks.append(world())
        return networks[-1]

    pc = RTCPeerConnection(POOL, open_network=open_network)
    assert networks == []

    async def offer() -> None:
        await pc.createOffer()
        assert [network.pool_sizes for network in networks] == [[1]]
        pc.close()

    asyncio.run(offer())
