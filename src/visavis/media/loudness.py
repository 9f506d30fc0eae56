"""How loud sound was, as webrtc-stats counts it (RTCAudioSourceStats, RTCInboundRtpStreamStats)."""

import math
from dataclasses import dataclass

import numpy as np

from visavis.media.frames import AudioFrame


@dataclass(frozen=True, slots=True)
class Loudness:
    """Of all sound so far, and of the last of it.

    Attributes:
        energy: `totalAudioEnergy`: the squares of all samples, each times its duration; of several channels
            the loudest.
        duration_s: `totalSamplesDuration`.
        level: `audioLevel`: the root mean square of the last frame, 1 is full scale.
    """

    energy: float = 0.0
    duration_s: float = 0.0
    level: float = 0.0

    def after(self, frame: AudioFrame) -> "Loudness":
        """With one more frame."""
        if not frame.samples.size:
            return self
        samples = frame.as_float32()
        loudest = np.abs(samples).max(axis=1) if frame.channels > 1 else samples[:, 0]
        mean_square = float(np.dot(loudest, loudest)) / len(loudest)
        return Loudness(
            self.energy + mean_square * frame.duration_s,
            self.duration_s + frame.duration_s,
            min(1.0, math.sqrt(mean_square)),
        )
