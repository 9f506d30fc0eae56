import threading
from collections.abc import Iterator

import numpy as np
import pytest

from tests.unit.media.pipes import BrokenSink, Pipe, SentFrame
from tests.unit.media.tracks import tone
from visavis.media import AudioFrame, AudioSource, Encoding, SenderPipeline, VideoFrame, VideoSource
from visavis.media.codecs import OpusDecoder, Vp8Decoder
from visavis.media.codecs.registry import Codec, EncoderSettings, find_codec
from visavis.media.codecs.vp8 import key_frame_size_untrusted
from visavis.media.rtp_timeline import RtpTimeline
from visavis.media.testcard import draw, read_counter


def codec(mime_type: str) -> Codec:
    found = find_codec(mime_type)
    assert found is not None
    return found


VP8, OPUS = codec("video/vp8"), codec("AUDIO/opus")


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture
def pipe() -> Pipe:
    return Pipe()


@pytest.fixture
def video(pipe: Pipe) -> Iterator[SenderPipeline]:
    pipeline = SenderPipeline(VP8, pipe, 96, first_timestamp=0xFFFFFFFF)
    yield pipeline
    pipeline.close()


@pytest.fixture
def audio(pipe: Pipe) -> Iterator[SenderPipeline]:
    pipeline = SenderPipeline(OPUS, pipe, 111, first_timestamp=1000)
    yield pipeline
    pipeline.close()


def card(number: int, width: int = 160, height: int = 120) -> VideoFrame:
    return draw(number, width, height, 50.0 + number / 30)


def send(source: VideoSource, pipe: Pipe, number: int) -> SentFrame:
    source.push(card(number))
    return pipe.take()


def test_pictures_are_sent_with_the_time_of_their_capture(pipe: Pipe, video: SenderPipeline) -> None:
    source = VideoSource()
    video.replace_track(source.create_track())
    frames = [send(source, pipe, number) for number in range(4)]
    assert [frame.timestamp for frame in frames] == [0xFFFFFFFF, 2999, 5999, 8999]
    assert [frame.capture_time_s for frame in frames] == [50.0 + number / 30 for number in range(4)]
    assert [frame.key for frame in frames] == [True, False, False, False]
    assert {frame.payload_type for frame in frames} == {96}
    decoder = Vp8Decoder()
    pictures = [decoder.decode_untrusted(frame.data, 0.0) for frame in frames]
    assert [picture and read_counter(picture) for picture in pictures] == [0, 1, 2, 3]


def test_sound_is_sent_with_its_level(pipe: Pipe, audio: SenderPipeline) -> None:
    source = AudioSource()
    audio.replace_track(source.create_track())
    source.push(tone(440, 0.02))
    source.push(AudioFrame(np.zeros((960, 1), np.int16), 48_000, 0.02))
    loud, silent = pipe.take(), pipe.take()
    assert (loud.timestamp, silent.timestamp) == (1000, 1960)
    assert (loud.audio_level, loud.voice) == (-15, True)
    assert (silent.audio_level, silent.voice) == (-127, False)


@pytest.mark.parametrize(("rate_hz", "channels"), [(16_000, 1), (44_100, 2), (24_000, 1)])
def test_sound_of_any_rate_becomes_what_opus_takes(
    pipe: Pipe, audio: SenderPipeline, rate_hz: int, channels: int
) -> None:
    source = AudioSource()
    audio.replace_track(source.create_track())
    sound = tone(440, 0.5, channels, rate_hz)
    block = rate_hz // 50
    for number in range(25):
        samples = sound.samples[number * block : (number + 1) * block]
        source.push(AudioFrame(samples, rate_hz, number * 0.02))
    packets = [pipe.take() for _ in range(24)]
    decoder = OpusDecoder(1)
    heard = [frame.samples for p in packets if (frame := decoder.decode_untrusted(p.data, 0.0))]
    wave = np.concatenate(heard)[:, 0]
    assert np.argmax(np.abs(np.fft.rfft(wave, 48_000))) == pytest.approx(440, abs=2)
    assert packets[-1].timestamp == 1000 + 23 * 960


def test_a_disabled_track_is_sent_black(pipe: Pipe, video: SenderPipeline) -> None:
    source = VideoSource()
    track = source.create_track()
    track.enabled = False
    video.replace_track(track)
    picture = Vp8Decoder().decode_untrusted(send(source, pipe, 0).data, 0.0)
    assert picture is not None
    assert picture.rgb.max() < 8


def test_a_key_frame_is_sent_when_it_is_asked_for(pipe: Pipe, video: SenderPipeline) -> None:
    source = VideoSource()
    video.replace_track(source.create_track())
    keys = [send(source, pipe, number).key for number in range(3)]
    video.request_key_frame()
    keys += [send(source, pipe, number).key for number in range(3, 6)]
    assert keys == [True, False, False, True, False, False]
    assert video.figures.key_frames_encoded == 2


def test_a_frame_that_the_sink_drops_is_followed_by_a_key_frame(pipe: Pipe, video: SenderPipeline) -> None:
    source = VideoSource()
    video.replace_track(source.create_track())
    send(source, pipe, 0)
    pipe.accepts = False
    source.push(card(1))
    while not video.figures.frames_dropped:
        threading.Event().wait(0.001)
    pipe.accepts = True
    assert send(source, pipe, 2).key


