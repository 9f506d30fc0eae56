"""A transport of the data plane with the ICE agent that decides for it, as a `Link`."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence

from visavis.dataplane.commands import (
    CloseTransport,
    ConnectTransport,
    OpenTransport,
    RenewDtls,
    TransportId,
)
from visavis.errors import SdpError
from visavis.ice import (
    AgentEvents,
    Candidate,
    CandidateError,
    CandidatePair,
    Credentials,
    Foundations,
    GatheringState,
    IceAgent,
    IceOptions,
    IceState,
    LocalCandidate,
    ice_servers,
)
from visavis.jsep import IceCredentials, RemoteCandidates, Transport
from visavis.rtc.certificate import RTCCertificate
from visavis.rtc.configuration import RTCConfiguration, RTCIceTransportPolicy
from visavis.rtc.dtls_transport import RTCDtlsTransportState
from visavis.rtc.host_names import HostNames
from visavis.rtc.ice_transport import RTCIceTransportState
from visavis.rtc.link_figures import link_figures
from visavis.rtc.loop_plane import LoopPlane
from visavis.rtc.network import (
    AssociationEvents,
    GatheredCandidate,
    LinkEvents,
    LinkFigures,
    MediaPath,
    ServerFailure,
)
from visavis.rtc.network_settings import NetworkSettings
from visavis.rtc.plane_association import PlaneAssociation
from visavis.sdp import Candidate as SdpCandidate

_log = logging.getLogger(__name__)
_TIE_BREAKER_BITS = 64
_KEPT_GENERATIONS = 3
"""Of the peer's candidates: a provisional answer's, the answer's after it, and what a rollback restores."""

_DTLS_STATES = {
    "connecting": RTCDtlsTransportState.CONNECTING,
    "connected": RTCDtlsTransportState.CONNECTED,
    "failed": RTCDtlsTransportState.FAILED,
    "closed": RTCDtlsTransportState.CLOSED,
}


