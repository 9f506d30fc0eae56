"""The states that a connection derives from its transports' (webrtc-pc sections 4.3.2 to 4.3.4)."""

from collections.abc import Collection
from enum import StrEnum

from visavis.rtc.dtls_transport import RTCDtlsTransport, RTCDtlsTransportState
from visavis.rtc.ice_transport import RTCIceGathererState, RTCIceTransportState


class RTCIceGatheringState(StrEnum):
    """How far gathering is, over all transports."""

    NEW = "new"
    GATHERING = "gathering"
    COMPLETE = "complete"


class RTCIceConnectionState(StrEnum):
    """How far the checks are, over all transports."""

    CLOSED = "closed"
    FAILED = "failed"
    DISCONNECTED = "disconnected"
    NEW = "new"
    CHECKING = "checking"
    COMPLETED = "completed"
    CONNECTED = "connected"


class RTCPeerConnectionState(StrEnum):
    """How far ICE and DTLS are, over all transports."""

    CLOSED = "closed"
    FAILED = "failed"
    DISCONNECTED = "disconnected"
    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"


def gathering_state(transports: Collection[RTCDtlsTransport]) -> RTCIceGatheringState:
    """Section 4.3.2, for the transports that the connection refers to."""
    states = {transport.iceTransport.gatheringState for transport in transports}
    if RTCIceGathererState.GATHERING in states:
        return RTCIceGatheringState.GATHERING
    if not states or RTCIceGathererState.NEW in states:
        return RTCIceGatheringState.NEW
    return RTCIceGatheringState.COMPLETE


def ice_connection_state(transports: Collection[RTCDtlsTransport]) -> RTCIceConnectionState:
    """Section 4.3.4, for the transports of a connection that is not closed."""
    states = {transport.iceTransport.state for transport in transports}
    ice = RTCIceTransportState
    if ice.FAILED in states:
        return RTCIceConnectionState.FAILED
    if ice.DISCONNECTED in states:
        return RTCIceConnectionState.DISCONNECTED
    if states <= {ice.NEW, ice.CLOSED}:
        return RTCIceConnectionState.NEW
    if states & {ice.NEW, ice.CHECKING}:
        return RTCIceConnectionState.CHECKING
    if states <= {ice.COMPLETED, ice.CLOSED}:
        return RTCIceConnectionState.COMPLETED
    return RTCIceConnectionState.CONNECTED


def connection_state(transports: Collection[RTCDtlsTransport]) -> RTCPeerConnectionState:
    """Section 4.3.3, for the transports of a connection that is not closed."""
    ice = ice_connection_state(transports)
    states = {transport.state for transport in transports}
    dtls = RTCDtlsTransportState
    if ice is RTCIceConnectionState.FAILED or dtls.FAILED in states:
        return RTCPeerConnectionState.FAILED
    if ice is RTCIceConnectionState.DISCONNECTED:
        return RTCPeerConnectionState.DISCONNECTED
    if ice is RTCIceConnectionState.NEW and states <= {dtls.NEW, dtls.CLOSED}:
        return RTCPeerConnectionState.NEW
    if ice in (RTCIceConnectionState.CONNECTED, RTCIceConnectionState.COMPLETED) and states <= {
        dtls.CONNECTED,
        dtls.CLOSED,
    }:
        return RTCPeerConnectionState.CONNECTED
    return RTCPeerConnectionState.CONNECTING
