import json

import pytest

from visavis.room import Mode, Rooms
from visavis.room.room import GRACE_S
from visavis.signaling.session import JOIN_TIMEOUT_S, CloseCode, Session, State
from visavis.testing.clock import ManualClock
from visavis.testing.rooms import RecordingOutlet, RecordingRouter, RecordingWire


class Desk:
    """A place where clients connect."""

    def __init__(self, max_participants: int = 100) -> None:
        self.clock = ManualClock()
        self.rooms = Rooms(self.clock, RecordingRouter, max_participants=max_participants)

    def connect(self) -> tuple[Session, RecordingWire]:
        wire = RecordingWire()
        return Session(self.rooms, self.clock, wire, lambda: ({"urls": "stun:192.0.2.1"},)), wire

    def join(self, name: str, mode: str = "sfu", resume: object = None) -> tuple[Session, RecordingWire]:
        session, wire = self.connect()
        say(session, type="join", room="den", name=name, mode=mode, resume=resume)
        return session, wire


def say(session: Session, **fields: object) -> None:
    session.handle_text_untrusted(json.dumps(fields))


def test_a_join_is_answered_with_everything_a_page_needs() -> None:
    _, wire = Desk().join("Ada")
    joined = wire.sent[0]
    assert joined["type"] == "joined"
    assert joined["ice_servers"] == [{"urls": "stun:192.0.2.1"}]
    assert joined["limits"] == {"participants": 100, "chat_characters": 2000}
    assert set(joined) == {
        "type", "you", "room", "mode", "resume", "resumed", "participants", "polite", "ice_servers", "limits",
    }  # fmt: skip


def test_without_a_join_the_socket_is_closed_after_ten_seconds() -> None:
    desk = Desk()
    session, wire = desk.connect()
    say(session, type="ping", t=1)
    desk.clock.advance(JOIN_TIMEOUT_S - 0.001)
    assert wire.closed is None
    desk.clock.advance(0.001)
    assert wire.sent[-1]["code"] == "not-joined"
    assert wire.sent[-1]["fatal"] is True
    assert wire.closed == (CloseCode.NO_JOIN, "no join")


def test_who_joined_in_time_is_not_closed() -> None:
    desk = Desk()
    _, wire = desk.join("Ada")
    desk.clock.advance(1000)
    assert wire.closed is None


def test_the_third_malformed_message_closes_and_ends_the_participant() -> None:
    desk = Desk()
    _, ada = desk.join("Ada")
    ben, wire = desk.join("Ben")
    ada.take()
    for _ in range(2):
        ben.handle_text_untrusted("{")
        assert wire.take()[-1]["fatal"] is False
    assert wire.closed is None
    ben.handle_not_text()
    assert wire.sent[-1]["fatal"] is True
    assert wire.closed == (CloseCode.MALFORMED, "three malformed messages")
    assert [message["type"] for message in ada.sent] == ["left"]
    assert ada.sent[0]["reason"] == "removed"


def test_unknown_types_are_answered_and_never_close() -> None:
    session, wire = Desk().join("Ada")
    for _ in range(5):
        say(session, type="wave")
    assert [message["code"] for message in wire.sent[1:]] == ["unknown-type"] * 5
    assert wire.sent[-1]["about"] == "wave"
    assert wire.closed is None


def test_before_the_join_only_ping_and_leave_are_served() -> None:
    session, wire = Desk().connect()
    say(session, type="chat", text="hello")
    assert (wire.sent[-1]["code"], wire.sent[-1]["about"]) == ("not-joined", "chat")
    say(session, type="ping", t=7)
    assert wire.sent[-1] == {"type": "pong", "t": 7}
    say(session, type="leave")
    assert wire.closed == (CloseCode.LEFT, "left")


def test_a_second_join_is_refused() -> None:
    session, wire = Desk().join("Ada")
    say(session, type="join", room="den", name="Ada", mode="sfu")
    assert wire.sent[-1]["code"] == "already-joined"
    assert session.state is State.JOINED


def test_a_full_room_says_so_and_closes_with_its_code() -> None:
    desk = Desk(max_participants=1)
    desk.join("Ada")
    _, wire = desk.join("Ben")
    assert (wire.sent[0]["code"], wire.sent[0]["fatal"]) == ("room-full", True)
    assert wire.sent[0]["message"] == "This room is full: 1 may be in it."
    assert wire.closed == (CloseCode.ROOM_FULL, "room full")


def test_after_a_refused_name_another_join_may_follow() -> None:
    desk = Desk()
    session, wire = desk.connect()
    say(session, type="join", room="den", name="\n", mode="sfu")
    assert wire.sent[-1]["code"] == "bad-name"
    say(session, type="join", room="den", name="Ada", mode="sfu")
    assert wire.sent[-1]["type"] == "joined"


def test_leaving_closes_with_1000_and_the_others_hear_left() -> None:
    desk = Desk()
    _, ada = desk.join("Ada")
    ben, wire = desk.join("Ben")
    say(ben, type="leave")
    assert wire.closed == (CloseCode.LEFT, "left")
    assert (ada.sent[-1]["type"], ada.sent[-1]["reason"]) == ("left", "left")


def test_a_browser_that_leaves_the_page_leaves_the_room_at_once() -> None:
    desk = Desk()
    _, ada = desk.join("Ada")
    ben, wire = desk.join("Ben")
    ada.take()
    ben.handle_going_away()
    assert wire.closed == (CloseCode.LEFT, "left")
    assert [(message["type"], message["reason"]) for message in ada.sent] == [("left", "left")]


