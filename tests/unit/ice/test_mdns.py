"""Multicast DNS: the codec, questions and answers on a clock by hand, and two sockets of this machine."""

import asyncio
import random
import socket
from collections.abc import Sequence
from itertools import count

import pytest

from visavis.ice import Interface
from visavis.ice.machine import LoopResolver
from visavis.ice.mdns import MDNS_PORT, Mdns, is_mdns_name
from visavis.ice.mdns_message import (
    AddressRecord,
    MdnsError,
    MdnsMessage,
    Question,
    RecordType,
    encode,
    parse_untrusted,
)
from visavis.ice.mdns_socket import MdnsSocket
from visavis.testing.clock import ManualClock

NAME = "1f4712db-ea17-4bcf-a596-105139dfd8bf.local"
PEER = ("192.0.2.7", MDNS_PORT)
QUERY = MdnsMessage(False, (Question(NAME, RecordType.A),))

GUARD_S = 20.0


def test_what_is_encoded_is_read_again() -> None:
    for message in (
        MdnsMessage(False, (Question(NAME, RecordType.A), Question(NAME, RecordType.AAAA))),
        MdnsMessage(True, (), (AddressRecord(NAME, "192.0.2.1", 120), AddressRecord(NAME, "2001:db8::1", 0))),
    ):
        assert parse_untrusted(encode(message)) == message


def test_a_query_is_on_the_wire_as_rfc_1035_draws_it() -> None:
    message = MdnsMessage(False, (Question("a.local", RecordType.A),))
    assert encode(message) == bytes.fromhex("0000000000010000000000000161056c6f63616c0000010001")


def test_a_compressed_response_with_other_records_gives_its_addresses() -> None:
    """What a responder sends: the name once, then pointers; a TXT record among it, and an NSEC."""
    data = (
        bytes.fromhex("0000840000000002 00000001")
        + b"\x01A\x05LOCAL\x00"
        + bytes.fromhex("0010 8001 00000078 0003 027878")
        + bytes.fromhex("c00c 0001 8001 00000078 0004 c0000201")
        + bytes.fromhex("c00c 002f 8001 00000078 0003 c00c00")
    )
    assert parse_untrusted(data) == MdnsMessage(True, (), (AddressRecord("a.local", "192.0.2.1", 120),))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "cut off"),
        (bytes(11), "cut off"),
        (bytes.fromhex("0000000000010000000000000161"), "cut off"),
        (bytes.fromhex("000000000001000000000000c00c00010001"), "itself or forward"),
        (bytes.fromhex("0000000000010000000000000161c00e00010001"), "itself or forward"),
        (bytes.fromhex("00000000000100000000000080"), "label is too long"),
        (bytes.fromhex("000078000000000000000000"), "opcode"),
        (bytes.fromhex("00008403ffffffff00000000"), "response code"),
        (bytes.fromhex("00008400ffffffff00000000"), "too many"),
        (bytes(9001), "too long"),
        (bytes.fromhex("000000000001000000000000") + b"\x3faaa" * 100, "too long"),
    ],
)
def test_a_malformed_message_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(MdnsError, match=why):
        parse_untrusted(data)


def test_any_change_of_a_message_is_read_or_refused() -> None:
    dice = random.Random(6762)
    whole = encode(MdnsMessage(True, (Question(NAME, 1),), (AddressRecord(NAME, "192.0.2.1", 120),)))
    refused = 0
    for _ in range(5000):
        data = bytearray(whole[: dice.randrange(len(whole) + 1)])
        for _ in range(dice.randrange(4)):
            if data:
                data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            parse_untrusted(bytes(data))
        except MdnsError:
            refused += 1
    assert 0 < refused < 5000


@pytest.mark.parametrize(
    "name", ["", ".local", "a.b.local", "a.local.", "a.example", "ä.local", "a" * 64 + ".local"]
)
def test_only_one_label_and_local_is_asked_for(name: str) -> None:
    assert not is_mdns_name(name)
    assert is_mdns_name(NAME.upper())


