from dataclasses import dataclass, field
from enum import StrEnum

import pytest

from visavis.rtc import idl
from visavis.rtc.idl import UnsignedShort


class Colour(StrEnum):
    RED = "red"


@dataclass
class Inner:
    x: UnsignedShort = 0


@dataclass
class Outer:
    name: str
    colour: Colour = Colour.RED
    size: float | None = None
    urls: list[str] | str = ""
    inner: list[Inner] = field(default_factory=list[Inner])


def test_a_mapping_and_a_dataclass_read_alike() -> None:
    wanted = Outer("a", Colour.RED, 1.5, ["u"], [Inner(3)])
    given = {"name": "a", "colour": "red", "size": 1.5, "urls": ["u"], "inner": [{"x": 3}]}
    assert idl.dictionary(Outer, given) == wanted
    assert idl.dictionary(Outer, wanted) == wanted
    assert idl.dictionary(Outer, wanted) is not wanted


def test_what_is_read_does_not_change_with_what_was_given() -> None:
    given = Outer("a", inner=[Inner(3)])
    read = idl.dictionary(Outer, given)
    given.inner[0].x = 4
    assert read.inner == [Inner(3)]


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {"name": 1},
        {"name": "a", "colour": "blue"},
        {"name": "a", "size": float("nan")},
        {"name": "a", "size": "1"},
        {"name": "a", "urls": 3},
        {"name": "a", "inner": None},
        {"name": "a", "inner": [{"x": -1}]},
        {"name": "a", "inner": [{"x": 65_536}]},
        {"name": "a", "inner": [{"x": True}]},
        {"name": "a", "inner": [{"x": float("inf")}]},
        {"name": "a", "inner": "text"},
        "text",
    ],
)
def test_what_does_not_fit_is_a_type_error(given: object) -> None:
    with pytest.raises(TypeError):
        idl.dictionary(Outer, given)


def test_a_number_with_a_fraction_is_cut_for_an_integer() -> None:
    assert idl.dictionary(Inner, {"x": 3.9}) == Inner(3)


def test_the_error_names_the_member_and_what_fits() -> None:
    with pytest.raises(TypeError, match=r"Outer\.colour is one of red, not 'blue'"):
        idl.dictionary(Outer, {"name": "a", "colour": "blue"})
