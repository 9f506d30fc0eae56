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


_UNTIL = """async ([argument, limit_ms]) => {{
  const end = performance.now() + limit_ms;
  for (;;) {{
    const value = await ({function})(argument);
    if (value) return value;
    if (performance.now() > end) throw new Error(`not within ${{limit_ms}} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }}
}}"""
_LIMIT_MS = 30_000


def until(page: Page, function: str, arg: object = None) -> Any:
    """Waits until an asynchronous function of the page gives something true, and returns that.

    Playwright's `wait_for_function` takes the promise itself for something true and waits for nothing.
    """
    return page.evaluate(_UNTIL.format(function=function), [arg, _LIMIT_MS])


OpenPage = Callable[[str], Page]
"""Opens a page in a browser, by its name: "chromium" or "firefox"."""
