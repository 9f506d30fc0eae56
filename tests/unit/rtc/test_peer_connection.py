import asyncio

import pytest

from tests.unit.rtc.pairs import GUARD_S, negotiate, pair, record, trickle
from visavis.errors import DOMException
from visavis.events import Event
from visavis.media import MediaStream, MediaStreamTrack, mediaDevices
from visavis.rtc import (
    RTCDataChannel,
    RTCDtlsTransport,
    RTCError,
    RTCPeerConnection,
    RTCTrackEvent,
)


async def camera() -> tuple[MediaStream, MediaStreamTrack]:
    stream = await mediaDevices.getUserMedia({"video": True})
    return stream, stream.getTracks()[0]


def test_a_connection_can_be_made_and_closed_without_an_event_loop() -> None:
    pc = RTCPeerConnection()
    pc.addTransceiver("audio")
    pc.createDataChannel("chat")
    pc.close()
    pc.close()
    assert (pc.signalingState, pc.connectionState, pc.iceConnectionState) == ("closed",) * 3


async def test_two_connections_meet_and_tell_their_states_in_order() -> None:
    one, other = pair()
    trickle(one, other)
    states: list[str] = []
    one.onconnectionstatechange = lambda _: states.append(one.connectionState)
    one.addTransceiver("audio")
    await negotiate(one, other)
    await one.wait_for("connected", timeout=GUARD_S)
    await other.wait_for("connected", timeout=GUARD_S)
    assert states == ["connecting", "connected"]
    transport = one.getTransceivers()[0].sender.transport
    assert transport is not None
    assert transport.state == "connected"
    assert transport.iceTransport.getSelectedCandidatePair() is not None
    one.close()
    assert (transport.state, transport.iceTransport.state) == ("closed", "closed")
    other.close()


async def test_a_wrong_fingerprint_fails_the_connection() -> None:
    one, other = pair()
    trickle(one, other)
    one.addTransceiver("audio")
    await one.setLocalDescription()
    offer = one.localDescription
    assert offer is not None
    line = next(line for line in offer.sdp.splitlines() if line.startswith("a=fingerprint:"))
    forged = offer.sdp.replace(line, "a=fingerprint:sha-256 " + ":".join(["00"] * 32))
    await other.setRemoteDescription({"type": "offer", "sdp": forged})
    await other.setLocalDescription()
    answer = other.localDescription
    assert answer is not None
    errors = record(_transport(other), "error")
    await one.setRemoteDescription(answer.toJSON())
    with pytest.raises(DOMException, match="the connection is failed"):
        await other.wait_for("connected", timeout=GUARD_S)
    assert errors == ["error"]
    one.close()
    other.close()


async def test_a_track_arrives_in_its_stream_with_one_event() -> None:
    one, other = pair()
    stream, track = await camera()
    one.addTrack(track, stream)
    events: list[RTCTrackEvent] = []
    other.ontrack = events.append
    await negotiate(one, other)
    (event,) = events
    assert [arrived.id for arrived in event.streams] == [stream.id]
    assert event.streams[0].getTracks() == [event.track]
    assert event.receiver.track is event.track
    assert event.track.muted
    heard = record(event.streams[0], "removetrack")
    one.removeTrack(one.getSenders()[0])
    await negotiate(one, other)
    assert heard == ["removetrack"]
    assert other.getTransceivers()[0].currentDirection == "inactive"
    for pc in (one, other):
        pc.close()
    track.stop()


async def test_negotiation_is_needed_once_until_it_is_done() -> None:
    one, other = pair()
    heard = record(one, "negotiationneeded")
    one.addTransceiver("audio")
    one.addTransceiver("video")
    await asyncio.wait_for(one.next_event("negotiationneeded"), GUARD_S)
    await negotiate(one, other)
    assert heard == ["negotiationneeded"]
    one.getTransceivers()[0].direction = "inactive"
    await asyncio.wait_for(one.next_event("negotiationneeded"), GUARD_S)
    assert heard == ["negotiationneeded"] * 2
    one.close()
    other.close()


async def test_descriptions_are_visible_before_the_event_and_the_event_before_the_return() -> None:
    one, _ = pair()
    order: list[str] = []

    def changed(_: Event) -> None:
        order.append(f"{one.signalingState} {one.pendingLocalDescription is not None}")

    one.onsignalingstatechange = changed
    one.createDataChannel("chat")
    await one.setLocalDescription()
    order.append("returned")
    assert order == ["have-local-offer True", "returned"]
    assert one.localDescription is one.pendingLocalDescription
    one.close()


async def test_a_colliding_offer_rolls_ours_back() -> None:
    one, other = pair()
    one.addTransceiver("audio")
    other.addTransceiver("video")
    await one.setLocalDescription()
    states: list[str] = []
    one.onsignalingstatechange = lambda _: states.append(one.signalingState)
    await other.setLocalDescription()
    offer = other.localDescription
    assert offer is not None
    await one.setRemoteDescription(offer.toJSON())
    assert states == ["stable", "have-remote-offer"]
    assert one.getTransceivers()[0].mid is None
    one.close()
    other.close()


