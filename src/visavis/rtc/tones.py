"""Telephone keys in a stream of sound (RFC 4733): while one is pressed, its event stands for the sound."""

import threading
from dataclasses import dataclass

from visavis.media.sending import FrameSink

_EVENTS = {tone: number for number, tone in enumerate("0123456789*#ABCD")}
_VOLUME_DBM0 = 10
_END = 0x80
_LAST_DURATION = 0xFFFF
_END_PACKETS = 3
"""RFC 4733 section 2.5.1.4: the end is said three times, since it may be lost."""


@dataclass(slots=True)
class _Pressed:
    event: int
    duration_ticks: int
    start: int | None = None


class ToneSink:
    """Between an encoder and the network: frames pass, but while a key is pressed its event goes instead.

    The encoder's frames are the clock, 20 ms each: an event lasts up to one frame longer than asked for.
    `press` may be called from any thread.
    """

    def __init__(self, sink: FrameSink, payload_type: int, clock_hz: int) -> None:
        """`payload_type`: how the sink calls telephone events, whose clock is that of the sound."""
        self._sink = sink
        self._payload_type = payload_type
        self._clock_hz = clock_hz
        self._lock = threading.Lock()
        self._pressed: _Pressed | None = None

    def press(self, tone: str, duration_s: float) -> None:
        """Presses a key, one of 0 to 9, A to D, `*`, `#`, from the next frame on; lets another go."""
        with self._lock:
            self._pressed = _Pressed(_EVENTS[tone], round(duration_s * self._clock_hz))

    def send_frame(
        self,
        payload_type: int,
        timestamp: int,
        data: bytes,
        key: bool,
        capture_time_s: float | None = None,
        audio_level: int | None = None,
        voice: bool = False,
    ) -> bool:
        """`FrameSink`: the frame, or the event of the key that is pressed (RFC 4733 section 2.3)."""
        with self._lock:
            pressed = self._pressed
        if pressed is None:
            return self._sink.send_frame(
                payload_type, timestamp, data, key, capture_time_s, audio_level, voice
            )
        if pressed.start is None:
            pressed.start = timestamp
        elapsed = timestamp - pressed.start
        over = elapsed >= pressed.duration_ticks
        event = bytes((pressed.event, (_END if over else 0) | _VOLUME_DBM0)) + min(
            elapsed, _LAST_DURATION
        ).to_bytes(2, "big")
        sent = True
        for _ in range(_END_PACKETS if over else 1):
            sent = self._sink.send_frame(
                self._payload_type, pressed.start, event, True, capture_time_s, audio_level, True
            )
        if over:
            with self._lock:
                if self._pressed is pressed:
                    self._pressed = None
        return sent
