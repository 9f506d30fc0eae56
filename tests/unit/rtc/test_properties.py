"""Any sequence of calls on two connections, with any interleaving of their signaling."""

import asyncio
import logging
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.rtc.pairs import run
from tests.unit.rtc.programs import QUIET_TURNS, LoggedErrors, Operation, PoliteOrNot, Program, settle, turns
from visavis.rtc import RTCPeerConnection, RTCSessionDescriptionInit
from visavis.sdp import parse
from visavis.testing.peer_network import PeerNetworks

_KINDS = st.sampled_from(("audio", "video"))
_PLACES = st.integers(0, 5)
_DIRECTIONS = st.sampled_from(("sendrecv", "sendonly", "recvonly", "inactive"))
_MIRRORED = {"sendonly": "recvonly", "recvonly": "sendonly", "sendrecv": "sendrecv", "inactive": "inactive"}

_CALLS = st.one_of(
    st.tuples(st.just("addTrack"), _KINDS, st.integers(0, 2)),
    st.tuples(st.just("addTransceiver"), _KINDS, _DIRECTIONS),
    st.tuples(st.just("addSimulcast")),
    st.tuples(st.just("createDataChannel"), st.booleans()),
    st.tuples(st.just("restartIce")),
    st.tuples(st.just("setConfiguration"), st.sampled_from(("all", "relay"))),
    st.tuples(st.just("getStats")),
    st.tuples(st.just("createOffer")),
    st.tuples(st.just("removeTrack"), _PLACES),
    st.tuples(st.just("stop"), _PLACES),
    st.tuples(st.just("direction"), _PLACES, _DIRECTIONS),
    st.tuples(st.just("setStreams"), _PLACES),
    st.tuples(st.just("replaceTrack"), _PLACES, st.sampled_from((None, "audio", "video"))),
    st.tuples(st.just("setParameters"), _PLACES, st.sampled_from((0, 1_000_000))),
    st.tuples(st.just("setCodecPreferences"), _PLACES, st.integers(0, 3)),
    st.tuples(st.just("addCandidate"), _PLACES),
)
_DELIVERIES = st.one_of(
    st.tuples(st.just("deliver")),
    st.tuples(st.just("turns"), st.sampled_from((1, 3, 8, QUIET_TURNS))),
)
_NONSENSE = st.tuples(
    st.just("nonsense"),
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(
            (
                "",
                "candidate:",
                "candidate:1 1 udp 1 127.0.0.1 99999 typ host",
                "candidate:1 1 udp 1 127.0.0.1 9 typ nothing",
                "candidate:1 1 udp 1 \x00 9 typ host",
                "candidate:1 256 udp -1 host.local 9 typ host raddr x rport y",
                "candidate:1 1 tcp 1 ::1 9 typ host tcptype so ufrag other",
            )
        ),
    ),
    st.one_of(st.none(), st.sampled_from(("0", "1", "none"))),
    st.one_of(st.none(), st.integers(0, 3)),
)
_RAW = st.one_of(
    st.tuples(st.just("offer")),
    st.tuples(st.just("answer")),
    st.tuples(
        st.just("local"), st.sampled_from(("default", "default", "rollback", "offer", "answer", "pranswer"))
    ),
    st.tuples(st.just("remote"), st.sampled_from(("offer", "answer", "pranswer", "rollback")), _PLACES),
    st.tuples(st.just("relay")),
    st.tuples(st.just("exchange"), st.booleans()),
)


def _steps(*operations: st.SearchStrategy[Operation]) -> st.SearchStrategy[list[tuple[bool, Operation]]]:
    return st.lists(st.tuples(st.booleans(), st.one_of(*operations)), min_size=10, max_size=40)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(steps=_steps(_CALLS, _DELIVERIES))
def test_perfect_negotiation_ends_stable_and_agreeing(steps: list[tuple[bool, Operation]]) -> None:
    with _watched() as errors:
        _run(_negotiate(steps, errors), errors)


async def _negotiate(steps: list[tuple[bool, Operation]], errors: list[BaseException | str]) -> None:
    world = PeerNetworks()
    polite, impolite = PoliteOrNot(world, polite=True), PoliteOrNot(world, polite=False)
    polite.other, impolite.other = impolite, polite
    for first, operation in steps:
        program = polite if first else impolite
        match operation:
            case ("deliver",):
                program.deliver()
            case ("turns", count):
                await turns(count)
            case _:
                program.do(operation)
    await settle(polite, impolite)
    _assert_agree(polite.pc, impolite.pc)
    if polite.is_reachable and impolite.is_reachable and not all(line[2] for line in _m_lines(polite.pc)):
        assert (polite.pc.connectionState, impolite.pc.connectionState) == ("connected", "connected")
    polite.pc.close()
    impolite.pc.close()
    await turns(QUIET_TURNS)
    assert [*polite.unspecified, *impolite.unspecified, *errors] == []


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(
    steps=_steps(_CALLS, *[_RAW] * 2, *[_NONSENSE] * 4, _DELIVERIES),
    negotiated=st.booleans(),
    closes=st.one_of(st.none(), st.integers(0, 40)),
)
def test_careless_programs_get_specified_errors_and_no_others(
    steps: list[tuple[bool, Operation]], negotiated: bool, closes: int | None
) -> None:
    """Descriptions are made and set in any order, those of the other end or of oneself, twice or never."""
    if negotiated:
        steps = [(True, ("addTrack", "video", 1)), (True, ("exchange", True)), *steps]
    if closes is not None:
        steps = [*steps[:closes], (True, ("close",)), *steps[closes:]]
    with _watched() as errors:
        _run(_be_careless(steps, errors), errors)


