"""Media between two connections over the real data plane."""

import asyncio

import pytest

from tests.unit.rtc.pairs import GUARD_S, negotiate, trickle
from visavis.errors import DOMException
from visavis.media import AudioFrame, MediaStream, MediaStreamTrack, VideoFrame, mediaDevices
from visavis.media.testcard import read_counter
from visavis.rtc import RTCPeerConnection, RTCRtpCodec, RTCRtpReceiver, RTCStatsReport

STREAM_TYPES = {"outbound-rtp", "inbound-rtp", "codec", "media-source", "candidate-pair", "transport"}


async def call() -> tuple[RTCPeerConnection, RTCPeerConnection, MediaStream, list[MediaStreamTrack]]:
    """A connected pair; the first sends, the tracks arrive at the other."""
    one, other = RTCPeerConnection(), RTCPeerConnection()
    trickle(one, other)
    stream = await mediaDevices.getUserMedia({"audio": True, "video": True})
    for track in stream.getTracks():
        one.addTrack(track, stream)
    arrived: list[MediaStreamTrack] = []
    other.ontrack = lambda event: arrived.append(event.track)
    await negotiate(one, other)
    await one.wait_for("connected", timeout=GUARD_S)
    await other.wait_for("connected", timeout=GUARD_S)
    return one, other, stream, arrived


def hang_up(one: RTCPeerConnection, other: RTCPeerConnection, stream: MediaStream) -> None:
    one.close()
    other.close()
    for track in stream.getTracks():
        track.stop()


async def test_sound_and_pictures_arrive_as_frames() -> None:
    one, other, stream, arrived = await call()
    async with asyncio.timeout(GUARD_S):
        for track in arrived:
            async for frame in track:
                assert isinstance(frame, AudioFrame if track.kind == "audio" else VideoFrame)
                break
            assert not track.muted
    hang_up(one, other, stream)


@pytest.mark.parametrize("name", ["audio/PCMU", "audio/PCMA"])
async def test_a_call_without_opus_is_heard_as_a_telephone_is(name: str) -> None:
    one, other = RTCPeerConnection(), RTCPeerConnection()
    trickle(one, other)
    stream = await mediaDevices.getUserMedia({"audio": True})
    transceiver = one.addTransceiver(stream.getAudioTracks()[0], {"streams": [stream]})
    capabilities = RTCRtpReceiver.getCapabilities("audio")
    assert capabilities is not None
    transceiver.setCodecPreferences([codec for codec in capabilities.codecs if codec.mimeType == name])
    arrived: list[MediaStreamTrack] = []
    other.ontrack = lambda event: arrived.append(event.track)
    await negotiate(one, other)
    async with asyncio.timeout(GUARD_S):
        async for frame in arrived[0]:
            assert isinstance(frame, AudioFrame)
            assert (frame.sample_rate_hz, frame.channels, len(frame.samples)) == (8_000, 1, 160)
            if frame.level_dbov() > -40:
                break
    codecs = [entry["mimeType"] for entry in (await one.getStats()).values() if entry["type"] == "codec"]
    assert codecs == [name]
    hang_up(one, other, stream)


async def test_pictures_can_be_sent_as_h264() -> None:
    one, other = RTCPeerConnection(), RTCPeerConnection()
    trickle(one, other)
    stream = await mediaDevices.getUserMedia({"video": {"width": 320, "height": 240}})
    transceiver = one.addTransceiver(stream.getVideoTracks()[0], {"streams": [stream]})
    capabilities = RTCRtpReceiver.getCapabilities("video")
    assert capabilities is not None
    wanted = [codec for codec in capabilities.codecs if codec.mimeType in ("video/H264", "video/rtx")]
    transceiver.setCodecPreferences(wanted)
    await negotiate(one, other)
    async with asyncio.timeout(GUARD_S):
        counters: list[int | None] = []
        async for frame in other.getReceivers()[0].track:
            assert isinstance(frame, VideoFrame)
            counters.append(read_counter(frame))
            if len(counters) == 10:
                break
    assert None not in counters
    assert len(set(counters)) == 10
    codecs = [entry["mimeType"] for entry in (await one.getStats()).values() if entry["type"] == "codec"]
    assert codecs == ["video/H264"]
    hang_up(one, other, stream)


