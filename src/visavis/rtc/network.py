"""What a connection needs of the world: transports, each ICE and DTLS over sockets. Tests bring their own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from visavis.dataplane import Arrivals, Plane
from visavis.dataplane.commands import TransportId
from visavis.jsep import IceCredentials, RemoteCandidates, Transport
from visavis.rtc.certificate import RTCCertificate
from visavis.rtc.configuration import RTCConfiguration
from visavis.rtc.dtls_transport import RTCDtlsTransportState
from visavis.rtc.ice_transport import RTCIceTransportState
from visavis.sdp import Candidate


@dataclass(frozen=True, slots=True)
class GatheredCandidate:
    """A local candidate of the generation that `ufrag` names; a server that gave it is told by its `url`."""

    candidate: Candidate
    ufrag: str
    url: str | None = None
    relay_protocol: str | None = None


@dataclass(frozen=True, slots=True)
class ServerFailure:
    """A STUN or TURN server failed (`RTCPeerConnectionIceErrorEvent`)."""

    url: str
    code: int
    text: str
    address: str | None = None
    port: int | None = None


class LinkEvents(Protocol):
    """Who hears what becomes of a link, on the event loop's thread."""

    def gathering(self) -> None:
        """A generation of candidates is being gathered."""

    def candidate(self, gathered: GatheredCandidate) -> None:
        """A candidate was found."""

    def gathered(self, ufrag: str) -> None:
        """No more candidates of this generation come."""

    def server_failed(self, failure: ServerFailure) -> None:
        """A server did not help."""

    def role(self, controlling: bool) -> None:
        """A conflict changed who nominates (RFC 8445 section 7.3.1.1)."""

    def ice(self, state: RTCIceTransportState, pair: tuple[Candidate, Candidate] | None) -> None:
        """The state of the checks, and the pair in use (ours, the peer's)."""

    def restart_wanted(self, reason: str) -> None:
        """The machine's network changed such that only an ICE restart helps."""

    def dtls(self, state: RTCDtlsTransportState, reason: str, certificates: tuple[bytes, ...]) -> None:
        """The state of the handshake: a word about why, and what the peer showed, in DER."""


@dataclass(frozen=True, slots=True)
class MediaPath:
    """Where the media of a transport travels."""

    plane: Plane
    transport: TransportId


@dataclass(frozen=True, slots=True)
class LinkFigures:
    """Figures of a transport: what the data plane has counted, by webrtc-stats' names, whole and by stream;
    candidates and pairs as dictionaries of webrtc-stats."""

    transport: Mapping[str, int | float | str] = field(default_factory=dict[str, int | float | str])
    received: Sequence[Mapping[str, int | float | str]] = ()
    sent: Sequence[Mapping[str, int | float | str]] = ()
    ice: Sequence[Mapping[str, object]] = ()
    selected_pair_id: str | None = None
    selected_pair_changes: int = 0


class AssociationEvents(Protocol):
    """Who hears what becomes of an SCTP association, on the event loop's thread."""

    def association_state(self, state: str, reason: str, inbound: int, outbound: int) -> None:
        """`connected` with so many streams, `closed` or `failed`; a word about why."""

    def messages_ready(self) -> None:
        """Something waits; told once, until `read_messages` has said that no more waits."""


class Association(Protocol):
    """The SCTP association of a link (RFC 8831)."""

    def send_message(
        self,
        stream: int,
        ppid: int,
        data: bytes,
        *,
        ordered: bool,
        max_retransmits: int | None,
        lifetime_ms: int | None,
        priority: int,
    ) -> bool:
        """Queues a message; False: too much waits, or it is over."""
        ...

    def read_messages(self) -> Arrivals:
        """Takes some of what waits."""
        ...

    def release_messages(self, count_bytes: int) -> None:
        """So much of what was read is consumed: the peer may send as much again."""

    def reset_streams(self, *streams: int) -> None:
        """Resets our side of streams, after what is queued on them (RFC 6525)."""

    def close(self) -> None:
        """Aborts it; nothing is told any more."""


class Link(Protocol):
    """One transport."""

    def open_association(
        self, local_port: int, remote_port: int, max_message_bytes: int, events: AssociationEvents
    ) -> Association:
        """Opens the SCTP association of data channels; it begins when DTLS is connected."""
        ...

    async def figures(self, transport_id: str) -> LinkFigures:
        """Figures as they are now, in bounded time; `transport_id` begins the ids of what belongs to it."""
        ...

    @property
    def media_path(self) -> MediaPath | None:
        """Where its media travels; None before it is connected, and in a network that carries none."""
        ...

    def gather(self, credentials: IceCredentials, configuration: RTCConfiguration) -> None:
        """Gathers candidates: at first, and with new credentials for a restart (RFC 8445 section 9)."""

    def restore(self, transport: Transport) -> None:
        """A restart was rolled back: the former credentials count again, nothing is gathered."""

    def connect(self, transport: Transport) -> None:
        """The peer's credentials, fingerprints or our DTLS role are known, or are others."""

    def add_candidates(self, candidates: RemoteCandidates) -> None:
        """The peer signaled candidates, or their end."""

    def close(self) -> None:
        """Ends it, in bounded time; nothing is told any more."""


class Network(Protocol):
    """Where a connection gets its links."""

    def credentials(self, key: int) -> IceCredentials:
        """New ICE credentials for the transport of that key (RFC 8839 section 5.4)."""
        ...

    def open(self, transport: Transport, certificate: RTCCertificate, events: LinkEvents) -> Link:
        """Opens a transport that has had its credentials from here."""
        ...

    def fill_pool(self, configuration: RTCConfiguration, certificate: RTCCertificate) -> None:
        """Gathers for `iceCandidatePoolSize` transports ahead of need (RFC 9429 section 3.5.4), anew when
        the configuration would gather other candidates than the pool has."""

    def close(self) -> None:
        """The connection is closed: what it has held is given back, its links have been closed."""


OpenNetwork = Callable[[], Network]
"""Called on the event loop's thread, when a connection first needs the world."""
