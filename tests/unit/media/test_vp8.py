import numpy as np
import pytest

from visavis.media import VideoFrame
from visavis.media.codecs import EncodedFrame, Vp8Decoder, Vp8Encoder, Vp8Options
from visavis.media.codecs.vp8 import key_frame_size_untrusted
from visavis.media.testcard import draw, read_counter

WIDTH, HEIGHT = 320, 240


def encode(
    encoder: Vp8Encoder, first: int, count: int, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> list[EncodedFrame]:
    return [
        encoded
        for number in range(first, first + count)
        for encoded in encoder.encode(draw(number, *size, number / 30))
    ]


def rate_bps(encoded: list[EncodedFrame], frames: int) -> float:
    return sum(len(frame.data) for frame in encoded) * 8 / (frames / 30)


def psnr_db(left: VideoFrame, right: VideoFrame) -> float:
    error = float(np.mean((left.i420[0].astype(float) - right.i420[0]) ** 2))
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


@pytest.mark.parametrize("size", [(320, 240), (161, 91), (16, 16), (1, 1)])
def test_the_decoded_picture_is_the_source_but_for_a_little_noise(size: tuple[int, int]) -> None:
    encoder, decoder = Vp8Encoder(Vp8Options(target_bps=800_000)), Vp8Decoder()
    for number in range(20):
        frame = draw(number, *size, number / 30)
        (encoded,) = encoder.encode(frame)
        decoded = decoder.decode_untrusted(encoded.data, encoded.timestamp_s)
        assert decoded is not None
        assert (decoded.width, decoded.height, decoded.timestamp_s) == (*size, number / 30)
        assert psnr_db(decoded, frame) > 36
        if min(size) > 64:
            assert read_counter(decoded) == number


def test_only_the_first_frame_and_those_asked_for_are_key_frames() -> None:
    encoder = Vp8Encoder()
    encoded = encode(encoder, 0, 30)
    encoder.force_key_frame()
    encoded += encode(encoder, 30, 10)
    encoded += encoder.encode(draw(40, WIDTH, HEIGHT, 40 / 30), force_key_frame=True)
    encoded += encode(encoder, 41, 10)
    assert [number for number, frame in enumerate(encoded) if frame.key] == [0, 30, 40]
    assert [key_frame_size_untrusted(frame.data) for frame in encoded if frame.key] == [(WIDTH, HEIGHT)] * 3
    assert key_frame_size_untrusted(encoded[1].data) is None


def test_the_rate_is_followed_down_and_up_without_a_key_frame() -> None:
    encoder = Vp8Encoder(Vp8Options(target_bps=500_000))
    encode(encoder, 0, 60)
    begun = encode(encoder, 60, 90)
    encoder.set_rate(200_000)
    settling = encode(encoder, 150, 60)
    down = encode(encoder, 210, 120)
    encoder.set_rate(800_000)
    settling += encode(encoder, 330, 60)
    up = encode(encoder, 390, 120)
    assert rate_bps(begun, 90) == pytest.approx(500_000, rel=0.2)
    assert rate_bps(down, 120) == pytest.approx(200_000, rel=0.2)
    assert rate_bps(up, 120) == pytest.approx(800_000, rel=0.2)
    assert not any(frame.key for frame in (*begun, *settling, *down, *up))


def test_another_size_begins_with_a_key_frame() -> None:
    encoder, decoder = Vp8Encoder(), Vp8Decoder()
    encode(encoder, 0, 5)
    for size in ((160, 120), (640, 480)):
        (encoded,) = encode(encoder, 5, 1, size)
        decoded = decoder.decode_untrusted(encoded.data, 0.0)
        assert encoded.key
        assert decoded is not None
        assert (decoded.width, decoded.height) == size


def test_timestamps_that_stand_still_are_taken() -> None:
    encoder = Vp8Encoder()
    for _ in range(3):
        assert len(encoder.encode(draw(0, WIDTH, HEIGHT, 1.0))) == 1
    assert len(encoder.encode(draw(0, WIDTH, HEIGHT, 0.0))) == 1


def test_pictures_of_rgb_and_of_strided_planes_are_taken() -> None:
    encoder, decoder = Vp8Encoder(), Vp8Decoder()
    y, u, v = draw(7, WIDTH * 2, HEIGHT * 2, 0.0).i420
    cropped = VideoFrame.from_i420(
        y[:HEIGHT, :WIDTH], u[: HEIGHT // 2, : WIDTH // 2], v[: HEIGHT // 2, : WIDTH // 2], 0.0
    )
    for frame in (cropped, VideoFrame.from_rgb(cropped.rgb, 0.1)):
        (encoded,) = encoder.encode(frame)
        decoded = decoder.decode_untrusted(encoded.data, 0.0)
        assert decoded is not None
        assert psnr_db(decoded, frame) > 34


def test_a_decoder_begins_with_a_key_frame() -> None:
    key, delta = encode(Vp8Encoder(), 0, 2)
    decoder = Vp8Decoder()
    assert decoder.conceal(0, 0.0) is None
    assert decoder.decode_untrusted(delta.data, 0.0) is None
    assert decoder.errors == 1
    assert decoder.decode_untrusted(key.data, 0.0) is not None
    assert decoder.decode_untrusted(delta.data, 0.0) is not None
    assert decoder.errors == 1
    last = decoder.conceal(0, 9.0)
    assert last is not None
    assert (read_counter(last), last.timestamp_s) == (1, 9.0)


def test_a_key_frame_that_claims_too_large_a_picture_is_refused() -> None:
    (encoded,) = encode(Vp8Encoder(), 0, 1)
    claim = (16_383).to_bytes(2, "little")
    huge = encoded.data[:6] + claim + claim + encoded.data[10:]
    assert key_frame_size_untrusted(huge) == (16_383, 16_383)
    decoder = Vp8Decoder()
    assert decoder.decode_untrusted(huge, 0.0) is None
    assert decoder.errors == 1
    small = Vp8Decoder(max_pixels=WIDTH * HEIGHT - 1)
    assert small.decode_untrusted(encoded.data, 0.0) is None


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x00\x00", b"\x10\x02\x00\x9d\x01\x2a\x00\x00\x00\x00"])
def test_a_malformed_frame_is_counted(data: bytes) -> None:
    decoder = Vp8Decoder()
    assert decoder.decode_untrusted(data, 0.0) is None
    assert decoder.errors == 1


def test_damaged_frames_raise_nothing() -> None:
    random = np.random.default_rng(3)
    decoder = Vp8Decoder()
    for encoded in encode(Vp8Encoder(), 0, 20):
        for _ in range(5):
            damaged = bytearray(encoded.data[: int(random.integers(0, len(encoded.data) + 1))])
            for _ in range(min(5, len(damaged))):
                damaged[int(random.integers(len(damaged)))] = int(random.integers(256))
            decoder.decode_untrusted(bytes(damaged), 0.0)
        decoder.decode_untrusted(encoded.data, 0.0)


def test_pictures_that_vp8_does_not_have_are_refused() -> None:
    wide = np.zeros((2, 16_384, 3), np.uint8)
    with pytest.raises(ValueError, match="16384"):
        Vp8Encoder().encode(VideoFrame.from_rgb(wide, 0.0))


def test_closed_ones_say_so() -> None:
    encoder, decoder = Vp8Encoder(), Vp8Decoder()
    (encoded,) = encode(encoder, 0, 1)
    for closing in (encoder, decoder, encoder, decoder):
        closing.close()
    with pytest.raises(RuntimeError, match="closed"):
        encode(encoder, 1, 1)
    with pytest.raises(RuntimeError, match="closed"):
        decoder.decode_untrusted(encoded.data, 0.0)
