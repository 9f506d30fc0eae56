"""Frames as a track's settings want them: size and frame rate, number of channels."""

from dataclasses import replace

import numpy as np

from visavis.media.constraints import Settings
from visavis.media.frames import AudioFrame, VideoFrame

_TOLERANCE = 0.1
"""Of a frame's duration: by how much one that comes early still counts as due."""


class VideoShaper:
    """Crops, scales, and leaves out frames (`crop-and-scale` of W3C mediacapture-main section 4.3.8).

    Configured by one thread while another shapes: settings are replaced as a whole.
    """

    def __init__(self) -> None:
        self._size: tuple[int, int] | None = None
        self._interval_s = 0.0
        self._due_s: float | None = None

    def configure(self, settings: Settings) -> None:
        """Takes `width`, `height` and `frameRate` from settings; without them frames pass as they come."""
        width, height, rate = (settings.get(name) for name in ("width", "height", "frameRate"))
        self._size = (width, height) if isinstance(width, int) and isinstance(height, int) else None
        self._interval_s = 1 / rate if isinstance(rate, int | float) and rate > 0 else 0.0
        self._due_s = None

    def shape(self, frame: VideoFrame) -> VideoFrame | None:
        """The frame in its new size, or None when it is left out."""
        if self._interval_s and not self._is_due(frame.timestamp_s):
            return None
        return frame if self._size is None else frame.scaled(*self._size)

    def _is_due(self, timestamp_s: float) -> bool:
        """Whether a frame is the next to be shown; one that is far from what was expected begins anew."""
        due_s = timestamp_s if self._due_s is None else self._due_s
        early_s = due_s - timestamp_s
        if self._interval_s * _TOLERANCE < early_s < self._interval_s * 2:
            return False
        if abs(early_s) >= self._interval_s:
            due_s = timestamp_s
        self._due_s = due_s + self._interval_s
        return True


class AudioShaper:
    """Mono of stereo and stereo of mono, where the settings say how many channels there are."""

    def __init__(self) -> None:
        self._channels: int | None = None

    def configure(self, settings: Settings) -> None:
        """Takes `channelCount` from settings; without it frames pass as they come."""
        channels = settings.get("channelCount")
        self._channels = channels if isinstance(channels, int) else None

    def shape(self, frame: AudioFrame) -> AudioFrame:
        """The frame with that many channels."""
        return frame if self._channels is None else with_channels(frame, self._channels)


def with_channels(frame: AudioFrame, channels: int) -> AudioFrame:
    """One channel is the mean of all; of one, each is a copy; else what is missing is the last one's copy."""
    if frame.channels == channels:
        return frame
    if channels == 1:
        mean = frame.samples.mean(axis=1, keepdims=True, dtype=np.float32)
        samples = np.rint(mean).astype(np.int16) if frame.samples.dtype == np.int16 else mean
        return replace(frame, samples=samples)
    picked = np.minimum(np.arange(channels), frame.channels - 1)
    return replace(frame, samples=frame.samples[:, picked])
