"""Who is heard in a received stream (webrtc-pc section 5.3, `getContributingSources`)."""

import threading
import time
from dataclasses import dataclass

from visavis.dataplane import Frame, FrameReceiver
from visavis.rtc.certificate import now_ms
from visavis.rtc.parameters import RTCRtpContributingSource, RTCRtpSynchronizationSource

_KEPT_S = 10.0
_MOST_SOURCES = 64
_SILENCE_DBOV = -127


@dataclass(frozen=True, slots=True)
class _Heard:
    at_s: float
    rtp_timestamp: int
    level: float | None


class HeardSources:
    """Passes frames on, and notes whose they are; at most 64 of each kind, the oldest are forgotten."""

    def __init__(self, frames: FrameReceiver) -> None:
        self._frames = frames
        self._lock = threading.Lock()
        self._ssrcs: dict[int, _Heard] = {}
        self._csrcs: dict[int, _Heard] = {}

    def wait(self, timeout_s: float) -> Frame | None:
        """`FrameSource`: the next frame."""
        frame = self._frames.wait(timeout_s)
        if frame is not None:
            self._note(frame)
        return frame

    @property
    def is_ended(self) -> bool:
        """`FrameSource`: whether no more come."""
        return self._frames.is_ended

    def close(self) -> None:
        """`FrameSource`: gives nothing any more."""
        self._frames.close()

    def synchronization(self) -> list[RTCRtpSynchronizationSource]:
        """The SSRCs of the last ten seconds, the latest first."""
        return [
            RTCRtpSynchronizationSource(timestamp, source, heard.rtp_timestamp, heard.level)
            for timestamp, source, heard in self._recent(self._ssrcs)
        ]

    def contributing(self) -> list[RTCRtpContributingSource]:
        """The CSRCs of the last ten seconds, the latest first."""
        return [
            RTCRtpContributingSource(timestamp, source, heard.rtp_timestamp)
            for timestamp, source, heard in self._recent(self._csrcs)
        ]

    def _note(self, frame: Frame) -> None:
        heard = _Heard(time.monotonic(), frame.timestamp & 0xFFFF_FFFF, _linear(frame.audio_level))
        with self._lock:
            for known, sources in ((self._ssrcs, (frame.ssrc,)), (self._csrcs, frame.csrcs)):
                for source in sources:
                    known.pop(source, None)
                    known[source] = heard
                    if len(known) > _MOST_SOURCES:
                        del known[next(iter(known))]

    def _recent(self, known: dict[int, _Heard]) -> list[tuple[float, int, _Heard]]:
        """The latest first, with wall clock times."""
        now_s, now = time.monotonic(), now_ms()
        with self._lock:
            entries = list(reversed(known.items()))
        return [
            (now - (now_s - heard.at_s) * 1000, source, heard)
            for source, heard in entries
            if now_s - heard.at_s < _KEPT_S
        ]


def _linear(level_dbov: int | None) -> float | None:
    """The standard's conversion: 127 below is 0."""
    if level_dbov is None:
        return None
    return 0.0 if level_dbov <= _SILENCE_DBOV else float(10 ** (level_dbov / 20))
