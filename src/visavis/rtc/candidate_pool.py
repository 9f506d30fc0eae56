"""The candidate pool (RFC 9429 section 3.5.4): transports that gather before a description needs them."""

from functools import partial
from typing import Final

from visavis.ice import Foundations, IceOptions
from visavis.jsep import IceCredentials, Transport
from visavis.rtc.agent_link import AgentLink, ice_options
from visavis.rtc.certificate import RTCCertificate
from visavis.rtc.configuration import RTCConfiguration
from visavis.rtc.dtls_transport import RTCDtlsTransportState
from visavis.rtc.host_names import HostNames
from visavis.rtc.ice_transport import RTCIceTransportState
from visavis.rtc.loop_plane import LoopPlane
from visavis.rtc.network import GatheredCandidate, ServerFailure
from visavis.rtc.network_settings import NetworkSettings
from visavis.sdp import Candidate

MAX_POOLED: Final = 16
"""`iceCandidatePoolSize` may ask for 255; each transport costs sockets, and allocations of TURN servers."""


class _Nobody:
    """Hears a pooled link (`LinkEvents`): its agent keeps what it has to tell until it is needed."""

    def gathering(self) -> None:
        """Kept by the agent."""

    def candidate(self, gathered: GatheredCandidate) -> None:
        """Kept by the agent."""

    def gathered(self, ufrag: str) -> None:
        """Kept by the agent."""

    def server_failed(self, failure: ServerFailure) -> None:
        """Kept by the agent."""

    def role(self, controlling: bool) -> None:
        """Comes of checks only, which nobody sends yet."""

    def ice(self, state: RTCIceTransportState, pair: tuple[Candidate, Candidate] | None) -> None:
        """`closed`, when the pool is drained."""

    def restart_wanted(self, reason: str) -> None:
        """Comes of a connection only, which it has not got."""

    def dtls(self, state: RTCDtlsTransportState, reason: str, certificates: tuple[bytes, ...]) -> None:
        """Comes after checks only."""


class CandidatePool:
    """The pooled links of one connection.

    All have one pair of credentials, as all transports of an offer do. They are opened in the offerer's role
    (RFC 8445 section 6.1.1); one that an answer needs takes the other before any check is sent.
    """

    def __init__(
        self, held: LoopPlane, foundations: Foundations, names: HostNames, settings: NetworkSettings
    ) -> None:
        self._held = held
        self._settings = settings
        self._names = names
        self._foundations = foundations
        self._links: list[AgentLink] = []
        self._credentials: IceCredentials | None = None
        self._options: IceOptions | None = None

    @property
    def credentials(self) -> IceCredentials | None:
        """What a transport has to be called to be served from the pool; None when it is empty."""
        return self._credentials if self._links else None

    def fill(self, configuration: RTCConfiguration, certificate: RTCCertificate) -> None:
        """Brings the pool to the size that is asked for; what was gathered from other servers, or by another
        policy, is dropped. An offer that was made of its credentials finds it empty, and gathers."""
        options = ice_options(configuration, self._settings)
        if options != self._options:
            self.drain()
            self._options = options
        size = min(configuration.iceCandidatePoolSize, MAX_POOLED)
        while len(self._links) > size:
            self._links.pop().close()
        while len(self._links) < size:
            self._links.append(self._new(configuration, certificate))

    def take(self, transport: Transport) -> AgentLink | None:
        """The link for a transport, which `gather`s next; None when none fits."""
        if not self._links or transport.local != self._credentials:
            return None
        return self._links.pop(0)

    def drain(self) -> None:
        """Ends what nobody took; idempotent."""
        while self._links:
            self._links.pop().close()
        self._credentials = None

    def _new(self, configuration: RTCConfiguration, certificate: RTCCertificate) -> AgentLink:
        plane = self._held.plane
        id = plane.new_transport()
        if self._credentials is None:
            self._credentials = IceCredentials(plane.new_ufrag(id), plane.new_password())
        link = AgentLink(
            self._held,
            id,
            certificate,
            True,
            self._foundations,
            self._names,
            self._settings,
            _Nobody(),
            partial(plane.forget, id),
        )
        link.fill_pool(self._credentials, configuration)
        return link
