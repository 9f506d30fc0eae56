from dataclasses import FrozenInstanceError, dataclass
from dataclasses import replace as standard

import pytest

from visavis.values import replace


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 2
    name: str = ""


def test_a_value_with_other_fields_is_the_one_that_the_standard_library_makes() -> None:
    point = Point(1)
    assert replace(point, y=3) == standard(point, y=3) == Point(1, 3)
    assert replace(point, name="a", x=5) == Point(5, 2, "a")
    assert replace(point) == point
    assert point == Point(1)


def test_what_is_made_is_frozen_too() -> None:
    with pytest.raises(FrozenInstanceError):
        replace(Point(1), y=3).x = 2  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
