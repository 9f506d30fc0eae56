"""The media of one room: everybody gets what everybody else publishes.

Lifetimes: a router closes its peers, a peer its two connections, a connection its transport and the tracks
on it. Before a track ends, every subscriber's route to it is taken away.
"""

import itertools
import random
from collections.abc import Callable, Iterable, Sequence

from visavis.clock import Clock, TimerHandle
from visavis.errors import LocalProtocolError
from visavis.sdp import Candidate
from visavis.sfu.model import PeerEvents, PublishedTrack
from visavis.sfu.options import SubscriberOptions
from visavis.sfu.peer import Peer
from visavis.sfu.plane import DataPlane
from visavis.sfu.speakers import Speakers


class Router:
    """The peers of one room; all calls come from one thread, the clock's callbacks too."""

    def __init__(
        self,
        plane: DataPlane,
        *,
        candidates: Sequence[Candidate],
        clock: Clock,
        randomness: random.Random,
        options: SubscriberOptions | None = None,
    ) -> None:
        """Makes an empty room.

        Args:
            plane: carries out what is decided here.
            candidates: where the data plane listens, as the clients are told (RFC 8445 section 2.5: lite).
            clock: gives the time and the timers.
            randomness: session identifiers, SSRCs and CNAMEs; `random.SystemRandom()` outside of tests.
            options: bounds of each subscriber's connection.
        """
        self.on_speakers: Callable[[list[str]], None] = _nobody_listens
        self._plane = plane
        self._candidates = tuple(candidates)
        self._clock = clock
        self._randomness = randomness
        self._options = options or SubscriberOptions()
        self._peers: dict[str, Peer] = {}
        self._track_numbers = itertools.count(1)
        self._speakers = Speakers()
        self._speaking: list[str] = []
        self._speakers_timer: TimerHandle | None = None

    def add_peer(self, peer_id: str, events: PeerEvents) -> Peer:
        """A participant joins; it gets its first offer as soon as there is anything to offer."""
        if peer_id in self._peers:
            raise LocalProtocolError(f"peer {peer_id} is there already")
        peer = Peer(
            peer_id,
            events,
            self,
            self._plane,
            self._clock,
            candidates=self._candidates,
            options=self._options,
            randomness=self._randomness,
        )
        self._peers[peer_id] = peer
        if any(other.tracks for other in self._peers.values()):
            peer.others_changed()
        return peer

    def close(self) -> None:
        """Closes all peers; idempotent."""
        self.on_speakers = _nobody_listens
        for peer in list(self._peers.values()):
            peer.close()
        self._stop_timer()

    def new_track_id(self) -> str:
        """A name for a track, used once in the room."""
        return f"t{next(self._track_numbers)}"

    def tracks_for(self, peer: Peer) -> Iterable[PublishedTrack]:
        """All that the others publish, in the order of joining."""
        return (track for other in self._peers.values() if other is not peer for track in other.tracks)

    def speakers(self) -> Sequence[str]:
        """Who speaks, loudest first."""
        return self._speaking

    def published(self, peer: Peer) -> None:
        """What a peer publishes changed."""
        for other in self._peers.values():
            if other is not peer:
                other.others_changed()

    def ended(self, peer: Peer, track: PublishedTrack) -> None:
        """A track of a peer is about to end."""
        for other in self._peers.values():
            if other is not peer:
                other.other_ended(track)

    def heard(self, peer: Peer, level_dbov: int) -> None:
        """How loud a peer's microphone is."""
        self._speakers.heard(self._clock.monotonic(), [(peer.id, level_dbov)])
        self._tell_speakers()

    def left(self, peer: Peer) -> None:
        """A peer is closed: its tracks have ended."""
        if self._peers.pop(peer.id, None) is not None:
            self._speakers.forget(peer.id)
            self._tell_speakers()

    def _tell_speakers(self) -> None:
        now_s = self._clock.monotonic()
        speaking = self._speakers.current(now_s)
        expires_s = self._speakers.expires_s()
        self._stop_timer()
        if expires_s is not None:
            self._speakers_timer = self._clock.call_later(max(0.0, expires_s - now_s), self._expired)
        if speaking != self._speaking:
            self._speaking = speaking
            for peer in self._peers.values():
                peer.speakers_changed()
            self.on_speakers(list(speaking))

    def _expired(self) -> None:
        self._speakers_timer = None
        self._tell_speakers()

    def _stop_timer(self) -> None:
        if self._speakers_timer is not None:
            self._speakers_timer.cancel()
            self._speakers_timer = None


def _nobody_listens(_speakers: list[str]) -> None:
    """Until the room sets `Router.on_speakers`."""