class Wire:
    """A node whose datagrams are kept."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.sent: list[tuple[float, MdnsMessage, tuple[str, int] | None]] = []
        labels = count(1)
        self.mdns = Mdns(self.clock, self._keep, lambda: f"label{next(labels)}")

    def _keep(self, data: bytes, to: tuple[str, int] | None) -> None:
        self.sent.append((self.clock.monotonic() - 1000.0, parse_untrusted(data), to))


def test_a_question_is_repeated_until_it_is_given_up() -> None:
    wire = Wire()
    heard: list[Sequence[str]] = []
    wire.mdns.resolve(NAME, heard.append)
    wire.clock.advance(4.9)
    assert [at_s for at_s, _, _ in wire.sent] == [0.0, 1.0, 3.0]
    assert heard == []
    wire.clock.advance(0.2)
    assert heard == [()]
    assert wire.clock.pending() == 0


def test_an_answer_reaches_all_who_wait_and_ends_the_questions() -> None:
    wire = Wire()
    heard: list[Sequence[str]] = []
    wire.mdns.resolve(NAME, heard.append)
    wire.mdns.resolve(NAME.upper(), heard.append)
    other = MdnsMessage(True, (), (AddressRecord("other.local", "192.0.2.9", 120),))
    gone = MdnsMessage(True, (), (AddressRecord(NAME, "192.0.2.9", 0),))
    for message in (other, gone):
        wire.mdns.handle_datagram_untrusted(encode(message), PEER)
    assert heard == []
    answer = MdnsMessage(True, (), (AddressRecord(NAME.upper(), "192.0.2.1", 120),))
    wire.mdns.handle_datagram_untrusted(encode(answer), PEER)
    assert heard == [["192.0.2.1"]] * 2
    wire.clock.advance(10.0)
    assert len(wire.sent) == 1


def test_questions_are_bounded() -> None:
    wire = Wire()
    heard: list[Sequence[str]] = []
    for number in range(65):
        wire.mdns.resolve(f"{number}.local", heard.append)
    assert heard == []
    wire.clock.advance(0.1)
    assert heard == [()]
    assert wire.mdns.dropped == {"busy": 1}


def test_a_published_name_is_announced_answered_and_taken_back() -> None:
    wire = Wire()
    name = wire.mdns.publish("192.0.2.1")
    assert name == "label1.local"
    ask = encode(MdnsMessage(False, (Question(name, RecordType.A),)))
    wire.mdns.handle_datagram_untrusted(ask, PEER)
    wire.mdns.withdraw(name)
    wire.mdns.withdraw(name)
    wire.mdns.handle_datagram_untrusted(ask, PEER)
    assert [(message.records, to) for _, message, to in wire.sent] == [
        ((AddressRecord(name, "192.0.2.1", 120),), None),
        ((AddressRecord(name, "192.0.2.1", 120),), None),
        ((AddressRecord(name, "192.0.2.1", 0),), None),
    ]


def test_an_answer_to_all_is_sent_once_a_second_at_most() -> None:
    wire = Wire()
    name = wire.mdns.publish("192.0.2.1")
    assert name is not None
    ask = encode(MdnsMessage(False, (Question(name, RecordType.ANY),)))
    for _ in range(10):
        wire.mdns.handle_datagram_untrusted(ask, PEER)
        wire.clock.advance(0.25)
    assert [at_s for at_s, _, _ in wire.sent] == [0.0, 0.0, 1.0, 2.0]
    assert wire.mdns.dropped == {"frequent": 7}


def test_who_asks_from_another_port_is_answered_alone_in_its_own_words() -> None:
    wire = Wire()
    name = wire.mdns.publish("192.0.2.1")
    assert name is not None
    question = Question(name, RecordType.A)
    wire.mdns.handle_datagram_untrusted(encode(MdnsMessage(False, (question,), id=77)), ("192.0.2.7", 4000))
    _, message, to = wire.sent[-1]
    assert (message.id, message.questions, to) == (77, (question,), ("192.0.2.7", 4000))
    assert message.records == (AddressRecord(name, "192.0.2.1", 10),)


def test_nothing_is_told_of_names_that_are_not_ours_or_of_another_type() -> None:
    wire = Wire()
    name = wire.mdns.publish("192.0.2.1")
    assert name is not None
    for question in (
        Question("other.local", RecordType.A),
        Question(name, RecordType.AAAA),
        Question(name, 16),
    ):
        wire.mdns.handle_datagram_untrusted(encode(MdnsMessage(False, (question,))), PEER)
    wire.mdns.handle_datagram_untrusted(b"\xff", PEER)
    assert len(wire.sent) == 1
    assert wire.mdns.dropped == {"malformed": 1}


def test_names_are_bounded() -> None:
    wire = Wire()
    assert all(wire.mdns.publish("192.0.2.1") for _ in range(256))
    assert wire.mdns.publish("192.0.2.1") is None


def test_a_closed_node_takes_its_names_back_and_tells_nobody() -> None:
    wire = Wire()
    heard: list[Sequence[str]] = []
    wire.mdns.publish("192.0.2.1")
    wire.mdns.resolve(NAME, heard.append)
    wire.mdns.close()
    wire.clock.advance(10.0)
    assert [record.ttl_s for _, message, _ in wire.sent for record in message.records] == [120, 0]
    assert heard == []


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("", 0))
        return int(bound.getsockname()[1])


async def test_one_socket_resolves_what_the_other_publishes() -> None:
    loop = asyncio.get_running_loop()
    port = free_port()
    one, other = (MdnsSocket(loop, lambda: [Interface("lo", "127.0.0.1")], port) for _ in range(2))
    resolver = LoopResolver(loop, mdns=other)
    name = one.publish("192.0.2.1")
    assert name is not None
    answered: asyncio.Future[Sequence[str]] = loop.create_future()
    async with asyncio.timeout(GUARD_S):
        resolver.resolve(name, answered.set_result)
        assert await answered == ["192.0.2.1"]
    resolver.close()
    for node in (one, other):
        node.close()
        node.close()


async def test_without_a_socket_the_system_is_asked() -> None:
    loop = asyncio.get_running_loop()
    asked: list[str] = []

    async def lookup(name: str) -> Sequence[str]:
        asked.append(name)
        return ["192.0.2.1"]

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("", 0))
        resolver = LoopResolver(loop, lookup, mdns=MdnsSocket(loop, list, taken.getsockname()[1]))
        answered: asyncio.Future[Sequence[str]] = loop.create_future()
        resolver.resolve(NAME, answered.set_result)
        assert await answered == ["192.0.2.1"]
    assert asked == [NAME]
