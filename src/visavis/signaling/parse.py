"""From a text frame to a message, strictly: nothing that is not as docs/signaling.md says gets further."""

import json
import math
from collections.abc import Callable, Mapping
from typing import cast

from visavis.room.events import Candidate, Mode
from visavis.room.refused import Code, RefusedError
from visavis.sfu import Source, Tile, TrackSource
from visavis.signaling.messages import (
    Answer,
    Chat,
    Ice,
    Join,
    Leave,
    Message,
    Offer,
    Ping,
    Restart,
    Tracks,
    View,
)

MAX_MESSAGE_BYTES = 256 * 1024
MAX_CHAT_CHARACTERS = 2000
MAX_LIST_ITEMS = 256
MAX_TOKEN_CHARACTERS = 128
MAX_WORD_CHARACTERS = 256
MAX_CANDIDATE_CHARACTERS = 4096
MAX_TYPE_CHARACTERS = 40
MAX_INTEGER = 2**53 - 1

Object = Mapping[str, object]


class MalformedError(RefusedError):
    """A message that is not one: three of them end a connection."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(Code.BAD_MESSAGE, message, hint)


def parse_untrusted(text: str) -> Message:
    """Reads one text frame.

    Raises:
        MalformedError: not JSON, not an object, or a field is missing or of the wrong type or size.
        RefusedError: a type that this version does not know.
    """
    try:
        value: object = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise MalformedError("This is not JSON.", "Send one JSON object per text frame.") from None
    if not isinstance(value, dict):
        raise MalformedError("This is not a JSON object.", "Send one JSON object per text frame.")
    fields = cast("Object", value)
    kind = fields.get("type")
    if not isinstance(kind, str):
        raise MalformedError("There is no type.", 'Every message has a "type".')
    reader = _READERS.get(kind)
    if reader is None:
        hint = f"Known are {', '.join(_READERS)}."
        about = kind if kind.isascii() and len(kind) <= MAX_TYPE_CHARACTERS else None
        raise RefusedError(Code.UNKNOWN_TYPE, "This type of message is not known.", hint, about)
    try:
        return reader(fields)
    except MalformedError as error:
        error.about = kind
        raise


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


def _join(fields: Object) -> Join:
    return Join(
        room=_text(fields, "room", MAX_WORD_CHARACTERS),
        name=_text(fields, "name", MAX_WORD_CHARACTERS),
        mode=Mode(_word(fields, "mode", tuple(Mode))),
        resume=_optional_text(fields, "resume", MAX_TOKEN_CHARACTERS),
    )


def _offer(fields: Object) -> Offer:
    return Offer(_word(fields, "pc", ("publish", "direct")), _text(fields, "sdp", MAX_MESSAGE_BYTES))


def _answer(fields: Object) -> Answer:
    pc = _word(fields, "pc", ("subscribe", "direct"))
    offer_id = _integer(fields, "id") if pc == "subscribe" else 0
    return Answer(pc, _text(fields, "sdp", MAX_MESSAGE_BYTES), offer_id)


def _ice(fields: Object) -> Ice:
    pc = _word(fields, "pc", ("publish", "subscribe", "direct"))
    if "candidate" not in fields:
        raise MalformedError("candidate is missing.", "Send an RTCIceCandidateInit, or null at the end.")
    value = fields["candidate"]
    if value is None:
        return Ice(pc, None)
    init = _object(value, "candidate")
    index = _integer(init, "sdpMLineIndex") if init.get("sdpMLineIndex") is not None else None
    candidate = Candidate(
        candidate=_text(init, "candidate", MAX_CANDIDATE_CHARACTERS),
        sdp_mid=_optional_text(init, "sdpMid", MAX_WORD_CHARACTERS),
        sdp_m_line_index=index,
        username_fragment=_optional_text(init, "usernameFragment", MAX_WORD_CHARACTERS),
    )
    return Ice(pc, candidate)


def _tracks(fields: Object) -> Tracks:
    def track(item: Object) -> TrackSource:
        muted = item.get("muted")
        if not isinstance(muted, bool):
            raise MalformedError("muted is not true or false.", "Each track is {mid, source, muted}.")
        return TrackSource(_text(item, "mid", MAX_WORD_CHARACTERS), _source(item), muted)

    tracks = tuple(track(item) for item in _objects(fields, "tracks"))
    if len({track.mid for track in tracks}) != len(tracks):
        raise MalformedError("Two tracks have the same mid.", "A mid carries one track.")
    return Tracks(tracks)


def _restart(fields: Object) -> Restart:
    _word(fields, "pc", ("subscribe",))
    return Restart()


def _view(fields: Object) -> View:
    def tile(item: Object) -> Tile:
        return Tile(
            participant=_text(item, "participant", MAX_WORD_CHARACTERS),
            source=_source(item),
            width=round(_number(item, "width", 0, 1e5)),
            height=round(_number(item, "height", 0, 1e5)),
        )

    return View(tuple(tile(item) for item in _objects(fields, "tiles")))


def _chat(fields: Object) -> Chat:
    text = _text(fields, "text", MAX_CHAT_CHARACTERS)
    if not text.strip():
        raise MalformedError("text is empty.", "Send 1 to 2,000 characters.")
    return Chat(text)


def _ping(fields: Object) -> Ping:
    return Ping(_number(fields, "t", -1e300, 1e300))


def _leave(_fields: Object) -> Leave:
    return Leave()


_READERS: Mapping[str, Callable[[Object], Message]] = {
    "join": _join,
    "offer": _offer,
    "answer": _answer,
    "ice": _ice,
    "tracks": _tracks,
    "restart": _restart,
    "view": _view,
    "chat": _chat,
    "ping": _ping,
    "leave": _leave,
}


def _text(fields: Object, name: str, maximum: int) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise MalformedError(
            f"{name} is not a string.", f"{name} is a string of at most {maximum} characters."
        )
    if len(value) > maximum:
        raise MalformedError(f"{name} is {len(value)} characters long.", f"{maximum} are the most.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise MalformedError(f"{name} holds half of a surrogate pair.", "Send whole Unicode characters.")
    return value


def _optional_text(fields: Object, name: str, maximum: int) -> str | None:
    return None if fields.get(name) is None else _text(fields, name, maximum)


def _word(fields: Object, name: str, known: tuple[str, ...]) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or value not in known:
        raise MalformedError(f"{name} does not fit.", f"{name} is one of {', '.join(known)}.")
    return value


def _source(fields: Object) -> Source:
    return Source(_word(fields, "source", tuple(Source)))


def _number(fields: Object, name: str, minimum: float, maximum: float) -> float:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not minimum <= value <= maximum:
        raise MalformedError(f"{name} is not a number that fits.", f"{name} is a number.")
    if math.isnan(value):
        raise MalformedError(f"{name} is not a number.", f"{name} is a number.")
    return value


def _integer(fields: Object, name: str) -> int:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INTEGER:
        raise MalformedError(f"{name} is not a whole number.", f"{name} is a whole number of at least 0.")
    return value


def _object(value: object, name: str) -> Object:
    if not isinstance(value, dict):
        raise MalformedError(f"{name} is not an object.", f"{name} is a JSON object.")
    return cast("Object", value)


def _objects(fields: Object, name: str) -> list[Object]:
    value = fields.get(name)
    if not isinstance(value, list):
        raise MalformedError(f"{name} is not a list.", f"{name} is a list of objects.")
    items = cast("list[object]", value)
    if len(items) > MAX_LIST_ITEMS:
        raise MalformedError(f"{name} has {len(items)} items.", f"{MAX_LIST_ITEMS} are the most.")
    return [_object(item, f"an item of {name}") for item in items]
