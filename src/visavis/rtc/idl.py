"""Web IDL's conversions (section 3.2) for values that a program hands over: dictionaries, enums, numbers.

A dictionary is a dataclass; a field without a default is a required member, None is an absent one. What is
handed over may be that dataclass or a mapping with the members' names, which is read by the fields' types.
What does not fit raises TypeError, as Web IDL says.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, partial
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
    known = _known.get(cls) or _members(cls)
    given: Mapping[str, object]
    is_mapping = isinstance(value, (dict, Mapping))
    if value is None:
        given = {}
    elif is_mapping:
        given = cast(Mapping[str, object], value)
    elif dataclasses.is_dataclass(value) or any(hasattr(value, member.name) for member in known):
        given = {member.name: getattr(value, member.name, None) for member in known}
    else:
        raise TypeError(f"{cls.__name__} is made from a dict or a dataclass, not from {_shown(value)}")
    read: dict[str, object] = {}
    for member in known:
        found = given.get(member.name)
        if found is not None:
            read[member.name] = member.read(found, member.what)
        elif is_mapping and not member.nullable and member.name in given:
            raise TypeError(f"{member.what} is not None")
        elif member.required:
            raise TypeError(f"{cls.__name__} needs the member {member.name}")
    return cls(**read)


def convert(type_: Any, value: object, what: str) -> Any:
    """A value as the type demands it; `what` names it in the error.

    Raises:
        TypeError: It does not fit.
    """
    return _reader(type_)(value, what)


Reader = Callable[[object, str], Any]
"""Converts a value; the text names it in the error."""


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of a dictionary; `what` names it in errors."""

    name: str
    what: str
    read: Reader
    nullable: bool
    required: bool


_known: dict[type[Any], tuple[_Member, ...]] = {}


def _members(cls: type[Any]) -> tuple[_Member, ...]:
    hints = typing.get_type_hints(cls, include_extras=True)
    _known[cls] = tuple(
        _Member(
            field.name,
            f"{cls.__name__}.{field.name}",
            _reader(hints[field.name]),
            types.NoneType in typing.get_args(hints[field.name]),
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        )
        for field in dataclasses.fields(cls)
        if field.init
    )
    return _known[cls]


@cache
def _reader(type_: Any) -> Reader:
    """What converts to a type: the type is taken apart once."""
    origin = typing.get_origin(type_)
    if origin is Annotated:
        return partial(_integer, type_.__metadata__[0])
    if origin in (types.UnionType, typing.Union):
        return _union_reader(typing.get_args(type_))
    if origin is list:
        return partial(_list, _reader(*typing.get_args(type_)))
    if type_ in (object, Any):
        return lambda value, _: value
    if type_ is float:
        return _double
    if dataclasses.is_dataclass(type_):
        return lambda value, _: dictionary(cast(type[Any], type_), value)
    if issubclass(type_, StrEnum):
        return partial(_enum, type_)
    return partial(_instance, type_)


def _union_reader(alternatives: tuple[Any, ...]) -> Reader:
    takes_none, takes_text = types.NoneType in alternatives, str in alternatives
    readers = [_reader(one) for one in alternatives if one is not types.NoneType]
    if len(readers) == 1 and not takes_text:
        only = readers[0]
        return lambda value, what: None if value is None else only(value, what)

    def read(value: object, what: str) -> Any:
        if (value is None and takes_none) or (takes_text and isinstance(value, str)):
            return value
        for reader in readers[:-1]:
            try:
                return reader(value, what)
            except TypeError:
                continue
        return readers[-1](value, what)

    return read


def _list(read: Reader, value: object, what: str) -> list[Any]:
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise TypeError(f"{what} is a list, not {_shown(value)}")
    return [read(item, what) for item in cast(Iterable[object], value)]


def _instance(type_: type[Any], value: object, what: str) -> Any:
    if type(value) is type_ or (isinstance(value, type_) and not (type_ is int and isinstance(value, bool))):
        return value
    raise TypeError(f"{what} is {type_.__name__}, not {_shown(value)}")


def _enum(enum: type[StrEnum], value: object, what: str) -> StrEnum:
    if isinstance(value, str) and value in tuple(enum):
        return enum(value)
    raise TypeError(f"{what} is one of {', '.join(enum)}, not {_shown(value)}")


def _integer(limits: Range, value: object, what: str) -> int:
    number = _double(value, what)
    if not limits.low <= math.trunc(number) <= limits.high:
        raise TypeError(f"{what} is {limits.low} to {limits.high}, not {_shown(value)}")
    return math.trunc(number)


def _double(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise TypeError(f"{what} is a finite number, not {_shown(value)}")
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
