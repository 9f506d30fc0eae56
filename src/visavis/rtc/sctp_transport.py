"""RTCSctpTransport (webrtc-pc section 6.1.1)."""

import math
from enum import StrEnum

from visavis.events import Event, EventHandler, EventTarget
from visavis.rtc.dtls_transport import RTCDtlsTransport

_BUFFER_BYTES = 16 * 1024 * 1024


class RTCSctpTransportState(StrEnum):
    """How far the association is."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    CLOSED = "closed"


class RTCSctpTransport(EventTarget):
    """The SCTP association of a connection's data channels. `RTCPeerConnection` makes it."""

    onstatechange: EventHandler[Event] = EventHandler()

    def __init__(self, transport: RTCDtlsTransport) -> None:
        super().__init__()
        self._transport = transport
        self._state = RTCSctpTransportState.CONNECTING
        self._max_message_size: float | None = None
        self._max_buffer_size = math.inf
        self._max_channels: int | None = None

    @property
    def transport(self) -> RTCDtlsTransport:
        """What it travels over."""
        return self._transport

    @property
    def state(self) -> RTCSctpTransportState:
        """How far the association is."""
        return self._state

    @property
    def maxMessageSize(self) -> float | None:
        """The largest message in bytes that can be sent, None before that was negotiated."""
        return self._max_message_size

    @property
    def maxChannels(self) -> int | None:
        """How many channels can be, None before the association is there."""
        return self._max_channels

    @property
    def max_buffer_size(self) -> float:
        """How many bytes may wait on a channel."""
        return self._max_buffer_size

    def set_transport(self, transport: RTCDtlsTransport) -> None:
        """BUNDLE gave it another one."""
        self._transport = transport

    def set_state(self, state: RTCSctpTransportState, max_channels: int | None = None) -> None:
        """The state; who calls fires the event."""
        self._state = state
        if max_channels is not None:
            self._max_channels = max_channels

    def update_max_message_size(self, remote_bytes: int, can_send_bytes: int) -> None:
        """Section 6.1.1.2, "update the data max message size"; 0 is any size."""
        limits = [float(limit) for limit in (remote_bytes, can_send_bytes) if limit]
        self._max_message_size = min(limits, default=math.inf)
        self._max_buffer_size = max(_BUFFER_BYTES, *limits) if limits else math.inf
