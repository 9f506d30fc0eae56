import asyncio
import re

import pytest

from tests.unit.rtc.pairs import negotiate, pair, record, run, trickle
from visavis.rtc import MessageEvent, RTCDataChannel, RTCDataChannelEvent, RTCPeerConnection
from visavis.rtc.data_flow import DataFlow
from visavis.rtc.held_messages import SHARE_BYTES, HeldMessages
from visavis.testing.peer_network import PeerNetworks


async def connect(
    world: PeerNetworks | None = None,
    **init: object,
) -> tuple[RTCPeerConnection, RTCPeerConnection, RTCDataChannel, RTCDataChannel]:
    one, other = pair(world)
    trickle(one, other)
    channel = one.createDataChannel("chat", init)
    opened = record(channel, "open")
    waiting = asyncio.ensure_future(other.next_event("datachannel", timeout=5))
    await negotiate(one, other)
    event = await waiting
    assert isinstance(event, RTCDataChannelEvent)
    if not opened:
        await channel.next_event("open", timeout=5)
    return one, other, channel, event.channel


def test_a_channel_opens_at_both_ends_as_it_was_asked_for() -> None:
    async def scenario() -> None:
        one, other, ours, theirs = await connect(
            ordered=False, maxRetransmits=3, protocol="p", priority="high"
        )
        assert (theirs.label, theirs.protocol, theirs.ordered) == ("chat", "p", False)
        assert (theirs.maxRetransmits, theirs.priority, theirs.id) == (3, "high", ours.id)
        assert (ours.readyState, theirs.readyState) == ("open", "open")
        assert one.sctp is not None
        assert (one.sctp.state, one.sctp.maxChannels) == ("connected", 1024)
        one.close()
        other.close()

    run(scenario())


def test_messages_go_both_ways_in_order_and_what_waits_falls_to_nothing() -> None:
    async def scenario() -> None:
        one, other, ours, theirs = await connect()
        heard: list[str | bytes] = []

        def echo(event: MessageEvent) -> None:
            theirs.send(event.data)

        def hear(event: MessageEvent) -> None:
            heard.append(event.data)

        theirs.onmessage = echo
        ours.onmessage = hear
        sent: list[str | bytes] = ["é", b"\x01", "", b"", *(str(number) for number in range(600))]
        for message in sent:
            ours.send(message)
        while len(heard) < len(sent):
            await ours.next_event("message", timeout=5)
        assert heard == sent
        await one.getStats()
        assert (ours.bufferedAmount, theirs.bufferedAmount) == (0, 0)
        one.close()
        other.close()

    run(scenario())


def test_a_message_arrives_after_its_sender_was_told_that_it_has_left() -> None:
    async def scenario() -> None:
        one, other, ours, theirs = await connect()
        told = record(ours, "bufferedamountlow")
        waiting: list[tuple[int, list[str]]] = []
        theirs.addEventListener("message", lambda _: waiting.append((ours.bufferedAmount, list(told))))
        theirs.send("so that their end has news of its own")
        ours.send("hello")
        assert ours.bufferedAmount == 5
        await theirs.next_event("message", timeout=5)
        assert waiting == [(0, ["bufferedamountlow"])]
        one.close()
        other.close()

    run(scenario())


def test_closing_a_channel_closes_both_ends_and_the_peer_is_told_before() -> None:
    async def scenario() -> None:
        one, other, ours, theirs = await connect()
        at_ours, at_theirs = record(ours, "closing", "close"), record(theirs, "closing", "close")
        id, ended = ours.id, asyncio.ensure_future(theirs.next_event("close", timeout=5))
        await asyncio.sleep(0)
        ours.close()
        await ended
        if not at_ours:
            await ours.next_event("close", timeout=5)
        assert (at_ours, at_theirs) == (["close"], ["closing", "close"])
        figures = await one.getStats()
        assert (figures["P"]["dataChannelsOpened"], figures["P"]["dataChannelsClosed"]) == (1, 1)
        assert "data-channel" not in [members["type"] for members in figures.values()]
        assert one.createDataChannel("again").id == id
        one.close()
        other.close()

    run(scenario())


def test_a_closed_connection_is_an_error_to_the_peers_channels_and_closes_them() -> None:
    async def scenario() -> None:
        one, other, ours, theirs = await connect()
        assert one.sctp is not None
        here, at_ours = record(one.sctp, "statechange"), record(ours, "error", "close")
        states: list[tuple[str, str]] = []
        for type in ("error", "close"):
            theirs.addEventListener(type, lambda event: states.append((event.type, theirs.readyState)))
        ended = asyncio.ensure_future(theirs.next_event("close", timeout=5))
        await asyncio.sleep(0)
        one.close()
        assert (one.sctp.state, ours.readyState, here) == ("closed", "closed", [])
        await ended
        assert states == [("error", "closed"), ("close", "closed")]
        if not here:
            await one.sctp.next_event("statechange", timeout=5)
        assert (here, at_ours) == (["statechange"], [])
        other.close()

    run(scenario())


def test_who_iterates_gets_what_came_before_and_the_window_opens_as_it_is_taken() -> None:
    async def scenario() -> None:
        one, other, ours, theirs = await connect()
        for number in range(3):
            await ours.send_async(str(number))
        await ours.drained()
        heard: list[str | bytes] = []
        async for message in theirs:
            heard.append(message)
            if len(heard) == 3:
                ours.close()
        assert heard == ["0", "1", "2"]
        one.close()
        other.close()

    run(scenario())


