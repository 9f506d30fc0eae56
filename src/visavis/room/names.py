"""What rooms and participants may be called."""

import re

_ROOM_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

RESERVED_ROOM_NAMES = frozenset({"healthz", "signal", "static"})
"""Paths of the server's own; a room of that name would have no link."""

NAME_CHARACTERS = 64


def is_room_name(text: str) -> bool:
    """Whether `text` can name a room: 1 to 64 of `a-z A-Z 0-9 _ -`, and no path of the server's own."""
    return _ROOM_NAME.fullmatch(text) is not None and text not in RESERVED_ROOM_NAMES


def is_participant_name(text: str) -> bool:
    """Whether `text` can name a participant: 1 to 64 printable characters, not all of them spaces."""
    return 0 < len(text) <= NAME_CHARACTERS and not text.isspace() and text.isprintable()
