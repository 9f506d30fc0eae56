"""What stands for the network between a sending and a receiving pipeline."""

import queue
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class SentFrame:
    """An encoded frame, as both ends see it."""

    payload_type: int
    timestamp: int
    data: bytes
    key: bool
    capture_time_s: float | None = None
    audio_level: int | None = None
    voice: bool = False
    received_s: float = 0.0
    lost_before: int = 0


class Pipe:
    """Takes frames as a sink, gives them as a source; frames wait in it, so nothing depends on speed."""

    def __init__(self) -> None:
        self.accepts = True
        self._frames = queue.Queue[SentFrame | None]()
        self._ended = False

    @property
    def is_ended(self) -> bool:
        return self._ended

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
        sent = SentFrame(payload_type, timestamp, data, key, capture_time_s, audio_level, voice)
        if self.accepts:
            self._frames.put(sent)
        return self.accepts

    def put(self, frame: SentFrame) -> None:
        self._frames.put(frame)

    def end(self) -> None:
        """No more frames come."""
        self._frames.put(None)

    def take(self) -> SentFrame:
        """The next frame; waits for it."""
        frame = self._frames.get(timeout=10)
        assert frame is not None
        return frame

    def wait(self, timeout_s: float) -> SentFrame | None:
        try:
            frame = self._frames.get(timeout=timeout_s)
        except queue.Empty:
            return None
        self._ended = self._ended or frame is None
        return frame

    def close(self) -> None:
        self._ended = True
        self._frames.put(None)


class BrokenSink:
    """Its source is closed."""

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
        raise RuntimeError("the data plane is closed")


def lost(frame: SentFrame, before: int) -> SentFrame:
    """The frame, told to follow a loss."""
    return replace(frame, lost_before=before)
