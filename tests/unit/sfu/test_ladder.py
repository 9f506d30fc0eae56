import pytest

from visavis.dataplane.commands import Rung, SlotId
from visavis.sfu import Source, Tile
from visavis.sfu.ladder import Seat, ladder, target_layer


def seat(slot: int, participant: str, source: Source, layers: int = 1) -> Seat:
    return Seat(SlotId(slot), participant, source, layers)


def rung(slot: int, layer: int = 0) -> Rung:
    return Rung(SlotId(slot), layer)


SEATS = (
    seat(0, "ada", Source.CAMERA),
    seat(1, "ada", Source.MICROPHONE),
    seat(2, "bob", Source.CAMERA),
    seat(3, "bob", Source.MICROPHONE),
    seat(4, "cyd", Source.SCREEN),
    seat(5, "cyd", Source.SCREEN_AUDIO),
    seat(6, "cyd", Source.CAMERA),
)


def test_sound_comes_before_screens_and_screens_before_cameras() -> None:
    assert ladder(SEATS, (), ()) == tuple(map(rung, (1, 3, 5, 4, 0, 2, 6)))


def test_cameras_follow_the_order_of_the_view() -> None:
    view = [Tile(name, Source.CAMERA, 320, 180) for name in ("cyd", "ada")]
    assert ladder(SEATS, view, ()) == tuple(map(rung, (1, 3, 5, 4, 6, 0, 2)))


def test_who_speaks_is_heard_longest_and_seen_longest_where_the_view_says_nothing() -> None:
    assert ladder(SEATS, (), ["bob"]) == tuple(map(rung, (3, 1, 5, 4, 2, 0, 6)))
    view = [Tile("ada", Source.CAMERA, 320, 180)]
    assert ladder(SEATS, view, ["cyd"]) == tuple(map(rung, (5, 1, 3, 4, 0, 6, 2)))


def test_every_camera_has_its_smallest_layer_before_any_gets_a_larger_one() -> None:
    seats = [seat(0, "ada", Source.CAMERA, 3), seat(1, "bob", Source.CAMERA, 3)]
    assert ladder(seats, (), ()) == (
        rung(0),
        rung(1),
        rung(0, 1),
        rung(1, 1),
        rung(0, 2),
        rung(1, 2),
    )


def test_a_small_tile_asks_for_no_more_than_a_small_layer() -> None:
    seats = [seat(0, "ada", Source.CAMERA, 3), seat(1, "bob", Source.CAMERA, 3)]
    view = [Tile("bob", Source.CAMERA, 1280, 720), Tile("ada", Source.CAMERA, 160, 90)]
    assert ladder(seats, view, ()) == (rung(1), rung(0), rung(1, 1), rung(1, 2))


def test_a_screen_has_all_its_layers_before_the_first_camera() -> None:
    seats = [seat(0, "ada", Source.CAMERA, 2), seat(1, "bob", Source.SCREEN, 2)]
    assert ladder(seats, (), ()) == (rung(1), rung(1, 1), rung(0), rung(0, 1))


@pytest.mark.parametrize(
    ("layers", "tile_height", "layer"),
    [
        (1, 90, 0),
        (1, 2160, 0),
        (3, 90, 0),
        (3, 240, 0),
        (3, 241, 1),
        (3, 480, 1),
        (3, 481, 2),
        (3, 2160, 2),
        (2, 480, 0),
    ],
)
def test_a_layer_is_chosen_by_the_height_of_the_tile(layers: int, tile_height: int, layer: int) -> None:
    assert target_layer(layers, tile_height) == layer
