"""RTCIceTransport and RTCIceCandidatePair (webrtc-pc section 5.6)."""

from dataclasses import dataclass
from enum import StrEnum

from visavis.events import Event, EventHandler, EventTarget
from visavis.rtc.ice_candidate import RTCIceCandidate, RTCIceComponent


class RTCIceRole(StrEnum):
    """Who nominates (RFC 8445 section 6.1.1)."""

    UNKNOWN = "unknown"
    CONTROLLING = "controlling"
    CONTROLLED = "controlled"


class RTCIceTransportState(StrEnum):
    """How far the checks are."""

    NEW = "new"
    CHECKING = "checking"
    CONNECTED = "connected"
    COMPLETED = "completed"
    DISCONNECTED = "disconnected"
    FAILED = "failed"
    CLOSED = "closed"


class RTCIceGathererState(StrEnum):
    """How far gathering is."""

    NEW = "new"
    GATHERING = "gathering"
    COMPLETE = "complete"


@dataclass(slots=True)
class RTCIceParameters:
    """A side's ICE credentials (RFC 8839 section 5.4)."""

    usernameFragment: str | None = None
    password: str | None = None


class RTCIceCandidatePair:
    """A local and a remote candidate."""

    def __init__(self, local: RTCIceCandidate, remote: RTCIceCandidate) -> None:
        self._local = local
        self._remote = remote

    @property
    def local(self) -> RTCIceCandidate:
        """Ours."""
        return self._local

    @property
    def remote(self) -> RTCIceCandidate:
        """The peer's."""
        return self._remote


class RTCIceTransport(EventTarget):
    """The ICE transport of one or, bundled, of many m-lines. `RTCPeerConnection` makes them."""

    onstatechange: EventHandler[Event] = EventHandler()
    ongatheringstatechange: EventHandler[Event] = EventHandler()
    onselectedcandidatepairchange: EventHandler[Event] = EventHandler()

    def __init__(self) -> None:
        super().__init__()
        self._role = RTCIceRole.UNKNOWN
        self._state = RTCIceTransportState.NEW
        self._gathering_state = RTCIceGathererState.NEW
        self._local: dict[str, RTCIceCandidate] = {}
        self._remote: dict[str, RTCIceCandidate] = {}
        self._selected: RTCIceCandidatePair | None = None
        self._local_parameters: RTCIceParameters | None = None
        self._remote_parameters: RTCIceParameters | None = None

    @property
    def role(self) -> RTCIceRole:
        """Whether this side nominates."""
        return self._role

    @property
    def component(self) -> RTCIceComponent:
        """Always RTP: RTCP is multiplexed (RFC 5761)."""
        return RTCIceComponent.RTP

    @property
    def state(self) -> RTCIceTransportState:
        """How far the checks are."""
        return self._state

    @property
    def gatheringState(self) -> RTCIceGathererState:
        """How far gathering is."""
        return self._gathering_state

    def getLocalCandidates(self) -> list[RTCIceCandidate]:
        """Those that were gathered and surfaced."""
        return list(self._local.values())

    def getRemoteCandidates(self) -> list[RTCIceCandidate]:
        """Those that the peer signaled."""
        return list(self._remote.values())

    def getSelectedCandidatePair(self) -> RTCIceCandidatePair | None:
        """What packets travel over, None while no pair is selected."""
        return self._selected

    def getLocalParameters(self) -> RTCIceParameters | None:
        """Our credentials, None before they were set."""
        return self._local_parameters

    def getRemoteParameters(self) -> RTCIceParameters | None:
        """The peer's credentials, None before they were set."""
        return self._remote_parameters

    def set_role(self, role: RTCIceRole) -> None:
        """Who nominates is known, or was changed by a conflict."""
        self._role = role

    def set_state(self, state: RTCIceTransportState) -> None:
        """The state; who calls fires the event."""
        self._state = state

    def set_gathering_state(self, state: RTCIceGathererState) -> None:
        """The state of gathering; who calls fires the event."""
        self._gathering_state = state

    def set_selected(self, pair: RTCIceCandidatePair | None) -> None:
        """The selected pair; who calls fires the event."""
        self._selected = pair

    def set_local_parameters(self, parameters: RTCIceParameters) -> None:
        """A description with our credentials was set; candidates of another generation are gone."""
        if self._local_parameters is not None and self._local_parameters != parameters:
            self._local.clear()
        self._local_parameters = parameters

    def set_remote_parameters(self, parameters: RTCIceParameters | None) -> None:
        """A description with the peer's credentials was set; candidates of another generation are gone."""
        if self._remote_parameters is not None and self._remote_parameters != parameters:
            self._remote.clear()
        self._remote_parameters = parameters

    def surfaced(self, candidate: str) -> RTCIceCandidate | None:
        """The local candidate of this text, which knows its server, too."""
        return self._local.get(candidate)

    def add_local(self, candidate: RTCIceCandidate) -> None:
        """A candidate was surfaced."""
        self._local.setdefault(candidate.candidate, candidate)

    def add_remote(self, candidate: RTCIceCandidate) -> None:
        """A candidate was signaled."""
        self._remote.setdefault(candidate.candidate, candidate)
