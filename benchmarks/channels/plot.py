"""A picture of what the paths carried, over loss and over delay, from a file of results: SVG as text."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from benchmarks.channels.rows import PLOTTED_LOSS, ROUND_TRIP_MS

WIDTH, HEIGHT = 960, 420
PANEL_WIDTH, PANEL_HEIGHT = 380, 280
PANEL_TOP = 78
PANEL_LEFTS = (64, 540)
LEAST_MBPS, MOST_MBPS = 0.1, 150.0
TICKS_MBPS = (0.1, 1, 10, 100)
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
FONT = 'font-family="system-ui, sans-serif"'

Measured = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Panel:
    """One of the two: its place, what its points differ in, and how a value of that is written."""

    left: float
    title: str
    key: str
    text: Callable[[float], str]
    points: Sequence[Measured]


def plot(results: Mapping[str, Any]) -> str:
    """The picture.

    Raises:
        SystemExit: Nothing went through a path in these results.
    """
    measured: list[Measured] = results["paths"]
    if not measured:
        raise SystemExit("there are no paths in these results")
    names = list(dict.fromkeys(point["peer"] for point in measured))
    colours = dict(zip(names, COLOURS, strict=False))
    panels = [
        Panel(
            PANEL_LEFTS[0],
            f"lost packets, at a round trip of {ROUND_TRIP_MS:.0f} ms",
            "loss",
            lambda loss: f"{loss * 100:g} %",
            [point for point in measured if point["round_trip_ms"] == ROUND_TRIP_MS],
        ),
        Panel(
            PANEL_LEFTS[1],
            f"round trip, with {PLOTTED_LOSS * 100:g} % of packets lost",
            "round_trip_ms",
            lambda round_trip_ms: f"{round_trip_ms:g} ms",
            [point for point in measured if point["loss"] == PLOTTED_LOSS],
        ),
    ]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {FONT} font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(
            20, 26, "What one data channel carries over a path of 100 Mb/s, in Mb/s", size=16, weight="bold"
        ),
        *_legend(colours),
    ]
    for panel in panels:
        parts += _panel(panel, colours)
    return "\n".join([*parts, "</svg>\n"])


def _legend(colours: Mapping[str, str]) -> list[str]:
    parts: list[str] = []
    x = 20.0
    for name, colour in colours.items():
        parts.append(f'<rect x="{x}" y="42" width="18" height="4" rx="2" fill="{colour}"/>')
        parts.append(_text(x + 24, 49, name))
        x += 24 + 8.5 * len(name) + 24
    return parts


def _panel(panel: Panel, colours: Mapping[str, str]) -> list[str]:
    values = sorted({float(point[panel.key]) for point in panel.points})
    right, bottom = panel.left + PANEL_WIDTH, PANEL_TOP + PANEL_HEIGHT
    parts: list[str] = []
    for tick in TICKS_MBPS:
        y = _y(tick)
        parts.append(f'<line x1="{panel.left}" y1="{y}" x2="{right}" y2="{y}" stroke="#ddd"/>')
        parts.append(_text(panel.left - 8, y + 4, f"{tick:g}", anchor="end"))

    def x_of(value: float) -> float:
        return round(panel.left + PANEL_WIDTH * (values.index(value) + 0.5) / len(values), 1)

    for value in values:
        parts.append(_text(x_of(value), bottom + 20, panel.text(value), anchor="middle"))
    parts.append(_text(panel.left + PANEL_WIDTH / 2, bottom + 44, panel.title, anchor="middle"))
    for name, colour in colours.items():
        line = sorted(
            (x_of(float(point[panel.key])), _y(float(point["mbps"])), float(point["mbps"]))
            for point in panel.points
            if point["peer"] == name
        )
        path = " ".join(f"{x},{y}" for x, y, _ in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        for x, y, mbps in line:
            told = escape(f"{name}: {mbps:.1f} Mb/s")
            parts.append(f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"><title>{told}</title></circle>')
    return parts


def _y(mbps: float) -> float:
    """On a logarithmic scale: a factor is a distance."""
    share = math.log(max(mbps, LEAST_MBPS) / LEAST_MBPS) / math.log(MOST_MBPS / LEAST_MBPS)
    return round(PANEL_TOP + PANEL_HEIGHT * (1 - share), 1)


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", size: int = 13, weight: str = "normal"
) -> str:
    place = f'x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}"'
    return f'<text {place} fill="#222">{escape(text)}</text>'
