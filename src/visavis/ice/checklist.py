"""The check list (RFC 8445 section 6.1.2): pairs, their order, what is pruned, and what became of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from visavis.dataplane.commands import FIRST_LEARNT_PAIR, Address, Pair, PairId, SocketId
from visavis.ice.candidate import Candidate, LocalCandidate, ip_version


class PairStatus(StrEnum):
    """RTCStatsIceCandidatePairState."""

    FROZEN = "frozen"
    """Not handed to the data plane yet: a relay's permission is awaited."""
    WAITING = "waiting"
    """Handed to the data plane, which checks it in its turn."""
    FAILED = "failed"
    SUCCEEDED = "succeeded"


OPEN: Final = (PairStatus.FROZEN, PairStatus.WAITING)
"""What may still succeed."""

MAX_LEARNT: Final = 16
"""Of the learnt pairs of one socket that did not succeed, the newest are kept: where both NATs map each check
anew, every check teaches another pair, without end."""


@dataclass(slots=True)
class CandidatePair:
    """A pair; `local` becomes the peer-reflexive candidate that a check discovered (section 7.2.5.3.1)."""

    id: PairId
    socket: SocketId
    local: LocalCandidate
    remote: Candidate
    status: PairStatus = PairStatus.WAITING
    nominated: bool = False
    rtt_s: float | None = None
    total_rtt_s: float = 0.0
    responses: int = 0

    @property
    def path(self) -> tuple[SocketId, Address]:
        """What tells it from other pairs: where it sends from and to."""
        return self.socket, self.remote.transport_address

    @property
    def is_relayed(self) -> bool:
        """Whether a TURN server of either side stands between."""
        return self.local.candidate.is_relayed or self.remote.is_relayed

    @property
    def is_tcp(self) -> bool:
        """Whether it goes over a stream from end to end."""
        return self.remote.protocol == "tcp"

    @property
    def is_open(self) -> bool:
        """Whether its check has not ended."""
        return self.status in OPEN

    @property
    def was_learnt(self) -> bool:
        """Whether the data plane found it (RFC 8445 section 7.3.1.4)."""
        return self.id >= FIRST_LEARNT_PAIR

    def priority(self, controlling: bool) -> int:
        """RFC 8445 section 6.1.2.3."""
        ours, theirs = self.local.candidate.priority, self.remote.priority
        g, d = (ours, theirs) if controlling else (theirs, ours)
        return (min(g, d) << 32) + 2 * max(g, d) + (g > d)


def can_pair(local: LocalCandidate, remote: Candidate) -> bool:
    """RFC 8445 section 6.1.2.2: one component, protocol and IP version; sent from a base (section
    6.1.2.4), and over TCP by who opens the stream (RFC 6544 section 6.2)."""
    return (
        local.is_base
        and local.candidate.component == remote.component
        and local.candidate.protocol == remote.protocol
        and (remote.protocol == "udp" or (local.candidate.tcp_type, remote.tcp_type) == ("active", "passive"))
        and ip_version(local.candidate.address) == ip_version(remote.address) is not None
    )


class CheckList:
    """The pairs of one generation, at most `limit`; the ones of least priority give way (section 6.1.2.5)."""

    def __init__(self, limit: int, first_id: int) -> None:
        self._limit = limit
        self._last_id = first_id - 1
        self._by_path: dict[tuple[SocketId, Address], CandidatePair] = {}
        self._by_id: dict[PairId, CandidatePair] = {}
        self.dropped = 0
        """How many pairs found no room."""

    @property
    def next_id(self) -> int:
        """From where on a later check list may number its pairs."""
        return self._last_id + 1

    def __iter__(self) -> Iterator[CandidatePair]:
        return iter(self._by_path.values())

    def __len__(self) -> int:
        return len(self._by_path)

    def get(self, pair: PairId) -> CandidatePair | None:
        """The pair of a report, None for one that is gone."""
        return self._by_id.get(pair)

    def at(self, socket: SocketId, remote: Address) -> CandidatePair | None:
        """The pair of a path."""
        return self._by_path.get((socket, remote))

    def add(
        self, local: LocalCandidate, remote: Candidate, controlling: bool, *, frozen: bool = False
    ) -> CandidatePair | None:
        """Adds a pair unless its path is there already (section 6.1.2.4) or nothing of less priority can
        go."""
        if (local.socket, remote.transport_address) in self._by_path:
            return None
        self._last_id += 1
        status = PairStatus.FROZEN if frozen else PairStatus.WAITING
        pair = CandidatePair(PairId(self._last_id % FIRST_LEARNT_PAIR), local.socket, local, remote, status)
        return pair if self._insert(pair, controlling) else None

    def add_learnt(
        self, pair: PairId, local: LocalCandidate, remote: Candidate, controlling: bool
    ) -> CandidatePair | None:
        """Takes a pair that the data plane learnt and checks; one of ours on the same path is that one from
        now on."""
        known = self._by_path.get((local.socket, remote.transport_address))
        if known is not None:
            known.id = pair
            self._by_id[pair] = known
            return known
        unproven = [
            one
            for one in self
            if one.was_learnt and one.socket == local.socket and one.status is not PairStatus.SUCCEEDED
        ]
        if len(unproven) >= MAX_LEARNT:
            self.dropped += 1
            self._remove(unproven[0])
        learnt = CandidatePair(pair, local.socket, local, remote)
        return learnt if self._insert(learnt, controlling) else None

    def _insert(self, pair: CandidatePair, controlling: bool) -> bool:
        if len(self._by_path) >= self._limit and not self._make_room(pair.priority(controlling), controlling):
            self.dropped += 1
            return False
        self._by_path[pair.path] = pair
        self._by_id[pair.id] = pair
        return True

    def _make_room(self, priority: int, controlling: bool) -> bool:
        """A pair that failed goes first, then the least one that is not valid."""
        candidates = [pair for pair in self if pair.status is not PairStatus.SUCCEEDED]
        if not candidates:
            return False
        least = min(
            candidates, key=lambda pair: (pair.status is not PairStatus.FAILED, pair.priority(controlling))
        )
        if least.status is not PairStatus.FAILED and least.priority(controlling) >= priority:
            return False
        self.dropped += 1
        self._remove(least)
        return True

    def _remove(self, pair: CandidatePair) -> None:
        del self._by_path[pair.path]
        for number in [number for number, known in self._by_id.items() if known is pair]:
            del self._by_id[number]

    def remove_socket(self, socket: SocketId) -> list[CandidatePair]:
        """Takes out the pairs of a socket that is gone."""
        gone = [pair for pair in self if pair.socket == socket]
        for pair in gone:
            self._remove(pair)
        return gone

    def ordered(self, controlling: bool) -> list[CandidatePair]:
        """By priority, the highest first; ties keep the order in which they came."""
        return sorted(self, key=lambda pair: pair.priority(controlling), reverse=True)

    def to_check(self, controlling: bool) -> tuple[Pair, ...]:
        """What `SetPairs` says: all pairs that did not fail and are not frozen."""
        return tuple(
            Pair(pair.id, pair.socket, pair.remote.transport_address, pair.local.check_priority)
            for pair in self.ordered(controlling)
            if pair.status in (PairStatus.WAITING, PairStatus.SUCCEEDED)
        )
