"""`audioLevel` and `totalAudioEnergy` (webrtc-stats section 8.10)."""

import numpy as np
import pytest

from visavis.media.frames import AudioFrame
from visavis.media.loudness import Loudness

RATE_HZ = 48_000


def frame(*levels: float, milliseconds: int = 10) -> AudioFrame:
    """A frame whose channels have these root mean squares."""
    count = RATE_HZ * milliseconds // 1000
    samples = np.tile(np.array(levels, np.float32), (count, 1))
    samples[1::2] *= -1
    return AudioFrame(samples, RATE_HZ, 0.0)


def test_the_energy_of_the_standards_example() -> None:
    loudness = Loudness().after(frame(0.5)).after(frame(0.1))
    assert loudness.energy == pytest.approx(0.0026)
    assert loudness.duration_s == pytest.approx(0.02)
    assert loudness.level == pytest.approx(0.1), "of the last"


def test_of_several_channels_the_loudest_counts() -> None:
    samples = np.zeros((480, 2), np.float32)
    samples[:240, 0] = samples[240:, 1] = 0.5
    loudness = Loudness().after(AudioFrame(samples, RATE_HZ, 0.0))
    assert loudness.energy == pytest.approx(0.0025)
    assert loudness.level == pytest.approx(0.5)


def test_full_scale_is_one_and_nothing_changes_nothing() -> None:
    full = AudioFrame(np.full((480, 1), -32768, np.int16), RATE_HZ, 0.0)
    loudness = Loudness().after(full)
    assert loudness.level == 1.0
    assert loudness.after(AudioFrame(np.zeros((0, 1), np.int16), RATE_HZ, 0.0)) == loudness
    assert loudness.after(AudioFrame.silence(480, 1, RATE_HZ, 0.0)).level == 0.0
