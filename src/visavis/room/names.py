"""What rooms and participants may be called."""

import re
import unicodedata

_ROOM_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

RESERVED_ROOM_NAMES = frozenset({"healthz", "signal", "static"})
"""Paths of the server's own; a room of that name would have no link."""

NAME_CHARACTERS = 64

_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def is_room_name(text: str) -> bool:
    """Whether `text` can name a room: 1 to 64 of `a-z A-Z 0-9 _ -`, and no path of the server's own."""
    return _ROOM_NAME.fullmatch(text) is not None and text not in RESERVED_ROOM_NAMES


def is_participant_name(text: str) -> bool:
    """Whether `text` can name a participant: 1 to 64 characters, not all of them spaces.

    Control characters, line ends and those that turn the direction of text around (Unicode Standard Annex 9,
    section 2) are refused, since a name stands among others; joiners, which names and emoji need, are not.
    """
    if not 0 < len(text) <= NAME_CHARACTERS or text.isspace():
        return False
    return not any(
        unicodedata.category(character) in _REFUSED_CATEGORIES or character in _DIRECTIONS
        for character in text
    )
