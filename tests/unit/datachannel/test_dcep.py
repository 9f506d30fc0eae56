import pytest

from visavis.datachannel import Ack, Options, parse_untrusted, write_ack, write_open

CHAT = bytes.fromhex("03 00 0100 00000000 0004 0000") + b"chat"


def test_a_reliable_channel_is_written_as_the_rfc_draws_it() -> None:
    assert write_open(Options("chat")) == CHAT
    assert write_ack() == b"\x02"


@pytest.mark.parametrize(
    ("options", "head"),
    [
        (Options(ordered=False), "03 80 0100 00000000"),
        (Options(max_retransmits=3), "03 01 0100 00000003"),
        (Options(ordered=False, max_retransmits=0, priority=512), "03 81 0200 00000000"),
        (Options(lifetime_ms=500), "03 02 0100 000001f4"),
        (Options("é", "p", ordered=False, lifetime_ms=1), "03 82 0100 00000001"),
    ],
)
def test_each_kind_of_channel_has_its_number_and_is_read_again(options: Options, head: str) -> None:
    written = write_open(options)
    assert written[:8] == bytes.fromhex(head)
    assert parse_untrusted(written) == options


@pytest.mark.parametrize("data", [b"\x02", b"\x02\0\0\0"], ids=["of one byte", "padded to four as by Pion"])
def test_an_acknowledgement_is_read(data: bytes) -> None:
    assert parse_untrusted(data) == Ack()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\x02",
        b"\x04",
        *(CHAT[:size] for size in range(len(CHAT))),
        CHAT + b"x",
        b"\x03\x03" + CHAT[2:],
        CHAT[:-1] + b"\xff",
    ],
)
def test_what_is_no_message_is_none(data: bytes) -> None:
    assert parse_untrusted(data) is None


def test_a_lone_surrogate_is_replaced() -> None:
    assert parse_untrusted(write_open(Options("a\ud800b"))) == Options("a\ufffdb")
