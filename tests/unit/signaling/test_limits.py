from visavis.signaling.limits import BURST_MESSAGES, PATIENCE_S, ReadingPace, TokenBucket


def test_a_bucket_in_debt_says_when_it_is_out_of_it() -> None:
    bucket = TokenBucket(burst=2, rate_per_s=4, now_s=0)
    assert [bucket.take(1, 0) for _ in range(4)] == [0, 0, 0.25, 0.5]
    assert bucket.take(1, 0.5) == 0.25


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    bucket = TokenBucket(burst=2, rate_per_s=4, now_s=0)
    assert [bucket.take(1, 1e6) for _ in range(3)] == [0, 0, 0.25]


def test_what_is_not_there_is_not_taken_and_leaves_no_debt() -> None:
    bucket = TokenBucket(burst=2, rate_per_s=4, now_s=0)
    assert [bucket.take_if_there(1, 0) for _ in range(4)] == [True, True, False, False]
    assert bucket.take_if_there(1, 0.25)


def test_a_burst_is_read_at_once_and_the_next_message_after_a_wait() -> None:
    pace = ReadingPace(0)
    assert all(pace.after(100, 0).wait_s == 0 for _ in range(BURST_MESSAGES))
    assert pace.after(100, 0).wait_s == 1 / 20


def test_large_messages_wait_though_they_are_few() -> None:
    pace = ReadingPace(0)
    assert pace.after(256 * 1024, 0).wait_s == 0
    assert pace.after(256 * 1024, 0).wait_s == 2


def test_twenty_messages_a_second_are_read_forever() -> None:
    pace = ReadingPace(0)
    for _ in range(BURST_MESSAGES):
        pace.after(100, 0)
    verdicts = [pace.after(100, (tick + 1) / 16) for tick in range(1000)]
    assert not any(verdict.flooding or verdict.wait_s for verdict in verdicts)


def test_one_who_is_slowed_for_ten_seconds_on_end_is_flooding() -> None:
    pace, now_s = ReadingPace(0), 0.0
    while True:
        verdict = pace.after(100, now_s)
        if verdict.flooding:
            break
        now_s += verdict.wait_s
        assert now_s <= PATIENCE_S
    assert now_s >= PATIENCE_S - 0.1


def test_timers_that_fire_late_do_not_forgive_a_flood() -> None:
    pace, now_s = ReadingPace(0), 0.0
    while not (verdict := pace.after(100, now_s)).flooding:
        now_s += verdict.wait_s and verdict.wait_s + 0.2
        assert now_s <= PATIENCE_S + 0.5


def test_one_who_stops_for_a_while_is_forgiven() -> None:
    pace, now_s = ReadingPace(0), 0.0
    while now_s < PATIENCE_S - 1:
        now_s += pace.after(100, now_s).wait_s
    now_s += 1
    assert pace.after(100, now_s).wait_s == 0
    while now_s < PATIENCE_S + 5:
        verdict = pace.after(100, now_s)
        assert not verdict.flooding
        now_s += verdict.wait_s
