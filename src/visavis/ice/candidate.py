"""Candidates (RFC 8445 section 5.1): types, priorities, foundations, and their SDP line (RFC 8839 section
5.1)."""

import ipaddress
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, Literal, Self

from visavis import sdp
from visavis.dataplane.commands import Address, SocketId
from visavis.errors import SdpError

COMPONENT: Final = 1
"""RTP and RTCP share it (RFC 5761): there is no other."""


class CandidateType(StrEnum):
    """RTCIceCandidateType (RFC 8445 section 5.1.1)."""

    HOST = "host"
    SERVER_REFLEXIVE = "srflx"
    PEER_REFLEXIVE = "prflx"
    RELAYED = "relay"


TYPE_PREFERENCES: Final = {
    CandidateType.HOST: 126,
    CandidateType.PEER_REFLEXIVE: 110,
    CandidateType.SERVER_REFLEXIVE: 100,
    CandidateType.RELAYED: 0,
}
"""RFC 8445 section 5.1.2.2."""

CandidateProtocol = Literal["udp", "tcp"]

TcpType = Literal["active", "passive"]
"""Who opens the stream (RFC 6544 section 4.5). Nobody gathers `so`, simultaneous-open ones."""

TCP_TYPES: Final[tuple[TcpType, ...]] = ("active", "passive")
OTHER_TCP_TYPE: Final[dict[str | None, TcpType]] = {"active": "passive", "passive": "active"}
"""What the peer's end of a stream is."""

DISCARD_PORT: Final = 9
"""That of active candidates, which have none to be reached at (RFC 6544 section 4.5)."""

TCP_TYPE_PREFERENCES: Final = {
    CandidateType.HOST: 90,
    CandidateType.PEER_REFLEXIVE: 80,
    CandidateType.SERVER_REFLEXIVE: 75,
}
"""Below all UDP that is not relayed (RFC 6544 section 4.2)."""

MAX_LOCAL_PREFERENCE: Final = 65535
MAX_TCP_LOCAL_PREFERENCE: Final = 8191
_DIRECTION_PREFERENCES: Final[dict[TcpType, int]] = {"active": 6, "passive": 4}
_LONGEST_IP_ADDRESS: Final = 45


def candidate_priority(
    type_: CandidateType, local_preference: int, protocol: CandidateProtocol = "udp"
) -> int:
    """RFC 8445 section 5.1.2.1, for component 1."""
    preferences = TYPE_PREFERENCES if protocol == "udp" else TCP_TYPE_PREFERENCES
    return (preferences[type_] << 24) + (local_preference << 8) + (256 - COMPONENT)


