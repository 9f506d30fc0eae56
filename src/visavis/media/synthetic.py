"""Devices without hardware: a camera that shows a test card, and a microphone that hears a tone."""

import math
from abc import ABC, abstractmethod

import numpy as np

from visavis.clock import Clock, TimerHandle
from visavis.media.capabilities import CameraChoices, MicrophoneChoices
from visavis.media.frames import AudioFrame
from visavis.media.source import MediaSource
from visavis.media.testcard import draw

TONE_HZ = 440.0
BLOCK_S = 0.02
"""How much sound comes at a time."""

_AMPLITUDE = 0.25


class _PacedSource(MediaSource, ABC):
    """Numbered frames at equal intervals. One that is late is left out, so that the clock stays true."""

    _clock: Clock
    _timer: TimerHandle | None = None
    _origin_s: float | None = None

    def _start(self) -> None:
        if self._origin_s is None:
            self._origin_s = self._clock.monotonic()
        self._schedule(self._due_number())

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @abstractmethod
    def _interval_s(self) -> float: ...

    @abstractmethod
    def _produce(self, number: int, timestamp_s: float) -> None: ...

    def _due_number(self) -> int:
        """The first frame that is not in the past."""
        elapsed_s = self._clock.monotonic() - (self._origin_s or 0.0)
        return max(0, math.ceil(elapsed_s / self._interval_s() - 1e-6))

    def _schedule(self, number: int) -> None:
        due_s = (self._origin_s or 0.0) + number * self._interval_s()

        def tick() -> None:
            with self._lock:
                if self._timer is not timer:
                    return  # stopped meanwhile
                self._schedule(max(number + 1, self._due_number()))
            self._produce(number, due_s)

        timer = self._timer = self._clock.call_later(max(0.0, due_s - self._clock.monotonic()), tick)


class SyntheticCamera(_PacedSource):
    """The test card of `visavis.media.testcard`, in the smallest mode that its tracks' settings need."""

    def __init__(self, choices: CameraChoices, clock: Clock, *, label: str = "") -> None:
        super().__init__("video", label=label, constrainable=choices)
        self._choices = choices
        self._clock = clock
        self._mode = choices.modes[0]

    def settings_changed(self) -> None:
        """Takes the mode that now covers what all its tracks have chosen; the counter goes on."""
        with self._lock:
            mode = self._choices.mode_for(track.getSettings() for track in self._tracks)
            if mode.frame_rate != self._mode.frame_rate and self._origin_s is not None:
                now_s = self._clock.monotonic()
                number = math.ceil((now_s - self._origin_s) * self._mode.frame_rate - 1e-6)
                self._origin_s = now_s - number / mode.frame_rate
            self._mode = mode
            if self._running:
                self._stop()
                self._start()

    def _interval_s(self) -> float:
        return 1 / self._mode.frame_rate

    def _produce(self, number: int, timestamp_s: float) -> None:
        mode = self._mode
        self.emit(draw(number, mode.width, mode.height, timestamp_s))


class SyntheticMicrophone(_PacedSource):
    """A sine wave, whose phase is that of its clock: the same sample has the same value, whoever takes it."""

    def __init__(
        self, choices: MicrophoneChoices, clock: Clock, *, label: str = "", tone_hz: float = TONE_HZ
    ) -> None:
        super().__init__("audio", label=label, constrainable=choices)
        self._choices = choices
        self._clock = clock
        self._tone_hz = tone_hz
        self._rate_hz = choices.sample_rates_hz[0]
        self._channels = choices.channel_counts[0]

    def settings_changed(self) -> None:
        """Takes the highest rate and the most channels that a track has chosen."""
        settings = [track.getSettings() for track in self._tracks]
        with self._lock:
            self._rate_hz = max((int(chosen["sampleRate"]) for chosen in settings), default=self._rate_hz)
            self._channels = max((int(chosen["channelCount"]) for chosen in settings), default=self._channels)

    def _interval_s(self) -> float:
        return BLOCK_S

    def _produce(self, number: int, timestamp_s: float) -> None:
        samples = round(self._rate_hz * BLOCK_S)
        times = np.arange(number * samples, (number + 1) * samples, dtype=np.float64) / self._rate_hz
        wave = np.rint(np.sin(times * (2 * np.pi * self._tone_hz)) * (_AMPLITUDE * 32767)).astype(np.int16)
        sound = np.repeat(wave[:, None], self._channels, axis=1)
        self.emit(AudioFrame(sound, self._rate_hz, timestamp_s))
