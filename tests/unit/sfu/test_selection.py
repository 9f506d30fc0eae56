from visavis.dataplane.commands import TrackId
from visavis.sfu import Source, Tile
from visavis.sfu.model import PublishedTrack
from visavis.sfu.selection import Selection, select


def published(*wanted: tuple[str, Source]) -> list[PublishedTrack]:
    return [
        PublishedTrack(f"{name}-{source}", TrackId(index), name, source, False, (), 1)
        for index, (name, source) in enumerate(wanted)
    ]


def names(selection: Selection) -> tuple[list[str], list[str]]:
    return [track.id for track in selection.shown], [track.id for track in selection.not_shown]


def test_all_are_shown_while_there_is_room() -> None:
    tracks = published(("ada", Source.CAMERA), ("ada", Source.MICROPHONE), ("bob", Source.CAMERA))
    assert names(select(tracks, (), audio_limit=1, video_limit=2)) == (
        ["ada-microphone", "ada-camera", "bob-camera"],
        [],
    )


def test_screens_come_first_then_the_view_then_the_order_of_joining() -> None:
    tracks = published(
        *((name, Source.CAMERA) for name in ("ada", "bob", "cyd", "dan")), ("dan", Source.SCREEN)
    )
    view = [Tile("cyd", Source.CAMERA, 320, 180)]
    assert names(select(tracks, view, audio_limit=0, video_limit=3)) == (
        ["dan-screen", "cyd-camera", "ada-camera"],
        ["bob-camera", "dan-camera"],
    )


def test_sound_that_finds_no_room_is_not_shown_either() -> None:
    tracks = published(("ada", Source.MICROPHONE), ("bob", Source.MICROPHONE))
    assert names(select(tracks, (), audio_limit=1, video_limit=0)) == (["ada-microphone"], ["bob-microphone"])
