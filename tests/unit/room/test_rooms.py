import itertools
from collections.abc import Callable

import pytest

from visavis.errors import LocalProtocolError
from visavis.room import Code, Dismissal, Mode, Participant, RefusedError, Room, Rooms
from visavis.room.events import (
    Candidate,
    ChatSaid,
    Joined,
    LeaveReason,
    ParticipantInfo,
    ParticipantJoined,
    ParticipantLeft,
    PublishAnswer,
    RelayedCandidate,
    RelayedDescription,
    SpeakersChanged,
    StreamsChanged,
    SubscribeOffer,
    TracksChanged,
)
from visavis.room.participant import BACKLOG_EVENTS, Presence
from visavis.room.room import GRACE_S, MAX_CANDIDATES
from visavis.sfu import MAX_TRACKS, PeerEvents, Source, Tile, TrackInfo, TrackSource
from visavis.testing.clock import ManualClock
from visavis.testing.rooms import RecordingOutlet, RecordingPeer, RecordingRouter


class House:
    """Rooms with everything they are given, and short names for what tests do."""

    def __init__(self, max_rooms: int = 1000, max_participants: int = 100) -> None:
        self.clock = ManualClock()
        self.routers: list[RecordingRouter] = []
        self._rooms_of: dict[Participant, Room] = {}
        numbers = itertools.count(1)
        self.rooms = Rooms(
            self.clock,
            self._new_router,
            max_rooms=max_rooms,
            max_participants=max_participants,
            wall_time=lambda: 1.5e9,
            random_bytes=lambda size: next(numbers).to_bytes(size, "big"),
        )

    def join(
        self, name: str, room: str = "den", mode: Mode = Mode.SFU, resume: str | None = None
    ) -> tuple[Participant, RecordingOutlet]:
        outlet = RecordingOutlet()
        membership = self.rooms.join(room, name, mode, resume, outlet)
        self._rooms_of[membership.participant] = membership.room
        return membership.participant, outlet

    def room(self, participant: Participant) -> Room:
        return self._rooms_of[participant]

    def peer(self, participant: Participant) -> RecordingPeer:
        return self.routers[-1].peers[participant.id]

    def _new_router(self) -> RecordingRouter:
        self.routers.append(RecordingRouter())
        return self.routers[-1]


class RefusingRouter(RecordingRouter):
    def add_peer(self, peer_id: str, events: PeerEvents) -> RecordingPeer:
        raise LocalProtocolError("the plane is closed")


def refusal(code: Code) -> "pytest.RaisesExc[RefusedError]":
    return pytest.RaisesExc(RefusedError, check=lambda error: error.code is code)


def test_the_first_hears_that_it_joined_and_the_second_who_is_there() -> None:
    house = House()
    ada, ada_hears = house.join("Ada")
    ben, ben_hears = house.join("Ben")
    (first,) = [event for event in ada_hears.events if isinstance(event, Joined)]
    assert (first.you, first.room, first.mode, first.resumed) == (ada.id, "den", Mode.SFU, False)
    assert first.participants == ()
    assert first.max_participants == 100
    (second,) = [event for event in ben_hears.events if isinstance(event, Joined)]
    assert second.participants == (ParticipantInfo(ada.id, "Ada", ()),)
    assert ada_hears.events[-1] == ParticipantJoined(ParticipantInfo(ben.id, "Ben", ()))


def test_joined_is_the_first_thing_a_participant_hears_even_if_somebody_speaks() -> None:
    house = House()
    ada, _ = house.join("Ada")
    house.routers[0].on_speakers([ada.id])
    _, ben_hears = house.join("Ben")
    assert isinstance(ben_hears.events[0], Joined)
    assert ben_hears.events[1:] == [SpeakersChanged((ada.id,))]


def test_a_room_keeps_the_mode_of_the_first() -> None:
    house = House()
    house.join("Ada", mode=Mode.DIRECT)
    _, ben_hears = house.join("Ben", mode=Mode.SFU)
    joined = ben_hears.events[0]
    assert isinstance(joined, Joined)
    assert joined.mode is Mode.DIRECT
    assert joined.max_participants == 2


