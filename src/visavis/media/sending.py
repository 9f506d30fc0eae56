"""From a track to the network: a thread that encodes."""

import logging
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from visavis.media.codecs.interface import EncodedFrame, Encoder
from visavis.media.codecs.registry import Codec, EncoderSettings
from visavis.media.frames import AudioFrame, Frame, VideoFrame
from visavis.media.loudness import Loudness
from visavis.media.queue import FrameQueue
from visavis.media.resampling import AudioConverter
from visavis.media.rtp_timeline import RtpTimeline
from visavis.media.shaping import VideoShaper
from visavis.media.track import AUDIO_QUEUE_FRAMES, VIDEO_QUEUE_FRAMES, MediaStreamTrack

_log = logging.getLogger(__name__)

VOICE_DBOV = -50
"""Sound above this counts as voice for the audio level extension (RFC 6464 section 3)."""


class FrameSink(Protocol):
    """What takes encoded frames, `visavis.dataplane.FrameSender` for instance."""

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
        """Sends a frame; False if it was dropped, and of video then each one up to the next key frame.

        Raises:
            ValueError: It cannot send this frame.
            RuntimeError: It can send nothing any more.
        """
        ...


@dataclass(frozen=True, slots=True)
class Encoding:
    """How one encoding of a track is sent (W3C webrtc-pc section 5.2.1, RTCRtpEncodingParameters).

    Attributes:
        active: Without it nothing is sent, and nothing encoded.
        max_bps: None for no limit.
        max_frame_rate: None for no limit.
        scale_down_by: By how much both sides of a picture are divided, 1 or more.
    """

    active: bool = True
    max_bps: int | None = None
    max_frame_rate: float | None = None
    scale_down_by: float = 1.0


@dataclass(frozen=True, slots=True)
class SendingFigures:
    """What was encoded since the beginning, for webrtc-stats (`outbound-rtp`)."""

    frames_encoded: int = 0
    key_frames_encoded: int = 0
    frames_dropped: int = 0
    """By the encoder's queue, or by the sink, or because one of them cannot take it."""
    bytes_encoded: int = 0
    encode_time_s: float = 0.0
    frame_width: int = 0
    frame_height: int = 0
    target_bps: int = 0
    loudness: Loudness = field(default_factory=Loudness)
    """Of the sound that came to be encoded."""


