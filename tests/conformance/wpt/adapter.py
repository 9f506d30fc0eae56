"""visavis as the page of a web-platform-test sees it: names, objects, events, values."""

import dataclasses
import enum
from collections.abc import Callable, Mapping
from typing import Any, cast

import visavis
from visavis.events import Event, EventTarget

Idl = dict[str, dict[str, Any]]
"""By interface: `inherits`, `attributes`, `operations`, `statics`, `events`."""

Emit = Callable[[object, str, object], None]


class Adapter:
    """Finds classes and members by their Web IDL names; it adds no behaviour."""

    def __init__(self) -> None:
        self.idl: Idl = {}

    def describe(self) -> dict[str, dict[str, Any]]:
        """What of the interfaces is there."""
        out: dict[str, dict[str, Any]] = {}
        for interface, members in self.idl.items():
            cls = _class(interface)
            names = members["attributes"] + members["operations"]
            out[interface] = {
                "exposed": cls is not None,
                "constructible": cls is not None,
                "members": [name for name in names if hasattr(cls, name)] if cls else [],
                "statics": [name for name in members["statics"] if hasattr(cls, name)] if cls else [],
            }
        return out

    def interface_of(self, value: object) -> str | None:
        """The interface of a platform object, None for plain values."""
        for cls in type(value).__mro__:
            if cls.__name__ in self.idl and cls is _class(cls.__name__):
                return cls.__name__
        return None

    def construct(self, interface: str, arguments: list[Any]) -> object:
        """`new Interface(...)`."""
        cls = _class(interface)
        if cls is None:
            raise TypeError(f"there is no {interface}")
        made: object = cls(*arguments)
        return made

    def static(self, interface: str, name: str, arguments: list[Any]) -> Any:
        """`Interface.name(...)`."""
        return getattr(_class(interface), name)(*arguments)

    def named(self, name: str) -> object:
        """A global object."""
        if name == "mediaDevices":
            return visavis.mediaDevices
        raise LookupError(name)

    def subscribe(self, emit: Emit, target: object, interface: str | None) -> None:
        """Has all events of a target told to the page."""
        if not isinstance(target, EventTarget):
            return
        while interface in self.idl:
            for type in self.idl[interface]["events"]:
                target.addEventListener(type, _teller(emit, target, type))
            interface = self.idl[interface]["inherits"]

    def plain(self, value: Any) -> dict[str, Any] | None:
        """The members of a dictionary, None for what is none."""
        if isinstance(value, Mapping):
            return dict(cast(Mapping[str, Any], value))
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return None

    def simplify(self, value: Any) -> Any:
        """An enum's member as its string."""
        return value.value if isinstance(value, enum.Enum) else value

    def error_name(self, error: BaseException) -> str:
        """The name of a DOMException, or of a JavaScript error; others are no W3C errors."""
        if isinstance(error, visavis.DOMException):
            return error.name
        for name, cls in (("RangeError", visavis.RangeError), ("TypeError", TypeError)):
            if isinstance(error, cls):
                return name
        return type(error).__name__


def _class(interface: str) -> type | None:
    found = getattr(visavis, interface, None)
    return found if isinstance(found, type) else None


def _teller(emit: Emit, target: object, type: str) -> Callable[[Event], None]:
    return lambda event: emit(target, type, event)
