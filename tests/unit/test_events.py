import asyncio
import logging

import pytest

from visavis.errors import DOMException
from visavis.events import Event, EventHandler, EventTarget


class Bell(EventTarget):
    onring: EventHandler[Event] = EventHandler()


def test_listeners_are_called_in_the_order_of_adding() -> None:
    bell, heard = Bell(), list[str]()
    bell.addEventListener("ring", lambda _: heard.append("first"))
    bell.onring = lambda _: heard.append("handler")
    bell.addEventListener("ring", lambda _: heard.append("last"))
    bell.dispatchEvent(Event("ring"))
    assert heard == ["first", "handler", "last"]


def test_a_handler_that_replaces_another_keeps_its_place() -> None:
    bell, heard = Bell(), list[str]()
    bell.onring = lambda _: heard.append("old")
    bell.addEventListener("ring", lambda _: heard.append("listener"))
    bell.onring = lambda _: heard.append("new")
    bell.dispatchEvent(Event("ring"))
    assert heard == ["new", "listener"]


def test_a_handler_set_to_none_is_not_called_and_reads_as_none() -> None:
    bell, heard = Bell(), list[Event]()
    bell.onring = heard.append
    assert bell.onring == heard.append
    bell.onring = None
    bell.dispatchEvent(Event("ring"))
    assert heard == []
    assert bell.onring is None


def test_the_same_listener_is_added_once_and_removed_at_once() -> None:
    bell, heard = Bell(), list[Event]()
    bell.addEventListener("ring", heard.append)
    bell.addEventListener("ring", heard.append)
    bell.dispatchEvent(Event("ring"))
    assert len(heard) == 1
    bell.removeEventListener("ring", heard.append)
    bell.dispatchEvent(Event("ring"))
    assert len(heard) == 1


def test_a_listener_with_once_hears_one_event() -> None:
    bell, heard = Bell(), list[Event]()
    bell.addEventListener("ring", heard.append, {"once": True})
    bell.dispatchEvent(Event("ring"))
    bell.dispatchEvent(Event("ring"))
    assert len(heard) == 1


def test_a_listener_removed_by_an_earlier_one_is_not_called() -> None:
    bell, heard = Bell(), list[Event]()
    bell.addEventListener("ring", lambda _: bell.removeEventListener("ring", heard.append))
    bell.addEventListener("ring", heard.append)
    bell.dispatchEvent(Event("ring"))
    assert heard == []


def test_a_listener_that_fails_is_logged_and_the_others_have_their_turn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bell, heard = Bell(), list[Event]()

    def fail(_: Event) -> None:
        raise ValueError("broken")

    bell.addEventListener("ring", fail)
    bell.addEventListener("ring", heard.append)
    with caplog.at_level(logging.ERROR):
        bell.dispatchEvent(Event("ring"))
    assert len(heard) == 1
    assert "a listener of ring failed" in caplog.text


def test_an_event_knows_its_target_and_can_be_prevented_only_if_it_is_cancelable() -> None:
    bell = Bell()
    bell.onring = lambda event: event.preventDefault()
    event = Event("ring", {"cancelable": True})
    assert not bell.dispatchEvent(event)
    assert event.target is bell
    assert event.currentTarget is None
    assert bell.dispatchEvent(Event("ring"))


def test_stopping_keeps_later_listeners_from_the_event() -> None:
    bell, heard = Bell(), list[Event]()
    bell.addEventListener("ring", lambda event: event.stopImmediatePropagation())
    bell.addEventListener("ring", heard.append)
    bell.dispatchEvent(Event("ring"))
    assert heard == []


def test_an_event_cannot_be_dispatched_while_it_is_dispatched() -> None:
    bell, errors = Bell(), list[str]()

    def again(event: Event) -> None:
        with pytest.raises(DOMException) as caught:
            bell.dispatchEvent(event)
        errors.append(caught.value.name)

    bell.onring = again
    bell.dispatchEvent(Event("ring"))
    assert errors == ["InvalidStateError"]


def test_coroutine_handlers_run_as_tasks_and_what_they_raise_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bell, heard = Bell(), list[str]()

    @bell.on("ring")
    async def answer(event: Event) -> None:
        await asyncio.sleep(0)
        heard.append(event.type)
        raise ValueError("broken")

    async def main() -> None:
        bell.dispatchEvent(Event("ring"))
        assert heard == []
        for _ in range(5):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert "broken" in caplog.text
    assert heard == ["ring"]
    assert answer.__name__ == "answer"


def test_a_coroutine_handler_without_a_loop_is_an_error_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bell = Bell()

    async def answer(_: Event) -> None:
        raise AssertionError

    bell.onring = answer
    bell.dispatchEvent(Event("ring"))
    assert "no running event loop" in caplog.text


def test_the_next_event_can_be_awaited() -> None:
    async def main() -> Event:
        bell = Bell()
        asyncio.get_running_loop().call_soon(bell.dispatchEvent, Event("ring"))
        return await bell.next_event("ring")

    assert asyncio.run(main()).type == "ring"


def test_waiting_for_an_event_that_does_not_come_times_out() -> None:
    async def main() -> None:
        await Bell().next_event("ring", timeout=0)

    with pytest.raises(TimeoutError):
        asyncio.run(main())


def test_firing_says_whether_anybody_listens() -> None:
    bell, heard = EventTarget(), list[str]()
    assert not bell.fire(Event("ring"))
    bell.addEventListener("ring", lambda event: heard.append(event.type))
    assert bell.fire(Event("ring"))
    assert not bell.fire(Event("knock"))
    assert heard == ["ring"]


def test_a_target_has_its_listeners_for_itself() -> None:
    one, other, heard = EventTarget(), EventTarget(), list[str]()
    one.addEventListener("ring", lambda event: heard.append("one"))
    other.addEventListener("ring", lambda event: heard.append("other"))
    other.dispatchEvent(Event("ring"))
    assert heard == ["other"]
