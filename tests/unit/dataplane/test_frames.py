"""Frames from one data plane to another: real sockets, DTLS and SRTP between them."""

import array
import asyncio
import os
import random
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.unit.dataplane.pair import AUDIO, GUARD_S, SOURCE_PAYLOAD_TYPE, TRANSPORT, VIDEO, End, Pair
from visavis.dataplane import Plane
from visavis.dataplane._native import Certificate, DataPlane, Frame, FrameReceiver
from visavis.dataplane.commands import (
    CloseSource,
    Codec,
    Kind,
    OpenSource,
    PayloadMap,
    Receive,
    RequestStats,
    Route,
    SourcePayload,
    TrackId,
)
from visavis.dataplane.reports import KeyFrameWanted, TargetBitrate, TransportStats

TOC_20_MS = 0x78
"""CELT, 20 ms, one frame (RFC 6716 section 3.1)."""
WINDOW = 16
"""How many frames are under way: a busy machine must not make the queues overflow."""


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.close()


def opus(number: int) -> bytes:
    """A packet that an Opus decoder would take for 20 ms, with a number in it."""
    return bytes([TOC_20_MS, number % 256]) * (20 + number % 50)


def next_frame(receiver: FrameReceiver) -> Frame:
    frame = receiver.wait(GUARD_S)
    assert frame is not None, "no frame came"
    return frame


def test_audio_frames_cross_in_both_directions_at_once(pair: Pair) -> None:
    count = 100
    heard: dict[int, list[Frame]] = {0: [], 1: []}
    receivers = [end.native.receive_frames(AUDIO.received, "audio", capacity=1_000) for end in pair.ends]

    room = [threading.Semaphore(WINDOW) for _ in range(2)]

    def listen(number: int) -> None:
        while len(heard[number]) < count and (frame := receivers[number].wait(GUARD_S)) is not None:
            heard[number].append(frame)
            room[1 - number].release()

    listeners = [threading.Thread(target=listen, args=(number,)) for number in range(2)]
    for listener in listeners:
        listener.start()
    captured = time.monotonic()
    for number in range(count):
        for side, end in enumerate(pair.ends):
            assert room[side].acquire(timeout=GUARD_S), "frames do not arrive"
            assert end.native.send_frame(
                AUDIO.sent,
                SOURCE_PAYLOAD_TYPE,
                number * 960,
                opus(number + side),
                key=True,
                capture_time_s=captured + number / 50,
                audio_level=-number,
                voice=number % 2 == 0,
            )
    for listener in listeners:
        listener.join(GUARD_S)
    for side in range(2):
        frames = heard[side]
        assert [frame.data for frame in frames] == [opus(number + 1 - side) for number in range(count)]
        assert [frame.timestamp - frames[0].timestamp for frame in frames] == [n * 960 for n in range(count)]
        assert [frame.audio_level for frame in frames] == [-number for number in range(count)]
        assert [frame.voice for frame in frames] == [number % 2 == 0 for number in range(count)]
        assert {(frame.payload_type, frame.key, frame.lost_before) for frame in frames} == {(111, True, 0)}
        assert frames[0].ssrc == 1_000 * (2 - side)


def vp8(number: int, key: bool) -> bytes:
    """A frame of random bytes, 5 to 60,000 of them, whose first bit says whether it is a key frame."""
    dice = random.Random(number)
    body = dice.randbytes(dice.choice([0, 100, 1_131, 1_132, 1_133, 5_000, 60_000]))
    return bytes([0x10 | (not key)]) + number.to_bytes(4, "big") + body


class Camera:
    """Sends VP8 frames from one end; a key frame at first and whenever one is wanted."""

    def __init__(self, end: End) -> None:
        self._end = end
        self._number = 0
        self.keys: list[int] = []

    def send(self) -> None:
        key = self._end.takes(KeyFrameWanted) or self._number == 0
        if key:
            self.keys.append(self._number)
        data = memoryview(vp8(self._number, key))
        self._end.native.send_frame(VIDEO.sent, SOURCE_PAYLOAD_TYPE, self._number * 3_000, data, key=key)
        self._number += 1