@pytest.mark.parametrize("name", ["", "a b", "ä", "x" * 65, "../etc", "signal", "healthz", "static", "a\n"])
def test_a_room_name_that_has_no_link_is_refused(name: str) -> None:
    with refusal(Code.BAD_ROOM):
        House().join("Ada", room=name)


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb", "a\0b", "a\u202eb", "a\u2028b"])
def test_a_name_that_would_disturb_others_is_refused(name: str) -> None:
    house = House()
    with refusal(Code.BAD_NAME):
        house.join(name)
    assert house.rooms.rooms == ()


@pytest.mark.parametrize("name", ["Ada Lovelace", "李雷", "👩\u200d🚀", "نمی\u200cدانم", "x" * 64])
def test_names_of_all_scripts_are_taken(name: str) -> None:
    participant, _ = House().join(name)
    assert participant.name == name


def test_a_full_room_refuses_and_takes_again_when_one_has_left() -> None:
    house = House(max_participants=2)
    ada, _ = house.join("Ada")
    house.join("Ben")
    with refusal(Code.ROOM_FULL):
        house.join("Cleo")
    house.room(ada).leave(ada, LeaveReason.LEFT)
    house.join("Cleo")


def test_a_direct_room_takes_two() -> None:
    house = House()
    house.join("Ada", mode=Mode.DIRECT)
    house.join("Ben")
    with refusal(Code.ROOM_FULL):
        house.join("Cleo")


def test_more_rooms_than_the_limit_are_refused_and_those_that_exist_can_be_joined() -> None:
    house = House(max_rooms=1)
    house.join("Ada", room="one")
    with refusal(Code.TOO_MANY_ROOMS):
        house.join("Ben", room="two")
    house.join("Ben", room="one")


def test_the_last_who_leaves_ends_the_room_its_router_and_its_name() -> None:
    house = House()
    ada, _ = house.join("Ada")
    peer = house.peer(ada)
    house.room(ada).leave(ada, LeaveReason.LEFT)
    assert peer.closed
    assert house.routers[0].closed
    assert len(house.rooms.rooms) == 0
    assert house.rooms.participant_count == 0
    house.join("Ben", mode=Mode.DIRECT)
    assert [room.mode for room in house.rooms.rooms] == [Mode.DIRECT]


def test_a_router_that_cannot_take_the_first_leaves_no_room_behind() -> None:
    rooms = Rooms(ManualClock(), RefusingRouter)
    with pytest.raises(LocalProtocolError):
        rooms.join("den", "Ada", Mode.SFU, None, RecordingOutlet())
    assert rooms.rooms == ()


def test_others_hear_that_somebody_left_and_why() -> None:
    house = House()
    _, ada_hears = house.join("Ada")
    ben, _ = house.join("Ben")
    house.room(ben).leave(ben, LeaveReason.REMOVED)
    assert ada_hears.events[-1] == ParticipantLeft(ben.id, LeaveReason.REMOVED)


def test_a_participant_without_a_socket_is_lost_after_the_grace_and_not_before() -> None:
    house = House()
    _, ada_hears = house.join("Ada")
    ben, _ = house.join("Ben")
    ada_hears.take()
    house.room(ben).detach(ben)
    house.clock.advance(GRACE_S - 0.001)
    assert ada_hears.events == []
    house.clock.advance(0.001)
    assert ada_hears.events == [ParticipantLeft(ben.id, LeaveReason.LOST)]
    assert ben.presence is Presence.GONE


def test_a_resume_keeps_the_id_and_nobody_else_hears_of_it() -> None:
    house = House()
    ada, ada_hears = house.join("Ada")
    ben, _ = house.join("Ben")
    ada_hears.take()
    house.room(ben).detach(ben)
    house.clock.advance(GRACE_S / 2)
    again, ben_hears = house.join("whatever", resume=ben.token)
    assert again is ben
    joined = ben_hears.events[0]
    assert isinstance(joined, Joined)
    assert (joined.you, joined.resumed, joined.resume) == (ben.id, True, ben.token)
    assert joined.participants == (ada.info(),)
    assert house.peer(ben).calls == [("resume",)]
    house.clock.advance(2 * GRACE_S)
    assert ada_hears.events == []
    assert house.clock.pending() == 0


