"""What the steps of a call need of a page: the part of Playwright's page that Firefox's offers too."""

from collections.abc import Callable
from typing import Any, Literal, Protocol


class Value(Protocol):
    """What was waited for."""

    def json_value(self) -> Any: ...


class Keyboard(Protocol):
    """The keyboard of a page."""

    def press(self, key: str, /) -> None: ...

    def type(self, text: str, /) -> None: ...


class Button(Protocol):
    """A button of a page, which a click waits for."""

    def click(self) -> None: ...


class Page(Protocol):
    """A page in a browser."""

    @property
    def keyboard(self) -> Keyboard: ...

    def add_init_script(self, script: str, /) -> object: ...

    def goto(self, url: str, /) -> object: ...

    def evaluate(self, expression: str, arg: Any = None, /) -> Any: ...

    def wait_for_function(self, expression: str, /, *, arg: Any = None) -> Value: ...

    def get_by_role(self, role: Literal["button"], /, *, name: str, exact: Literal[True]) -> Button: ...


OpenPage = Callable[[str], Page]
"""Opens a page in a browser, by its name: "chromium" or "firefox"."""
