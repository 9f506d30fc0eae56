import asyncio
import gc
import threading

import numpy as np
import pytest

from tests.unit.media.tracks import devices, drain, noise, tone
from visavis.events import Event
from visavis.media import (
    AudioFrame,
    AudioSource,
    Frame,
    MediaSource,
    MediaStreamTrack,
    OverconstrainedError,
    VideoFrame,
    VideoSource,
)
from visavis.testing.clock import ManualClock


class DemandSource(MediaSource):
    """Writes down when it is started and stopped."""

    def __init__(self) -> None:
        super().__init__("video")
        self.log: list[str] = []

    def _start(self) -> None:
        self.log.append("start")

    def _stop(self) -> None:
        self.log.append("stop")


def test_a_new_track_is_live_enabled_and_named_by_its_source() -> None:
    source = VideoSource(label="screen")
    track = source.create_track()
    assert (track.kind, track.label, track.enabled, track.muted) == ("video", "screen", True, False)
    assert (track.readyState, track.contentHint, track.getConstraints()) == ("live", "", {})
    assert track.id != source.create_track().id


def test_each_consumer_gets_every_frame() -> None:
    source = VideoSource()
    track = source.create_track()
    first, second = track.frames(), track.frames()
    frame = noise()
    source.push(frame)
    assert drain(first) == [frame]
    assert drain(second) == [frame]


def test_a_slow_consumer_of_pictures_gets_the_newest() -> None:
    source = VideoSource()
    frames = source.create_track().frames(capacity=1)
    pushed = [noise(seed=seed) for seed in range(3)]
    for frame in pushed:
        source.push(frame)
    assert drain(frames) == pushed[-1:]
    assert frames.dropped == 2


def test_a_source_runs_only_while_somebody_takes_frames() -> None:
    source = DemandSource()
    track, other = MediaStreamTrack(source), MediaStreamTrack(source)
    first, second = track.frames(), other.frames()
    first.close()
    source.emit(noise())
    assert source.log == ["start"]
    second.close()
    source.emit(noise())
    assert source.log == ["start", "stop"]
    kept = track.frames()
    track.stop()
    other.stop()
    assert source.log == ["start", "stop", "start", "stop"]
    assert (kept.ended, source.ended) == (True, True)


def test_a_consumer_that_is_garbage_consumes_no_more() -> None:
    source = DemandSource()
    frames = MediaStreamTrack(source).frames()
    assert source.log == ["start"]
    del frames
    gc.collect()
    source.emit(noise())
    assert source.log == ["start", "stop"]


def test_a_disabled_track_gives_black_pictures_and_silence() -> None:
    pictures, sound = VideoSource(), AudioSource()
    video, audio = pictures.create_track(), sound.create_track()
    seen, heard = video.video_frames(), audio.audio_frames()
    video.enabled = audio.enabled = False
    pictures.push(noise(33, 17).at(4.0))
    sound.push(tone(440, 0.02, channels=2))
    (black,), (silence,) = drain(seen), drain(heard)
    assert (black.width, black.height, black.timestamp_s, black.rgb.max()) == (33, 17, 4.0, 0)
    assert (silence.samples.shape, silence.level_dbov()) == ((960, 2), -127)
    video.enabled = True
    pictures.push(noise(33, 17))
    assert drain(seen)[0].rgb.max() > 0


def test_a_clone_has_its_own_enabled_and_end() -> None:
    source = VideoSource()
    track = source.create_track()
    track.enabled, track.contentHint = False, "text"
    clone = track.clone()
    assert (clone.enabled, clone.contentHint, clone.readyState) == (False, "text", "live")
    assert clone.id != track.id
    clone.enabled = True
    assert not track.enabled
    track.stop()
    assert (track.readyState, clone.readyState, source.ended) == ("ended", "live", False)
    assert track.clone().readyState == "ended"
    clone.stop()
    assert source.ended
    assert clone.clone().readyState == "ended"


def test_stop_fires_no_event_and_the_end_of_the_source_does() -> None:
    source = VideoSource()
    stopped, left = source.create_track(), source.create_track()
    events: list[Event] = []
    stopped.onended = left.onended = events.append
    frames = left.frames()
    stopped.stop()
    source.end()
    source.end()
    assert [event.target for event in events] == [left]
    assert (left.readyState, frames.get()) == ("ended", None)


def test_muting_is_the_sources_and_fires_events() -> None:
    source = MediaSource("audio", muted=True)
    track = MediaStreamTrack(source)
    events: list[Event] = []
    track.onmute = track.onunmute = events.append
    frames = track.frames()
    source.emit(tone(440, 0.02))
    assert track.muted
    source.set_muted(False)
    source.set_muted(False)
    source.emit(tone(440, 0.02))
    source.set_muted(True)
    track.stop()
    source.set_muted(False)
    assert [event.type for event in events] == ["unmute", "mute"]
    assert len(drain(frames)) == 1


async def test_events_come_on_the_loop_of_their_listener() -> None:
    source = VideoSource()
    track = source.create_track()
    ended = asyncio.ensure_future(track.next_event("ended", timeout=10))
    threads: list[threading.Thread] = []

    @track.on("ended")
    def remember(event: Event) -> None:
        threads.append(threading.current_thread())

    await asyncio.sleep(0)
    ender = threading.Thread(target=source.end)
    ender.start()
    await ended
    ender.join()
    assert threads == [threading.current_thread()]


async def test_async_for_ends_with_the_track() -> None:
    source = VideoSource()
    track = source.create_track()
    seen: list[object] = []

    async def consume() -> None:
        async for frame in track:
            seen.append(frame)

    consumer = asyncio.ensure_future(consume())
    await asyncio.sleep(0)
    frame = noise()
    source.push(frame)
    source.end()
    await consumer
    assert seen == [frame]


