from typing import cast

import pytest

from visavis.media import (
    AudioSource,
    MediaStream,
    MediaStreamTrack,
    MediaStreamTrackEvent,
    VideoSource,
)


def tracks() -> tuple[MediaStreamTrack, MediaStreamTrack]:
    return AudioSource().create_track(), VideoSource().create_track()


def test_a_stream_is_made_of_tracks_or_of_another_stream() -> None:
    audio, video = tracks()
    stream = MediaStream([audio, video, audio])
    assert stream.getTracks() == [audio, video]
    assert (stream.getAudioTracks(), stream.getVideoTracks()) == ([audio], [video])
    copy = MediaStream(stream)
    assert copy.getTracks() == [audio, video]
    assert copy.id != stream.id
    assert MediaStream().getTracks() == []


def test_tracks_are_found_by_their_id() -> None:
    audio, video = tracks()
    stream = MediaStream([audio])
    assert stream.getTrackById(audio.id) is audio
    assert stream.getTrackById(video.id) is None


def test_the_program_adds_and_removes_without_events() -> None:
    audio, video = tracks()
    stream = MediaStream([audio])
    events: list[MediaStreamTrackEvent] = []
    stream.onaddtrack = stream.onremovetrack = events.append
    stream.addTrack(video)
    stream.addTrack(video)
    stream.removeTrack(audio)
    stream.removeTrack(audio)
    assert stream.getTracks() == [video]
    assert events == []


def test_a_peer_adds_and_removes_with_events() -> None:
    audio, _ = tracks()
    stream = MediaStream()
    events: list[MediaStreamTrackEvent] = []
    stream.onaddtrack = stream.onremovetrack = events.append
    for _ in range(2):
        stream.add_remote_track(audio)
    for _ in range(2):
        stream.remove_remote_track(audio)
    assert [(event.type, event.track) for event in events] == [("addtrack", audio), ("removetrack", audio)]


def test_a_stream_is_active_while_one_of_its_tracks_lives() -> None:
    audio, video = tracks()
    stream = MediaStream([audio, video])
    assert stream.active
    audio.stop()
    assert stream.active
    video.stop()
    assert not stream.active
    assert not MediaStream().active


def test_a_clone_is_made_of_clones() -> None:
    audio, video = tracks()
    stream = MediaStream([audio, video])
    clone = stream.clone()
    assert [track.kind for track in clone.getTracks()] == ["audio", "video"]
    assert not {track.id for track in clone.getTracks()} & {audio.id, video.id}
    clone.getTracks()[0].stop()
    assert audio.readyState == "live"


def test_what_is_no_track_is_refused() -> None:
    stream = MediaStream()
    nothing = cast(MediaStreamTrack, None)
    with pytest.raises(TypeError):
        stream.addTrack(nothing)
    with pytest.raises(TypeError):
        stream.removeTrack(nothing)
    with pytest.raises(TypeError):
        MediaStream([nothing])
    with pytest.raises(TypeError):
        MediaStreamTrackEvent("addtrack", {})
