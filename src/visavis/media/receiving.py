"""From the network to a track: a thread that decodes."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from visavis.media.codecs.interface import Decoder
from visavis.media.codecs.opus import OpusDecoder, packet_samples_untrusted
from visavis.media.codecs.registry import Codec
from visavis.media.frames import AudioFrame, Frame, VideoFrame
from visavis.media.loudness import Loudness
from visavis.media.source import MediaSource

_log = logging.getLogger(__name__)

_WAIT_S = 0.5
MAX_CONCEALED_S = 0.2
"""Of a gap in sound, the first part that is filled; nobody can tell what a longer one had."""


class ReceivedFrame(Protocol):
    """A whole encoded frame, `visavis.dataplane.Frame` for instance."""

    @property
    def data(self) -> bytes:
        """The bitstream."""
        ...

    @property
    def timestamp(self) -> int:
        """In ticks of the codec's clock; it does not wrap."""
        ...

    @property
    def payload_type(self) -> int:
        """Of the codec."""
        ...

    @property
    def key(self) -> bool:
        """Whether a decoder can begin with it."""
        ...

    @property
    def lost_before(self) -> int:
        """How many frames are missing right before it."""
        ...

    @property
    def received_s(self) -> float:
        """When it had come, on the clock of `time.monotonic()`."""
        ...

    @property
    def capture_time_s(self) -> float | None:
        """When it was captured, on the same clock; None while the sender has not said."""
        ...


class FrameSource(Protocol):
    """What gives encoded frames, `visavis.dataplane.FrameReceiver` for instance."""

    def wait(self, timeout_s: float) -> ReceivedFrame | None:
        """The next frame; None after `timeout_s`, or when no more come."""
        ...

    @property
    def is_ended(self) -> bool:
        """Whether no more come."""
        ...

    def close(self) -> None:
        """Gives nothing any more, and wakes who waits."""


@dataclass(frozen=True, slots=True)
class ReceivingCodec:
    """A codec that was negotiated, with its `a=fmtp` parameters."""

    codec: Codec
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ReceivingFigures:
    """What was decoded since the beginning, for webrtc-stats (`inbound-rtp`)."""

    frames_received: int = 0
    frames_decoded: int = 0
    key_frames_decoded: int = 0
    decode_time_s: float = 0.0
    decode_errors: int = 0
    frame_width: int = 0
    frame_height: int = 0
    samples_received: int = 0
    sound_s: float = 0.0
    """How long what was received lasts."""
    concealed_samples: int = 0
    concealment_events: int = 0
    loudness: Loudness = field(default_factory=Loudness)
    """Of the sound that is in `samples_received`."""


