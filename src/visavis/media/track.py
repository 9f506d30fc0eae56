"""`MediaStreamTrack` (W3C mediacapture-main section 4.3): one source's frames, as one user wants them."""

import asyncio
import threading
import uuid
import weakref
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from visavis.errors import DOMException
from visavis.events import Event, EventHandler, EventTarget, Listener
from visavis.media.capabilities import Capabilities
from visavis.media.constraints import (
    AUDIO_PROPERTIES,
    VIDEO_PROPERTIES,
    Constraints,
    Settings,
    parse_constraints,
    select_settings,
)
from visavis.media.frames import AudioFrame, Frame, VideoFrame
from visavis.media.queue import FrameQueue
from visavis.media.shaping import AudioShaper, VideoShaper
from visavis.media.source import Kind, MediaSource

VIDEO_QUEUE_FRAMES = 2
"""A slow consumer of pictures gets the newest ones."""

AUDIO_QUEUE_FRAMES = 50
"""A second of 20 ms frames: a slow consumer of sound loses nothing until then."""

_INHERENT = ("deviceId", "facingMode", "groupId")


class MediaStreamTrackState(StrEnum):
    """Section 4.3.3: an ended track never lives again."""

    LIVE = "live"
    ENDED = "ended"


class ContentHint(StrEnum):
    """What a track carries, for encoders (W3C mst-content-hint section 3)."""

    NONE = ""
    SPEECH = "speech"
    SPEECH_RECOGNITION = "speech-recognition"
    MUSIC = "music"
    MOTION = "motion"
    DETAIL = "detail"
    TEXT = "text"


_HINTS: dict[Kind, tuple[ContentHint, ...]] = {
    "audio": (ContentHint.NONE, ContentHint.SPEECH, ContentHint.SPEECH_RECOGNITION, ContentHint.MUSIC),
    "video": (ContentHint.NONE, ContentHint.MOTION, ContentHint.DETAIL, ContentHint.TEXT),
}


@dataclass(frozen=True, slots=True)
class _Consumer:
    queue: weakref.ref[FrameQueue[Frame]]
    ends: bool


