"""RTCDataChannelEvent (webrtc-pc section 6.3)."""

from collections.abc import Mapping
from dataclasses import dataclass

from visavis.events import Event
from visavis.rtc import idl
from visavis.rtc.data_channel import RTCDataChannel


@dataclass(slots=True)
class RTCDataChannelEventInit:
    """What an `RTCDataChannelEvent` is made from."""

    channel: RTCDataChannel
    bubbles: bool = False
    cancelable: bool = False


class RTCDataChannelEvent(Event):
    """The peer opened a channel."""

    def __init__(self, type: str, eventInitDict: RTCDataChannelEventInit | Mapping[str, object]) -> None:
        init = idl.dictionary(RTCDataChannelEventInit, eventInitDict)
        super().__init__(type, {"bubbles": init.bubbles, "cancelable": init.cancelable})
        self._channel = init.channel

    @property
    def channel(self) -> RTCDataChannel:
        """The channel."""
        return self._channel
