"""Sound in frames of any length, cut into the blocks that an encoder takes."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from visavis.media.frames import AudioFrame


class SoundBlocks:
    """Collects sound until a block is whole; sound that does not follow (by more than half a block) drops
    what waits."""

    def __init__(self, sample_rate_hz: int, channels: int, block_ms: int) -> None:
        """Of the blocks, and of the sound that is given."""
        self._sample_rate_hz = sample_rate_hz
        self._channels = channels
        self._samples = sample_rate_hz * block_ms // 1000
        self._waiting: NDArray[np.int16] = np.empty((0, channels), np.int16)
        self._since_s = 0.0

    @property
    def duration_s(self) -> float:
        """Of a block."""
        return self._samples / self._sample_rate_hz

    def add(self, frame: AudioFrame) -> Iterator[tuple[NDArray[np.int16], float]]:
        """Each block that is whole now, `(samples, channels) int16` in one piece, and when it begins.

        Raises:
            ValueError: The frame has another rate, or other channels.
        """
        if frame.sample_rate_hz != self._sample_rate_hz or frame.channels != self._channels:
            raise ValueError(
                f"the encoder takes {self._channels} channels of {self._sample_rate_hz} Hz, "
                f"not {frame.channels} of {frame.sample_rate_hz} Hz"
            )
        expected_s = self._since_s + len(self._waiting) / self._sample_rate_hz
        if not len(self._waiting) or abs(frame.timestamp_s - expected_s) > self.duration_s / 2:
            self._waiting, self._since_s = frame.as_int16(), frame.timestamp_s
        else:
            self._waiting = np.concatenate((self._waiting, frame.as_int16()))
        return self._whole()

    def _whole(self) -> Iterator[tuple[NDArray[np.int16], float]]:
        while len(self._waiting) >= self._samples:
            block, begins_s = self._waiting[: self._samples], self._since_s
            self._waiting = self._waiting[self._samples :]
            self._since_s += self.duration_s
            yield np.ascontiguousarray(block), begins_s
