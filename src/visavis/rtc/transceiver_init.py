"""RTCRtpTransceiverInit (webrtc-pc section 5.1)."""

from dataclasses import dataclass, field

from visavis.media import MediaStream
from visavis.rtc.parameters import RTCRtpEncodingParameters, RTCRtpTransceiverDirection


@dataclass(slots=True)
class RTCRtpTransceiverInit:
    """How a transceiver begins: its direction, the streams of its track, its (simulcast) encodings.

    `receive_rids` is an addition to the standard's: the peer is asked to send simulcast streams of these rids
    (RFC 8853), which a peer that answers does as far as it can.
    """

    direction: RTCRtpTransceiverDirection = RTCRtpTransceiverDirection.SENDRECV
    streams: list[MediaStream] = field(default_factory=list[MediaStream])
    sendEncodings: list[RTCRtpEncodingParameters] = field(default_factory=list[RTCRtpEncodingParameters])
    receive_rids: list[str] = field(default_factory=list[str])
