import json
import random

import pytest

from visavis.room import Code, Mode, RefusedError
from visavis.room.events import Candidate
from visavis.sfu import Source, Tile, TrackSource
from visavis.signaling.messages import (
    Answer,
    Chat,
    Ice,
    Join,
    Leave,
    Message,
    Offer,
    Ping,
    Restart,
    Tracks,
    View,
)
from visavis.signaling.parse import MAX_CHAT_CHARACTERS, MAX_LIST_ITEMS, MalformedError, parse_untrusted

CANDIDATE = {"candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host", "sdpMid": "0", "sdpMLineIndex": 0}

GOOD: list[tuple[dict[str, object], Message]] = [
    ({"type": "join", "room": "den", "name": "Ada", "mode": "sfu"}, Join("den", "Ada", Mode.SFU, None)),
    (
        {"type": "join", "room": "den", "name": "Ada", "mode": "direct", "resume": "t", "later": 1},
        Join("den", "Ada", Mode.DIRECT, "t"),
    ),
    ({"type": "offer", "pc": "publish", "sdp": "v=0"}, Offer("publish", "v=0")),
    ({"type": "answer", "pc": "subscribe", "sdp": "v=0", "id": 7}, Answer("subscribe", "v=0", 7)),
    ({"type": "answer", "pc": "direct", "sdp": "v=0"}, Answer("direct", "v=0", 0)),
    ({"type": "ice", "pc": "direct", "candidate": None}, Ice("direct", None)),
    (
        {"type": "ice", "pc": "direct", "candidate": CANDIDATE},
        Ice("direct", Candidate(str(CANDIDATE["candidate"]), "0", 0, None)),
    ),
    (
        {"type": "tracks", "tracks": [{"mid": "0", "source": "screen-audio", "muted": True}]},
        Tracks((TrackSource("0", Source.SCREEN_AUDIO, True),)),
    ),
    ({"type": "restart", "pc": "subscribe"}, Restart()),
    (
        {"type": "view", "tiles": [{"participant": "p", "source": "camera", "width": 320.4, "height": 0}]},
        View((Tile("p", Source.CAMERA, 320, 0),)),
    ),
    ({"type": "chat", "text": "x" * MAX_CHAT_CHARACTERS}, Chat("x" * MAX_CHAT_CHARACTERS)),
    ({"type": "ping", "t": 1.5}, Ping(1.5)),
    ({"type": "leave"}, Leave()),
]


@pytest.mark.parametrize(("value", "message"), GOOD, ids=lambda item: type(item).__name__)
def test_each_message_of_the_protocol_is_read(value: dict[str, object], message: Message) -> None:
    assert parse_untrusted(json.dumps(value)) == message


BAD: list[object] = [
    "",
    "{",
    "[]",
    "null",
    "1e999",
    "NaN",
    "[" * 100_000,
    '{"type":1}',
    "{}",
    '{"type":"ping","t":NaN}',
    '{"type":"ping","t":1e999}',
    '{"type":"ping","t":true}',
    '{"type":"ping","t":' + "9" * 5000 + "}",
    '{"type":"chat","text":"\\ud800"}',
    {"type": "chat", "text": ""},
    {"type": "chat", "text": " \n"},
    {"type": "chat", "text": "x" * (MAX_CHAT_CHARACTERS + 1)},
    {"type": "join", "room": "den", "name": "Ada"},
    {"type": "join", "room": "den", "name": "Ada", "mode": "mcu"},
    {"type": "join", "room": 1, "name": "Ada", "mode": "sfu"},
    {"type": "join", "room": "den", "name": "Ada", "mode": "sfu", "resume": 1},
    {"type": "join", "room": "den", "name": "Ada", "mode": "sfu", "resume": "x" * 129},
    {"type": "offer", "pc": "subscribe", "sdp": ""},
    {"type": "answer", "pc": "subscribe", "sdp": ""},
    {"type": "answer", "pc": "subscribe", "sdp": "", "id": 1.5},
    {"type": "answer", "pc": "subscribe", "sdp": "", "id": -1},
    {"type": "answer", "pc": "publish", "sdp": "", "id": 1},
    {"type": "ice", "pc": "direct"},
    {"type": "ice", "pc": "direct", "candidate": "candidate:1"},
    {"type": "ice", "pc": "direct", "candidate": {"sdpMid": "0"}},
    {"type": "ice", "pc": "direct", "candidate": {"candidate": "x", "sdpMLineIndex": "0"}},
    {"type": "ice", "pc": "direct", "candidate": {"candidate": "x" * 5000}},
    {"type": "tracks", "tracks": {}},
    {"type": "tracks", "tracks": [1]},
    {"type": "tracks", "tracks": [{"mid": "0", "source": "camera"}]},
    {"type": "tracks", "tracks": [{"mid": "0", "source": "oven", "muted": False}]},
    {"type": "tracks", "tracks": [{"mid": "0", "source": "camera", "muted": False}] * 2},
    {"type": "restart", "pc": "publish"},
    {"type": "view", "tiles": [{"participant": "p", "source": "camera", "width": -1, "height": 1}]},
    {"type": "view", "tiles": [{}] * (MAX_LIST_ITEMS + 1)},
]


@pytest.mark.parametrize("value", BAD, ids=lambda value: str(value)[:60])
def test_what_is_not_as_documented_is_malformed_and_says_how_it_should_be(value: object) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_untrusted(value if isinstance(value, str) else json.dumps(value))
    assert caught.value.code is Code.BAD_MESSAGE
    assert caught.value.message.endswith(".")
    assert caught.value.hint.endswith(".")


def test_an_unknown_type_is_no_malformed_message_since_a_later_version_may_have_it() -> None:
    with pytest.raises(RefusedError) as caught:
        parse_untrusted('{"type":"wave"}')
    assert not isinstance(caught.value, MalformedError)
    assert (caught.value.code, caught.value.about) == (Code.UNKNOWN_TYPE, "wave")


@pytest.mark.parametrize("kind", ["\\ud800", "x" * 1000, "ü"])
def test_a_strange_type_is_not_repeated(kind: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_untrusted(f'{{"type":"{kind}"}}')
    assert caught.value.about is None


def test_good_messages_that_were_damaged_never_raise_anything_else() -> None:
    dice = random.Random(4)
    for _ in range(20_000):
        text = list(json.dumps(dice.choice(GOOD)[0]))
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(text))
            text[at : at + dice.randint(0, 3)] = dice.choice(
                ['"', "{", "}", "[", "]", "null", "1e9", "-", "\\u", "é", ""]
            )
        try:
            parse_untrusted("".join(text))
        except RefusedError:
            continue
