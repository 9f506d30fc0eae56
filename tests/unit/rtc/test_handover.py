"""Another peer takes over a connection: new DTLS and SCTP associations (RFC 8842 section 3, RFC 8841 9.3)."""

import asyncio
import re

from tests.unit.rtc.pairs import GUARD_S, negotiate, pair, record, run, trickle
from tests.unit.rtc.test_data_flow import connect
from visavis.rtc import RTCDataChannel, RTCDataChannelEvent, RTCPeerConnection
from visavis.rtc.dtls_transport import RTCDtlsTransport
from visavis.testing.peer_network import PeerNetworks


def dtls_of(pc: RTCPeerConnection) -> RTCDtlsTransport:
    assert pc.sctp is not None
    return pc.sctp.transport


async def opened(pc: RTCPeerConnection) -> RTCDataChannel:
    """The next channel that the peer opens."""
    event = await pc.next_event("datachannel", timeout=GUARD_S)
    assert isinstance(event, RTCDataChannelEvent)
    return event.channel


async def hand_over(*, restart: bool) -> None:
    """Both answerers are real, and the first one is still there when the second takes over."""
    async with RTCPeerConnection() as one, RTCPeerConnection() as first, RTCPeerConnection() as second:
        trickle(one, first)
        ours = one.createDataChannel("first")
        waiting = asyncio.ensure_future(opened(first))
        await negotiate(one, first)
        theirs = await waiting
        if ours.readyState != "open":
            await ours.next_event("open", timeout=GUARD_S)
        former_sctp, dtls = one.sctp, dtls_of(one)
        former_certificate = dtls.getRemoteCertificates()
        states = record(dtls, "statechange")
        closing = record(ours, "error", "close")

        trickle(one, second)
        if restart:
            one.restartIce()
        waiting = asyncio.ensure_future(opened(one))
        await negotiate(one, second)
        again = second.createDataChannel("second")
        taken_over = await waiting
        assert dtls_of(one) is dtls
        assert taken_over.label == "second"
        taken_over.send("hello again")
        message = await again.next_event("message", timeout=GUARD_S)
        assert getattr(message, "data", None) == "hello again"

        assert closing == ["close"]
        assert one.sctp is not former_sctp
        assert former_sctp is not None
        assert former_sctp.state == "closed"
        assert dtls.state == "connected"
        assert states
        assert dtls.getRemoteCertificates() != former_certificate
        assert one.connectionState == "connected"
        assert theirs.label == "first"


async def test_another_peer_takes_over_with_the_next_answer() -> None:
    await hand_over(restart=False)


async def test_another_peer_takes_over_with_an_ice_restart() -> None:
    await hand_over(restart=True)


def test_a_channel_that_nobody_could_use_yet_opens_to_the_peer_that_takes_over() -> None:
    async def scenario() -> None:
        world = PeerNetworks()
        one, first = pair(world)
        second, _ = pair(world)
        ours = one.createDataChannel("chat")
        await negotiate(one, first)
        trickle(one, second)
        one.restartIce()
        waiting = asyncio.ensure_future(opened(second))
        await negotiate(one, second)
        theirs = await waiting
        assert (theirs.label, theirs.id) == ("chat", ours.id)
        for pc in (one, first, second):
            pc.close()

    run(scenario())


async def test_an_association_has_figures() -> None:
    async with RTCPeerConnection() as one, RTCPeerConnection() as other:
        trickle(one, other)
        ours = one.createDataChannel("chat")
        waiting = asyncio.ensure_future(opened(other))
        await negotiate(one, other)
        theirs = await waiting
        theirs.send("hello")
        await ours.next_event("message", timeout=GUARD_S)
        stats = await one.getStats()
        figures = next(entry for entry in stats.values() if entry["type"] == "sctp-transport")
        assert stats[str(figures["transportId"])]["type"] == "transport"
        assert {type(figures[name]) for name in ("mtu", "congestionWindow", "receiverWindow")} == {int}


async def test_a_refused_certificate_is_a_failure_at_both_ends() -> None:
    async with RTCPeerConnection() as one, RTCPeerConnection() as other:
        trickle(one, other)
        channel = one.createDataChannel("chat")
        await one.setLocalDescription()
        offer = one.localDescription
        assert offer is not None
        await other.setRemoteDescription(offer.toJSON())
        await other.setLocalDescription()
        answer = other.localDescription
        assert answer is not None
        forged = re.sub(r"(a=fingerprint:sha-256 )(..)", lambda found: found[1] + "00", answer.sdp)
        assert forged != answer.sdp
        failed = asyncio.ensure_future(one.wait_for("failed", timeout=GUARD_S))
        also_failed = asyncio.ensure_future(other.wait_for("failed", timeout=GUARD_S))
        errors: list[tuple[str, int | None]] = []
        for each in (one, other):
            dtls_of(each).addEventListener(
                "error",
                lambda event: errors.append((event.error.errorDetail, event.error.receivedAlert)),
            )
        await one.setRemoteDescription({"type": "answer", "sdp": forged})
        await failed
        await also_failed
        assert sorted(errors) == [("dtls-failure", 42), ("fingerprint-failure", None)]
        assert dtls_of(other).state == "failed"
        assert channel.readyState != "open"


def test_another_port_of_sctp_is_another_association_over_the_same_dtls() -> None:
    async def scenario() -> None:
        one, other, ours, _ = await connect()
        sctp, dtls = one.sctp, dtls_of(one)
        states = record(dtls, "statechange")
        closing = record(ours, "error", "close")
        await one.setLocalDescription()
        offer = one.localDescription
        assert offer is not None
        await other.setRemoteDescription(offer.toJSON())
        await other.setLocalDescription()
        answer = other.localDescription
        assert answer is not None
        moved = answer.sdp.replace("a=sctp-port:5000", "a=sctp-port:5001")
        assert moved != answer.sdp
        await one.setRemoteDescription({"type": "answer", "sdp": moved})
        while ours.readyState != "closed":
            await ours.next_event("close", timeout=GUARD_S)
        assert closing == ["close"]
        assert one.sctp is not sctp
        assert dtls_of(one) is dtls
        assert states == []
        one.close()
        other.close()

    run(scenario())


def test_port_0_of_sctp_ends_the_association() -> None:
    async def scenario() -> None:
        one, other, ours, _ = await connect()
        await other.setLocalDescription()
        offer = other.localDescription
        assert offer is not None
        ended = offer.sdp.replace("a=sctp-port:5000", "a=sctp-port:0")
        await one.setRemoteDescription({"type": "offer", "sdp": ended})
        closing = asyncio.ensure_future(ours.closed())
        await one.setLocalDescription()
        await closing
        assert one.sctp is None
        one.close()
        other.close()

    run(scenario())


def test_the_role_that_a_conflict_has_given_outlasts_the_next_description() -> None:
    async def scenario() -> None:
        one, other = pair()
        trickle(one, other)
        one.addTransceiver("audio")
        await negotiate(one, other)
        transport = one.getTransceivers()[0].sender.transport
        assert transport is not None
        ice = transport.iceTransport
        bound = one._connection.transports.all()[0]  # pyright: ignore[reportPrivateUsage]
        assert ice.role == "controlling"
        bound.role(False)
        await one.getStats()
        assert ice.role == "controlled"
        await negotiate(one, other)
        assert ice.role == "controlled"
        one.close()
        other.close()

    run(scenario())
