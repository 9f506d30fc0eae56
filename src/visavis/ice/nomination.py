"""Regular nomination (RFC 8445 section 8.1.1): which valid pair, and when."""

from collections.abc import Iterable

from visavis.ice.checklist import CandidatePair, PairStatus

_LEAST_WAIT_S = 0.001
"""A shorter wait is none: rounding may leave one so short that a clock does not move by it."""


def best_valid(pairs: Iterable[CandidatePair], controlling: bool) -> CandidatePair | None:
    """The valid pair of highest priority."""
    valid = [pair for pair in pairs if pair.status is PairStatus.SUCCEEDED]
    return max(valid, key=lambda pair: pair.priority(controlling), default=None)


def wait_for_better_s(
    best: CandidatePair, pairs: Iterable[CandidatePair], waited_s: float, direct_s: float, relayed_s: float
) -> float:
    """How much longer a controlling agent waits before it nominates its `best` valid pair, 0 for not at all.

    It has `waited_s` since its first valid pair. It waits only while a better pair is being checked:
    `direct_s`, or `relayed_s` when the best is relayed and a direct one may be found, or is a stream and one
    of datagrams may be.
    """
    priority = best.priority(True)
    better = [pair for pair in pairs if pair.is_open and pair.priority(True) > priority]
    if not better:
        return 0.0
    for_direct = (best.is_relayed and any(not pair.is_relayed for pair in better)) or (
        best.is_tcp and any(not pair.is_tcp for pair in better)
    )
    left_s = (relayed_s if for_direct else direct_s) - waited_s
    return left_s if left_s >= _LEAST_WAIT_S else 0.0
