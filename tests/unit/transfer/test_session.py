"""Both ends of a session, without files and without a network."""

import pytest

from visavis.errors import RemoteProtocolError
from visavis.transfer import sink as receiving
from visavis.transfer import source as sending
from visavis.transfer.messages import (
    Ack,
    Begin,
    Bye,
    Done,
    End,
    Failed,
    FileInfo,
    Get,
    Message,
    Offer,
    ResumePoint,
)
from visavis.transfer.sink import ACK_BYTES, Sink
from visavis.transfer.source import WINDOW_BYTES, Source

DIGEST = "ab" * 32
FILES = (FileInfo("a", 10), FileInfo("b", 3 * ACK_BYTES))


def met() -> tuple[Source, Sink]:
    source, sink = Source(FILES), Sink()
    assert sink.handle_untrusted(source.offer()) == receiving.Offered(FILES)
    return source, sink


def begun(file: int = 0, resume: tuple[ResumePoint, ...] = (), offset: int = 0) -> tuple[Source, Sink]:
    source, sink = met()
    assert source.handle_untrusted(sink.get(file, resume)) == sending.Asked(file, resume)
    assert sink.handle_untrusted(source.begin(offset)) == receiving.Begun(file, offset)
    return source, sink


@pytest.mark.parametrize("offset", [0, 1, 9, 10])
def test_a_file_is_sent_from_where_the_receiver_stands(offset: int) -> None:
    points = (ResumePoint(offset, DIGEST),) if offset else ()
    source, sink = begun(resume=points, offset=offset)
    if offset < 10:
        source.sent(10 - offset)
        assert sink.handle_data_untrusted(10 - offset)
        ack = sink.written(10)
        assert ack == Ack(0, 10)
        assert source.handle_untrusted(ack) == sending.Written(0, 10)
    assert sink.handle_untrusted(source.end(DIGEST)) == receiving.Ended(0, DIGEST)
    assert source.handle_untrusted(sink.done()) == sending.Delivered(0)
    assert (source.phase, sink.phase) == (sending.Phase.IDLE, receiving.Phase.IDLE)


def test_points_beyond_the_file_are_not_considered() -> None:
    source, sink = met()
    right, beyond = ResumePoint(10, DIGEST), ResumePoint(11, DIGEST)
    assert source.handle_untrusted(sink.get(0, (right, beyond))) == sending.Asked(0, (right,))


def test_no_more_is_on_the_way_than_the_window() -> None:
    source = Source((FileInfo("big", 10 * WINDOW_BYTES),))
    source.handle_untrusted(Get(0))
    source.begin(5)
    source.sent(WINDOW_BYTES)
    assert source.window == 0
    source.handle_untrusted(Ack(0, 5 + 1000))
    assert source.window == 1000


def test_what_is_written_is_told_now_and_then_and_at_the_end() -> None:
    source, sink = begun(1)
    source.sent(3 * ACK_BYTES)
    sink.handle_data_untrusted(3 * ACK_BYTES)
    assert sink.written(ACK_BYTES - 1) is None
    assert sink.written(ACK_BYTES) == Ack(1, ACK_BYTES)
    assert sink.written(3 * ACK_BYTES - 1) == Ack(1, 3 * ACK_BYTES - 1)
    assert sink.written(3 * ACK_BYTES) == Ack(1, 3 * ACK_BYTES)


@pytest.mark.parametrize("received", [0, 4])
def test_a_receiver_that_gives_up_drops_what_still_comes(received: int) -> None:
    source, sink = begun()
    source.sent(4)
    if received:
        assert sink.handle_data_untrusted(received)
    given_up = sink.give_up("disk full")
    assert not sink.handle_data_untrusted(4)
    assert source.handle_untrusted(given_up) == sending.GivenUp(0, "disk full")
    answer = source.fail("disk full")
    assert sink.handle_untrusted(answer) == receiving.NotSent(0, "disk full")
    assert source.handle_untrusted(sink.get(1)) == sending.Asked(1, ())


