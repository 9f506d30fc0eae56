"""Pictures and sound as numpy arrays, with the time of their capture."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from visavis.media import pictures

Picture = NDArray[np.uint8]
"""RGB: `(height, width, 3) uint8`. A plane of I420: `(height, width) uint8`."""

Samples = NDArray[np.int16] | NDArray[np.float32]
"""`(samples, channels)`, int16 or float32 from -1 to 1."""

SILENT_DBOV = -127
"""The level of silence (RFC 6464 section 3)."""


@dataclass(frozen=True)
class VideoFrame:
    """A picture, either as I420 or as RGB; the other form is made when it is asked for, and kept.

    I420 is BT.601 with limited range, its chroma planes half the size, rounded up. The arrays are shared and
    not copied: who keeps one and changes it changes the frame.

    Attributes:
        planes: `(y, u, v)`, or `(rgb,)`.
        timestamp_s: When it was captured, in seconds of `time.monotonic()`.
    """

    planes: tuple[Picture, Picture, Picture] | tuple[Picture]
    timestamp_s: float

    @staticmethod
    def from_rgb(rgb: Picture, timestamp_s: float) -> "VideoFrame":
        """A frame of `(height, width, 3) uint8`. Raises ValueError for another shape or type."""
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
            raise ValueError(f"a picture is (height, width, 3) uint8, not {rgb.shape} {rgb.dtype}")
        return VideoFrame((rgb,), timestamp_s)

    @staticmethod
    def from_i420(y: Picture, u: Picture, v: Picture, timestamp_s: float) -> "VideoFrame":
        """A frame of three planes of uint8. Raises ValueError when their sizes or types do not fit."""
        chroma = tuple((side + 1) // 2 for side in y.shape)
        if y.ndim != 2 or 0 in y.shape or u.shape != chroma or v.shape != chroma:
            raise ValueError(f"no I420: planes of {y.shape}, {u.shape}, {v.shape}")
        if any(plane.dtype != np.uint8 for plane in (y, u, v)):
            raise ValueError(f"no I420: planes of {y.dtype}, {u.dtype}, {v.dtype}")
        return VideoFrame((y, u, v), timestamp_s)

    @staticmethod
    def black(width: int, height: int, timestamp_s: float) -> "VideoFrame":
        """A picture without information."""
        chroma = np.full(((height + 1) // 2, (width + 1) // 2), 128, np.uint8)
        return VideoFrame((np.full((height, width), 16, np.uint8), chroma, chroma), timestamp_s)

    def __repr__(self) -> str:
        """Its size, form and time, without the pixels."""
        form = "I420" if len(self.planes) == 3 else "RGB"
        return f"VideoFrame({self.width}x{self.height} {form}, timestamp_s={self.timestamp_s:.6f})"

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.planes[0].shape[1])

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.planes[0].shape[0])

    @property
    def format(self) -> Literal["I420", "RGB"]:
        """What `planes` has."""
        return "I420" if len(self.planes) == 3 else "RGB"

    @cached_property
    def i420(self) -> tuple[Picture, Picture, Picture]:
        """The three planes."""
        return self.planes if len(self.planes) == 3 else pictures.rgb_to_i420(self.planes[0])

    @cached_property
    def rgb(self) -> Picture:
        """`(height, width, 3) uint8`."""
        return self.planes[0] if len(self.planes) == 1 else pictures.i420_to_rgb(self.planes)

    def scaled(self, width: int, height: int) -> "VideoFrame":
        """Cropped in the middle to the new shape, and scaled; itself when the size is the same."""
        if (width, height) == (self.width, self.height):
            return self
        return VideoFrame(pictures.crop_and_scale(self.i420, width, height), self.timestamp_s)

    def at(self, timestamp_s: float) -> "VideoFrame":
        """The same picture at another time."""
        return replace(self, timestamp_s=timestamp_s)


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """A stretch of sound.

    Attributes:
        samples: `(samples, channels)`, int16 or float32.
        sample_rate_hz: Samples per second and channel.
        timestamp_s: When its first sample was captured, in seconds of `time.monotonic()`.
    """

    samples: Samples
    sample_rate_hz: int
    timestamp_s: float

    def __repr__(self) -> str:
        """Its shape, rate and time, without the samples."""
        shape = f"{self.samples.shape} {self.samples.dtype}"
        return f"AudioFrame({shape}, {self.sample_rate_hz} Hz, timestamp_s={self.timestamp_s:.6f})"

    def __post_init__(self) -> None:
        """Raises ValueError for another shape or type of samples."""
        if self.samples.ndim != 2 or str(self.samples.dtype) not in ("int16", "float32"):
            raise ValueError(
                "sound is (samples, channels) int16 or float32, "
                f"not {self.samples.shape} {self.samples.dtype}"
            )

    @staticmethod
    def silence(samples: int, channels: int, sample_rate_hz: int, timestamp_s: float) -> "AudioFrame":
        """Sound without information."""
        return AudioFrame(np.zeros((samples, channels), np.int16), sample_rate_hz, timestamp_s)

    @property
    def channels(self) -> int:
        """1 is mono, 2 stereo."""
        return int(self.samples.shape[1])

    @property
    def duration_s(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.sample_rate_hz

    def as_int16(self) -> NDArray[np.int16]:
        """The samples, converted when they are float32; what is out of range is clipped."""
        if self.samples.dtype == np.int16:
            return self.samples.astype(np.int16, copy=False)
        scaled: NDArray[np.int16] = np.clip(np.rint(self.samples * 32767.0), -32768, 32767).astype(np.int16)
        return scaled

    def as_float32(self) -> NDArray[np.float32]:
        """The samples from -1 to 1, converted when they are int16."""
        if self.samples.dtype == np.float32:
            return self.samples.astype(np.float32, copy=False)
        return self.samples.astype(np.float32) / np.float32(32768.0)

    def level_dbov(self) -> int:
        """The root mean square against full scale, from -127 (silence) to 0 (RFC 6464 section 3)."""
        if not self.samples.size:
            return SILENT_DBOV
        square = float(np.mean(np.square(self.as_float32(), dtype=np.float32), dtype=np.float64))
        return SILENT_DBOV if square <= 1e-13 else max(SILENT_DBOV, min(0, round(10 * np.log10(square))))


Frame = VideoFrame | AudioFrame
"""What a track carries."""
