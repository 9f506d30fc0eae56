"""`MediaStream` (W3C mediacapture-main section 4.2): tracks that belong together."""

import uuid
from collections.abc import Iterable, Mapping

from visavis.events import Event, EventHandler, EventTarget
from visavis.media.track import MediaStreamTrack, MediaStreamTrackState


class MediaStreamTrackEvent(Event):
    """A track was added to a stream, or removed, not by the program itself (section 4.4)."""

    def __init__(self, type: str, eventInitDict: Mapping[str, object]) -> None:
        """`eventInitDict` must have `track`. Raises TypeError without it."""
        track = eventInitDict.get("track")
        if not isinstance(track, MediaStreamTrack):
            raise TypeError("a MediaStreamTrackEvent needs a track")
        super().__init__(type, eventInitDict)
        self._track = track

    @property
    def track(self) -> MediaStreamTrack:
        """The track that came or went."""
        return self._track


class MediaStream(EventTarget):
    """A set of tracks, in the order in which they came."""

    onaddtrack: EventHandler[MediaStreamTrackEvent] = EventHandler()
    onremovetrack: EventHandler[MediaStreamTrackEvent] = EventHandler()

    def __init__(
        self, source: "MediaStream | Iterable[MediaStreamTrack] | None" = None, *, id: str | None = None
    ) -> None:
        """An empty stream, or one of another stream's tracks, or of a list of them; `id` is a new one unless
        it is given.

        Raises:
            TypeError: Something in the list is no track.
        """
        super().__init__()
        self._id = str(uuid.uuid4()) if id is None else id
        tracks = source.getTracks() if isinstance(source, MediaStream) else list(source or ())
        for track in tracks:
            _expect_track(track)
        self._tracks = list(dict.fromkeys(tracks))

    @property
    def id(self) -> str:
        """A name that no other stream has, or the one that a peer gave it."""
        return self._id

    @property
    def active(self) -> bool:
        """Whether one of its tracks has not ended."""
        return any(track.readyState is MediaStreamTrackState.LIVE for track in self._tracks)

    def getTracks(self) -> list[MediaStreamTrack]:
        """All its tracks."""
        return list(self._tracks)

    def getAudioTracks(self) -> list[MediaStreamTrack]:
        """Those of sound."""
        return [track for track in self._tracks if track.kind == "audio"]

    def getVideoTracks(self) -> list[MediaStreamTrack]:
        """Those of pictures."""
        return [track for track in self._tracks if track.kind == "video"]

    def getTrackById(self, trackId: str) -> MediaStreamTrack | None:
        """The track of that name, or None."""
        return next((track for track in self._tracks if track.id == trackId), None)

    def addTrack(self, track: MediaStreamTrack) -> None:
        """Adds a track, without an event; nothing if it is there. Raises TypeError for what is no track."""
        self._take_in(track)

    def removeTrack(self, track: MediaStreamTrack) -> None:
        """Removes a track, without an event; nothing if it is not there. Raises TypeError for another."""
        self._take_out(track)

    def clone(self) -> "MediaStream":
        """A new stream of clones of its tracks."""
        return MediaStream(track.clone() for track in self._tracks)

    def add_remote_track(self, track: MediaStreamTrack) -> None:
        """Adds a track by another's doing: fires `addtrack` if it was not there."""
        if self._take_in(track):
            self.dispatchEvent(MediaStreamTrackEvent("addtrack", {"track": track}))

    def remove_remote_track(self, track: MediaStreamTrack) -> None:
        """Removes a track by another's doing: fires `removetrack` if it was there."""
        if self._take_out(track):
            self.dispatchEvent(MediaStreamTrackEvent("removetrack", {"track": track}))

    def _take_in(self, track: MediaStreamTrack) -> bool:
        _expect_track(track)
        if track in self._tracks:
            return False
        self._tracks.append(track)
        return True

    def _take_out(self, track: MediaStreamTrack) -> bool:
        _expect_track(track)
        if track not in self._tracks:
            return False
        self._tracks.remove(track)
        return True


def _expect_track(track: object) -> None:
    if not isinstance(track, MediaStreamTrack):
        raise TypeError(f"a MediaStreamTrack is wanted, not {type(track).__name__}")
