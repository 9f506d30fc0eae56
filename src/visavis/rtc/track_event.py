"""RTCTrackEvent (webrtc-pc section 5.7)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from visavis.events import Event
from visavis.media import MediaStream, MediaStreamTrack
from visavis.rtc import idl
from visavis.rtc.receiver import RTCRtpReceiver
from visavis.rtc.transceiver import RTCRtpTransceiver


@dataclass(slots=True)
class RTCTrackEventInit:
    """What an `RTCTrackEvent` is made from."""

    receiver: RTCRtpReceiver
    track: MediaStreamTrack
    transceiver: RTCRtpTransceiver
    streams: list[MediaStream] = field(default_factory=list[MediaStream])
    bubbles: bool = False
    cancelable: bool = False


class RTCTrackEvent(Event):
    """The peer sends a track."""

    def __init__(self, type: str, eventInitDict: RTCTrackEventInit | Mapping[str, object]) -> None:
        init = idl.dictionary(RTCTrackEventInit, eventInitDict)
        super().__init__(type, {"bubbles": init.bubbles, "cancelable": init.cancelable})
        self._init = init
        self._streams = tuple(init.streams)

    @property
    def receiver(self) -> RTCRtpReceiver:
        """Who receives it."""
        return self._init.receiver

    @property
    def track(self) -> MediaStreamTrack:
        """The track."""
        return self._init.track

    @property
    def streams(self) -> tuple[MediaStream, ...]:
        """The streams that it is part of."""
        return self._streams

    @property
    def transceiver(self) -> RTCRtpTransceiver:
        """The transceiver of the receiver."""
        return self._init.transceiver