def film(camera: Camera, *watchers: threading.Thread) -> None:
    """Lets a camera run, 200 frames a second, until nobody watches any more."""
    end_s = time.monotonic() + GUARD_S
    while watching := [watcher for watcher in watchers if watcher.is_alive()]:
        assert time.monotonic() < end_s, "frames do not arrive"
        camera.send()
        watching[0].join(0.005)


def watch(receiver: FrameReceiver, count: int, seen: list[Frame]) -> threading.Thread:
    def run() -> None:
        while len(seen) < count and (frame := receiver.wait(GUARD_S)) is not None:
            seen.append(frame)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def check_picture(frames: list[Frame]) -> list[int]:
    """The frames' numbers: they must be whole and in order, without a hole except before key frames."""
    numbers = [int.from_bytes(frame.data[1:5], "big") for frame in frames]
    for number, frame in zip(numbers, frames, strict=True):
        assert frame.data == vp8(number, frame.key)
    assert frames[0].key
    for before, number, frame in zip(numbers, numbers[1:], frames[1:], strict=False):
        assert number == before + 1 or (number > before and frame.key)
    return numbers


def test_video_frames_of_every_size_cross_a_path_that_loses_packets(pair: Pair) -> None:
    seen: list[Frame] = []
    watcher = watch(pair.ends[1].native.receive_frames(VIDEO.received, "video"), 60, seen)
    dice = random.Random(1)
    pair.bridge.is_lost = lambda datagram: dice.random() < 0.05
    film(Camera(pair.ends[0]), watcher)
    assert len(check_picture(seen)) == 60


def test_a_track_can_be_forwarded_and_received_at_once(pair: Pair) -> None:
    """The far end sends back what it receives."""
    here, there = pair.ends
    payloads = (PayloadMap(VIDEO.payload_type, VIDEO.payload_type, VIDEO.rtx_payload_type),)
    there.native.submit([Route(TRANSPORT, VIDEO.slot, VIDEO.received, payloads)])
    received: list[Frame] = []
    returned: list[Frame] = []
    watchers = [
        watch(there.native.receive_frames(VIDEO.received, "video"), 20, received),
        watch(there.native.receive_frames(VIDEO.received, "video"), 20, []),
        watch(here.native.receive_frames(VIDEO.received, "video"), 20, returned),
    ]
    film(Camera(here), *watchers)
    assert len(check_picture(received)) == 20
    assert len(check_picture(returned)) == 20


def test_a_late_receiver_has_the_far_encoder_asked_for_a_key_frame(pair: Pair) -> None:
    camera, seen = Camera(pair.ends[0]), list[Frame]()
    first = watch(pair.ends[1].native.receive_frames(VIDEO.received, "video"), 5, [])
    film(camera, first)
    late = watch(pair.ends[1].native.receive_frames(VIDEO.received, "video"), 5, seen)
    film(camera, late)
    assert check_picture(seen)[0] in camera.keys[1:]


def test_an_encoder_is_told_what_the_network_carries(pair: Pair) -> None:
    camera = Camera(pair.ends[0])
    camera.send()
    report = pair.ends[0].until(lambda report: isinstance(report, TargetBitrate))
    assert isinstance(report, TargetBitrate)
    assert report.transport == TRANSPORT
    assert report.bps > 0


def test_the_loop_hears_when_frames_begin_to_wait_and_when_the_track_ends(pair: Pair) -> None:
    async def run() -> list[bytes]:
        native = pair.ends[1].native
        plane = Plane(native, threads=1, fingerprint=bytes(32))
        plane.attach(asyncio.get_running_loop())
        transport = plane.new_transport()
        while plane.new_track(transport) != AUDIO.received:
            pass
        ready = asyncio.Event()
        receiver = plane.receive_frames(AUDIO.received, Kind.AUDIO, on_ready=ready.set)
        heard: list[bytes] = []
        while not receiver.is_ended:
            if len(heard) == 3:
                plane.submit(Receive(TRANSPORT))
            else:
                number = len(heard)
                pair.ends[0].native.send_frame(
                    AUDIO.sent, SOURCE_PAYLOAD_TYPE, number * 960, opus(number), key=True
                )
            await asyncio.wait_for(ready.wait(), GUARD_S)
            ready.clear()
            while (frame := receiver.try_get()) is not None:
                heard.append(frame.data)
        plane.close()
        return heard

    assert asyncio.run(run()) == [opus(number) for number in range(3)]


