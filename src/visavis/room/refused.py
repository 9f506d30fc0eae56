"""What a participant asked for and does not get, with the words it is told."""

from enum import StrEnum

from visavis.errors import RemoteProtocolError


class Code(StrEnum):
    """`error.code` of the signaling protocol."""

    BAD_MESSAGE = "bad-message"
    UNKNOWN_TYPE = "unknown-type"
    NOT_JOINED = "not-joined"
    ALREADY_JOINED = "already-joined"
    BAD_ROOM = "bad-room"
    BAD_NAME = "bad-name"
    ROOM_FULL = "room-full"
    TOO_MANY_ROOMS = "too-many-rooms"
    BAD_SDP = "bad-sdp"
    BAD_CANDIDATE = "bad-candidate"
    WRONG_STATE = "wrong-state"
    TOO_MANY_TRACKS = "too-many-tracks"
    RATE_LIMITED = "rate-limited"
    TOO_MANY_CONNECTIONS = "too-many-connections"
    NO_COMMON_CODEC = "no-common-codec"
    INTERNAL = "internal"


class RefusedError(RemoteProtocolError):
    """A request is refused: `message` says what is wrong and `hint` what to do, in plain words for its
    author.

    `about` is the type of the message, where it is known.
    """

    def __init__(self, code: Code, message: str, hint: str, about: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.about = about
