"""NATs by what RFC 4787 says of them: how they map, what they filter, whether they hairpin."""

import itertools
from dataclasses import replace
from enum import IntEnum

from visavis.clock import Clock
from visavis.dataplane.commands import Address
from visavis.testing.network import Datagram, Realm, Receiver


class Behaviour(IntEnum):
    """What a mapping (RFC 4787 section 4.1) or a filter (section 5) depends on."""

    ENDPOINT_INDEPENDENT = 0
    ADDRESS_DEPENDENT = 1
    ADDRESS_AND_PORT_DEPENDENT = 2

    def key(self, remote: Address) -> tuple[object, ...]:
        """The part of a remote address that counts."""
        return ((), (remote[0],), remote)[self]


class Nat:
    """A NAT with one public address; what is inside reaches itself directly.

    Filtering is of an internal endpoint, as RFC 4787 section 5 has it: what any of its mappings sent counts.
    """

    def __init__(
        self,
        clock: Clock,
        outside: Realm,
        public: str,
        mapping: Behaviour,
        filtering: Behaviour,
        *,
        hairpin: bool = False,
        passes_udp: bool = True,
        latency_s: float = 0.001,
    ) -> None:
        self._clock = clock
        self._outside = outside
        self._public = public
        self._mapping = mapping
        self._filtering = filtering
        self._hairpin = hairpin
        self._passes_udp = passes_udp
        self._latency_s = latency_s
        self._inside: dict[str, Receiver] = {}
        self._ports = itertools.count(40_001)
        self._by_key: dict[tuple[Address, tuple[object, ...]], int] = {}
        self._by_port: dict[int, Address] = {}
        self._contacted: dict[Address, set[Address]] = {}
        outside.attach(public, self._from_outside)

    def attach(self, host: str, receiver: Receiver) -> None:
        """Puts a host inside."""
        self._inside[host] = receiver

    def detach(self, host: str) -> None:
        """Takes it away."""
        del self._inside[host]

    def rebind(self) -> None:
        """Forgets all mappings, as after a reboot."""
        self._by_key.clear()
        self._by_port.clear()
        self._contacted.clear()

    def send(self, datagram: Datagram) -> None:
        """From the inside."""
        host = datagram.destination[0]
        if host in self._inside:
            self._deliver(datagram)
        elif (self._passes_udp or datagram.is_stream) and (host != self._public or self._hairpin):
            translated = replace(datagram, source=self._map(datagram))
            if host == self._public:
                self._from_outside(translated)
            else:
                self._outside.send(translated)

    def _map(self, datagram: Datagram) -> Address:
        source, destination = datagram.source, datagram.destination
        self._contacted.setdefault(source, set()).add(destination)
        key = (source, self._mapping.key(destination))
        if key not in self._by_key:
            self._by_key[key] = port = next(self._ports)
            self._by_port[port] = source
        return self._public, self._by_key[key]

    def _from_outside(self, datagram: Datagram) -> None:
        internal = self._by_port.get(datagram.destination[1])
        if internal is None:
            return
        wanted = self._filtering.key(datagram.source)
        if any(self._filtering.key(remote) == wanted for remote in self._contacted[internal]):
            self._deliver(replace(datagram, destination=internal))

    def _deliver(self, datagram: Datagram) -> None:
        self._clock.call_later(self._latency_s, lambda: self._arrive(datagram))

    def _arrive(self, datagram: Datagram) -> None:
        receiver = self._inside.get(datagram.destination[0])
        if receiver is not None:
            receiver(datagram)
