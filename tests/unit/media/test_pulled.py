import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.unit.media.tracks import noise
from visavis.media import Frame, PulledSource


async def test_an_async_iterator_is_a_source_that_ends_with_it() -> None:
    made = [noise(seed=seed) for seed in range(3)]

    async def frames() -> AsyncIterator[Frame]:
        for frame in made:
            yield frame
            await asyncio.sleep(0)

    track = PulledSource("video", frames()).create_track()
    assert [frame async for frame in track.frames(capacity=10)] == made
    assert track.readyState == "ended"


async def test_a_coroutine_is_called_only_while_frames_are_taken() -> None:
    calls = 0

    async def produce() -> Frame:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        return noise()

    source = PulledSource("video", produce)
    track = source.create_track()
    await asyncio.sleep(0)
    assert calls == 0
    with track.frames() as frames:
        await anext(frames)
        await anext(frames)
    for _ in range(5):
        await asyncio.sleep(0)
    paused = calls
    for _ in range(5):
        await asyncio.sleep(0)
    assert calls == paused
    with track.frames() as frames:
        await anext(frames)
    assert calls > paused
    track.stop()
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1


async def test_a_coroutine_that_fails_ends_its_track_with_a_word(caplog: pytest.LogCaptureFixture) -> None:
    async def produce() -> Frame:
        raise ValueError("no more film")

    track = PulledSource("video", produce, label="projector").create_track()
    assert [frame async for frame in track] == []
    assert track.readyState == "ended"
    assert "projector" in caplog.text
    assert "no more film" in caplog.text


def test_without_an_event_loop_nothing_can_be_pulled() -> None:
    async def produce() -> Frame:
        raise AssertionError

    track = PulledSource("video", produce).create_track()
    with pytest.raises(RuntimeError, match="event loop"):
        track.frames()