class MediaStreamTrack(EventTarget):
    """Frames of one kind: `async for frame in track`, or a thread's `track.frames().get()`.

    Each consumer has a bounded queue of its own; a source nobody consumes costs nothing. Frames and the
    source's changes come on any thread; events are dispatched on the event loop on which the listener was
    added, or, when that had none, at once.
    """

    onended: EventHandler[Event] = EventHandler()
    onmute: EventHandler[Event] = EventHandler()
    onunmute: EventHandler[Event] = EventHandler()

    def __init__(self, source: MediaSource, *, id: str | None = None) -> None:
        """A live track of a source that has not ended; `id` is a new one unless it is given.

        The standard has no constructor; `VideoSource`, `AudioSource` and `mediaDevices` make tracks.
        """
        super().__init__()
        self._source = source
        self._id = str(uuid.uuid4()) if id is None else id
        self._enabled = True
        self._muted = source.muted
        self._state = MediaStreamTrackState.ENDED if source.ended else MediaStreamTrackState.LIVE
        self._hint = ContentHint.NONE
        self._constraints: Mapping[str, object] = {}
        self._settings: Settings = {}
        self._video = VideoShaper()
        self._audio = AudioShaper()
        self._queues: tuple[_Consumer, ...] = ()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        if self._state is MediaStreamTrackState.LIVE:
            self._configure(Constraints({}))
            source.add_track(self)
            source.settings_changed()

    @property
    def kind(self) -> Kind:
        """ "audio" or "video"."""
        return self._source.kind

    @property
    def id(self) -> str:
        """A name that no other track has."""
        return self._id

    @property
    def label(self) -> str:
        """What people call its source, or ""."""
        return self._source.label

    @property
    def enabled(self) -> bool:
        """Without it the consumers get black pictures, or silence."""
        return self._enabled

    @enabled.setter
    def enabled(self, enabled: bool) -> None:
        self._enabled = bool(enabled)

    @property
    def muted(self) -> bool:
        """Whether the source cannot give frames for now."""
        return self._muted

    @property
    def readyState(self) -> MediaStreamTrackState:
        """Whether frames may come."""
        return self._state

    @property
    def contentHint(self) -> str:
        """What it carries (mst-content-hint); words that do not fit the kind are not taken over."""
        return self._hint

    @contentHint.setter
    def contentHint(self, hint: str) -> None:
        if hint in _HINTS[self.kind]:
            self._hint = ContentHint(hint)

    @property
    def source(self) -> MediaSource:
        """Where its frames come from."""
        return self._source

    def clone(self) -> "MediaStreamTrack":
        """Another track of the same source, with the same settings and state of its own (section 4.3.1)."""
        clone = MediaStreamTrack(self._source)
        if self._state is MediaStreamTrackState.ENDED and clone._state is MediaStreamTrackState.LIVE:
            clone.stop()
        clone._enabled, clone._hint = self._enabled, self._hint
        clone._constraints = dict(self._constraints)
        clone._set_settings(dict(self._settings))
        return clone

    def stop(self) -> None:
        """Ends it, without an event; the source stops with its last track (section 4.3.3)."""
        if self._state is MediaStreamTrackState.LIVE:
            self._end()

    def getCapabilities(self) -> Capabilities:
        """What its source can give (section 4.3.6)."""
        choices = self._source.constrainable
        return {} if choices is None else choices.capabilities()

    def getConstraints(self) -> dict[str, object]:
        """What was asked for last, successfully."""
        return dict(self._constraints)

    def getSettings(self) -> Settings:
        """What it gives; after its end only what the device was."""
        if self._state is MediaStreamTrackState.LIVE:
            return dict(self._settings)
        return {name: value for name, value in self._settings.items() if name in _INHERENT}

    async def applyConstraints(self, constraints: Mapping[str, object] | None = None) -> None:
        """Asks for other settings (section 11.1).

        Raises:
            OverconstrainedError: The source cannot meet a required constraint; all stays as it was.
            TypeError: A constraint has a value of the wrong type.
        """
        parsed = parse_constraints(self.kind, constraints)
        if self._state is MediaStreamTrackState.LIVE:
            self._configure(parsed)
            self._constraints = dict(constraints or {})

    def frames(self, capacity: int | None = None) -> FrameQueue[Frame]:
        """A new consumer's queue, for one coroutine (`async for`) or one thread (`get`).

        A full queue drops its oldest frame: with the default capacity a consumer of pictures gets the newest.
        The consumption ends with `close`, the end of a `with` block, or when the queue is garbage.
        """
        default = VIDEO_QUEUE_FRAMES if self.kind == "video" else AUDIO_QUEUE_FRAMES
        queue = FrameQueue[Frame](default if capacity is None else capacity)
        self.add_consumer(queue)
        return queue

    def video_frames(self, capacity: int | None = None) -> FrameQueue[VideoFrame]:
        """As `frames`, for a track that is known to be of video. Raises TypeError for one of audio."""
        if self.kind != "video":
            raise TypeError("an audio track has no pictures; use audio_frames")
        return cast(FrameQueue[VideoFrame], self.frames(capacity))

    def audio_frames(self, capacity: int | None = None) -> FrameQueue[AudioFrame]:
        """As `frames`, for a track that is known to be of audio. Raises TypeError for one of video."""
        if self.kind != "audio":
            raise TypeError("a video track has no sound; use video_frames")
        return cast(FrameQueue[AudioFrame], self.frames(capacity))

    def __aiter__(self) -> AsyncIterator[Frame]:
        """`async for frame in track`: a new consumer."""
        return self.frames()

    def add_consumer(self, queue: FrameQueue[Frame], *, ends: bool = True) -> None:
        """Has a queue get the frames; the track does not keep it alive.

        Args:
            queue: The consumer's.
            ends: Whether the queue ends with the track, at once if the track has ended.
        """
        with self._lock:
            live = self._state is MediaStreamTrackState.LIVE
            if live:
                alive = (consumer for consumer in self._queues if consumer.queue() is not None)
                self._queues = (*alive, _Consumer(weakref.ref(queue), ends))
        if live:
            self._source.demand_changed()
        elif ends:
            queue.end()

    def remove_consumer(self, queue: FrameQueue[Frame]) -> None:
        """Has a queue get no more frames; it does not end."""
        with self._lock:
            self._queues = tuple(other for other in self._queues if other.queue() not in (None, queue))
        self._source.demand_changed()

    @property
    def is_consumed(self) -> bool:
        """Whether anybody takes its frames."""
        return any((queue := consumer.queue()) is not None and not queue.ended for consumer in self._queues)

    def deliver(self, frame: Frame) -> None:
        """Gives the consumers a frame, as the settings and `enabled` want it. Called by the source."""
        shaped = self._video.shape(frame) if isinstance(frame, VideoFrame) else self._audio.shape(frame)
        if shaped is None:
            return
        if not self._enabled:
            shaped = _without_information(shaped)
        for consumer in self._queues:
            if (queue := consumer.queue()) is not None:
                queue.put(shaped)

    def source_muted(self, muted: bool) -> None:
        """Section 4.3.2, "set a track's muted state"."""

        def change() -> None:
            if muted != self._muted and self._state is MediaStreamTrackState.LIVE:
                self._muted = muted
                self.dispatchEvent(Event("mute" if muted else "unmute"))

        self._queue_task(change)

    def source_ended(self) -> None:
        """Section 4.3.3: it ends by another's doing than its user's."""

        def end() -> None:
            if self._state is MediaStreamTrackState.LIVE:
                self._end()
                self.dispatchEvent(Event("ended"))

        self._queue_task(end)

    def addEventListener(
        self, type: str, callback: Listener | None, options: Mapping[str, object] | bool | None = None
    ) -> None:
        """As every `EventTarget`; the events come on the event loop that runs now."""
        self._remember_loop()
        super().addEventListener(type, callback, options)

    def _set_handler(self, type: str, callback: Listener | None) -> None:
        self._remember_loop()
        super()._set_handler(type, callback)

    def _remember_loop(self) -> None:
        with suppress(RuntimeError):
            self._loop = asyncio.get_running_loop()

    def _queue_task(self, task: Callable[[], None]) -> None:
        loop = self._loop
        try:
            on_loop = loop is None or loop is asyncio.get_running_loop()
        except RuntimeError:
            on_loop = False
        if loop is None or on_loop or loop.is_closed():
            task()
        else:
            with suppress(RuntimeError):  # closed just now: nobody listens any more
                loop.call_soon_threadsafe(task)

    def _end(self) -> None:
        with self._lock:
            self._state = MediaStreamTrackState.ENDED
            queues, self._queues = self._queues, ()
        self._source.remove_track(self)
        for consumer in queues:
            if consumer.ends and (queue := consumer.queue()) is not None:
                queue.end()

    def _configure(self, constraints: Constraints) -> None:
        """The ApplyConstraints algorithm (section 11.2)."""
        choices = self._source.constrainable
        if choices is None:
            properties = VIDEO_PROPERTIES if self.kind == "video" else AUDIO_PROPERTIES
            self._settings = select_settings([{}], constraints, properties)
        else:
            candidates = choices.candidates(constraints.interest())
            self._set_settings(select_settings(candidates, constraints, choices.properties))

    def _set_settings(self, settings: Settings) -> None:
        self._settings = settings
        self._video.configure(settings)
        self._audio.configure(settings)
        self._source.settings_changed()


def new_track(source: MediaSource, constraints: Mapping[str, object]) -> MediaStreamTrack:
    """A track with constraints from its beginning.

    Raises:
        OverconstrainedError, TypeError: As `MediaStreamTrack.applyConstraints`.
        DOMException: `NotReadableError`, the source has ended.
    """
    parsed = parse_constraints(source.kind, constraints)
    if source.ended:
        raise DOMException(f"{source.label} gives no frames any more", "NotReadableError")
    track = MediaStreamTrack(source)
    try:
        track._configure(parsed)  # pyright: ignore[reportPrivateUsage]
    except BaseException:
        track.stop()
        raise
    track._constraints = dict(constraints)  # pyright: ignore[reportPrivateUsage]
    return track


def _without_information(frame: Frame) -> Frame:
    """Section 4.3.2: black pictures and silence."""
    if isinstance(frame, VideoFrame):
        return VideoFrame.black(frame.width, frame.height, frame.timestamp_s)
    return AudioFrame.silence(len(frame.samples), frame.channels, frame.sample_rate_hz, frame.timestamp_s)
