import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.errors import RemoteProtocolError
from visavis.transfer.messages import (
    MAX_FILES,
    MAX_SIZE,
    Ack,
    Begin,
    Bye,
    Direction,
    Done,
    End,
    Failed,
    FileInfo,
    Get,
    Hello,
    Message,
    Offer,
    Refused,
    ResumePoint,
    Welcome,
    encode,
    parse_untrusted,
)

DIGEST = "ab" * 32
ALL: list[Message] = [
    Hello(DIGEST, "me"),
    Welcome(DIGEST, Direction.SENDS),
    Refused("wrong code"),
    Offer((FileInfo("a.txt", 0), FileInfo("ü\n", MAX_SIZE))),
    Get(0),
    Get(999, (ResumePoint(5, DIGEST),)),
    Begin(1, 5),
    Ack(1, 7),
    End(1, DIGEST),
    Done(1),
    Failed(1, "disk full"),
    Bye(),
]


@pytest.mark.parametrize("message", ALL, ids=lambda one: type(one).__name__)
def test_each_message_comes_back(message: Message) -> None:
    assert parse_untrusted(encode(message)) == message


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"type": 1},
        {"type": "steal"},
        {"type": "get", "file": -1, "resume": []},
        {"type": "get", "file": True, "resume": []},
        {"type": "get", "file": MAX_FILES, "resume": []},
        {"type": "get", "file": 0, "resume": {}},
        {"type": "get", "file": 0, "resume": [{"offset": 1, "sha256": "AB" * 32}]},
        {"type": "get", "file": 0, "resume": [{"offset": 1, "sha256": DIGEST}] * 17},
        {"type": "offer", "files": [{"name": "x", "size": MAX_SIZE + 1}]},
        {"type": "offer", "files": [{"name": "x", "size": 1.5}]},
        {"type": "offer", "files": [{"name": "x" * 1025, "size": 1}]},
        {"type": "offer", "files": [{"name": "x", "size": 1}] * (MAX_FILES + 1)},
        {"type": "end", "file": 0, "sha256": DIGEST + "\n"},
        {"type": "welcome", "proof": DIGEST, "host": "watches"},
        {"type": "failed", "file": 0, "reason": "x" * 301},
    ],
)
def test_what_is_beyond_the_bounds_is_the_peers_mistake(value: object) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_untrusted(json.dumps(value))


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_anything_else_is_the_peers_mistake_too(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_untrusted(text)


def test_deep_nesting_is_no_crash() -> None:
    with pytest.raises(RemoteProtocolError):
        parse_untrusted("[" * 100_000)