def test_a_receiver_gives_up_before_the_file_has_begun() -> None:
    source, sink = met()
    source.handle_untrusted(sink.get(0))
    given_up = sink.give_up("no")
    assert sink.handle_untrusted(source.begin(0)) is None
    source.handle_untrusted(given_up)
    assert sink.handle_untrusted(source.fail("no")) == receiving.NotSent(0, "no")


def test_both_give_up_at_once() -> None:
    source, sink = begun()
    theirs, ours = source.fail("changed"), sink.give_up("disk full")
    assert sink.handle_untrusted(theirs) == receiving.NotSent(0, "changed")
    assert source.handle_untrusted(ours) is None
    assert source.handle_untrusted(sink.get(0)) == sending.Asked(0, ())


def test_a_sender_that_has_another_file_by_now_offers_anew() -> None:
    source, sink = begun()
    sink.handle_untrusted(source.fail("changed"))
    assert sink.handle_untrusted(Offer(FILES[:1])) == receiving.Offered(FILES[:1])


def test_more_may_be_offered_while_a_file_is_under_way() -> None:
    source, sink = begun()
    more = (*FILES, FileInfo("c", 1))
    assert sink.handle_untrusted(Offer(more)) == receiving.Offered(more)
    source.sent(10)
    assert sink.handle_data_untrusted(10)
    assert sink.handle_untrusted(source.end(DIGEST)) == receiving.Ended(0, DIGEST)


def test_both_may_leave() -> None:
    source, sink = met()
    assert source.handle_untrusted(Bye()) == sending.Left()
    assert sink.handle_untrusted(Bye()) == receiving.Left()


@pytest.mark.parametrize(
    "message",
    [
        Offer(()),
        Begin(0, 0),
        End(0, DIGEST),
        Get(0),
        Get(2),
        Done(0),
        Ack(0, 5),
        Ack(0, 11),
    ],
)
def test_a_sender_takes_nothing_that_has_no_place(message: Message) -> None:
    source, _ = begun()
    source.sent(4)
    with pytest.raises(RemoteProtocolError):
        source.handle_untrusted(message)


def test_a_file_that_is_not_offered_is_not_given() -> None:
    source, _ = met()
    with pytest.raises(RemoteProtocolError):
        source.handle_untrusted(Get(2))


def test_acknowledgements_do_not_go_back() -> None:
    source, _ = begun()
    source.sent(10)
    source.handle_untrusted(Ack(0, 8))
    with pytest.raises(RemoteProtocolError):
        source.handle_untrusted(Ack(0, 7))


@pytest.mark.parametrize(
    "message",
    [Get(0), Ack(0, 0), Begin(0, 0), End(0, DIGEST), End(1, DIGEST), Failed(1, ""), Offer(FILES[1:])],
)
def test_a_receiver_takes_nothing_that_has_no_place(message: Message) -> None:
    _, sink = begun()
    with pytest.raises(RemoteProtocolError):
        sink.handle_untrusted(message)


def test_a_receiver_takes_no_more_than_was_offered() -> None:
    _, sink = begun()
    assert sink.handle_data_untrusted(10)
    with pytest.raises(RemoteProtocolError):
        sink.handle_data_untrusted(1)


def test_a_receiver_takes_nothing_that_it_did_not_ask_for() -> None:
    _, sink = met()
    with pytest.raises(RemoteProtocolError):
        sink.handle_data_untrusted(1)
    with pytest.raises(RemoteProtocolError):
        sink.handle_untrusted(Begin(0, 0))


def test_a_file_begins_only_where_it_was_asked_for() -> None:
    _, sink = met()
    sink.get(0, (ResumePoint(4, DIGEST),))
    with pytest.raises(RemoteProtocolError):
        sink.handle_untrusted(Begin(0, 5))
