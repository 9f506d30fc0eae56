"""RTP header extensions (RFC 8285) by their URIs, and their negotiation."""

from collections.abc import Iterable

from visavis.dataplane.commands import Extension, Kind
from visavis.errors import SdpError
from visavis.sdp import ExtMap

_DRAFT = "http://www.ietf.org/id/"
_EXPERIMENT = "http://www.webrtc.org/experiments/rtp-hdrext/"
_IETF = "urn:ietf:params:rtp-hdrext:"

URIS = {
    Extension.MID: _IETF + "sdes:mid",  # RFC 8843 section 15
    Extension.RID: _IETF + "sdes:rtp-stream-id",  # RFC 8852 section 3
    Extension.REPAIRED_RID: _IETF + "sdes:repaired-rtp-stream-id",  # RFC 8852 section 3
    Extension.AUDIO_LEVEL: _IETF + "ssrc-audio-level",  # RFC 6464
    Extension.TRANSPORT_CC: _DRAFT + "draft-holmer-rmcat-transport-wide-cc-extensions-01",
    Extension.ABS_SEND_TIME: _EXPERIMENT + "abs-send-time",
    Extension.TRANSMISSION_OFFSET: _IETF + "toffset",  # RFC 5450
    Extension.VIDEO_ORIENTATION: "urn:3gpp:video-orientation",  # 3GPP TS 26.114 section 7.4.5
    Extension.PLAYOUT_DELAY: _EXPERIMENT + "playout-delay",
    Extension.DEPENDENCY_DESCRIPTOR: (
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
    ),
    Extension.VIDEO_LAYERS_ALLOCATION: _EXPERIMENT + "video-layers-allocation00",
}
_BY_URI = {uri: extension for extension, uri in URIS.items()}

LONG_URIS = frozenset({URIS[Extension.DEPENDENCY_DESCRIPTOR]})
"""What one-byte elements may be too short for (RFC 8285 section 4.2)."""

OFFERED_IDS = {
    Extension.MID: 1,
    Extension.TRANSPORT_CC: 2,
    Extension.ABS_SEND_TIME: 3,
    Extension.AUDIO_LEVEL: 4,
    Extension.VIDEO_ORIENTATION: 5,
    Extension.PLAYOUT_DELAY: 6,
    Extension.DEPENDENCY_DESCRIPTOR: 7,
}
"""The ids of our offers: the same for the life of a connection (RFC 8285 section 6), all in one-byte form."""

_OFFERED = {
    Kind.AUDIO: (Extension.MID, Extension.TRANSPORT_CC, Extension.ABS_SEND_TIME, Extension.AUDIO_LEVEL),
    Kind.VIDEO: (
        Extension.MID,
        Extension.TRANSPORT_CC,
        Extension.ABS_SEND_TIME,
        Extension.VIDEO_ORIENTATION,
        Extension.PLAYOUT_DELAY,
        Extension.DEPENDENCY_DESCRIPTOR,
    ),
}
_ANSWERED_DIRECTION = {None: None, "sendrecv": "recvonly", "sendonly": "recvonly"}


def offered_extensions(kind: Kind) -> tuple[ExtMap, ...]:
    """What we offer on an m-line of this kind."""
    return tuple(ExtMap(OFFERED_IDS[extension], URIS[extension]) for extension in _OFFERED[kind])


def answered_extensions(offered: Iterable[ExtMap]) -> tuple[ExtMap, ...]:
    """Those of an offer that we take, under its ids (RFC 8285 section 6), as the side that receives.

    An id of 15 or above 255 cannot be in a packet (RFC 8285 section 4); an offer uses the latter where it has
    more extensions than there are ids, and we take none of those.
    """
    return tuple(
        ExtMap(line.id, line.uri, _ANSWERED_DIRECTION[line.direction])
        for line in offered
        if line.uri in _BY_URI and line.direction in _ANSWERED_DIRECTION and line.id <= 255 and line.id != 15
    )


def extension_ids(lines: Iterable[ExtMap]) -> dict[int, Extension]:
    """The known extensions by id; raises `SdpError` when an id stands for two (RFC 8285 section 5)."""
    ids: dict[int, Extension] = {}
    for line in lines:
        extension = _BY_URI.get(line.uri)
        if extension is not None and ids.setdefault(line.id, extension) is not extension:
            raise SdpError(f"extension id {line.id} is both {ids[line.id]} and {extension}")
    return ids