class SenderPipeline:
    """Encodes a track's frames on a thread of its own, and gives them to a sink.

    Methods may be called from any thread, and return at once, but for `close`. The thread is there from the
    first track on until `close`.
    """

    def __init__(
        self,
        codec: Codec,
        sink: FrameSink,
        payload_type: int,
        *,
        first_timestamp: int,
        settings: EncoderSettings | None = None,
        encoding: Encoding | None = None,
    ) -> None:
        """`first_timestamp`: a random number of 32 bits (RFC 3550 section 5.1)."""
        self._codec = codec
        self._sink = sink
        self._payload_type = payload_type
        self._settings = settings or EncoderSettings(codec.default_bps)
        self._encoding = encoding or Encoding()
        self._target_bps = self._settings.target_bps
        self._timeline = RtpTimeline(codec.clock_hz, first_timestamp)
        capacity = VIDEO_QUEUE_FRAMES if codec.kind == "video" else AUDIO_QUEUE_FRAMES
        self._inlet = FrameQueue[Frame](capacity)
        self._lock = threading.Lock()
        self._track: MediaStreamTrack | None = None
        self._thread: threading.Thread | None = None
        self._encoder: Encoder[Any] | None = None
        self._encoder_hint = ""
        stereo = codec.channels == 2 and self._settings.parameters.get("stereo") == "1"
        self._converter = AudioConverter(codec.clock_hz, 2 if stereo else 1)
        self._shaper = VideoShaper()
        self._rate_changed = False
        self._key_frame_wanted = False
        self._closed = False
        self._refused = False
        self._figures = SendingFigures(target_bps=self._target_bps)

    @property
    def track(self) -> MediaStreamTrack | None:
        """What it sends."""
        return self._track

    @property
    def encoding(self) -> Encoding:
        """How it sends."""
        return self._encoding

    @property
    def figures(self) -> SendingFigures:
        """What was encoded until now."""
        figures = self._figures
        return replace(figures, frames_dropped=figures.frames_dropped + self._inlet.dropped)

    def replace_track(self, track: MediaStreamTrack | None) -> None:
        """Sends another track of the kind from now on, or nothing (webrtc-pc section 5.2, `replaceTrack`).

        Raises:
            TypeError: The track has another kind than the codec.
            RuntimeError: It is closed.
        """
        if track is not None and track.kind != self._codec.kind:
            raise TypeError(f"a track of {track.kind} cannot be sent as {self._codec.mime_type}")
        with self._lock:
            if self._closed:
                raise RuntimeError("the pipeline is closed")
            self._detach()
            self._track = track
            self._attach()
            if track is not None and self._thread is None:
                name = f"visavis-encode-{self._codec.mime_type.partition('/')[2]}"
                self._thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._thread.start()

    def configure(self, encoding: Encoding) -> None:
        """Changes how it sends; an encoding that becomes active begins with a key frame."""
        with self._lock:
            if self._closed:
                return
            before, self._encoding = self._encoding, encoding
            if before.active != encoding.active:
                self._detach()
                self._attach()
                self._key_frame_wanted = True
            if encoding.max_frame_rate != before.max_frame_rate:
                self._shaper.configure({"frameRate": encoding.max_frame_rate or 0.0})
            self._rate_changed = True

    def set_target(self, target_bps: int) -> None:
        """What the network has room for; `max_bps` may be less."""
        with self._lock:
            self._target_bps = target_bps
            self._rate_changed = True

    def request_key_frame(self) -> None:
        """The next frame becomes a key frame."""
        self._key_frame_wanted = True

    def close(self) -> None:
        """Sends nothing any more, and waits for the thread, which is over with its frame. Idempotent."""
        with self._lock:
            self._closed = True
            self._detach()
        self._inlet.close()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _attach(self) -> None:
        if self._track is not None and self._encoding.active:
            self._track.add_consumer(self._inlet, ends=False)

    def _detach(self) -> None:
        if self._track is not None:
            self._track.remove_consumer(self._inlet)
        self._inlet.clear()

    def _run(self) -> None:
        try:
            while (frame := self._inlet.get()) is not None:
                try:
                    self._send(frame)
                except ValueError as error:
                    self._refuse(error)
        except Exception:
            _log.exception("sending %s has ended", self._codec.mime_type)
        finally:
            self._inlet.close()
            if self._encoder is not None:
                self._encoder.close()

    def _send(self, frame: Frame) -> None:
        shaped = self._shaped(frame)
        if shaped is None:
            return
        encoder = self._ready_encoder()
        key_frame, self._key_frame_wanted = self._key_frame_wanted, False
        begun_s = time.perf_counter()
        encoded = encoder.encode(shaped, force_key_frame=key_frame)
        self._count(shaped, encoded, time.perf_counter() - begun_s)
        if key_frame and not any(part.key for part in encoded):
            self._key_frame_wanted = True
        level = shaped.level_dbov() if isinstance(shaped, AudioFrame) else None
        for part in encoded:
            self._send_part(part, level)

    def _send_part(self, part: EncodedFrame, level: int | None) -> None:
        step_s = part.duration_s or 1 / self._settings.frame_rate
        timestamp = self._timeline.timestamp(part.timestamp_s, step_s)
        voice = level is not None and level > VOICE_DBOV
        if not self._sink.send_frame(
            self._payload_type, timestamp, part.data, part.key, part.timestamp_s, level, voice
        ):
            self._figures = replace(self._figures, frames_dropped=self._figures.frames_dropped + 1)
            self._key_frame_wanted = True

    def _refuse(self, error: ValueError) -> None:
        """A frame that the codec or the sink cannot take: the next one may be another."""
        if not self._refused:
            self._refused = True
            _log.warning("frames are not sent as %s: %s", self._codec.mime_type, error)
        self._figures = replace(self._figures, frames_dropped=self._figures.frames_dropped + 1)
        self._key_frame_wanted = True

    def _shaped(self, frame: Frame) -> Frame | None:
        if isinstance(frame, AudioFrame):
            return self._converter.convert(frame)
        in_time = self._shaper.shape(frame)
        scale = self._encoding.scale_down_by
        if in_time is None or scale <= 1:
            return in_time
        return in_time.scaled(max(1, int(in_time.width / scale)), max(1, int(in_time.height / scale)))

    def _ready_encoder(self) -> Encoder[Any]:
        """The encoder, opened anew when what the track carries has changed, and told the present rate."""
        track = self._track
        hint = self._encoder_hint if track is None else track.contentHint
        if self._encoder is not None and hint != self._encoder_hint:
            self._encoder.close()
            self._encoder = None
        with self._lock:
            limit_bps = self._encoding.max_bps
            target_bps = self._target_bps if limit_bps is None else min(self._target_bps, limit_bps)
            changed, self._rate_changed = self._rate_changed, False
        if self._encoder is None:
            self._encoder_hint = hint
            settings = replace(self._settings, target_bps=target_bps, content_hint=hint)
            self._encoder = self._codec.open_encoder(settings)
        elif changed:
            self._encoder.set_rate(target_bps)
        self._figures = replace(self._figures, target_bps=target_bps)
        return self._encoder

    def _count(self, frame: Frame, encoded: list[EncodedFrame], encode_time_s: float) -> None:
        figures = self._figures
        width, height = (
            (frame.width, frame.height)
            if isinstance(frame, VideoFrame)
            else (figures.frame_width, figures.frame_height)
        )
        self._figures = replace(
            figures,
            frames_encoded=figures.frames_encoded + len(encoded),
            key_frames_encoded=figures.key_frames_encoded + sum(part.key for part in encoded),
            bytes_encoded=figures.bytes_encoded + sum(len(part.data) for part in encoded),
            encode_time_s=figures.encode_time_s + encode_time_s,
            frame_width=width,
            frame_height=height,
            loudness=figures.loudness.after(frame) if isinstance(frame, AudioFrame) else figures.loudness,
        )
