"""Reading a session description (RFC 8866 section 5): lines, then each by its letter, in the RFC's order."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from visavis.errors import InvalidDescriptionError, SdpError
from visavis.sdp.attributes import Attribute, read_attribute_untrusted
from visavis.sdp.model import Bandwidth, Connection, MediaDescription, Origin, SessionDescription, Timing
from visavis.sdp.rtp import RtcpFeedback
from visavis.sdp.syntax import (
    InvalidValueError,
    fields_untrusted,
    number_untrusted,
    shown,
    token_untrusted,
    word_untrusted,
)
from visavis.sdp.transport import Candidate, read_candidate_untrusted

MAX_BYTES = 256 * 1024
MAX_LINES = 8_192
"""The lines of browsers have 28 bytes and more each, and a description has less than a fourth of these."""
MAX_MEDIA = 512
MAX_CANDIDATES = 1_000
"""Of one m-line; no peer has a tenth of that."""
MAX_FEEDBACK_FOR_ALL = 32
"""How many feedback types one m-line may name for all of its formats; fewer are defined."""
_SESSION_ORDER = "vosiuepcbtrzka"
_MEDIA_ORDER = "micbka"
_MANY = {"session": "epbtra", "media": "ba"}
_FOREVER = 2**64 - 1

T = TypeVar("T")


class _Line(NamedTuple):
    number: int
    letter: str
    value: str

    def read(self, reader: Callable[[str], T]) -> T:
        """What a reader makes of the value; its complaint gets this line's number."""
        try:
            return reader(self.value)
        except InvalidValueError as error:
            raise InvalidDescriptionError(str(error), self.number) from None
        except ValueError as error:
            raise SdpError(str(error), self.number) from None


def parse(text: str, max_bytes: int = MAX_BYTES) -> SessionDescription:
    """Reads a description from the network.

    Lines end with CRLF, or LF alone (RFC 8866 section 5). At most `max_bytes`, a line for each 32 of them,
    512 m-lines and 1,000 candidates in each of them; more is refused before any line is interpreted.

    Raises:
        InvalidDescriptionError: an `SdpError`: a line of the right form has impossible ICE credentials, or an
            m-line too many candidates.
        SdpError: names the line and what is wrong with it; nothing else is ever raised.
    """
    session, *media = _sections(list(_lines_untrusted(text, max_bytes)))
    return _session(session, tuple(_media(section) for section in media))


def parse_candidate(text: str) -> Candidate:
    """Reads the `candidate` of an RTCIceCandidateInit (RFC 8840 section 4); raises `SdpError`."""
    name, colon, value = text.strip().removeprefix("a=").partition(":")
    if name != "candidate" or not colon:
        raise SdpError(f"{shown(text)} does not start with 'candidate:'")
    if len(value) > 1024:
        raise SdpError("candidate is longer than 1,024 characters")
    try:
        return read_candidate_untrusted(value)
    except ValueError as error:
        raise SdpError(str(error)) from None


def _lines_untrusted(text: str, max_bytes: int) -> Iterator[_Line]:
    try:
        size = len(text) if len(text) > max_bytes else len(text.encode())
    except UnicodeEncodeError as error:
        raise SdpError("half of a surrogate pair", text.count("\n", 0, error.start) + 1) from None
    if size > max_bytes:
        raise SdpError(f"the description is larger than {max_bytes:,} bytes")
    max_lines = MAX_LINES * max_bytes // MAX_BYTES
    if text.count("\n") >= max_lines:
        raise SdpError(f"the description has more than {max_lines:,} lines")
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if not lines:
        raise SdpError("the description is empty")
    is_clean = "\0" not in text and text.count("\r") == text.count("\r\n")
    candidates = 0
    for number, line in enumerate(lines, 1):
        if line.startswith("m="):
            candidates = 0
        elif line.startswith("a=candidate:"):
            candidates += 1
            if candidates > MAX_CANDIDATES:
                raise InvalidDescriptionError(
                    f"the m-line has more than {MAX_CANDIDATES:,} candidates", number
                )
        line = line.removesuffix("\r")
        if not is_clean and ("\r" in line or "\0" in line):
            raise SdpError("a character that no line may have: NUL or CR", number)
        if len(line) < 2 or line[1] != "=" or not "a" <= line[0] <= "z":
            raise SdpError(f"{shown(line)} is not a letter, '=' and a value", number)
        yield _Line(number, line[0], line[2:])