def test_a_second_socket_with_the_token_replaces_the_first() -> None:
    house = House()
    ada, first = house.join("Ada")
    _, second = house.join("Ada", resume=ada.token)
    assert first.dismissed is Dismissal.REPLACED
    assert second.dismissed is None
    ada.tell(SpeakersChanged(()))
    assert second.events[-1] == SpeakersChanged(())


def test_a_resume_works_in_a_room_that_is_full() -> None:
    house = House(max_participants=1)
    ada, _ = house.join("Ada")
    house.room(ada).detach(ada)
    again, _ = house.join("Ada", resume=ada.token)
    assert again is ada


def test_an_unknown_token_joins_anew_with_resumed_false() -> None:
    house = House()
    _, hears = house.join("Ada", resume="made-up")
    joined = hears.events[0]
    assert isinstance(joined, Joined)
    assert not joined.resumed


def test_a_token_of_another_room_ends_the_participant_there() -> None:
    house = House()
    ada, first = house.join("Ada", room="one")
    again, _ = house.join("Ada", room="two", resume=ada.token)
    assert again is not ada
    assert first.dismissed is Dismissal.LOST
    assert [room.name for room in house.rooms.rooms] == ["two"]


def test_chat_reaches_everybody_its_author_too_and_waits_for_one_who_is_away() -> None:
    house = House()
    ada, ada_hears = house.join("Ada")
    ben, _ = house.join("Ben")
    house.room(ben).detach(ben)
    house.room(ada).say(ada, "hello")
    said = ChatSaid(ada.id, "Ada", "hello", 1.5e9)
    assert ada_hears.events[-1] == said
    _, ben_hears = house.join("Ben", resume=ben.token)
    assert isinstance(ben_hears.events[0], Joined)
    assert ben_hears.events[1] == said


def test_one_who_was_away_for_more_than_is_kept_joins_anew() -> None:
    house = House()
    ada, _ = house.join("Ada")
    ben, _ = house.join("Ben")
    house.room(ben).detach(ben)
    for _ in range(BACKLOG_EVENTS + 1):
        house.room(ada).say(ada, "hello")
    again, _ = house.join("Ben", resume=ben.token)
    assert again is not ben
    assert ben.presence is Presence.GONE


def test_what_a_peer_says_reaches_its_participant_and_tracks_reach_the_others() -> None:
    house = House()
    ada, ada_hears = house.join("Ada")
    _, ben_hears = house.join("Ben")
    ada_hears.take()
    ben_hears.take()
    tracks = [TrackInfo("t1", Source.CAMERA, Source.CAMERA.kind, False)]
    house.peer(ada).events.tracks_changed(tracks)
    house.peer(ada).events.tracks_changed(tracks)
    house.peer(ada).events.subscribe_offer(4, "sdp", [])
    house.peer(ada).events.streams_changed([])
    house.peer(ada).events.transport_failed("publish", "timeout")
    assert ada_hears.events == [SubscribeOffer("sdp", 4, ()), StreamsChanged(())]
    assert ben_hears.events == [TracksChanged(ada.id, tuple(tracks))]
    _, cleo_hears = house.join("Cleo")
    joined = cleo_hears.events[0]
    assert isinstance(joined, Joined)
    assert joined.participants[0].tracks == tuple(tracks)


def test_what_a_participant_asks_reaches_its_peer() -> None:
    house = House()
    ada, hears = house.join("Ada")
    room = house.room(ada)
    source, tile = TrackSource("0", Source.CAMERA, False), Tile("x", Source.SCREEN, 640, 360)
    room.publish(ada, "offer")
    room.set_tracks(ada, [source])
    room.set_view(ada, [tile])
    room.subscribe_answer(ada, 3, "answer")
    room.restart_subscribe(ada)
    room.ignore_candidate(ada)
    assert hears.events[-1] == PublishAnswer("answer to offer")
    assert house.peer(ada).calls == [
        ("set_tracks", source),
        ("set_view", tile),
        ("subscribe_answer", 3, "answer"),
        ("restart_subscribe",),
    ]


def test_a_bad_description_is_its_author_s_refusal() -> None:
    house = House()
    ada, _ = house.join("Ada")
    with refusal(Code.BAD_SDP):
        house.room(ada).publish(ada, "bad")
    with refusal(Code.WRONG_STATE):
        house.room(ada).subscribe_answer(ada, 0, "late")


