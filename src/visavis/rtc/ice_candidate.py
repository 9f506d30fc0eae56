"""RTCIceCandidate (webrtc-pc section 4.8.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Self

from visavis.errors import SdpError
from visavis.rtc import idl
from visavis.rtc.idl import UnsignedShort
from visavis.sdp import Candidate, parse_candidate


class RTCIceComponent(StrEnum):
    """What a candidate carries."""

    RTP = "rtp"
    RTCP = "rtcp"


class RTCIceProtocol(StrEnum):
    """A candidate's transport."""

    UDP = "udp"
    TCP = "tcp"


class RTCIceCandidateType(StrEnum):
    """How an address was learnt (RFC 8445 section 5.1.1)."""

    HOST = "host"
    SRFLX = "srflx"
    PRFLX = "prflx"
    RELAY = "relay"


class RTCIceTcpCandidateType(StrEnum):
    """Who opens a TCP connection (RFC 6544 section 4.5)."""

    ACTIVE = "active"
    PASSIVE = "passive"
    SO = "so"


class RTCIceServerTransportProtocol(StrEnum):
    """How a TURN server is reached."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


@dataclass(slots=True)
class RTCIceCandidateInit:
    """A candidate as it travels. An empty `candidate` is the end of candidates (RFC 8838 section 13)."""

    candidate: str = ""
    sdpMid: str | None = None
    sdpMLineIndex: UnsignedShort | None = None
    usernameFragment: str | None = None


@dataclass(slots=True)
class RTCLocalIceCandidateInit(RTCIceCandidateInit):
    """A candidate of this side, with where it was gathered."""

    relayProtocol: RTCIceServerTransportProtocol | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class _Parsed:
    """The fields of a well-formed candidate, as the interface has them."""

    candidate: Candidate
    component: RTCIceComponent
    protocol: RTCIceProtocol
    type: RTCIceCandidateType
    tcp_type: RTCIceTcpCandidateType | None


class RTCIceCandidate:
    """A candidate; the attributes from `foundation` on are None where its text is not well-formed."""

    def __init__(
        self, candidateInitDict: RTCLocalIceCandidateInit | Mapping[str, object] | None = None
    ) -> None:
        """Reads the text, and does not judge it.

        Raises:
            TypeError: Neither `sdpMid` nor `sdpMLineIndex` is there.
        """
        init = idl.dictionary(RTCLocalIceCandidateInit, candidateInitDict)
        if init.sdpMid is None and init.sdpMLineIndex is None:
            raise TypeError("a candidate needs sdpMid or sdpMLineIndex")
        self._init = init

    @classmethod
    def of(cls, init: RTCLocalIceCandidateInit) -> Self:
        """One of this library's making, with nothing to convert; `init` is its own from now on."""
        candidate = cls.__new__(cls)
        candidate._init = init
        return candidate

    @property
    def candidate(self) -> str:
        """The `candidate:` attribute (RFC 8839 section 5.1); empty for the end of candidates."""
        return self._init.candidate

    @property
    def sdpMid(self) -> str | None:
        """The mid of the m-line that it is for."""
        return self._init.sdpMid

    @property
    def sdpMLineIndex(self) -> int | None:
        """The number of the m-line that it is for, the first is 0."""
        return self._init.sdpMLineIndex

    @property
    def usernameFragment(self) -> str | None:
        """The ICE user name fragment, which tells the generation."""
        return self._init.usernameFragment

    @property
    def relayProtocol(self) -> RTCIceServerTransportProtocol | None:
        """For a local relayed candidate: how the TURN server is reached."""
        return self._init.relayProtocol

    @property
    def url(self) -> str | None:
        """For a local candidate from a server: the server."""
        return self._init.url

    @property
    def foundation(self) -> str | None:
        """What candidates of one kind, base and server have in common."""
        return self._parsed.candidate.foundation if self._parsed else None

    @property
    def component(self) -> RTCIceComponent | None:
        """RTP or RTCP."""
        return self._parsed.component if self._parsed else None

    @property
    def priority(self) -> int | None:
        """The priority (RFC 8445 section 5.1.2)."""
        return self._parsed.candidate.priority if self._parsed else None

    @property
    def address(self) -> str | None:
        """The IP address, or a name."""
        return self._parsed.candidate.address if self._parsed else None

    @property
    def protocol(self) -> RTCIceProtocol | None:
        """UDP or TCP."""
        return self._parsed.protocol if self._parsed else None

    @property
    def port(self) -> int | None:
        """The port."""
        return self._parsed.candidate.port if self._parsed else None

    @property
    def type(self) -> RTCIceCandidateType | None:
        """How the address was learnt."""
        return self._parsed.type if self._parsed else None

    @property
    def tcpType(self) -> RTCIceTcpCandidateType | None:
        """For TCP: who opens the connection."""
        return self._parsed.tcp_type if self._parsed else None

    @property
    def relatedAddress(self) -> str | None:
        """The address that this one was derived from."""
        return self._parsed.candidate.related_address if self._parsed else None

    @property
    def relatedPort(self) -> int | None:
        """The port that this one was derived from."""
        return self._parsed.candidate.related_port if self._parsed else None

    def toJSON(self) -> dict[str, str | int | None]:
        """What is to be signaled, as a dict ready for `json.dumps`."""
        init = self._init
        return {
            "candidate": init.candidate,
            "sdpMid": init.sdpMid,
            "sdpMLineIndex": init.sdpMLineIndex,
            "usernameFragment": init.usernameFragment,
        }

    @cached_property
    def _parsed(self) -> _Parsed | None:
        return _parse_untrusted(self._init.candidate)

    def __repr__(self) -> str:
        """The text and the m-line."""
        where = self.sdpMid if self.sdpMid is not None else self.sdpMLineIndex
        return f"<RTCIceCandidate {self.candidate!r} for {where}>"


def _parse_untrusted(text: str) -> _Parsed | None:
    if not text:
        return None
    try:
        candidate = parse_candidate(text)
        tcp_type = dict(candidate.extensions).get("tcptype")
        protocol = RTCIceProtocol(candidate.transport.lower())
        return _Parsed(
            candidate,
            (RTCIceComponent.RTP, RTCIceComponent.RTCP)[candidate.component - 1],
            protocol,
            RTCIceCandidateType(candidate.type),
            RTCIceTcpCandidateType(tcp_type)
            if protocol is RTCIceProtocol.TCP and tcp_type is not None
            else None,
        )
    except (SdpError, ValueError, IndexError):
        return None
