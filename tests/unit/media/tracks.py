"""Sources and devices on a clock that the test moves."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from visavis.media import AudioFrame, FrameQueue, MediaDevices, VideoFrame, synthetic_devices
from visavis.testing.clock import ManualClock

FrameT = TypeVar("FrameT")


def devices() -> tuple[MediaDevices, ManualClock]:
    clock = ManualClock()
    return MediaDevices(synthetic_devices(clock)), clock


def drain(queue: FrameQueue[FrameT]) -> list[FrameT]:
    frames: list[FrameT] = []
    while (frame := queue.get(0)) is not None:
        frames.append(frame)
    return frames


def noise(width: int = 64, height: int = 48, seed: int = 1) -> VideoFrame:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return VideoFrame.from_rgb(pixels, 0.0)


def tone(frequency_hz: float, seconds: float, channels: int = 1, sample_rate_hz: int = 48_000) -> AudioFrame:
    times = np.arange(round(seconds * sample_rate_hz)) / sample_rate_hz
    wave = (np.sin(2 * np.pi * frequency_hz * times) * 8000).astype(np.int16)
    return AudioFrame(np.repeat(wave[:, None], channels, axis=1), sample_rate_hz, 0.0)


def frequency_hz(samples: NDArray[Any], sample_rate_hz: int = 48_000) -> float:
    """The strongest frequency of the first channel."""
    channel = samples[:, 0] * np.hanning(len(samples))
    return float(np.argmax(np.abs(np.fft.rfft(channel))) * sample_rate_hz / len(samples))
