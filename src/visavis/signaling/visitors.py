"""How much one network may ask for: WebSockets open at once, and joins in a minute."""

import ipaddress
from collections.abc import Callable

from visavis.clock import Clock
from visavis.signaling.limits import TokenBucket

JOINS_WINDOW_S = 60.0

NetworkOf = Callable[[str | None], str | None]


def network_of(address: str | None) -> str | None:
    """Whom a client's address stands for, None where it says nothing about who asks.

    An IPv4 address stands for itself, an IPv6 one for its /64, since one host has all of it (RFC 7421).
    Behind loopback there is a proxy with everybody behind it, or who has this machine anyway.
    """
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None:
            return None if found.is_loopback else str(ipaddress.ip_network((found, 64), strict=False))
        found = found.ipv4_mapped
    return None if found.is_loopback else str(found)


class _Network:
    def __init__(self, most: int, now_s: float) -> None:
        self.open = 0
        self.joins = TokenBucket(most, most / JOINS_WINDOW_S, now_s)


class Visitors:
    """Counts by network; one that has not been here for a minute is forgotten, so memory is bounded by who
    comes in a minute.

    Args:
        most: how many WebSockets a network may have open, and how often it may join in a minute; 0 is any
            number.
        clock: measures the minute.
        network: to whom an address belongs.
    """

    def __init__(self, most: int, clock: Clock, network: NetworkOf = network_of) -> None:
        self.refused = 0
        self._most = most
        self._clock = clock
        self._network_of = network
        self._networks: dict[str, _Network] = {}
        self._left_s: dict[str, float] = {}

    def enter(self, address: str | None) -> "Visit | None":
        """Counts a WebSocket from `address` until `Visit.leave`; None when its network has too many."""
        self._forget()
        name = self._network_of(address) if self._most else None
        if name is None:
            return Visit(self, None)
        network = self._networks.get(name)
        if network is None:
            network = self._networks[name] = _Network(self._most, self._clock.monotonic())
        if network.open >= self._most:
            self.refused += 1
            return None
        network.open += 1
        self._left_s.pop(name, None)
        return Visit(self, name)

    def join(self, name: str) -> bool:
        """Counts a join from the network; False when it is one too many, which then does not count."""
        joins = self._networks[name].joins.take_if_there(1, self._clock.monotonic())
        self.refused += not joins
        return joins

    def leave(self, name: str) -> None:
        """A WebSocket of the network is closed."""
        network = self._networks[name]
        network.open -= 1
        if network.open == 0:
            self._left_s[name] = self._clock.monotonic()

    def __len__(self) -> int:
        """How many networks are remembered."""
        return len(self._networks)

    def _forget(self) -> None:
        """After a minute all joins are there again, and nothing is lost. Who left first is first."""
        long_ago_s = self._clock.monotonic() - JOINS_WINDOW_S
        while self._left_s:
            name, left_s = next(iter(self._left_s.items()))
            if left_s > long_ago_s:
                return
            del self._left_s[name], self._networks[name]


class Visit:
    """One WebSocket, as its network's limits see it."""

    def __init__(self, visitors: Visitors, network: str | None) -> None:
        self._visitors = visitors
        self._network = network

    def may_join(self) -> bool:
        """Whether its network may join once more; counts the join when it may."""
        return self._network is None or self._visitors.join(self._network)

    def leave(self) -> None:
        """It is closed; to be called once."""
        if self._network is not None:
            self._visitors.leave(self._network)
