"""Peers in one process that meet without packets: a network for `RTCPeerConnection`s under test.

Links find each other by the credentials of their descriptions, which links of one offer share, and by their
candidates: two connect once one of them has a candidate of the other and both have the other's credentials,
and compare fingerprints as DTLS does.
"""

import asyncio
from collections.abc import Callable
from itertools import count

from visavis.jsep import IceCredentials, RemoteCandidates, Transport
from visavis.rtc.certificate import RTCCertificate
from visavis.rtc.configuration import RTCConfiguration, RTCIceTransportPolicy
from visavis.rtc.dtls_transport import RTCDtlsTransportState
from visavis.rtc.ice_transport import RTCIceTransportState
from visavis.rtc.network import AssociationEvents, GatheredCandidate, LinkEvents, LinkFigures, MediaPath
from visavis.sdp import Candidate
from visavis.testing.memory_association import MemoryAssociation


class PeerNetworks:
    """A world of links; call it to get one connection's network."""

    def __init__(self) -> None:
        self.links: dict[str, list[MemoryLink]] = {}
        self._ports = count(20_000)
        self._names = count(1)

    def __call__(self) -> "MemoryNetwork":
        """The network of one more connection."""
        return MemoryNetwork(self)

    def new_credentials(self) -> IceCredentials:
        """Credentials that no other link has."""
        number = next(self._names)
        return IceCredentials(f"peer{number}", f"passwordOfThePeer{number:06}")

    def new_port(self) -> int:
        """A port that no other link has."""
        return next(self._ports)


class MemoryNetwork:
    """One connection's links."""

    def __init__(self, world: PeerNetworks) -> None:
        self._world = world
        self.pool_sizes: list[int] = []
        self.closed = False

    def credentials(self, key: int) -> IceCredentials:
        """New credentials."""
        return self._world.new_credentials()

    def open(self, transport: Transport, certificate: RTCCertificate, events: LinkEvents) -> "MemoryLink":
        """A link that can be found."""
        return MemoryLink(self._world, certificate, events)

    def fill_pool(self, configuration: RTCConfiguration, certificate: RTCCertificate) -> None:
        """Notes that it was asked; a link here has its candidate at once."""
        self.pool_sizes.append(configuration.iceCandidatePoolSize)

    def close(self) -> None:
        """Notes that it was closed."""
        self.closed = True


