"""The codecs that browsers offer, as recorded: payload types, RTX, parameters, header extensions."""

from dataclasses import dataclass

from visavis.dataplane.commands import Kind


@dataclass(frozen=True, slots=True)
class BrowserCodec:
    """One payload type of a browser's offer."""

    name: str
    clock: str
    payload_type: int
    rtx_payload_type: int | None = None
    parameters: str = ""

    @property
    def feedback(self) -> tuple[str, ...]:
        """What it asks for; the helpers RED and FEC ask for nothing."""
        if self.name == "opus":
            return ("transport-cc",)
        if self.name in ("VP8", "VP9", "H264", "AV1"):
            return ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")
        return ()


@dataclass(frozen=True, slots=True)
class Codecs:
    """What one browser has."""

    audio: tuple[BrowserCodec, ...]
    video: tuple[BrowserCodec, ...]
    audio_extensions: tuple[tuple[int, str], ...]
    video_extensions: tuple[tuple[int, str], ...]

    def of(self, kind: Kind) -> tuple[BrowserCodec, ...]:
        """The codecs of one kind, in the order of the browser's preference."""
        return self.audio if kind is Kind.AUDIO else self.video

    def extensions_of(self, kind: Kind) -> tuple[tuple[int, str], ...]:
        """(id, URI) of the header extensions of one kind (RFC 8285)."""
        return self.audio_extensions if kind is Kind.AUDIO else self.video_extensions

    def without(self, *names: str) -> "Codecs":
        """A browser that lacks some."""
        return Codecs(
            tuple(codec for codec in self.audio if codec.name not in names),
            tuple(codec for codec in self.video if codec.name not in names),
            self.audio_extensions,
            self.video_extensions,
        )


_H264 = "level-asymmetry-allowed=1;packetization-mode={};profile-level-id={}"
_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
_MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
_RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
_REPAIRED = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
_TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
_OFFSET = "urn:ietf:params:rtp-hdrext:toffset"
_ORIENTATION = "urn:3gpp:video-orientation"
_PLAYOUT = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"

CHROMIUM = Codecs(
    audio=(
        BrowserCodec("opus", "48000/2", 111, parameters="minptime=10;useinbandfec=1"),
        BrowserCodec("red", "48000/2", 63, parameters="111/111"),
        BrowserCodec("G722", "8000", 9),
        BrowserCodec("PCMU", "8000", 0),
        BrowserCodec("PCMA", "8000", 8),
        BrowserCodec("CN", "8000", 13),
        BrowserCodec("telephone-event", "48000", 110),
        BrowserCodec("telephone-event", "8000", 126),
    ),
    video=(
        BrowserCodec("VP8", "90000", 96, 97),
        BrowserCodec("H264", "90000", 102, 103, _H264.format(1, "42001f")),
        BrowserCodec("H264", "90000", 104, 107, _H264.format(0, "42001f")),
        BrowserCodec("H264", "90000", 108, 109, _H264.format(1, "42e01f")),
        BrowserCodec("H264", "90000", 114, 115, _H264.format(0, "42e01f")),
        BrowserCodec("H264", "90000", 116, 117, _H264.format(1, "4d001f")),
        BrowserCodec("H264", "90000", 39, 40, _H264.format(0, "4d001f")),
        BrowserCodec("AV1", "90000", 45, 46, "level-idx=5;profile=0;tier=0"),
        BrowserCodec("VP9", "90000", 98, 99, "profile-id=0"),
        BrowserCodec("VP9", "90000", 100, 101, "profile-id=2"),
        BrowserCodec("red", "90000", 118, 119),
        BrowserCodec("ulpfec", "90000", 120),
    ),
    audio_extensions=((1, _LEVEL), (2, _SEND_TIME), (3, _TRANSPORT_CC), (4, _MID)),
    video_extensions=(
        (14, _OFFSET),
        (2, _SEND_TIME),
        (13, _ORIENTATION),
        (3, _TRANSPORT_CC),
        (5, _PLAYOUT),
        (4, _MID),
        (10, _RID),
        (11, _REPAIRED),
    ),
)
"""Chromium 156."""

FIREFOX = Codecs(
    audio=(
        BrowserCodec("opus", "48000/2", 109, parameters="maxplaybackrate=48000;stereo=1;useinbandfec=1"),
        BrowserCodec("G722", "8000", 9),
        BrowserCodec("PCMU", "8000", 0),
        BrowserCodec("PCMA", "8000", 8),
        BrowserCodec("telephone-event", "8000", 101, parameters="0-15"),
    ),
    video=(
        BrowserCodec("VP8", "90000", 120, 124, "max-fs=12288;max-fr=60"),
        BrowserCodec("VP9", "90000", 121, 125, "max-fs=12288;max-fr=60"),
        BrowserCodec("AV1", "90000", 99, 100),
        BrowserCodec("ulpfec", "90000", 123),
        BrowserCodec("red", "90000", 122, 119),
    ),
    audio_extensions=((1, _LEVEL), (3, _MID), (7, _TRANSPORT_CC)),
    video_extensions=((3, _MID), (4, _SEND_TIME), (5, _OFFSET), (7, _TRANSPORT_CC)),
)
"""Firefox 153, which has no H264 on a free system."""
