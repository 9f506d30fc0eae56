"""RTCDtlsTransport (webrtc-pc section 5.5)."""

from enum import StrEnum

from visavis.events import Event, EventHandler, EventTarget
from visavis.rtc.error import RTCErrorEvent
from visavis.rtc.ice_transport import RTCIceTransport


class RTCDtlsTransportState(StrEnum):
    """How far the handshake is."""

    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    CLOSED = "closed"
    FAILED = "failed"


class RTCDtlsRole(StrEnum):
    """Who sends the ClientHello (webrtc-stats section 7.3)."""

    CLIENT = "client"
    SERVER = "server"
    UNKNOWN = "unknown"


class RTCDtlsTransport(EventTarget):
    """The DTLS transport of one or, bundled, of many m-lines. `RTCPeerConnection` makes them."""

    onstatechange: EventHandler[Event] = EventHandler()
    onerror: EventHandler[RTCErrorEvent] = EventHandler()

    def __init__(self, ice_transport: RTCIceTransport) -> None:
        super().__init__()
        self._ice_transport = ice_transport
        self._state = RTCDtlsTransportState.NEW
        self._remote_certificates: tuple[bytes, ...] = ()

    @property
    def iceTransport(self) -> RTCIceTransport:
        """What it travels over."""
        return self._ice_transport

    @property
    def state(self) -> RTCDtlsTransportState:
        """How far the handshake is."""
        return self._state

    def getRemoteCertificates(self) -> list[bytes]:
        """The peer's certificate in DER, empty before `connected`."""
        return list(self._remote_certificates)

    def set_state(self, state: RTCDtlsTransportState) -> None:
        """The state; who calls fires the event."""
        self._state = state

    def set_remote_certificates(self, certificates: tuple[bytes, ...]) -> None:
        """What the peer showed."""
        self._remote_certificates = certificates
