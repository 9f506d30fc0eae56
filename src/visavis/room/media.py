"""What a room asks of its media: one router per room, one peer per participant."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TrackSource:
    """What a participant says it publishes on an m-line."""

    mid: str
    source: str
    muted: bool


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """A track that is published, as others are told of it."""

    id: str
    source: str
    kind: str
    muted: bool


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What an m-line of a subscriber carries; participant and track are None while it waits to be used again."""

    mid: str
    participant: str | None
    track: str | None
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Tile:
    """What a participant has on its page, and how large in CSS pixels."""

    participant: str
    source: str
    width: int
    height: int


class PeerEvents(Protocol):
    """How a peer tells its participant."""

    def subscribe_offer(self, offer_id: int, sdp: str, streams: list[StreamInfo]) -> None: ...
    def streams_changed(self, streams: list[StreamInfo]) -> None: ...
    def tracks_changed(self, tracks: list[TrackInfo]) -> None: ...
    def transport_failed(self, pc: str, reason: str) -> None: ...


class Peer(Protocol):
    """One participant's two connections. What a browser may get wrong raises SdpError or IncompatibleError."""

    def publish(self, offer_sdp: str) -> str: ...
    def set_tracks(self, tracks: list[TrackSource]) -> None: ...
    def subscribe_answer(self, offer_id: int, sdp: str) -> None: ...
    def restart_subscribe(self) -> None: ...
    def resume(self) -> None: ...
    def set_view(self, tiles: list[Tile]) -> None: ...
    def close(self) -> None: ...


class Router(Protocol):
    """The media of one room."""

    on_speakers: Callable[[list[str]], None]

    def add_peer(self, peer_id: str, events: PeerEvents) -> Peer: ...
    def close(self) -> None: ...


RouterFactory = Callable[[], Router]
