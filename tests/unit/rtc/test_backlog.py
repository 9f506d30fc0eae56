import asyncio

from visavis.rtc.backlog import Backlog

MIB = 1 << 20


async def test_whoever_waits_for_room_has_it_in_turn_once_half_has_left() -> None:
    backlog, entered = Backlog(), list[int]()

    async def enter(number: int) -> None:
        await backlog.room()
        backlog.enter(20 * MIB)
        entered.append(number)

    backlog.enter(40 * MIB)
    waiting = [asyncio.ensure_future(enter(number)) for number in range(3)]
    await asyncio.sleep(0)
    backlog.leave(10 * MIB)
    await asyncio.sleep(0)
    assert entered == []
    backlog.leave(20 * MIB)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert entered == [0, 1], "the second finds the water below the high mark, the third does not"
    backlog.leave(40 * MIB)
    await asyncio.gather(*waiting)
    assert entered == [0, 1, 2]


async def test_whoever_gave_up_waiting_takes_no_turn() -> None:
    backlog = Backlog()
    backlog.enter(40 * MIB)
    given_up, waiting = (asyncio.ensure_future(backlog.room()) for _ in range(2))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.sleep(0)
    backlog.leave(40 * MIB)
    await waiting
    assert given_up.cancelled()


async def test_nobody_waits_for_an_association_that_has_ended() -> None:
    backlog = Backlog()
    backlog.enter(40 * MIB)
    waiting = asyncio.ensure_future(backlog.room())
    await asyncio.sleep(0)
    backlog.end()
    await waiting
    assert not backlog.is_full
