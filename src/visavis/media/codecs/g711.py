"""G.711, which all telephones have: one byte a sample of 8 kHz (ITU-T G.711; RFC 3551 section 4.5.14)."""

from enum import StrEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from visavis.media.codecs.blocks import SoundBlocks
from visavis.media.codecs.interface import EncodedFrame
from visavis.media.frames import AudioFrame

SAMPLE_RATE_HZ = 8_000
FRAME_MS = (10, 20, 30, 40, 60)
"""How long a packet may be; 20 ms without a wish (RFC 3551 section 4.5)."""

_MAX_PACKET_SAMPLES = SAMPLE_RATE_HZ * 120 // 1000

_Table = NDArray[np.uint8]
_Samples = NDArray[np.int16]

_SHORTEST_PITCH = 40
_LONGEST_PITCH = 120
"""In samples: voices of 200 to 66 Hz (G.711 appendix I section 2.3)."""
_HEARD_SAMPLES = 3 * _LONGEST_PITCH
_FADING_FROM = SAMPLE_RATE_HZ * 10 // 1000
_SILENT_FROM = SAMPLE_RATE_HZ * 60 // 1000


class Law(StrEnum):
    """How amplitudes become bytes."""

    MU = "PCMU"
    A = "PCMA"


class G711Encoder:
    """Frames of 8 kHz, one channel and any length in, packets of `frame_ms` out."""

    def __init__(self, law: Law, frame_ms: int = 20) -> None:
        """Raises ValueError for a length that is not one of `FRAME_MS`."""
        if frame_ms not in FRAME_MS:
            raise ValueError(f"a packet has {FRAME_MS} ms, not {frame_ms}")
        self._table = _encoding(law)
        self._blocks = SoundBlocks(SAMPLE_RATE_HZ, 1, frame_ms)

    def encode(self, frame: AudioFrame, *, force_key_frame: bool = False) -> list[EncodedFrame]:
        """Takes sound, and gives the packets that it completes.

        Raises:
            ValueError: The frame has not 8 kHz and one channel.
        """
        duration_s = self._blocks.duration_s
        return [
            EncodedFrame(self._table[block.view(np.uint16)].tobytes(), begins_s, duration_s, key=True)
            for block, begins_s in self._blocks.add(frame)
        ]

    def set_rate(self, target_bps: int) -> None:
        """Nothing: it has one rate, 64 kb/s."""

    def force_key_frame(self) -> None:
        """Nothing: it has no key frames."""

    def close(self) -> None:
        """Nothing to free."""


class G711Decoder:
    """Packets in, frames of 8 kHz with one channel out."""

    def __init__(self, law: Law) -> None:
        """Which bytes come."""
        self._table = _decoding(law)
        self._errors = 0
        self._heard: _Samples = np.zeros(_HEARD_SAMPLES, np.int16)
        self._cycle: _Samples | None = None
        self._concealed_samples = 0

    @property
    def errors(self) -> int:
        """How many packets were empty, or longer than 120 ms."""
        return self._errors

    def decode_untrusted(self, data: bytes, timestamp_s: float) -> AudioFrame | None:
        """The sound of a packet; None for one without sound, or with too much."""
        if not 0 < len(data) <= _MAX_PACKET_SAMPLES:
            self._errors += 1
            return None
        samples = self._table[np.frombuffer(data, np.uint8)]
        self._heard = np.concatenate((self._heard, samples))[-_HEARD_SAMPLES:]
        self._cycle, self._concealed_samples = None, 0
        return AudioFrame(samples.reshape(-1, 1), SAMPLE_RATE_HZ, timestamp_s)

    def conceal(self, samples: int, timestamp_s: float) -> AudioFrame:
        """The last cycle of the voice again and again, fading until 60 ms (after G.711 appendix I)."""
        if self._cycle is None:
            self._cycle = self._heard[-_pitch(self._heard) :]
        begin = self._concealed_samples
        self._concealed_samples += samples
        places = np.arange(begin, begin + samples)
        gain = np.clip((_SILENT_FROM - places) / (_SILENT_FROM - _FADING_FROM), 0, 1)
        sound = np.rint(self._cycle[places % len(self._cycle)] * gain).astype(np.int16)
        return AudioFrame(sound.reshape(-1, 1), SAMPLE_RATE_HZ, timestamp_s)

    def close(self) -> None:
        """Nothing to free."""


def _pitch(heard: _Samples) -> int:
    """After how many samples the sound resembles itself the most."""
    now = heard[-_LONGEST_PITCH:].astype(np.float64)
    lags = range(_SHORTEST_PITCH, _LONGEST_PITCH + 1)
    before = np.stack([heard[-_LONGEST_PITCH - lag : -lag] for lag in lags]).astype(np.float64)
    energy = np.sqrt(np.sum(before * before, axis=1)) + 1
    return _SHORTEST_PITCH + int(np.argmax(before @ now / energy))


@cache
def _decoding(law: Law) -> _Samples:
    """The sample, in 16 bits, of each byte."""
    codes = np.arange(256, dtype=np.int32)
    if law is Law.MU:
        sent = ~codes & 0xFF
        magnitude = (((sent & 0x0F) << 3) + 0x84 << (sent >> 4 & 7)) - 0x84
        negative = sent & 0x80 != 0
    else:
        sent = codes ^ 0x55
        segment, step = sent >> 4 & 7, (sent & 0x0F) << 4
        magnitude = np.where(segment == 0, step + 8, step + 0x108 << np.maximum(segment - 1, 0))
        negative = sent & 0x80 == 0
    return np.where(negative, -magnitude, magnitude).astype(np.int16)


@cache
def _encoding(law: Law) -> _Table:
    """The byte of each sample, read as 16 bits without sign."""
    samples = np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32)
    folded = np.where(samples < 0, ~samples, samples)
    if law is Law.MU:
        biased = np.minimum((folded >> 2) + 33, 0x1FFF)
        segment = _segment(biased, 6)
        code = segment << 4 | (biased >> segment + 1 & 0x0F) | np.where(samples < 0, 0x80, 0)
        return np.asarray(~code & 0xFF, np.uint8)
    steps = folded >> 4
    segment = _segment(steps, 5) + 1
    code = np.where(steps < 16, steps, segment << 4 | (steps >> np.maximum(segment - 1, 0) & 0x0F))
    return np.asarray(code ^ np.where(samples < 0, 0x55, 0xD5), np.uint8)


def _segment(magnitude: NDArray[np.int32], bits: int) -> NDArray[np.int32]:
    """By how many bits a magnitude is longer than `bits`."""
    _, length = np.frexp(magnitude.astype(np.float64))
    return np.maximum(length.astype(np.int32) - bits, 0)
