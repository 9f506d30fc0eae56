"""A connection's transports: the W3C objects, the links under them, and what each does to the other."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from visavis.events import Event
from visavis.jsep import (
    Changes,
    DataSection,
    IceCredentials,
    RemoteCandidates,
    Session,
    Transceiver,
    Transport,
    add_local_candidate,
    end_local_candidates,
)
from visavis.rtc.dtls_transport import RTCDtlsTransport, RTCDtlsTransportState
from visavis.rtc.error import RTCError, RTCErrorDetailType, RTCErrorEvent, RTCErrorInit
from visavis.rtc.ice_candidate import RTCIceCandidate
from visavis.rtc.ice_events import RTCPeerConnectionIceErrorEvent, RTCPeerConnectionIceEvent
from visavis.rtc.ice_transport import (
    RTCIceCandidatePair,
    RTCIceGathererState,
    RTCIceParameters,
    RTCIceRole,
    RTCIceTransport,
    RTCIceTransportState,
)
from visavis.rtc.network import GatheredCandidate, Link, ServerFailure
from visavis.rtc.prohibited import is_prohibited
from visavis.sdp import Candidate

if TYPE_CHECKING:
    from visavis.rtc.connection import Connection

_FINGERPRINT = "fingerprint"


class BoundTransport:
    """One transport of a connection; hears its link (`LinkEvents`) and does what the W3C says then."""

    def __init__(self, connection: "Connection", key: int) -> None:
        self.ice_transport = RTCIceTransport()
        self.dtls_transport = RTCDtlsTransport(self.ice_transport)
        self.link: Link | None = None
        self.key = key
        self._connection = connection
        self._generations: set[str] = set()

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

        def surface() -> None:
            connection = self._connection
            connection.replace(add_local_candidate(connection.session, self.key, gathered.candidate))
            candidate = self._local_candidate(
                f"candidate:{gathered.candidate}", gathered.ufrag, gathered.url, gathered.relay_protocol
            )
            self.ice_transport.add_local(candidate)
            self._fire_candidate(candidate, gathered.url)

        self._queue(surface)

    def gathered(self, ufrag: str) -> None:
        """Section 5.6.1, "the ICE Agent is finished gathering a generation of candidates"."""

        def end() -> None:
            connection = self._connection
            connection.replace(end_local_candidates(connection.session, self.key))
            self._fire_candidate(self._local_candidate("", ufrag), None)

        def complete() -> None:
            self._set_gathering(RTCIceGathererState.COMPLETE)

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
        self._queue(lambda: self._connection.target.dispatchEvent(event))

    def role(self, controlling: bool) -> None:
        """Section 5.6.1, "the ICE role has changed"."""
        role = RTCIceRole.CONTROLLING if controlling else RTCIceRole.CONTROLLED
        self._queue(lambda: self.ice_transport.set_role(role))

    def ice(self, state: RTCIceTransportState, pair: tuple[Candidate, Candidate] | None) -> None:
        """Section 5.6.1, "the steps to change the selected candidate pair and state"."""

        def change() -> None:
            ice = self.ice_transport
            selected = None if pair is None else self._pair(*pair)
            pair_changed = not _same_pair(selected, ice.getSelectedCandidatePair())
            state_changed = state is not ice.state
            if pair_changed:
                ice.set_selected(selected)
            ice.set_state(state)
            fire = self._connection.derive_states()
            if pair_changed:
                ice.dispatchEvent(Event("selectedcandidatepairchange"))
            if state_changed:
                ice.dispatchEvent(Event("statechange"))
            fire()

        self._queue(change)

    def dtls(self, state: RTCDtlsTransportState, reason: str, certificates: tuple[bytes, ...]) -> None:
        """Section 5.5, and "update the connection state" (section 4.4.1.3)."""

        def change() -> None:
            dtls = self.dtls_transport
            if state is dtls.state:
                return
            dtls.set_state(state)
            if certificates:
                dtls.set_remote_certificates(certificates)
            fire = self._connection.derive_states()
            if state is RTCDtlsTransportState.FAILED:
                detail = (
                    RTCErrorDetailType.FINGERPRINT_FAILURE
                    if _FINGERPRINT in reason
                    else RTCErrorDetailType.DTLS_FAILURE
                )
                error = RTCError(RTCErrorInit(detail), f"the DTLS handshake failed: {reason}")
                dtls.dispatchEvent(RTCErrorEvent("error", {"error": error}))
            dtls.dispatchEvent(Event("statechange"))
            fire()

        self._queue(change)

    def follow(self, transport: Transport) -> None:
        """A description was set: credentials and role as they are now."""
        ice = self.ice_transport
        ice.set_role(RTCIceRole.CONTROLLING if transport.controlling else RTCIceRole.CONTROLLED)
        ice.set_local_parameters(RTCIceParameters(transport.local.ufrag, transport.local.password))
        remote = transport.remote
        ice.set_remote_parameters(None if remote is None else RTCIceParameters(remote.ufrag, remote.password))

    def close(self) -> None:
        """Ends the link; the objects are closed, and fire nothing."""
        if self.link is not None:
            self.link.close()
            self.link = None
        self.dtls_transport.set_state(RTCDtlsTransportState.CLOSED)
        self.ice_transport.set_state(RTCIceTransportState.CLOSED)

    def _set_gathering(self, state: RTCIceGathererState) -> None:
        if self.ice_transport.gatheringState is state:
            return
        self.ice_transport.set_gathering_state(state)
        fire = self._connection.derive_states()
        self.ice_transport.dispatchEvent(Event("gatheringstatechange"))
        fire()

    def _queue(self, task: Callable[[], object]) -> None:
        """Queues what a link told; it is void once the transport is gone."""

        def run() -> None:
            if self.link is not None:
                task()

        self._connection.tasks.queue(run)

    def _local_candidate(
        self, text: str, ufrag: str, url: str | None = None, relay_protocol: str | None = None
    ) -> RTCIceCandidate:
        mid, index = section_of(self._connection.session, self.key)
        return RTCIceCandidate(
            {
                "candidate": text,
                "sdpMid": mid,
                "sdpMLineIndex": index,
                "usernameFragment": ufrag,
                "url": url,
                "relayProtocol": relay_protocol,
            }
        )

    def _fire_candidate(self, candidate: RTCIceCandidate | None, url: str | None) -> None:
        self._connection.target.dispatchEvent(
            RTCPeerConnectionIceEvent("icecandidate", {"candidate": candidate, "url": url})
        )

    def _pair(self, local: Candidate, remote: Candidate) -> RTCIceCandidatePair:
        ice = self.ice_transport
        ours, theirs = ice.getLocalParameters(), ice.getRemoteParameters()
        mid, index = section_of(self._connection.session, self.key)
        return RTCIceCandidatePair(
            *(
                RTCIceCandidate(
                    {
                        "candidate": f"candidate:{candidate}",
                        "sdpMid": mid,
                        "sdpMLineIndex": index,
                        "usernameFragment": parameters and parameters.usernameFragment,
                    }
                )
                for candidate, parameters in ((local, ours), (remote, theirs))
            )
        )


class Transports:
    """All transports of a connection, by their keys."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._bound: dict[int, BoundTransport] = {}
        self._reserved: BoundTransport | None = None

    def get(self, key: int | None) -> RTCDtlsTransport | None:
        """The W3C object of a transport."""
        bound = None if key is None else self._bound.get(key)
        return None if bound is None else bound.dtls_transport

    def create(self, session: Session) -> None:
        """Makes the objects of transports that a description has brought."""
        for transport in session.transports:
            if transport.key not in self._bound:
                self._bound[transport.key] = self._new(transport.key, session.data.transport)
            self._bound[transport.key].follow(transport)

    def reserve(self) -> RTCDtlsTransport:
        """The objects of a transport that data will have: the peer offered it, and is not answered yet."""
        if self._reserved is None:
            self._reserved = BoundTransport(self._connection, 0)
        return self._reserved.dtls_transport

    def apply(self, session: Session, changes: Changes, *, rolled_back: bool) -> None:
        """Does to the links what setting a description, or rolling one back, asks for."""
        network = self._connection.network
        for key in changes.opened:
            bound, transport = self._bound[key], session.transport(key)
            bound.link = network.open(transport, self._connection.certificate, bound)
            bound.gather(bound.link, transport.local)
        for key in changes.restarted:
            bound = self._bound[key]
            if bound.link is not None and rolled_back:
                bound.restore(bound.link, session.transport(key))
            elif bound.link is not None:
                bound.gather(bound.link, session.transport(key).local)
        for key in changes.connected:
            if (link := self._bound[key].link) is not None:
                link.connect(session.transport(key))
        for candidates in changes.candidates:
            self.add_candidates(session, candidates)
        for key in changes.closed:
            self._retire(key)

    def add_candidates(self, session: Session, candidates: RemoteCandidates) -> None:
        """Hands the peer's candidates to their link."""
        bound = self._bound.get(candidates.transport)
        if bound is None or bound.link is None:
            return
        mid, index = section_of(session, candidates.transport)
        policy = self._connection.configuration.iceTransportPolicy
        allowed = tuple(one for one in candidates.candidates if not is_prohibited(one, policy))
        for candidate in candidates.candidates:
            bound.ice_transport.add_remote(
                RTCIceCandidate(
                    {
                        "candidate": f"candidate:{candidate}",
                        "sdpMid": mid,
                        "sdpMLineIndex": index,
                        "usernameFragment": candidates.ufrag,
                    }
                )
            )
        bound.link.add_candidates(replace(candidates, candidates=allowed))

    def close(self) -> None:
        """Ends all."""
        for bound in self._bound.values():
            bound.close()

    def _new(self, key: int, of_data: int | None) -> BoundTransport:
        reserved = self._reserved
        if reserved is None or key != of_data:
            return BoundTransport(self._connection, key)
        self._reserved = None
        reserved.key = key
        return reserved

    def _retire(self, key: int) -> None:
        """A transport that no m-line uses any more: its objects tell that they are closed, in a task."""
        bound = self._bound.pop(key, None)
        if bound is None:
            return
        bound.close()

        def tell() -> None:
            bound.ice_transport.dispatchEvent(Event("statechange"))
            bound.dtls_transport.dispatchEvent(Event("statechange"))

        self._connection.tasks.queue(tell)


def section_of(session: Session, key: int) -> tuple[str | None, int]:
    """The mid and the number of the m-line that a transport's candidates are signaled for: its first."""
    users: list[Transceiver | DataSection] = [*session.transceivers, session.data]
    sections = [
        (one.m_line_index, one.mid) for one in users if one.transport == key and one.m_line_index is not None
    ]
    index, mid = min(sections, default=(0, None))
    return mid, index


def _same_pair(one: RTCIceCandidatePair | None, other: RTCIceCandidatePair | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.local.candidate, one.remote.candidate) == (other.local.candidate, other.remote.candidate)
