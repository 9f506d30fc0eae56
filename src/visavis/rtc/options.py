"""The options of `createOffer` and `createAnswer` (webrtc-pc sections 4.2.7 and 4.4.3.2)."""

from dataclasses import dataclass


@dataclass(slots=True)
class RTCOfferAnswerOptions:
    """What both have in common: nothing."""


@dataclass(slots=True)
class RTCOfferOptions(RTCOfferAnswerOptions):
    """`iceRestart` asks for new ICE credentials; the others are of before there were transceivers."""

    iceRestart: bool = False
    offerToReceiveAudio: bool | None = None
    offerToReceiveVideo: bool | None = None


@dataclass(slots=True)
class RTCAnswerOptions(RTCOfferAnswerOptions):
    """Nothing so far."""
