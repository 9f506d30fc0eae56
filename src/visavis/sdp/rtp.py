"""The attributes of RTP, and their readers: formats, feedback, header extensions, sources, simulcast."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from visavis.sdp.syntax import (
    fields_untrusted,
    list_untrusted,
    number_untrusted,
    shown,
    token_untrusted,
    word_untrusted,
)

_MAX_REMEMBERED_CHARACTERS = 200
_RID = re.compile(r"[A-Za-z0-9_-]{1,255}")
_EXTMAP = re.compile(r"([0-9]{1,5})(?:/(sendrecv|sendonly|recvonly|inactive))? ([^ ]+)(?: (.+))?")


@dataclass(frozen=True, slots=True)
class RtpMap:
    """`a=rtpmap` (RFC 8866 section 6.6); `channels` None where the line leaves them out."""

    payload_type: int
    name: str
    clock_hz: int
    channels: int | None = None

    def __str__(self) -> str:
        """The attribute's value."""
        channels = "" if self.channels is None else f"/{self.channels}"
        return f"{self.payload_type} {self.name}/{self.clock_hz}{channels}"


@dataclass(frozen=True, slots=True)
class Fmtp:
    """`a=fmtp` (RFC 8866 section 6.15); `text` is as written, since formats other than media types exist."""

    payload_type: int
    text: str

    @property
    def parameters(self) -> dict[str, str]:
        """`name=value` pairs, names in lower case, the first of equals wins; a bare word has no value."""
        if len(self.text) > _MAX_REMEMBERED_CHARACTERS:
            return _parameters(self.text)
        return _remembered_parameters(self.text).copy()

    def __str__(self) -> str:
        """The attribute's value."""
        return f"{self.payload_type} {self.text}"


