"""Immutable values: another one that differs in some fields.

A connection's state is a value that each step replaces, dozens of times from the first offer to the
connection; `dataclasses.replace` looks at each field of each in Python.
"""

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import replace as replace
else:

    def replace(value: Any, /, **changes: Any) -> Any:
        """`dataclasses.replace` of a dataclass whose fields are all arguments by position, two or more."""
        cls = type(value)
        read, places = _layouts.get(cls) or _layout(cls)
        fields = list(read(value))
        for name, change in changes.items():
            fields[places[name]] = change
        return cls(*fields)


_Layout = tuple[Callable[[Any], tuple[Any, ...]], dict[str, int]]
"""What reads all fields, and the place of each."""

_layouts: dict[type, _Layout] = {}


def _layout(cls: type[Any]) -> _Layout:
    names = [field.name for field in dataclasses.fields(cls)]
    _layouts[cls] = attrgetter(*names), {name: place for place, name in enumerate(names)}
    return _layouts[cls]
