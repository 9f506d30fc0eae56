"""What the load generator reports, as types: one JSON object a line, told apart by `event`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Case:
    """One cell of the matrix; `burst` is 1 for evenly spaced packets, 8 for video frames."""

    subscribers: int
    size_bytes: int
    burst: int

    @classmethod
    def of(cls, report: Mapping[str, Any]) -> "Case":
        pattern = report["pattern"]
        return cls(int(report["subscribers"]), int(pattern["size_bytes"]), int(pattern["burst"]))

    def pattern(self) -> dict[str, int]:
        """As the load generator reads it."""
        return {"size_bytes": self.size_bytes, "burst": self.burst}


@dataclass(frozen=True, slots=True)
class Figures:
    """The median of several windows at one rate."""

    forwarded_pps: float
    loss: float
    cpu_us_per_packet: float
    delay_p50_us: float
    delay_p99_us: float
    limited_by_load: bool

    @classmethod
    def of(cls, report: Mapping[str, Any]) -> "Figures":
        return cls(
            forwarded_pps=float(report["forwarded_pps"]),
            loss=float(report["loss"]),
            cpu_us_per_packet=float(report["cpu_us_per_packet"]),
            # A window in which the whole clients got nothing has no delays.
            delay_p50_us=float(report["delay_p50_us"] or "nan"),
            delay_p99_us=float(report["delay_p99_us"] or "nan"),
            limited_by_load=bool(report["limited_by_load"]),
        )


@dataclass(frozen=True, slots=True)
class Forwarded:
    """One server in one case: at the highest rate with less than 1 % lost, at half of it, and as asked."""

    saturation: Figures
    half: Figures
    at: tuple[Figures, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """The least that the packets of a case can cost."""

    sent_pps: float
    cpu_us_per_packet: float
    seal_us_per_packet: float
    loss: float


def forwarded(reports: Iterable[Mapping[str, Any]]) -> dict[Case, Forwarded]:
    """The cells of a `forward` job."""
    return {
        Case.of(report): Forwarded(
            Figures.of(report["saturation"]),
            Figures.of(report["half"]),
            tuple(Figures.of(figures) for figures in report["at"]),
        )
        for report in reports
        if report["event"] == "cell"
    }


def cheapest(variants: Iterable[Mapping[Case, Forwarded]]) -> dict[Case, Forwarded]:
    """Of several settings of one server, in each case the one that costs least at saturation."""
    best: dict[Case, Forwarded] = {}
    for variant in variants:
        for case, measured in variant.items():
            known = best.get(case)
            cost = measured.saturation.cpu_us_per_packet
            if known is None or cost < known.saturation.cpu_us_per_packet:
                best[case] = measured
    return best


def limits(reports: Iterable[Mapping[str, Any]]) -> dict[Case, Limit]:
    """The cells of a `limit` job."""
    return {
        Case.of(report): Limit(
            float(report["sent_pps"]),
            float(report["cpu_us_per_packet"]),
            float(report["seal_us_per_packet"]),
            float(report["loss"]),
        )
        for report in reports
        if report["event"] == "limit"
    }