def _parameters(text: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for piece in text.split(";"):
        name, _, value = piece.strip().partition("=")
        if name:
            parameters.setdefault(name.strip().lower(), value.strip())
    return parameters


_remembered_parameters = lru_cache(1_024)(_parameters)
"""Of the texts that the descriptions of all peers of one make have in common."""


@dataclass(frozen=True, slots=True)
class RtcpFeedback:
    """`a=rtcp-fb` (RFC 4585 section 4.2, RFC 5104 section 7.1); `payload_type` None is `*`: all."""

    payload_type: int | None
    value: str

    def __str__(self) -> str:
        """The attribute's value."""
        return f"{'*' if self.payload_type is None else self.payload_type} {self.value}"


@dataclass(frozen=True, slots=True)
class ExtMap:
    """`a=extmap` (RFC 8285 section 5); `direction` and `attributes` None where absent."""

    id: int
    uri: str
    direction: str | None = None
    attributes: str | None = None

    def __str__(self) -> str:
        """The attribute's value."""
        direction = "" if self.direction is None else f"/{self.direction}"
        attributes = "" if self.attributes is None else f" {self.attributes}"
        return f"{self.id}{direction} {self.uri}{attributes}"


@dataclass(frozen=True, slots=True)
class Rtcp:
    """`a=rtcp` (RFC 3605 section 2.1)."""

    port: int
    address_type: str | None = None
    address: str | None = None

    def __str__(self) -> str:
        """The attribute's value."""
        return (
            str(self.port) if self.address is None else f"{self.port} IN {self.address_type} {self.address}"
        )


@dataclass(frozen=True, slots=True)
class Msid:
    """`a=msid` (RFC 8830 section 2); the stream `-` is none."""

    stream_id: str
    track_id: str | None = None

    def __str__(self) -> str:
        """The attribute's value."""
        return self.stream_id if self.track_id is None else f"{self.stream_id} {self.track_id}"


@dataclass(frozen=True, slots=True)
class Ssrc:
    """`a=ssrc` (RFC 5576 section 4.1): one attribute of one source."""

    ssrc: int
    attribute: str
    value: str | None = None

    def __str__(self) -> str:
        """The attribute's value."""
        return f"{self.ssrc} {self.attribute}" + ("" if self.value is None else f":{self.value}")


@dataclass(frozen=True, slots=True)
class SsrcGroup:
    """`a=ssrc-group` (RFC 5576 section 4.2): `FID` (RFC 4588 section 8.6) joins a source and its repairs."""

    semantics: str
    ssrcs: tuple[int, ...]

    def __str__(self) -> str:
        """The attribute's value."""
        return " ".join((self.semantics, *map(str, self.ssrcs)))


@dataclass(frozen=True, slots=True)
class Rid:
    """`a=rid` (RFC 8851 section 4); `restrictions` as written."""

    id: str
    direction: Literal["send", "recv"]
    restrictions: str | None = None

    def __str__(self) -> str:
        """The attribute's value."""
        return f"{self.id} {self.direction}" + ("" if self.restrictions is None else f" {self.restrictions}")


@dataclass(frozen=True, slots=True)
class SimulcastRid:
    """One rid of `a=simulcast`; `paused` is the `~`."""

    id: str
    paused: bool = False

    def __str__(self) -> str:
        """As in the attribute's value."""
        return ("~" if self.paused else "") + self.id


SimulcastStreams = tuple[tuple[SimulcastRid, ...], ...]


@dataclass(frozen=True, slots=True)
class Simulcast:
    """`a=simulcast` (RFC 8853 section 5.1): per direction, streams, each with its alternatives."""

    send: SimulcastStreams = ()
    recv: SimulcastStreams = ()

    def __str__(self) -> str:
        """The attribute's value."""
        return " ".join(
            f"{direction} " + ";".join(",".join(map(str, alternatives)) for alternatives in streams)
            for direction, streams in (("send", self.send), ("recv", self.recv))
            if streams
        )


@dataclass(frozen=True, slots=True)
class PacketTime:
    """`a=ptime` or `a=maxptime` (RFC 8866 section 6.4)."""

    milliseconds: int
    maximum: bool = False

    def __str__(self) -> str:
        """The attribute's value."""
        return str(self.milliseconds)


def _payload_type_untrusted(text: str) -> int:
    return number_untrusted(text, "payload type", high=127)


def _ssrc_untrusted(text: str) -> int:
    return number_untrusted(text, "SSRC", high=2**32 - 1)


def _rid_untrusted(text: str) -> str:
    if not _RID.fullmatch(text):
        raise ValueError(f"rid {shown(text)} is not 1 to 255 of A-Z a-z 0-9 _ -")
    return text


def read_rtpmap_untrusted(value: str) -> RtpMap:
    """RFC 8866 section 6.6."""
    payload_type, encoding = fields_untrusted(value, "rtpmap", "payload type", "encoding")
    name, *numbers = encoding.split("/")
    if not 1 <= len(numbers) <= 2:
        raise ValueError(f"rtpmap {shown(encoding)} is not 'name/clock rate' or 'name/clock rate/channels'")
    return RtpMap(
        _payload_type_untrusted(payload_type),
        token_untrusted(name, "encoding name"),
        number_untrusted(numbers[0], "clock rate", low=1, high=2**32 - 1),
        number_untrusted(numbers[1], "channels", low=1, high=255) if len(numbers) == 2 else None,
    )


def read_fmtp_untrusted(value: str) -> Fmtp:
    """RFC 8866 section 6.15."""
    payload_type, space, text = value.partition(" ")
    if not space or not text.strip():
        raise ValueError("fmtp has no parameters")
    return Fmtp(_payload_type_untrusted(payload_type), text)


def read_rtcp_fb_untrusted(value: str) -> RtcpFeedback:
    """RFC 4585 section 4.2."""
    payload_type, space, feedback = value.partition(" ")
    if not space or not feedback.strip():
        raise ValueError("rtcp-fb has no feedback type")
    return RtcpFeedback(None if payload_type == "*" else _payload_type_untrusted(payload_type), feedback)


def read_extmap_untrusted(value: str) -> ExtMap:
    """RFC 8285 sections 5 and 8."""
    match = _EXTMAP.fullmatch(value)
    if match is None:
        raise ValueError(f"extmap {shown(value)} is not 'id[/direction] URI [attributes]'")
    identifier, direction, uri, attributes = match.groups()
    return ExtMap(number_untrusted(identifier, "extension id", low=1, high=4351), uri, direction, attributes)


def read_rtcp_untrusted(value: str) -> Rtcp:
    """RFC 3605 section 2.1."""
    port, *address = value.split(" ")
    if not address:
        return Rtcp(number_untrusted(port, "rtcp port", high=65535))
    if len(address) != 3 or address[0] != "IN":
        raise ValueError(f"rtcp {shown(value)} is not 'port' or 'port IN type address'")
    return Rtcp(
        number_untrusted(port, "rtcp port", high=65535),
        token_untrusted(address[1], "address type"),
        word_untrusted(address[2], "rtcp address"),
    )


def read_msid_untrusted(value: str) -> Msid:
    """RFC 8830 section 2."""
    stream, *track = value.split(" ")
    if len(track) > 1:
        raise ValueError(f"msid {shown(value)} is not 'stream' or 'stream track'")
    return Msid(word_untrusted(stream, "stream id"), word_untrusted(track[0], "track id") if track else None)


def read_ssrc_untrusted(value: str) -> Ssrc:
    """RFC 5576 section 4.1."""
    ssrc, space, attribute = value.partition(" ")
    name, colon, text = attribute.partition(":")
    if not space:
        raise ValueError(f"ssrc {shown(value)} has no attribute")
    return Ssrc(_ssrc_untrusted(ssrc), token_untrusted(name, "source attribute"), text if colon else None)


def read_ssrc_group_untrusted(value: str) -> SsrcGroup:
    """RFC 5576 section 4.2."""
    semantics, *ssrcs = list_untrusted(value, "ssrc-group")
    return SsrcGroup(token_untrusted(semantics, "ssrc-group semantics"), tuple(map(_ssrc_untrusted, ssrcs)))


def read_rid_untrusted(value: str) -> Rid:
    """RFC 8851 section 4."""
    identifier, _, rest = value.partition(" ")
    direction, space, restrictions = rest.partition(" ")
    if direction != "send" and direction != "recv":
        raise ValueError(f"rid direction {shown(direction)} is neither 'send' nor 'recv'")
    return Rid(
        _rid_untrusted(identifier), "send" if direction == "send" else "recv", restrictions if space else None
    )


def _streams_untrusted(text: str) -> SimulcastStreams:
    return tuple(
        tuple(
            SimulcastRid(_rid_untrusted(rid.removeprefix("~")), rid.startswith("~"))
            for rid in list_untrusted(stream, "simulcast stream", ",")
        )
        for stream in list_untrusted(text, "simulcast", ";")
    )


def read_simulcast_untrusted(value: str) -> Simulcast:
    """RFC 8853 section 5.1."""
    words = value.split(" ")
    if len(words) not in (2, 4) or sorted({*words[::2]} & {"send", "recv"}) != sorted(words[::2]):
        raise ValueError(f"simulcast {shown(value)} is not 'send streams', 'recv streams' or both")
    streams = dict(zip(words[::2], map(_streams_untrusted, words[1::2]), strict=True))
    return Simulcast(streams.get("send", ()), streams.get("recv", ()))


def read_ptime_untrusted(value: str) -> PacketTime:
    """RFC 8866 section 6.4."""
    return PacketTime(number_untrusted(value, "ptime", low=1, high=2**31 - 1))


def read_maxptime_untrusted(value: str) -> PacketTime:
    """RFC 8866 section 6.4."""
    return PacketTime(number_untrusted(value, "maxptime", low=1, high=2**31 - 1), maximum=True)
