import io

import av
import numpy as np
import pytest

from tests.unit.media.tracks import frequency_hz
from visavis.media import AudioFrame
from visavis.media.codecs import G711Decoder, G711Encoder, Law
from visavis.media.codecs.registry import EncoderSettings, find_codec

ALL_SAMPLES = np.arange(-32_768, 32_768, dtype=np.int32).astype(np.int16)
FFMPEG = {Law.MU: "mulaw", Law.A: "alaw"}


def sound(samples: np.ndarray, timestamp_s: float = 0.0) -> AudioFrame:
    return AudioFrame(samples.reshape(-1, 1), 8_000, timestamp_s)


def whistle(frequency: float, seconds: float) -> np.ndarray:
    places = np.arange(round(8_000 * seconds)) / 8_000
    return np.asarray(np.rint(12_000 * np.sin(2 * np.pi * frequency * places)), np.int16)


def all_bytes(law: Law) -> np.ndarray:
    decoded = G711Decoder(law).decode_untrusted(bytes(range(256)), 0.0)
    assert decoded is not None
    return decoded.samples[:, 0]


@pytest.mark.parametrize("law", Law)
def test_every_byte_means_what_ffmpeg_takes_it_for(law: Law) -> None:
    with av.open(
        io.BytesIO(bytes(range(256))), "r", format=FFMPEG[law], options={"sample_rate": "8000"}
    ) as file:
        heard = np.concatenate([frame.to_ndarray().reshape(-1) for frame in file.decode(audio=0)])
    np.testing.assert_array_equal(all_bytes(law), heard)


@pytest.mark.parametrize("law", Law)
def test_every_sample_becomes_the_byte_nearest_to_it(law: Law) -> None:
    encoder = G711Encoder(law, 10)
    data = b"".join(
        packet.data
        for start in range(0, 65_536, 64)  # which are not packets' lengths
        for packet in encoder.encode(sound(ALL_SAMPLES[start : start + 64], start / 8_000))
    )
    assert len(data) == 65_536 // 80 * 80
    bytes_sent = np.frombuffer(data, np.uint8)
    given = ALL_SAMPLES[: len(bytes_sent)].astype(np.int32)
    values = all_bytes(law).astype(np.int32)
    off = np.abs(given - values[bytes_sent])
    least = np.abs(given[:, None] - values[None, :]).min(axis=1)
    assert np.count_nonzero(off > least) < 512, "only where steps double is a threshold not in their middle"
    assert np.all(off <= np.abs(given) // 32 + 16)


@pytest.mark.parametrize(
    ("law", "code", "sample"),
    [
        (Law.MU, 0xFF, 0),
        (Law.MU, 0x80, 32_124),
        (Law.MU, 0x00, -32_124),
        (Law.A, 0xD5, 8),
        (Law.A, 0xAA, 32_256),
    ],
)
def test_the_ends_of_the_scale_are_those_of_the_recommendation(law: Law, code: int, sample: int) -> None:
    assert all_bytes(law)[code] == sample


def test_packets_have_the_length_that_the_peer_wants() -> None:
    codec = find_codec("audio/pcmu")
    assert codec is not None
    for wanted, length in ((None, 160), (30, 240), (7, 160)):
        encoder = codec.open_encoder(EncoderSettings(64_000, packet_ms=wanted))
        packets = encoder.encode(sound(whistle(400, 0.12), 5.0))
        assert [len(packet.data) for packet in packets] == [length] * (960 // length)
        assert packets[1].timestamp_s == pytest.approx(5.0 + length / 8_000)
        assert packets[0].duration_s == pytest.approx(length / 8_000)


@pytest.mark.parametrize("data", [b"", bytes(961)])
def test_a_packet_without_sound_or_with_too_much_is_an_error(data: bytes) -> None:
    decoder = G711Decoder(Law.A)
    assert decoder.decode_untrusted(data, 0.0) is None
    assert decoder.errors == 1


def test_a_gap_is_filled_with_the_voice_that_was_there_and_fades() -> None:
    decoder = G711Decoder(Law.MU)
    [*packets] = G711Encoder(Law.MU).encode(sound(whistle(200, 0.1)))
    for packet in packets:
        decoder.decode_untrusted(packet.data, packet.timestamp_s)
    first, second, third, fourth = (decoder.conceal(160, 0.1 + n * 0.02) for n in range(4))
    assert first.samples.shape == (160, 1)
    assert (first.sample_rate_hz, first.timestamp_s) == (8_000, 0.1)
    np.testing.assert_allclose(first.samples[:80, 0], whistle(200, 0.11)[-80:], atol=800)
    assert first.level_dbov() > second.level_dbov() > third.level_dbov() > -127
    assert fourth.level_dbov() == -127
    decoder.decode_untrusted(packets[0].data, 0.2)
    assert decoder.conceal(80, 0.22).level_dbov() > -20, "the next gap begins anew"


def test_a_gap_before_any_sound_is_silence() -> None:
    assert G711Decoder(Law.A).conceal(160, 0.0).level_dbov() == -127


def test_a_tone_keeps_its_frequency() -> None:
    decoder = G711Decoder(Law.A)
    packets = G711Encoder(Law.A).encode(sound(whistle(1_000, 1.0)))
    heard = [decoder.decode_untrusted(packet.data, packet.timestamp_s) for packet in packets]
    samples = np.concatenate([frame.samples for frame in heard if frame is not None])
    assert frequency_hz(samples, 8_000) == pytest.approx(1_000, abs=2)
