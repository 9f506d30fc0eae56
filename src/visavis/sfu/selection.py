"""Who gets one of a subscriber's m-lines when there are more tracks than m-lines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from visavis.dataplane.commands import Kind
from visavis.sfu.model import PublishedTrack, Source, Tile


@dataclass(frozen=True, slots=True)
class Selection:
    """Tracks by importance, sound first: those that get an m-line, and those that do not."""

    shown: tuple[PublishedTrack, ...]
    not_shown: tuple[PublishedTrack, ...]


def select(
    tracks: Iterable[PublishedTrack], view: Sequence[Tile], *, audio_limit: int, video_limit: int
) -> Selection:
    """Chooses: screens first, then by the view's order, then by the order of joining, which `tracks` has."""
    places: dict[tuple[str, Source], int] = {}
    for index, tile in enumerate(view):
        places.setdefault((tile.participant, tile.source), index)
    ordered = sorted(
        tracks,
        key=lambda track: (
            not track.source.is_screen,
            places.get((track.participant, track.source), len(view)),
        ),
    )
    audio = [track for track in ordered if track.kind is Kind.AUDIO]
    video = [track for track in ordered if track.kind is Kind.VIDEO]
    return Selection(
        shown=(*audio[:audio_limit], *video[:video_limit]),
        not_shown=(*audio[audio_limit:], *video[video_limit:]),
    )
