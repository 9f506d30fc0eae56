"""What a participant is told, as data. Each is a message of the signaling protocol (docs/signaling.md)."""

from dataclasses import dataclass
from enum import StrEnum

from visavis.sfu import StreamInfo, TrackInfo


class Mode(StrEnum):
    """How the media of a room flows."""

    SFU = "sfu"
    DIRECT = "direct"


class LeaveReason(StrEnum):
    """Why a participant is not in the room any more."""

    LEFT = "left"
    LOST = "lost"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class ParticipantInfo:
    """A participant as others see it."""

    id: str
    name: str
    tracks: tuple[TrackInfo, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """The answer to a join: always the first event that a socket of the participant sees."""

    you: str
    room: str
    mode: Mode
    resume: str
    resumed: bool
    participants: tuple[ParticipantInfo, ...]
    polite: bool
    max_participants: int


@dataclass(frozen=True, slots=True)
class ParticipantJoined:
    """Somebody came."""

    participant: ParticipantInfo


@dataclass(frozen=True, slots=True)
class ParticipantLeft:
    """Somebody is gone."""

    participant: str
    reason: LeaveReason


@dataclass(frozen=True, slots=True)
class TracksChanged:
    """All that somebody publishes now."""

    participant: str
    tracks: tuple[TrackInfo, ...]


@dataclass(frozen=True, slots=True)
class SubscribeOffer:
    """The server's offer; what its m-lines carry holds once it is answered."""

    sdp: str
    id: int
    streams: tuple[StreamInfo, ...]


@dataclass(frozen=True, slots=True)
class PublishAnswer:
    """The server's answer to the participant's offer."""

    sdp: str


@dataclass(frozen=True, slots=True)
class RelayedDescription:
    """An offer or an answer of the other one in a direct room."""

    type: str
    sdp: str
    sender: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """An RTCIceCandidateInit, passed on as it came."""

    candidate: str
    sdp_mid: str | None = None
    sdp_m_line_index: int | None = None
    username_fragment: str | None = None


@dataclass(frozen=True, slots=True)
class RelayedCandidate:
    """A candidate of the other one in a direct room; None says that there are no more."""

    candidate: Candidate | None
    sender: str


@dataclass(frozen=True, slots=True)
class StreamsChanged:
    """What the subscriber's m-lines carry changed, without a new offer."""

    streams: tuple[StreamInfo, ...]


@dataclass(frozen=True, slots=True)
class SpeakersChanged:
    """Who speaks now, loudest first."""

    participants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChatSaid:
    """A line of chat; `time` in seconds since 1970."""

    participant: str
    name: str
    text: str
    time: float


Event = (
    Joined
    | ParticipantJoined
    | ParticipantLeft
    | TracksChanged
    | SubscribeOffer
    | PublishAnswer
    | RelayedDescription
    | RelayedCandidate
    | StreamsChanged
    | SpeakersChanged
    | ChatSaid
)
