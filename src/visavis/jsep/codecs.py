"""Codecs: which we take from a description, and which are the same format (RFC 9429 section 5.3.1)."""

from collections.abc import Container, Iterator, Mapping
from enum import Enum
from itertools import islice

from visavis.dataplane.commands import Codec, Kind, PayloadMap
from visavis.jsep.model import NegotiatedCodec
from visavis.sdp import Attribute, Fmtp, MediaDescription, RtcpFeedback, RtpCodec, RtpMap

_FEEDBACK = ("transport-cc", "ccm fir", "nack", "nack pli")
_NAMES = {
    ("opus", 48000, 2): (Kind.AUDIO, Codec.OPUS, "audio/opus"),  # RFC 7587 section 7
    ("vp8", 90000, 1): (Kind.VIDEO, Codec.VP8, "video/VP8"),  # RFC 7741
    ("vp9", 90000, 1): (Kind.VIDEO, Codec.VP9, "video/VP9"),  # RFC 9628
    ("h264", 90000, 1): (Kind.VIDEO, Codec.H264, "video/H264"),  # RFC 6184
    ("av1", 90000, 1): (Kind.VIDEO, Codec.AV1, "video/AV1"),
}
_ANSWERED_PARAMETERS = {
    Codec.OPUS: ("minptime", "useinbandfec", "stereo", "usedtx"),
    Codec.VP9: ("profile-id",),
    Codec.H264: ("level-asymmetry-allowed", "packetization-mode", "profile-level-id"),
    Codec.AV1: ("level-idx", "profile", "tier"),
}
_VP9_PROFILES = {"0", "2"}
MAX_CODECS = 32
"""How many formats of one m-line are looked at; browsers know half as many. The first ones are preferred."""
START_KBPS = 1_500
"""With what Chromium and Safari begin to send video. By themselves they begin with 300 kbit/s, and take 20 s
from a quarter of the width to all of it. Others ignore a parameter that they do not know."""


class H264Profile(Enum):
    """The profiles that browsers name in `profile-level-id` (RFC 6184 section 8.1)."""

    CONSTRAINED_BASELINE = "constrained baseline"
    BASELINE = "baseline"
    MAIN = "main"
    CONSTRAINED_HIGH = "constrained high"
    HIGH = "high"


_DECODERS = {
    H264Profile.CONSTRAINED_BASELINE: (
        H264Profile.CONSTRAINED_BASELINE,
        H264Profile.BASELINE,
        H264Profile.MAIN,
        H264Profile.CONSTRAINED_HIGH,
        H264Profile.HIGH,
    ),
    H264Profile.BASELINE: (H264Profile.BASELINE,),
    H264Profile.MAIN: (H264Profile.MAIN, H264Profile.HIGH),
    H264Profile.CONSTRAINED_HIGH: (H264Profile.CONSTRAINED_HIGH, H264Profile.HIGH),
    H264Profile.HIGH: (H264Profile.HIGH,),
}
"""Who can decode a profile, the closest first (ITU-T H.264 annex A.2)."""


def h264_profile(parameters: Mapping[str, str]) -> H264Profile | None:
    """The profile of `profile-level-id`: baseline without one (RFC 6184 section 8.1), None for others."""
    text = parameters.get("profile-level-id", "42000a")
    try:
        idc, constraints, _ = bytes.fromhex(text)
    except ValueError:
        return None
    match idc:
        case 66:
            return H264Profile.CONSTRAINED_BASELINE if constraints & 0x40 else H264Profile.BASELINE
        case 77:
            return H264Profile.CONSTRAINED_BASELINE if constraints & 0x80 else H264Profile.MAIN
        case 88:
            return H264Profile.CONSTRAINED_BASELINE if constraints & 0xC0 == 0xC0 else None
        case 100:
            return H264Profile.CONSTRAINED_HIGH if constraints & 0x0C == 0x0C else H264Profile.HIGH
        case _:
            return None


def negotiated_codecs(
    media: MediaDescription, kind: Kind, among: Container[int] | None = None
) -> tuple[NegotiatedCodec, ...]:
    """The first `MAX_CODECS` of an m-line that we speak, each with its RTX type (RFC 4588 section 8.1).

    Args:
        media: the m-line.
        kind: what it carries.
        among: the payload types that count, all by default.
    """
    codecs = media.codecs if among is None else media.codecs_among(among)
    repairs: dict[str, int] = {}
    for codec in codecs:
        if codec.name.lower() == "rtx" and (apt := codec.parameters.get("apt")):
            repairs.setdefault(apt, codec.payload_type)
    negotiated = (_negotiated(codec, kind, repairs.get(str(codec.payload_type))) for codec in codecs)
    return tuple(islice((codec for codec in negotiated if codec is not None), MAX_CODECS))


def _negotiated(codec: RtpCodec, kind: Kind, rtx_payload_type: int | None) -> NegotiatedCodec | None:
    known = _NAMES.get((codec.name.lower(), codec.clock_hz, codec.channels))
    if known is None or known[0] is not kind:
        return None
    _, name, mime = known
    negotiated = NegotiatedCodec(
        name=name,
        mime=mime,
        payload_type=codec.payload_type,
        rtx_payload_type=rtx_payload_type,
        clock_hz=codec.clock_hz,
        channels=codec.channels,
        parameters=dict(codec.parameters),
        nack="nack" in codec.feedback,
        pli="nack pli" in codec.feedback,
        fir="ccm fir" in codec.feedback,
        transport_cc="transport-cc" in codec.feedback,
    )
    return negotiated if _is_spoken(negotiated) else None