async def _be_careless(steps: list[tuple[bool, Operation]], errors: list[BaseException | str]) -> None:
    world = PeerNetworks()
    one, other = Program(world), Program(world)
    one.other, other.other = other, one
    texts = ["", "v=0\r\n", "nonsense"]

    async def make(made: Coroutine[Any, Any, RTCSessionDescriptionInit]) -> None:
        texts.append((await made).sdp)

    async def set_local(pc: RTCPeerConnection, type: str) -> None:
        await pc.setLocalDescription(None if type == "default" else {"type": type})
        if pc.localDescription is not None:
            texts.append(pc.localDescription.sdp)

    async def relay(teller: RTCPeerConnection, to: RTCPeerConnection) -> None:
        if teller.localDescription is not None:
            await to.setRemoteDescription(teller.localDescription)

    async def exchange(offerer: RTCPeerConnection, answerer: RTCPeerConnection) -> None:
        await offerer.setLocalDescription(await offerer.createOffer())
        await relay(offerer, answerer)
        await answerer.setLocalDescription()
        await relay(answerer, offerer)

    for first, operation in steps:
        program = one if first else other
        pc = program.pc
        match operation:
            case ("offer",):
                program.call(make(pc.createOffer()))
            case ("answer",):
                program.call(make(pc.createAnswer()))
            case ("local", type):
                program.call(set_local(pc, type))
            case ("remote", type, place):
                text = texts[-1 - int(place) % len(texts)]
                program.call(pc.setRemoteDescription({"type": str(type), "sdp": text}))
            case ("relay",):
                program.call(relay(program.other.pc, pc))
            case ("exchange", patient):
                program.call(exchange(pc, program.other.pc))
                await turns(3 * QUIET_TURNS if patient else 2)
            case ("close",):
                pc.close()
            case ("deliver",):
                await turns(QUIET_TURNS)
            case ("turns", count):
                await turns(count)
            case _:
                program.do(operation)
    for _ in range(len(steps) + 1):
        await turns(QUIET_TURNS)
        if one.is_idle and other.is_idle:
            break
    assert one.is_idle
    assert other.is_idle
    one.pc.close()
    other.pc.close()
    await turns(QUIET_TURNS)
    assert [*one.unspecified, *other.unspecified, *errors] == []


def _assert_agree(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    """The same m-lines, mirrored directions, and credentials that are the other's."""
    assert (one.signalingState, other.signalingState) == ("stable", "stable")
    assert _m_lines(one) == _m_lines(other)
    others = {transceiver.mid: transceiver for transceiver in other.getTransceivers() if transceiver.mid}
    for mine in one.getTransceivers():
        if mine.mid is None:
            assert mine.direction == "stopped"
            continue
        theirs = others.pop(mine.mid)
        assert mine.currentDirection is not None
        assert theirs.currentDirection == _MIRRORED[mine.currentDirection]
        here, there = mine.sender.transport, theirs.sender.transport
        assert here is not None
        assert there is not None
        assert here.iceTransport.getLocalParameters() == there.iceTransport.getRemoteParameters()
        assert here.iceTransport.getRemoteParameters() == there.iceTransport.getLocalParameters()
    assert others == {}
    assert (one.sctp is None) is (other.sctp is None)


def _m_lines(pc: RTCPeerConnection) -> list[tuple[str, str | None, bool]]:
    local, remote = pc.currentLocalDescription, pc.currentRemoteDescription
    if local is None or remote is None:
        assert local is remote
        return []
    pairs = zip(parse(local.sdp).media, parse(remote.sdp).media, strict=True)
    return [(mine.kind, mine.mid, 0 in (mine.port, theirs.port)) for mine, theirs in pairs]


@contextmanager
def _watched() -> Generator[list[BaseException | str]]:
    """What listeners raise is logged, and nowhere else to be seen."""
    handler, log = LoggedErrors(), logging.getLogger("visavis")
    log.addHandler(handler)
    try:
        yield handler.errors
    finally:
        log.removeHandler(handler)


def _run(main: Coroutine[Any, Any, None], errors: list[BaseException | str]) -> None:
    async def watched() -> None:
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: errors.append(context.get("exception") or str(context["message"]))
        )
        await main

    run(watched())
