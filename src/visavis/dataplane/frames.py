"""Encoded frames: what a track's encoder sends and its decoder receives, each from a thread of its own."""

from typing import TYPE_CHECKING, Final, Protocol

from visavis.dataplane._native import Frame
from visavis.dataplane.commands import TrackId

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["DEFAULT_CAPACITY", "Frame", "FrameReceiver", "FrameSender", "NativeFrames"]

DEFAULT_CAPACITY: Final = 64
"""How many frames a receiver lets wait: two seconds of video, more than one of audio."""


class FrameReceiver(Protocol):
    """The frames of one layer of a track, as `visavis.dataplane._native.FrameReceiver` gives them to any
    thread; tests bring their own."""

    def wait(self, timeout_s: float) -> Frame | None:
        """The oldest frame that waits, else the next that comes in time; None too when the track has
        ended."""
        ...

    def try_get(self) -> Frame | None:
        """The oldest frame that waits."""
        ...

    @property
    def is_ended(self) -> bool:
        """The track has ended, and all its frames were taken."""
        ...

    @property
    def dropped(self) -> int:
        """How many frames were dropped because they were not taken in time."""
        ...

    def close(self) -> None:
        """Nothing comes any more; threads that wait return. Idempotent."""


class NativeFrames(Protocol):
    """What a `FrameSender` needs of the compiled `DataPlane`."""

    def send_frame(
        self,
        track: int,
        payload_type: int,
        timestamp: int,
        data: "Buffer",
        *,
        key: bool,
        layer: int = ...,
        capture_time_s: float | None = ...,
        audio_level: int | None = ...,
        voice: bool = ...,
    ) -> bool:
        """As `visavis.dataplane._native.DataPlane.send_frame`."""
        ...


class FrameSender:
    """Sends the frames of one layer of a local source; any thread may use it."""

    def __init__(self, native: NativeFrames, track: TrackId, layer: int = 0) -> None:
        self._native = native
        self._track = track
        self._layer = layer

    @property
    def track(self) -> TrackId:
        """The source's track."""
        return self._track

    def send_frame(
        self,
        payload_type: int,
        timestamp: int,
        data: "Buffer",
        key: bool,
        capture_time_s: float | None = None,
        audio_level: int | None = None,
        voice: bool = False,
    ) -> bool:
        """Sends an encoded frame: `timestamp` in RTP ticks (its low 32 bits count), `capture_time_s` on the
        clock of `time.monotonic()` (None: now), `audio_level` in dBov from -127 to 0 with `voice` for speech
        (RFC 6464).

        Returns: False if the data plane is overloaded: the frame is dropped, and of video each one that
            follows up to a key frame, which the encoder should make.

        Raises:
            ValueError: The source is not open or has no such payload type; the frame is empty or too long;
                its own bits deny `key`.
            RuntimeError: The plane is closed, or the process forked.
        """
        return self._native.send_frame(
            self._track,
            payload_type,
            timestamp & 0xFFFFFFFF,
            data,
            key=key,
            layer=self._layer,
            capture_time_s=capture_time_s,
            audio_level=audio_level,
            voice=voice,
        )
