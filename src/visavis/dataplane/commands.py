"""What Python tells the data plane: plain data, checked by the compiled module when it is submitted.

Identifiers are Python's to choose. The upper eight bits of a transport's and of a track's identifier are
the data plane thread that owns it; `Plane` in this package allocates them.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from visavis.dataplane._native import Certificate

TransportId = NewType("TransportId", int)
TrackId = NewType("TrackId", int)
SlotId = NewType("SlotId", int)
SocketId = NewType("SocketId", int)
"""A socket or relay that a transport sends from: the plane's shared addresses are 0, 1, ...; a transport's
own numbers are Python's to choose, from `FIRST_OWN_SOCKET` on."""
PairId = NewType("PairId", int)
"""A candidate pair of one transport; those that the data plane learns by itself are from `FIRST_LEARNT_PAIR`
on."""

FIRST_OWN_SOCKET = 1_000
FIRST_LEARNT_PAIR = 1 << 24

Address = tuple[str, int]
"""An IP address as text, and a port."""


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
    """One m-line on which the data plane sends, or one simulcast encoding of it, by its `rid` (RFC 8853); its
    SSRCs stay its own for the life of the transport."""

    slot: SlotId
    mid: str
    kind: Kind
    ssrc: int
    rtx_ssrc: int | None
    cname: str
    rid: str | None = None


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
    """Creates a transport which answers checks for `ufrag`.

    A lite one (RFC 8445 section 2.5) only verifies the paths that the peer's checks came from; a full one
    checks the pairs of `SetPairs`, as `controlling` or controlled, with its `tie_breaker` (64 bits, section
    7.1.1). `certificate` is the one that DTLS shows; None is the plane's.
    A lite one's `ufrag` is no other's; full ones may share one: their sockets tell them apart.
    """

    transport: TransportId
    ufrag: str
    password: str = field(repr=False)
    lite: bool = True
    controlling: bool = False
    tie_breaker: int = 0
    certificate: "Certificate | None" = None


@dataclass(frozen=True, slots=True)
class ConnectTransport:
    """Gives a transport its peer's description: from now on DTLS is spoken, only with these fingerprints."""

    transport: TransportId
    remote_ufrag: str
    remote_password: str = field(repr=False)
    role: DtlsRole
    fingerprints: tuple[Fingerprint, ...]


@dataclass(frozen=True, slots=True)
class RestartIce:
    """New credentials for a transport (RFC 8445 section 9); the pair in use serves until a new one is
    validated. Said again with the same `ufrag` it tells the peer's, which an answer brings."""

    transport: TransportId
    ufrag: str
    password: str = field(repr=False)
    remote_ufrag: str | None = None
    remote_password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SetIceRole:
    """The role of a full transport, where that which it was opened with turned out to be wrong (RFC 8445
    section 6.1.1). `RoleChanged` reports it, as it does after a conflict."""

    transport: TransportId
    controlling: bool


@dataclass(frozen=True, slots=True)
class RenewDtls:
    """Begins a new DTLS association in the place of that of `ConnectTransport` (RFC 8842 section 3), with a
    peer of these fingerprints, over the paths of this generation. The one before ends in silence, and with it
    its SCTP association."""

    transport: TransportId
    role: DtlsRole
    fingerprints: tuple[Fingerprint, ...]


@dataclass(frozen=True, slots=True)
class AddSocket:
    """Gives a transport a bound UDP socket of its own. The data plane owns the `descriptor` from the moment
    `submit` returns, and closes it with the transport."""

    transport: TransportId
    socket: SocketId
    descriptor: int


@dataclass(frozen=True, slots=True)
class OpenStream:
    """Gives a transport a TCP stream to a TURN server (RFC 8656 section 3.1), which may still be connecting,
    as a socket that reaches this server alone. It is framed as in RFC 8489 section 6.2.2 and RFC 8656 section
    12.5, and the descriptor belongs to the data plane as with `AddSocket`.

    With `tls_name` it is TLS, to a server whose certificate is for that name or IP address, by the machine's
    authorities or those of the file that SSL_CERT_FILE names in the environment. What has to wait for more
    than 256 KiB is lost (`send_would_block`), as UDP's would be. `SocketLost` reports the stream's end.
    """

    transport: TransportId
    socket: SocketId
    descriptor: int
    server: Address
    tls_name: str | None = None


@dataclass(frozen=True, slots=True)
class AddTcpSocket:
    """Gives a transport the base of a TCP candidate (RFC 6544): pairs of `SetPairs` may use it as they use a
    UDP socket, and each address of the peer is reached by a stream of its own, framed as in RFC 4571.

    With a `descriptor`, of a TCP socket that listens, peers' streams are accepted (`passive`), and learnt by
    their checks; it belongs to the data plane as with `AddSocket`. Without one (`active`) streams are opened
    from `host`, by the first check. A stream by which nothing authentic comes is closed after 5 s when it was
    accepted, 10 s when it was opened; of 64 streams of a base, 16 may wait for that. What has to wait for
    more than 256 KiB, or behind what has waited for 0.5 s, is lost (`send_would_block`). With a stream its
    pair ends.
    """

    transport: TransportId
    socket: SocketId
    host: str
    descriptor: int | None = None