def test_statistics_count_frames(pair: Pair) -> None:
    receiver = pair.ends[1].native.receive_frames(VIDEO.received, "video")
    film(Camera(pair.ends[0]), watch(receiver, 10, []))
    figures: list[dict[str, int | float | str]] = []
    for end in pair.ends:
        end.native.submit([RequestStats(TRANSPORT)])
        stats = end.until(lambda report: isinstance(report, TransportStats))
        assert isinstance(stats, TransportStats)
        streams = stats.sent if end is pair.ends[0] else stats.received
        figures.extend(stream for stream in streams if stream["mid"] == VIDEO.mid)
    sent, received = figures[0], next(stream for stream in figures[1:] if "framesReceived" in stream)
    assert (sent["framesEncoded"], sent["keyFramesEncoded"]) >= (10, 1)
    assert (sent["framesSent"], sent["keyFramesSent"]) >= (10, 1)
    assert received["framesReceived"] in range(10, int(sent["framesEncoded"]) + 1)


def test_a_source_that_is_closed_takes_no_frames(pair: Pair) -> None:
    native = pair.ends[0].native
    receiver = native.receive_frames(AUDIO.sent, "audio")
    native.send_frame(AUDIO.sent, SOURCE_PAYLOAD_TYPE, 0, opus(0), key=True)
    assert next_frame(receiver).data == opus(0), "a source of our own can be listened to"
    native.submit([CloseSource(AUDIO.sent)])
    assert receiver.wait(GUARD_S) is None
    assert receiver.is_ended
    with pytest.raises(ValueError, match="track: 10 is no open source"):
        native.send_frame(AUDIO.sent, SOURCE_PAYLOAD_TYPE, 0, opus(0), key=True)


@pytest.fixture
def native() -> Iterator[DataPlane]:
    native = DataPlane([("127.0.0.1", 0)], threads=1, certificate=Certificate.generate())
    for track, kind, codec in ((1, Kind.AUDIO, Codec.OPUS), (2, Kind.VIDEO, Codec.VP8)):
        native.submit([OpenSource(TrackId(track), kind, (SourcePayload(10, codec, 48_000),))])
    yield native
    native.close()


def audio(**changes: Any) -> dict[str, Any]:
    """The arguments of a frame that can be sent, and what differs."""
    return {"track": 1, "payload_type": 10, "timestamp": 0, "data": b"x", "key": True} | changes


def video(**changes: Any) -> dict[str, Any]:
    return audio(track=2, data=b"\x10") | changes


