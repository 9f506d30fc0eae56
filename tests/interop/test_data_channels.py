"""`RTCDataChannel` with other implementations, each as offerer and as answerer."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.interop.channels import Message, pattern_digest
from tests.interop.conftest import MakeEnd
from tests.interop.ends import End, Pair
from tests.interop.our_end import OurEnd
from tests.interop.peers import CHANNEL_PEERS, PEERS, RESTART_ICE

MESSAGES: list[Message] = ["Grüße, 世界 🎈", bytes(range(256)), "", b"", "x" * 5_000, b"\0" * 70_000]
KINDS: dict[str, dict[str, Any]] = {
    "ordered": {},
    "unordered": {"ordered": False},
    "limited in sendings": {"maxRetransmits": 3},
    "limited in time": {"ordered": False, "maxPacketLifeTime": 500},
    "with a protocol": {"protocol": "chess"},
}


@pytest.fixture(params=CHANNEL_PEERS)
def theirs(request: pytest.FixtureRequest, make_end: MakeEnd) -> Iterator[End]:
    """The other end, not open yet."""
    end = make_end(request.param)
    yield end
    end.close()


def seen(init: Mapping[str, Any]) -> dict[str, Any]:
    """What both ends say of a channel, but for its number."""
    defaults = {"ordered": True, "maxRetransmits": None, "maxPacketLifeTime": None, "protocol": ""}
    return {**defaults, "negotiated": False, **init}


def converse(pair: Pair, label: str, messages: list[Message] = MESSAGES) -> None:
    """Each end hears what the other says."""
    for one, other in (pair.ends, pair.turned.ends):
        for message in messages:
            one.channels.say(message, label)
            assert other.channels.told(label) == [message]


def test_text_and_bytes_and_empty_ones_arrive_as_they_are(pair: Pair) -> None:
    pair.offerer.channels.create({}, "talk")
    pair.connect()
    converse(pair, "talk")


def test_each_kind_of_channel_is_the_same_at_the_other_end(pair: Pair) -> None:
    for label, init in KINDS.items():
        pair.offerer.channels.create(init, f"offerer, {label}")
    pair.connect()
    for label, init in KINDS.items():
        pair.answerer.channels.create(init, f"answerer, {label}")
    for end in ("offerer", "answerer"):
        for label, init in KINDS.items():
            first, second = (one.channels.opened(f"{end}, {label}") for one in pair.ends)
            assert first.items() >= second.items() or second.items() >= first.items()
            assert (first | second).items() >= seen(init).items()
            converse(pair, f"{end}, {label}", MESSAGES[:4])


def test_a_channel_that_the_programs_negotiate(pair: Pair) -> None:
    init = {"negotiated": True, "id": 77, "ordered": False}
    for end in pair.ends:
        end.channels.create(init, "ours alone")
    pair.connect()
    for end in pair.ends:
        assert end.channels.opened("ours alone") == seen(init)
    converse(pair, "ours alone")


@pytest.mark.parametrize(
    ("count", "size_bytes"), [(1, 262_144), (1_280, 16_384)], ids=["one message of 256 KiB", "20 MiB"]
)
def test_much_arrives_whole(pair: Pair, count: int, size_bytes: int) -> None:
    pair.offerer.channels.create({}, "bulk")
    pair.connect()
    for one, other in (pair.ends, pair.turned.ends):
        one.channels.say_pattern("bulk", count, size_bytes)
        assert other.channels.told_digest("bulk", count) == pattern_digest(count, size_bytes)


@pytest.mark.parametrize("closing", ["the opener closes", "the other closes"])
@pytest.mark.parametrize("init", [{}, {"negotiated": True, "id": 77}], ids=["announced", "negotiated"])
def test_the_id_of_a_closed_channel_is_used_again(pair: Pair, init: dict[str, Any], closing: str) -> None:
    opener, other = pair.ends
    chooses_new_ids = not init and opener.name == "pion"
    creators = pair.ends if init else (opener,)
    for end in creators:
        end.channels.create(init, "0")
    opener.channels.create({}, "beside")
    pair.connect()
    ids = {opener.channels.opened("0")["id"]}
    converse(pair, "0", ["one"])
    for turn in range(3):
        before, again = str(turn), str(turn + 1)
        (opener if closing == "the opener closes" else other).channels.close(before)
        for end in pair.ends:
            end.channels.closed(before)
        for end in creators:
            end.channels.create(init, again)
        reopened = opener.channels.opened(again)["id"]
        assert other.channels.opened(again)["id"] == reopened
        assert (reopened not in ids) is chooses_new_ids
        ids.add(reopened)
        converse(pair, again, ["one"])
    converse(pair, "beside", ["still"])


def test_what_was_said_before_a_close_still_arrives(pair: Pair) -> None:
    pair.offerer.channels.create({}, "from the offerer", "from the answerer")
    pair.connect()
    for one, other, label in (
        (pair.offerer, pair.answerer, "from the offerer"),
        (pair.answerer, pair.offerer, "from the answerer"),
    ):
        one.channels.say_pattern(label, 64, 16_384)
        one.channels.close(label)
        assert other.channels.told_digest(label, 64) == pattern_digest(64, 16_384)
        for end in pair.ends:
            end.channels.closed(label)


def test_the_end_of_the_connection_closes_the_channels_of_the_other_end(pair: Pair) -> None:
    pair.offerer.channels.create({}, "talk", "beside")
    pair.connect()
    converse(pair, "talk", ["one"])
    pair.answerer.close()
    for label in ("talk", "beside"):
        pair.offerer.channels.closed(label)


def test_both_talk_at_once_in_several_channels(ours: OurEnd, pair: Pair) -> None:
    (theirs,) = [end for end in pair.ends if end is not ours]
    labels = [f"bulk {number}" for number in range(4)]
    pair.offerer.channels.create({}, *labels)
    pair.connect()
    with ThreadPoolExecutor() as pool:
        saying = [pool.submit(ours.channels.say_pattern, label, 200, 16_384) for label in labels]
        for label in labels:
            theirs.channels.say_pattern(label, 200, 16_384)
        for one in saying:
            one.result()
    for end in pair.ends:
        for label in labels:
            assert end.channels.told_digest(label, 200) == pattern_digest(200, 16_384)


@pytest.mark.parametrize("theirs", RESTART_ICE, indirect=True)
def test_a_restart_of_ice_in_the_middle_loses_no_message(ours: OurEnd, pair: Pair) -> None:
    (theirs,) = [end for end in pair.ends if end is not ours]
    pair.offerer.channels.create({}, "bulk")
    pair.connect()
    with ThreadPoolExecutor() as pool:
        saying = pool.submit(ours.channels.say_pattern, "bulk", 1_280, 16_384)
        pair.offerer.restart_ice()
        pair.connect()
        saying.result()
    assert theirs.channels.told_digest("bulk", 1_280) == pattern_digest(1_280, 16_384)
    converse(pair, "bulk", ["after"])


def test_a_thousand_channels(pair: Pair) -> None:
    labels = [str(number) for number in range(1_000)]
    limited = any(end.name == "libdatachannel" for end in pair.ends)  # to 1,024 streams: 512 channels of each
    of_the_offerer = 500 if limited else 1_000
    pair.offerer.channels.create({}, *labels[:of_the_offerer])
    pair.connect()
    pair.answerer.channels.create({}, *labels[of_the_offerer:])
    for one, other in (pair.ends, pair.turned.ends):
        one.channels.say("one for each", *labels)
        assert other.channels.told(*labels) == ["one for each"] * len(labels)


@pytest.mark.parametrize("theirs", PEERS, indirect=True)
def test_media_and_data_share_one_connection(pair: Pair) -> None:
    for end in pair.ends:
        end.send("audio", "video")
    pair.offerer.channels.create({}, "talk")
    pair.connect()
    pair.meet()
    converse(pair, "talk")
    pair.meet()
