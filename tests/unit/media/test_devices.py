import errno
from collections.abc import Callable

import numpy as np
import pytest

from tests.unit.media.tracks import devices, drain, frequency_hz
from visavis.errors import DOMException
from visavis.media import (
    DeviceChangeEvent,
    InputDevice,
    InputDeviceInfo,
    MediaDevices,
    MediaSource,
    OverconstrainedError,
    VideoFrame,
    mediaDevices,
    synthetic_devices,
)
from visavis.media.capabilities import CameraChoices, VideoMode
from visavis.media.testcard import draw, read_counter
from visavis.testing.clock import ManualClock, ManualTimer


def camera(name: str, error: OSError | None = None, mode: VideoMode | None = None) -> InputDevice:
    choices = CameraChoices(f"id {name}", f"group {name}", (mode or VideoMode(64, 48, 15.0),))

    def open_source() -> MediaSource:
        if error is not None:
            raise error
        return MediaSource("video", label=name, constrainable=choices)

    return InputDevice("video", name, choices, open_source)


async def test_a_stream_has_a_track_of_each_kind_that_is_asked_for() -> None:
    media, _ = devices()
    both = await media.getUserMedia({"audio": True, "video": {"width": 1280}})
    assert [track.kind for track in both.getTracks()] == ["audio", "video"]
    assert both.getVideoTracks()[0].getSettings()["width"] == 1280
    only = await media.getUserMedia({"audio": False, "video": True})
    assert [track.kind for track in only.getTracks()] == ["video"]


@pytest.mark.parametrize("constraints", [None, {}, {"audio": False}, {"audio": None, "video": False}])
async def test_asking_for_nothing_is_a_type_error(constraints: dict[str, object] | None) -> None:
    with pytest.raises(TypeError):
        await mediaDevices.getUserMedia(constraints)


async def test_without_a_device_of_the_kind_none_is_found() -> None:
    media = MediaDevices([camera("front")])
    with pytest.raises(DOMException) as caught:
        await media.getUserMedia({"video": True, "audio": True})
    assert caught.value.name == "NotFoundError"


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (PermissionError(errno.EACCES, "no"), "NotAllowedError"),
        (OSError(errno.EBUSY, "busy"), "NotReadableError"),
    ],
)
async def test_a_device_that_the_system_does_not_give_is_named(error: OSError, name: str) -> None:
    _, microphone = synthetic_devices(clock := ManualClock())
    media = MediaDevices([microphone, camera("front", error)])
    with pytest.raises(DOMException) as caught:
        await media.getUserMedia({"video": True, "audio": True})
    assert caught.value.name == name
    assert clock.pending() == 0


async def test_the_device_that_fits_best_is_taken() -> None:
    low, high = camera("low"), camera("high", mode=VideoMode(128, 96, 15.0))
    media = MediaDevices([low, high])

    async def taken(constraints: dict[str, object]) -> str:
        return (await media.getUserMedia({"video": constraints})).getTracks()[0].label

    assert await taken({}) == "low"
    assert await taken({"width": {"min": 100}}) == "high"
    assert await taken({"deviceId": "id high"}) == "high"
    assert await taken({"groupId": {"exact": ["group high", "another"]}}) == "high"
    with pytest.raises(OverconstrainedError) as caught:
        await taken({"deviceId": {"exact": "id gone"}})
    assert caught.value.constraint == "deviceId"


async def test_devices_are_told_as_far_as_they_were_opened() -> None:
    media, _ = devices()
    before = await media.enumerateDevices()
    assert [(info.kind, info.deviceId, info.label) for info in before] == [
        ("audioinput", "", ""),
        ("videoinput", "", ""),
    ]
    stream = await media.getUserMedia({"video": True})
    microphone, found = await media.enumerateDevices()
    assert microphone.deviceId == ""
    assert isinstance(found, InputDeviceInfo)
    (track,) = stream.getTracks()
    assert found.deviceId == track.getSettings()["deviceId"]
    assert found.getCapabilities() == track.getCapabilities()
    assert found.toJSON()["label"] == track.label


