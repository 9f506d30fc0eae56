"""A network on virtual time: public addresses, private ones behind NATs, hosts with UDP ports."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from visavis.clock import Clock
from visavis.dataplane.commands import Address
from visavis.ice import Interface, Machine


@dataclass(frozen=True, slots=True)
class Datagram:
    """A packet; `payload` is what the fakes say to each other, not bytes. `is_stream` tells those that play a
    TCP stream's part: firewalls know the difference."""

    source: Address
    destination: Address
    payload: object
    is_stream: bool = False


Receiver = Callable[[Datagram], None]


class Realm(Protocol):
    """Where hosts are: the public network, or the inside of a NAT."""

    def attach(self, host: str, receiver: Receiver) -> None:
        """Puts a host on an address."""

    def detach(self, host: str) -> None:
        """Takes it away."""

    def send(self, datagram: Datagram) -> None:
        """Carries a datagram, or loses it."""


class Internet:
    """The public network: every datagram takes `latency_s`; `cut` addresses lose all.

    With a `random` a datagram is lost by the probability `loss`, and takes up to twice as long.
    """

    def __init__(
        self, clock: Clock, latency_s: float = 0.01, *, loss: float = 0.0, random: Random | None = None
    ) -> None:
        self.clock = clock
        self.latency_s = latency_s
        self.loss = loss
        self.cut: set[str] = set()
        self._random = random
        self._receivers: dict[str, Receiver] = {}

    def attach(self, host: str, receiver: Receiver) -> None:
        """Puts a host on a public address."""
        assert host not in self._receivers, f"{host} is taken"
        self._receivers[host] = receiver

    def detach(self, host: str) -> None:
        """Takes it away."""
        del self._receivers[host]

    def send(self, datagram: Datagram) -> None:
        """Delivers after the latency, to who is there then."""
        latency_s = self.latency_s
        if self._random is not None:
            if self._random.random() < self.loss:
                return
            latency_s *= 1 + self._random.random()
        self.clock.call_later(latency_s, lambda: self._arrive(datagram))

    def _arrive(self, datagram: Datagram) -> None:
        receiver = self._receivers.get(datagram.destination[0])
        if receiver is not None and not self.cut & {datagram.source[0], datagram.destination[0]}:
            receiver(datagram)


class Names:
    """A `visavis.ice.Resolver` that knows what is in `names`, and answers after `delay_s`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.names: dict[str, Sequence[str]] = {}
        self.asked: list[str] = []
        self.delay_s = 0.005

    def resolve(self, name: str, done: Callable[[Sequence[str]], None]) -> None:
        """Answers later."""
        self.asked.append(name)
        self._clock.call_later(self.delay_s, lambda: done(self.names.get(name, ())))


class Host:
    """A machine with addresses in a realm; it gives an `IceAgent` its `Machine`."""

    def __init__(self, clock: Clock, realm: Realm, *addresses: str) -> None:
        self.clock = clock
        self.realm = realm
        self.resolver = Names(clock)
        self.addresses: list[str] = []
        self.failing: set[str] = set()
        """Addresses on which no port can be bound."""
        self._ports: dict[Address, Receiver | None] = {}
        self._descriptors: dict[int, Address] = {}
        self._numbers = itertools.count(100)
        self._stream_ports = itertools.count(30_000)
        self._streams: set[Address] = set()
        for address in addresses:
            self.add(address)

    def add(self, address: str) -> None:
        """A new address of the machine."""
        self.addresses.append(address)
        self.realm.attach(address, self._arrive)

    def remove(self, address: str) -> None:
        """The address is gone; its ports hear nothing any more."""
        self.addresses.remove(address)
        self.realm.detach(address)

    @property
    def machine(self) -> Machine:
        """What an agent gathers with."""
        return Machine(
            lambda: [Interface("eth0", address) for address in self.addresses],
            self.open_socket,
            self.open_stream,
            self.open_listener,
            self.resolver,
        )

    def open_socket(self, host: str, port_range: tuple[int, int] | None) -> tuple[int, int]:
        """A port that is free, the lowest first."""
        low, high = port_range or (50_000, 60_000)
        free = (port for port in range(low, high + 1) if (host, port) not in self._ports)
        port = next(free, None)
        if port is None or host in self.failing:
            raise OSError(98, "Address already in use")
        descriptor = next(self._numbers)
        self._ports[host, port] = None
        self._descriptors[descriptor] = (host, port)
        return descriptor, port

    def open_stream(self, host: str, server: Address) -> int:
        """Datagrams play the stream's part, from a port that none had before."""
        port = next(self._stream_ports)
        self._streams.add((host, port))
        return self.open_socket(host, (port, port))[0]

    def open_listener(self, host: str, port_range: tuple[int, int] | None) -> tuple[int, int]:
        """A port that streams are opened to; no other than those of datagrams, here."""
        descriptor, port = self.open_socket(host, port_range or (20_000, 29_999))
        self._streams.add((host, port))
        return descriptor, port

    def listen(self, descriptor: int, receiver: Receiver) -> Address:
        """Takes a descriptor over, as the data plane does."""
        address = self._descriptors.pop(descriptor)
        self._ports[address] = receiver
        return address

    def close(self, address: Address) -> None:
        """Frees a port."""
        self._ports.pop(address, None)
        self._streams.discard(address)

    @property
    def open_ports(self) -> list[Address]:
        """Those that are bound."""
        return list(self._ports)

    def send(self, source: Address, destination: Address, payload: object) -> None:
        """From one of the ports; an address that is gone sends nothing."""
        if source[0] in self.addresses:
            self.realm.send(Datagram(source, destination, payload, source in self._streams))

    def _arrive(self, datagram: Datagram) -> None:
        receiver = self._ports.get(datagram.destination)
        if receiver is not None:
            receiver(datagram)
