"""How connections use the machine's network, beyond what RTCConfiguration says: no part of the standard."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from visavis.ice import InterfaceFilter, TcpType, every_interface

_LAST_PORT: Final = 65535


@dataclass(frozen=True, slots=True, eq=False)
class NetworkSettings:
    """What any number of connections have in common: `RTCPeerConnection(configuration, settings=settings)`.

    Attributes:
        port_range: First and last port of host candidates, UDP and passive TCP ones; None is the system's
            choice.
        accept: Which interfaces are used.
        address_mapping: The public address of a NAT that forwards all ports (1:1), by private address.
        tcp: Which TCP candidates are gathered (RFC 6544): `active`, `passive`, both or none. Passive ones
            listen, and each costs its share of every connection: none unless they are asked for.
        udp_port: All connections of an event loop that have these settings share this UDP port, on each
            address that there is when the first begins; 0 is a port of the system's choice. Checks tell by
            their user name whose they are. None: each transport has ports of its own.
    """

    port_range: tuple[int, int] | None = None
    accept: InterfaceFilter = every_interface
    address_mapping: Mapping[str, str] = field(default_factory=dict[str, str])
    tcp: tuple[TcpType, ...] = ()
    udp_port: int | None = None

    def __post_init__(self) -> None:
        """Raises `ValueError` for ports that there are not, and for none to choose from."""
        low, high = self.port_range or (1, 1)
        if not 0 < low <= high <= _LAST_PORT:
            raise ValueError(f"port_range {self.port_range} is not from a port to one that is no less")
        if self.udp_port is not None and not 0 <= self.udp_port <= _LAST_PORT:
            raise ValueError(f"udp_port {self.udp_port} is no port")
