"""`RTCPeerConnection` in live calls with other implementations, each as offerer and as answerer."""

from pathlib import Path

import pytest

from tests.interop.aiortc_end import AiortcEnd
from tests.interop.conftest import MakeEnd
from tests.interop.ends import End, Pair
from tests.interop.our_end import OurEnd
from tests.interop.turn_server import coturn


def test_picture_and_sound_go_both_ways(pair: Pair) -> None:
    for end in pair.ends:
        end.send("audio", "video")
    pair.connect()
    pair.meet()


def test_a_track_more_and_one_less_as_either_end_wishes(pair: Pair) -> None:
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


def test_a_restart_of_ice_loses_no_media(pair: Pair) -> None:
    if any(isinstance(end, AiortcEnd) for end in pair.ends):
        pytest.skip("aiortc neither restarts ICE nor follows a restart")
    for end in pair.ends:
        end.send("audio", "video")
    pair.connect()
    pair.meet()
    for one in (pair, pair.turned):
        one.offerer.restart_ice()
        one.connect()
        one.meet()


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
        local = ours.path().local
        assert local is not None
        assert local.type == "relay"
        for end in (ours, theirs):
            end.close()