def test_another_track_goes_on_where_the_first_one_ended(pipe: Pipe, video: SenderPipeline) -> None:
    first, second = VideoSource(), VideoSource()
    old, new = first.create_track(), second.create_track()
    video.replace_track(old)
    timestamps = [send(first, pipe, 0).timestamp, send(first, pipe, 1).timestamp]
    old.stop()
    video.replace_track(new)
    first.push(card(2))
    replaced = send(second, pipe, 3)
    timestamps.append(replaced.timestamp)
    assert (video.track, replaced.key) == (new, False)
    assert timestamps == [0xFFFFFFFF, 2999, 8999]
    video.replace_track(None)
    second.push(card(4))
    video.replace_track(new)
    assert send(second, pipe, 5).timestamp == 14_999


def test_an_inactive_encoding_takes_no_frames_and_begins_again_with_a_key_frame(
    pipe: Pipe, video: SenderPipeline
) -> None:
    source = VideoSource()
    track = source.create_track()
    video.replace_track(track)
    send(source, pipe, 0)
    video.configure(Encoding(active=False))
    assert not track.is_consumed
    source.push(card(1))
    video.configure(Encoding(active=True))
    assert send(source, pipe, 2).key


def test_an_encoding_scales_and_leaves_frames_out(pipe: Pipe, video: SenderPipeline) -> None:
    source = VideoSource()
    video.replace_track(source.create_track())
    video.configure(Encoding(scale_down_by=2.0, max_frame_rate=10.0))
    seen = [send(source, pipe, 0)]
    for number in (1, 2, 3):
        source.push(card(number))
        if number == 3:
            seen.append(pipe.take())
    assert key_frame_size_untrusted(seen[0].data) == (80, 60)
    assert seen[1].capture_time_s == 50.0 + 3 / 30
    assert (video.figures.frame_width, video.figures.frame_height) == (80, 60)


def test_the_rate_is_the_least_of_the_networks_and_the_encodings(pipe: Pipe, video: SenderPipeline) -> None:
    source = VideoSource()
    video.replace_track(source.create_track())
    send(source, pipe, 0)
    assert video.figures.target_bps == 600_000
    video.set_target(900_000)
    video.configure(Encoding(max_bps=300_000))
    assert not send(source, pipe, 1).key
    assert video.figures.target_bps == 300_000
    video.set_target(100_000)
    send(source, pipe, 2)
    assert video.figures.target_bps == 100_000


def test_another_content_opens_another_encoder(pipe: Pipe, video: SenderPipeline) -> None:
    source = VideoSource()
    track = source.create_track()
    video.replace_track(track)
    send(source, pipe, 0)
    track.contentHint = "text"
    assert send(source, pipe, 1).key
    assert not send(source, pipe, 2).key


def test_the_other_side_chooses_how_opus_is_encoded(pipe: Pipe) -> None:
    wanted = {"stereo": "1", "usedtx": "1", "useinbandfec": "1", "maxaveragebitrate": "20000"}
    settings = EncoderSettings(64_000, wanted, packet_ms=40)
    pipeline = SenderPipeline(OPUS, pipe, 111, first_timestamp=0, settings=settings)
    source = AudioSource()
    pipeline.replace_track(source.create_track())
    source.push(tone(440, 0.4, 1))
    packets = [pipe.take() for _ in range(10)]
    pipeline.close()
    assert [packet.timestamp for packet in packets] == [number * 1920 for number in range(10)]
    assert packets[0].data[0] & 4  # stereo (RFC 6716 section 3.1)
    assert sum(len(packet.data) for packet in packets) * 8 / 0.4 < 30_000


def test_a_track_of_the_other_kind_is_refused(video: SenderPipeline) -> None:
    with pytest.raises(TypeError, match="audio"):
        video.replace_track(AudioSource().create_track())


def test_a_closed_pipeline_sends_nothing_and_closes_again(pipe: Pipe) -> None:
    pipeline = SenderPipeline(VP8, pipe, 96, first_timestamp=0)
    source = VideoSource()
    track = source.create_track()
    pipeline.replace_track(track)
    send(source, pipe, 0)
    pipeline.close()
    pipeline.close()
    assert not track.is_consumed
    with pytest.raises(RuntimeError, match="closed"):
        pipeline.replace_track(track)


def test_a_sink_that_fails_ends_the_thread_with_a_word(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = SenderPipeline(VP8, BrokenSink(), 96, first_timestamp=0)
    source = VideoSource()
    track = source.create_track()
    pipeline.replace_track(track)
    source.push(card(0))
    for thread in threading.enumerate():
        if thread.name == "visavis-encode-VP8":
            thread.join()
    assert "sending video/VP8 has ended" in caplog.text
    assert not track.is_consumed
    pipeline.close()


def test_a_picture_that_the_codec_does_not_have_is_left_out(
    pipe: Pipe, video: SenderPipeline, caplog: pytest.LogCaptureFixture
) -> None:
    source = VideoSource()
    video.replace_track(source.create_track())
    source.push(VideoFrame.black(16_384, 2, 50.0))
    while not video.figures.frames_dropped:
        threading.Event().wait(0.001)
    assert send(source, pipe, 1).key
    assert "VP8 has no pictures of 16384 x 2" in caplog.text


def test_timestamps_never_go_back_when_clocks_differ() -> None:
    timeline = RtpTimeline(90_000, 100)
    assert [timeline.timestamp(time_s, 1 / 30) for time_s in (5.0, 5.1, 4.0, 4.1, 999.0, 999.1)] == [
        100,
        9100,
        12_100,
        21_100,
        24_100,
        33_100,
    ]
