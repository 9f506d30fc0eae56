"""Bases of host candidates (RFC 8445 section 5.1.1.1): the machine's addresses, and a socket on each."""

import ipaddress
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import Final

from visavis.dataplane.commands import (
    Address,
    AddSocket,
    AddTcpSocket,
    RemoveSocket,
    SocketId,
    TransportId,
)
from visavis.ice.candidate import DISCARD_PORT, TcpType
from visavis.ice.options import IceOptions, Interface, Machine
from visavis.stun import CommandSink
from visavis.values import replace

_log = logging.getLogger(__name__)

MAX_BASES: Final = 32
"""Addresses beyond these are not gathered on: nobody needs so many, and each costs pairs."""


@dataclass(frozen=True, slots=True)
class Base:
    """A bound socket, or what opens and accepts streams (`tcp_type`); `rank` 0 is preferred. One that is
    shared is the data plane's, and other transports', too."""

    socket: SocketId
    address: Address
    rank: int
    tcp_type: TcpType | None = None
    is_shared: bool = False


def host_addresses(interfaces: Iterable[Interface], options: IceOptions) -> list[str]:
    """The addresses to gather on, the preferred first.

    Left out: link-local ones, and IPv6 ones that RFC 8445 section 5.1.1.1 names; stable ones of an interface
    that has temporary ones (RFC 8981); loopback unless there is nothing else or it is asked for. The IP
    versions take turns (RFC 8421 section 4), IPv6 first.
    """
    accepted = [one for one in interfaces if options.accept(one) and _is_usable(one.address)]
    private = {one.name for one in accepted if one.temporary}
    kept = [
        one.address for one in accepted if one.temporary or ":" not in one.address or one.name not in private
    ]
    unique = list(dict.fromkeys(kept))
    distant = [address for address in unique if not _parsed(address).is_loopback]
    near = [address for address in unique if address not in distant]
    chosen = _alternate(distant)
    return chosen + _alternate(near) if options.loopback or not distant else chosen


def _is_usable(address: str) -> bool:
    try:
        parsed = _parsed(address)
    except ValueError:
        return False
    if parsed.is_link_local or parsed.is_unspecified or parsed.is_multicast:
        return False
    return isinstance(parsed, ipaddress.IPv4Address) or not (parsed.is_site_local or parsed.ipv4_mapped)


@lru_cache(maxsize=256)
def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Of this machine's addresses, each gathering looks at all."""
    return ipaddress.ip_address(address)


def _alternate(addresses: Sequence[str]) -> list[str]:
    v6 = [address for address in addresses if ":" in address]
    v4 = [address for address in addresses if ":" not in address]
    return [address for both in zip_longest(v6, v4) for address in both if address is not None]


class Bases:
    """The sockets of a transport, which outlive a generation of candidates."""

    def __init__(
        self,
        transport: TransportId,
        plane: CommandSink,
        machine: Machine,
        options: IceOptions,
        first: SocketId,
    ) -> None:
        self._transport = transport
        self._plane = plane
        self._machine = machine
        self._options = options
        self._next = int(first)
        self._by_address: dict[str, Base] = {}
        self._tcp: dict[tuple[str, TcpType], Base] = {}

    def __iter__(self) -> Iterator[Base]:
        """Those of UDP."""
        return iter(self._by_address.values())

    @property
    def tcp(self) -> list[Base]:
        """Those of TCP (RFC 6544), on the same addresses."""
        return list(self._tcp.values())

    def get(self, socket: SocketId) -> Base | None:
        """The base of a socket."""
        return next((base for base in (*self, *self.tcp) if base.socket == socket), None)

    def new_socket(self) -> SocketId:
        """A number for a socket or relay, given once."""
        self._next += 1
        return SocketId(self._next - 1)

    def set_options(self, options: IceOptions) -> None:
        """Counts from the next `refresh` on."""
        self._options = options

    def missing(self) -> set[str]:
        """The addresses of bases that the machine does not have any more."""
        present = {interface.address for interface in self._machine.interfaces()}
        return {base.address[0] for base in (*self, *self.tcp)} - present

    def lose(self, socket: SocketId) -> bool:
        """Whether this was a base of TCP; the next `refresh` opens another."""
        key = next((key for key, base in self._tcp.items() if base.socket == socket), None)
        if key is not None:
            del self._tcp[key]
        return key is not None

    def refresh(self) -> list[SocketId]:
        """Opens sockets on new addresses and closes those on addresses that are gone, which it returns."""
        wanted = host_addresses(self._machine.interfaces(), self._options)
        gone = [base for host, base in self._by_address.items() if host not in wanted]
        for base in gone:
            del self._by_address[base.address[0]]
            if not base.is_shared:
                self._plane.submit(RemoveSocket(self._transport, base.socket))
        kept, self._by_address = self._by_address, {}
        opened: list[AddSocket] = []
        for rank, host in enumerate(wanted[:MAX_BASES]):
            known = kept.get(host)
            bound = replace(known, rank=rank) if known is not None else self._open(host, rank, opened)
            if bound is not None:
                self._by_address[host] = bound
        if opened:
            self._plane.submit(*opened)
        return [base.socket for base in gone] + self._refresh_tcp(wanted[:MAX_BASES])

    def _refresh_tcp(self, wanted: Sequence[str]) -> list[SocketId]:
        """The same of streams. Nothing new is opened while only relays may be used; what is in use stays."""
        gone = [key for key in self._tcp if key[0] not in wanted]
        closed = [self._tcp.pop(key).socket for key in gone]
        for socket in closed:
            self._plane.submit(RemoveSocket(self._transport, socket))
        kinds = () if self._options.relay_only else self._options.tcp
        for rank, host in enumerate(wanted):
            for tcp_type in kinds:
                known = self._tcp.get((host, tcp_type))
                base = (
                    replace(known, rank=rank) if known is not None else self._open_tcp(host, rank, tcp_type)
                )
                if base is not None:
                    self._tcp[host, tcp_type] = base
        return closed

    def _open_tcp(self, host: str, rank: int, tcp_type: TcpType) -> Base | None:
        descriptor, port = None, DISCARD_PORT
        if tcp_type == "passive":
            try:
                descriptor, port = self._machine.open_listener(host, self._options.port_range)
            except OSError as error:
                _log.warning("no TCP port on %s for candidates: %s", host, error.strerror or error)
                return None
        base = Base(self.new_socket(), (host, port), rank, tcp_type)
        self._plane.submit(AddTcpSocket(self._transport, base.socket, host, descriptor))
        return base

    def _open(self, host: str, rank: int, opened: list[AddSocket]) -> Base | None:
        shared = self._machine.shared_ports
        if shared is not None:
            if host not in shared:
                _log.warning("no candidates on %s: the address came after the shared port was bound", host)
                return None
            socket, port = shared[host]
            return Base(socket, (host, port), rank, is_shared=True)
        try:
            descriptor, port = self._machine.open_socket(host, self._options.port_range)
        except OSError as error:
            _log.warning("no UDP port on %s for candidates: %s", host, error.strerror or error)
            return None
        base = Base(self.new_socket(), (host, port), rank)
        opened.append(AddSocket(self._transport, base.socket, descriptor))
        return base
