"""The formats and header extensions of a peer connection, unless it is told others."""

from visavis.dataplane.commands import Extension, Kind
from visavis.jsep.capabilities import Capabilities, CodecCapability, ExtensionCapability
from visavis.jsep.extensions import URIS

_AUDIO = frozenset({Kind.AUDIO})
_VIDEO = frozenset({Kind.VIDEO})
_BOTH = _AUDIO | _VIDEO
_VIDEO_FEEDBACK = ("transport-cc", "ccm fir", "nack", "nack pli")

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
