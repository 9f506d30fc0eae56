import numpy as np
import pytest

from tests.unit.media.tracks import frequency_hz, tone
from visavis.media import AudioFrame
from visavis.media.codecs import OpusDecoder, OpusEncoder, OpusOptions
from visavis.media.codecs.interface import EncodedFrame
from visavis.media.codecs.opus import packet_samples_untrusted


def encode(encoder: OpusEncoder, sound: AudioFrame, block: int = 480) -> list[EncodedFrame]:
    packets: list[EncodedFrame] = []
    for start in range(0, len(sound.samples), block):
        samples = sound.samples[start : start + block]
        packets += encoder.encode(AudioFrame(samples, 48_000, sound.timestamp_s + start / 48_000))
    return packets


def decode(decoder: OpusDecoder, packets: list[EncodedFrame]) -> np.ndarray:
    frames = [decoder.decode_untrusted(packet.data, packet.timestamp_s) for packet in packets]
    return np.concatenate([frame.samples for frame in frames if frame is not None])


@pytest.mark.parametrize("channels", [1, 2])
def test_a_tone_keeps_its_frequency_and_level(channels: int) -> None:
    encoder, decoder = OpusEncoder(OpusOptions(channels=channels)), OpusDecoder(channels)
    sound = tone(440, 1.0, channels)
    heard = decode(decoder, encode(encoder, sound))
    assert heard.shape == (48_000, channels)
    assert frequency_hz(heard) == pytest.approx(440, abs=1)
    settled = AudioFrame(heard[24_000:], 48_000, 0.0)
    assert settled.level_dbov() == pytest.approx(sound.level_dbov(), abs=1)


@pytest.mark.parametrize("frame_ms", [10, 20, 40, 60])
@pytest.mark.parametrize("block", [441, 480, 4800])
def test_packets_have_their_length_however_the_sound_comes(frame_ms: int, block: int) -> None:
    packets = encode(OpusEncoder(OpusOptions(frame_ms=frame_ms)), tone(440, 0.24), block)
    assert len(packets) == 240 // frame_ms
    assert {packet_samples_untrusted(packet.data) for packet in packets} == {48 * frame_ms}
    assert [packet.timestamp_s for packet in packets] == pytest.approx(
        [number * frame_ms / 1000 for number in range(len(packets))]
    )


def test_the_rate_is_followed() -> None:
    encoder = OpusEncoder(OpusOptions(target_bps=64_000, application="audio", cbr=True))
    sound = AudioFrame(
        np.random.default_rng(1).integers(-9000, 9000, (48_000, 1)).astype(np.int16), 48_000, 0.0
    )
    before = sum(len(packet.data) for packet in encode(encoder, sound)) * 8
    encoder.set_rate(16_000)
    after = sum(len(packet.data) for packet in encode(encoder, sound)) * 8
    assert before == pytest.approx(64_000, rel=0.05)
    assert after == pytest.approx(16_000, rel=0.05)


def test_a_lost_packet_is_concealed_by_what_was_heard_before() -> None:
    encoder, decoder = OpusEncoder(), OpusDecoder(1)
    decode(decoder, encode(encoder, tone(300, 0.5)))
    concealed = decoder.conceal(960, 0.5)
    assert concealed is not None
    assert concealed.samples.shape == (960, 1)
    assert concealed.timestamp_s == 0.5
    assert concealed.level_dbov() > -30
    silence = OpusDecoder(1).conceal(960, 0.0)
    assert silence is not None
    assert silence.level_dbov() == -127


@pytest.mark.parametrize(("fec", "recovered"), [(True, True), (False, False)])
def test_a_lost_packet_is_recovered_from_the_next_one(fec: bool, recovered: bool) -> None:
    options = OpusOptions(target_bps=40_000, fec=fec, loss_percent=40)
    encoder, decoder = OpusEncoder(options), OpusDecoder(1)
    packets = encode(encoder, AudioFrame.silence(24_000, 1, 48_000, 0.0))
    packets += encode(encoder, AudioFrame(_vowel(0.5), 48_000, 0.5))
    decode(decoder, packets[:20])  # the decoder knows silence only, and the vowel begins at packet 25
    sound = decoder.recover_untrusted(packets[41].data, 960, 0.0)
    assert sound is not None
    assert sound.samples.shape == (960, 1)
    assert (sound.level_dbov() > -70) == recovered


def test_silence_is_not_sent_with_dtx() -> None:
    silence = AudioFrame.silence(48_000, 1, 48_000, 0.0)
    assert len(encode(OpusEncoder(OpusOptions(dtx=True)), silence)) < 20
    assert len(encode(OpusEncoder(OpusOptions(dtx=False)), silence)) == 50


def test_sound_after_a_pause_is_not_joined_to_what_was_before() -> None:
    encoder = OpusEncoder()
    assert encoder.encode(AudioFrame.silence(480, 1, 48_000, 0.0)) == []
    (packet,) = encoder.encode(AudioFrame.silence(960, 1, 48_000, 5.0))
    assert packet.timestamp_s == 5.0


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xff\xff", b"\x03\xff" + bytes(40)])
def test_a_malformed_packet_is_counted(data: bytes) -> None:
    decoder = OpusDecoder(1)
    assert decoder.decode_untrusted(data, 0.0) is None
    assert decoder.recover_untrusted(b"", 960, 0.0) is None
    assert decoder.errors == 2


def test_random_packets_raise_nothing() -> None:
    decoder, random = OpusDecoder(2), np.random.default_rng(7)
    for _ in range(300):
        data = random.bytes(int(random.integers(1, 200)))
        packet_samples_untrusted(data)
        decoder.decode_untrusted(data, 0.0)
        decoder.recover_untrusted(data, int(random.integers(0, 9999)), 0.0)
        decoder.conceal(int(random.integers(-5, 9999)), 0.0)


def test_what_the_encoder_cannot_take_is_refused() -> None:
    with pytest.raises(ValueError, match="48000 Hz"):
        OpusEncoder().encode(tone(440, 0.02, channels=2))
    with pytest.raises(ValueError, match="ms"):
        OpusEncoder(OpusOptions(frame_ms=15))
    with pytest.raises(ValueError, match="libopus"):
        OpusEncoder(OpusOptions(channels=3))
    with pytest.raises(ValueError, match="libopus"):
        OpusDecoder(0)


def test_closed_ones_say_so() -> None:
    encoder, decoder = OpusEncoder(), OpusDecoder(1)
    for closing in (encoder, decoder, encoder, decoder):
        closing.close()
    with pytest.raises(RuntimeError, match="closed"):
        encoder.encode(tone(440, 0.02))
    with pytest.raises(RuntimeError, match="closed"):
        decoder.decode_untrusted(b"\x00", 0.0)


def _vowel(seconds: float) -> np.ndarray:
    """Harmonics of 120 Hz, which libopus takes for speech."""
    times = np.arange(round(seconds * 48_000)) / 48_000
    wave = sum(np.sin(2 * np.pi * 120 * harmonic * times) / harmonic for harmonic in range(1, 20))
    return (np.asarray(wave) * 6000).astype(np.int16)[:, None]
