"""A participant whose browser is a fake: it joins, publishes, answers offers after a while, and leaves."""

from dataclasses import dataclass, field

from visavis.clock import Clock
from visavis.dataplane.commands import Kind
from visavis.sfu import Peer, Router, Source, StreamInfo, TrackInfo, TrackSource
from visavis.testing.browser import FakePublisher, FakeSubscriber
from visavis.testing.codecs import CHROMIUM, Codecs


@dataclass(slots=True)
class FakeParticipant:
    """Implements `visavis.sfu.PeerEvents`; what it hears stays in its fields."""

    id: str
    number: int
    clock: Clock
    codecs: Codecs = CHROMIUM
    answer_after_s: float = 0.05
    offers: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    answers: list[str] = field(default_factory=list[str])
    publish_answers: list[str] = field(default_factory=list[str])
    streams: list[StreamInfo] = field(default_factory=list[StreamInfo])
    streams_messages: int = 0
    tracks: list[TrackInfo] = field(default_factory=list[TrackInfo])
    failures: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    sources: dict[str, TrackSource] = field(default_factory=dict[str, TrackSource])
    answering: bool = True
    publisher: FakePublisher = field(init=False)
    subscriber: FakeSubscriber = field(init=False)
    _peer: Peer | None = None

    def __post_init__(self) -> None:
        self.publisher = FakePublisher(2 * self.number, self.codecs)
        self.subscriber = FakeSubscriber(2 * self.number + 1, self.codecs)

    @property
    def peer(self) -> Peer:
        """The peer, once it has joined."""
        assert self._peer is not None, "join first"
        return self._peer

    def join(self, router: Router) -> None:
        """Adds a peer."""
        self._peer = router.add_peer(self.id, self)

    def publish(self, *sources: Source, rids: tuple[str, ...] = ()) -> list[str]:
        """Adds tracks, with all that signaling demands; gives their mids."""
        mids = [
            self.publisher.add(source.kind, rids if source.kind is Kind.VIDEO else ()) for source in sources
        ]
        self.sources |= {mid: TrackSource(mid, source) for mid, source in zip(mids, sources, strict=True)}
        self.peer.set_tracks(list(self.sources.values()))
        self.offer()
        return mids

    def unpublish(self, mid: str) -> None:
        """Stops one of them."""
        del self.sources[mid]
        self.publisher.send(mid, False)
        self.peer.set_tracks(list(self.sources.values()))
        self.offer()

    def offer(self) -> str:
        """Sends its offer, and gives the answer."""
        self.publish_answers.append(self.peer.publish(self.publisher.offer()))
        return self.publish_answers[-1]

    def leave(self) -> None:
        """Closes the peer."""
        peer, self._peer = self.peer, None
        peer.close()

    def answer(self, offer_id: int, sdp: str) -> None:
        """Answers an offer now."""
        answer = self.subscriber.answer(sdp)
        self.answers.append(answer)
        self.peer.subscribe_answer(offer_id, answer)

    def carried(self) -> dict[str, str]:
        """The participant on each m-line in use, by mid."""
        return {
            stream.mid: stream.participant
            for stream in self.streams
            if stream.mid is not None and stream.participant is not None
        }

    def subscribe_offer(self, offer_id: int, sdp: str, streams: list[StreamInfo]) -> None:
        """Takes an offer, and answers it in a while."""
        self.offers.append((offer_id, sdp))
        self.streams = streams
        if self.answering:
            self.clock.call_later(self.answer_after_s, lambda: self._answer_if_there(offer_id, sdp))

    def streams_changed(self, streams: list[StreamInfo]) -> None:
        """Takes what the m-lines carry."""
        self.streams = streams
        self.streams_messages += 1

    def tracks_changed(self, tracks: list[TrackInfo]) -> None:
        """Takes what it publishes itself, as others hear it."""
        self.tracks = tracks

    def transport_failed(self, pc: str, reason: str) -> None:
        """Takes bad news."""
        self.failures.append((pc, reason))

    def _answer_if_there(self, offer_id: int, sdp: str) -> None:
        if self._peer is not None:
            self.answer(offer_id, sdp)
