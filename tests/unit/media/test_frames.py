import numpy as np
import pytest

from tests.unit.media.tracks import tone
from visavis.media import AudioFrame, VideoFrame


def gradient(width: int, height: int) -> VideoFrame:
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[..., 0] = np.linspace(0, 255, width, dtype=np.uint8)
    rgb[..., 1] = np.linspace(0, 255, height, dtype=np.uint8)[:, None]
    rgb[..., 2] = 96
    return VideoFrame.from_rgb(rgb, 1.5)


@pytest.mark.parametrize("size", [(64, 48), (65, 49), (31, 17), (1, 1)])
def test_a_picture_survives_the_way_to_i420_and_back(size: tuple[int, int]) -> None:
    frame = gradient(*size)
    back = VideoFrame.from_i420(*frame.i420, 1.5)
    assert (back.width, back.height, back.format) == (*size, "I420")
    assert np.abs(back.rgb.astype(int) - frame.rgb).mean() < 12


def test_colours_are_those_of_bt_601_with_limited_range() -> None:
    white = VideoFrame.from_rgb(np.full((16, 16, 3), 255, np.uint8), 0.0)
    red = VideoFrame.from_rgb(np.tile(np.array([255, 0, 0], np.uint8), (16, 16, 1)), 0.0)
    assert [int(plane[4, 4]) for plane in white.i420] == [235, 128, 128]
    assert [int(plane[4, 4]) for plane in red.i420] == pytest.approx([81, 90, 240], abs=1)


def test_a_black_picture_is_black() -> None:
    assert VideoFrame.black(33, 17, 2.0).rgb.max() == 0


def test_a_picture_of_another_shape_is_cropped_in_its_middle() -> None:
    rgb = np.zeros((100, 200, 3), np.uint8)
    rgb[:, 60:140] = 255
    square = VideoFrame.from_rgb(rgb, 3.0).scaled(50, 50)
    assert (square.width, square.height, square.timestamp_s) == (50, 50, 3.0)
    assert square.rgb[25, 5:-5].min() > 0
    assert square.rgb[25, 25].min() > 240
    assert square.rgb[25, 0].max() < 40


def test_a_frame_of_its_own_size_is_not_copied() -> None:
    frame = gradient(64, 48)
    assert frame.scaled(64, 48) is frame


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(array: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        VideoFrame.from_rgb(array, 0.0)


def test_planes_that_do_not_fit_each_other_are_refused() -> None:
    plane = np.zeros((4, 4), np.uint8)
    with pytest.raises(ValueError, match="I420"):
        VideoFrame.from_i420(plane, plane, plane, 0.0)


def test_samples_survive_the_way_to_float_and_back() -> None:
    sound = tone(440, 0.02, channels=2)
    as_float = AudioFrame(sound.as_float32(), 48_000, 0.0)
    assert np.abs(as_float.as_int16().astype(int) - sound.samples).max() <= 1


def test_samples_beyond_full_scale_are_clipped() -> None:
    loud = AudioFrame(np.array([[2.0], [-2.0]], np.float32), 48_000, 0.0)
    assert loud.as_int16().ravel().tolist() == [32767, -32768]


def test_what_is_no_sound_is_refused() -> None:
    with pytest.raises(ValueError, match="int16"):
        AudioFrame(np.zeros((10, 1), np.int32), 48_000, 0.0)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_the_level_is_that_of_rfc_6464() -> None:
    square = AudioFrame(np.full((960, 1), -32768, np.int16), 48_000, 0.0)
    assert square.level_dbov() == 0
    assert tone(1000, 0.02).level_dbov() == -15  # 8000 of 32768, and 3 dB for the sine
    assert AudioFrame.silence(960, 1, 48_000, 0.0).level_dbov() == -127


def test_a_frame_shows_what_it_is_and_not_its_content() -> None:
    assert repr(VideoFrame.black(640, 480, 1.5)) == "VideoFrame(640x480 I420, timestamp_s=1.500000)"
    sound = AudioFrame.silence(960, 2, 48_000, 1.5)
    assert repr(sound) == "AudioFrame((960, 2) int16, 48000 Hz, timestamp_s=1.500000)"
