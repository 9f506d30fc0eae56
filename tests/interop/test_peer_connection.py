"""`RTCPeerConnection` in live calls with other implementations, each as offerer and as answerer."""

import re
from pathlib import Path

import pytest

from tests.interop.conftest import MakeEnd
from tests.interop.ends import Description, End, Pair
from tests.interop.our_end import OurEnd
from tests.interop.peers import PEERS, RESTART_ICE
from tests.interop.turn_server import coturn

OFFER_IN_THEIR_TURN = [
    (theirs, role)
    for theirs in PEERS
    for role in ("we offer", "we answer")
    if (theirs, role) != ("aiortc", "we offer")
]
"""`test_aiortc_offers_header_extensions_under_other_numbers_once_it_has_answered` says why not all."""


def told(description: Description, attribute: str) -> list[str]:
    """The values of an attribute."""
    return re.findall(rf"^a={attribute}:(.*?)\r?$", description["sdp"], re.MULTILINE)


def test_picture_and_sound_go_both_ways(pair: Pair) -> None:
    for end in pair.ends:
        end.send("audio", "video")
    pair.connect()
    pair.meet()


def test_a_track_more_and_one_less_as_the_offerer_wishes(pair: Pair) -> None:
    for end in pair.ends:
        end.send("audio", "video")
    pair.connect()
    pair.meet()

    pair.offerer.send("video")
    pair.negotiate()
    pair.answerer.sees(2)

    pair.offerer.stop_sending("video")
    pair.negotiate()
    pair.answerer.sees(1)
    pair.offerer.sees(1)


@pytest.mark.parametrize(("theirs", "pair"), OFFER_IN_THEIR_TURN, indirect=True)
def test_who_answered_first_offers_a_track_more(pair: Pair) -> None:
    for end in pair.ends:
        end.send("audio", "video")
    pair.connect()
    pair.meet()

    pair.offerer.send("video")
    pair.negotiate()
    pair.answerer.sees(2)
    pair.answerer.send("video")
    pair.turned.negotiate()
    pair.offerer.sees(2)

    pair.offerer.stop_sending("video")
    pair.negotiate()
    pair.answerer.sees(1)
    pair.offerer.sees(2)


def test_aiortc_offers_header_extensions_under_other_numbers_once_it_has_answered(
    ours: OurEnd, make_end: MakeEnd
) -> None:
    """RFC 8285 section 7 forbids that: so no such offer of its can be accepted."""
    theirs = make_end("aiortc")
    for end in (ours, theirs):
        end.open({})
        end.send("audio", "video")
    theirs.accept(ours.describe())
    answered = theirs.describe()
    ours.accept(answered)
    offered = theirs.describe()
    assert not set(told(offered, "extmap")) <= set(told(answered, "extmap"))
    theirs.close()


@pytest.mark.parametrize(
    ("player", "video", "audio"),
    [
        ("chromium", "video/H264", "audio/opus"),  # Firefox downloads its H.264 first
        ("chromium", "video/VP8", "audio/PCMU"),
        ("firefox", "video/VP8", "audio/PCMU"),
        ("firefox", "video/VP8", "audio/PCMA"),
    ],
)
def test_every_codec_is_understood_both_ways(
    player: str, video: str, audio: str, ours: OurEnd, make_end: MakeEnd
) -> None:
    theirs = make_end(player)
    for end in (ours, theirs):
        end.open({})
        end.send("audio", "video")
    for codec in (video, audio):
        ours.prefer(codec)
    pair = Pair(ours, theirs)
    pair.connect()
    pair.meet()
    assert ours.codecs() == {video, audio}
    theirs.close()


@pytest.mark.parametrize("theirs", RESTART_ICE, indirect=True)
def test_a_restart_of_ice_loses_no_media(pair: Pair) -> None:
    for end in pair.ends:
        end.send("audio", "video")
    pair.connect()
    pair.meet()
    for one in (pair, pair.turned):
        one.offerer.restart_ice()
        one.connect()
        one.meet()


def test_aiortc_answers_a_restart_of_ice_with_the_credentials_it_had(ours: OurEnd, make_end: MakeEnd) -> None:
    """RFC 8839 section 4.4.3.1 asks for others: so with aiortc there is no restart."""
    theirs = make_end("aiortc")
    for end in (ours, theirs):
        end.open({})
        end.send("audio")
    theirs.accept(ours.describe())
    first = theirs.describe()
    ours.accept(first)
    ours.restart_ice()
    theirs.accept(ours.describe())
    assert told(theirs.describe(), "ice-ufrag") == told(first, "ice-ufrag")
    theirs.close()


@pytest.mark.parametrize("role", ["we offer", "we answer"])
def test_a_call_through_a_turn_server(role: str, ours: OurEnd, theirs: End, tmp_path: Path) -> None:
    with coturn(tmp_path) as server:
        ours.open({"iceServers": [server], "iceTransportPolicy": "relay"})
        theirs.open({})
        pair = Pair(ours, theirs) if role == "we offer" else Pair(theirs, ours)
        for end in pair.ends:
            end.send("audio", "video")
        pair.connect()
        pair.meet()
        assert ours.route().local == "relay"
        for end in (ours, theirs):
            end.close()
