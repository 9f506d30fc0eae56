"""H.264 (ITU-T H.264; RFC 6184, 7742): constrained baseline, by x264 and FFmpeg's decoder through PyAV.

What leaves and enters is the byte stream of annex B, one access unit at a time, with parameter sets before
each IDR picture. Whether x264 is there depends on how PyAV was built; its wheels have it.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.codec.context import Flags
from av.error import FFmpegError
from av.video.frame import PictureType

from visavis.media.codecs.interface import EncodedFrame
from visavis.media.codecs.libraries import CodecLibraryError
from visavis.media.frames import VideoFrame

CLOCK_HZ = 90_000
"""Of every H.264 stream in RTP (RFC 6184 section 5.1)."""

_BUFFER_BITS = 300_000
"""Of the rate control, whatever the rate: what a key frame may have beyond its share. x264 follows a bitrate
that changes only if it began with a constant one, and with a buffer."""

_SILENT = {"log_level_offset": "64"}
"""FFmpeg writes to the standard error of the process, whatever it belongs to."""

_LARGEST = {
    10: 99, 11: 396, 12: 396, 13: 396, 20: 396, 21: 792, 22: 1_620, 30: 1_620, 31: 3_600, 32: 5_120,
    40: 8_192, 41: 8_192, 42: 8_704, 50: 22_080, 51: 36_864, 52: 36_864,
}  # fmt: skip
"""Macroblocks in a picture, by ten times the level (ITU-T H.264 table A-1)."""


@dataclass(frozen=True, slots=True)
class H264Options:
    """How to encode.

    Attributes:
        target_bps: From 30,000 on.
        frame_rate: The highest that is expected.
        level: Ten times the highest that the peer decodes: larger pictures are scaled down.
        screen_content: Whether the picture is a screen, with text.
    """

    target_bps: int = 600_000
    frame_rate: float = 30.0
    level: int = 31
    screen_content: bool = False


def can_be_encoded() -> bool:
    """Whether PyAV has x264."""
    return "libx264" in av.codecs_available


def level_of(parameters: Mapping[str, str]) -> int:
    """Ten times the level of `profile-level-id`; 1 where there is none (RFC 6184 section 8.1)."""
    try:
        return bytes.fromhex(parameters.get("profile-level-id", ""))[2]
    except (ValueError, IndexError):
        return 10


class H264Encoder:
    """Pictures of any size in; a new size begins with a key frame."""

    def __init__(self, options: H264Options | None = None) -> None:
        """Raises CodecLibraryError without x264."""
        if not can_be_encoded():
            raise CodecLibraryError(
                "this PyAV has no libx264; its wheels from PyPI do: pip install --force-reinstall av"
            )
        self._options = options or H264Options()
        self._target_bps = self._options.target_bps
        self._context: av.VideoCodecContext | None = None
        self._force_key_frame = False
        self._begun_s = 0.0
        self._pts = -1
        self._closed = False

    def encode(self, frame: VideoFrame, *, force_key_frame: bool = False) -> list[EncodedFrame]:
        """Takes a picture; gives it encoded. Sizes are brought to even numbers, and into the level.

        Timestamps that do not rise count as a 90,000th of a second later than the one before.
        """
        if self._closed:
            raise RuntimeError("the encoder is closed")
        shaped = frame.scaled(*fitting_size(frame.width, frame.height, self._options.level))
        context = self._context
        if context is None or (context.width, context.height) != (shaped.width, shaped.height):
            context = self._context = self._open(shaped.width, shaped.height)
            self._begun_s, self._pts = frame.timestamp_s, -1
        key, self._force_key_frame = force_key_frame or self._force_key_frame, False
        self._pts = max(self._pts + 1, round((frame.timestamp_s - self._begun_s) * CLOCK_HZ))
        whole = np.concatenate([plane.reshape(-1) for plane in shaped.i420])
        given = av.VideoFrame.from_ndarray(whole.reshape(-1, shaped.width), format="yuv420p")
        given.pts = self._pts
        given.time_base = context.time_base
        given.pict_type = PictureType.I if key else PictureType.NONE
        half_typed: Any = context  # PyAV leaves the type of its packets open
        return [
            EncodedFrame(bytes(packet), frame.timestamp_s, 0.0, key=packet.is_keyframe)
            for packet in half_typed.encode(given)
        ]

    def set_rate(self, target_bps: int) -> None:
        """The rate from the next picture on; at least 30,000."""
        self._target_bps = max(30_000, target_bps)
        if self._context is not None:
            self._context.bit_rate = self._target_bps

    def force_key_frame(self) -> None:
        """The next picture becomes a key frame."""
        self._force_key_frame = True

    def close(self) -> None:
        """Frees it; idempotent."""
        self._closed = True
        self._context = None

    def _open(self, width: int, height: int) -> av.VideoCodecContext:
        """Constant bitrate, no look-ahead, no frame out of order, key frames only by wish."""
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height = width, height
        context.pix_fmt = "yuv420p"
        context.time_base = Fraction(1, CLOCK_HZ)
        context.framerate = Fraction(self._options.frame_rate).limit_denominator(1_001)
        context.bit_rate = self._target_bps
        context.max_b_frames = 0
        context.thread_count = _threads(width, height)
        context.options = {
            **_SILENT,
            "preset": "veryfast",
            "tune": "zerolatency",
            "profile": "baseline",
            "forced-idr": "1",
            "maxrate": str(self._target_bps),
            "bufsize": str(_BUFFER_BITS),
            "x264-params": f"keyint=infinite:scenecut=0:aq-mode={0 if self._options.screen_content else 1}",
        }
        context.open()
        return context


class H264Decoder:
    """Access units in, pictures out. What lies between a lost one and the next key frame may look broken."""

    def __init__(self, *, max_pixels: int = 4096 * 2304) -> None:
        """`max_pixels`: of a picture that is still decoded."""
        context = av.CodecContext.create("h264", "r")
        context.options = {**_SILENT, "max_pixels": str(max_pixels)}
        context.flags |= Flags.low_delay.value
        context.thread_type = "SLICE"
        context.thread_count = min(2, os.cpu_count() or 1)
        self._context: av.VideoCodecContext | None = context
        self._errors = 0
        self._last: VideoFrame | None = None

    @property
    def errors(self) -> int:
        """How many frames could not be decoded: ask for a key frame when it rises."""
        return self._errors

    def decode_untrusted(self, data: bytes, timestamp_s: float) -> VideoFrame | None:
        """The picture, or None for a frame that is malformed, too large, or not to be shown."""
        if self._context is None:
            raise RuntimeError("the decoder is closed")
        half_typed: Any = self._context  # as above
        try:
            pictures: list[av.VideoFrame] = half_typed.decode(av.Packet(data)) if data else []
        except (FFmpegError, ValueError):
            pictures = []
        if not pictures:
            self._errors += 1
            return None
        self._last = _copy(pictures[-1], timestamp_s)
        return self._last

    def conceal(self, samples: int, timestamp_s: float) -> VideoFrame | None:
        """The last picture again; None before the first one."""
        return None if self._last is None else self._last.at(timestamp_s)

    def close(self) -> None:
        """Frees it; idempotent."""
        self._context = None


def fitting_size(width: int, height: int, level: int) -> tuple[int, int]:
    """The size of a picture in a level, of even sides: it is scaled when it has too many macroblocks."""
    most = _LARGEST.get(level, _LARGEST[31])
    scale = min(1.0, math.sqrt(most * 256 / (width * height)))
    while True:
        sides = max(2, int(width * scale) & ~1), max(2, int(height * scale) & ~1)
        if math.ceil(sides[0] / 16) * math.ceil(sides[1] / 16) <= most:
            return sides
        scale *= 0.98


def _copy(picture: av.VideoFrame, timestamp_s: float) -> VideoFrame:
    """FFmpeg's picture as I420 of limited range; its sides are even, as those of all H.264 in 4:2:0."""
    width, height = picture.width, picture.height
    whole = np.asarray(picture.to_ndarray(format="yuv420p"), np.uint8).reshape(-1)
    luma, chroma = width * height, width * height // 4
    return VideoFrame(
        (
            whole[:luma].reshape(height, width),
            whole[luma : luma + chroma].reshape(height // 2, width // 2),
            whole[luma + chroma :].reshape(height // 2, width // 2),
        ),
        timestamp_s,
    )


def _threads(width: int, height: int) -> int:
    """Each makes a slice of its own; small pictures gain nothing from more."""
    cpus = os.cpu_count() or 1
    return 2 if width * height >= 1280 * 720 and cpus >= 4 else 1
