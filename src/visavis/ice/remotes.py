"""The peer's candidates of one generation (RFC 8838): bounded, resolved, told apart from an earlier one's."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from visavis.dataplane.commands import Address
from visavis.ice.candidate import (
    COMPONENT,
    TCP_TYPES,
    Candidate,
    CandidateProtocol,
    CandidateType,
    ip_version,
)
from visavis.ice.mdns import is_mdns_name
from visavis.ice.options import Resolver
from visavis.values import replace


class RemoteCandidates:
    """What is known of the peer; `changed` is called with each candidate that can be paired, or whose
    priority is not what it was, and with None when the last name was resolved in vain.

    `dropped` counts the others by their reason: `too-many`, `duplicate`, `generation`, `component`, `tcp`,
    `address`, `port`, `unresolved`.
    """

    def __init__(self, limit: int, resolver: Resolver, changed: Callable[[Candidate | None], None]) -> None:
        self._limit = limit
        self._resolver = resolver
        self._changed = changed
        self._by_address: dict[tuple[CandidateProtocol, Address], Candidate] = {}
        self._taken = 0
        self._resolving = 0
        self._said_end = False
        self._closed = False
        self.dropped: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self._by_address.values())

    def __len__(self) -> int:
        return len(self._by_address)

    @property
    def ended(self) -> bool:
        """Whether the peer has no more, and all names are resolved."""
        return self._said_end and not self._resolving

    def at(self, protocol: CandidateProtocol, address: Address) -> Candidate | None:
        """The candidate at an address."""
        return self._by_address.get((protocol, address))

    def add(self, candidate: Candidate, ufrag: str | None) -> None:
        """Takes a candidate that the peer told; `ufrag` is that of its generation where that is known."""
        reason = self._refusal(candidate, ufrag)
        if reason is not None:
            self.dropped[reason] += 1
            return
        self._taken += 1
        # Nobody sends to an active one: its name need not be resolved.
        if ip_version(candidate.address) is not None or candidate.tcp_type == "active":
            self._take(candidate)
        else:
            self._resolving += 1
            self._resolver.resolve(candidate.address, partial(self._resolved, candidate))

    def learn(self, candidate: Candidate) -> None:
        """Takes a peer-reflexive candidate; the caller bounds them by the pairs that it makes of them."""
        self._by_address[candidate.protocol, candidate.transport_address] = candidate

    def end(self) -> None:
        """The peer has no more (RFC 8838 section 13)."""
        self._said_end = True

    def close(self) -> None:
        """Names that are being resolved do not matter any more."""
        self._closed = True

    def _refusal(self, candidate: Candidate, ufrag: str | None) -> str | None:
        if self._taken >= self._limit:
            return "too-many"
        if None not in (ufrag, candidate.ufrag) and candidate.ufrag != ufrag:
            return "generation"
        if candidate.component != COMPONENT:
            return "component"
        if candidate.protocol == "tcp" and candidate.tcp_type not in TCP_TYPES:
            return "tcp"
        if candidate.port == 0:
            return "port"
        if ip_version(candidate.address) is None and not is_mdns_name(candidate.address):
            return "address"
        known = self.at(candidate.protocol, candidate.transport_address)
        if known is not None and known.type is not CandidateType.PEER_REFLEXIVE:
            return "duplicate"
        return None

    def _resolved(self, candidate: Candidate, addresses: Sequence[str]) -> None:
        """RFC 8839 section 5.1: the first address of a name counts."""
        if self._closed:
            return
        self._resolving -= 1
        address = next((one for one in addresses if ip_version(one) is not None), None)
        if address is not None:
            self._take(replace(candidate, address=address))
        else:
            self.dropped["unresolved"] += 1
            self._changed(None)

    def _take(self, candidate: Candidate) -> None:
        """A peer-reflexive candidate at its address was this one, seen before it was told (RFC 8838 section
        11.4)."""
        self._by_address[candidate.protocol, candidate.transport_address] = candidate
        self._changed(candidate)
