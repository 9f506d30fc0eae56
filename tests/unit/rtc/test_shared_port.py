"""One UDP port for all connections."""

import asyncio
import re
import socket
from contextlib import AsyncExitStack

import pytest

from tests.unit.rtc.pairs import GUARD_S, negotiate, trickle
from visavis.rtc import MessageEvent, NetworkSettings, RTCDataChannelEvent, RTCPeerConnection

UDP_PORTS = re.compile(r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host")


def udp_addresses(pc: RTCPeerConnection) -> set[tuple[str, str]]:
    """The addresses and ports that a connection tells."""
    assert pc.localDescription is not None
    return set(UDP_PORTS.findall(pc.localDescription.sdp))


def bound(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.bind(("127.0.0.1", port))
    except OSError:
        made.close()
        raise
    return made


def is_free(port: int) -> bool:
    try:
        bound(port).close()
    except OSError:
        return False
    return True


async def echoes(client: RTCPeerConnection, server: RTCPeerConnection, message: str) -> bool:
    """Whether a message comes back over the connection between both."""
    channel = client.createDataChannel("echo")
    echoed: asyncio.Future[str | bytes] = asyncio.get_running_loop().create_future()

    def echo(event: RTCDataChannelEvent) -> None:
        def send_back(message: MessageEvent) -> None:
            event.channel.send(message.data)

        event.channel.onmessage = send_back

    def came(event: MessageEvent) -> None:
        echoed.set_result(event.data)

    def opened(_: object) -> None:
        channel.send(message)

    server.ondatachannel = echo
    channel.onmessage = came
    channel.onopen = opened
    trickle(client, server)
    await negotiate(client, server)
    async with asyncio.timeout(GUARD_S):
        return await echoed == message


async def test_many_connections_are_served_at_one_port_of_each_address() -> None:
    settings = NetworkSettings(udp_port=0, tcp=())
    async with AsyncExitStack() as stack:
        pairs = [
            (
                await stack.enter_async_context(RTCPeerConnection()),
                await stack.enter_async_context(RTCPeerConnection(settings=settings)),
            )
            for _ in range(8)
        ]
        echoed = await asyncio.gather(
            *(echoes(client, server, f"to {number}") for number, (client, server) in enumerate(pairs))
        )
        assert all(echoed)
        told = [udp_addresses(server) for _, server in pairs]
        assert told[0]
        assert all(addresses == told[0] for addresses in told)
        assert all(not udp_addresses(client) & told[0] for client, _ in pairs)


async def test_the_others_go_on_when_one_is_closed_and_the_port_is_free_after_the_last() -> None:
    with bound(0) as probe:
        port = int(probe.getsockname()[1])
    settings = NetworkSettings(udp_port=port, accept=lambda interface: interface.address == "127.0.0.1")
    async with (
        RTCPeerConnection() as one,
        RTCPeerConnection() as other,
        RTCPeerConnection(settings=settings) as served,
        RTCPeerConnection(settings=settings) as served_too,
    ):
        assert await echoes(one, served, "first")
        served.close()
        assert await echoes(other, served_too, "second")
        assert udp_addresses(served_too) == {("127.0.0.1", str(port))}
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe,
            pytest.raises(OSError, match="in use"),
        ):
            probe.bind(("127.0.0.1", port))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", port))


async def test_a_restart_of_ice_stays_at_the_port() -> None:
    settings = NetworkSettings(udp_port=0)
    async with RTCPeerConnection() as client, RTCPeerConnection(settings=settings) as server:
        assert await echoes(client, server, "before")
        before = udp_addresses(server)
        transport = client.sctp.transport.iceTransport if client.sctp is not None else None
        assert transport is not None
        moved = asyncio.ensure_future(transport.next_event("selectedcandidatepairchange"))
        client.restartIce()
        await negotiate(client, server)
        async with asyncio.timeout(GUARD_S):
            await moved
        assert udp_addresses(server) == before


async def test_a_port_that_is_taken_is_an_error_of_the_first_connection() -> None:
    with bound(0) as taken:
        port = int(taken.getsockname()[1])
        settings = NetworkSettings(udp_port=port, accept=lambda interface: interface.address == "127.0.0.1")
        async with RTCPeerConnection(settings=settings) as pc:
            pc.createDataChannel("any")
            with pytest.raises(OSError, match="in use"):
                await pc.setLocalDescription()


@pytest.mark.parametrize(
    "wrong",
    [{"udp_port": 65_536}, {"udp_port": -1}, {"port_range": (0, 5)}, {"port_range": (9, 8)}],
)
def test_ports_that_there_are_not_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="port"):
        NetworkSettings(**wrong)  # type: ignore[arg-type]
