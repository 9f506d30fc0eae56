"""A room of fake participants around one router, in virtual time."""

import random

from visavis.dataplane.commands import Route, TrackId, TransportId
from visavis.sdp import Candidate, IceUfrag, parse
from visavis.sfu import Router, Source, SubscriberOptions
from visavis.testing.clock import ManualClock
from visavis.testing.codecs import CHROMIUM, Codecs
from visavis.testing.participant import FakeParticipant
from visavis.testing.plane import RecordingPlane

CANDIDATE = Candidate("1", 1, "udp", 2130706431, "192.0.2.1", 5000, "host")


class Conference:
    """Participants join, and time passes when a test says so; equal seeds give equal commands."""

    def __init__(self, seed: int = 1, options: SubscriberOptions | None = None) -> None:
        self.clock = ManualClock()
        self.plane = RecordingPlane()
        self.speakers: list[list[str]] = []
        self.router = Router(
            self.plane,
            candidates=[CANDIDATE],
            clock=self.clock,
            randomness=random.Random(seed),
            options=options,
        )
        self.router.on_speakers = self.speakers.append
        self.participants: dict[str, FakeParticipant] = {}
        self._joined = 0

    def join(self, *sources: Source, codecs: Codecs = CHROMIUM, answering: bool = True) -> FakeParticipant:
        """Somebody joins and publishes `sources`."""
        self._joined += 1
        participant = FakeParticipant(
            f"p{self._joined}", self._joined, self.clock, codecs, answering=answering
        )
        self.participants[participant.id] = participant
        participant.join(self.router)
        if sources:
            participant.publish(*sources)
        return participant

    def leave(self, participant: FakeParticipant) -> None:
        """Somebody leaves."""
        del self.participants[participant.id]
        participant.leave()

    def settle(self, duration_s: float = 5.0) -> None:
        """Time for all offers and answers."""
        self.clock.advance(duration_s)

    def subscribing(self, participant: FakeParticipant) -> TransportId:
        """The transport on which a participant gets what it gets; its last offer names it by its ufrag."""
        return self._transport(participant.offers[-1][1])

    def publishing(self, participant: FakeParticipant) -> TransportId:
        """The transport on which a participant publishes."""
        return self._transport(participant.publish_answers[-1])

    def routes(self, participant: FakeParticipant) -> dict[str, Route]:
        """What the data plane forwards to a participant, by mid."""
        transport = self.plane.transports[self.subscribing(participant)]
        return {transport.slots[slot].mid: route for slot, route in transport.routes.items()}

    def owners(self) -> dict[TrackId, str]:
        """Who publishes each track."""
        return {
            section.track: participant.id
            for participant in self.participants.values()
            if participant.publish_answers
            and (received := self.plane.transports[self.publishing(participant)].received) is not None
            for section in received.sections
        }

    def _transport(self, description: str) -> TransportId:
        parsed = parse(description)
        ufrag = parsed.first(IceUfrag) or parsed.media[0].first(IceUfrag)
        assert ufrag is not None
        return self.plane.by_ufrag(ufrag.value)
