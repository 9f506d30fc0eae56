import pytest

from visavis.errors import DOMException
from visavis.events import Event
from visavis.rtc import MessageEvent, RTCDataChannel, RTCDataChannelInit, RTCDtlsTransport, RTCIceTransport
from visavis.rtc.sctp_transport import RTCSctpTransport


class Stream:
    def __init__(self) -> None:
        self.told: list[object] = []

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
