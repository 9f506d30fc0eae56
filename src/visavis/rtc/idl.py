"""Web IDL's conversions (section 3.2) for values that a program hands over: dictionaries, enums, numbers.

A dictionary is a dataclass; a field without a default is a required member, None is an absent one. What is
handed over may be that dataclass or a mapping with the members' names, which is read by the fields' types.
What does not fit raises TypeError, as Web IDL says.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, TypeVar, cast

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Range:
    """An integer type with [EnforceRange]: what is outside is a TypeError."""

    low: int
    high: int


UnsignedShort = Annotated[int, Range(0, 0xFFFF)]
UnsignedLong = Annotated[int, Range(0, 0xFFFF_FFFF)]
Octet = Annotated[int, Range(0, 0xFF)]


def dictionary(cls: type[T], value: object) -> T:
    """Reads a dictionary; None is an empty one. The result is the caller's own, whatever becomes of `value`.

    Raises:
        TypeError: A required member is missing, or a member has the wrong type.
    """
    fields = _fields(cls)
    members: Mapping[str, object]
    if value is None:
        members = {}
    elif isinstance(value, Mapping):
        members = cast(Mapping[str, object], value)
        for name, (type_, _) in fields.items():
            if name in members and members[name] is None and not _is_nullable(type_):
                raise TypeError(f"{cls.__name__}.{name} is not None")
    elif dataclasses.is_dataclass(value) or any(hasattr(value, field) for field in fields):
        members = {name: getattr(value, name, None) for name in fields}
    else:
        raise TypeError(f"{cls.__name__} is made from a dict or a dataclass, not from {_shown(value)}")
    read: dict[str, object] = {}
    for name, (type_, required) in fields.items():
        member = members.get(name)
        if member is not None:
            read[name] = convert(type_, member, f"{cls.__name__}.{name}")
        elif required:
            raise TypeError(f"{cls.__name__} needs the member {name}")
    return cls(**read)


def convert(type_: Any, value: object, what: str) -> Any:
    """A value as the type demands it; `what` names it in the error.

    Raises:
        TypeError: It does not fit.
    """
    origin = typing.get_origin(type_)
    if origin is Annotated:
        return _integer(value, type_.__metadata__[0], what)
    if origin in (types.UnionType, typing.Union):
        return _union(typing.get_args(type_), value, what)
    if origin is list:
        shown = _shown(value)
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
            raise TypeError(f"{what} is a list, not {shown}")
        (inner,) = typing.get_args(type_)
        return [convert(inner, item, what) for item in cast(Iterable[object], value)]
    if type_ in (object, Any):
        return value
    if type_ is float:
        return _double(value, what)
    if dataclasses.is_dataclass(type_):
        return dictionary(cast(type[Any], type_), value)
    if issubclass(type_, StrEnum):
        return _member(type_, value, what)
    if isinstance(value, type_) and not (type_ is int and isinstance(value, bool)):
        return value
    raise TypeError(f"{what} is {type_.__name__}, not {_shown(value)}")


def _member(enum: type[StrEnum], value: object, what: str) -> StrEnum:
    if isinstance(value, str) and value in tuple(enum):
        return enum(value)
    raise TypeError(f"{what} is one of {', '.join(enum)}, not {_shown(value)}")


def _union(alternatives: tuple[Any, ...], value: object, what: str) -> Any:
    if value is None and types.NoneType in alternatives:
        return None
    others = [alternative for alternative in alternatives if alternative is not types.NoneType]
    if isinstance(value, str) and str in others:
        return value
    for alternative in others[:-1]:
        try:
            return convert(alternative, value, what)
        except TypeError:
            continue
    return convert(others[-1], value, what)


def _is_nullable(type_: Any) -> bool:
    return types.NoneType in typing.get_args(type_)


def _integer(value: object, limits: Range, what: str) -> int:
    number = _double(value, what)
    if not limits.low <= math.trunc(number) <= limits.high:
        raise TypeError(f"{what} is {limits.low} to {limits.high}, not {_shown(value)}")
    return math.trunc(number)


def _double(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise TypeError(f"{what} is a finite number, not {_shown(value)}")
    return value


_known: dict[type[Any], dict[str, tuple[Any, bool]]] = {}


def _fields(cls: type[Any]) -> dict[str, tuple[Any, bool]]:
    """The members of a dictionary: name to (type, whether it is required)."""
    if cls not in _known:
        hints = typing.get_type_hints(cls, include_extras=True)
        _known[cls] = {
            field.name: (
                hints[field.name],
                field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
            )
            for field in dataclasses.fields(cls)
            if field.init
        }
    return _known[cls]


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
