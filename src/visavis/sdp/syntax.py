"""The words of the grammar (RFC 8866 section 9) that several attributes share.

Readers in this package take the text after `name:` from the network, hence `_untrusted`; they return a value
or raise `ValueError` saying what is wrong. `parse` turns that into an `SdpError` with the line's number.
"""

import re

TOKEN = re.compile(r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+")
_MAX_DIGITS = 20
_SHOWN_CHARACTERS = 60
MAX_ITEMS = 1_024


class InvalidValueError(ValueError):
    """A value of the right form that is out of bounds: a fault of the content, not of the syntax."""


def shown(text: str) -> str:
    """Quotes hostile text for a message: escaped, and cut when long."""
    return repr(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…")


def number_untrusted(text: str, what: str, *, low: int = 0, high: int) -> int:
    """A decimal number within `low`..`high`."""
    is_number = text.isdigit() and text.isascii() and len(text) <= _MAX_DIGITS
    if not is_number or not low <= (value := int(text)) <= high:
        raise ValueError(f"{what} {shown(text)} is no number from {low} to {high}")
    return value


def token_untrusted(text: str, what: str) -> str:
    """A `token`: visible ASCII without separators."""
    if not TOKEN.fullmatch(text):
        raise ValueError(f"{what} {shown(text)} is no token")
    return text


def word_untrusted(text: str, what: str) -> str:
    """A `non-ws-string`: anything visible, without spaces."""
    if not text or " " in text or not text.isprintable():
        raise ValueError(f"{what} {shown(text)} is empty or has spaces")
    return text


def list_untrusted(text: str, what: str, separator: str = " ") -> list[str]:
    """Pieces between separators, as many as `MAX_ITEMS`: no list of a description is that long."""
    if text.count(separator) >= MAX_ITEMS:
        raise ValueError(f"{what} has more than {MAX_ITEMS} items")
    return text.split(separator)


def fields_untrusted(text: str, what: str, *names: str) -> list[str]:
    """Exactly the named fields, separated by single spaces."""
    fields = text.split(" ")
    if len(fields) != len(names):
        raise ValueError(f"{what} has {len(fields)} fields, not {len(names)}: {', '.join(names)}")
    return fields
