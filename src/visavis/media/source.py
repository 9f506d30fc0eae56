"""Where a track's frames come from (W3C mediacapture-main section 4.3: sources).

A source feeds any number of tracks. It runs while somebody takes frames from one of them, and ends with the
last of them.
"""

import threading
from typing import Literal, Protocol

from visavis.media.capabilities import Constrainable
from visavis.media.constraints import Settings
from visavis.media.frames import Frame

Kind = Literal["audio", "video"]


class SourceTrack(Protocol):
    """What a source knows of a track of its own."""

    @property
    def is_consumed(self) -> bool:
        """Whether anybody takes its frames."""
        ...

    def getSettings(self) -> Settings:
        """What it has chosen."""
        ...

    def deliver(self, frame: Frame) -> None:
        """Gives it a frame; from any thread."""

    def source_muted(self, muted: bool) -> None:
        """The source cannot give frames for now, or can again."""

    def source_ended(self) -> None:
        """The source gives no more frames."""


class MediaSource:
    """Frames of one kind, pushed to the tracks that were made of it.

    Subclasses override `_start` and `_stop`; both are called with the source's lock held, and alternate.

    Attributes:
        kind: "audio" or "video".
        label: What people call it, or "".
        constrainable: What can be chosen about it, or None: then no constraint can be met.
    """

    def __init__(
        self, kind: Kind, *, label: str = "", muted: bool = False, constrainable: Constrainable | None = None
    ) -> None:
        self.kind: Kind = kind
        self.label = label
        self.constrainable = constrainable
        self._muted = muted
        self._ended = False
        self._running = False
        self._tracks: tuple[SourceTrack, ...] = ()
        self._lock = threading.RLock()

    @property
    def muted(self) -> bool:
        """Whether it cannot give frames for now."""
        return self._muted

    @property
    def ended(self) -> bool:
        """Whether it gives no more frames, by its own end or with its last track's."""
        return self._ended

    @property
    def wanted(self) -> bool:
        """Whether anybody takes frames from one of its tracks."""
        return not self._ended and any(track.is_consumed for track in self._tracks)

    def add_track(self, track: SourceTrack) -> None:
        """A track was made of this source."""
        with self._lock:
            self._tracks = (*self._tracks, track)

    def remove_track(self, track: SourceTrack) -> None:
        """A track has ended; with the last one the source is stopped, for good."""
        with self._lock:
            self._tracks = tuple(other for other in self._tracks if other is not track)
            if not self._tracks:
                self._ended = True
            self.demand_changed()

    def demand_changed(self) -> None:
        """A consumer came or went: starts or stops what is expensive."""
        with self._lock:
            wanted = self.wanted
            if wanted and not self._running:
                self._running = True
                self._start()
            elif not wanted and self._running:
                self._running = False
                self._stop()

    def settings_changed(self) -> None:
        """The settings of one of its tracks changed."""

    def emit(self, frame: Frame) -> None:
        """Gives a frame to all tracks, from any thread; nothing while muted, or after the end."""
        if self._muted or self._ended:
            return
        consumed = False
        for track in self._tracks:
            if track.is_consumed:
                consumed = True
                track.deliver(frame)
        if not consumed:
            self.demand_changed()

    def set_muted(self, muted: bool) -> None:
        """Says that it cannot give frames for now, or can again; from any thread."""
        with self._lock:
            if muted == self._muted:
                return
            self._muted = muted
            tracks = self._tracks
        for track in tracks:
            track.source_muted(muted)

    def end(self) -> None:
        """Gives no more frames: all its tracks end. From any thread; idempotent."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
            tracks = self._tracks
            self.demand_changed()
        for track in tracks:
            track.source_ended()

    def _start(self) -> None:
        """Frames are wanted."""

    def _stop(self) -> None:
        """Frames are not wanted, for now or for good."""
