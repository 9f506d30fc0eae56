"""RTCDataChannelInit and RTCDataChannelState (webrtc-pc section 6.2), and which channels can be created."""

from dataclasses import dataclass
from enum import StrEnum

from visavis.rtc.idl import UnsignedShort
from visavis.rtc.parameters import RTCPriorityType

_LONGEST_TEXT_BYTES = 65535


class RTCDataChannelState(StrEnum):
    """Whether messages can be sent."""

    CONNECTING = "connecting"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


@dataclass(slots=True)
class RTCDataChannelInit:
    """How a channel delivers; `id` counts only where the program negotiates it itself."""

    ordered: bool = True
    maxPacketLifeTime: UnsignedShort | None = None
    maxRetransmits: UnsignedShort | None = None
    protocol: str = ""
    negotiated: bool = False
    id: UnsignedShort | None = None
    priority: RTCPriorityType = RTCPriorityType.LOW


def wanted_id(label: str, init: RTCDataChannelInit) -> int | None:
    """Checks what `createDataChannel` is called with (section 6.1); the id that the program has negotiated.

    Raises:
        TypeError: A text is too long, both limits of sending again are there, or a negotiated channel has no
            id, or 65,535.
    """
    for what, text in (("label", label), ("protocol", init.protocol)):
        if len(text.encode("utf-8", "surrogatepass")) > _LONGEST_TEXT_BYTES:
            raise TypeError(f"a {what} has at most {_LONGEST_TEXT_BYTES:,} bytes")
    id = init.id if init.negotiated else None
    if init.negotiated and id is None:
        raise TypeError("a negotiated channel needs an id")
    if init.maxPacketLifeTime is not None and init.maxRetransmits is not None:
        raise TypeError("maxPacketLifeTime and maxRetransmits exclude each other")
    if id == _LONGEST_TEXT_BYTES:
        raise TypeError("the highest id is 65534")
    return id