@dataclass(frozen=True, slots=True)
class RemoveSocket:
    """Closes a socket or relay of a transport; pairs that use it fail."""

    transport: TransportId
    socket: SocketId


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair to check: from `socket` to `remote`; `priority` is what the PRIORITY attribute says, that of a
    peer-reflexive candidate (RFC 8445 section 7.1.1)."""

    pair: PairId
    socket: SocketId
    remote: Address
    priority: int


@dataclass(frozen=True, slots=True)
class SetPairs:
    """The check list of a full transport, whole each time, the pair to check first is first.

    A new pair is checked in its turn, one each 50 ms over all of the transport; a known one keeps its state;
    one that is gone is checked no more. The order also is that in which valid pairs stand in for one that
    stops answering.
    """

    transport: TransportId
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class AnswerByRelaysOnly:
    """Whether a transport leaves checks unanswered that come by another way than a relay: an answer would
    tell who knows its addresses that it is there. The pair in use of before a restart goes on."""

    transport: TransportId
    only: bool


@dataclass(frozen=True, slots=True)
class Nominate:
    """Has a controlling transport nominate a pair (RFC 8445 section 8.1.1); media goes over it once the peer
    has agreed."""

    transport: TransportId
    pair: PairId


@dataclass(frozen=True, slots=True)
class SendStun:
    """One request to a STUN or TURN server (RFC 8489 section 6.2), repeated until it is answered.

    `method` is the number of the registry; `attributes` are (type, value) as they go over the wire, which
    FINGERPRINT and, with a `key`, MESSAGE-INTEGRITY follow; only the last 12 bytes of an IPv6
    XOR-PEER-ADDRESS are XORed by the data plane, with the transaction that it chooses. A `StunResult` with
    the same `request` reports the end.
    """

    transport: TransportId
    request: int
    socket: SocketId
    server: Address
    method: int
    attributes: tuple[tuple[int, bytes], ...] = ()
    key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AddRelay:
    """From now on `relay` is a socket of the transport whose datagrams travel over an allocation at a TURN
    server (RFC 8656), which `socket` reaches."""

    transport: TransportId
    relay: SocketId
    socket: SocketId
    server: Address


@dataclass(frozen=True, slots=True)
class BindChannel:
    """The TURN server has bound a channel to a peer (RFC 8656 section 12), or only permits it (None): then
    Send indications carry what goes there."""

    transport: TransportId
    relay: SocketId
    peer: Address
    channel: int | None = None


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
class SourcePayload:
    """One payload type of the frames that a local source sends; the number is its own, `Route` maps it."""

    payload_type: int
    codec: Codec
    clock_hz: int


@dataclass(frozen=True, slots=True)
class OpenSource:
    """Makes `track` one whose frames come by `send_frame`: nobody publishes it, and it is routed to slots as
    any other. Said again, it changes the payload types.

    `wanted_bps`: its encoder follows the `TargetBitrate` reports and would make so many bits a second of it,
    which is probed for; if it is on a rung, it is always sent. None: it is as any track, and not sent where
    it does not fit.

    Frames of Opus, of VP8, of H.264 (a byte stream with start codes, ITU-T H.264 Annex B; packetization mode
    1) and, as `other`, of audio with one packet a frame can be sent and received; others are a ValueError.
    """

    track: TrackId
    kind: Kind
    payloads: tuple[SourcePayload, ...]
    wanted_bps: int | None = None


@dataclass(frozen=True, slots=True)
class CloseSource:
    """Ends a local source: its receivers end, its slots fall silent."""

    track: TrackId


@dataclass(frozen=True, slots=True)
class OpenAssociation:
    """Begins the SCTP association of a transport's data channels (RFC 8831, RFC 8261), as soon as DTLS is
    connected. `association` is its number: one that is open with another is aborted; with the same, nothing
    changes.

    `receive_bytes` is the window that the peer sees: so much may have come and not be released (1,500 to
    2^30); `max_message_bytes` the longest message that is taken. Datagrams are no longer than
    `path_mtu_bytes` (600 to 16,240, all above UDP counted); None: no longer than 1,200 at first, then as long
    as is found out to arrive (RFC 8899).
    """

    transport: TransportId
    local_port: int
    remote_port: int
    receive_bytes: int = 1 << 20
    max_message_bytes: int = 262_144
    association: int = 0
    path_mtu_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ResetStreams:
    """Resets streams of ours (RFC 6525), after what was sent on them before has left."""

    transport: TransportId
    streams: tuple[int, ...]
    association: int = 0


@dataclass(frozen=True, slots=True)
class CloseAssociation:
    """Aborts the association of that number (RFC 9260 section 9.1), which `CloseTransport` does as well."""

    transport: TransportId
    association: int = 0


@dataclass(frozen=True, slots=True)
class RequestStats:
    """Asks for one `TransportStats` report."""

    transport: TransportId


Command = (
    OpenTransport
    | ConnectTransport
    | RestartIce
    | SetIceRole
    | RenewDtls
    | AddSocket
    | OpenStream
    | AddTcpSocket
    | RemoveSocket
    | SetPairs
    | AnswerByRelaysOnly
    | Nominate
    | SendStun
    | AddRelay
    | BindChannel
    | CloseTransport
    | Receive
    | Send
    | Route
    | SetLadder
    | RequestKeyFrame
    | OpenSource
    | CloseSource
    | OpenAssociation
    | ResetStreams
    | CloseAssociation
    | RequestStats
)
