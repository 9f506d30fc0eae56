import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.unit.media.tracks import drain, frequency_hz, tone
from visavis.media import AudioFrame, MediaDevices, VideoFrame, file_devices, open_media
from visavis.media.testcard import draw, read_counter
from visavis.testing.clock import ManualClock

FRAMES, RATE = 20, 10


def new_file(path: Path) -> Any:
    """A container to be written. PyAV does not say the types of what goes into it."""
    return av.open(str(path), "w")


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two seconds of the test card at 10 frames a second, and of a tone at 44.1 kHz in stereo."""
    path = tmp_path_factory.mktemp("movie") / "card.mkv"
    with new_file(path) as container:
        video = container.add_stream("mpeg4", rate=RATE)
        video.width, video.height, video.pix_fmt, video.bit_rate = 320, 240, "yuv420p", 2_000_000
        audio = container.add_stream("pcm_s16le", rate=44_100, layout="stereo")
        for number in range(FRAMES):
            picture = av.VideoFrame.from_ndarray(draw(number, 320, 240, 0.0).rgb, "rgb24")
            picture.pts, picture.time_base = number, Fraction(1, RATE)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        samples = tone(500, FRAMES / RATE, 2, 44_100).as_int16()
        for start in range(0, len(samples), 4410):
            block = np.ascontiguousarray(samples[start : start + 4410]).reshape(1, -1)
            sound = av.AudioFrame.from_ndarray(block, format="s16", layout="stereo")
            sound.sample_rate, sound.pts, sound.time_base = 44_100, start, Fraction(1, 44_100)
            container.mux(audio.encode(sound))
        container.mux(audio.encode(None))
    return str(path)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def test_a_file_plays_at_its_own_pace_and_ends(movie: str) -> None:
    clock = ManualClock(100.0)
    stream = open_media(movie, clock=clock)
    (audio,), (video,) = stream.getAudioTracks(), stream.getVideoTracks()
    seen, heard = video.video_frames(100), audio.audio_frames(1000)
    clock.advance(0.95)
    frames = drain(seen)
    assert [read_counter(frame) for frame in frames] == list(range(10))
    assert [frame.timestamp_s for frame in frames] == pytest.approx(
        [100 + n / RATE for n in range(10)], abs=0.002
    )
    assert stream.active
    clock.advance(1.5)
    assert [read_counter(frame) for frame in drain(seen)] == list(range(10, 20))
    sound = drain(heard)
    assert sum(frame.duration_s for frame in sound) == pytest.approx(2.0, abs=0.01)
    samples = np.concatenate([frame.samples for frame in sound])
    assert frequency_hz(samples, 44_100) == pytest.approx(500, abs=1)
    assert not stream.active
    assert clock.pending() == 0


def test_a_repeated_file_begins_again(movie: str) -> None:
    clock = ManualClock(100.0)
    (video,) = open_media(movie, repeat=True, clock=clock).getVideoTracks()
    seen = video.video_frames(100)
    clock.advance(4.0)
    frames = drain(seen)
    assert [read_counter(frame) for frame in frames][18:24] == [18, 19, 0, 1, 2, 3]
    times = [frame.timestamp_s for frame in frames]
    assert times == pytest.approx([100 + number / RATE for number in range(41)], abs=0.005)
    video.stop()
    clock.advance(1.0)
    assert clock.pending() == 0


async def test_a_file_is_a_camera_and_a_microphone(movie: str) -> None:
    clock = ManualClock(100.0)
    media = MediaDevices(file_devices(movie, clock=clock))
    stream = await media.getUserMedia({"audio": {"channelCount": 1}, "video": {"width": 160}})
    (audio,), (video,) = stream.getAudioTracks(), stream.getVideoTracks()
    settings = video.getSettings()
    assert (settings["width"], settings["height"], settings["frameRate"]) == (160, 120, 10.0)
    assert (audio.getSettings()["sampleRate"], video.label) == (44_100, "card.mkv")
    seen, heard = video.video_frames(10), audio.audio_frames(100)
    clock.advance(0.05)
    (frame,), sound = drain(seen), drain(heard)
    assert (frame.width, frame.height, read_counter(frame)) == (160, 120, 0)
    assert {part.channels for part in sound} == {1}
    again = await media.getUserMedia({"video": True})
    first = again.getVideoTracks()[0].video_frames()
    clock.advance(0.001)
    assert read_counter(drain(first)[0]) == 0


def test_a_file_plays_on_a_thread_of_its_own(movie: str) -> None:
    stream = open_media(movie)
    (video,) = stream.getVideoTracks()
    seen = video.video_frames(100)
    frame = seen.get(10)
    players = [thread for thread in threading.enumerate() if thread.name == "visavis-play-card.mkv"]
    for track in stream.getTracks():
        track.stop()
    for player in players:
        player.join()
    assert isinstance(frame, VideoFrame)
    assert len(players) == 1


def test_a_file_of_sound_alone_has_one_track(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    with new_file(path) as container:
        audio = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        block = tone(500, 0.1, 1, 8000).as_int16().reshape(1, -1)
        sound = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux(audio.encode(sound))
        container.mux(audio.encode(None))
    clock = ManualClock()
    (track,) = open_media(str(path), clock=clock).getTracks()
    heard = track.audio_frames()
    clock.advance(1.0)
    assert {type(frame) for frame in drain(heard)} == {AudioFrame}
    assert [device.kind for device in file_devices(str(path))] == ["audio"]


def test_a_file_that_cannot_be_opened_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"nothing\.mp4"):
        open_media(str(tmp_path / "nothing.mp4"))
    text = tmp_path / "text.mp4"
    text.write_text("this is no movie")
    with pytest.raises(OSError, match=r"text\.mp4"):
        open_media(str(text))