@pytest.mark.parametrize(
    ("frame", "error", "message"),
    [
        (audio(track=3), ValueError, "track: 3 is no open source"),
        (audio(payload_type=11), ValueError, "payload_type: the source has no 11"),
        (audio(layer=8), ValueError, "layer: 8 is not below 8"),
        (audio(data=b""), ValueError, "data: the frame is empty"),
        (audio(data=bytes(1_401)), ValueError, "data: 1401 bytes, .* 1400"),
        (video(data=bytes((2 << 20) + 1)), ValueError, "data: 2097153 bytes, .* 2097152"),
        (video(key=False), ValueError, "key: by its own bits the frame is a key frame"),
        (audio(audio_level=1), ValueError, "audio_level: 1 is not -127 to 0"),
        (audio(capture_time_s=float("nan")), ValueError, "capture_time_s: NaN is no time"),
        (audio(timestamp=1 << 32), OverflowError, "conversion"),
        (audio(data="x"), TypeError, "buffer|bytes"),
        (audio(data=array.array("i", [1])), BufferError, "u8"),
    ],
)
def test_a_frame_that_cannot_be_sent_says_why(
    native: DataPlane, frame: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        native.send_frame(**frame)


def test_bytes_of_any_kind_are_taken(native: DataPlane) -> None:
    receiver = native.receive_frames(1, "audio")
    for data in (b"ab", bytearray(b"ab"), memoryview(b"aXbX")[::2], array.array("B", b"ab")):
        assert native.send_frame(**audio(data=data))
        assert next_frame(receiver).data == b"ab"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"track": 1 << 24, "kind": "audio"}, "track"),
        ({"track": 1, "kind": "text"}, 'kind: "text" is none'),
        ({"track": 1, "kind": "audio", "capacity": 0}, "capacity: 0"),
        ({"track": 1, "kind": "audio", "capacity": 4_097}, "capacity: 4097"),
    ],
)
def test_a_receiver_that_cannot_be_says_why(
    native: DataPlane, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        native.receive_frames(**arguments)


def test_frames_of_a_codec_that_is_only_forwarded_have_no_source(native: DataPlane) -> None:
    with pytest.raises(ValueError, match=r"SourcePayload\.codec: .* only be forwarded"):
        native.submit([OpenSource(TrackId(5), Kind.VIDEO, (SourcePayload(10, Codec.AV1, 90_000),))])


def test_a_track_that_there_is_not_ends_at_once(native: DataPlane) -> None:
    receiver = native.receive_frames(77, "audio")
    assert receiver.wait(GUARD_S) is None
    assert receiver.is_ended


def test_a_full_queue_drops_the_oldest_and_says_how_many(native: DataPlane) -> None:
    slow, quick = native.receive_frames(1, "audio", capacity=3), native.receive_frames(1, "audio")
    for number in range(10):
        native.send_frame(**audio(timestamp=number * 960, data=bytes([number])))
        assert next_frame(quick).data == bytes([number])
    left = [next_frame(slow) for _ in range(3)]
    assert [(frame.data[0], frame.lost_before) for frame in left] == [(7, 7), (8, 0), (9, 0)]
    assert slow.try_get() is None
    assert (slow.dropped, quick.dropped) == (7, 0)
    native.close()
    assert native.counters()["frames_dropped"] == 7


@pytest.mark.parametrize("ending", ["receiver", "plane"])
def test_who_waits_is_told_of_the_end(native: DataPlane, ending: str) -> None:
    receiver = native.receive_frames(1, "audio")
    assert receiver.wait(0) is None
    assert not receiver.is_ended
    answers: list[Frame | None] = []
    waiter = threading.Thread(target=lambda: answers.append(receiver.wait(GUARD_S * 10)))
    waiter.start()
    if ending == "receiver":
        receiver.close()
        receiver.close()
    else:
        native.close()
    waiter.join(GUARD_S)
    assert answers == [None]
    assert receiver.is_ended


def test_a_forked_process_has_no_frames(native: DataPlane) -> None:
    receiver = native.receive_frames(1, "audio")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        refused = 0
        uses: list[Callable[[], object]] = [
            lambda: receiver.wait(0),
            receiver.try_get,
            receiver.close,
            lambda: native.send_frame(**audio()),
            lambda: native.receive_frames(1, "audio"),
        ]
        for use in uses:
            try:
                use()
            except RuntimeError:
                refused += 1
        os._exit(refused)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 5
    native.send_frame(**audio())
    assert next_frame(receiver).data == b"x"


def test_a_frame_shows_what_it_is() -> None:
    frame = Frame(b"abc", 960, 111, lost_before=2)
    assert repr(frame) == "Frame(3 bytes, timestamp=960, payload_type=111, key=True, lost_before=2)"
    assert (frame.csrcs, frame.capture_time_s, frame.audio_level) == ((), None, None)
    with pytest.raises(AttributeError):
        frame.data = b""  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
