"""Simulcast between two connections over the real data plane: sent in three sizes, received by rid."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from tests.unit.rtc.pairs import GUARD_S, negotiate, trickle
from visavis.media import MediaStreamTrack, VideoFrame, mediaDevices
from visavis.rtc import RTCPeerConnection, RTCRtpSender, RTCRtpTransceiver

ENCODINGS = [
    {"rid": "q", "scaleResolutionDownBy": 4.0},
    {"rid": "h", "scaleResolutionDownBy": 2.0},
    {"rid": "f"},
]
SIZES = {"q": (80, 60), "h": (160, 120), "f": (320, 240)}


class Call:
    """A connected pair; the first one sends its camera in three layers."""

    def __init__(self, *, receives: bool) -> None:
        self.one = RTCPeerConnection()
        self.other = RTCPeerConnection({"receive_simulcast": receives})
        self.camera: MediaStreamTrack
        self.sender: RTCRtpSender

    async def connect(self) -> None:
        trickle(self.one, self.other)
        stream = await mediaDevices.getUserMedia({"video": {"width": 320, "height": 240}})
        [self.camera] = stream.getTracks()
        transceiver = self.one.addTransceiver(
            self.camera, {"direction": "sendonly", "sendEncodings": ENCODINGS}
        )
        self.sender = transceiver.sender
        await negotiate(self.one, self.other)

    @property
    def layers(self) -> dict[str, MediaStreamTrack]:
        return self.other.getTransceivers()[0].receiver.layer_tracks

    async def figures(self, rid: str) -> dict[str, object]:
        """What is told of a layer that is sent."""
        [entry] = [one for one in (await self.sender.getStats()).values() if one.get("rid") == rid]
        return dict(entry)

    async def change(self, rid: str, **values: object) -> None:
        parameters = self.sender.getParameters()
        for encoding in parameters.encodings:
            if encoding.rid == rid:
                for name, value in values.items():
                    setattr(encoding, name, value)
        await self.sender.setParameters(parameters)

    def hang_up(self) -> None:
        self.one.close()
        self.other.close()
        self.camera.stop()


@asynccontextmanager
async def connected(*, receives: bool = True) -> AsyncGenerator[Call]:
    call = Call(receives=receives)
    async with asyncio.timeout(GUARD_S):
        await call.connect()
    yield call
    call.hang_up()


async def take(track: MediaStreamTrack, count: int = 1) -> VideoFrame:
    """The last of so many frames."""
    async with asyncio.timeout(GUARD_S):
        async for frame in track:
            assert isinstance(frame, VideoFrame)
            count -= 1
            if not count:
                return frame
    raise AssertionError("the track has ended")


async def test_each_layer_arrives_in_its_size_on_a_track_of_its_own() -> None:
    async with connected() as call:
        assert list(call.layers) == ["q", "h", "f"]
        assert call.layers["q"] is call.other.getReceivers()[0].track
        frames = await asyncio.gather(*(take(track) for track in call.layers.values()))
        assert [(frame.width, frame.height) for frame in frames] == list(SIZES.values())
        inbound = [one for one in (await call.other.getStats()).values() if one["type"] == "inbound-rtp"]
        assert {one["trackIdentifier"] for one in inbound} == {track.id for track in call.layers.values()}


async def test_a_layer_that_is_not_active_sends_nothing_and_begins_again_with_a_key_frame() -> None:
    async with connected() as call:
        await take(call.layers["h"])
        await call.change("h", active=False)
        await take(call.layers["f"], 3)
        before = await call.figures("h")
        await take(call.layers["f"], 15)
        after = await call.figures("h")
        assert before["active"] is False
        assert after["packetsSent"] == before["packetsSent"]
        assert after["framesEncoded"] == before["framesEncoded"]
        await call.change("h", active=True)
        frame = await take(call.layers["h"])
        assert (frame.width, frame.height) == SIZES["h"]
        again = await call.figures("h")
        assert int(str(again["keyFramesEncoded"])) > int(str(before["keyFramesEncoded"]))


async def test_a_layer_keeps_to_its_rate_and_the_others_do_not_mind() -> None:
    async with connected() as call:
        await take(call.layers["f"])
        await call.change("f", maxBitrate=64_000)
        await take(call.layers["f"], 10)
        assert (await call.figures("f"))["targetBitrate"] == 64_000
        assert (await call.figures("h"))["targetBitrate"] != 64_000


async def test_a_layer_that_is_scaled_anew_arrives_so() -> None:
    async with connected() as call:
        await take(call.layers["q"])
        await call.change("q", scaleResolutionDownBy=8.0)
        async with asyncio.timeout(GUARD_S):
            while (frame := await take(call.layers["q"])).width != 40:
                pass
        assert frame.height == 30


async def test_layers_go_on_over_a_renegotiation_and_end_with_the_transceiver() -> None:
    async with connected() as call:
        before = call.layers
        await negotiate(call.other, call.one)
        await negotiate(call.one, call.other)
        assert call.layers == before
        await take(call.layers["h"])
        call.other.getTransceivers()[0].stop()
        await asyncio.gather(*(track.next_event("ended") for track in before.values()))


async def test_without_being_asked_for_only_one_layer_is_received() -> None:
    async with connected(receives=False) as call:
        assert call.layers == {}
        assert len(call.sender.getParameters().encodings) == 1
        await take(call.other.getReceivers()[0].track)


async def test_who_offers_can_ask_for_layers() -> None:
    one, other = RTCPeerConnection(), RTCPeerConnection()
    trickle(one, other)
    transceiver: RTCRtpTransceiver = one.addTransceiver(
        "video", {"direction": "recvonly", "receive_rids": ["big", "small"]}
    )
    stream = await mediaDevices.getUserMedia({"video": {"width": 320, "height": 240}})
    sender = other.addTrack(stream.getTracks()[0], stream)
    async with asyncio.timeout(GUARD_S):
        await negotiate(one, other)
        assert [encoding.rid for encoding in sender.getParameters().encodings] == ["big", "small"]
        tracks = transceiver.receiver.layer_tracks
        small, big = await asyncio.gather(take(tracks["small"]), take(tracks["big"]))
    assert (small.width, big.width) == (320, 160)
    one.close()
    other.close()
    stream.getTracks()[0].stop()


@pytest.mark.parametrize("rids", [["a", "a"], ["no spaces"], [""], [str(number) for number in range(9)]])
def test_rids_to_ask_for_are_checked(rids: list[str]) -> None:
    with pytest.raises(TypeError):
        RTCPeerConnection().addTransceiver("video", {"receive_rids": rids})