class AgentLink(AgentEvents):
    """One transport: hears the data plane (`TransportEvents`) and the agent (`AgentEvents`)."""

    def __init__(
        self,
        held: LoopPlane,
        id: TransportId,
        certificate: RTCCertificate,
        controlling: bool,
        foundations: Foundations,
        names: HostNames,
        settings: NetworkSettings,
        events: LinkEvents,
        forget: Callable[[], None],
    ) -> None:
        """`forget` gives back the identifier, in the end."""
        self._held = held
        self._id = id
        self._certificate = certificate
        self._controlling = controlling
        self._foundations = foundations
        self._names = names
        self._settings = settings
        self._hides_addresses = False
        self._path_mtu_bytes: int | None = None
        self._events = events
        self._forget = forget
        self._agent: IceAgent | None = None
        self._connected = False
        self._association = 0
        self._data_associations = 0
        self._restoring = False
        self._pooled = False
        self._dtls = RTCDtlsTransportState.NEW
        self._selected: CandidatePair | None = None
        self._remote: dict[str, list[RemoteCandidates]] = {}

    @property
    def id(self) -> TransportId:
        """Its transport of the data plane."""
        return self._id

    @property
    def media_path(self) -> MediaPath | None:
        """Where media travels, once DTLS has its peer."""
        return MediaPath(self._held.plane, self._id) if self._connected else None

    def open_association(
        self, local_port: int, remote_port: int, max_message_bytes: int, events: AssociationEvents
    ) -> PlaneAssociation:
        """Opens the association of data channels, which begins when DTLS is connected."""
        self._data_associations += 1
        return PlaneAssociation(
            self._held.plane,
            self._id,
            self._data_associations,
            local_port,
            remote_port,
            max_message_bytes,
            events,
            path_mtu_bytes=self._path_mtu_bytes,
        )

    async def figures(self, transport_id: str) -> LinkFigures:
        """What the data plane counted and the agent knows; without an answer of the data plane only that."""
        if self._agent is None:
            return LinkFigures()
        return await link_figures(self._held.plane, self._id, self._agent, transport_id)

    def gather(self, credentials: IceCredentials, configuration: RTCConfiguration) -> None:
        """Opens the transport at first, or tells what the pool holds; later a restart."""
        ours = Credentials(credentials.ufrag, credentials.password)
        pooled, self._pooled = self._pooled, False
        self._hides_addresses = configuration.hide_host_addresses
        self._path_mtu_bytes = configuration.path_mtu_bytes
        self._restoring = False
        if self._agent is None:
            self._open(ours, configuration).gather()
        elif pooled:
            self._agent.gather()
        else:
            self._agent.set_options(ice_options(configuration, self._settings))
            self._agent.restart(ours)

    def restore(self, transport: Transport) -> None:
        """The former generation again: its candidates are known to everybody, and are not told again."""
        if self._agent is None:
            return
        self._restoring = True
        self._agent.restart(Credentials(transport.local.ufrag, transport.local.password))
        self.connect(transport)

    def connect(self, transport: Transport) -> None:
        """Tells the data plane of each DTLS association, and the agent of each generation."""
        remote, role = transport.remote, transport.role
        if remote is None or role is None or self._agent is None:
            return
        renews = self._connected and transport.association != self._association
        if not self._connected:
            self._connected = True
            self._held.plane.submit(
                ConnectTransport(self._id, remote.ufrag, remote.password, role, transport.fingerprints)
            )
        self._association = transport.association
        self._take_role(self._agent, transport.controlling)
        self._agent.start(Credentials(remote.ufrag, remote.password), is_another_peer=renews)
        if renews:
            # After the agent, so that it is spoken over paths to this peer.
            self._dtls = RTCDtlsTransportState.NEW
            self._held.plane.submit(RenewDtls(self._id, role, transport.fingerprints))
        for candidates in self._remote.get(remote.ufrag, []):
            self._add(candidates)

    def add_candidates(self, candidates: RemoteCandidates) -> None:
        """Keeps them, since a rollback may bring their generation back."""
        self._remote.setdefault(candidates.ufrag, []).append(candidates)
        if len(self._remote) > _KEPT_GENERATIONS:
            del self._remote[next(iter(self._remote))]
        self._add(candidates)

    def fill_pool(self, credentials: IceCredentials, configuration: RTCConfiguration) -> None:
        """Opens the transport and gathers ahead of need (RFC 9429 section 3.5.4): nothing is told."""
        self._pooled = True
        self._open(Credentials(credentials.ufrag, credentials.password), configuration).fill_pool()

    def leave_pool(self, controlling: bool, events: LinkEvents, forget: Callable[[], None]) -> None:
        """Somebody needs it, in that role: `events` hears of it what `gather` will tell, and what comes
        later."""
        self._events = events
        self._forget = forget
        if self._agent is not None:
            self._take_role(self._agent, controlling)

    def close(self) -> None:
        """Ends the agent, then the transport."""
        if self._agent is not None:
            self._held.unwatch(self._agent.network_changed)
            self._agent.close()
            self._held.plane.submit(CloseTransport(self._id))
        self._forget()

    def _open(self, credentials: Credentials, configuration: RTCConfiguration) -> IceAgent:
        plane = self._held.plane
        plane.on_transport(self._id, self)
        plane.submit(
            OpenTransport(
                self._id,
                credentials.ufrag,
                credentials.password,
                lite=False,
                controlling=self._controlling,
                tie_breaker=secrets.randbits(_TIE_BREAKER_BITS),
                certificate=self._certificate.native,
            )
        )
        self._agent = IceAgent(
            transport=self._id,
            plane=plane,
            clock=self._held.clock,
            machine=self._held.machine,
            events=self,
            credentials=credentials,
            controlling=self._controlling,
            options=ice_options(configuration, self._settings),
            foundations=self._foundations,
        )
        plane.on_ice(self._id, self._agent)
        self._held.watch(self._agent.network_changed)
        return self._agent

    def _take_role(self, agent: IceAgent, controlling: bool) -> None:
        """What a description says; what a conflict has made of it since stands."""
        if controlling is not self._controlling:
            self._controlling = controlling
            agent.set_role(controlling)

    def _add(self, candidates: RemoteCandidates) -> None:
        known = None if self._agent is None else self._agent.remote_credentials
        if self._agent is None or known is None or known.ufrag != candidates.ufrag:
            return
        for attribute in candidates.candidates:
            try:
                self._agent.add_remote(Candidate.from_sdp(attribute))
            except SdpError as error:
                _log.debug("a candidate cannot be used: %s", error)
        if candidates.end:
            self._agent.end_remote()

    # What the agent tells.

    def candidate(self, candidate: LocalCandidate) -> None:
        """`AgentEvents`: a candidate for the peer."""
        if self._restoring or self._agent is None:
            return
        found = candidate.candidate.to_sdp()
        told = self._names.hide(found) if self._hides_addresses else found
        if told is not None:
            ufrag = self._agent.credentials.ufrag
            self._events.candidate(GatheredCandidate(told, ufrag, candidate.url, candidate.relay_protocol))

    def candidate_error(self, error: CandidateError) -> None:
        """`AgentEvents`: a server brought none."""
        address, port = error.host if error.host is not None else (None, None)
        self._events.server_failed(ServerFailure(error.url, error.code, error.text, address, port))

    def gathering_state(self, state: GatheringState) -> None:
        """`AgentEvents`: began, ended."""
        if self._restoring or self._agent is None:
            return
        if state is GatheringState.GATHERING:
            self._events.gathering()
        elif state is GatheringState.COMPLETE:
            self._events.gathered(self._agent.credentials.ufrag)

    def selected_pair(self, pair: CandidatePair) -> None:
        """`AgentEvents`: told with the state, if that changes too; else by itself."""
        self._selected = pair
        asyncio.get_running_loop().call_soon(self._tell_pair, pair)

    def ice_state(self, state: IceState) -> None:
        """`AgentEvents`: the state of the checks."""
        self._events.ice(RTCIceTransportState(state), _sdp_pair(self._selected))

    def role(self, controlling: bool) -> None:
        """`AgentEvents`: a conflict changed who nominates."""
        self._events.role(controlling)

    def restart_wanted(self, reason: str) -> None:
        """`AgentEvents`: the configuration decides."""
        _log.info("ICE needs a restart: %s", reason)
        self._events.restart_wanted(reason)

    # What the data plane reports.

    def transport_state(self, state: str, reason: str) -> None:
        """`TransportEvents`: what is of ICE goes to the agent, what is of DTLS to the connection."""
        if self._agent is not None:
            self._agent.transport_state(state, reason)
        dtls = _DTLS_STATES.get(state)
        if dtls is None or dtls is self._dtls or not _is_of_dtls(state, reason):
            return
        if dtls is RTCDtlsTransportState.CONNECTING and self._dtls is RTCDtlsTransportState.CONNECTED:
            return
        self._dtls = dtls
        certificate = self._held.plane.remote_certificate(self._id)
        self._events.dtls(dtls, reason, () if certificate is None else (certificate,))

    def forwarding(self, slot: int, reason: str) -> None:
        """`TransportEvents`: what a sender sends changed."""

    def audio_levels(self, levels: Sequence[tuple[int, int]]) -> None:
        """`TransportEvents`: who is heard."""

    def _tell_pair(self, pair: CandidatePair) -> None:
        if self._agent is not None and self._agent.selected is pair:
            self._events.ice(RTCIceTransportState(self._agent.state), _sdp_pair(pair))


def ice_options(configuration: RTCConfiguration, settings: NetworkSettings) -> IceOptions:
    """What a configuration and settings mean for an agent."""
    servers = [
        server
        for one in configuration.iceServers
        for server in ice_servers(
            [one.urls] if isinstance(one.urls, str) else one.urls, one.username, one.credential
        )
    ]
    return IceOptions(
        servers=tuple(servers),
        relay_only=configuration.iceTransportPolicy is RTCIceTransportPolicy.RELAY,
        port_range=settings.port_range,
        accept=settings.accept,
        address_mapping=settings.address_mapping,
        tcp=settings.tcp,
    )


def _is_of_dtls(state: str, reason: str) -> bool:
    """A transport fails by ICE, too: then DTLS stays as it is."""
    return state != "failed" or reason.startswith(("dtls", "fingerprint", "thread"))


def _sdp_pair(pair: CandidatePair | None) -> tuple[SdpCandidate, SdpCandidate] | None:
    return None if pair is None else (pair.local.candidate.to_sdp(), pair.remote.to_sdp())
