import asyncio
from functools import partial

import pytest

from tests.unit.rtc.pairs import run
from visavis.errors import DOMException
from visavis.rtc.operations import Operations
from visavis.rtc.tasks import Tasks


def operations() -> tuple[Operations, Tasks, list[str]]:
    tasks, told = Tasks(), list[str]()
    return Operations(tasks, lambda: told.append("empty")), tasks, told


def test_operations_run_one_after_the_other_and_tell_when_the_last_has_ended() -> None:
    async def main() -> list[str]:
        chain, tasks, told = operations()

        async def operation(name: str) -> None:
            told.append(f"{name} begins")
            await tasks.turn()
            told.append(f"{name} ends")

        await asyncio.gather(*(chain.run(partial(operation, name)) for name in "ab"))
        return told

    assert run(main()) == ["a begins", "a ends", "b begins", "b ends", "empty"]


def test_an_operation_that_fails_lets_the_next_one_run() -> None:
    async def main() -> list[object]:
        chain, tasks, _ = operations()

        async def fail() -> None:
            await tasks.turn()
            raise ValueError

        async def succeed() -> str:
            return "done"

        return list(await asyncio.gather(chain.run(fail), chain.run(succeed), return_exceptions=True))

    failed, succeeded = run(main())
    assert isinstance(failed, ValueError)
    assert succeeded == "done"


def test_an_operation_whose_caller_is_cancelled_leaves_the_chain() -> None:
    async def main() -> str:
        chain, tasks, _ = operations()

        async def succeed() -> str:
            return "done"

        first = asyncio.ensure_future(chain.run(tasks.turn))
        waiting = asyncio.ensure_future(chain.run(tasks.turn))
        await asyncio.sleep(0)
        first.cancel()
        waiting.cancel()
        return await chain.run(succeed)

    assert run(main()) == "done"


def test_no_operation_begins_on_a_closed_connection() -> None:
    async def main() -> None:
        chain, tasks, _ = operations()
        chain.close()
        await chain.run(tasks.turn)

    with pytest.raises(DOMException) as caught:
        run(main())
    assert caught.value.name == "InvalidStateError"


def test_closing_cancels_the_operations_that_wait() -> None:
    async def main() -> None:
        chain, tasks, told = operations()

        async def never() -> None:
            told.append("began")

        first = asyncio.ensure_future(chain.run(tasks.turn))
        second = asyncio.ensure_future(chain.run(never))
        await asyncio.sleep(0)
        chain.close()
        tasks.close()
        results = await asyncio.gather(first, second, return_exceptions=True)
        assert [type(result) for result in results] == [asyncio.CancelledError] * 2
        assert told == []

    run(main())
