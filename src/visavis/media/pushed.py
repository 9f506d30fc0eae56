"""Sources that a program feeds: `push` from any thread, or a coroutine that is asked for frames."""

import asyncio
import logging
from collections.abc import AsyncIterable, Awaitable, Callable

from visavis.clock import Clock
from visavis.media.frames import AudioFrame, Frame, Picture, Samples, VideoFrame
from visavis.media.pacing import CAPTURE_CLOCK
from visavis.media.source import Kind, MediaSource
from visavis.media.track import MediaStreamTrack

_log = logging.getLogger(__name__)

_MAX_DRIFT_S = 0.2
"""Sound that comes later than it should by more follows a pause; by less, it is the pusher's jitter."""


class VideoSource(MediaSource):
    """Pictures that a program pushes."""

    def __init__(self, *, label: str = "", clock: Clock = CAPTURE_CLOCK) -> None:
        super().__init__("video", label=label)
        self._clock = clock

    def push(self, picture: VideoFrame | Picture) -> None:
        """Gives a picture to all tracks: a frame, or `(height, width, 3) uint8` of RGB, captured now.

        From any thread; nothing is copied, so the array must not be changed afterwards.

        Raises:
            ValueError: The array has another shape or type.
        """
        if not isinstance(picture, VideoFrame):
            picture = VideoFrame.from_rgb(picture, self._clock.monotonic())
        self.emit(picture)

    def create_track(self) -> MediaStreamTrack:
        """A track that shows what is pushed."""
        return MediaStreamTrack(self)


class AudioSource(MediaSource):
    """Sound that a program pushes, as it is made: what is pushed at once is sent at once."""

    def __init__(
        self, *, sample_rate_hz: int = 48_000, label: str = "", clock: Clock = CAPTURE_CLOCK
    ) -> None:
        """`sample_rate_hz` is that of arrays which are pushed."""
        super().__init__("audio", label=label)
        self._sample_rate_hz = sample_rate_hz
        self._clock = clock
        self._next_s: float | None = None

    def push(self, sound: AudioFrame | Samples) -> None:
        """Gives sound to all tracks: a frame, or `(samples, channels)`, int16 or float32.

        An array follows the one before without a gap, unless it comes a fifth of a second too late. From any
        thread, one at a time; nothing is copied.

        Raises:
            ValueError: The array has another shape or type.
        """
        if not isinstance(sound, AudioFrame):
            now_s = self._clock.monotonic()
            follows = self._next_s is not None and now_s - self._next_s < _MAX_DRIFT_S
            start_s = self._next_s if follows and self._next_s is not None else now_s
            sound = AudioFrame(sound, self._sample_rate_hz, start_s)
            self._next_s = start_s + sound.duration_s
        self.emit(sound)

    def create_track(self) -> MediaStreamTrack:
        """A track that plays what is pushed."""
        return MediaStreamTrack(self)


class PulledSource(MediaSource):
    """Frames of an async iterator, or of a coroutine function that is called for each, at their maker's pace.

    It is asked for frames while somebody takes them, on the event loop on which the first one began to. The
    source ends with the iterator, and when either raises StopAsyncIteration.
    """

    def __init__(
        self,
        kind: Kind,
        frames: AsyncIterable[Frame] | Callable[[], Awaitable[Frame]],
        *,
        label: str = "",
    ) -> None:
        super().__init__(kind, label=label)
        self._produce: Callable[[], Awaitable[Frame]]
        self._produce = frames if callable(frames) else aiter(frames).__anext__
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._resumed = asyncio.Event()

    def create_track(self) -> MediaStreamTrack:
        """A track of these frames."""
        return MediaStreamTrack(self)

    def _start(self) -> None:
        """Raises RuntimeError the first time when no event loop runs in this thread."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._task = self._loop.create_task(self._pull())
        self._loop.call_soon_threadsafe(self._resumed.set)

    def _stop(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._pause)

    def _pause(self) -> None:
        if self.ended and self._task is not None:
            self._task.cancel()
        elif not self.wanted:
            self._resumed.clear()

    async def _pull(self) -> None:
        try:
            while await self._resumed.wait():
                self.emit(await self._produce())
        except StopAsyncIteration:
            pass
        except Exception:
            _log.exception("the frames of %s have ended", self.label or "a source")
        finally:
            self.end()
