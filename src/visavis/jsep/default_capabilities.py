"""The formats and header extensions of a peer connection, unless it is told others."""

from visavis.dataplane.commands import Extension, Kind
from visavis.jsep.capabilities import Capabilities, CodecCapability, ExtensionCapability
from visavis.jsep.extensions import URIS
from visavis.media.codecs.h264 import can_be_encoded

_AUDIO = frozenset({Kind.AUDIO})
_VIDEO = frozenset({Kind.VIDEO})
_BOTH = _AUDIO | _VIDEO
_VIDEO_FEEDBACK = ("transport-cc", "ccm fir", "nack", "nack pli")


def _h264(profile_level_id: str, payload_type: int, *, send: bool, mode: int = 1) -> CodecCapability:
    """A profile of H.264 (RFC 6184 section 8.1): all are decoded, constrained baseline is encoded."""
    return CodecCapability(
        Kind.VIDEO,
        "H264",
        90000,
        payload_type,
        parameters=f"level-asymmetry-allowed=1;packetization-mode={mode};profile-level-id={profile_level_id}",
        feedback=_VIDEO_FEEDBACK,
        rtx_payload_type=payload_type + 1,
        send=send,
    )


DEFAULT_CAPABILITIES = Capabilities(
    codecs=(
        CodecCapability(
            Kind.AUDIO,
            "opus",
            48000,
            111,
            2,
            "minptime=10;useinbandfec=1",
            ("transport-cc",),
            max_ptime_ms=120,
        ),  # RFC 7587
        CodecCapability(Kind.AUDIO, "PCMU", 8000, 0),  # RFC 3551, asked for by RFC 7874 section 3
        CodecCapability(Kind.AUDIO, "PCMA", 8000, 8),
        CodecCapability(Kind.AUDIO, "telephone-event", 48000, 110, parameters="0-15"),  # RFC 4733
        CodecCapability(Kind.AUDIO, "telephone-event", 8000, 126, parameters="0-15"),
        CodecCapability(
            Kind.VIDEO, "VP8", 90000, 96, feedback=_VIDEO_FEEDBACK, rtx_payload_type=97
        ),  # RFC 7741
        _h264("42e01f", 102, send=can_be_encoded()),
        _h264("640c1f", 104, send=False),
        _h264("64001f", 106, send=False),
        _h264("42e01f", 108, mode=0, send=False),
    ),
    extensions=(
        ExtensionCapability(URIS[Extension.MID], 4, _BOTH),
        ExtensionCapability(URIS[Extension.TRANSPORT_CC], 3, _BOTH),
        ExtensionCapability(URIS[Extension.ABS_SEND_TIME], 2, _BOTH),
        ExtensionCapability(URIS[Extension.AUDIO_LEVEL], 1, _AUDIO),
        ExtensionCapability(URIS[Extension.VIDEO_ORIENTATION], 13, _VIDEO),
        ExtensionCapability(URIS[Extension.RID], 10, _VIDEO),
        ExtensionCapability(URIS[Extension.REPAIRED_RID], 11, _VIDEO),
    ),
)
