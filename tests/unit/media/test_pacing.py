import threading

import pytest

from visavis.media.pacing import ThreadClock


def test_callbacks_come_in_the_order_of_their_times_on_one_thread() -> None:
    clock = ThreadClock("test-clock")
    done = threading.Event()
    log: list[tuple[str, str]] = []

    def note(what: str) -> None:
        log.append((what, threading.current_thread().name))

    def begin() -> None:  # on the clock's thread, so that nothing is due before all are set
        clock.call_later(0.002, done.set)
        clock.call_later(0.001, lambda: note("second"))
        clock.call_later(0.0, lambda: note("first"))

    clock.call_later(0.0, begin)
    assert done.wait(10)
    assert log == [("first", "test-clock"), ("second", "test-clock")]


def test_a_cancelled_callback_does_not_come_and_the_thread_ends() -> None:
    clock = ThreadClock("test-clock-cancelled")
    called: list[int] = []
    timer = clock.call_later(3600, lambda: called.append(1))
    threads = [thread for thread in threading.enumerate() if thread.name == "test-clock-cancelled"]
    assert len(threads) == 1
    timer.cancel()
    threads[0].join()
    assert called == []


def test_a_callback_that_fails_is_logged_and_the_next_one_comes(caplog: pytest.LogCaptureFixture) -> None:
    clock = ThreadClock("test-clock-failing")
    done = threading.Event()

    def fail() -> None:
        raise ZeroDivisionError

    def begin() -> None:
        clock.call_later(0.0, fail)
        clock.call_later(0.001, done.set)

    clock.call_later(0.0, begin)
    assert done.wait(10)
    assert "test-clock-failing" in caplog.text
    assert "ZeroDivisionError" in caplog.text
