"""`visavis config show`."""

import json
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from visavis.config import OPTIONS, Resolved, ServerConfig

_WHEN_UNSET: dict[str, Callable[[ServerConfig], str]] = {
    "udp_port": lambda config: f"{config.port} (as port)",
    "cert": lambda _: "(made by the server beyond localhost)",
    "key": lambda _: "(made by the server beyond localhost)",
}


def show_as_table(console: Console, resolved: Resolved) -> None:
    """Prints each option, its value and its origin."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("option", "value", "from"):
        table.add_column(heading, overflow="fold")
    for option in OPTIONS:
        value = getattr(resolved.config, option.name)
        if value is None:
            shown = _WHEN_UNSET[option.name](resolved.config)
        elif isinstance(value, tuple):
            shown = ", ".join(str(item) for item in _items(resolved, option.name)) or "(none)"
        else:
            shown = str(value)
        table.add_row(option.name, shown, str(resolved.origins[option.name]))
    console.print(table, highlight=False, markup=False)


def show_as_json(console: Console, resolved: Resolved) -> None:
    """Prints an object with one member per option: `value`, `source` and `detail`."""
    rows: dict[str, object] = {}
    for option in OPTIONS:
        value = getattr(resolved.config, option.name)
        origin = resolved.origins[option.name]
        plain = str(value) if isinstance(value, Path) else value
        rows[option.name] = {"value": plain, "source": origin.source, "detail": origin.detail}
    console.print(json.dumps(rows, indent=2), highlight=False, markup=False, soft_wrap=True)


def _items(resolved: Resolved, name: str) -> tuple[str, ...]:
    values: tuple[str, ...] = getattr(resolved.config, name)
    return values