class MemoryLink:
    """One transport; tells its events in later turns of the event loop, as a real one does."""

    def __init__(self, world: PeerNetworks, certificate: RTCCertificate, events: LinkEvents) -> None:
        self._world = world
        self._certificate = certificate
        self._events = events
        self._local: IceCredentials | None = None
        self._remote: Transport | None = None
        self._candidates: dict[str, Candidate] = {}
        self._own: Candidate | None = None
        self._ice = RTCIceTransportState.NEW
        self._dtls = RTCDtlsTransportState.NEW
        self._closed = False
        self.association: MemoryAssociation | None = None
        self._loop = asyncio.get_running_loop()

    async def figures(self, transport_id: str) -> LinkFigures:
        """None: no packet is sent."""
        return LinkFigures()

    def open_association(
        self, local_port: int, remote_port: int, max_message_bytes: int, events: AssociationEvents
    ) -> MemoryAssociation:
        """Meets the peer's, once both are open and DTLS is connected."""
        self.association = MemoryAssociation(events)
        self._later(self._associate)
        return self.association

    @property
    def media_path(self) -> MediaPath | None:
        """None: no packet is sent."""
        return None

    def gather(self, credentials: IceCredentials, configuration: RTCConfiguration) -> None:
        """One host candidate, or with `relay` none."""
        self._local = credentials
        self._world.links.setdefault(credentials.ufrag, []).append(self)
        if configuration.iceTransportPolicy is RTCIceTransportPolicy.RELAY:
            self._later(self._events.gathering)
            self._later(lambda: self._events.gathered(credentials.ufrag))
            return
        own = Candidate("1", 1, "udp", 2130706431, "127.0.0.1", self._world.new_port(), "host")
        self._own = own
        self._later(self._events.gathering)
        self._later(lambda: self._events.candidate(GatheredCandidate(own, credentials.ufrag)))
        self._later(lambda: self._events.gathered(credentials.ufrag))

    def restore(self, transport: Transport) -> None:
        """The former credentials count again."""
        self._local, self._remote = transport.local, transport

    def connect(self, transport: Transport) -> None:
        """The peer is known: meets it, once it knows this one. A new DTLS association begins anew."""
        if self._remote is not None and self._remote.association != transport.association:
            self._ice, self._dtls = RTCIceTransportState.NEW, RTCDtlsTransportState.NEW
            self.association = None
        self._remote = transport
        self._later(self._meet)

    def add_candidates(self, candidates: RemoteCandidates) -> None:
        """The peer can be reached."""
        for candidate in candidates.candidates:
            if candidate.transport.lower() == "udp":
                self._candidates[candidates.ufrag] = candidate
        self._later(self._meet)

    def close(self) -> None:
        """The peer sees it disconnect."""
        peer = self._peer()
        self._closed = True
        for links in self._world.links.values():
            if self in links:
                links.remove(self)
        if peer is not None:
            peer._later(peer._lose)

    def _peer(self) -> "MemoryLink | None":
        remote = self._remote.remote if self._remote is not None else None
        for link in () if remote is None else self._world.links.get(remote.ufrag, ()):
            if link._local == remote and (self._knows(link) or link._knows(self)):
                return link
        return None

    def _knows(self, link: "MemoryLink") -> bool:
        return link._own in self._candidates.values()

    def _meet(self) -> None:
        if self._remote is None or self._remote.remote is None:
            return
        has_candidate = self._remote.remote.ufrag in self._candidates
        if has_candidate and self._ice is RTCIceTransportState.NEW:
            self._set_ice(RTCIceTransportState.CHECKING)
        peer = self._peer()
        if peer is None or peer._peer() is not self:
            return
        for one in (self, peer):
            one._connect_to(peer if one is self else self)

    def _connect_to(self, peer: "MemoryLink") -> None:
        if self._ice is RTCIceTransportState.NEW:
            self._set_ice(RTCIceTransportState.CHECKING)
        if self._ice is not RTCIceTransportState.CONNECTED and self._own and peer._own:
            self._ice = RTCIceTransportState.CONNECTED
            self._events.ice(self._ice, (self._own, peer._own))
        if self._dtls is RTCDtlsTransportState.NEW and self._remote is not None:
            self._set_dtls(RTCDtlsTransportState.CONNECTING)
            trusted = peer._certificate.fingerprint in self._remote.fingerprints
            self._set_dtls(
                RTCDtlsTransportState.CONNECTED if trusted else RTCDtlsTransportState.FAILED,
                "" if trusted else "fingerprint-mismatch",
            )

    def _associate(self) -> None:
        peer = self._peer()
        if peer is None or self.association is None or peer.association is None:
            return
        if self._dtls is peer._dtls is RTCDtlsTransportState.CONNECTED:
            self.association.meet(peer.association)

    def _lose(self) -> None:
        self._set_dtls(RTCDtlsTransportState.CLOSED, "close-notify")

    def _set_ice(self, state: RTCIceTransportState) -> None:
        self._ice = state
        self._events.ice(state, None)

    def _set_dtls(self, state: RTCDtlsTransportState, reason: str = "") -> None:
        self._dtls = state
        self._events.dtls(state, reason, ())
        if state is RTCDtlsTransportState.CONNECTED:
            self._associate()
        elif state is RTCDtlsTransportState.CLOSED and self.association is not None:
            self.association.lose()

    def _later(self, call: Callable[[], None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon(lambda: None if self._closed else call())
