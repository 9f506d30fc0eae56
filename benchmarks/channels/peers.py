"""Whose data channels are measured, each by a program that speaks as `end.py` says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.processes import (
    PYTHON,
    BenchmarkError,
    build_aiortc,
    build_pion_channels,
    build_webrtc_rs_channels,
)

VISAVIS = "visavis"
AIORTC = "aiortc"
NATIVE = ("pion", "webrtc-rs")


@dataclass(frozen=True, slots=True)
class Peer:
    """A library, with the settings that it is best with."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """Another way to use visavis, shown beside it in some of the rows, and not judged."""

    name: str
    sizes_bytes: tuple[int, ...]
    settings: Mapping[str, Any]


VARIANTS = (
    Variant("visavis, async for", (100, 16_384), {"receiver": "iteration"}),
    Variant("visavis, path MTU", (16_384, 262_144), {"path_mtu_bytes": None}),
)


def _visavis() -> tuple[str, ...]:
    return PYTHON, "-m", "benchmarks.channels.visavis_end"


def _aiortc() -> tuple[str, ...]:
    return str(build_aiortc()), "-m", "benchmarks.channels.aiortc_end"


def _pion() -> tuple[str, ...]:
    return (str(build_pion_channels()),)


def _webrtc_rs() -> tuple[str, ...]:
    return (str(build_webrtc_rs_channels()),)


BUILDERS: dict[str, Callable[[], tuple[str, ...]]] = {
    VISAVIS: _visavis,
    AIORTC: _aiortc,
    "pion": _pion,
    "webrtc-rs": _webrtc_rs,
}


def build(names: Sequence[str], failures: dict[str, str]) -> list[Peer]:
    """Those of them that can be built; of the others `failures` says why not."""
    built: list[Peer] = []
    for name in names:
        try:
            built.append(Peer(name, BUILDERS[name]()))
        except BenchmarkError as error:
            failures[name] = str(error)
    return built
