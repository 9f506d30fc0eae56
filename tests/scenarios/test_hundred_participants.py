"""A room fills up at once, half of it is replaced, and everybody leaves."""

from visavis.dataplane.commands import SetLadder
from visavis.sfu import Source
from visavis.testing.codecs import CHROMIUM, FIREFOX
from visavis.testing.conference import Conference
from visavis.testing.participant import FakeParticipant

MESSAGE_BYTES = 256 * 1024


def join_many(conference: Conference, count: int, within_s: float) -> list[FakeParticipant]:
    joined: list[FakeParticipant] = []
    for index in range(count):
        codecs = FIREFOX if index % 3 == 0 else CHROMIUM
        joined.append(conference.join(Source.MICROPHONE, Source.CAMERA, codecs=codecs))
        conference.clock.advance(within_s / count)
    return joined


def check_routes(conference: Conference) -> None:
    """What is routed is what the client was told."""
    owners = conference.owners()
    for participant in conference.participants.values():
        routed = {
            mid: owners[route.track]
            for mid, route in conference.routes(participant).items()
            if route.track is not None
        }
        assert routed == participant.carried()
        assert participant.id not in routed.values()


def test_a_hundred_who_join_within_a_second_get_few_offers_of_bounded_size() -> None:
    conference = Conference()
    joined = join_many(conference, 100, within_s=1.0)
    conference.settle(6.0)
    for participant in joined:
        assert len(participant.offers) <= 6
        assert max(len(sdp) for _, sdp in participant.offers) <= MESSAGE_BYTES
        assert max(map(len, participant.answers)) <= MESSAGE_BYTES
        assert participant.subscriber.lines == 99 + 28
        assert len(participant.carried()) == 99 + 28
        assert sum(stream.reason == "not-shown" for stream in participant.streams) == 71
    check_routes(conference)


def test_when_half_of_the_room_is_replaced_all_m_lines_are_used_again() -> None:
    conference = Conference()
    joined = join_many(conference, 28, within_s=1.0)
    conference.settle()
    for participant in joined[::2]:
        conference.leave(participant)
    conference.settle()
    lines = {participant.id: participant.subscriber.lines for participant in joined[1::2]}
    assert set(lines.values()) == {2 * 27}
    join_many(conference, 14, within_s=0.5)
    conference.settle()
    for participant in joined[1::2]:
        assert participant.subscriber.lines == lines[participant.id]
        assert len(participant.carried()) == 2 * 27
    check_routes(conference)


def test_the_same_seed_gives_the_same_commands() -> None:
    def run(seed: int) -> str:
        conference = Conference(seed)
        joined = join_many(conference, 12, within_s=0.3)
        conference.leave(joined[3])
        conference.settle()
        return repr(conference.plane.commands)

    assert run(7) == run(7)
    assert run(7) != run(8)


def test_nothing_is_left_of_a_thousand_who_joined_and_left() -> None:
    conference = Conference()
    resident = conference.join(Source.MICROPHONE, Source.CAMERA)
    for _ in range(250):
        guests = [conference.join(source) for source in (Source.MICROPHONE, Source.CAMERA) for _ in range(2)]
        conference.settle(0.5)
        for guest in guests:
            conference.leave(guest)
        conference.settle(0.5)
    assert resident.subscriber.lines == 4
    assert conference.routes(resident) == {}
    assert len(conference.plane.transports) == len(conference.plane.in_use) == 2
    assert len(conference.plane.tracks()) == 2
    conference.leave(resident)
    conference.router.close()
    assert conference.plane.transports == {}
    assert conference.plane.in_use == set()
    assert conference.clock.pending() == 0


def test_a_ladder_never_names_a_slot_that_the_subscriber_does_not_have() -> None:
    conference = Conference()
    join_many(conference, 10, within_s=0.2)
    conference.settle()
    ladders = [command for command in conference.plane.commands if isinstance(command, SetLadder)]
    assert len(ladders) >= 10
    for participant in conference.participants.values():
        transport = conference.plane.transports[conference.subscribing(participant)]
        assert {rung.slot for rung in transport.rungs} == set(transport.routes)
