import re

import pytest

from visavis import DOMException, MessageEvent, RTCPeerConnection

MIB = 1 << 20


async def connect(one: RTCPeerConnection, other: RTCPeerConnection) -> None:
    for offerer, answerer in ((one, other), (other, one)):
        await offerer.setLocalDescription()
        if offerer is one:
            while offerer.iceGatheringState != "complete":
                await offerer.next_event("icegatheringstatechange", timeout=10)
        assert offerer.localDescription is not None
        await answerer.setRemoteDescription(offerer.localDescription)


async def test_a_peer_that_takes_long_messages_gets_them_whole_and_says_so_in_its_description() -> None:
    async with (
        RTCPeerConnection() as one,
        RTCPeerConnection({"max_message_size": 8 * MIB}) as other,
    ):
        ours = one.createDataChannel("long", {"negotiated": True, "id": 0})
        theirs = other.createDataChannel("long", {"negotiated": True, "id": 0})
        await connect(one, other)
        assert other.localDescription is not None
        assert re.search(r"a=max-message-size:8388608\r\n", other.localDescription.sdp)
        assert one.sctp is not None
        assert other.sctp is not None
        assert (one.sctp.maxMessageSize, other.sctp.maxMessageSize) == (8 * MIB, 262_144)
        if ours.readyState != "open":
            await ours.next_event("open", timeout=10)
        data = bytes(range(256)) * (8 * MIB // 256)
        ours.send(data)
        event = await theirs.next_event("message", timeout=30)
        assert isinstance(event, MessageEvent)
        assert event.data == data
        with pytest.raises(TypeError, match="more than the peer takes"):
            ours.send(data + b"!")


@pytest.mark.parametrize("size", [0, 64 * MIB + 1])
def test_a_size_that_no_association_holds_is_refused(size: int) -> None:
    with pytest.raises(TypeError, match="max_message_size"):
        RTCPeerConnection({"max_message_size": size})


async def test_the_size_stays_what_it_was_made_with() -> None:
    async with RTCPeerConnection({"max_message_size": MIB}) as one:
        one.setConfiguration({"max_message_size": MIB})
        with pytest.raises(DOMException, match="max_message_size"):
            one.setConfiguration({})