def test_a_broken_socket_can_be_followed_by_a_resume_until_the_grace_is_over() -> None:
    desk = Desk()
    _, ada = desk.join("Ada")
    ben, wire = desk.join("Ben")
    token, you = wire.sent[0]["resume"], wire.sent[0]["you"]
    ada.take()
    ben.handle_disconnect()
    desk.clock.advance(GRACE_S - 1)
    again, wire = desk.join("Ben", resume=token)
    assert (wire.sent[0]["you"], wire.sent[0]["resumed"]) == (you, True)
    assert ada.sent == []
    again.handle_disconnect()
    desk.clock.advance(GRACE_S)
    assert [message["type"] for message in ada.sent] == ["left"]
    _, wire = desk.join("Ben", resume=token)
    assert wire.sent[0]["resumed"] is False


def test_the_first_of_two_sockets_is_closed_as_replaced_and_its_end_changes_nothing() -> None:
    desk = Desk()
    first, first_wire = desk.join("Ada")
    _, second_wire = desk.join("Ada", resume=first_wire.sent[0]["resume"])
    assert first_wire.closed is not None
    assert first_wire.closed[0] == CloseCode.REPLACED
    first.handle_disconnect()
    say(first, type="chat", text="from the grave")
    desk.clock.advance(2 * GRACE_S)
    assert second_wire.closed is None
    assert [message["type"] for message in second_wire.sent] == ["joined", "speakers"]


def test_flooding_closes_and_the_token_does_not_help() -> None:
    desk = Desk()
    session, wire = desk.join("Ada")
    session.handle_flooding()
    assert wire.sent[-1]["code"] == "rate-limited"
    assert wire.closed == (CloseCode.FLOODING, "flooding")
    _, again = desk.join("Ada", resume=wire.sent[0]["resume"])
    assert again.sent[0]["resumed"] is False


def test_at_a_shutdown_everybody_is_told_and_closed_with_1001() -> None:
    desk = Desk()
    session, wire = desk.join("Ada")
    session.handle_shutdown(2.0)
    assert wire.sent[-1] == {"type": "closing", "reason": "shutdown", "retry_after": 2.0}
    assert wire.closed is not None
    assert wire.closed[0] == CloseCode.GOING_DOWN


def test_the_messages_of_a_call_reach_the_room_and_come_back_as_documented() -> None:
    desk = Desk()
    session, wire = desk.join("Ada")
    wire.take()
    say(session, type="tracks", tracks=[{"mid": "0", "source": "camera", "muted": False}])
    say(session, type="offer", pc="publish", sdp="o")
    say(session, type="answer", pc="subscribe", sdp="a", id=1)
    say(session, type="restart", pc="subscribe")
    say(session, type="view", tiles=[])
    say(session, type="ice", pc="publish", candidate=None)
    assert wire.take() == [{"type": "answer", "pc": "publish", "sdp": "answer to o"}]
    say(session, type="offer", pc="publish", sdp="bad")
    assert wire.sent[-1]["code"] == "bad-sdp"
    assert wire.sent[-1]["about"] == "offer"
    assert "line 1: no version" in str(wire.sent[-1]["message"])
    say(session, type="answer", pc="subscribe", sdp="a", id=0)
    say(session, type="offer", pc="direct", sdp="o")
    say(session, type="answer", pc="direct", sdp="o")
    say(session, type="ice", pc="direct", candidate=None)
    assert [message["code"] for message in wire.sent[1:]] == ["wrong-state"] * 4


def test_a_direct_call_is_relayed_as_it_came() -> None:
    desk = Desk()
    ada, _ = desk.join("Ada", mode="direct")
    ben, ben_wire = desk.join("Ben", mode="direct")
    assert ben_wire.sent[0]["polite"] is True
    you = desk.rooms.rooms[0].participants[0].id
    ben_wire.take()
    candidate = {"candidate": "c", "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "u"}
    say(ada, type="offer", pc="direct", sdp="v=0 ünïcode")
    say(ada, type="ice", pc="direct", candidate=candidate)
    say(ada, type="ice", pc="direct", candidate=None)
    say(ada, type="tracks", tracks=[{"mid": "0", "source": "camera", "muted": True}])
    assert ben_wire.sent == [
        {"type": "offer", "pc": "direct", "sdp": "v=0 ünïcode", "from": you},
        {"type": "ice", "pc": "direct", "candidate": candidate, "from": you},
        {"type": "ice", "pc": "direct", "candidate": None, "from": you},
        {
            "type": "tracks",
            "participant": you,
            "tracks": [{"id": "0", "source": "camera", "kind": "video", "muted": True}],
        },
    ]
    assert ben.state is State.JOINED


def test_a_mistake_of_the_server_is_told_as_one_and_closes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk()
    session, wire = desk.join("Ada")

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(desk.rooms.rooms[0], "say", broken)
    say(session, type="chat", text="hello")
    assert (wire.sent[-1]["code"], wire.sent[-1]["fatal"]) == ("internal", True)
    assert wire.closed == (CloseCode.INTERNAL, "internal error")
    assert "ZeroDivisionError" in caplog.text


def test_what_the_room_says_to_one_without_a_socket_is_not_sent_to_the_old_one() -> None:
    desk = Desk()
    session, wire = desk.join("Ada")
    session.handle_disconnect()
    desk.rooms.join("den", "Ben", Mode.SFU, None, RecordingOutlet())
    assert [message["type"] for message in wire.sent] == ["joined"]