def _is_spoken(codec: NegotiatedCodec) -> bool:
    match codec.name:
        case Codec.VP9:
            return codec.parameters.get("profile-id", "0") in _VP9_PROFILES
        case Codec.H264:
            return h264_profile(codec.parameters) is not None and _packetization_mode(codec) in ("0", "1")
        case Codec.AV1:
            return _av1_profile(codec) == "0"
        case _:
            return True


def _packetization_mode(codec: NegotiatedCodec) -> str:
    return codec.parameters.get("packetization-mode", "0")


def _av1_profile(codec: NegotiatedCodec) -> str:
    """The main profile where none is named, and where what is named does not exist.

    Chromium writes `profile=5;tier=0`, its level in the place of the profile, to a peer that named no level.
    """
    profile = codec.parameters.get("profile", "0")
    return profile if profile in ("1", "2") else "0"


def preferred_order(codecs: tuple[NegotiatedCodec, ...]) -> tuple[NegotiatedCodec, ...]:
    """The publisher's order, but the first H.264 is the one that all subscribers decode.

    That is constrained baseline in mode 1, which every WebRTC endpoint has (RFC 7742 section 6.2); a
    publisher sends the first codec of our answer (RFC 3264 section 6.1), and we forward it as it is.
    """
    first = next((one for one in codecs if one.name is Codec.H264), None)
    common = next((one for one in codecs if _is_common_h264(one)), None)
    if first is None or common is None:
        return codecs
    place = codecs.index(first)
    return (*codecs[:place], common, *(one for one in codecs[place:] if one is not common))


def _is_common_h264(codec: NegotiatedCodec) -> bool:
    return (
        codec.name is Codec.H264
        and h264_profile(codec.parameters) is H264Profile.CONSTRAINED_BASELINE
        and _packetization_mode(codec) == "1"
    )


def answer_codec(codec: NegotiatedCodec) -> Iterator[Attribute]:
    """The lines of a codec in an answer: only the feedback and the parameters that mean something to us."""
    payload_type = codec.payload_type
    encoding = codec.mime.partition("/")[2]
    yield RtpMap(payload_type, encoding, codec.clock_hz, codec.channels if codec.channels > 1 else None)
    spoken = zip(_FEEDBACK, (codec.transport_cc, codec.fir, codec.nack, codec.pli), strict=True)
    yield from (RtcpFeedback(payload_type, value) for value, agreed in spoken if agreed)
    names = _ANSWERED_PARAMETERS.get(codec.name, ())
    parameters = [f"{name}={value}" for name, value in codec.parameters.items() if name in names]
    if codec.name is not Codec.OPUS:
        parameters.append(f"x-google-start-bitrate={START_KBPS}")
    if parameters:
        yield Fmtp(payload_type, ";".join(parameters))
    if codec.rtx_payload_type is not None:
        yield from rtx_lines(codec.rtx_payload_type, payload_type, codec.clock_hz)


def rtx_lines(payload_type: int, repaired: int, clock_hz: int) -> tuple[Attribute, ...]:
    """The lines of an RTX payload type (RFC 4588 section 8.1)."""
    return (RtpMap(payload_type, "rtx", clock_hz), Fmtp(payload_type, f"apt={repaired}"))


def match_payloads(
    published: tuple[NegotiatedCodec, ...], subscribed: tuple[NegotiatedCodec, ...]
) -> tuple[PayloadMap, ...]:
    """For each payload type of a publisher, the subscriber's type that can carry it; without one, no entry.

    The same codec, in the same VP9 or AV1 profile; for H.264 a profile whose decoders decode the publisher's,
    and a packetization mode that allows the publisher's: mode 0 is a subset of mode 1 (RFC 6184 section 6.3).
    """
    maps: list[PayloadMap] = []
    for source in published:
        ranked = [(rank, codec) for codec in subscribed if (rank := _distance(source, codec)) is not None]
        if ranked:
            _, best = min(ranked, key=lambda pair: pair[0])
            maps.append(PayloadMap(source.payload_type, best.payload_type, best.rtx_payload_type))
    return tuple(maps)


def _distance(source: NegotiatedCodec, target: NegotiatedCodec) -> int | None:
    """How far a subscriber's format is from a publisher's: 0 the same, None when it cannot carry it."""
    if (source.name, source.clock_hz, source.channels) != (target.name, target.clock_hz, target.channels):
        return None
    match source.name:
        case Codec.VP9:
            same = source.parameters.get("profile-id", "0") == target.parameters.get("profile-id", "0")
            return 0 if same else None
        case Codec.AV1:
            return 0 if _av1_profile(source) == _av1_profile(target) else None
        case Codec.H264:
            return _h264_distance(source, target)
        case _:
            return 0


def _h264_distance(source: NegotiatedCodec, target: NegotiatedCodec) -> int | None:
    wanted, given = h264_profile(source.parameters), h264_profile(target.parameters)
    modes = (_packetization_mode(source), _packetization_mode(target))
    if wanted is None or given is None or given not in _DECODERS[wanted] or modes == ("1", "0"):
        return None
    return 2 * _DECODERS[wanted].index(given) + (modes[0] != modes[1])
