"""RTCError (webrtc-pc section 10.1) and RTCErrorEvent (section 10.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from visavis.errors import DOMException
from visavis.events import Event
from visavis.rtc import idl
from visavis.rtc.idl import UnsignedLong


class RTCErrorDetailType(StrEnum):
    """What went wrong."""

    DATA_CHANNEL_FAILURE = "data-channel-failure"
    DTLS_FAILURE = "dtls-failure"
    FINGERPRINT_FAILURE = "fingerprint-failure"
    SCTP_FAILURE = "sctp-failure"
    SDP_SYNTAX_ERROR = "sdp-syntax-error"
    HARDWARE_ENCODER_NOT_AVAILABLE = "hardware-encoder-not-available"
    HARDWARE_ENCODER_ERROR = "hardware-encoder-error"


@dataclass(slots=True)
class RTCErrorInit:
    """What an `RTCError` is made from."""

    errorDetail: RTCErrorDetailType
    sdpLineNumber: int | None = None
    sctpCauseCode: int | None = None
    receivedAlert: UnsignedLong | None = None
    sentAlert: UnsignedLong | None = None


class RTCError(DOMException):
    """A DOMException named `OperationError` with what is known of a WebRTC failure."""

    def __init__(self, init: RTCErrorInit | Mapping[str, object], message: str = "") -> None:
        super().__init__(message, "OperationError")
        self._init = idl.dictionary(RTCErrorInit, init)

    @property
    def errorDetail(self) -> RTCErrorDetailType:
        """What went wrong."""
        return self._init.errorDetail

    @property
    def sdpLineNumber(self) -> int | None:
        """For `sdp-syntax-error`: the line, the first is 1."""
        return self._init.sdpLineNumber

    @property
    def sctpCauseCode(self) -> int | None:
        """For `sctp-failure`: the cause (RFC 9260 section 3.3.10)."""
        return self._init.sctpCauseCode

    @property
    def receivedAlert(self) -> int | None:
        """For `dtls-failure`: the alert that the peer sent."""
        return self._init.receivedAlert

    @property
    def sentAlert(self) -> int | None:
        """For `dtls-failure`: the alert that was sent to the peer."""
        return self._init.sentAlert


@dataclass(slots=True)
class RTCErrorEventInit:
    """What an `RTCErrorEvent` is made from."""

    error: RTCError
    bubbles: bool = False
    cancelable: bool = False


class RTCErrorEvent(Event):
    """An `error` event with its `RTCError`."""

    def __init__(self, type: str, eventInitDict: RTCErrorEventInit | Mapping[str, object]) -> None:
        init = idl.dictionary(RTCErrorEventInit, eventInitDict)
        super().__init__(type, {"bubbles": init.bubbles, "cancelable": init.cancelable})
        self._error = init.error

    @property
    def error(self) -> RTCError:
        """What went wrong."""
        return self._error
