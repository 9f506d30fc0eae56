"""What Python tells the data plane: plain data, checked by the compiled module when it is submitted.

Identifiers are Python's to choose. The upper eight bits of a transport's and of a track's identifier are
the data plane thread that owns it; `Plane` in this package allocates them.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

TransportId = NewType("TransportId", int)
TrackId = NewType("TrackId", int)
SlotId = NewType("SlotId", int)


class DtlsRole(StrEnum):
    """RFC 8842 section 5: who sends the ClientHello."""

    CLIENT = "client"
    SERVER = "server"


class Kind(StrEnum):
    """The media type of an m-line (RFC 8866 section 5.14)."""

    AUDIO = "audio"
    VIDEO = "video"


class Codec(StrEnum):
    """What the data plane must know of a payload: how to find a key frame in it."""

    OPUS = "opus"
    VP8 = "vp8"
    VP9 = "vp9"
    H264 = "h264"
    AV1 = "av1"
    OTHER = "other"


class Extension(StrEnum):
    """The RTP header extensions (RFC 8285) that the data plane reads, writes or renumbers."""

    MID = "mid"
    RID = "rid"
    REPAIRED_RID = "repaired-rid"
    AUDIO_LEVEL = "audio-level"
    TRANSPORT_CC = "transport-cc"
    ABS_SEND_TIME = "abs-send-time"
    TRANSMISSION_OFFSET = "transmission-offset"
    VIDEO_ORIENTATION = "video-orientation"
    PLAYOUT_DELAY = "playout-delay"
    DEPENDENCY_DESCRIPTOR = "dependency-descriptor"
    VIDEO_LAYERS_ALLOCATION = "video-layers-allocation"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A certificate's digest (RFC 8122 section 5): `algorithm` as in SDP (`sha-256`), `digest` raw bytes."""

    algorithm: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Payload:
    """One negotiated payload type of a receiving m-line."""

    payload_type: int
    codec: Codec
    clock_hz: int
    rtx_payload_type: int | None = None
    nack: bool = False
    pli: bool = False
    fir: bool = False


@dataclass(frozen=True, slots=True)
class ReceiveSection:
    """One m-line on which the peer sends: how its packets are recognised and what they may be.

    `ssrcs` are pairs (SSRC, its RTX SSRC or None) that the peer's SDP names; it may be empty, since MID
    and RID bind too (RFC 8843 section 9.2). `rids` are in the order of the SDP: the first is layer 0.
    """

    track: TrackId
    mid: str
    kind: Kind
    payloads: tuple[Payload, ...]
    ssrcs: tuple[tuple[int, int | None], ...] = ()
    rids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SendSlot:
    """One m-line on which the data plane sends; its SSRCs stay its own for the life of the transport."""

    slot: SlotId
    mid: str
    kind: Kind
    ssrc: int
    rtx_ssrc: int | None
    cname: str


@dataclass(frozen=True, slots=True)
class PayloadMap:
    """How one payload type of a track is called on a slot (both ends' numbers, RTX type or None where not
    agreed)."""

    from_payload_type: int
    to_payload_type: int
    to_rtx_payload_type: int | None = None


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of a subscriber's ladder, the most important first: `slot` may have up to `layer` (0 is the
    smallest).

    The data plane climbs from the first rung on while the measured bitrates of what it includes fit the
    estimate; what does not fit is not forwarded.
    """

    slot: SlotId
    layer: int = 0


@dataclass(frozen=True, slots=True)
class OpenTransport:
    """Creates a transport which answers checks for `ufrag` (RFC 8445 section 2.5, lite)."""

    transport: TransportId
    ufrag: str
    password: str


@dataclass(frozen=True, slots=True)
class ConnectTransport:
    """Gives a transport its peer's description: from now on DTLS is spoken, only with these fingerprints."""

    transport: TransportId
    remote_ufrag: str
    role: DtlsRole
    fingerprints: tuple[Fingerprint, ...]


@dataclass(frozen=True, slots=True)
class RestartIce:
    """New credentials for a transport (RFC 8445 section 9); the pair in use serves until a new one is
    validated."""

    transport: TransportId
    ufrag: str
    password: str
    remote_ufrag: str | None = None


@dataclass(frozen=True, slots=True)
class CloseTransport:
    """Ends a transport: DTLS close_notify is sent, its tracks end, its reports stop with `closed`."""

    transport: TransportId


@dataclass(frozen=True, slots=True)
class Receive:
    """What the peer of a transport may send, whole each time; `extensions` has its ids (RFC 8285).

    `reduced_size_rtcp` lets feedback leave without a report before it (RFC 5506): only if the peer agreed.
    """

    transport: TransportId
    extensions: dict[int, Extension] = field(default_factory=dict[int, Extension])
    sections: tuple[ReceiveSection, ...] = ()
    transport_cc: bool = True
    reduced_size_rtcp: bool = False


@dataclass(frozen=True, slots=True)
class Send:
    """The slots of a transport, whole each time, and the extension ids that its peer agreed to."""

    transport: TransportId
    extensions: dict[int, Extension] = field(default_factory=dict[int, Extension])
    slots: tuple[SendSlot, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """Connects a published track to a slot, or nothing (None); the slot's stream goes on without a seam."""

    transport: TransportId
    slot: SlotId
    track: TrackId | None
    payloads: tuple[PayloadMap, ...] = ()


@dataclass(frozen=True, slots=True)
class SetLadder:
    """A subscriber's ladder, whole each time; a slot that is on no rung is not forwarded."""

    transport: TransportId
    rungs: tuple[Rung, ...]


@dataclass(frozen=True, slots=True)
class RequestKeyFrame:
    """Asks the publisher of a track for a key frame; merged and rate-limited with what subscribers ask."""

    track: TrackId


@dataclass(frozen=True, slots=True)
class RequestStats:
    """Asks for one `TransportStats` report."""

    transport: TransportId


Command = (
    OpenTransport
    | ConnectTransport
    | RestartIce
    | CloseTransport
    | Receive
    | Send
    | Route
    | SetLadder
    | RequestKeyFrame
    | RequestStats
)