class ReceiverPipeline:
    """Decodes frames on a thread of its own, and gives them to a track's source.

    The thread is there from `begin` on, which is due when frames come: many a track never gets one. The
    source is unmuted by the first frame, and does not end with the pipeline. While nobody takes the track's
    frames nothing is decoded; pictures begin again with a key frame, which is asked for.
    """

    def __init__(
        self,
        frames: FrameSource,
        codecs: Mapping[int, ReceivingCodec],
        output: MediaSource,
        *,
        request_key_frame: Callable[[], None] = lambda: None,
    ) -> None:
        """Takes nothing before `begin`.

        Args:
            frames: Where they come from; closed with the pipeline.
            codecs: By payload type; frames of others are left out.
            output: Of the remote track.
            request_key_frame: Asks the sender for one; called on the pipeline's thread, often.
        """
        self._frames = frames
        self._codecs = dict(codecs)
        self._output = output
        self._request_key_frame = request_key_frame
        self._decoder: Decoder[Any] | None = None
        self._decoder_payload_type: int | None = None
        self._needs_key_frame = True
        self._next_timestamp: int | None = None
        self._offset_s: float | None = None
        self._closing = False
        self._figures = ReceivingFigures()
        self._thread: threading.Thread | None = None

    @property
    def figures(self) -> ReceivingFigures:
        """What was decoded until now."""
        return self._figures

    def begin(self) -> None:
        """Decodes from now on; idempotent. Like `close`, for the thread that made it."""
        if self._thread is None and not self._closing:
            name = f"visavis-decode-{self._output.kind}"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()

    def set_codecs(self, codecs: Mapping[int, ReceivingCodec]) -> None:
        """What a new negotiation agreed on; from any thread."""
        self._codecs = dict(codecs)

    def close(self) -> None:
        """Gives nothing any more, and waits for the thread, which is over with its frame. Idempotent."""
        self._closing = True
        self._frames.close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._closing:
                frame = self._frames.wait(_WAIT_S)
                if frame is not None:
                    self._receive_untrusted(frame)
                elif self._frames.is_ended:
                    break
        except Exception:
            _log.exception("receiving %s has ended", self._output.kind)
        finally:
            if self._decoder is not None:
                self._decoder.close()

    def _receive_untrusted(self, frame: ReceivedFrame) -> None:
        self._output.set_muted(False)
        self._figures = replace(self._figures, frames_received=self._figures.frames_received + 1)
        codec = self._codecs.get(frame.payload_type)
        if codec is None or not self._output.wanted:
            self._needs_key_frame, self._next_timestamp = True, None
            return
        if self._decoder is None or frame.payload_type != self._decoder_payload_type:
            if self._decoder is not None:
                self._decoder.close()
            self._decoder = codec.codec.open_decoder(codec.parameters)
            self._decoder_payload_type = frame.payload_type
            self._needs_key_frame, self._next_timestamp = True, None
        if self._output.kind == "video":
            self._receive_picture_untrusted(self._decoder, frame, codec.codec.clock_hz)
        else:
            self._receive_sound_untrusted(self._decoder, frame, codec.codec.clock_hz)

    def _receive_picture_untrusted(self, decoder: Decoder[Any], frame: ReceivedFrame, clock_hz: int) -> None:
        if self._needs_key_frame and not frame.key:
            self._request_key_frame()
            return
        errors = decoder.errors
        picture = self._decode(lambda: decoder.decode_untrusted(frame.data, self._time_s(frame, clock_hz)))
        self._needs_key_frame = decoder.errors > errors
        if self._needs_key_frame:
            self._figures = replace(self._figures, decode_errors=self._figures.decode_errors + 1)
            self._request_key_frame()
        if isinstance(picture, VideoFrame):
            self._figures = replace(
                self._figures,
                frames_decoded=self._figures.frames_decoded + 1,
                key_frames_decoded=self._figures.key_frames_decoded + frame.key,
                frame_width=picture.width,
                frame_height=picture.height,
            )
            self._output.emit(picture)

    def _receive_sound_untrusted(self, decoder: Decoder[Any], frame: ReceivedFrame, clock_hz: int) -> None:
        time_s = self._time_s(frame, clock_hz)
        if self._next_timestamp is not None and frame.timestamp > self._next_timestamp:
            self._fill_gap_untrusted(decoder, frame, frame.timestamp - self._next_timestamp, time_s, clock_hz)
        errors = decoder.errors
        sound = self._decode(lambda: decoder.decode_untrusted(frame.data, time_s))
        figures = self._figures
        if sound is None:
            self._figures = replace(figures, decode_errors=figures.decode_errors + decoder.errors - errors)
            return
        samples = len(sound.samples)
        self._next_timestamp = frame.timestamp + samples
        self._figures = replace(
            figures,
            frames_decoded=figures.frames_decoded + 1,
            samples_received=figures.samples_received + samples,
            sound_s=figures.sound_s + samples / clock_hz,
        )
        self._emit_sound(sound, counts=True)

    def _fill_gap_untrusted(
        self, decoder: Decoder[Any], frame: ReceivedFrame, missing: int, time_s: float, clock_hz: int
    ) -> None:
        """Conceals what is missing before a frame; its last part comes from the redundancy in the frame.

        Where nothing was lost the sender was silent (DTX), and the decoder makes its own noise.
        """
        if missing > MAX_CONCEALED_S * clock_hz:
            return
        recovered = 0
        figures = self._figures
        if frame.lost_before:
            if isinstance(decoder, OpusDecoder):
                recovered = min(missing, packet_samples_untrusted(frame.data))
            self._figures = replace(
                figures,
                concealed_samples=figures.concealed_samples + missing,
                concealment_events=figures.concealment_events + 1,
                samples_received=figures.samples_received + missing,
                sound_s=figures.sound_s + missing / clock_hz,
            )
        left = missing
        while left > recovered:
            samples = min(left - recovered, clock_hz // 50)
            filling = decoder.conceal(samples, time_s - left / clock_hz)
            self._emit_sound(filling, counts=bool(frame.lost_before))
            left -= samples
        if recovered and isinstance(decoder, OpusDecoder):
            start_s = time_s - recovered / clock_hz
            self._emit_sound(decoder.recover_untrusted(frame.data, recovered, start_s), counts=True)

    def _emit_sound(self, sound: Frame | None, *, counts: bool) -> None:
        if isinstance(sound, AudioFrame) and counts:
            self._figures = replace(self._figures, loudness=self._figures.loudness.after(sound))
        if sound is not None:
            self._output.emit(sound)

    def _decode(self, decode: Callable[[], Any]) -> Any:
        begun_s = time.perf_counter()
        decoded = decode()
        elapsed_s = time.perf_counter() - begun_s
        self._figures = replace(self._figures, decode_time_s=self._figures.decode_time_s + elapsed_s)
        return decoded

    def _time_s(self, frame: ReceivedFrame, clock_hz: int) -> float:
        """When it was captured; as long as the sender has not said, as if the first one had taken no time."""
        if frame.capture_time_s is not None:
            return frame.capture_time_s
        if self._offset_s is None:
            self._offset_s = frame.received_s - frame.timestamp / clock_hz
        return self._offset_s + frame.timestamp / clock_hz
