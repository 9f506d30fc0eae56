"""What the SFU and the room tell each other, in the words of docs/signaling.md."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from visavis.dataplane.commands import Kind, TrackId
from visavis.jsep import NegotiatedCodec


class Source(StrEnum):
    """What a participant publishes."""

    CAMERA = "camera"
    MICROPHONE = "microphone"
    SCREEN = "screen"
    SCREEN_AUDIO = "screen-audio"

    @property
    def kind(self) -> Kind:
        """The media type that this source has."""
        return Kind.AUDIO if self in (Source.MICROPHONE, Source.SCREEN_AUDIO) else Kind.VIDEO

    @property
    def is_screen(self) -> bool:
        """Whether it belongs to a shared screen."""
        return self in (Source.SCREEN, Source.SCREEN_AUDIO)


class StreamState(StrEnum):
    """Whether packets of a stream go to the subscriber now."""

    FORWARDING = "forwarding"
    PAUSED = "paused"


class StreamReason(StrEnum):
    """Why a stream is in its state."""

    OK = "ok"
    BANDWIDTH = "bandwidth"
    NO_MEDIA = "no-media"
    NOT_SHOWN = "not-shown"
    WAITING_FOR_KEY_FRAME = "waiting-for-key-frame"
    UNSUPPORTED_CODEC = "unsupported-codec"


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """One stream of a subscriber.

    `participant` and `track` are None for an m-line that waits to be used again; `mid` is None for a track
    for which the pool of m-lines is too small.
    """

    mid: str | None
    participant: str | None
    track: str | None
    state: StreamState
    reason: StreamReason


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """One track that a participant publishes now."""

    id: str
    source: Source
    kind: Kind
    muted: bool


@dataclass(frozen=True, slots=True)
class TrackSource:
    """What a participant says about one of its m-lines."""

    mid: str
    source: Source
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture on a participant's page, its size in pixels."""

    participant: str
    source: Source
    width: int
    height: int


class PeerEvents(Protocol):
    """What a room's participant hears from its `Peer`, on the event loop; never within `Router.add_peer`."""

    def subscribe_offer(self, offer_id: int, sdp: str, streams: list[StreamInfo]) -> None:
        """Deliver this offer; `Peer.subscribe_answer` must follow."""

    def streams_changed(self, streams: list[StreamInfo]) -> None:
        """What the subscriber gets, whole list, changed without an offer."""

    def tracks_changed(self, tracks: list[TrackInfo]) -> None:
        """What this peer publishes changed; whole list, for everybody."""

    def transport_failed(self, pc: str, reason: str) -> None:
        """The connection `pc` ("publish" or "subscribe") is lost until its client restarts it."""


@dataclass(slots=True, eq=False)
class PublishedTrack:
    """A track as the SFU keeps it; compared by identity, since what it carries changes while it lives."""

    id: str
    track: TrackId
    participant: str
    source: Source
    muted: bool
    codecs: tuple[NegotiatedCodec, ...]
    layers: int

    @property
    def kind(self) -> Kind:
        """The media type."""
        return self.source.kind

    def info(self) -> TrackInfo:
        """What others are told of it."""
        return TrackInfo(self.id, self.source, self.kind, self.muted)
