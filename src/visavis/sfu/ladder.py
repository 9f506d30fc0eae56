"""What a subscriber loses last: the ladder that the data plane climbs as far as the bandwidth goes."""

from collections.abc import Sequence
from dataclasses import dataclass

from visavis.dataplane.commands import Kind, Rung, SlotId
from visavis.sfu.model import Source, Tile

TOP_LAYER_HEIGHT = 720
"""The height that the largest simulcast layer is taken to have; each below has half of the next."""
SHARP_ENOUGH = 0.75
"""A layer will do for a tile when it has this much of the tile's height."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A slot that has a track routed to it."""

    slot: SlotId
    participant: str
    source: Source
    layers: int


def target_layer(layers: int, tile_height: int) -> int:
    """The smallest of `layers` simulcast layers that is sharp enough for a tile."""
    for layer in range(layers - 1):
        if (TOP_LAYER_HEIGHT >> (layers - 1 - layer)) >= tile_height * SHARP_ENOUGH:
            return layer
    return layers - 1


def ladder(seats: Sequence[Seat], view: Sequence[Tile], speakers: Sequence[str]) -> tuple[Rung, ...]:
    """The rungs for `seats`, the most important first.

    Sound comes first, that of those who speak before the others; then screens, each up to the layer it
    wants; then the smallest layer of every camera in the order of the view, before any camera gets a larger
    one. Who is not in the view comes after it, speakers first. Without a view every camera may have its
    largest layer.
    """
    tiles: dict[tuple[str, Source], tuple[int, int]] = {}
    for index, tile in enumerate(view):
        tiles.setdefault((tile.participant, tile.source), (index, tile.height))
    speaking = {participant: index for index, participant in enumerate(speakers)}

    def rank(seat: Seat) -> tuple[int, int]:
        place = tiles.get((seat.participant, seat.source))
        return place[0] if place else len(view), speaking.get(seat.participant, len(speaking))

    def target(seat: Seat) -> int:
        if not view:
            return seat.layers - 1
        place = tiles.get((seat.participant, seat.source))
        return target_layer(seat.layers, place[1]) if place else 0

    audio = sorted(
        (seat for seat in seats if seat.source.kind is Kind.AUDIO),
        key=lambda seat: speaking.get(seat.participant, len(speaking)),
    )
    screens = sorted((seat for seat in seats if seat.source is Source.SCREEN), key=rank)
    cameras = sorted((seat for seat in seats if seat.source is Source.CAMERA), key=rank)
    rungs = [Rung(seat.slot) for seat in audio]
    rungs += [Rung(seat.slot, layer) for seat in screens for layer in range(target(seat) + 1)]
    rungs += [Rung(seat.slot) for seat in cameras]
    targets = [(seat, target(seat)) for seat in cameras]
    for layer in range(1, max((top for _, top in targets), default=0) + 1):
        rungs += [Rung(seat.slot, layer) for seat, top in targets if top >= layer]
    return tuple(rungs)
