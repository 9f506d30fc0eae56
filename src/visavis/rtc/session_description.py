"""RTCSessionDescription (webrtc-pc section 4.6.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from visavis.rtc import idl


class RTCSdpType(StrEnum):
    """What a description is."""

    OFFER = "offer"
    PRANSWER = "pranswer"
    ANSWER = "answer"
    ROLLBACK = "rollback"


@dataclass(slots=True)
class RTCSessionDescriptionInit:
    """A description as it travels: its type, and the SDP (none for `rollback`)."""

    type: RTCSdpType
    sdp: str = ""


@dataclass(slots=True)
class RTCLocalSessionDescriptionInit:
    """A description to set locally; what is absent is what `setLocalDescription` makes by itself."""

    type: RTCSdpType | None = None
    sdp: str = ""


class RTCSessionDescription:
    """A description that a connection holds."""

    def __init__(self, descriptionInitDict: RTCSessionDescriptionInit | Mapping[str, object]) -> None:
        init = idl.dictionary(RTCSessionDescriptionInit, descriptionInitDict)
        self._type = init.type
        self._sdp = init.sdp

    @property
    def type(self) -> RTCSdpType:
        """What it is."""
        return self._type

    @property
    def sdp(self) -> str:
        """The SDP text."""
        return self._sdp

    def toJSON(self) -> dict[str, str]:
        """As a dict, ready for `json.dumps`."""
        return {"type": str(self._type), "sdp": self._sdp}

    def __repr__(self) -> str:
        """The type and the size."""
        return f"<RTCSessionDescription {self._type}, {len(self._sdp)} characters>"
