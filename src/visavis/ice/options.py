"""What an application sets of ICE, and what the machine lends it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from visavis.dataplane.commands import Address, SocketId
from visavis.ice.candidate import TcpType
from visavis.ice.servers import IceServer


@dataclass(frozen=True, slots=True)
class Credentials:
    """A generation's user name fragment and password (RFC 8839 section 5.4)."""

    ufrag: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Interface:
    """An address of the machine; `name` is the interface's. `temporary` is of RFC 8981."""

    name: str
    address: str
    temporary: bool = False


InterfaceFilter = Callable[[Interface], bool]
"""Tells which interfaces are used."""


def every_interface(interface: Interface) -> bool:
    """The filter that takes all."""
    return bool(interface.address)


@dataclass(frozen=True, slots=True)
class IceOptions:
    """How an agent gathers and decides; times are in seconds.

    `relay_only` is iceTransportPolicy `relay`. `port_range` bounds host candidates, both ends included; None
    is the system's. `accept` filters interfaces. `address_mapping` tells, by private address, the public one
    of a NAT that forwards all ports to it (1:1). `loopback` gathers 127.0.0.1 and ::1 too, not only when
    there is nothing else. `tcp` tells which TCP candidates are gathered (RFC 6544); `tcp_wait_s` after the
    start pairs of them are checked, if no direct pair is valid by then. `patience_s` is the PAC timer (RFC
    8863 section 4). `nomination_wait_s` is how long a valid pair waits for better ones, `relayed_wait_s` the
    same when only relayed ones are valid: direct ones may need a second check, sent 0.5 s after the first,
    since both NATs must have seen one go out.
    """

    servers: tuple[IceServer, ...] = ()
    relay_only: bool = False
    port_range: tuple[int, int] | None = None
    accept: InterfaceFilter = every_interface
    address_mapping: Mapping[str, str] = field(default_factory=dict[str, str])
    loopback: bool = False
    tcp: tuple[TcpType, ...] = ()
    tcp_wait_s: float = 0.25
    patience_s: float = 39.5
    nomination_wait_s: float = 0.1
    relayed_wait_s: float = 0.6
    gathering_timeout_s: float = 10.0
    pace_s: float = 0.05
    max_remote_candidates: int = 100
    max_pairs: int = 100


class Resolver(Protocol):
    """Turns names into addresses, mDNS names (`.local`) too."""

    def resolve(self, name: str, done: Callable[[Sequence[str]], None]) -> None:
        """Calls `done` once, later, with the addresses, none when the name means nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Machine:
    """What an agent needs of the machine.

    `interfaces` lists addresses. `open_socket` binds UDP on an address and a port of the range, and returns
    the descriptor, which the caller owns, and the port; `open_listener` has TCP listen, the same way;
    `open_stream` starts to connect TCP from an address to a server, and returns the descriptor alone. All
    raise OSError when there is none. `shared_ports` are the sockets that all transports of the data plane
    share, with their ports, by address: where there are any, host candidates of UDP have no others.
    """

    interfaces: Callable[[], Sequence[Interface]]
    open_socket: Callable[[str, tuple[int, int] | None], tuple[int, int]]
    open_stream: Callable[[str, Address], int]
    open_listener: Callable[[str, tuple[int, int] | None], tuple[int, int]]
    resolver: Resolver
    shared_ports: Mapping[str, tuple[SocketId, int]] | None = None