def tcp_local_preference(tcp_type: TcpType, other: int) -> int:
    """RFC 6544 section 4.2: `other`, 0 to 8191, orders those of one direction."""
    return (_DIRECTION_PREFERENCES[tcp_type] << 13) + other


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate as one peer tells the other; `address` may be an mDNS name.

    `protocol` is `udp` or `tcp`; `tcp_type` is of RFC 6544 section 4.5; `ufrag` tells the generation (RFC
    8838 section 11).
    """

    foundation: str
    priority: int
    address: str
    port: int
    type: CandidateType
    component: int = COMPONENT
    protocol: CandidateProtocol = "udp"
    related: Address | None = None
    tcp_type: str | None = None
    ufrag: str | None = None

    @property
    def transport_address(self) -> Address:
        """Where it is."""
        return self.address, self.port

    @property
    def is_relayed(self) -> bool:
        """Whether a TURN server stands between."""
        return self.type is CandidateType.RELAYED

    def to_sdp(self) -> sdp.Candidate:
        """The attribute, with `generation`, `ufrag` and `tcptype` where they are known."""
        extensions: list[tuple[str, str]] = []
        if self.tcp_type is not None:
            extensions.append(("tcptype", self.tcp_type))
        if self.ufrag is not None:
            extensions.append(("ufrag", self.ufrag))
        host, port = self.related if self.related is not None else (None, None)
        return sdp.Candidate(
            foundation=self.foundation,
            component=self.component,
            transport=self.protocol,
            priority=self.priority,
            address=self.address,
            port=self.port,
            type=self.type,
            related_address=host,
            related_port=port,
            extensions=tuple(extensions),
        )

    @classmethod
    def from_sdp(cls, attribute: sdp.Candidate) -> Self:
        """Reads what the peer described.

        Raises:
            SdpError: The transport or the type is none that this agent knows (RFC 8839 section 5.1 has it
                ignored), or the priority is 0.
        """
        protocol = attribute.transport.lower()
        if protocol not in ("udp", "tcp"):
            raise SdpError(f"candidate transport {attribute.transport!r} is neither udp nor tcp")
        try:
            type_ = CandidateType(attribute.type.lower())
        except ValueError:
            raise SdpError(
                f"candidate type {attribute.type!r} is none of {', '.join(CandidateType)}"
            ) from None
        if not 0 < attribute.priority < 1 << 31:
            raise SdpError(f"candidate priority {attribute.priority} is no number from 1 to 2^31 - 1")
        extensions = dict(attribute.extensions)
        related: Address | None = None
        if attribute.related_address is not None and attribute.related_port is not None:
            related = (attribute.related_address, attribute.related_port)
        return cls(
            foundation=attribute.foundation,
            priority=attribute.priority,
            address=attribute.address,
            port=attribute.port,
            type=type_,
            component=attribute.component,
            protocol="udp" if protocol == "udp" else "tcp",
            related=related,
            tcp_type=extensions.get("tcptype"),
            ufrag=extensions.get("ufrag"),
        )

    @classmethod
    def parse_untrusted(cls, text: str) -> Self:
        """Reads the `candidate` of an RTCIceCandidateInit; raises `SdpError`."""
        return cls.from_sdp(sdp.parse_candidate(text))


@dataclass(frozen=True, slots=True)
class LocalCandidate:
    """One of our candidates: `socket` sends for it, from `base` (RFC 8445 section 5.1.1.2).

    `local_preference` is the middle of its priority. `url` and `relay_protocol` are those of RTCIceCandidate:
    the server that it came from, and how that is reached.
    """

    candidate: Candidate
    socket: SocketId
    base: Address
    local_preference: int
    url: str | None = None
    relay_protocol: str | None = None

    @property
    def check_priority(self) -> int:
        """The PRIORITY of checks (RFC 8445 section 7.1.1): that of a peer-reflexive candidate."""
        return candidate_priority(
            CandidateType.PEER_REFLEXIVE, self.local_preference, self.candidate.protocol
        )

    @property
    def is_base(self) -> bool:
        """Whether it sends by itself; server-reflexive ones are replaced by their base (section 6.1.2.4)."""
        return self.candidate.type in (CandidateType.HOST, CandidateType.RELAYED)


class Foundations:
    """Numbers for the foundations of RFC 8445 section 5.1.1.3: the same for the same type, base, server and
    protocol.

    They are counted and not hashed, since a hash would tell the base. Transports of one connection share it.
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[CandidateType, str, str, CandidateProtocol], int] = {}

    def of(
        self, type_: CandidateType, base: str, server: str = "", protocol: CandidateProtocol = "udp"
    ) -> str:
        """The foundation of a candidate by the IP address of its base and of its server."""
        return str(self._numbers.setdefault((type_, base, server, protocol), len(self._numbers) + 1))


def ip_version(address: str) -> int | None:
    """4 or 6; None for what cannot be paired: names, and addresses that are no host's (with a zone,
    multicast, broadcast, unspecified, IPv4 mapped into IPv6)."""
    return _ip_version(address) if len(address) <= _LONGEST_IP_ADDRESS else None


@lru_cache(maxsize=1024)
def _ip_version(address: str) -> int | None:
    """Remembered, since each pair of candidates asks for both of its addresses."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    if parsed.is_multicast or parsed.is_unspecified or address == "255.255.255.255":
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and (parsed.ipv4_mapped or parsed.scope_id):
        return None
    return parsed.version
