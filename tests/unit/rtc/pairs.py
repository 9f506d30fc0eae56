"""Two connections that negotiate with each other."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from visavis.events import Event, EventTarget
from visavis.rtc import RTCPeerConnection, RTCPeerConnectionIceEvent
from visavis.testing.peer_network import PeerNetworks

GUARD_S = 20.0
T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a test's coroutine; a test that hangs fails."""

    async def guarded() -> T:
        async with asyncio.timeout(GUARD_S):
            return await coroutine

    return asyncio.run(guarded())


def pair(world: PeerNetworks | None = None) -> tuple[RTCPeerConnection, RTCPeerConnection]:
    """Two connections that meet without packets."""
    world = world or PeerNetworks()
    return RTCPeerConnection(open_network=world), RTCPeerConnection(open_network=world)


def trickle(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    """Signals the candidates of each to the other, as a program does."""

    def signal(to: RTCPeerConnection, event: RTCPeerConnectionIceEvent) -> Any:
        return to.addIceCandidate(event.candidate.toJSON()) if event.candidate is not None else None

    one.onicecandidate = lambda event: signal(other, event)
    other.onicecandidate = lambda event: signal(one, event)


async def negotiate(offerer: RTCPeerConnection, answerer: RTCPeerConnection) -> None:
    """One offer, one answer."""
    await offerer.setLocalDescription()
    offer = offerer.localDescription
    assert offer is not None
    await answerer.setRemoteDescription(offer.toJSON())
    await answerer.setLocalDescription()
    answer = answerer.localDescription
    assert answer is not None
    await offerer.setRemoteDescription(answer.toJSON())


def record(target: EventTarget, *types: str) -> list[str]:
    """The types of the events that a target fires from now on."""
    heard: list[str] = []

    def listen(event: Event) -> None:
        heard.append(event.type)

    for type in types:
        target.addEventListener(type, listen)
    return heard
