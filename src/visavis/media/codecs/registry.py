"""Which codecs there are, by their names in SDP: the seam where others are put."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from visavis.media.codecs import g711, h264
from visavis.media.codecs.interface import Decoder, Encoder
from visavis.media.codecs.opus import FRAME_MS, SAMPLE_RATE_HZ, OpusDecoder, OpusEncoder, OpusOptions
from visavis.media.codecs.vp8 import CLOCK_HZ, Vp8Decoder, Vp8Encoder, Vp8Options
from visavis.media.source import Kind


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """What an encoder is opened with.

    Attributes:
        target_bps: To begin with.
        parameters: The peer's `a=fmtp` parameters: what it wants to receive.
        content_hint: The track's (W3C mst-content-hint).
        frame_rate: The highest that is expected, of pictures.
        packet_ms: The peer's `a=ptime`, of sound; None without one.
    """

    target_bps: int
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    content_hint: str = ""
    frame_rate: float = 30.0
    packet_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Codec:
    """One codec.

    Attributes:
        mime_type: As in SDP, for instance "video/VP8".
        clock_hz: Of its RTP timestamps; of sound, its samples too.
        channels: As in SDP; None where there it is left out.
        default_bps: A rate to begin with.
        open_encoder: Makes an encoder. Raises CodecLibraryError without the library.
        open_decoder: Makes a decoder for a stream with the given `a=fmtp` parameters. Raises the same.
    """

    mime_type: str
    clock_hz: int
    channels: int | None
    default_bps: int
    open_encoder: Callable[[EncoderSettings], Encoder[Any]]
    open_decoder: Callable[[Mapping[str, str]], Decoder[Any]]

    @property
    def kind(self) -> Kind:
        """Of its tracks."""
        return "audio" if self.mime_type.startswith("audio/") else "video"


def find_codec(mime_type: str) -> Codec | None:
    """The codec of a name, in whatever case (RFC 4855 section 3); None for one that there is not."""
    return next((codec for codec in CODECS if codec.mime_type.lower() == mime_type.lower()), None)


def _open_opus(settings: EncoderSettings) -> OpusEncoder:
    """What the peer's parameters ask for (RFC 7587 section 6.1)."""
    parameters = settings.parameters
    target_bps = settings.target_bps
    if (limit := parameters.get("maxaveragebitrate", "")).isdecimal():
        target_bps = min(target_bps, int(limit[:9]))
    music = settings.content_hint == "music"
    return OpusEncoder(
        OpusOptions(
            target_bps=max(6_000, min(510_000, target_bps)),
            channels=2 if parameters.get("stereo") == "1" else 1,
            frame_ms=settings.packet_ms if settings.packet_ms in FRAME_MS else 20,
            application="audio" if music else "voip",
            fec=parameters.get("useinbandfec") == "1",
            dtx=parameters.get("usedtx") == "1" and not music,
            cbr=parameters.get("cbr") == "1",
        )
    )


def _open_vp8(settings: EncoderSettings) -> Vp8Encoder:
    return Vp8Encoder(
        Vp8Options(
            target_bps=settings.target_bps,
            frame_rate=settings.frame_rate,
            screen_content=settings.content_hint in ("detail", "text"),
        )
    )


def _open_h264(settings: EncoderSettings) -> h264.H264Encoder:
    """What the peer decodes (RFC 6184 section 8.1)."""
    return h264.H264Encoder(
        h264.H264Options(
            target_bps=settings.target_bps,
            frame_rate=settings.frame_rate,
            level=h264.level_of(settings.parameters),
            screen_content=settings.content_hint in ("detail", "text"),
        )
    )


def _g711(law: g711.Law) -> Codec:
    def open_encoder(settings: EncoderSettings) -> g711.G711Encoder:
        return g711.G711Encoder(law, settings.packet_ms if settings.packet_ms in g711.FRAME_MS else 20)

    return Codec(
        f"audio/{law}",
        g711.SAMPLE_RATE_HZ,
        None,
        64_000,
        open_encoder,
        lambda parameters: g711.G711Decoder(law),
    )


CODECS = (
    Codec("audio/opus", SAMPLE_RATE_HZ, 2, 32_000, _open_opus, lambda parameters: OpusDecoder(2)),
    Codec("video/VP8", CLOCK_HZ, None, 600_000, _open_vp8, lambda parameters: Vp8Decoder()),
    Codec("video/H264", h264.CLOCK_HZ, None, 600_000, _open_h264, lambda parameters: h264.H264Decoder()),
    _g711(g711.Law.MU),
    _g711(g711.Law.A),
)
"""Preferred ones first."""
