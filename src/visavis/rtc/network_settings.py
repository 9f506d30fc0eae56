"""How connections use the machine's network, beyond what RTCConfiguration says: no part of the standard."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from visavis.ice import InterfaceFilter, TcpType, every_interface
from visavis.ice.candidate import TCP_TYPES


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """What any number of connections have in common: `RTCPeerConnection(configuration, settings=settings)`.

    Attributes:
        port_range: First and last port of host candidates, UDP and passive TCP ones; None is the system's
            choice.
        accept: Which interfaces are used.
        address_mapping: The public address of a NAT that forwards all ports (1:1), by private address.
        tcp: Which TCP candidates are gathered (RFC 6544): `active`, `passive`, both or none.
    """

    port_range: tuple[int, int] | None = None
    accept: InterfaceFilter = every_interface
    address_mapping: Mapping[str, str] = field(default_factory=dict[str, str])
    tcp: tuple[TcpType, ...] = TCP_TYPES
