"""Messages of data channels from one data plane to another: real sockets, and DTLS between them."""

import array
import os
import threading
import warnings
from collections.abc import Callable, Iterator

import pytest

from tests.unit.dataplane.pair import GUARD_S, PASSWORD, TRANSPORT, UFRAG, End, Pair
from visavis.dataplane import MessagePort
from visavis.dataplane._native import Certificate, DataPlane
from visavis.dataplane.channels import PEER_RESET, RESET_DONE
from visavis.dataplane.commands import (
    CloseAssociation,
    CloseTransport,
    OpenAssociation,
    OpenTransport,
    ResetStreams,
    TransportId,
)
from visavis.dataplane.reports import AssociationState, MessagesReady, Report

PORT = 5_000
TEXT, BINARY = 51, 53


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.close()


@pytest.fixture
def native() -> Iterator[DataPlane]:
    native = DataPlane([("127.0.0.1", 0)], threads=1, certificate=Certificate.generate())
    yield native
    native.close()


def is_state(state: str) -> Callable[[Report], bool]:
    return lambda report: isinstance(report, AssociationState) and report.state == state


def open_associations(pair: Pair, receive_bytes: int = 1 << 20) -> list[AssociationState]:
    for end in pair.ends:
        end.native.submit([OpenAssociation(TRANSPORT, PORT, PORT, receive_bytes)])
    connected = [end.until(is_state("connected")) for end in pair.ends]
    return [report for report in connected if isinstance(report, AssociationState)]


def read_until(
    end: End, is_enough: Callable[[list[tuple[int, int, bytes]]], bool]
) -> list[tuple[int, int, bytes]]:
    """What arrives, with all of it released."""
    arrived: list[tuple[int, int, bytes]] = []
    port = MessagePort(end.native, TRANSPORT)
    while not is_enough(arrived):
        end.until(lambda report: isinstance(report, MessagesReady))
        new = port.read().arrived
        port.release(sum(len(data) for _, _, data in new))
        arrived += new
    return arrived


def test_both_ends_hear_that_the_association_is_connected(pair: Pair) -> None:
    states = open_associations(pair)
    assert [(state.transport, state.reason) for state in states] == [(TRANSPORT, "")] * 2
    assert all(state.inbound > 1_000 and state.outbound > 1_000 for state in states)


def test_messages_cross_in_both_directions_at_once(pair: Pair) -> None:
    open_associations(pair)
    count, window = 300, 16
    sent = [[(n % 7, BINARY, bytes([side]) * (n + 1)) for n in range(count)] for side in range(2)]
    heard: list[list[tuple[int, int, bytes]]] = [[], []]
    room = [threading.Semaphore(window) for _ in range(2)]

    def listen(side: int) -> None:
        while len(heard[side]) < count:
            new = read_until(pair.ends[side], bool)
            heard[side] += new
            for _ in new:
                room[1 - side].release()

    listeners = [threading.Thread(target=listen, args=(side,)) for side in range(2)]
    for listener in listeners:
        listener.start()
    for n in range(count):
        for side, end in enumerate(pair.ends):
            assert room[side].acquire(timeout=GUARD_S), "messages do not arrive"
            assert end.native.send_message(TRANSPORT, *sent[side][n])
    for listener in listeners:
        listener.join(GUARD_S)
    # Streams are independent (RFC 9260 section 1.5.3): the order holds within each.
    for side in range(2):
        for stream in range(7):
            of_stream = [message for message in heard[1 - side] if message[0] == stream]
            assert of_stream == [message for message in sent[side] if message[0] == stream]


def test_what_was_sent_before_the_association_is_connected_leaves_when_it_is(pair: Pair) -> None:
    # The peer's opens only now, so nothing can have left.
    first, second = pair.ends
    first.native.submit([OpenAssociation(TRANSPORT, PORT, PORT)])
    assert first.native.send_message(TRANSPORT, 0, TEXT, b"early")
    second.native.submit([OpenAssociation(TRANSPORT, PORT, PORT)])
    assert read_until(second, bool) == [(0, TEXT, b"early")]


def test_what_has_left_is_told_in_bytes_of_its_stream(pair: Pair) -> None:
    open_associations(pair)
    end = pair.ends[0]
    port = MessagePort(end.native, TRANSPORT)
    for stream, size in ((1, 10), (2, 300), (1, 5)):
        port.send(stream, BINARY, bytes(size))
    left: dict[int, int] = {}
    while sum(left.values()) < 315:
        end.until(lambda report: isinstance(report, MessagesReady))
        for stream, size in port.read().left:
            left[stream] = left.get(stream, 0) + size
    assert left == {1: 15, 2: 300}


def test_a_stream_is_reset_after_what_was_sent_on_it(pair: Pair) -> None:
    open_associations(pair)
    first, second = pair.ends
    first.native.send_message(TRANSPORT, 4, TEXT, b"last words")
    first.native.submit([ResetStreams(TRANSPORT, (4,))])
    arrived = read_until(second, lambda arrived: any(ppid == PEER_RESET for _, ppid, _ in arrived))
    assert arrived == [(4, TEXT, b"last words"), (4, PEER_RESET, b"")]
    assert (4, RESET_DONE, b"") in read_until(
        first, lambda arrived: any(ppid == RESET_DONE for _, ppid, _ in arrived)
    )