async def test_another_codec_can_be_chosen_in_the_middle_of_a_call() -> None:
    one, other = RTCPeerConnection(), RTCPeerConnection()
    trickle(one, other)
    stream = await mediaDevices.getUserMedia({"audio": True})
    sender = one.addTrack(stream.getAudioTracks()[0], stream)
    await negotiate(one, other)
    frames = aiter(other.getReceivers()[0].track)

    async def rate_hz() -> int:
        frame = await anext(frames)
        assert isinstance(frame, AudioFrame)
        return frame.sample_rate_hz

    async with asyncio.timeout(GUARD_S):
        assert await rate_hz() == 48_000
        for name, wanted_hz in (("audio/PCMA", 8_000), ("audio/opus", 48_000)):
            parameters = sender.getParameters()
            [codec] = [one for one in parameters.codecs if one.mimeType == name]
            parameters.encodings[0].codec = RTCRtpCodec(
                codec.mimeType, codec.clockRate, codec.channels, codec.sdpFmtpLine
            )
            await sender.setParameters(parameters)
            while await rate_hz() != wanted_hz:
                pass
    hang_up(one, other, stream)


async def test_a_key_frame_can_be_had_with_the_parameters() -> None:
    one, other, stream, arrived = await call()
    [pictures] = [track for track in arrived if track.kind == "video"]
    [sender] = [sender for sender in one.getSenders() if sender.track and sender.track.kind == "video"]

    async def key_frames() -> int:
        [entry] = [one for one in (await sender.getStats()).values() if one["type"] == "outbound-rtp"]
        return int(str(entry["keyFramesEncoded"]))

    async with asyncio.timeout(GUARD_S):
        async for _ in pictures:
            break
        before = await key_frames()
        await sender.setParameters(sender.getParameters(), {"encodingOptions": [{"keyFrame": True}]})
        async for _ in pictures:
            if await key_frames() > before:
                break
        with pytest.raises(DOMException, match="one for each"):
            await sender.setParameters(sender.getParameters(), {"encodingOptions": [{"keyFrame": False}] * 2})
    hang_up(one, other, stream)


async def test_a_direction_without_receiving_mutes_and_one_with_it_unmutes() -> None:
    one, other, stream, arrived = await call()
    (pictures,) = [track for track in arrived if track.kind == "video"]
    transceiver = next(one_ for one_ in one.getTransceivers() if one_.receiver.track.kind == "video")
    async with asyncio.timeout(GUARD_S):
        while pictures.muted:
            await pictures.next_event("unmute")
        transceiver.direction = "inactive"
        await negotiate(one, other)
        assert pictures.muted
        transceiver.direction = "sendonly"
        unmuted = asyncio.ensure_future(pictures.next_event("unmute"))
        await negotiate(one, other)
        await unmuted
    hang_up(one, other, stream)


async def test_who_hangs_up_is_noticed_at_once() -> None:
    one, other, stream, arrived = await call()
    one.close()
    await other.wait_for("disconnected", timeout=GUARD_S)
    assert other.iceConnectionState == "disconnected"
    async with asyncio.timeout(GUARD_S):
        for track in arrived:
            while not track.muted:
                await track.next_event("mute")
    hang_up(one, other, stream)


async def test_figures_refer_to_figures_that_are_there() -> None:
    one, other, stream, arrived = await call()
    async with asyncio.timeout(GUARD_S):
        for track in arrived:
            async for _ in track:
                break
        sent, received = await one.getStats(), await other.getStats()
    for report in (sent, received):
        for id, stats in report.items():
            assert stats["id"] == id
            for name, value in stats.items():
                if name.endswith("Id") and isinstance(value, str):
                    assert value in report, (id, name)
    assert {stats["type"] for report in (sent, received) for stats in report.values()} >= STREAM_TYPES
    await _check_selected(one, "outbound-rtp")
    await _check_selected(other, "inbound-rtp")
    for report, type in ((sent, "media-source"), (received, "inbound-rtp")):
        sound = next(one for one in report.values() if one["type"] == type and one["kind"] == "audio")
        assert all(
            isinstance(sound[name], float)
            for name in ("audioLevel", "totalAudioEnergy", "totalSamplesDuration")
        ), type
    kinds = [stats["kind"] for stats in received.values() if stats["type"] == "inbound-rtp"]
    assert sorted(map(str, kinds)) == ["audio", "video"], "repairs are no streams of their own"
    hang_up(one, other, stream)
    assert [stats["type"] for stats in (await one.getStats()).values()] != []


async def _check_selected(pc: RTCPeerConnection, type: str) -> None:
    """The figures of one track are its own and what they refer to."""
    sender, receiver = pc.getTransceivers()[0].sender, pc.getTransceivers()[0].receiver
    report: RTCStatsReport = await (sender.getStats() if type == "outbound-rtp" else receiver.getStats())
    streams = [stats for stats in report.values() if stats["type"] == type]
    assert [stats["kind"] for stats in streams] == ["audio"]
    assert "transport" in {stats["type"] for stats in report.values()}
