"""What visavis has to reach, and whether it did."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.figures import Case, Figures, Forwarded, Limit

LIMIT_SHARE = 0.7
BURST_RATIO = 2 / 3
FLAT_RATIO = 1.15
"""Up to this, costs at two sizes of an audience are called equal: so far two windows differ too."""

MEASURED_BEFORE_CASE = Case(subscribers=50, size_bytes=1_100, burst=1)
MEASURED_BEFORE_US = {
    "Pion 4.2.26": 6.6,
    "LiveKit 1.13.5": 6.4,
    "str0m 0.25 with sendmmsg": 5.7,
    "Janus 1.1.2": 7.6,
}
"""CPU per forwarded packet at saturation of servers that do not run here, once measured on such a machine."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One requirement; `measured` has to be at most `allowed`, or at least, where more is better."""

    name: str
    case: str
    measured: float
    allowed: float
    more_is_better: bool = False

    @property
    def is_met(self) -> bool:
        return self.measured >= self.allowed if self.more_is_better else self.measured <= self.allowed


def bars(
    visavis: Mapping[Case, Forwarded], peer: Mapping[Case, Forwarded], limit: Mapping[Case, Limit]
) -> list[Bar]:
    """All bars that the measured cases allow to judge; costs are CPU µs per forwarded packet."""
    return [
        *_below_the_peer(visavis, peer),
        *_below_those_measured_before(visavis),
        *_near_the_limit(visavis, limit),
        *_bursts_are_cheap(visavis),
        *_flat(visavis),
    ]


def name_of(case: Case) -> str:
    """A case in a table."""
    spacing = "even" if case.burst == 1 else f"bursts of {case.burst}"
    return f"{case.subscribers} x {case.size_bytes} B, {spacing}"


def _below_the_peer(visavis: Mapping[Case, Forwarded], peer: Mapping[Case, Forwarded]) -> Iterator[Bar]:
    for case in sorted(visavis.keys() & peer.keys()):
        ours, theirs = visavis[case], peer[case]
        pairs: list[tuple[str, Figures, Figures]] = [
            ("at saturation", ours.saturation, theirs.saturation),
            ("at half load", ours.half, theirs.half),
        ]
        # Cost falls with load, so the fairest comparison is at the load that the peer can just bear.
        pairs += [("at the peer's load", figures, theirs.saturation) for figures in ours.at]
        for when, measured, allowed in pairs:
            yield Bar(
                f"below Pion {when}", name_of(case), measured.cpu_us_per_packet, allowed.cpu_us_per_packet
            )


def _below_those_measured_before(visavis: Mapping[Case, Forwarded]) -> Iterator[Bar]:
    case = MEASURED_BEFORE_CASE
    if case in visavis:
        cost = visavis[case].saturation.cpu_us_per_packet
        for server, allowed in MEASURED_BEFORE_US.items():
            yield Bar(f"below {server}, measured before", name_of(case), cost, allowed)


def _near_the_limit(visavis: Mapping[Case, Forwarded], limit: Mapping[Case, Limit]) -> Iterator[Bar]:
    for case in sorted(visavis.keys() & limit.keys()):
        if case.burst == 1:
            cost = visavis[case].saturation.cpu_us_per_packet
            allowed = limit[case].cpu_us_per_packet / LIMIT_SHARE
            yield Bar(f"at least {LIMIT_SHARE:.0%} of the limit", name_of(case), cost, allowed)


def _bursts_are_cheap(visavis: Mapping[Case, Forwarded]) -> Iterator[Bar]:
    """At the peer's load, where single packets come and go alone.

    At the server's own saturation they wait for it in runs, and leave in runs too: what bursts save, singles
    save there as well.
    """
    for case in sorted(visavis):
        single = visavis.get(Case(case.subscribers, case.size_bytes, 1))
        if case.burst > 1 and single is not None:
            for ours, theirs in zip(visavis[case].at, single.at, strict=False):
                allowed = theirs.cpu_us_per_packet * BURST_RATIO
                name = "bursts at most two thirds of singles at Pion's load"
                yield Bar(name, name_of(case), ours.cpu_us_per_packet, allowed)


def _flat(visavis: Mapping[Case, Forwarded]) -> Iterator[Bar]:
    def audience(case: Case) -> tuple[int, int]:
        return case.size_bytes, case.burst

    for _, group in itertools.groupby(sorted(visavis, key=lambda case: (audience(case), case)), key=audience):
        cases = list(group)
        fewest, most = cases[0], cases[-1]
        if fewest != most:
            cost = visavis[most].saturation.cpu_us_per_packet
            allowed = visavis[fewest].saturation.cpu_us_per_packet * FLAT_RATIO
            yield Bar(f"flat from {fewest.subscribers} on", name_of(most), cost, allowed)
