"""The attributes of a session description that WebRTC gives a meaning to, one type for each."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """`a=candidate` (RFC 8839 section 5.1); `address` may be an mDNS name; `extensions` keep their order."""

    foundation: str
    component: int
    transport: str
    priority: int
    address: str
    port: int
    type: str
    related_address: str | None = None
    related_port: int | None = None
    extensions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class UnknownAttribute:
    """An attribute without a type here: its name and the text after the colon, None for a flag."""

    name: str
    value: str | None = None


Attribute = Candidate | UnknownAttribute
