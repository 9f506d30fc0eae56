"""The RTP dictionaries (webrtc-pc sections 5.2.2 to 5.2.11), and codecs as offer and answer know them."""

from dataclasses import dataclass, field
from enum import StrEnum

from visavis.dataplane.commands import Kind
from visavis.jsep import Format
from visavis.rtc.idl import Octet, UnsignedLong, UnsignedShort
from visavis.sdp import ExtMap, Fmtp


class RTCRtpTransceiverDirection(StrEnum):
    """Who sends (RFC 9429 section 4.2.4); `stopped` is for ever."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"
    STOPPED = "stopped"


class RTCPriorityType(StrEnum):
    """webrtc-priority section 4.1."""

    VERY_LOW = "very-low"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(slots=True)
class RTCRtpCodec:
    """A codec; `sdpFmtpLine` as in `a=fmtp`."""

    mimeType: str
    clockRate: UnsignedLong
    channels: UnsignedShort | None = None
    sdpFmtpLine: str | None = None


@dataclass(slots=True, kw_only=True)
class RTCRtpCodecParameters(RTCRtpCodec):
    """A codec as it was negotiated."""

    payloadType: Octet


@dataclass(slots=True)
class RTCRtpHeaderExtensionCapability:
    """A header extension (RFC 8285) that can be negotiated."""

    uri: str


@dataclass(slots=True)
class RTCRtpHeaderExtensionParameters:
    """A header extension as it was negotiated."""

    uri: str
    id: UnsignedShort
    encrypted: bool = False


@dataclass(slots=True)
class RTCRtpCapabilities:
    """What can be negotiated for a kind of media."""

    codecs: list[RTCRtpCodec]
    headerExtensions: list[RTCRtpHeaderExtensionCapability]


@dataclass(slots=True)
class RTCRtcpParameters:
    """RTCP as it was negotiated."""

    cname: str | None = None
    reducedSize: bool | None = None


@dataclass(slots=True)
class RTCRtpCodingParameters:
    """An encoding's name (RFC 8851)."""

    rid: str | None = None


@dataclass(slots=True)
class RTCRtpEncodingParameters(RTCRtpCodingParameters):
    """How a track is encoded and sent, for each of its simulcast encodings."""

    active: bool = True
    codec: RTCRtpCodec | None = None
    maxBitrate: UnsignedLong | None = None
    maxFramerate: float | None = None
    scaleResolutionDownBy: float | None = None
    priority: RTCPriorityType = RTCPriorityType.LOW
    networkPriority: RTCPriorityType | None = None


@dataclass(slots=True)
class RTCRtpParameters:
    """What sender and receiver have in common."""

    headerExtensions: list[RTCRtpHeaderExtensionParameters]
    rtcp: RTCRtcpParameters
    codecs: list[RTCRtpCodecParameters]


@dataclass(slots=True)
class RTCRtpSendParameters(RTCRtpParameters):
    """How a sender sends. Change `encodings`, and give it to `setParameters`."""

    transactionId: str
    encodings: list[RTCRtpEncodingParameters]


@dataclass(slots=True)
class RTCRtpReceiveParameters(RTCRtpParameters):
    """What a receiver is prepared for."""


@dataclass(slots=True)
class RTCEncodingOptions:
    """What is to happen to an encoding once (webrtc-extensions, "setParameters ... key frame")."""

    keyFrame: bool = False


@dataclass(slots=True)
class RTCSetParameterOptions:
    """Empty in the standard; webrtc-extensions has options for each encoding, in their order."""

    encodingOptions: list[RTCEncodingOptions] = field(default_factory=list[RTCEncodingOptions])


@dataclass(slots=True)
class RTCRtpContributingSource:
    """Who is heard in a received stream: `timestamp` in milliseconds since 1970, `audioLevel` from 0 to 1."""

    timestamp: float
    source: UnsignedLong
    rtpTimestamp: UnsignedLong
    audioLevel: float | None = None


@dataclass(slots=True)
class RTCRtpSynchronizationSource(RTCRtpContributingSource):
    """The same, for the stream's own SSRC."""


def codec_of(format: Format) -> RTCRtpCodec:
    """A format as a capability."""
    return RTCRtpCodec(format.mime, format.clock_hz, format.channels, format.parameters)


def codec_parameters_of(format: Format) -> RTCRtpCodecParameters:
    """A negotiated format."""
    return RTCRtpCodecParameters(
        format.mime,
        format.clock_hz,
        format.channels,
        format.parameters,
        payloadType=-1 if format.payload_type is None else format.payload_type,
    )


def format_of(codec: RTCRtpCodec, kind: Kind) -> Format:
    """A codec of a program as a preference; of another kind it keeps its whole name, and matches nothing."""
    name = codec.mimeType
    prefix = f"{kind}/"
    if name.lower().startswith(prefix):
        name = name[len(prefix) :]
    return Format(kind, name, codec.clockRate, codec.channels, codec.sdpFmtpLine)


def extensions_of(extensions: tuple[ExtMap, ...]) -> list[RTCRtpHeaderExtensionParameters]:
    """Negotiated header extensions."""
    return [RTCRtpHeaderExtensionParameters(extension.uri, extension.id) for extension in extensions]


_SYMMETRICAL = frozenset({"packetization-mode", "profile-level-id", "profile", "profile-id", "apt"})
"""Parameters that both ends must have alike; others describe what their writer can receive."""


def codecs_match(
    first: RTCRtpCodec, second: RTCRtpCodec, *, ignore_asymmetrical_parameters: bool = False
) -> bool:
    """The codec dictionary match algorithm (webrtc-pc section 5.4.2, `setCodecPreferences`)."""
    if (
        first.mimeType.lower() != second.mimeType.lower()
        or first.clockRate != second.clockRate
        or first.channels != second.channels
        or (first.sdpFmtpLine is None) != (second.sdpFmtpLine is None)
    ):
        return False
    if first.sdpFmtpLine is None or second.sdpFmtpLine is None or first.sdpFmtpLine == second.sdpFmtpLine:
        return True
    if "=" not in first.sdpFmtpLine or "=" not in second.sdpFmtpLine:
        return False
    ours, theirs = Fmtp(0, first.sdpFmtpLine).parameters, Fmtp(0, second.sdpFmtpLine).parameters
    if any(ours.get(name) != theirs.get(name) for name in _SYMMETRICAL):
        return False
    return ignore_asymmetrical_parameters or ours == theirs
