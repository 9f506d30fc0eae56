"""Files and streams as sources and devices, by PyAV (FFmpeg): all its containers and codecs."""

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import av
from av.audio.frame import AudioFrame as FFmpegAudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame as FFmpegVideoFrame
from av.video.stream import VideoStream

from visavis.clock import Clock, TimerHandle
from visavis.media.capabilities import CameraChoices, MicrophoneChoices, VideoMode
from visavis.media.devices import InputDevice, device_id
from visavis.media.frames import AudioFrame, Frame, VideoFrame
from visavis.media.pacing import ThreadClock
from visavis.media.pictures import read_ffmpeg_frame
from visavis.media.resampling import read_ffmpeg_sound
from visavis.media.source import Kind, MediaSource
from visavis.media.stream import MediaStream
from visavis.media.track import MediaStreamTrack

_log = logging.getLogger(__name__)

_MAX_SILENT_STEP_S = 10.0
"""Timestamps that leap by more are broken; playing goes on at once."""


class Playback:
    """The time of one playback, which the sound and the pictures of a file share: it begins with the first
    frame that anybody takes of either."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._origin_s: float | None = None
        self._lock = threading.Lock()

    def origin_s(self) -> float:
        """When it began."""
        with self._lock:
            if self._origin_s is None:
                self._origin_s = self.clock.monotonic()
            return self._origin_s


class FileSource(MediaSource):
    """The frames of one stream of a file, at the file's own pace, decoded when they are due.

    It plays on while nobody takes its frames, and ends with the file, unless that is repeated.
    """

    def __init__(
        self,
        path: str,
        kind: Kind,
        playback: Playback,
        *,
        repeat: bool = False,
        choices: CameraChoices | MicrophoneChoices | None = None,
    ) -> None:
        """Opens the file.

        Raises:
            OSError: It cannot be opened, FFmpeg does not know its format, or it has no stream of the kind.
        """
        super().__init__(kind, label=Path(path).name, constrainable=choices)
        self._container = _open(path)
        if not _streams(self._container, kind):
            self._container.close()
            raise OSError(f"{path} has no {kind}")
        self._playback = playback
        self._repeat = repeat
        self._decoded = self._decode()
        self._timer: TimerHandle | None = None
        self._begun = False
        self._origin_s = 0.0

    def _start(self) -> None:
        if not self._begun:
            self._begun = True
            self._origin_s = self._playback.origin_s()
            self._schedule_next()

    def _stop(self) -> None:
        if self.ended and self._timer is not None:
            self._timer.cancel()
            self._container.close()

    def _schedule_next(self) -> None:
        """Called with the lock held."""
        try:
            frame = next(self._decoded, None)
        except FFmpegError:
            _log.warning("%s cannot be decoded any further", self.label, exc_info=True)
            frame = None
        if frame is None:
            self._timer = self._playback.clock.call_later(0.0, self.end)
            return
        delay_s = max(0.0, frame.timestamp_s - self._playback.clock.monotonic())
        self._timer = self._playback.clock.call_later(delay_s, lambda: self._play(frame))

    def _play(self, frame: Frame) -> None:
        self.emit(frame)
        with self._lock:
            if self.ended:
                self._container.close()
            else:
                self._schedule_next()

    def _decode(self) -> Iterator[Frame]:
        """All frames, with the times at which they are due."""
        stream = _streams(self._container, self.kind)[0]
        begun_s = self._origin_s
        while True:
            first_s: float | None = None
            next_s = begun_s
            for decoded in self._container.decode(stream):
                if not isinstance(decoded, FFmpegVideoFrame | FFmpegAudioFrame):
                    continue
                if decoded.time is not None:
                    first_s = decoded.time if first_s is None else first_s
                    due_s = begun_s + decoded.time - first_s
                    if -_MAX_SILENT_STEP_S < due_s - next_s < _MAX_SILENT_STEP_S:
                        next_s = max(next_s, due_s)
                frame = _read(decoded, next_s)
                yield frame
                if isinstance(frame, AudioFrame):
                    next_s += frame.duration_s
            if not self._repeat or first_s is None:
                return
            begun_s = next_s + (_frame_interval_s(stream) if isinstance(stream, VideoStream) else 0.0)
            self._container.seek(0)


def open_media(path: str, *, repeat: bool = False, clock: Clock | None = None) -> MediaStream:
    """A file, or a URL that FFmpeg opens, as a stream with one track of sound and one of pictures, what there
    is of them.

    It plays from the first frame that is taken, on a thread of its own; its tracks end with it.

    Raises:
        OSError: It cannot be opened, or is not of a format that FFmpeg knows, or has neither.
    """
    playback = Playback(clock or ThreadClock(f"visavis-play-{Path(path).name}"))
    tracks = [MediaStreamTrack(FileSource(path, kind, playback, repeat=repeat)) for kind in _kinds(path)]
    return MediaStream(tracks)


def file_devices(path: str, *, repeat: bool = True, clock: Clock | None = None) -> tuple[InputDevice, ...]:
    """A file as a camera and a microphone, what there is of them, for `mediaDevices.add`.

    Each time that it is opened it plays from its beginning.

    Raises:
        OSError: As `open_media`.
    """
    name = Path(path).name
    group = device_id(f"file {path}")
    devices: list[InputDevice] = []
    for kind in _kinds(path):
        choices = _choices(path, kind, group)

        def open_source(
            kind: Kind = kind, choices: CameraChoices | MicrophoneChoices = choices
        ) -> FileSource:
            playback = Playback(clock or ThreadClock(f"visavis-play-{name}"))
            return FileSource(path, kind, playback, repeat=repeat, choices=choices)

        devices.append(InputDevice(kind, name, choices, open_source))
    return tuple(devices)


def _choices(path: str, kind: Kind, group: str) -> CameraChoices | MicrophoneChoices:
    identifier = device_id(f"{kind} of file {path}")
    with _open(path) as container:
        if kind == "video":
            stream = container.streams.video[0]
            mode = VideoMode(stream.width, stream.height, 1 / _frame_interval_s(stream))
            return CameraChoices(identifier, group, (mode,))
        sound = container.streams.audio[0]
        channels = tuple(dict.fromkeys((min(2, sound.channels), 1, 2)))
        return MicrophoneChoices(identifier, group, (sound.rate,), channels, latency_s=0.0)


def _kinds(path: str) -> list[Kind]:
    with _open(path) as container:
        kinds: list[Kind] = [kind for kind in ("audio", "video") if _streams(container, kind)]
    if not kinds:
        raise OSError(f"{path} has neither sound nor pictures")
    return kinds


def _streams(container: InputContainer, kind: Kind) -> tuple[VideoStream, ...] | tuple[AudioStream, ...]:
    return container.streams.audio if kind == "audio" else container.streams.video


def _frame_interval_s(stream: VideoStream) -> float:
    return 1 / float(stream.average_rate or stream.guessed_rate or 30)


def _open(path: str) -> InputContainer:
    try:
        return av.open(path)
    except FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise OSError(f"{path} cannot be opened: {error}") from error


def _read(decoded: FFmpegVideoFrame | FFmpegAudioFrame, timestamp_s: float) -> Frame:
    if isinstance(decoded, FFmpegVideoFrame):
        return VideoFrame(read_ffmpeg_frame(decoded), timestamp_s)
    return AudioFrame(read_ffmpeg_sound(decoded), decoded.sample_rate, timestamp_s)
