"""How long the datagrams of data channels are, over the real data plane on this machine."""

import asyncio

import pytest

from tests.unit.rtc.pairs import GUARD_S, negotiate, record, trickle
from visavis.rtc import RTCPeerConnection

MESSAGE = bytes(16_384)
MESSAGES = 256


async def sent(pc: RTCPeerConnection) -> tuple[int, int]:
    """Bytes and datagrams that the connection's transport has sent."""
    stats = await pc.getStats()
    transport = next(entry for entry in stats.values() if entry["type"] == "transport")
    return int(str(transport["bytesSent"])), int(str(transport["packetsSent"]))


async def mean_datagram_bytes(configuration: dict[str, object]) -> float:
    """Of 4 MiB from one connection to another."""
    one, other = RTCPeerConnection(configuration), RTCPeerConnection()
    trickle(one, other)
    ours = one.createDataChannel("bulk", {"negotiated": True, "id": 0})
    theirs = other.createDataChannel("bulk", {"negotiated": True, "id": 0})
    opened = record(ours, "open")
    await negotiate(one, other)
    if not opened:
        await ours.next_event("open", timeout=GUARD_S)
    async with asyncio.timeout(GUARD_S):
        before = await sent(one)
        for _ in range(MESSAGES):
            await ours.send_async(MESSAGE)
        arrived = 0
        async for message in theirs:
            assert message == MESSAGE
            arrived += 1
            if arrived == MESSAGES:
                break
        after = await sent(one)
    one.close()
    other.close()
    return (after[0] - before[0]) / (after[1] - before[1])


async def test_datagrams_grow_beyond_1200_bytes_where_the_path_takes_more() -> None:
    assert await mean_datagram_bytes({}) > 4_000


@pytest.mark.parametrize("path_mtu_bytes", [800, 1_200])
async def test_a_size_that_the_configuration_fixes_is_kept(path_mtu_bytes: int) -> None:
    mean = await mean_datagram_bytes({"path_mtu_bytes": path_mtu_bytes})
    assert path_mtu_bytes - 50 < mean <= path_mtu_bytes


@pytest.mark.parametrize("path_mtu_bytes", [599, 16_241, -1, "many"])
def test_a_size_that_no_datagram_has_is_refused(path_mtu_bytes: object) -> None:
    with pytest.raises(TypeError, match="path_mtu_bytes"):
        RTCPeerConnection({"path_mtu_bytes": path_mtu_bytes})
