"""Pipelines on both sides of a real data plane: a local source that the same plane gives out again."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from tests.unit.media.tracks import frequency_hz, tone
from visavis.dataplane import Plane
from visavis.dataplane.commands import Codec, Kind, OpenSource, SourcePayload, TrackId
from visavis.media import (
    AudioFrame,
    AudioSource,
    MediaSource,
    MediaStreamTrack,
    ReceiverPipeline,
    ReceivingCodec,
    SenderPipeline,
    VideoSource,
)
from visavis.media.codecs.registry import CODECS
from visavis.media.testcard import draw, read_counter

OPUS, VP8, *_ = CODECS


@dataclass
class Line:
    """A track, sent into the plane, and the one that comes out."""

    sender: SenderPipeline
    receiver: ReceiverPipeline
    track: MediaStreamTrack


@pytest.fixture
def plane() -> Iterator[Plane]:
    before = set(threading.enumerate())
    plane = Plane.start([], threads=1)
    yield plane
    plane.close()
    assert set(threading.enumerate()) <= before


def line(plane: Plane, kind: Kind, number: int) -> Line:
    codec, name = (OPUS, Codec.OPUS) if kind is Kind.AUDIO else (VP8, Codec.VP8)
    plane.submit(OpenSource(TrackId(number), kind, (SourcePayload(10, name, codec.clock_hz),)))
    source = MediaSource(codec.kind, muted=True)
    sender = SenderPipeline(codec, plane.frame_sender(TrackId(number)), 10, first_timestamp=0xFFFFFF00)
    frames = plane.receive_frames(TrackId(number), kind)
    codecs = {10: ReceivingCodec(codec, {})}
    receiver = ReceiverPipeline(frames, codecs, source, request_key_frame=sender.request_key_frame)
    receiver.begin()
    return Line(sender, receiver, MediaStreamTrack(source))


def test_pictures_cross_the_data_plane(plane: Plane) -> None:
    crossing = line(plane, Kind.VIDEO, 1)
    source = VideoSource()
    crossing.sender.replace_track(source.create_track())
    seen = crossing.track.video_frames(100)
    counters: list[int | None] = []
    for number in range(20):
        source.push(draw(number, 320, 240, 50.0 + number / 30))
        frame = seen.get(20)
        assert frame is not None
        counters.append(read_counter(frame))
    crossing.sender.close()
    crossing.receiver.close()
    assert counters == list(range(20))
    assert crossing.sender.figures.key_frames_encoded == 1


def test_sound_crosses_the_data_plane(plane: Plane) -> None:
    crossing = line(plane, Kind.AUDIO, 2)
    source = AudioSource()
    crossing.sender.replace_track(source.create_track())
    heard = crossing.track.audio_frames(100)
    sound = tone(440, 1.0)
    parts: list[AudioFrame] = []
    for start in range(0, 48_000, 960):
        source.push(AudioFrame(sound.samples[start : start + 960], 48_000, start / 48_000))
        part = heard.get(20)
        assert part is not None
        parts.append(part)
    crossing.sender.close()
    crossing.receiver.close()
    assert frequency_hz(np.concatenate([part.samples for part in parts])) == pytest.approx(440, abs=1)
    assert crossing.receiver.figures.concealed_samples == 0
