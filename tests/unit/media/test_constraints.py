import math

import pytest

from visavis.media.capabilities import CameraChoices, MicrophoneChoices, VideoMode
from visavis.media.constraints import (
    AUDIO_PROPERTIES,
    VIDEO_PROPERTIES,
    Constraint,
    OverconstrainedError,
    Settings,
    parse_constraints,
    select_settings,
)

CAMERA = CameraChoices(
    "cam",
    "group",
    (VideoMode(640, 480, 30.0), VideoMode(1280, 720, 30.0), VideoMode(640, 480, 60.0)),
    ("user",),
)
MICROPHONE = MicrophoneChoices("mic", "group", (48_000,), (1, 2), 0.02)


def chosen(constraints: dict[str, object]) -> Settings:
    parsed = parse_constraints("video", constraints)
    return select_settings(CAMERA.candidates(parsed.interest()), parsed, VIDEO_PROPERTIES)


def size(settings: Settings) -> tuple[object, object, object]:
    return settings["width"], settings["height"], settings["frameRate"]


def test_the_fitness_distance_is_that_of_the_standard() -> None:
    ideal = Constraint(ideal=(100.0,))
    assert ideal.distance(100.0) == 0
    assert ideal.distance(50.0) == 0.5
    assert ideal.distance(200.0) == 0.5
    assert ideal.distance(None) == 1
    assert Constraint(minimum=10.0).distance(9.0) == math.inf
    assert Constraint(minimum=10.0).distance(10.0) == 0
    assert Constraint(maximum=10.0, ideal=(5.0,)).distance(10.0) == 0.5
    assert Constraint(exact=("a", "b")).distance("b") == 0
    assert Constraint(exact=("a", "b")).distance("c") == math.inf
    assert Constraint(ideal=("a",)).distance("c") == 1
    assert Constraint(ideal=(True,)).distance(False) == 1
    assert Constraint(exact=(True,)).distance(None) == math.inf
    assert Constraint(present=True).distance(640.0) == 0
    assert Constraint(present=True).distance(None) == 1


def test_without_constraints_the_default_mode_is_taken() -> None:
    assert size(chosen({})) == (640, 480, 30.0)
    assert chosen({})["resizeMode"] == "none"


@pytest.mark.parametrize(
    ("constraints", "expected"),
    [
        ({"width": 1280, "height": 720}, (1280, 720, 30.0)),
        ({"width": 1280}, (1280, 720, 30.0)),
        ({"width": {"min": 800}}, (1280, 720, 30.0)),
        ({"height": 240}, (320, 240, 30.0)),
        ({"width": {"exact": 639}}, (639, 480, 30.0)),
        ({"width": 5000}, (1280, 720, 30.0)),
        ({"frameRate": 60}, (640, 480, 60.0)),
        ({"frameRate": {"max": 10}}, (640, 480, 10)),
        ({"frameRate": {"exact": 60}, "width": 1280}, (640, 480, 60.0)),
        ({"aspectRatio": {"exact": 16 / 9}}, (1280, 720, 30.0)),
        ({"aspectRatio": 1, "height": {"exact": 300}}, (300, 300, 30.0)),
        ({"width": {"min": 0, "ideal": 320}}, (320, 240, 30.0)),
        ({"width": True}, (640, 480, 30.0)),
    ],
)
def test_what_fits_best_is_chosen(constraints: dict[str, object], expected: tuple[float, ...]) -> None:
    assert size(chosen(constraints)) == expected


@pytest.mark.parametrize(
    ("constraints", "blamed"),
    [
        ({"width": {"min": 100_000_000}}, "width"),
        ({"width": {"min": 800, "max": 700}}, "width"),
        ({"facingMode": {"exact": ""}}, "facingMode"),
        ({"resizeMode": {"exact": "stretch"}}, "resizeMode"),
        ({"groupId": {"exact": "other"}, "width": 10}, "groupId"),
        ({"width": {"exact": 639}, "resizeMode": {"exact": "none"}}, "width"),
        ({"frameRate": {"exact": 60}, "width": {"exact": 1280}}, "frameRate"),
        ({"frameRate": {"max": 0}}, "frameRate"),
    ],
)
def test_the_constraint_that_cannot_be_met_is_named(constraints: dict[str, object], blamed: str) -> None:
    with pytest.raises(OverconstrainedError) as caught:
        chosen(constraints)
    assert (caught.value.name, caught.value.constraint) == ("OverconstrainedError", blamed)


def test_an_ideal_that_cannot_be_met_changes_nothing() -> None:
    assert chosen({"groupId": "other", "resizeMode": "stretch"}) == chosen({})


def test_advanced_sets_are_met_in_their_order_where_they_can_be() -> None:
    advanced = [{"width": 3000}, {"width": 1280, "height": 720}, {"width": 640}]
    assert size(chosen({"advanced": advanced})) == (1280, 720, 30.0)
    assert size(chosen({"advanced": [{"width": {"min": 1024, "max": 800}}]})) == (640, 480, 30.0)


def test_an_empty_list_is_no_constraint() -> None:
    assert chosen({"facingMode": {"exact": []}}) == chosen({})


def test_what_concerns_the_other_kind_is_left_out() -> None:
    assert chosen({"channelCount": {"max": 0}, "echoCancellation": {"exact": True}}) == chosen({})


@pytest.mark.parametrize(
    "constraints",
    [
        {"width": "wide"},
        {"width": math.nan},
        {"facingMode": 5},
        {"facingMode": {"exact": [1]}},
        {"advanced": {"width": 1}},
        {"advanced": [5]},
        5,
    ],
)
def test_a_wrong_type_is_refused(constraints: object) -> None:
    with pytest.raises(TypeError):
        parse_constraints("video", constraints)


def test_a_microphone_gives_the_channels_that_are_asked_for() -> None:
    parsed = parse_constraints("audio", {"channelCount": 2})
    settings = select_settings(MICROPHONE.candidates(parsed.interest()), parsed, AUDIO_PROPERTIES)
    assert settings["channelCount"] == 2


def test_every_setting_lies_within_the_capabilities() -> None:
    capabilities = CAMERA.capabilities()
    for settings in CAMERA.candidates({"width": [1, 9999], "height": [-5, 300], "frameRate": [0, 0.5, 999]}):
        for name, value in settings.items():
            capability = capabilities[name]
            if isinstance(capability, dict):
                assert capability["min"] <= value <= capability["max"], name
            elif isinstance(capability, list):
                assert value in capability, name
            else:
                assert value == capability, name
