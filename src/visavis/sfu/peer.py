"""One participant: its publishing and its subscribing connection."""

import random
from collections.abc import Iterable, Sequence
from typing import Protocol

from visavis.clock import Clock
from visavis.dataplane.commands import Rung
from visavis.errors import LocalProtocolError
from visavis.sdp import Candidate
from visavis.sfu.ladder import Seat, ladder
from visavis.sfu.model import PeerEvents, PublishedTrack, StreamInfo, Tile, TrackSource
from visavis.sfu.options import SubscriberOptions
from visavis.sfu.plane import DataPlane
from visavis.sfu.publish import Publisher
from visavis.sfu.selection import Selection, select
from visavis.sfu.subscribe import Subscriber

MAX_TILES = 256


class Others(Protocol):
    """What a peer asks of its router, and tells it."""

    def new_track_id(self) -> str:
        """A name for a track, used once in the room."""
        ...

    def tracks_for(self, peer: "Peer") -> Iterable[PublishedTrack]:
        """All that the others publish, in the order of joining."""
        ...

    def speakers(self) -> Sequence[str]:
        """Who speaks, loudest first."""
        ...

    def published(self, peer: "Peer") -> None:
        """What the peer publishes changed."""

    def ended(self, peer: "Peer", track: PublishedTrack) -> None:
        """A track of the peer is about to end."""

    def heard(self, peer: "Peer", level_dbov: int) -> None:
        """How loud the peer's microphone is."""

    def left(self, peer: "Peer") -> None:
        """The peer is closed."""


class Peer:
    """One participant's two connections; after `close` its events hear nothing more."""

    def __init__(
        self,
        peer_id: str,
        events: PeerEvents,
        others: Others,
        plane: DataPlane,
        clock: Clock,
        *,
        candidates: tuple[Candidate, ...],
        options: SubscriberOptions,
        randomness: random.Random,
    ) -> None:
        self.id = peer_id
        self._events = events
        self._others = others
        self._view: tuple[Tile, ...] = ()
        self._closed = False
        self._publisher = Publisher(
            peer_id, plane, self, candidates=candidates, session_id=randomness.getrandbits(62)
        )
        self._subscriber = Subscriber(
            plane, clock, self, candidates=candidates, options=options, randomness=randomness
        )

    @property
    def tracks(self) -> tuple[PublishedTrack, ...]:
        """What the peer publishes now."""
        return self._publisher.tracks

    def publish(self, offer_sdp: str) -> str:
        """Answers the client's offer on its publishing connection.

        Raises:
            SdpError: the offer is malformed or impossible; nothing has changed.
            IncompatibleError: nothing in common; nothing has changed.
        """
        self._check_open()
        return self._publisher.offer(offer_sdp)

    def set_tracks(self, tracks: Sequence[TrackSource]) -> None:
        """What the client says it publishes, whole list each time."""
        self._check_open()
        self._publisher.set_tracks(tracks)

    def subscribe_answer(self, offer_id: int, sdp: str) -> None:
        """Takes the client's answer to the outstanding offer.

        Raises:
            RemoteProtocolError: no offer of this id is outstanding.
            SdpError: malformed, or does not fit the offer, which stays outstanding.
        """
        self._check_open()
        self._subscriber.answer(offer_id, sdp)

    def restart_subscribe(self) -> None:
        """Offers an ICE restart as soon as no offer is outstanding; anew if the client has closed its end."""
        self._check_open()
        self._subscriber.restart()

    def resume(self) -> None:
        """Says again what a client may have missed while it was away."""
        self._check_open()
        self._subscriber.resume()

    def set_view(self, tiles: Sequence[Tile]) -> None:
        """What is on the client's page, most important first."""
        self._check_open()
        view = tuple(tiles[:MAX_TILES])
        if view != self._view:
            self._view = view
            self._subscriber.rerank()
            self._subscriber.update()

    def close(self) -> None:
        """Ends both connections; idempotent."""
        if not self._closed:
            self._closed = True
            self._subscriber.close()
            self._publisher.close()
            self._others.left(self)

    def others_changed(self) -> None:
        """What the others publish changed."""
        self._subscriber.update()

    def other_ended(self, track: PublishedTrack) -> None:
        """A track of another peer is about to end."""
        self._subscriber.ended(track)

    def speakers_changed(self) -> None:
        """Others speak now."""
        self._subscriber.rerank()

    def new_track_id(self) -> str:
        """A name for one of its tracks."""
        return self._others.new_track_id()

    def publish_changed(self) -> None:
        """Its own tracks changed: everybody hears of it."""
        self._events.tracks_changed([track.info() for track in self._publisher.tracks])
        self._others.published(self)

    def publish_ended(self, track: PublishedTrack) -> None:
        """One of its own tracks is about to end."""
        self._others.ended(self, track)

    def publish_failed(self, reason: str) -> None:
        """Its publishing connection is lost."""
        self._events.transport_failed("publish", reason)

    def publish_levels(self, levels: Sequence[tuple[int, int]]) -> None:
        """How loud its tracks are; only a microphone makes a speaker."""
        microphones = {
            track.track for track in self._publisher.tracks if not track.source.is_screen and not track.muted
        }
        loudest = max((level for track, level in levels if track in microphones), default=None)
        if loudest is not None:
            self._others.heard(self, loudest)

    def subscribe_offer(self, offer_id: int, sdp: str, streams: list[StreamInfo]) -> None:
        """An offer of its subscribing connection."""
        self._events.subscribe_offer(offer_id, sdp, streams)

    def streams_changed(self, streams: list[StreamInfo]) -> None:
        """What its subscribing connection carries changed."""
        self._events.streams_changed(streams)

    def subscribe_failed(self, reason: str) -> None:
        """Its subscribing connection is lost."""
        self._events.transport_failed("subscribe", reason)

    def selection(self, audio_limit: int, video_limit: int) -> Selection:
        """What its subscribing connection shall carry."""
        return select(
            self._others.tracks_for(self), self._view, audio_limit=audio_limit, video_limit=video_limit
        )

    def ladder(self, seats: Sequence[Seat]) -> tuple[Rung, ...]:
        """What its subscribing connection shall lose last."""
        return ladder(seats, self._view, self._others.speakers())

    def _check_open(self) -> None:
        if self._closed:
            raise LocalProtocolError("the peer is closed")
