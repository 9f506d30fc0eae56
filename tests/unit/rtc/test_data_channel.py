import asyncio

import numpy as np
import pytest

from visavis.errors import DOMException
from visavis.events import Event
from visavis.rtc import MessageEvent, RTCDataChannel, RTCDataChannelInit, RTCDtlsTransport, RTCIceTransport
from visavis.rtc.backlog import Backlog
from visavis.rtc.held_messages import SHARE_BYTES
from visavis.rtc.sctp_transport import RTCSctpTransport


class Stream:
    def __init__(self) -> None:
        self.told: list[object] = []
        self.backlog = Backlog()

    def send(self, data: str | bytes) -> bool:
        self.told.append(data)
        return True

    def release(self, size_bytes: int) -> None:
        self.told.append(("released", size_bytes))

    def close(self) -> None:
        self.told.append("closed")


def open_channel(remote_bytes: int = 10, can_send_bytes: int = 20) -> tuple[RTCDataChannel, Stream]:
    sctp = RTCSctpTransport(RTCDtlsTransport(RTCIceTransport()))
    sctp.update_max_message_size(remote_bytes, can_send_bytes)
    channel, stream = RTCDataChannel("chat", RTCDataChannelInit(), 1), Stream()
    channel.set_open(stream, sctp)
    return channel, stream


def test_messages_are_sent_as_what_they_are_and_counted_in_bytes() -> None:
    channel, stream = open_channel()
    channel.send("é")
    channel.send(bytearray(b"ab"))
    assert stream.told == ["é", b"ab"]
    assert channel.bufferedAmount == 4


def test_low_water_is_told_once_when_it_is_passed() -> None:
    channel, _ = open_channel()
    heard: list[str] = []
    channel.onbufferedamountlow = lambda event: heard.append(event.type)
    channel.bufferedAmountLowThreshold = 2
    channel.send(b"abcd")
    channel.sent(1)
    assert heard == []
    channel.sent(1)
    channel.sent(2)
    assert heard == ["bufferedamountlow"]


async def test_sending_waits_for_the_other_channels_of_the_association() -> None:
    channel, stream = open_channel()
    stream.backlog.enter(33 << 20)
    sending = asyncio.ensure_future(channel.send_async(b"ab"))
    await asyncio.sleep(0)
    assert stream.told == []
    stream.backlog.leave(33 << 20)
    await sending
    assert stream.told == [b"ab"]


def test_more_than_the_peer_takes_or_than_may_wait_is_refused() -> None:
    channel, _ = open_channel()
    with pytest.raises(TypeError, match="more than the peer takes"):
        channel.send(b"x" * 11)
    channel.send(b"x" * 10)
    channel, _ = open_channel(1 << 23, 1 << 24)
    channel.send(bytes(1 << 23))
    channel.send(bytes(1 << 23))
    with pytest.raises(DOMException) as caught:
        channel.send(b"x")
    assert caught.value.name == "OperationError"


def test_a_size_of_zero_is_any_size() -> None:
    channel, _ = open_channel(0, 0)
    channel.send(b"x" * 100_000)
    assert channel.bufferedAmount == 100_000


def test_closing_tells_in_order_and_messages_after_it_are_dropped() -> None:
    channel, stream = open_channel()
    heard: list[str] = []

    def hear(event: Event) -> None:
        heard.append(event.type)

    for type in ("message", "closing", "close"):
        channel.addEventListener(type, hear)
    received: list[str | bytes] = []

    def receive(event: MessageEvent) -> None:
        received.append(event.data)

    channel.onmessage = receive
    channel.receive("text", 4)
    channel.set_closing()
    channel.receive("late", 4)
    channel.set_closed()
    assert heard == ["message", "closing", "close"]
    assert received == ["text"]
    channel.close()
    assert stream.told == []


def test_our_close_fires_nothing_until_the_stream_has_ended() -> None:
    channel, stream = open_channel()
    heard: list[str] = []
    channel.onclose = lambda event: heard.append(event.type)
    channel.close()
    assert (channel.readyState, stream.told, heard) == ("closing", ["closed"], [])
    with pytest.raises(DOMException, match="the channel is closing"):
        channel.send("x")
    channel.set_closed()
    assert (channel.readyState, heard) == ("closed", ["close"])


def test_an_array_is_sent_as_its_bytes_and_lone_surrogates_as_replacement_characters() -> None:
    channel, stream = open_channel(1_000, 1_000)
    channel.send(np.arange(6, dtype=np.uint16).reshape(2, 3))
    channel.send("a\ud800")
    assert stream.told == [np.arange(6, dtype=np.uint16).tobytes(), "a\ud800"]
    assert channel.bufferedAmount == 12 + 4


def test_the_window_waits_until_coroutines_have_handled_a_message() -> None:
    async def scenario() -> None:
        channel, stream = open_channel()
        may_end = asyncio.Event()

        async def handle(event: MessageEvent) -> None:
            await may_end.wait()

        channel.onmessage = handle
        assert channel.receive(b"abc", 3) == 0
        await asyncio.sleep(0)
        assert stream.told == []
        may_end.set()
        for _ in range(5):
            await asyncio.sleep(0)
        assert stream.told == [("released", 3)]

    asyncio.run(scenario())


def test_a_channel_that_ends_gives_back_what_coroutines_still_handle_and_once_only() -> None:
    async def scenario() -> None:
        channel, stream = open_channel()
        may_end = asyncio.Event()

        @channel.on("message")
        async def handle(event: MessageEvent) -> None:
            await may_end.wait()

        channel.receive(b"abc", 3)
        channel.set_closed()
        may_end.set()
        for _ in range(5):
            await asyncio.sleep(0)
        assert stream.told == [("released", 3)]

    asyncio.run(scenario())


def test_who_stops_iterating_gives_back_the_window_of_what_was_taken() -> None:
    async def scenario() -> None:
        channel, stream = open_channel()
        assert channel.receive(b"abc", 3) == 0
        assert channel.receive(b"de", 2) == 0
        iteration = aiter(channel)
        assert await anext(iteration) == b"abc"
        assert stream.told == []
        await iteration.aclose()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        assert stream.told == [("released", 3)]

    asyncio.run(scenario())


def test_an_unreliable_channel_drops_beyond_its_share_unless_it_is_told_to_wait() -> None:
    lossy = RTCDataChannel("chat", RTCDataChannelInit(maxRetransmits=0), 1)
    lossy.set_open(Stream(), RTCSctpTransport(RTCDtlsTransport(RTCIceTransport())))
    assert lossy.receive_policy == "drop"
    assert lossy.receive(b"a", SHARE_BYTES) == 0
    assert lossy.receive(b"b", 1) == 1
    assert lossy.messages_dropped == 1
    lossy.receive_policy = "wait"
    assert lossy.receive(b"b", 1) == 0
    assert lossy.messages_dropped == 1
    with pytest.raises(ValueError, match="neither"):
        lossy.receive_policy = "close"  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    reliable, _ = open_channel()
    assert reliable.receive_policy == "wait"
    with pytest.raises(DOMException, match="drops nothing"):
        reliable.receive_policy = "drop"
