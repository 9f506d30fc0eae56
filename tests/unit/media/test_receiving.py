import threading
from collections.abc import Iterator
from typing import TypeVar

import numpy as np
import pytest

from tests.unit.media.pipes import Pipe, SentFrame, lost
from tests.unit.media.tracks import frequency_hz, tone
from visavis.events import Event
from visavis.media import (
    AudioFrame,
    FrameQueue,
    MediaSource,
    MediaStreamTrack,
    ReceiverPipeline,
    ReceivingCodec,
    VideoFrame,
)
from visavis.media.codecs import OpusEncoder, OpusOptions, Vp8Encoder
from visavis.media.codecs.registry import CODECS
from visavis.media.source import Kind
from visavis.media.testcard import draw, read_counter

FrameT = TypeVar("FrameT")

RECEIVED = {111: ReceivingCodec(CODECS[0], {}), 96: ReceivingCodec(CODECS[1], {})}


class Receiver:
    """A pipeline between a pipe and a track."""

    def __init__(self, kind: Kind) -> None:
        self.pipe = Pipe()
        self.source = MediaSource(kind, muted=True)
        self.track = MediaStreamTrack(self.source)
        self.key_frames_wanted = 0
        self.pipeline = ReceiverPipeline(
            self.pipe, RECEIVED, self.source, request_key_frame=self._want_key_frame
        )
        self.pipeline.begin()

    def _want_key_frame(self) -> None:
        self.key_frames_wanted += 1

    def finish(self) -> None:
        """Waits until all that was put is decoded."""
        self.pipe.end()
        for thread in threading.enumerate():
            if thread.name == f"visavis-decode-{self.track.kind}":
                thread.join()


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture
def video() -> Iterator[Receiver]:
    receiver = Receiver("video")
    yield receiver
    receiver.pipeline.close()


@pytest.fixture
def audio() -> Iterator[Receiver]:
    receiver = Receiver("audio")
    yield receiver
    receiver.pipeline.close()


def pictures(count: int) -> list[SentFrame]:
    encoder = Vp8Encoder()
    return [
        SentFrame(96, number * 3000, encoded.data, encoded.key, received_s=7.0)
        for number in range(count)
        for encoded in encoder.encode(draw(number, 160, 120, number / 30))
    ]


def packets(sound: AudioFrame, options: OpusOptions | None = None) -> list[SentFrame]:
    encoded = OpusEncoder(options).encode(sound)
    return [
        SentFrame(111, number * 960, part.data, True, received_s=7.0) for number, part in enumerate(encoded)
    ]


def take(queue: FrameQueue[FrameT], count: int) -> list[FrameT]:
    frames = [queue.get(10) for _ in range(count)]
    return [frame for frame in frames if frame is not None]


def test_pictures_are_decoded_into_the_track(video: Receiver) -> None:
    seen = video.track.video_frames(100)
    events: list[Event] = []
    video.track.onunmute = events.append
    for frame in pictures(5):
        video.pipe.put(frame)
    frames = take(seen, 5)
    assert [read_counter(frame) for frame in frames] == [0, 1, 2, 3, 4]
    assert [frame.timestamp_s for frame in frames] == pytest.approx([7.0 + n / 30 for n in range(5)])
    assert ([event.type for event in events], video.track.muted) == (["unmute"], False)
    assert video.key_frames_wanted == 0
    video.finish()
    figures = video.pipeline.figures
    assert (figures.frames_received, figures.frames_decoded, figures.key_frames_decoded) == (5, 5, 1)
    assert (figures.frame_width, figures.frame_height) == (160, 120)


def test_there_is_a_thread_only_once_frames_come_and_closing_ends_it() -> None:
    def threads() -> int:
        return sum(thread.name == "visavis-decode-audio" for thread in threading.enumerate())

    pipeline = ReceiverPipeline(Pipe(), RECEIVED, MediaSource("audio", muted=True))
    assert threads() == 0
    pipeline.begin()
    pipeline.begin()
    assert threads() == 1
    pipeline.close()
    pipeline.begin()
    assert threads() == 0


def test_the_senders_time_of_capture_is_kept(video: Receiver) -> None:
    seen = video.track.video_frames(100)
    frame = pictures(1)[0]
    video.pipe.put(SentFrame(96, 0, frame.data, True, capture_time_s=1234.5))
    assert take(seen, 1)[0].timestamp_s == 1234.5


def test_nothing_is_decoded_while_nobody_looks_and_then_a_key_frame_is_asked_for(video: Receiver) -> None:
    sent = pictures(4)
    video.pipe.put(sent[0])
    while not video.pipeline.figures.frames_received:
        threading.Event().wait(0.001)
    seen = video.track.video_frames(100)
    video.pipe.put(sent[1])
    video.pipe.put(sent[0])
    video.pipe.put(sent[1])
    assert [read_counter(frame) for frame in take(seen, 2)] == [0, 1]
    assert video.key_frames_wanted == 1
    video.finish()
    assert video.pipeline.figures.frames_decoded == 2


