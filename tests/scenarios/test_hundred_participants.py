"""A room fills up at once, half of it is replaced, and everybody leaves."""

import random
from dataclasses import dataclass, field

from visavis.sdp import Candidate
from visavis.sfu import Router, Source
from visavis.testing.clock import ManualClock
from visavis.testing.codecs import CHROMIUM, FIREFOX
from visavis.testing.participant import FakeParticipant
from visavis.testing.plane import RecordingPlane

MESSAGE_BYTES = 256 * 1024
CANDIDATE = Candidate("1", 1, "udp", 2130706431, "192.0.2.1", 5000, "host")


@dataclass
class Conference:
    """A router on a recording plane, in virtual time."""

    seed: int = 1
    clock: ManualClock = field(default_factory=ManualClock)
    plane: RecordingPlane = field(default_factory=RecordingPlane)
    participants: list[FakeParticipant] = field(default_factory=list)
    numbers: int = 0

    def __post_init__(self) -> None:
        self.router = Router(
            self.plane, candidates=[CANDIDATE], clock=self.clock, randomness=random.Random(self.seed)
        )

    def join(self) -> FakeParticipant:
        self.numbers += 1
        codecs = FIREFOX if self.numbers % 3 == 0 else CHROMIUM
        participant = FakeParticipant(f"p{self.numbers}", self.numbers, self.clock, codecs)
        participant.join(self.router)
        participant.publish(Source.MICROPHONE, Source.CAMERA)
        self.participants.append(participant)
        return participant

    def join_many(self, count: int, within_s: float) -> None:
        for _ in range(count):
            self.join()
            self.clock.advance(within_s / count)

    def leave(self, participant: FakeParticipant) -> None:
        self.participants.remove(participant)
        participant.leave()


def test_a_hundred_who_join_within_a_second_get_few_offers_of_bounded_size() -> None:
    conference = Conference()
    conference.join_many(100, within_s=1.0)
    conference.clock.advance(10.0)
    for participant in conference.participants:
        assert len(participant.offers) <= 12
        assert max(len(sdp) for _, sdp in participant.offers) <= MESSAGE_BYTES
        assert max(map(len, participant.answers)) <= MESSAGE_BYTES
        assert participant.subscriber.lines == 99 + 50
