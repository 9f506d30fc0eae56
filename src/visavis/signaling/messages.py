"""What a client may send, as types. docs/signaling.md describes each."""

from dataclasses import dataclass

from visavis.room.events import Candidate, Mode
from visavis.sfu import Tile, TrackSource


@dataclass(frozen=True, slots=True)
class Join:
    """The first message: into which room, and as whom."""

    room: str
    name: str
    mode: Mode
    resume: str | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A description that asks; `pc` is `publish` or `direct`."""

    pc: str
    sdp: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A description that answers; `pc` is `subscribe`, with the offer's id, or `direct`."""

    pc: str
    sdp: str
    id: int


@dataclass(frozen=True, slots=True)
class Ice:
    """A candidate, or None when there are no more."""

    pc: str
    candidate: Candidate | None


@dataclass(frozen=True, slots=True)
class Tracks:
    """All that the client publishes."""

    tracks: tuple[TrackSource, ...]


@dataclass(frozen=True, slots=True)
class Restart:
    """Asks for an ICE restart of the subscribing connection."""


@dataclass(frozen=True, slots=True)
class View:
    """What is on the page, most important first."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Chat:
    """A line of chat."""

    text: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks for a pong with the same number."""

    t: float


@dataclass(frozen=True, slots=True)
class Leave:
    """Goodbye."""


Message = Join | Offer | Answer | Ice | Tracks | Restart | View | Chat | Ping | Leave