def _sections(lines: list[_Line]) -> list[list[_Line]]:
    """The session's lines, then those of each m-line; checks which lines are there, and in which order."""
    sections: list[list[_Line]] = [[]]
    for line in lines:
        if line.letter == "m":
            if len(sections) > MAX_MEDIA:
                raise SdpError(f"more than {MAX_MEDIA} m-lines", line.number)
            sections.append([])
        sections[-1].append(line)
    for index, section in enumerate(sections):
        _check_order(section, "media" if index else "session", _MEDIA_ORDER if index else _SESSION_ORDER)
    found = {line.letter for line in sections[0]}
    for letter in "vost":
        if letter not in found:
            raise SdpError(f"no {letter}= line before the first m-line")
    return sections


def _check_order(lines: list[_Line], part: str, order: str) -> None:
    previous = 0
    seen: set[str] = set()
    for line in lines:
        rank = order.find(line.letter)
        if rank < 0:
            raise SdpError(f"{line.letter}= has no place in the {part} part", line.number)
        after_repeat = line.letter == "t" and order[previous] == "r"
        if rank < previous and not after_repeat:
            raise SdpError(f"{line.letter}= comes after {order[previous]}=", line.number)
        if line.letter in seen and line.letter not in _MANY[part]:
            raise SdpError(f"a second {line.letter}= in one {part} part", line.number)
        if line.letter == "r" and "t" not in seen:
            raise SdpError("r= comes before any t=", line.number)
        seen.add(line.letter)
        previous = rank


def _session(lines: list[_Line], media: tuple[MediaDescription, ...]) -> SessionDescription:
    by = _by_letter(lines)
    version = by["v"][0]
    if version.value != "0":
        raise SdpError(f"version {shown(version.value)} is not 0", version.number)
    return SessionDescription(
        origin=by["o"][0].read(_origin_untrusted),
        name=by["s"][0].value,
        attributes=_attributes(by),
        media=media,
        information=_only(by, "i"),
        uri=_only(by, "u"),
        emails=tuple(line.value for line in by.get("e", ())),
        phones=tuple(line.value for line in by.get("p", ())),
        connection=_connection(by),
        bandwidths=tuple(line.read(_bandwidth_untrusted) for line in by.get("b", ())),
        timings=_timings(lines),
        zones=_only(by, "z"),
        key=_only(by, "k"),
    )


def _media(lines: list[_Line]) -> MediaDescription:
    by = _by_letter(lines)
    kind, port, port_count, protocol, formats = lines[0].read(_media_line_untrusted)
    attributes = _attributes(by)
    _check_feedback(lines[0].number, attributes)
    return MediaDescription(
        kind=kind,
        port=port,
        protocol=protocol,
        formats=formats,
        attributes=attributes,
        connection=_connection(by),
        bandwidths=tuple(line.read(_bandwidth_untrusted) for line in by.get("b", ())),
        port_count=port_count,
        information=_only(by, "i"),
        key=_only(by, "k"),
    )


def _check_feedback(number: int, attributes: tuple[Attribute, ...]) -> None:
    """What stands for all formats is repeated for each of them, and must not be much."""
    if len(attributes) <= MAX_FEEDBACK_FOR_ALL:
        return
    for_all = sum(isinstance(one, RtcpFeedback) and one.payload_type is None for one in attributes)
    if for_all > MAX_FEEDBACK_FOR_ALL:
        raise SdpError(f"{for_all} a=rtcp-fb:* of one m-line are more than {MAX_FEEDBACK_FOR_ALL}", number)


