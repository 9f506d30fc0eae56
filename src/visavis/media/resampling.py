"""Sound at another rate, by FFmpeg's swresample, which releases the GIL."""

import numpy as np
from av import AudioFrame as FFmpegFrame
from av import AudioResampler
from numpy.typing import NDArray

from visavis.media.frames import AudioFrame
from visavis.media.shaping import with_channels


class AudioConverter:
    """Frames of any rate and number of channels in, frames of one kind out. It keeps what the filter needs to
    know of the sound before; sound of another rate, or after a gap, begins anew."""

    def __init__(self, sample_rate_hz: int, channels: int) -> None:
        """What comes out; `channels` is 1 or 2."""
        self._sample_rate_hz = sample_rate_hz
        self._channels = channels
        self._resampler: AudioResampler | None = None
        self._rate_in_hz = 0
        self._next_in_s = 0.0
        self._next_out_s = 0.0

    def convert(self, frame: AudioFrame) -> AudioFrame | None:
        """The sound that is complete by now; None while there is none yet."""
        mixed = with_channels(frame, self._channels)
        if frame.sample_rate_hz == self._sample_rate_hz:
            return mixed
        continues = abs(frame.timestamp_s - self._next_in_s) < frame.duration_s
        if self._resampler is None or frame.sample_rate_hz != self._rate_in_hz or not continues:
            layout = "mono" if self._channels == 1 else "stereo"
            self._resampler = AudioResampler(format="s16", layout=layout, rate=self._sample_rate_hz)
            self._rate_in_hz = frame.sample_rate_hz
            self._next_out_s = frame.timestamp_s
        self._next_in_s = frame.timestamp_s + frame.duration_s
        samples = self._resample(self._resampler, mixed)
        timestamp_s = self._next_out_s
        self._next_out_s += len(samples) / self._sample_rate_hz
        return AudioFrame(samples, self._sample_rate_hz, timestamp_s) if len(samples) else None

    def _resample(self, resampler: AudioResampler, frame: AudioFrame) -> NDArray[np.int16]:
        layout = "mono" if self._channels == 1 else "stereo"
        interleaved = np.ascontiguousarray(frame.as_int16()).reshape(1, -1)
        given = FFmpegFrame.from_ndarray(interleaved, format="s16", layout=layout)
        given.sample_rate = frame.sample_rate_hz
        parts = [part.to_ndarray().reshape(-1, self._channels) for part in resampler.resample(given)]
        if not parts:
            return np.empty((0, self._channels), np.int16)
        return np.concatenate(parts).astype(np.int16, copy=False)


def read_ffmpeg_sound(frame: FFmpegFrame) -> NDArray[np.int16]:
    """The samples of what FFmpeg decoded, whatever its format is, as `(samples, channels) int16`."""
    channels = frame.layout.nb_channels
    packed = AudioResampler(format="s16", layout=frame.layout, rate=frame.sample_rate)
    parts = [part.to_ndarray().reshape(-1, channels) for part in packed.resample(frame)]
    return np.concatenate(parts).astype(np.int16, copy=False)