def test_a_damaged_picture_asks_for_a_key_frame_and_waits_for_it(video: Receiver) -> None:
    seen = video.track.video_frames(100)
    sent = pictures(3)
    for frame in (sent[0], SentFrame(96, 3000, b"\x00", False), sent[2], sent[0]):
        video.pipe.put(frame)
    video.finish()
    assert [read_counter(frame) for frame in take(seen, 2)] == [0, 0]
    assert video.key_frames_wanted == 2
    assert video.pipeline.figures.decode_errors == 1


def test_a_payload_type_that_was_not_negotiated_is_left_out(video: Receiver) -> None:
    seen = video.track.video_frames(100)
    (key,) = pictures(1)
    video.pipe.put(SentFrame(100, 0, key.data, True))
    video.pipe.put(key)
    assert len(take(seen, 1)) == 1
    video.pipeline.set_codecs({100: RECEIVED[96]})
    video.pipe.put(key)
    video.pipe.put(SentFrame(100, 0, key.data, True))
    video.finish()
    assert video.pipeline.figures.frames_decoded == 2


def test_a_tone_keeps_its_frequency(audio: Receiver) -> None:
    heard = audio.track.audio_frames(100)
    for packet in packets(tone(440, 1.0)):
        audio.pipe.put(packet)
    frames = take(heard, 50)
    samples = np.concatenate([frame.samples for frame in frames])
    assert frequency_hz(samples) == pytest.approx(440, abs=1)
    assert [frame.timestamp_s for frame in frames[:3]] == pytest.approx([7.0, 7.02, 7.04])
    assert audio.pipeline.figures.concealed_samples == 0


def test_lost_sound_is_filled_so_that_the_time_goes_on(audio: Receiver) -> None:
    heard = audio.track.audio_frames(100)
    sent = packets(tone(440, 1.0))
    for packet in (*sent[:20], lost(sent[23], 3), *sent[24:]):
        audio.pipe.put(packet)
    frames = take(heard, 50)
    assert sum(len(frame.samples) for frame in frames) == 48_000
    starts = [frame.timestamp_s for frame in frames]
    assert starts == pytest.approx([7.0 + number * 0.02 for number in range(50)])
    assert min(frame.level_dbov() for frame in frames[2:]) > -30
    audio.finish()
    figures = audio.pipeline.figures
    assert (figures.concealed_samples, figures.concealment_events) == (3 * 960, 1)
    assert figures.loudness.duration_s == pytest.approx(figures.samples_received / 48_000)
    assert figures.loudness.energy > 0


def test_the_last_lost_packet_comes_from_the_redundancy_of_the_next(audio: Receiver) -> None:
    heard = audio.track.audio_frames(100)
    times = np.arange(24_000) / 48_000
    wave = sum(np.sin(2 * np.pi * 120 * harmonic * times) / harmonic for harmonic in range(1, 20))
    vowel = (np.asarray(wave) * 6000).astype(np.int16)
    silent = np.zeros(24_000, np.int16)
    sound = AudioFrame(np.concatenate((silent, vowel))[:, None], 48_000, 0.0)
    sent = packets(sound, OpusOptions(target_bps=40_000, fec=True, loss_percent=40))
    for packet in (*sent[:25], lost(sent[30], 5), sent[31]):
        audio.pipe.put(packet)
    levels = [frame.level_dbov() for frame in take(heard, 32)]
    assert max(levels[25:29]) < -90  # nothing is known of these but the silence before
    assert levels[29] > -70


def test_a_pause_that_the_sender_made_is_no_loss(audio: Receiver) -> None:
    heard = audio.track.audio_frames(100)
    sent = packets(tone(440, 1.0))
    for packet in (sent[0], sent[2], sent[40]):
        audio.pipe.put(packet)
    audio.finish()
    starts = [frame.timestamp_s for frame in take(heard, 4)]
    assert starts == pytest.approx([7.0, 7.02, 7.04, 7.8])
    assert audio.pipeline.figures.concealed_samples == 0


def test_malformed_sound_is_counted(audio: Receiver) -> None:
    audio.track.audio_frames(100)
    kept = audio.track.audio_frames(100)
    audio.pipe.put(SentFrame(111, 0, b"\xff\xff\xff", True))
    audio.pipe.put(packets(tone(440, 0.02))[0])
    assert len(take(kept, 1)) == 1
    audio.finish()
    assert audio.pipeline.figures.decode_errors == 1


def test_a_closed_pipeline_leaves_the_track_live(video: Receiver) -> None:
    video.pipeline.close()
    video.pipeline.close()
    assert video.track.readyState == "live"


def test_a_disabled_remote_track_is_black(video: Receiver) -> None:
    seen: FrameQueue[VideoFrame] = video.track.video_frames()
    video.track.enabled = False
    video.pipe.put(pictures(1)[0])
    assert take(seen, 1)[0].rgb.max() == 0
