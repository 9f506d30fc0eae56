"""Constraints, and how well settings fit them (W3C mediacapture-main section 11, the pattern)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from visavis.errors import DOMException

Value = float | str | bool
"""Of a setting: a number, a word, or yes and no."""

Settings = dict[str, Value]
"""A settings dictionary, by the names of the standard."""

NUMBERS = frozenset(
    ("width", "height", "aspectRatio", "frameRate", "sampleRate", "sampleSize", "latency", "channelCount")
)
WORDS = frozenset(("facingMode", "resizeMode", "deviceId", "groupId"))
FLAGS = frozenset(
    ("backgroundBlur", "echoCancellation", "autoGainControl", "noiseSuppression", "voiceIsolation")
)

# In the order in which they are blamed when they can be met each, but not all together: first what only
# another device could meet.
VIDEO_PROPERTIES = (
    "deviceId",
    "groupId",
    "facingMode",
    "backgroundBlur",
    "resizeMode",
    "width",
    "height",
    "aspectRatio",
    "frameRate",
)
AUDIO_PROPERTIES = (
    "deviceId",
    "groupId",
    "echoCancellation",
    "autoGainControl",
    "noiseSuppression",
    "voiceIsolation",
    "sampleSize",
    "latency",
    "sampleRate",
    "channelCount",
)


class OverconstrainedError(DOMException):
    """No settings meet a required constraint (section 8)."""

    def __init__(self, constraint: str, message: str = "") -> None:
        super().__init__(message, "OverconstrainedError")
        self._constraint = constraint

    @property
    def constraint(self) -> str:
        """Its name, or ""."""
        return self._constraint


@dataclass(frozen=True, slots=True)
class Constraint:
    """What is asked of one property. Several values mean that any of them will do."""

    minimum: float | None = None
    maximum: float | None = None
    exact: tuple[Value, ...] | None = None
    ideal: tuple[Value, ...] | None = None
    present: bool | None = None
    """Only asked whether the property is there at all: a bare boolean for one that is no boolean."""

    @property
    def required(self) -> bool:
        """Whether settings that do not meet it are out of the question."""
        return not (self.minimum is None and self.maximum is None and self.exact is None)

    def allows(self, value: Value | None) -> bool:
        """Whether a value meets what is required."""
        if value is None:
            return not self.required
        if self.exact is not None and value not in self.exact:
            return False
        if isinstance(value, str):
            return True
        return (self.minimum is None or value >= self.minimum) and (
            self.maximum is None or value <= self.maximum
        )

    def distance(self, value: Value | None) -> float:
        """The fitness distance of a value of this property, None when the settings lack it (section 11.2)."""
        if self.present is not None:
            return 0.0 if self.present == (value is not None) else 1.0
        if not self.allows(value):
            return math.inf
        if value is None:
            return 1.0
        if self.ideal is None or value in self.ideal:
            return 0.0
        numbers = [ideal for ideal in self.ideal if not isinstance(ideal, str | bool)]
        if isinstance(value, str | bool) or not numbers:
            return 1.0
        return min(abs(value - ideal) / max(abs(value), abs(ideal)) for ideal in numbers)

    def numbers(self) -> Iterable[float]:
        """The numbers at which the distance may be least."""
        for value in (self.minimum, self.maximum, *(self.exact or ()), *(self.ideal or ())):
            if value is not None and not isinstance(value, str | bool):
                yield value


ConstraintSet = dict[str, Constraint]


@dataclass(frozen=True, slots=True)
class Constraints:
    """Constraints on a track: the basic set, and the advanced ones in their order."""

    basic: ConstraintSet
    advanced: tuple[ConstraintSet, ...] = ()

    def interest(self) -> dict[str, list[float]]:
        """The numbers that are mentioned, per property: among them are the settings that fit best."""
        mentioned: dict[str, list[float]] = {}
        for constraints in (self.basic, *self.advanced):
            for name, constraint in constraints.items():
                mentioned.setdefault(name, []).extend(constraint.numbers())
        return mentioned


def parse_constraints(kind: Literal["audio", "video"], raw: object) -> Constraints:
    """Reads a `MediaTrackConstraints` dictionary; what does not concern the kind is left out.

    Raises:
        TypeError: A value has a type that its property does not take.
    """
    members = _mapping(raw, "constraints")
    advanced = members.get("advanced")
    if advanced is not None and (isinstance(advanced, str | bytes) or not isinstance(advanced, Sequence)):
        raise TypeError("advanced is a list of constraint sets")
    sets = cast(Sequence[object], advanced or ())
    return Constraints(
        _parse_set(kind, members, bare_is_exact=False),
        tuple(_parse_set(kind, _mapping(item, "advanced"), bare_is_exact=True) for item in sets),
    )


def select_settings(
    candidates: Sequence[Settings], constraints: Constraints, properties: Sequence[str]
) -> Settings:
    """The SelectSettings algorithm (section 11.2).

    Args:
        candidates: Possible settings, those first that are preferred when others fit as well.
        constraints: What is asked for.
        properties: The kind's, in the order in which they are blamed.

    Raises:
        OverconstrainedError: No candidate meets what is required.
    """
    fitting = [settings for settings in candidates if math.isfinite(_distance(settings, constraints.basic))]
    if not fitting:
        raise _overconstrained(candidates, constraints.basic, properties)
    for wanted in constraints.advanced:
        fitting = [settings for settings in fitting if math.isfinite(_distance(settings, wanted))] or fitting
    return min(fitting, key=lambda settings: _distance(settings, constraints.basic))


def _distance(settings: Settings, wanted: ConstraintSet) -> float:
    return sum(constraint.distance(settings.get(name)) for name, constraint in wanted.items())


def _overconstrained(
    candidates: Sequence[Settings], wanted: ConstraintSet, properties: Sequence[str]
) -> OverconstrainedError:
    """Names a constraint that no candidate meets, or else one that leaves none together with others."""
    required = [name for name in properties if name in wanted and wanted[name].required]
    impossible = [
        name
        for name in required
        if not any(wanted[name].allows(settings.get(name)) for settings in candidates)
    ]
    left = list(candidates)
    for name in impossible or required:
        left = [settings for settings in left if wanted[name].allows(settings.get(name))]
        if not left:
            return OverconstrainedError(name, f"no settings of the device meet the constraint on {name}")
    return OverconstrainedError("", "no settings of the device meet the constraints")


def _parse_set(
    kind: Literal["audio", "video"], members: Mapping[str, object], *, bare_is_exact: bool
) -> ConstraintSet:
    properties = VIDEO_PROPERTIES if kind == "video" else AUDIO_PROPERTIES
    parsed: ConstraintSet = {}
    for name in properties:
        if (raw := members.get(name)) is not None:
            constraint = _parse_constraint(name, raw, bare_is_exact=bare_is_exact)
            if constraint != Constraint():
                parsed[name] = constraint
    return parsed


def _parse_constraint(name: str, raw: object, *, bare_is_exact: bool) -> Constraint:
    if isinstance(raw, bool) and name not in FLAGS:
        return Constraint(present=raw)
    if not isinstance(raw, Mapping):
        values = _values(name, raw)
        return Constraint(exact=values) if bare_is_exact else Constraint(ideal=values)
    members = cast(Mapping[str, object], raw)
    minimum, maximum = (
        None if name not in NUMBERS or members.get(bound) is None else _number(name, members[bound])
        for bound in ("min", "max")
    )
    exact, ideal = (
        None if members.get(member) is None else _values(name, members[member])
        for member in ("exact", "ideal")
    )
    return Constraint(minimum, maximum, exact, ideal)


def _values(name: str, raw: object) -> tuple[Value, ...] | None:
    """One value, or for words a list of them; an empty list is no constraint."""
    if name in NUMBERS:
        return (_number(name, raw),)
    if name in FLAGS:
        if not isinstance(raw, bool | str):
            raise TypeError(f"{name} is True or False, not {raw!r}")
        return (raw,)
    if isinstance(raw, str):
        return (raw,)
    if isinstance(raw, Sequence) and not isinstance(raw, bytes):
        words = tuple(word for word in cast(Sequence[object], raw) if isinstance(word, str))
        if len(words) == len(cast(Sequence[object], raw)):
            return words or None
    raise TypeError(f"{name} is a word or a list of words, not {raw!r}")


def _number(name: str, raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise TypeError(f"{name} is a number, not {raw!r}")
    return round(raw, 10) if name == "aspectRatio" else raw


def _mapping(raw: object, what: str) -> Mapping[str, object]:
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        raise TypeError(f"{what} are a dictionary, not {type(raw).__name__}")
    return cast(Mapping[str, object], raw)
