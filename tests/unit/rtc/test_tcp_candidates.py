"""Connections over TCP, from end to end (RFC 6544)."""

import asyncio
import re
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.unit.rtc.pairs import GUARD_S, trickle
from visavis.ice import TcpType
from visavis.rtc import (
    MessageEvent,
    NetworkSettings,
    RTCDataChannel,
    RTCDataChannelEvent,
    RTCPeerConnection,
    RTCPeerConnectionIceEvent,
    RTCSessionDescription,
)
from visavis.rtc.loop_plane import LoopPlane
from visavis.rtc.plane_network import PlaneNetwork

UDP_LINE = re.compile(r"a=candidate:\S+ 1 udp [^\r]*\r\n")
TCP_LINE = re.compile(r"a=candidate:\S+ 1 tcp (\d+) (\S+) (\d+) typ host tcptype (\w+)")


@asynccontextmanager
async def held_plane() -> AsyncGenerator[LoopPlane]:
    """A data plane whose counters can be read while connections use it."""
    held = LoopPlane(asyncio.get_running_loop())
    held.hold()
    yield held
    held.release()


def connection(
    held: LoopPlane, *tcp: TcpType, configuration: Mapping[str, object] | None = None
) -> RTCPeerConnection:
    settings = NetworkSettings(tcp=tcp)

    def open_network() -> PlaneNetwork:
        held.hold()
        return PlaneNetwork(held, settings)

    return RTCPeerConnection(configuration, open_network=open_network)


def without_udp(description: RTCSessionDescription | None) -> dict[str, Any]:
    assert description is not None
    return {"type": description.type, "sdp": UDP_LINE.sub("", description.sdp)}


async def meet_by_tcp(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    """Each is told of the other's TCP candidates alone."""

    def signal(to: RTCPeerConnection, event: RTCPeerConnectionIceEvent) -> Any:
        candidate = event.candidate
        wanted = candidate is not None and candidate.protocol != "udp"
        return to.addIceCandidate(candidate.toJSON()) if candidate is not None and wanted else None

    one.onicecandidate = lambda event: signal(other, event)
    other.onicecandidate = lambda event: signal(one, event)
    await one.setLocalDescription()
    await other.setRemoteDescription(without_udp(one.localDescription))
    await other.setLocalDescription()
    await one.setRemoteDescription(without_udp(other.localDescription))


async def answered(one: RTCPeerConnection, other: RTCPeerConnection, message: bytes) -> str | bytes:
    """What comes back when the other sends the message back."""
    channel = one.createDataChannel("echo")
    echoed: asyncio.Future[str | bytes] = asyncio.get_running_loop().create_future()

    def echo(event: RTCDataChannelEvent) -> None:
        def send_back(message: MessageEvent) -> None:
            event.channel.send(message.data)

        event.channel.onmessage = send_back

    def came(event: MessageEvent) -> None:
        echoed.set_result(event.data)

    def opened(_: object) -> None:
        channel.send(message)

    other.ondatachannel = echo
    channel.onmessage = came
    channel.onopen = opened
    await meet_by_tcp(one, other)
    async with asyncio.timeout(GUARD_S):
        return await echoed


async def selected(pc: RTCPeerConnection) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The candidates in use, as the statistics have them."""
    stats: Any = await pc.getStats()
    transport = next(one for one in stats.values() if one["type"] == "transport")
    pair = stats[transport["selectedCandidatePairId"]]
    return stats[pair["localCandidateId"]], stats[pair["remoteCandidateId"]]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(("active",), ("passive",)), (("passive",), ("active",)), (("active", "passive"),) * 2],
)
async def test_where_udp_does_not_go_data_goes_over_a_stream_whoever_opens_it(
    ours: tuple[TcpType, ...], theirs: tuple[TcpType, ...]
) -> None:
    async with held_plane() as held, connection(held, *ours) as one, connection(held, *theirs) as other:
        message = bytes(range(256)) * 1_000
        assert await answered(one, other, message) == message
        for pc in (one, other):
            await pc.wait_for("connected", timeout=GUARD_S)
            local, remote = await selected(pc)
            assert (local["protocol"], remote["protocol"]) == ("tcp", "tcp")
            assert {local["tcpType"], remote["tcpType"]} == {"active", "passive"}
            assert local["candidateType"] == "host"
        assert held.plane.counters()["streams_accepted"] > 0
        assert held.plane.counters()["streams_refused"] == 0


async def test_where_udp_goes_no_stream_is_opened() -> None:
    async with (
        held_plane() as held,
        connection(held, "active", "passive") as one,
        connection(held, "active", "passive") as other,
    ):
        trickle(one, other)
        one.createDataChannel("any")
        await one.setLocalDescription()
        assert one.localDescription is not None
        await other.setRemoteDescription(one.localDescription)
        await other.setLocalDescription()
        assert other.localDescription is not None
        await one.setRemoteDescription(other.localDescription)
        for pc in (one, other):
            await pc.wait_for("connected", timeout=GUARD_S)
            local, _ = await selected(pc)
            assert local["protocol"] == "udp"
            assert "tcpType" not in local
        assert held.plane.counters()["streams_accepted"] == 0


async def gathered(pc: RTCPeerConnection) -> str:
    """The description with all candidates."""
    complete = asyncio.Event()

    def changed(_: object) -> None:
        if pc.iceGatheringState == "complete":
            complete.set()

    pc.onicegatheringstatechange = changed
    channel: RTCDataChannel = pc.createDataChannel("any")
    assert channel.label == "any"
    await pc.setLocalDescription()
    async with asyncio.timeout(GUARD_S):
        await complete.wait()
    assert pc.localDescription is not None
    return pc.localDescription.sdp


async def test_both_kinds_are_gathered_as_the_rfc_writes_them_and_below_udp() -> None:
    async with RTCPeerConnection(settings=NetworkSettings(tcp=("active", "passive"))) as pc:
        sdp = await gathered(pc)
    found = TCP_LINE.findall(sdp)
    assert {kind for _, _, _, kind in found} == {"active", "passive"}
    assert all((int(port) == 9) is (kind == "active") for _, _, port, kind in found)
    least = min(int(priority) for priority in re.findall(r"a=candidate:\S+ 1 udp (\d+)", sdp))
    assert all(int(priority) < least for priority, _, _, _ in found)


async def test_none_is_gathered_unasked() -> None:
    async with RTCPeerConnection() as pc:
        assert not TCP_LINE.findall(await gathered(pc))


async def test_where_only_relays_may_be_used_there_are_none_and_nothing_listens() -> None:
    async with (
        held_plane() as held,
        connection(held, "active", "passive", configuration={"iceTransportPolicy": "relay"}) as pc,
    ):
        assert "a=candidate" not in await gathered(pc)


async def test_a_stranger_who_says_no_check_is_hung_up_on() -> None:
    """What he says is no message, and the next never ends."""
    async with held_plane() as held, connection(held, "passive") as pc:
        (_, host, port, _), *_ = TCP_LINE.findall(await gathered(pc))
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as stranger:
            stranger.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(stranger, (host, int(port)))
            await loop.sock_sendall(stranger, b"\0\x04\xf0ET \xff\xff/")
            async with asyncio.timeout(GUARD_S):
                assert await loop.sock_recv(stranger, 1) == b""
        assert held.plane.counters()["streams_refused"] == 1
        assert held.plane.counters()["unknown_kind"] == 1