def test_a_failed_association_tells_its_channels_why_and_closes_them() -> None:
    async def scenario() -> None:
        world = PeerNetworks()
        one, other, _, theirs = await connect(world)
        heard = record(theirs, "error", "close")
        ended = asyncio.ensure_future(theirs.next_event("close", timeout=5))
        await asyncio.sleep(0)
        for links in world.links.values():
            for link in links:
                assert link.association is not None
                link.association.fail("no answer")
        await ended
        assert heard == ["error", "close"]
        assert other.sctp is not None
        assert other.sctp.state == "closed"
        one.close()
        other.close()

    run(scenario())


def test_a_description_that_rejects_data_closes_its_channels_without_an_error() -> None:
    async def scenario() -> None:
        one, other, ours, _ = await connect()
        sctp = one.sctp
        assert sctp is not None
        states, heard = record(sctp, "statechange"), record(ours, "error", "closing", "close")
        await one.setLocalDescription()
        assert one.localDescription is not None
        await other.setRemoteDescription(one.localDescription)
        answer = re.sub(r"m=application \d+", "m=application 0", (await other.createAnswer()).sdp)
        await one.setRemoteDescription({"type": "answer", "sdp": answer})
        assert one.sctp is None
        later = one.createDataChannel("later")
        if not heard:
            await ours.next_event("close", timeout=5)
        assert (states, heard, sctp.state, ours.readyState) == (
            ["statechange"],
            ["close"],
            "closed",
            "closed",
        )
        assert later.readyState == "connecting"
        one.close()
        other.close()

    run(scenario())


def test_an_unreliable_channel_that_nobody_reads_drops_beyond_its_share() -> None:
    held = HeldMessages("chat", drops=True)
    assert held.put(b"a", SHARE_BYTES) == 0
    assert held.put(b"b", 1) == 1
    assert held.dropped == 1
    assert held.take() == (b"a", SHARE_BYTES)


def test_a_reliable_channel_that_nobody_reads_holds_all_until_its_end_frees_them() -> None:
    held = HeldMessages("chat", drops=False)
    assert held.put(b"a", SHARE_BYTES) == 0
    assert held.put(b"b", 1) == 0
    assert held.end() == SHARE_BYTES + 1
    assert held.take() == (b"a", 0)
    assert held.end() == 0


@pytest.mark.parametrize(
    ("is_read", "drops", "warnings"),
    [
        (False, False, ["nobody reads the data channel 'chat': its messages fill the window"]),
        (False, True, ["nobody reads the data channel 'chat': its messages are dropped"]),
        (True, False, []),
        (True, True, ["the program does not keep up with the data channel 'chat': its messages are dropped"]),
    ],
)
def test_what_is_not_read_in_time_is_told_once_with_its_reason(
    is_read: bool, drops: bool, warnings: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    held = HeldMessages("chat", drops=drops)
    held.put(b"first", 5)
    if is_read:
        held.take()
    for _ in range(3):
        held.put(b"a", SHARE_BYTES)
    assert [record.message for record in caplog.records] == warnings


def test_a_negotiated_channel_opens_without_an_event_at_the_peer() -> None:
    async def scenario() -> None:
        one, other = pair()
        trickle(one, other)
        ours = one.createDataChannel("a", {"negotiated": True, "id": 5})
        theirs = other.createDataChannel("b", {"negotiated": True, "id": 5})
        told = record(other, "datachannel")
        opened = [asyncio.ensure_future(each.next_event("open", timeout=5)) for each in (ours, theirs)]
        await negotiate(one, other)
        await asyncio.gather(*opened)
        ours.send("x")
        async for message in theirs:
            assert message == "x"
            ours.close()
        assert told == []
        one.close()
        other.close()

    run(scenario())


def test_what_comes_before_the_association_is_told_waits_for_its_channel() -> None:
    """A peer that heard of the association first sends at once; a thread's news of messages overtook that of
    the state, and a channel that both had negotiated lost its first message."""

    async def scenario() -> None:
        one, other = pair(PeerNetworks())
        trickle(one, other)
        channels = [each.createDataChannel("agreed", {"negotiated": True, "id": 0}) for each in (one, other)]
        flows: list[DataFlow] = []
        told = DataFlow.association_state

        def late(flow: DataFlow, state: str, reason: str, inbound: int, outbound: int) -> None:
            """The second end is told only once the first's message has come."""
            flows.append(flow)
            if len(flows) == 1:
                told(flow, state, reason, inbound, outbound)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(DataFlow, "association_state", late)
            await negotiate(one, other)
            first = await first_open(channels)
            first.send("first")
            await first.drained()
        second = next(each for each in channels if each is not first)
        flows[1].messages_ready()
        told(flows[1], "connected", "", 1024, 1024)
        async with asyncio.timeout(5):
            assert await anext(aiter(second)) == "first"
        one.close()
        other.close()

    run(scenario())


async def first_open(channels: list[RTCDataChannel]) -> RTCDataChannel:
    waiting = [asyncio.ensure_future(each.next_event("open", timeout=5)) for each in channels]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for each in waiting:
        each.cancel()
    return next(each for each in channels if each.readyState == "open")
