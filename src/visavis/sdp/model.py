"""A session description (RFC 8866) as ordered, typed lines: what is read is what is written."""

from dataclasses import dataclass

from visavis.sdp.attributes import Attribute


@dataclass(frozen=True, slots=True)
class Origin:
    """`o=` (RFC 8866 section 5.2)."""

    username: str
    session_id: int
    session_version: int
    address_type: str = "IP4"
    address: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One m-line and its attributes, in their order."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    attributes: tuple[Attribute, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole description; attributes keep their order."""

    origin: Origin
    name: str = "-"
    attributes: tuple[Attribute, ...] = ()
    media: tuple[MediaDescription, ...] = ()
