"""The machine's addresses change under a connection."""

import asyncio
import sys
from dataclasses import replace

import pytest

from tests.unit.rtc.pairs import GUARD_S, negotiate, record, trickle
from visavis.ice import Interface
from visavis.rtc import RTCPeerConnection
from visavis.rtc.loop_plane import LoopPlane, acquire, release
from visavis.testing.clock import ManualClock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")


class Changing:
    """A machine with one address, which can become another."""

    def __init__(self, held: LoopPlane) -> None:
        self.address = "127.0.0.1"
        self._held = held
        held.machine = replace(held.machine, interfaces=lambda: [Interface("lo", self.address)])

    def move(self) -> None:
        self.address = "127.0.0.2"
        self._held.network_changed()


async def connected(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    trickle(one, other)
    one.addTransceiver("audio")
    await negotiate(one, other)
    await one.wait_for("connected", timeout=GUARD_S)
    await other.wait_for("connected", timeout=GUARD_S)


async def test_a_connection_whose_address_is_gone_restarts_ice_on_the_new_one() -> None:
    held = acquire()
    machine = Changing(held)
    async with RTCPeerConnection() as one, RTCPeerConnection() as other:
        await connected(one, other)
        transport = one.getTransceivers()[0].sender.transport
        assert transport is not None
        ice = transport.iceTransport
        before = ice.getLocalParameters()
        async with asyncio.timeout(GUARD_S):
            needed = asyncio.ensure_future(one.next_event("negotiationneeded"))
            await asyncio.sleep(0)
            machine.move()
            await needed
            moved = asyncio.ensure_future(ice.next_event("selectedcandidatepairchange"))
            await negotiate(one, other)
            await moved
        pair = ice.getSelectedCandidatePair()
        assert pair is not None
        assert pair.local.address == "127.0.0.2"
        assert before is not None
        assert ice.getLocalParameters() != before
        assert one.connectionState == "connected"
    release(held)


async def test_a_connection_that_ignores_changes_asks_for_nothing() -> None:
    held = acquire()
    machine = Changing(held)
    ignore = {"network_change": "ignore"}
    async with RTCPeerConnection(ignore) as one, RTCPeerConnection() as other:
        await connected(one, other)
        quiet = record(one, "negotiationneeded")
        async with asyncio.timeout(GUARD_S):
            needed = asyncio.ensure_future(other.next_event("negotiationneeded"))
            await asyncio.sleep(0)
            machine.move()
            await needed
        assert quiet == []
    release(held)


async def test_a_new_address_beside_the_one_in_use_asks_for_nothing() -> None:
    held = acquire()
    interfaces = [Interface("lo", "127.0.0.1")]
    held.machine = replace(held.machine, interfaces=lambda: list(interfaces))
    async with RTCPeerConnection() as one, RTCPeerConnection() as other:
        await connected(one, other)
        heard = record(one, "negotiationneeded")
        interfaces.append(Interface("lo", "127.0.0.2"))
        held.network_changed()
        await one.getStats()
        assert heard == []
    release(held)


async def test_one_poll_serves_all_who_watch_and_ends_with_the_last() -> None:
    held = acquire()
    clock = ManualClock()
    held.clock = clock
    addresses = ["127.0.0.1"]
    held.machine = replace(
        held.machine, interfaces=lambda: [Interface("lo", address) for address in addresses]
    )
    told: list[str] = []

    def first() -> None:
        told.append("first")

    def second() -> None:
        told.append("second")

    held.watch(first)
    held.watch(second)
    assert clock.pending() == 1
    addresses.append("127.0.0.2")
    clock.advance(3.0)
    assert told == ["first", "second"]
    held.unwatch(first)
    assert clock.pending() == 1
    held.unwatch(second)
    assert clock.pending() == 0
    release(held)