def _by_letter(lines: list[_Line]) -> dict[str, list[_Line]]:
    by: dict[str, list[_Line]] = {}
    for line in lines:
        by.setdefault(line.letter, []).append(line)
    return by


def _only(by: dict[str, list[_Line]], letter: str) -> str | None:
    return by[letter][0].value if letter in by else None


def _attributes(by: dict[str, list[_Line]]) -> tuple[Attribute, ...]:
    return tuple(line.read(read_attribute_untrusted) for line in by.get("a", ()))


def _connection(by: dict[str, list[_Line]]) -> Connection | None:
    return by["c"][0].read(_connection_untrusted) if "c" in by else None


def _timings(lines: list[_Line]) -> tuple[Timing, ...]:
    timings: list[tuple[Timing, list[str]]] = []
    for line in lines:
        if line.letter == "t":
            timings.append((line.read(_timing_untrusted), []))
        elif line.letter == "r":
            timings[-1][1].append(line.value)
    return tuple(Timing(timing.start, timing.stop, tuple(repeats)) for timing, repeats in timings)


def _origin_untrusted(value: str) -> Origin:
    """RFC 8866 section 5.2."""
    username, session, version, network, address_type, address = fields_untrusted(
        value, "o=", "username", "session id", "session version", "network type", "address type", "address"
    )
    if network != "IN":
        raise ValueError(f"network type {shown(network)} is not IN")
    return Origin(
        word_untrusted(username, "username"),
        number_untrusted(session, "session id", high=_FOREVER),
        number_untrusted(version, "session version", high=_FOREVER),
        token_untrusted(address_type, "address type"),
        word_untrusted(address, "address"),
    )


def _connection_untrusted(value: str) -> Connection:
    """RFC 8866 section 5.7."""
    network, address_type, address = fields_untrusted(value, "c=", "network type", "address type", "address")
    if network != "IN":
        raise ValueError(f"network type {shown(network)} is not IN")
    return Connection(word_untrusted(address, "address"), token_untrusted(address_type, "address type"))


def _bandwidth_untrusted(value: str) -> Bandwidth:
    """RFC 8866 section 5.8."""
    type_, colon, number = value.partition(":")
    if not colon:
        raise ValueError(f"bandwidth {shown(value)} is not 'type:number'")
    return Bandwidth(
        token_untrusted(type_, "bandwidth type"), number_untrusted(number, "bandwidth", high=_FOREVER)
    )


def _timing_untrusted(value: str) -> Timing:
    """RFC 8866 section 5.9."""
    start, stop = fields_untrusted(value, "t=", "start", "stop")
    return Timing(
        number_untrusted(start, "start time", high=_FOREVER),
        number_untrusted(stop, "stop time", high=_FOREVER),
    )


def _media_line_untrusted(value: str) -> tuple[str, int, int | None, str, tuple[str, ...]]:
    """RFC 8866 section 5.14."""
    kind, *rest = value.split(" ")
    if len(rest) < 3:
        raise ValueError(f"m-line {shown(value)} is not 'media port protocol formats'")
    ports, protocol, *formats = rest
    port, slash, count = ports.partition("/")
    for word in protocol.split("/"):
        token_untrusted(word, "protocol")
    for format_ in formats:
        if "RTP/" in protocol:
            number_untrusted(format_, "payload type", high=127)
        else:
            token_untrusted(format_, "format")
    if len(set(map(int, formats) if "RTP/" in protocol else formats)) != len(formats):
        raise ValueError("a format is twice on one m-line")
    return (
        token_untrusted(kind, "media"),
        number_untrusted(port, "port", high=65535),
        number_untrusted(count, "number of ports", low=1, high=65535) if slash else None,
        protocol,
        tuple(formats),
    )