def test_the_peer_hears_that_an_association_is_closed_and_what_came_before_can_be_read(pair: Pair) -> None:
    open_associations(pair)
    first, second = pair.ends
    first.native.send_message(TRANSPORT, 0, TEXT, b"read me")
    second.until(lambda report: isinstance(report, MessagesReady))
    first.native.submit([CloseAssociation(TRANSPORT)])
    first.until(is_state("closed"))
    second.until(is_state("closed"))
    assert second.native.read_messages(TRANSPORT)[0] == [(0, TEXT, b"read me")]
    with pytest.raises(ValueError, match="no association"):
        first.native.send_message(TRANSPORT, 0, TEXT, b"x")


def test_a_closed_transport_closes_its_association_at_both_ends(pair: Pair) -> None:
    open_associations(pair)
    pair.ends[0].native.submit([CloseTransport(TRANSPORT)])
    for end in pair.ends:
        end.until(is_state("closed"))


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview])
def test_any_contiguous_bytes_are_sent(pair: Pair, make: Callable[[bytes], bytes]) -> None:
    open_associations(pair)
    pair.ends[0].native.send_message(TRANSPORT, 0, BINARY, make(b"abc"))
    assert read_until(pair.ends[1], bool) == [(0, BINARY, b"abc")]


def test_no_more_than_64_mib_wait_to_be_sent(native: DataPlane) -> None:
    # Nobody connects, so all of it waits.
    native.submit([OpenTransport(TRANSPORT, UFRAG, PASSWORD), OpenAssociation(TRANSPORT, PORT, PORT)])
    block = bytes(8 << 20)
    accepted = [native.send_message(TRANSPORT, 0, BINARY, block) for _ in range(9)]
    assert accepted == [True] * 8 + [False]
    assert not native.send_message(TRANSPORT, 0, BINARY, b"x")


def test_a_message_that_never_can_be_sent_is_refused(native: DataPlane) -> None:
    native.submit([OpenTransport(TRANSPORT, UFRAG, PASSWORD), OpenAssociation(TRANSPORT, PORT, PORT)])
    with pytest.raises(ValueError, match="no empty message"):
        native.send_message(TRANSPORT, 0, BINARY, b"")
    with pytest.raises(ValueError, match="stream: 65535"):
        native.send_message(TRANSPORT, 65_535, BINARY, b"x")
    with pytest.raises(ValueError, match="only one"):
        native.send_message(TRANSPORT, 0, BINARY, b"x", max_retransmits=1, lifetime_ms=1)
    with pytest.raises(ValueError, match="can wait"):
        native.send_message(TRANSPORT, 0, BINARY, bytes((64 << 20) + 1))
    with pytest.raises(BufferError):
        native.send_message(TRANSPORT, 0, BINARY, array.array("d", [1.0]))
    with pytest.raises(TypeError):
        native.send_message(TRANSPORT, 0, BINARY, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (OpenAssociation(TRANSPORT, 0, PORT), "local_port"),
        (OpenAssociation(TRANSPORT, PORT, 65_536), "remote_port"),
        (OpenAssociation(TRANSPORT, PORT, PORT, receive_bytes=1_499), "receive_bytes"),
        (OpenAssociation(TRANSPORT, PORT, PORT, max_message_bytes=0), "max_message_bytes"),
        (OpenAssociation(TRANSPORT, PORT, PORT, path_mtu_bytes=599), "path_mtu_bytes"),
        (OpenAssociation(TRANSPORT, PORT, PORT, path_mtu_bytes=16_241), "path_mtu_bytes"),
        (ResetStreams(TRANSPORT, (65_535,)), "streams"),
        (CloseAssociation(TransportId(1 << 24)), "transport"),
    ],
)
def test_an_impossible_command_is_refused_by_the_name_of_its_field(
    native: DataPlane, command: OpenAssociation | ResetStreams | CloseAssociation, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        native.submit([command])


def test_without_an_association_there_is_nothing_to_send_or_read(native: DataPlane) -> None:
    uses: list[Callable[[], object]] = [
        lambda: native.send_message(TRANSPORT, 0, TEXT, b"x"),
        lambda: native.read_messages(TRANSPORT),
        lambda: native.release_messages(TRANSPORT, 1),
    ]
    for use in uses:
        with pytest.raises(ValueError, match="no association is open on 1"):
            use()


def test_a_closed_plane_sends_nothing_and_gives_out_what_came(native: DataPlane) -> None:
    native.submit([OpenTransport(TRANSPORT, UFRAG, PASSWORD), OpenAssociation(TRANSPORT, PORT, PORT)])
    native.close()
    with pytest.raises(RuntimeError, match="closed"):
        native.send_message(TRANSPORT, 0, TEXT, b"x")
    assert native.read_messages(TRANSPORT) == ([], [], False)


def test_a_forked_process_has_no_messages(native: DataPlane) -> None:
    native.submit([OpenTransport(TRANSPORT, UFRAG, PASSWORD), OpenAssociation(TRANSPORT, PORT, PORT)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        refused = 0
        uses: list[Callable[[], object]] = [
            lambda: native.send_message(TRANSPORT, 0, TEXT, b"x"),
            lambda: native.read_messages(TRANSPORT),
            lambda: native.release_messages(TRANSPORT, 1),
        ]
        for use in uses:
            try:
                use()
            except RuntimeError:
                refused += 1
        os._exit(refused)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 3
    assert native.send_message(TRANSPORT, 0, TEXT, b"x")