def test_a_consumer_of_an_ended_track_gets_its_end() -> None:
    track = VideoSource().create_track()
    track.stop()
    assert track.frames().get() is None


def test_content_hints_of_the_other_kind_are_not_taken() -> None:
    track = VideoSource().create_track()
    track.contentHint = "music"
    assert track.contentHint == ""
    track.contentHint = "detail"
    assert track.contentHint == "detail"


def test_the_frames_of_the_other_kind_are_refused() -> None:
    with pytest.raises(TypeError):
        VideoSource().create_track().audio_frames()
    with pytest.raises(TypeError):
        AudioSource().create_track().video_frames()


async def test_a_source_without_choices_meets_no_required_constraint() -> None:
    track = VideoSource().create_track()
    with pytest.raises(OverconstrainedError) as caught:
        await track.applyConstraints({"width": {"exact": 10}})
    assert caught.value.constraint == "width"
    await track.applyConstraints({"width": 10})
    assert track.getConstraints() == {"width": 10}
    assert (track.getCapabilities(), track.getSettings()) == ({}, {})


async def test_two_tracks_of_a_camera_have_their_own_sizes_and_rates() -> None:
    media, clock = devices()
    stream = await media.getUserMedia({"video": {"width": 320, "height": 240}})
    (small,) = stream.getVideoTracks()
    large = small.clone()
    await large.applyConstraints({"width": 1280, "height": 720, "frameRate": {"max": 10}})
    seen_small, seen_large = small.video_frames(100), large.video_frames(100)
    clock.advance(0.99)
    small_frames, large_frames = drain(seen_small), drain(seen_large)
    assert {(frame.width, frame.height) for frame in small_frames} == {(320, 240)}
    assert {(frame.width, frame.height) for frame in large_frames} == {(1280, 720)}
    assert (len(small_frames), len(large_frames)) == (30, 10)
    stream.getTracks()[0].stop()
    large.stop()
    assert clock.pending() == 0


async def test_a_new_track_of_an_open_camera_is_not_scaled_up() -> None:
    media, clock = devices()
    (small,) = (await media.getUserMedia({"video": {"width": 160, "height": 120}})).getTracks()
    seen = small.video_frames()
    clock.advance(0.001)
    drain(seen)
    given: list[Frame] = []

    class Track(MediaStreamTrack):
        def deliver(self, frame: Frame) -> None:
            given.append(frame)

    large = Track(small.source)
    kept = large.frames()
    clock.advance(0.04)
    assert [(frame.width, frame.height) for frame in given if isinstance(frame, VideoFrame)] == [(640, 480)]
    assert drain(kept) == []


async def test_constraints_that_fail_change_nothing() -> None:
    media, _ = devices()
    (track,) = (await media.getUserMedia({"video": {"width": 320}})).getTracks()
    before = track.getSettings()
    with pytest.raises(OverconstrainedError):
        await track.applyConstraints({"width": {"min": 100_000}})
    assert (track.getSettings(), track.getConstraints()) == (before, {"width": 320})


async def test_an_ended_track_still_tells_its_device() -> None:
    media, _ = devices()
    (track,) = (await media.getUserMedia({"video": True})).getTracks()
    identifier = track.getSettings()["deviceId"]
    track.stop()
    assert set(track.getSettings()) == {"deviceId", "groupId", "facingMode"}
    assert track.getSettings()["deviceId"] == identifier
    await track.applyConstraints({"width": {"min": 100_000}})


def test_a_stereo_device_track_may_be_mono_and_the_other_way_round() -> None:
    async def scenario() -> None:
        media, clock = devices()
        (mono,) = (await media.getUserMedia({"audio": True})).getTracks()
        stereo = mono.clone()
        await stereo.applyConstraints({"channelCount": {"exact": 2}})
        heard_mono, heard_stereo = mono.audio_frames(), stereo.audio_frames()
        clock.advance(0.01)
        (one,), (two,) = drain(heard_mono), drain(heard_stereo)
        assert (one.channels, two.channels) == (1, 2)
        assert np.array_equal(one.samples[:, 0], two.samples[:, 1])

    asyncio.run(scenario())


def test_pushed_sound_goes_on_without_gaps_until_it_pauses() -> None:
    clock = ManualClock(100.0)
    source = AudioSource(sample_rate_hz=16_000, clock=clock)
    heard = source.create_track().audio_frames()
    block = np.zeros((320, 1), np.int16)
    source.push(block)
    clock.advance(0.03)
    source.push(block)
    clock.advance(5)
    source.push(block)
    assert [frame.timestamp_s for frame in drain(heard)] == pytest.approx([100.0, 100.02, 105.03])


def test_a_pushed_array_is_captured_now() -> None:
    clock = ManualClock(50.0)
    source = VideoSource(clock=clock)
    seen = source.create_track().video_frames()
    source.push(np.zeros((4, 6, 3), np.uint8))
    (frame,) = drain(seen)
    assert (frame.width, frame.height, frame.timestamp_s) == (6, 4, 50.0)
    with pytest.raises(ValueError, match="uint8"):
        source.push(np.zeros((4, 6), np.uint8))


def test_frames_may_be_pushed_from_any_thread() -> None:
    source = AudioSource()
    heard = source.create_track().audio_frames()
    pusher = threading.Thread(target=source.push, args=(AudioFrame.silence(10, 1, 48_000, 0.0),))
    pusher.start()
    frame = heard.get()
    pusher.join()
    assert frame is not None
    assert len(frame.samples) == 10


def test_a_muted_or_ended_source_gives_nothing() -> None:
    source = VideoSource()
    track = source.create_track()
    seen = track.frames()
    source.set_muted(True)
    source.push(VideoFrame.black(2, 2, 0.0))
    assert drain(seen) == []
