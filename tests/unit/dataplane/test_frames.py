"""Frames from one data plane to another: real sockets, DTLS and SRTP between them."""

import threading
import time
from collections.abc import Iterator

import pytest

from tests.unit.dataplane.pair import AUDIO, GUARD_S, SOURCE_PAYLOAD_TYPE, Pair
from visavis.dataplane._native import Frame, FrameReceiver

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
