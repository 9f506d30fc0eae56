"""Reading one value as it stands in a flag, a variable or a TOML file.

Each reader takes what the source holds (a string, or whatever TOML allows) and returns the value or raises
ValueError; the caller knows the option and its origin, and says what fits.
"""

import ipaddress
import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TypeVar, cast
from urllib.parse import urlsplit

E = TypeVar("E", bound=StrEnum)

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")


def integer(minimum: int, maximum: int) -> Callable[[object], int]:
    """A reader of whole numbers from `minimum` to `maximum`."""

    def read(raw: object) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int | str):
            raise ValueError
        value = int(raw)
        if not minimum <= value <= maximum:
            raise ValueError
        return value

    return read


def choice(kind: type[E]) -> Callable[[object], E]:
    """A reader of one word of an enumeration, in either case."""

    def read(raw: object) -> E:
        return kind(_text(raw).lower())

    return read


def listed(read_one: Callable[[object], str]) -> Callable[[object], tuple[str, ...]]:
    """A reader of several values: a TOML array, or one string with commas; repeated ones count once."""

    def read(raw: object) -> tuple[str, ...]:
        items = cast("list[object]", raw) if isinstance(raw, list) else [*_text(raw).split(",")]
        return tuple(
            dict.fromkeys(read_one(item.strip() if isinstance(item, str) else item) for item in items)
        )

    return read


def host(raw: object) -> str:
    """A name or an address to listen on; IPv6 with or without brackets."""
    text = _text(raw)
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if ":" in bare or bare.replace(".", "").isdigit():
        return str(ipaddress.ip_address(bare))
    if not _HOST_NAME.fullmatch(bare):
        raise ValueError
    return bare.lower()


def address(raw: object) -> str:
    """An IPv4 or IPv6 address that a peer can be told: neither unspecified nor multicast."""
    value = ipaddress.ip_address(_text(raw))
    if value.is_unspecified or value.is_multicast:
        raise ValueError
    return str(value)


def origin(raw: object) -> str:
    """A web origin (RFC 6454 section 6.2) such as `https://example.org`, or `*` for any."""
    text = _text(raw)
    if text == "*":
        return text
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise ValueError
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError
    default_port = 443 if parts.scheme == "https" else 80
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in (None, default_port) else f":{parts.port}"
    return f"{parts.scheme}://{name}{port}"


def path(raw: object) -> Path:
    """A path; `~` is the user's home."""
    text = _text(raw)
    if "\0" in text:
        raise ValueError
    return Path(text).expanduser()


def _text(raw: object) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise ValueError
    return raw.strip()
