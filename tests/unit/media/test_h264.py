import numpy as np
import pytest

from visavis.media import VideoFrame
from visavis.media.codecs import H264Decoder, H264Encoder, H264Options
from visavis.media.codecs.h264 import fitting_size, level_of
from visavis.media.codecs.interface import EncodedFrame
from visavis.media.testcard import draw, read_counter


def card(number: int, width: int = 320, height: int = 240) -> VideoFrame:
    return draw(number, width, height, number / 30)


def rate_bps(encoder: H264Encoder, first: int, count: int, width: int = 320, height: int = 240) -> float:
    """Of so many pictures of noise that moves, which takes whatever rate there is."""
    dice = np.random.default_rng(first)
    bits = 0
    for number in range(first, first + count):
        rgb = dice.integers(0, 256, (height // 8, width // 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
        packets = encoder.encode(VideoFrame.from_rgb(rgb, number / 30))
        bits += sum(8 * len(packet.data) for packet in packets)
    return bits * 30 / count


def units(data: bytes) -> list[int]:
    """The types of the units of a byte stream (ITU-T H.264 table 7-1)."""
    return [part[0] & 31 for part in data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if part]


@pytest.mark.parametrize("size", [(320, 240), (480, 270), (162, 122)])
def test_pictures_come_out_as_they_went_in(size: tuple[int, int]) -> None:
    encoder, decoder = H264Encoder(), H264Decoder()
    for number in range(5):
        [packet] = encoder.encode(card(number, *size))
        assert packet.key is (number == 0)
        picture = decoder.decode_untrusted(packet.data, packet.timestamp_s)
        assert picture is not None
        assert (picture.width, picture.height, picture.timestamp_s) == (*size, number / 30)
        assert read_counter(picture) == number
    assert decoder.errors == 0


def test_a_key_frame_brings_its_parameter_sets_and_claims_constrained_baseline() -> None:
    [packet] = H264Encoder().encode(card(0))
    assert {7, 8, 5} <= set(units(packet.data))
    place = packet.data.index(b"\0\0\1\x67") + 4
    profile, constraints = packet.data[place : place + 2]
    assert (profile, constraints & 0x40) == (66, 0x40)


def test_a_key_frame_comes_when_it_is_asked_for_and_else_never() -> None:
    encoder = H264Encoder()
    keys: list[bool] = []
    for number in range(60):
        if number == 40:
            encoder.force_key_frame()
        [packet] = encoder.encode(card(number), force_key_frame=number == 20)
        keys.append(packet.key)
    assert [number for number, key in enumerate(keys) if key] == [0, 20, 40]


def test_a_running_encoder_follows_a_new_rate_without_a_key_frame() -> None:
    encoder = H264Encoder(H264Options(target_bps=1_500_000))
    assert rate_bps(encoder, 0, 60) == pytest.approx(1_500_000, rel=0.35)
    for target_bps in (300_000, 1_000_000):
        encoder.set_rate(target_bps)
        rate_bps(encoder, 60, 30)
        assert rate_bps(encoder, 90, 45) == pytest.approx(target_bps, rel=0.25)


def test_another_size_begins_with_a_key_frame() -> None:
    encoder, decoder = H264Encoder(), H264Decoder()
    sizes: list[tuple[int, int]] = []
    for number, size in enumerate([(320, 240), (320, 240), (160, 120)]):
        [packet] = encoder.encode(card(number, *size))
        assert packet.key is (number != 1)
        picture = decoder.decode_untrusted(packet.data, 0.0)
        assert picture is not None
        sizes.append((picture.width, picture.height))
    assert sizes == [(320, 240), (320, 240), (160, 120)]


def test_a_picture_that_the_peers_level_does_not_have_is_scaled_down() -> None:
    assert fitting_size(1280, 720, 31) == (1280, 720)
    width, height = fitting_size(1920, 1080, 31)
    assert (width % 2, height % 2) == (0, 0)
    assert 1270 <= width <= 1280
    assert width / height == pytest.approx(16 / 9, rel=0.01)
    assert fitting_size(161, 121, 31) == (160, 120)
    assert fitting_size(1, 1, 10) == (2, 2)


@pytest.mark.parametrize(
    ("told", "level"), [("42e01f", 31), ("640028", 40), ("", 10), ("xyz", 10), ("42", 10)]
)
def test_the_level_is_read_from_what_the_peer_says(told: str, level: int) -> None:
    assert level_of({"profile-level-id": told}) == level
    assert level_of({}) == 10


@pytest.mark.parametrize(
    "data",
    [b"", b"\0\0\1", b"no picture", b"\0\0\0\1\x67" + bytes(40)],
    ids=["nothing", "a start code", "no start code", "parameters of nonsense"],
)
def test_what_is_no_picture_is_counted_and_the_next_key_frame_is_decoded(data: bytes) -> None:
    decoder = H264Decoder()
    assert decoder.decode_untrusted(data, 0.0) is None
    assert decoder.errors == 1
    assert decoder.conceal(0, 1.0) is None
    [packet] = H264Encoder().encode(card(7))
    picture = decoder.decode_untrusted(packet.data, 1.0)
    assert picture is not None
    assert read_counter(picture) == 7


def test_a_damaged_stream_raises_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    encoder, decoder = H264Encoder(), H264Decoder()
    dice = np.random.default_rng(5)
    for number in range(60):
        [packet] = encoder.encode(card(number))
        data = bytearray(packet.data)
        for place in dice.integers(0, len(data), 3):
            data[place] = int(dice.integers(0, 256))
        decoder.decode_untrusted(bytes(data), packet.timestamp_s)
    assert capfd.readouterr().err == "", "libraries write nothing to the program's standard error"


def test_a_picture_with_too_many_pixels_is_refused() -> None:
    packets: list[EncodedFrame] = H264Encoder().encode(card(0, 640, 480))
    decoder = H264Decoder(max_pixels=320 * 240)
    assert decoder.decode_untrusted(packets[0].data, 0.0) is None
    assert decoder.errors == 1


def test_what_is_closed_says_so() -> None:
    encoder, decoder = H264Encoder(), H264Decoder()
    for one in (encoder, decoder):
        one.close()
        one.close()
    with pytest.raises(RuntimeError, match="closed"):
        encoder.encode(card(0))
    with pytest.raises(RuntimeError, match="closed"):
        decoder.decode_untrusted(b"x", 0.0)
