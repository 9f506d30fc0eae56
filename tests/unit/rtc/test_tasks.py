import asyncio
import gc
import weakref
from functools import partial

import pytest

from tests.unit.rtc.pairs import run
from visavis.rtc.tasks import Tasks


def test_who_awaits_a_task_goes_on_before_the_next_task() -> None:
    async def main() -> list[str]:
        tasks, order = Tasks(), list[str]()

        async def inner() -> None:
            await tasks.turn()

        async def outer() -> None:
            await inner()
            order.append("awaiter")

        running = asyncio.ensure_future(outer())
        await asyncio.sleep(0)
        tasks.queue(lambda: order.append("next task"))
        await running
        await tasks.turn()
        return order

    assert run(main()) == ["awaiter", "next task"]


def test_tasks_of_all_connections_of_a_loop_are_in_one_order() -> None:
    async def main() -> list[int]:
        one, other, order = Tasks(), Tasks(), list[int]()
        for number, tasks in enumerate((one, other, one, other)):
            tasks.queue(partial(order.append, number))
        await one.turn()
        return order

    assert run(main()) == [0, 1, 2, 3]


def test_what_is_queued_outside_of_a_loop_waits_for_the_first_task_inside() -> None:
    tasks, order = Tasks(), list[str]()
    tasks.queue(lambda: order.append("early"))

    async def main() -> None:
        await tasks.turn()

    assert order == []
    run(main())
    assert order == ["early"]


def test_closing_drops_tasks_but_last_words_and_cancels_who_waits() -> None:
    async def main() -> list[str]:
        tasks, order = Tasks(), list[str]()
        waiting = asyncio.ensure_future(tasks.turn())
        await asyncio.sleep(0)
        tasks.queue(lambda: order.append("dropped"))
        tasks.queue_last_words(lambda: order.append("last words"))
        tasks.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await Tasks().turn()
        return order

    assert run(main()) == ["last words"]


def test_a_task_that_raises_does_not_stop_the_others() -> None:
    async def main() -> list[str]:
        tasks, order, errors = Tasks(), list[str](), list[object]()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: errors.append(context["exception"]))

        def fail() -> None:
            raise ValueError("broken")

        tasks.queue(fail)
        tasks.queue(lambda: order.append("after"))
        await tasks.turn()
        assert len(errors) == 1
        return order

    assert run(main()) == ["after"]


def test_a_loop_that_is_closed_before_its_last_tasks_is_forgotten() -> None:
    """Each kept its data plane, with two descriptors, when a connection was closed as the last thing."""

    async def main() -> "weakref.ref[asyncio.AbstractEventLoop]":
        loop, tasks = asyncio.get_running_loop(), Tasks()
        for _ in range(20):
            tasks.queue(loop.time)
        return weakref.ref(loop)

    loop = run(main())
    gc.collect()
    assert loop() is None