async def test_closing_cancels_what_waits_and_fires_nothing() -> None:
    one, _ = pair()
    heard = record(one, "signalingstatechange", "connectionstatechange", "negotiationneeded")
    one.addTransceiver("audio")
    running = asyncio.ensure_future(one.setLocalDescription())
    await asyncio.sleep(0)
    one.close()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(DOMException, match="the connection is closed"):
        await one.createOffer()
    assert heard == []
    assert one.getTransceivers()[0].direction == "stopped"


async def test_wait_for_times_out_and_ends_with_the_connection() -> None:
    one, other = pair()
    with pytest.raises(TimeoutError):
        await one.wait_for("connected", timeout=0)
    waiting = asyncio.ensure_future(one.wait_for("connected"))
    await asyncio.sleep(0)
    one.close()
    with pytest.raises(DOMException, match="the connection is closed"):
        await waiting
    other.close()


async def test_a_description_that_is_none_tells_the_line() -> None:
    one, _ = pair()
    with pytest.raises(RTCError) as caught:
        await one.setRemoteDescription({"type": "offer", "sdp": "v=0\r\nnonsense\r\n"})
    assert caught.value.errorDetail == "sdp-syntax-error"
    assert caught.value.sdpLineNumber == 2
    assert caught.value.name == "OperationError"
    one.close()


@pytest.mark.parametrize(
    ("candidate", "name"),
    [
        ({"candidate": "candidate:nonsense", "sdpMid": "0"}, "OperationError"),
        ({"candidate": "", "sdpMid": "other"}, "OperationError"),
        ({"candidate": "", "sdpMLineIndex": 7}, "OperationError"),
        ({"candidate": "", "sdpMid": "0", "usernameFragment": "other"}, "OperationError"),
    ],
)
async def test_candidates_that_fit_nothing_are_refused(candidate: dict[str, object], name: str) -> None:
    one, other = pair()
    with pytest.raises(DOMException) as caught:
        await other.addIceCandidate(candidate)
    assert caught.value.name == "InvalidStateError"
    one.addTransceiver("audio")
    await negotiate(one, other)
    with pytest.raises(DOMException) as caught:
        await other.addIceCandidate(candidate)
    assert caught.value.name == name
    one.close()
    other.close()


async def test_data_channels_get_even_and_odd_numbers_by_the_dtls_role() -> None:
    one, other = pair()
    channels = [one.createDataChannel("a"), other.createDataChannel("b")]
    assert [channel.id for channel in channels] == [None, None]
    await negotiate(one, other)
    assert [channel.id for channel in channels] == [1, 0]
    assert one.sctp is not None
    assert one.sctp.maxMessageSize == 262_144
    assert one.createDataChannel("c").id == 3
    one.close()
    assert channels[0].readyState == "closed"
    other.close()


async def test_a_data_channel_wants_what_can_be() -> None:
    one, _ = pair()
    for init in (
        {"negotiated": True},
        {"maxRetransmits": 1, "maxPacketLifeTime": 1},
        {"negotiated": True, "id": 65_535},
        {"id": 65_536},
    ):
        with pytest.raises(TypeError):
            one.createDataChannel("x", init)
    with pytest.raises(TypeError):
        one.createDataChannel("x" * 65_536)
    kept: RTCDataChannel = one.createDataChannel("x", {"negotiated": True, "id": 5})
    with pytest.raises(DOMException, match="in use"):
        one.createDataChannel("y", {"negotiated": True, "id": 5})
    with pytest.raises(DOMException) as caught:
        kept.send("too early")
    assert caught.value.name == "InvalidStateError"
    one.close()


async def test_parameters_can_be_changed_until_the_next_task() -> None:
    one, other = pair()
    stream, track = await camera()
    sender = one.addTrack(track, stream)
    await negotiate(one, other)
    parameters = sender.getParameters()
    parameters.encodings[0].maxBitrate = 500_000
    await sender.setParameters(parameters)
    assert sender.getParameters().encodings[0].maxBitrate == 500_000
    with pytest.raises(DOMException) as caught:
        await sender.setParameters(parameters)
    assert caught.value.name == "InvalidModificationError"
    changed = sender.getParameters()
    changed.codecs.reverse()
    with pytest.raises(DOMException, match="codecs cannot be changed"):
        await sender.setParameters(changed)
    await sender.replaceTrack(None)
    assert sender.track is None
    one.close()
    other.close()
    track.stop()


async def test_stopping_a_transceiver_ends_its_track_and_frees_the_m_line() -> None:
    one, other = pair()
    transceiver = one.addTransceiver("audio")
    await negotiate(one, other)
    ended = asyncio.ensure_future(transceiver.receiver.track.next_event("ended"))
    await asyncio.sleep(0)
    transceiver.stop()
    assert transceiver.direction == "stopped"
    await asyncio.wait_for(ended, GUARD_S)
    await negotiate(one, other)
    assert (transceiver.currentDirection, transceiver.mid) == ("stopped", None)
    assert one.getTransceivers() == []
    one.close()
    other.close()


def _transport(pc: RTCPeerConnection) -> RTCDtlsTransport:
    transport = pc.getTransceivers()[0].sender.transport
    assert transport is not None
    return transport
