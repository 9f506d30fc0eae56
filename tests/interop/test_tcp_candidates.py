"""Calls over TCP: each end is told of the other's TCP candidates alone, as if UDP were blocked."""

from collections.abc import Iterator

import pytest

from tests.interop.channels import pattern_digest
from tests.interop.conftest import MakeEnd
from tests.interop.ends import Candidate, Description, End, Pair
from tests.interop.our_end import OurEnd


@pytest.fixture(params=["chromium", "firefox", "pion, active", "pion, passive"])
def theirs(request: pytest.FixtureRequest, make_end: MakeEnd) -> Iterator[End]:
    """Those that have TCP candidates, open: aiortc has none, Chromium active ones, Firefox both."""
    name, _, tcp = request.param.partition(", ")
    end = make_end(name)
    end.open({"tcp": tcp} if tcp else {})
    yield end
    end.close()


@pytest.fixture(params=["we offer", "we answer"])
def pair(request: pytest.FixtureRequest, ours: OurEnd, theirs: End) -> Pair:
    """Both, in both roles."""
    ours.open({"tcp": ("active", "passive")})
    return Pair(ours, theirs) if request.param == "we offer" else Pair(theirs, ours)


def is_tcp(candidate: Candidate) -> bool:
    return str(candidate["candidate"]).split()[2].lower() == "tcp"


def without_udp(description: Description) -> Description:
    lines = description["sdp"].splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("a=candidate:") or line.split()[2].lower() == "tcp"]
    return {**description, "sdp": "".join(kept)}


def connect_by_tcp(pair: Pair) -> None:
    pair.answerer.accept(without_udp(pair.offerer.describe()))
    pair.offerer.accept(without_udp(pair.answerer.describe()))
    for end, other in (pair.ends, pair.turned.ends):
        while (candidate := end.next_candidate()) is not None:
            if is_tcp(candidate):
                other.add_candidate(candidate)
    for end in pair.ends:
        end.connected()


def test_picture_and_sound_go_both_ways_over_a_stream(pair: Pair, ours: OurEnd) -> None:
    for end in pair.ends:
        end.send("audio", "video")
    connect_by_tcp(pair)
    pair.meet()
    assert ours.protocols() == ("tcp", "tcp")


def test_messages_go_both_ways_over_a_stream(pair: Pair, ours: OurEnd) -> None:
    pair.offerer.channels.create({}, "bulk")
    connect_by_tcp(pair)
    for one, other in (pair.ends, pair.turned.ends):
        one.channels.say_pattern("bulk", 64, 16_384)
        assert other.channels.told_digest("bulk", 64) == pattern_digest(64, 16_384)
