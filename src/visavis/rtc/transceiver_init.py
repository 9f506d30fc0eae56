"""RTCRtpTransceiverInit (webrtc-pc section 5.1)."""

from dataclasses import dataclass, field

from visavis.media import MediaStream
from visavis.rtc.parameters import RTCRtpEncodingParameters, RTCRtpTransceiverDirection


@dataclass(slots=True)
class RTCRtpTransceiverInit:
    """How a transceiver begins: its direction, the streams of its track, its (simulcast) encodings."""

    direction: RTCRtpTransceiverDirection = RTCRtpTransceiverDirection.SENDRECV
    streams: list[MediaStream] = field(default_factory=list[MediaStream])
    sendEncodings: list[RTCRtpEncodingParameters] = field(default_factory=list[RTCRtpEncodingParameters])
