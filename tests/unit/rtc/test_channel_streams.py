import asyncio

import pytest

from tests.unit.rtc.pairs import run
from tests.unit.rtc.test_data_flow import connect
from visavis.errors import DOMException
from visavis.rtc import RTCDataChannel, RTCDataChannelInit


def test_what_is_written_is_read_without_the_bounds_of_messages_until_the_end() -> None:
    async def scenario() -> None:
        one, other, ours, theirs = await connect()
        (_, writer), (reader, _) = ours.streams(), theirs.streams()
        sent = bytes(range(256)) * 400
        writer.write(b"first\nsecond\n")
        writer.write(memoryview(sent))
        await writer.drain()
        assert await reader.readline() == b"first\n"
        assert await reader.readline() == b"second\n"
        assert await reader.readexactly(len(sent)) == sent
        assert not writer.is_closing()
        writer.close()
        assert writer.is_closing()
        await writer.wait_closed()
        assert await reader.read() == b""
        assert ours.readyState == "closed"
        with pytest.raises(ConnectionResetError):
            await writer.drain()
        one.close()
        other.close()

    run(scenario())


def test_a_reader_that_holds_enough_takes_no_more_messages_until_it_is_read() -> None:
    async def scenario() -> None:
        one, other, ours, theirs = await connect()
        reader, _ = theirs.streams(limit_bytes=1_000)
        for _ in range(10):
            ours.send(bytes(1_000))
        ours.send(b"end")
        ours.close()
        await theirs.closed()
        assert await reader.readexactly(1_000) == bytes(1_000)
        assert await reader.read(10_000) == bytes(2_000)
        assert await reader.readexactly(7_003) == bytes(7_000) + b"end"
        assert await reader.read() == b""
        one.close()
        other.close()

    run(scenario())


def test_what_would_wait_beyond_the_bound_is_refused_whole() -> None:
    async def scenario() -> None:
        one, other, ours, _ = await connect()
        _, writer = ours.streams()
        with pytest.raises(DOMException, match="await drain"):
            writer.write(bytes((8 << 20) + 1))
        assert ours.bufferedAmount == 0
        assert not writer.is_closing()
        one.close()
        other.close()

    run(scenario())


@pytest.mark.parametrize(
    "init", [RTCDataChannelInit(ordered=False), RTCDataChannelInit(maxRetransmits=0)], ids=["order", "loss"]
)
def test_a_channel_that_loses_or_reorders_is_no_stream(init: RTCDataChannelInit) -> None:
    async def scenario() -> None:
        with pytest.raises(DOMException) as refused:
            RTCDataChannel("chat", init, 1).streams()
        assert refused.value.name == "InvalidStateError"

    asyncio.run(scenario())
