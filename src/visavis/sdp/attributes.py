"""Attributes as one closed union, and the table of names between it and text."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from visavis.dataplane.commands import Fingerprint
from visavis.sdp import rtp, transport
from visavis.sdp.rtp import (
    ExtMap,
    Fmtp,
    Msid,
    PacketTime,
    Rid,
    Rtcp,
    RtcpFeedback,
    RtpMap,
    Simulcast,
    Ssrc,
    SsrcGroup,
)
from visavis.sdp.syntax import list_untrusted, shown, token_untrusted
from visavis.sdp.transport import (
    Candidate,
    IceOptions,
    IcePwd,
    IceUfrag,
    MaxMessageSize,
    SctpPort,
    Setup,
    TlsId,
    write_fingerprint,
)


class Direction(StrEnum):
    """The direction attributes (RFC 8866 section 6.7)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        """Whether who writes this sends."""
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        """Whether who writes this receives."""
        return self in (Direction.SENDRECV, Direction.RECVONLY)


class Flag(StrEnum):
    """Attributes that are only a name."""

    RTCP_MUX = "rtcp-mux"  # RFC 5761 section 5.1.1
    RTCP_MUX_ONLY = "rtcp-mux-only"  # RFC 8858 section 3
    RTCP_RSIZE = "rtcp-rsize"  # RFC 5506 section 5
    BUNDLE_ONLY = "bundle-only"  # RFC 8843 section 6
    ICE_LITE = "ice-lite"  # RFC 8839 section 5.3
    END_OF_CANDIDATES = "end-of-candidates"  # RFC 8840 section 8.2
    EXTMAP_ALLOW_MIXED = "extmap-allow-mixed"  # RFC 8285 section 6


@dataclass(frozen=True, slots=True)
class Mid:
    """`a=mid` (RFC 5888 section 4)."""

    value: str

    def __str__(self) -> str:
        """The attribute's value."""
        return self.value


@dataclass(frozen=True, slots=True)
class Group:
    """`a=group` (RFC 5888 section 5); `BUNDLE` is RFC 8843's."""

    semantics: str
    mids: tuple[str, ...]

    def __str__(self) -> str:
        """The attribute's value."""
        return " ".join((self.semantics, *self.mids))


@dataclass(frozen=True, slots=True)
class UnknownAttribute:
    """An attribute without a type here: its name and the text after the colon, None for a flag."""

    name: str
    value: str | None = None

    def __str__(self) -> str:
        """The attribute's value."""
        return self.value or ""


Attribute = (
    Direction
    | Flag
    | Mid
    | Group
    | Candidate
    | IceUfrag
    | IcePwd
    | IceOptions
    | Fingerprint
    | Setup
    | TlsId
    | SctpPort
    | MaxMessageSize
    | RtpMap
    | Fmtp
    | RtcpFeedback
    | ExtMap
    | Rtcp
    | Msid
    | Ssrc
    | SsrcGroup
    | Rid
    | Simulcast
    | PacketTime
    | UnknownAttribute
)


def _read_mid_untrusted(value: str) -> Mid:
    return Mid(token_untrusted(value, "mid"))


def _read_group_untrusted(value: str) -> Group:
    semantics, *mids = list_untrusted(value, "group")
    return Group(
        token_untrusted(semantics, "group semantics"),
        tuple(token_untrusted(mid, "mid") for mid in mids if mid),
    )


_MAX_REMEMBERED = 1_024
_MAX_REMEMBERED_CHARACTERS = 200

Reader = Callable[[str], Attribute]


def _remembered(read: Reader) -> Reader:
    """For lines that the descriptions of all peers of one make have in common: the same text is read once,
    and is the same object in all of them."""
    known = lru_cache(_MAX_REMEMBERED)(read)
    return lambda value: known(value) if len(value) <= _MAX_REMEMBERED_CHARACTERS else read(value)


_READERS: dict[str, Reader] = {
    "mid": _read_mid_untrusted,
    "group": _read_group_untrusted,
    "candidate": transport.read_candidate_untrusted,
    "ice-ufrag": transport.read_ice_ufrag_untrusted,
    "ice-pwd": transport.read_ice_pwd_untrusted,
    "ice-options": transport.read_ice_options_untrusted,
    "fingerprint": transport.read_fingerprint_untrusted,
    "setup": transport.read_setup_untrusted,
    "tls-id": transport.read_tls_id_untrusted,
    "sctp-port": transport.read_sctp_port_untrusted,
    "max-message-size": transport.read_max_message_size_untrusted,
    "rtpmap": _remembered(rtp.read_rtpmap_untrusted),
    "fmtp": _remembered(rtp.read_fmtp_untrusted),
    "rtcp-fb": _remembered(rtp.read_rtcp_fb_untrusted),
    "extmap": _remembered(rtp.read_extmap_untrusted),
    "rtcp": rtp.read_rtcp_untrusted,
    "msid": rtp.read_msid_untrusted,
    "ssrc": rtp.read_ssrc_untrusted,
    "ssrc-group": rtp.read_ssrc_group_untrusted,
    "rid": rtp.read_rid_untrusted,
    "simulcast": rtp.read_simulcast_untrusted,
    "ptime": rtp.read_ptime_untrusted,
    "maxptime": rtp.read_maxptime_untrusted,
}

_NAMES: dict[type, str] = {
    Mid: "mid",
    Group: "group",
    Candidate: "candidate",
    IceUfrag: "ice-ufrag",
    IcePwd: "ice-pwd",
    IceOptions: "ice-options",
    Setup: "setup",
    TlsId: "tls-id",
    SctpPort: "sctp-port",
    MaxMessageSize: "max-message-size",
    RtpMap: "rtpmap",
    Fmtp: "fmtp",
    RtcpFeedback: "rtcp-fb",
    ExtMap: "extmap",
    Rtcp: "rtcp",
    Msid: "msid",
    Ssrc: "ssrc",
    SsrcGroup: "ssrc-group",
    Rid: "rid",
    Simulcast: "simulcast",
}

_BARE: dict[str, Attribute] = {
    **{flag.value: flag for flag in Flag},
    **{word.value: word for word in Direction},
}


def read_attribute_untrusted(text: str) -> Attribute:
    """The text after `a=` (RFC 8866 section 5.13); raises `ValueError` saying what is wrong."""
    name, colon, value = text.partition(":")
    reader = _READERS.get(name)
    if reader is not None:
        if not colon:
            raise ValueError(f"{name} has no value")
        return reader(value)
    if name in _BARE:
        if colon:
            raise ValueError(f"{name} takes no value, and has {shown(value)}")
        return _BARE[name]
    return UnknownAttribute(token_untrusted(name, "attribute name"), value if colon else None)


def write_attribute(attribute: Attribute) -> str:
    """The text after `a=`."""
    name = _NAMES.get(type(attribute))
    if name is not None:
        return f"{name}:{attribute}"
    match attribute:
        case Fingerprint():
            return f"fingerprint:{write_fingerprint(attribute)}"
        case PacketTime():
            return f"{'maxptime' if attribute.maximum else 'ptime'}:{attribute}"
        case UnknownAttribute(name, value):
            return name if value is None else f"{name}:{value}"
        case _:
            return str(attribute)
