"""One transport of a connection: the W3C objects, the link under them, and what its events do."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from visavis.events import Event
from visavis.jsep import (
    DataSection,
    IceCredentials,
    Session,
    Transceiver,
    Transport,
    add_local_candidate,
    end_local_candidates,
)
from visavis.rtc.configuration import NetworkChange
from visavis.rtc.dtls_transport import RTCDtlsTransport, RTCDtlsTransportState
from visavis.rtc.error import RTCError, RTCErrorDetailType, RTCErrorEvent, RTCErrorInit
from visavis.rtc.ice_candidate import (
    RTCIceCandidate,
    RTCIceServerTransportProtocol,
    RTCLocalIceCandidateInit,
)
from visavis.rtc.ice_events import RTCPeerConnectionIceErrorEvent, RTCPeerConnectionIceEvent
from visavis.rtc.ice_transport import (
    RTCIceCandidatePair,
    RTCIceGathererState,
    RTCIceParameters,
    RTCIceRole,
    RTCIceTransport,
    RTCIceTransportState,
)
from visavis.rtc.network import GatheredCandidate, Link, LinkFigures, ServerFailure
from visavis.sdp import Candidate

if TYPE_CHECKING:
    from visavis.rtc.connection import Connection

_FINGERPRINT = "fingerprint"
_ALERT = "dtls-alert-"


class BoundTransport:
    """One transport of a connection; hears its link (`LinkEvents`) and does what the W3C says then."""

    def __init__(self, connection: "Connection", key: int) -> None:
        self.ice_transport = RTCIceTransport()
        self.dtls_transport = RTCDtlsTransport(self.ice_transport)
        self.link: Link | None = None
        self.key = key
        self._connection = connection
        self._generations: set[str] = set()
        self._controlling: bool | None = None

    async def figures(self, transport_id: str) -> LinkFigures:
        """What its link has counted; nothing once it is closed."""
        return LinkFigures() if self.link is None else await self.link.figures(transport_id)

    def gather(self, link: Link, credentials: IceCredentials) -> None:
        """Begins to gather a generation of candidates."""
        self._generations.add(credentials.ufrag)
        link.gather(credentials, self._connection.configuration)

    def restore(self, link: Link, transport: Transport) -> None:
        """A restart was rolled back."""
        self._generations.clear()
        link.restore(transport)

    def gathering(self) -> None:
        """Section 5.6.1, "it began gathering a generation of candidates"."""
        self._queue(lambda: self._set_gathering(RTCIceGathererState.GATHERING))

    def candidate(self, gathered: GatheredCandidate) -> None:
        """Section 5.6.1, "a new ICE candidate is available"."""

        def surface() -> bool:
            connection = self._connection
            connection.replace(add_local_candidate(connection.session, self.key, gathered.candidate))
            candidate = self._local_candidate(
                f"candidate:{gathered.candidate}", gathered.ufrag, gathered.url, gathered.relay_protocol
            )
            self.ice_transport.add_local(candidate)
            return self._fire_candidate(candidate, gathered.url)

        self._queue(surface)

    def gathered(self, ufrag: str) -> None:
        """Section 5.6.1, "the ICE Agent is finished gathering a generation of candidates"."""

        def end() -> bool:
            connection = self._connection
            connection.replace(end_local_candidates(connection.session, self.key))
            return self._fire_candidate(self._local_candidate("", ufrag), None)

        def complete() -> bool:
            return self._set_gathering(RTCIceGathererState.COMPLETE)

        self._generations.discard(ufrag)
        self._queue(end)
        if not self._generations:
            self._queue(complete)

    def server_failed(self, failure: ServerFailure) -> None:
        """Section 4.8.3."""
        event = RTCPeerConnectionIceErrorEvent(
            "icecandidateerror",
            {
                "address": failure.address,
                "port": failure.port,
                "url": failure.url,
                "errorCode": failure.code,
                "errorText": failure.text,
            },
        )
        self._queue(lambda: self._connection.target.fire(event))

    def role(self, controlling: bool) -> None:
        """Section 5.6.1, "the ICE role has changed"."""
        role = RTCIceRole.CONTROLLING if controlling else RTCIceRole.CONTROLLED
        self._queue(lambda: self.ice_transport.set_role(role))

    def ice(self, state: RTCIceTransportState, pair: tuple[Candidate, Candidate] | None) -> None:
        """Section 5.6.1, "the steps to change the selected candidate pair and state"."""

        def change() -> bool:
            ice = self.ice_transport
            selected = None if pair is None else self._pair(*pair)
            pair_changed = not _same_pair(selected, ice.getSelectedCandidatePair())
            state_changed = state is not ice.state
            if pair_changed:
                ice.set_selected(selected)
            ice.set_state(state)
            fire_states = self._connection.derive_states()
            called = pair_changed and ice.fire(Event("selectedcandidatepairchange"))
            called |= state_changed and ice.fire(Event("statechange"))
            return fire_states() or called

        self._queue(change)

    def restart_wanted(self, reason: str) -> None:
        """The next offer restarts ICE, and `negotiationneeded` asks for it, where the program leaves that to
        the connection (`network_change`)."""
        connection = self._connection
        if connection.configuration.network_change is NetworkChange.RESTART:
            self._queue(connection.restart_ice)

    def dtls(self, state: RTCDtlsTransportState, reason: str, certificates: tuple[bytes, ...]) -> None:
        """Section 5.5, and "update the connection state" (section 4.4.1.3)."""

        def change() -> bool:
            dtls = self.dtls_transport
            if certificates:
                dtls.set_remote_certificates(certificates)
            if state is dtls.state:
                return False
            dtls.set_state(state)
            fire_states = self._connection.derive_states()
            called = state is RTCDtlsTransportState.CLOSED and self._connection.mute_receivers(self.key)
            if state is RTCDtlsTransportState.FAILED:
                detail = (
                    RTCErrorDetailType.FINGERPRINT_FAILURE
                    if _FINGERPRINT in reason
                    else RTCErrorDetailType.DTLS_FAILURE
                )
                init = RTCErrorInit(detail, receivedAlert=_received_alert(reason))
                error = RTCError(init, f"DTLS failed: {reason}")
                called |= dtls.fire(RTCErrorEvent("error", {"error": error}))
            called |= dtls.fire(Event("statechange"))
            return fire_states() or called

        self._queue(change)

    def follow(self, transport: Transport) -> None:
        """A description was set: credentials and role as they are now."""
        ice = self.ice_transport
        if transport.controlling is not self._controlling:  # else what a conflict has made of it stands
            self._controlling = transport.controlling
            ice.set_role(RTCIceRole.CONTROLLING if transport.controlling else RTCIceRole.CONTROLLED)
        ice.set_local_parameters(RTCIceParameters(transport.local.ufrag, transport.local.password))
        remote = transport.remote
        ice.set_remote_parameters(None if remote is None else RTCIceParameters(remote.ufrag, remote.password))

    def close(self) -> None:
        """Ends the link; the objects are closed, and fire nothing."""
        self.close_link()
        self.set_closed()

    def close_link(self) -> None:
        """Ends the link: it tells nothing any more."""
        if self.link is not None:
            self.link.close()
            self.link = None

    def set_closed(self) -> None:
        """The objects say that they are closed."""
        self.dtls_transport.set_state(RTCDtlsTransportState.CLOSED)
        self.ice_transport.set_state(RTCIceTransportState.CLOSED)

    def _set_gathering(self, state: RTCIceGathererState) -> bool:
        if self.ice_transport.gatheringState is state:
            return False
        self.ice_transport.set_gathering_state(state)
        fire_states = self._connection.derive_states()
        called = self.ice_transport.fire(Event("gatheringstatechange"))
        return fire_states() or called

    def _queue(self, task: Callable[[], object]) -> None:
        """Queues what a link told; it is void once the transport is gone."""
        self._connection.tasks.queue(lambda: False if self.link is None else task())

    def _local_candidate(
        self, text: str, ufrag: str, url: str | None = None, relay_protocol: str | None = None
    ) -> RTCIceCandidate:
        mid, index = section_of(self._connection.session, self.key)
        protocol = None if relay_protocol is None else RTCIceServerTransportProtocol(relay_protocol)
        return RTCIceCandidate.of(RTCLocalIceCandidateInit(text, mid, index, ufrag, protocol, url))

    def _fire_candidate(self, candidate: RTCIceCandidate | None, url: str | None) -> bool:
        return self._connection.target.fire(
            RTCPeerConnectionIceEvent("icecandidate", {"candidate": candidate, "url": url})
        )

    def _pair(self, local: Candidate, remote: Candidate) -> RTCIceCandidatePair:
        ice = self.ice_transport
        ours, theirs = ice.getLocalParameters(), ice.getRemoteParameters()
        mid, index = section_of(self._connection.session, self.key)
        first, second = (
            RTCIceCandidate.of(
                RTCLocalIceCandidateInit(
                    f"candidate:{candidate}",
                    mid,
                    index,
                    None if parameters is None else parameters.usernameFragment,
                )
            )
            for candidate, parameters in ((local, ours), (remote, theirs))
        )
        return RTCIceCandidatePair(ice.surfaced(first.candidate) or first, second)


def section_of(session: Session, key: int) -> tuple[str | None, int]:
    """The mid and the number of the m-line that a transport's candidates are signaled for: its first."""
    users: list[Transceiver | DataSection] = [*session.transceivers, session.data]
    sections = [
        (one.m_line_index, one.mid) for one in users if one.transport == key and one.m_line_index is not None
    ]
    index, mid = min(sections, default=(0, None))
    return mid, index


def _received_alert(reason: str) -> int | None:
    number = reason.removeprefix(_ALERT)
    return int(number) if number != reason and number.isdecimal() else None


def _same_pair(one: RTCIceCandidatePair | None, other: RTCIceCandidatePair | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.local.candidate, one.remote.candidate) == (other.local.candidate, other.remote.candidate)