async def test_devices_that_come_and_go_are_announced() -> None:
    media, _ = devices()
    await media.getUserMedia({"video": True})
    events: list[DeviceChangeEvent] = []
    media.ondevicechange = events.append
    front = camera("front")
    media.add(front)
    with pytest.raises(ValueError, match="there already"):
        media.add(front)
    (track,) = (await media.getUserMedia({"video": {"deviceId": {"exact": "id front"}}})).getTracks()
    media.remove(front)
    media.remove(front)
    assert [[info.label for info in event.devices][-1] for event in events] == ["front", "visavis test card"]
    assert track.readyState == "ended"


async def test_a_device_that_is_not_to_be_known_comes_without_an_event() -> None:
    media, _ = devices()
    events: list[DeviceChangeEvent] = []
    media.ondevicechange = events.append
    media.add(camera("front"))
    assert events == []


def test_every_supported_constraint_is_listed() -> None:
    supported = mediaDevices.getSupportedConstraints()
    assert all(supported.values())
    assert {"width", "frameRate", "deviceId", "channelCount", "resizeMode"} <= supported.keys()
    assert "volume" not in supported


async def test_the_cameras_counter_is_that_of_its_clock() -> None:
    media, clock = devices()
    (track,) = (await media.getUserMedia({"video": True})).getTracks()
    start_s = clock.monotonic()
    frames = track.video_frames(100)
    clock.advance(0.5)
    seen = drain(frames)
    assert [read_counter(frame) for frame in seen] == list(range(16))
    assert [frame.timestamp_s - start_s for frame in seen] == pytest.approx([n / 30 for n in range(16)])
    frames.close()
    clock.advance(1.0)
    again = track.video_frames(100)
    clock.advance(0.001)
    assert [read_counter(frame) for frame in drain(again)] == [45]


async def test_the_same_clock_gives_the_same_pictures_and_sound() -> None:
    async def run() -> tuple[bytes, bytes]:
        media, clock = devices()
        audio, video = (await media.getUserMedia({"audio": True, "video": True})).getTracks()
        seen, heard = video.video_frames(10), audio.audio_frames()
        clock.advance(0.1)
        pictures = b"".join(plane.tobytes() for frame in drain(seen) for plane in frame.i420)
        return pictures, b"".join(frame.samples.tobytes() for frame in drain(heard))

    assert await run() == await run()


async def test_the_tone_goes_on_without_clicks() -> None:
    media, clock = devices()
    (track,) = (await media.getUserMedia({"audio": True})).getTracks()
    heard = track.audio_frames(100)
    clock.advance(0.999)
    samples = np.concatenate([frame.samples for frame in drain(heard)])
    assert samples.shape == (48_000, 1)
    assert frequency_hz(samples) == 440
    assert np.abs(np.diff(samples[:, 0].astype(int))).max() < 500


class StalledClock:
    """Its callbacks come when the test says, however late that is."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.waiting: list[Callable[[], None]] = []

    def monotonic(self) -> float:
        return self.now_s

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> ManualTimer:
        self.waiting.append(callback)
        return ManualTimer(self.now_s + delay_s, 0, callback)


async def test_a_camera_that_is_late_leaves_frames_out() -> None:
    clock = StalledClock()
    (track,) = (await MediaDevices(synthetic_devices(clock)).getUserMedia({"video": True})).getTracks()
    frames = track.video_frames(100)
    for now_s in (100.0, 100.034, 100.5, 100.534):
        clock.now_s = now_s
        clock.waiting.pop()()
    assert [read_counter(frame) for frame in drain(frames)] == [0, 1, 2, 15]
    assert len(clock.waiting) == 1


@pytest.mark.parametrize("size", [(160, 120), (640, 480), (1920, 1080), (333, 211), (64, 48)])
@pytest.mark.parametrize("counter", [0, 1, 4711, 2**24 - 1])
def test_the_counter_can_be_read_at_every_size(size: tuple[int, int], counter: int) -> None:
    frame = draw(counter, *size, 1.0)
    assert read_counter(frame) == counter
    assert read_counter(VideoFrame.from_rgb(frame.rgb, 1.0)) == counter


def test_the_counter_can_be_read_after_scaling() -> None:
    assert read_counter(draw(1234, 1280, 720, 0.0).scaled(320, 180)) == 1234


def test_no_counter_is_read_from_another_picture() -> None:
    assert read_counter(VideoFrame.black(640, 480, 0.0)) is None
    y, u, v = (plane.copy() for plane in draw(5, 640, 480, 0.0).i420)
    y[:, 45:59] = 235
    assert read_counter(VideoFrame.from_i420(y, u, v, 0.0)) is None
