"""A session description (RFC 8866) as ordered, typed lines: what was read is what is written."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from visavis.sdp.attributes import Attribute, Direction, Flag, Group, Mid, write_attribute
from visavis.sdp.rtp import Fmtp, RtcpFeedback, RtpMap

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Origin:
    """`o=` (RFC 8866 section 5.2)."""

    username: str
    session_id: int
    session_version: int
    address_type: str = "IP4"
    address: str = "127.0.0.1"

    def __str__(self) -> str:
        """The line's value."""
        return (
            f"{self.username} {self.session_id} {self.session_version} IN {self.address_type} {self.address}"
        )


@dataclass(frozen=True, slots=True)
class Connection:
    """`c=` (RFC 8866 section 5.7); `address` with its TTL and count as written."""

    address: str = "0.0.0.0"  # RFC 9429 section 5.2.1: no candidate yet
    address_type: str = "IP4"

    def __str__(self) -> str:
        """The line's value."""
        return f"IN {self.address_type} {self.address}"


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """`b=` (RFC 8866 section 5.8)."""

    type: str
    value: int

    def __str__(self) -> str:
        """The line's value."""
        return f"{self.type}:{self.value}"


@dataclass(frozen=True, slots=True)
class Timing:
    """`t=` and its `r=` lines (RFC 8866 sections 5.9 and 5.10)."""

    start: int = 0
    stop: int = 0
    repeats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RtpCodec:
    """One payload type of an m-line with all that the m-line says of it."""

    payload_type: int
    name: str
    clock_hz: int
    channels: int = 1
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    feedback: tuple[str, ...] = ()


class Attributes:
    """Typed views of a list of attributes."""

    __slots__ = ()
    attributes: tuple[Attribute, ...]

    def first(self, kind: type[T]) -> T | None:
        """The first attribute of a type, None without one."""
        for attribute in self.attributes:
            if isinstance(attribute, kind):
                return attribute
        return None

    def every(self, kind: type[T]) -> tuple[T, ...]:
        """All attributes of a type, in their order."""
        return tuple([attribute for attribute in self.attributes if isinstance(attribute, kind)])

    def has(self, flag: Flag) -> bool:
        """Whether a flag is there."""
        for attribute in self.attributes:  # noqa: SIM110
            if attribute is flag:
                return True
        return False


@dataclass(frozen=True, slots=True)
class MediaDescription(Attributes):
    """One m-line (RFC 8866 section 5.14) and what follows it; with RTP, `formats` are payload types."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    attributes: tuple[Attribute, ...] = ()
    connection: Connection | None = None
    bandwidths: tuple[Bandwidth, ...] = ()
    port_count: int | None = None
    information: str | None = None
    key: str | None = None

    @property
    def mid(self) -> str | None:
        """`a=mid`."""
        mid = self.first(Mid)
        return None if mid is None else mid.value

    @property
    def codecs(self) -> tuple[RtpCodec, ...]:
        """The payload types that have an `a=rtpmap`, in the m-line's order: that of preference."""
        return self.codecs_among(frozenset(self.payload_types))

    def codecs_among(self, numbers: Container[int]) -> tuple[RtpCodec, ...]:
        """Those of `codecs` whose payload types are in `numbers`; the others cost nothing."""
        maps: dict[int, RtpMap] = {}
        formats: dict[int, dict[str, str]] = {}
        feedback: dict[int | None, list[str]] = {}
        for attribute in self.attributes:
            match attribute:
                case RtpMap() if attribute.payload_type in numbers:
                    maps.setdefault(attribute.payload_type, attribute)
                case Fmtp() if attribute.payload_type in numbers:
                    formats.setdefault(attribute.payload_type, {}).update(attribute.parameters)
                case RtcpFeedback():
                    feedback.setdefault(attribute.payload_type, []).append(attribute.value)
                case _:
                    pass
        everywhere = feedback.get(None, [])
        return tuple(
            RtpCodec(
                number,
                maps[number].name,
                maps[number].clock_hz,
                maps[number].channels or 1,
                formats.get(number, {}),
                (*feedback.get(number, ()), *everywhere),
            )
            for number in self.payload_types
            if number in maps
        )

    @property
    def payload_types(self) -> tuple[int, ...]:
        """The m-line's formats as numbers; none where the protocol is not RTP."""
        return tuple(map(int, self.formats)) if "RTP/" in self.protocol else ()

    def lines(self) -> Iterator[str]:
        """Its lines, without line ends."""
        count = "" if self.port_count is None else f"/{self.port_count}"
        yield f"m={self.kind} {self.port}{count} {self.protocol} {' '.join(self.formats)}"
        if self.information is not None:
            yield f"i={self.information}"
        if self.connection is not None:
            yield f"c={self.connection}"
        for bandwidth in self.bandwidths:
            yield f"b={bandwidth}"
        if self.key is not None:
            yield f"k={self.key}"
        for attribute in self.attributes:
            yield f"a={write_attribute(attribute)}"


@dataclass(frozen=True, slots=True)
class SessionDescription(Attributes):
    """A whole description; `str` writes it, with CRLF."""

    origin: Origin
    name: str = "-"
    attributes: tuple[Attribute, ...] = ()
    media: tuple[MediaDescription, ...] = ()
    information: str | None = None
    uri: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    connection: Connection | None = None
    bandwidths: tuple[Bandwidth, ...] = ()
    timings: tuple[Timing, ...] = (Timing(),)
    zones: str | None = None
    key: str | None = None

    @property
    def bundle(self) -> Group | None:
        """The first BUNDLE group (RFC 8843 section 5), None without one."""
        return next((group for group in self.every(Group) if group.semantics == "BUNDLE"), None)

    def direction(self, media: MediaDescription) -> Direction:
        """The direction of an m-line: its own, else the session's, else sendrecv (RFC 8866 section 6.7)."""
        return media.first(Direction) or self.first(Direction) or Direction.SENDRECV

    def lines(self) -> Iterator[str]:
        """All lines in the order of RFC 8866 section 5, without line ends."""
        yield "v=0"
        yield f"o={self.origin}"
        yield f"s={self.name}"
        if self.information is not None:
            yield f"i={self.information}"
        if self.uri is not None:
            yield f"u={self.uri}"
        yield from (f"e={email}" for email in self.emails)
        yield from (f"p={phone}" for phone in self.phones)
        if self.connection is not None:
            yield f"c={self.connection}"
        yield from (f"b={bandwidth}" for bandwidth in self.bandwidths)
        for timing in self.timings:
            yield f"t={timing.start} {timing.stop}"
            yield from (f"r={repeat}" for repeat in timing.repeats)
        if self.zones is not None:
            yield f"z={self.zones}"
        if self.key is not None:
            yield f"k={self.key}"
        for attribute in self.attributes:
            yield f"a={write_attribute(attribute)}"
        for media in self.media:
            yield from media.lines()

    def __str__(self) -> str:
        """The description as it goes over the wire."""
        return "".join(f"{line}\r\n" for line in self.lines())