def test_a_direct_room_relays_to_the_other_and_the_second_is_polite() -> None:
    house = House()
    ada, ada_hears = house.join("Ada", mode=Mode.DIRECT)
    ben, ben_hears = house.join("Ben")
    candidate = Candidate("candidate:1", "0", 0, "u")
    house.room(ada).relay_description(ada, "offer", "o")
    house.room(ada).relay_candidate(ada, candidate)
    house.room(ada).relay_candidate(ada, None)
    house.room(ada).set_tracks(ada, [TrackSource("0", Source.MICROPHONE, True)])
    house.room(ada).set_view(ada, [])
    house.room(ben).relay_description(ben, "answer", "a")
    assert not house.routers
    assert (ada.polite, ben.polite) == (False, True)
    assert ben_hears.events[1:] == [
        RelayedDescription("offer", "o", ada.id),
        RelayedCandidate(candidate, ada.id),
        RelayedCandidate(None, ada.id),
        TracksChanged(ada.id, (TrackInfo("0", Source.MICROPHONE, Source.MICROPHONE.kind, True),)),
    ]
    assert ada_hears.events[-1] == RelayedDescription("answer", "a", ben.id)


def test_exactly_one_of_two_is_polite_also_after_the_first_was_replaced() -> None:
    house = House()
    ada, _ = house.join("Ada", mode=Mode.DIRECT)
    ben, _ = house.join("Ben")
    house.room(ada).leave(ada, LeaveReason.LEFT)
    cleo, _ = house.join("Cleo")
    assert (ben.polite, cleo.polite) == (True, False)


def test_an_offer_waits_for_the_other_one_s_return() -> None:
    house = House()
    ada, _ = house.join("Ada", mode=Mode.DIRECT)
    ben, _ = house.join("Ben")
    house.room(ben).detach(ben)
    house.room(ada).relay_description(ada, "offer", "o")
    _, hears = house.join("Ben", resume=ben.token)
    assert hears.events[1] == RelayedDescription("offer", "o", ada.id)


def test_in_a_direct_room_alone_an_offer_has_no_taker() -> None:
    house = House()
    ada, _ = house.join("Ada", mode=Mode.DIRECT)
    house.room(ada).relay_candidate(ada, None)
    with refusal(Code.WRONG_STATE):
        house.room(ada).relay_description(ada, "offer", "o")


def test_what_belongs_to_the_other_kind_of_room_is_refused() -> None:
    house = House()
    ada, _ = house.join("Ada", mode=Mode.DIRECT)
    ben, _ = house.join("Ben", room="other", mode=Mode.SFU)
    calls: list[Callable[[], None]] = [
        lambda: house.room(ada).publish(ada, "o"),
        lambda: house.room(ada).restart_subscribe(ada),
        lambda: house.room(ada).ignore_candidate(ada),
        lambda: house.room(ben).relay_description(ben, "offer", "o"),
        lambda: house.room(ben).relay_candidate(ben, None),
    ]
    for call in calls:
        with refusal(Code.WRONG_STATE):
            call()


def test_tracks_and_candidates_have_a_limit_and_a_new_description_has_new_candidates() -> None:
    house = House()
    ada, _ = house.join("Ada", mode=Mode.DIRECT)
    ben, ben_hears = house.join("Ben")
    with refusal(Code.TOO_MANY_TRACKS):
        house.room(ada).set_tracks(
            ada, [TrackSource(str(mid), Source.CAMERA, False) for mid in range(MAX_TRACKS + 1)]
        )
    for _ in range(MAX_CANDIDATES):
        house.room(ada).relay_candidate(ada, None)
    ben_hears.take()
    with refusal(Code.BAD_CANDIDATE):
        house.room(ada).relay_candidate(ada, None)
    assert ben_hears.events == []
    house.room(ada).relay_description(ada, "offer", "o")
    house.room(ada).relay_candidate(ada, None)
    assert ben.presence is Presence.ATTACHED


def test_closing_all_rooms_ends_routers_and_timers() -> None:
    house = House()
    ada, _ = house.join("Ada")
    house.room(ada).detach(ada)
    house.rooms.close()
    assert house.routers[0].closed
    assert house.clock.pending() == 0
    assert house.rooms.participant_count == 0
