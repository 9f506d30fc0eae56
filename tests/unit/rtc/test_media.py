"""Media between two connections over the real data plane."""

import asyncio

from tests.unit.rtc.pairs import GUARD_S, negotiate, trickle
from visavis.media import AudioFrame, MediaStream, MediaStreamTrack, VideoFrame, mediaDevices
from visavis.rtc import RTCPeerConnection, RTCStatsReport

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
    kinds = [stats["kind"] for stats in received.values() if stats["type"] == "inbound-rtp"]
    assert sorted(map(str, kinds)) == ["audio", "video"], "repairs are no streams of their own"
    assert not [stats for stats in received.values() if stats["type"] == "outbound-rtp"], "it does not send"
    hang_up(one, other, stream)
    assert [stats["type"] for stats in (await one.getStats()).values()] != []


async def _check_selected(pc: RTCPeerConnection, type: str) -> None:
    """The figures of one track are its own and what they refer to."""
    sender, receiver = pc.getTransceivers()[0].sender, pc.getTransceivers()[0].receiver
    report: RTCStatsReport = await (sender.getStats() if type == "outbound-rtp" else receiver.getStats())
    streams = [stats for stats in report.values() if stats["type"] == type]
    assert [stats["kind"] for stats in streams] == ["audio"]
    assert "transport" in {stats["type"] for stats in report.values()}
