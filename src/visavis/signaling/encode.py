"""From what a participant is told to a text frame (docs/signaling.md, "From the server")."""

import json
from dataclasses import dataclass
from typing import assert_never

from visavis.room.events import (
    Candidate,
    ChatSaid,
    Event,
    Joined,
    ParticipantInfo,
    ParticipantJoined,
    ParticipantLeft,
    PublishAnswer,
    RelayedCandidate,
    RelayedDescription,
    SpeakersChanged,
    StreamsChanged,
    SubscribeOffer,
    TracksChanged,
)
from visavis.room.refused import Code
from visavis.sfu import StreamInfo, TrackInfo
from visavis.signaling.parse import MAX_CHAT_CHARACTERS

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a ping."""

    t: float


@dataclass(frozen=True, slots=True)
class Failure:
    """An `error`: plain words, and after a fatal one the server closes."""

    code: Code
    message: str
    hint: str
    fatal: bool = False
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """The server is going down."""

    reason: str
    retry_after: float


ServerMessage = Event | Pong | Failure | Closing


def encode(message: ServerMessage, ice_servers: tuple[Json, ...] = ()) -> str:
    """Writes one message; `ice_servers` (RTCIceServer) go into `joined`."""
    return json.dumps(_object(message, ice_servers), ensure_ascii=False, separators=(",", ":"))


def _object(message: ServerMessage, ice_servers: tuple[Json, ...]) -> Json:
    match message:
        case Joined():
            return _joined(message, ice_servers)
        case ParticipantJoined(participant):
            return {"type": "participant", "participant": _participant(participant)}
        case ParticipantLeft(participant_id, reason):
            return {"type": "left", "participant": participant_id, "reason": reason}
        case TracksChanged(participant_id, tracks):
            return {
                "type": "tracks",
                "participant": participant_id,
                "tracks": [_track(track) for track in tracks],
            }
        case SubscribeOffer(sdp, offer_id, streams):
            listed = [_stream(stream) for stream in streams]
            return {"type": "offer", "pc": "subscribe", "sdp": sdp, "id": offer_id, "streams": listed}
        case PublishAnswer(sdp):
            return {"type": "answer", "pc": "publish", "sdp": sdp}
        case RelayedDescription(kind, sdp, sender):
            return {"type": kind, "pc": "direct", "sdp": sdp, "from": sender}
        case RelayedCandidate(candidate, sender):
            init = None if candidate is None else _candidate(candidate)
            return {"type": "ice", "pc": "direct", "candidate": init, "from": sender}
        case StreamsChanged(streams):
            return {"type": "streams", "streams": [_stream(stream) for stream in streams]}
        case SpeakersChanged(participants):
            return {"type": "speakers", "participants": list(participants)}
        case ChatSaid(participant_id, name, text, time):
            return {"type": "chat", "participant": participant_id, "name": name, "text": text, "time": time}
        case Pong(t):
            return {"type": "pong", "t": t}
        case Failure():
            return _failure(message)
        case Closing(reason, retry_after):
            return {"type": "closing", "reason": reason, "retry_after": retry_after}
        case _:
            assert_never(message)


def _joined(message: Joined, ice_servers: tuple[Json, ...]) -> Json:
    return {
        "type": "joined",
        "you": message.you,
        "room": message.room,
        "mode": message.mode,
        "resume": message.resume,
        "resumed": message.resumed,
        "participants": [_participant(participant) for participant in message.participants],
        "polite": message.polite,
        "ice_servers": list(ice_servers),
        "limits": {"participants": message.max_participants, "chat_characters": MAX_CHAT_CHARACTERS},
    }


def _failure(message: Failure) -> Json:
    value: Json = {
        "type": "error",
        "code": message.code,
        "message": message.message,
        "hint": message.hint,
        "fatal": message.fatal,
    }
    if message.about is not None:
        value["about"] = message.about
    return value


def _participant(participant: ParticipantInfo) -> Json:
    tracks = [_track(track) for track in participant.tracks]
    return {"id": participant.id, "name": participant.name, "tracks": tracks}


def _track(track: TrackInfo) -> Json:
    return {"id": track.id, "source": track.source, "kind": track.kind, "muted": track.muted}


def _stream(stream: StreamInfo) -> Json:
    return {
        "mid": stream.mid,
        "participant": stream.participant,
        "track": stream.track,
        "state": stream.state,
        "reason": stream.reason,
    }


def _candidate(candidate: Candidate) -> Json:
    return {
        "candidate": candidate.candidate,
        "sdpMid": candidate.sdp_mid,
        "sdpMLineIndex": candidate.sdp_m_line_index,
        "usernameFragment": candidate.username_fragment,
    }
