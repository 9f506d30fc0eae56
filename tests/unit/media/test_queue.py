import asyncio
import threading

import pytest

from visavis.media import FrameQueue


def test_a_full_queue_keeps_the_newest_frames_and_counts_the_others() -> None:
    queue = FrameQueue[int](2)
    for frame in range(5):
        queue.put(frame)
    assert [queue.get(0), queue.get(0), queue.get(0)] == [3, 4, None]
    assert queue.dropped == 3


def test_frames_that_wait_can_be_taken_after_the_end() -> None:
    queue = FrameQueue[int](2)
    queue.put(1)
    queue.end()
    queue.put(2)
    assert (queue.get(), queue.get()) == (1, None)


def test_a_thread_that_waits_gets_what_another_puts() -> None:
    queue = FrameQueue[int](2)
    taken: list[int | None] = []
    consumer = threading.Thread(target=lambda: taken.extend((queue.get(), queue.get())))
    consumer.start()
    queue.put(7)
    queue.end()
    consumer.join()
    assert taken == [7, None]


def test_a_coroutine_that_waits_gets_what_a_thread_puts() -> None:
    async def consume() -> list[int]:
        queue = FrameQueue[int](8)

        def produce() -> None:
            for frame in range(3):
                queue.put(frame)
            queue.end()

        producer = threading.Thread(target=produce)
        taken: list[int] = []
        producer.start()
        async for frame in queue:
            taken.append(frame)
        producer.join()
        return taken

    assert asyncio.run(consume()) == [0, 1, 2]


def test_a_second_coroutine_is_told_to_take_a_queue_of_its_own() -> None:
    async def consume() -> None:
        queue = FrameQueue[int](8)
        first = asyncio.ensure_future(anext(queue))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="another coroutine"):
            await anext(queue)
        queue.put(1)
        assert await first == 1

    asyncio.run(consume())


def test_a_coroutine_that_was_cancelled_leaves_the_queue_to_others() -> None:
    async def consume() -> int:
        queue = FrameQueue[int](8)
        first = asyncio.ensure_future(anext(queue))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        queue.put(5)
        return await anext(queue)

    assert asyncio.run(consume()) == 5


def test_a_queue_outlives_the_loop_on_which_somebody_waited() -> None:
    queue = FrameQueue[int](8)

    async def wait_in_vain() -> None:
        task = asyncio.ensure_future(anext(queue))
        await asyncio.sleep(0)
        del task

    asyncio.run(wait_in_vain())
    queue.put(3)
    assert asyncio.run(_first(queue)) == 3


async def _first(queue: FrameQueue[int]) -> int:
    return await anext(queue)


def test_a_queue_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="one frame"):
        FrameQueue[int](0)
