import pytest

from visavis.datachannel import (
    ChannelTable,
    Closed,
    Closing,
    Opened,
    Options,
    Ppid,
    Received,
    write_ack,
    write_open,
)


class Wire:
    def __init__(self) -> None:
        self.sent: list[tuple[int, int, bytes, bool]] = []
        self.resets: list[int] = []
        self.is_full = False

    def send(self, stream: int, ppid: int, data: bytes, options: Options, *, ordered: bool) -> bool:
        if not self.is_full:
            self.sent.append((stream, ppid, data, ordered))
        return not self.is_full

    def reset(self, stream: int) -> None:
        self.resets.append(stream)


def a_client() -> tuple[ChannelTable, Wire]:
    wire = Wire()
    return ChannelTable(wire, is_dtls_client=True), wire


def test_messages_are_ordered_until_the_peer_has_acknowledged() -> None:
    table, wire = a_client()
    assert table.open(0, Options("a", ordered=False), negotiated=False)
    table.send(0, "early")
    table.receive_untrusted(0, Ppid.DCEP, write_ack())
    table.send(0, b"late")
    assert wire.sent[0][:2] == (0, Ppid.DCEP)
    assert wire.sent[1:] == [(0, Ppid.TEXT, b"early", True), (0, Ppid.BINARY, b"late", False)]


def test_a_negotiated_channel_says_nothing_and_is_unordered_at_once() -> None:
    table, wire = a_client()
    assert table.open(7, Options(ordered=False), negotiated=True)
    table.send(7, b"x")
    assert wire.sent == [(7, Ppid.BINARY, b"x", False)]


def test_lone_surrogates_leave_as_replacement_characters() -> None:
    table, wire = a_client()
    table.open(7, Options(), negotiated=True)
    table.send(7, "a\ud800é😀")
    assert wire.sent == [(7, Ppid.TEXT, "a\ufffdé😀".encode(), True)]


def test_the_peers_channel_is_acknowledged() -> None:
    table, wire = a_client()
    options = Options("theirs", "p", max_retransmits=2)
    assert table.receive_untrusted(1, Ppid.DCEP, write_open(options)) == Opened(1, options)
    assert wire.sent == [(1, Ppid.DCEP, b"\x02", True)]


@pytest.mark.parametrize(
    ("stream", "data", "why"),
    [
        (0, write_open(Options()), "stream not the peer's to open"),
        (1, b"\x03", "malformed control message"),
    ],
)
def test_a_bad_opening_is_counted_and_its_stream_reset(stream: int, data: bytes, why: str) -> None:
    table, wire = a_client()
    assert table.receive_untrusted(stream, Ppid.DCEP, data) is None
    assert (table.refused, wire.sent, wire.resets) == ({why: 1}, [], [stream])


def test_opening_a_stream_twice_closes_the_channel() -> None:
    table, wire = a_client()
    table.receive_untrusted(1, Ppid.DCEP, write_open(Options()))
    assert table.receive_untrusted(1, Ppid.DCEP, write_open(Options())) == Closing(1)
    assert wire.resets == [1]
    assert not table.send(1, "x")


def test_a_reset_is_answered_and_the_number_free_when_both_are_done() -> None:
    table, wire = a_client()
    table.open(0, Options(), negotiated=False)
    assert table.reset_by_peer(0) == [Closing(0)]
    assert wire.resets == [0]
    assert not table.open(0, Options(), negotiated=False)
    assert table.reset_by_us(0) == [Closed(0)]
    assert table.open(0, Options(), negotiated=False)


def test_our_close_ends_when_the_peer_has_reset_too() -> None:
    table, wire = a_client()
    table.open(0, Options(), negotiated=False)
    table.close(0)
    table.close(0)
    assert table.reset_by_us(0) == []
    assert table.reset_by_peer(0) == [Closed(0)]
    assert wire.resets == [0]


@pytest.mark.parametrize(
    ("data", "ppid", "wired"),
    [
        ("é", Ppid.TEXT, "é".encode()),
        ("", Ppid.EMPTY_TEXT, b"\0"),
        (b"x", Ppid.BINARY, b"x"),
        (b"", Ppid.EMPTY_BINARY, b"\0"),
    ],
)
def test_text_bytes_and_nothing_have_their_numbers_both_ways(
    data: str | bytes, ppid: int, wired: bytes
) -> None:
    table, wire = a_client()
    table.open(1, Options(), negotiated=True)
    table.send(1, data)
    assert wire.sent == [(1, ppid, wired, True)]
    assert table.receive_untrusted(1, ppid, wired) == Received(1, data)


def test_partial_messages_of_old_close_their_channel() -> None:
    table, wire = a_client()
    table.open(1, Options(), negotiated=True)
    assert table.receive_untrusted(1, 52, b"x") == Closing(1)
    assert wire.resets == [1]


def test_only_the_programs_bytes_count_as_having_left() -> None:
    table, _ = a_client()
    table.open(0, Options("a"), negotiated=False)
    table.send(0, "")
    table.send(0, b"abc")
    opening = len(write_open(Options("a")))
    assert table.left(0, opening) == 0
    assert table.left(0, 2) == 1
    assert table.left(0, 2) == 2


def test_what_a_full_queue_refuses_is_told() -> None:
    table, wire = a_client()
    table.open(0, Options(), negotiated=False)
    wire.is_full = True
    assert not table.send(0, "x")
    assert not table.open(2, Options(), negotiated=False)
    wire.is_full = False
    assert table.open(2, Options(), negotiated=False)


def test_a_message_without_a_channel_is_counted() -> None:
    table, _ = a_client()
    assert table.receive_untrusted(3, Ppid.TEXT, b"x") is None
    assert table.refused == {"message without a channel": 1}
