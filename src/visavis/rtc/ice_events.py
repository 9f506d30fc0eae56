"""RTCPeerConnectionIceEvent and RTCPeerConnectionIceErrorEvent (webrtc-pc sections 4.8.2 and 4.8.3)."""

from collections.abc import Mapping
from dataclasses import dataclass

from visavis.events import Event
from visavis.rtc import idl
from visavis.rtc.ice_candidate import RTCIceCandidate
from visavis.rtc.idl import UnsignedShort


@dataclass(slots=True)
class RTCPeerConnectionIceEventInit:
    """What an `RTCPeerConnectionIceEvent` is made from."""

    candidate: RTCIceCandidate | None = None
    url: str | None = None
    bubbles: bool = False
    cancelable: bool = False


class RTCPeerConnectionIceEvent(Event):
    """A local candidate to be signaled; None when gathering is complete."""

    def __init__(
        self, type: str, eventInitDict: RTCPeerConnectionIceEventInit | Mapping[str, object] | None = None
    ) -> None:
        init = idl.dictionary(RTCPeerConnectionIceEventInit, eventInitDict)
        super().__init__(type, {"bubbles": init.bubbles, "cancelable": init.cancelable})
        self._candidate = init.candidate
        self._url = init.url

    @property
    def candidate(self) -> RTCIceCandidate | None:
        """The candidate."""
        return self._candidate

    @property
    def url(self) -> str | None:
        """The server that the candidate came from."""
        return self._url


@dataclass(slots=True)
class RTCPeerConnectionIceErrorEventInit:
    """What an `RTCPeerConnectionIceErrorEvent` is made from."""

    errorCode: UnsignedShort
    address: str | None = None
    port: UnsignedShort | None = None
    url: str = ""
    errorText: str = ""
    bubbles: bool = False
    cancelable: bool = False


class RTCPeerConnectionIceErrorEvent(Event):
    """A STUN or TURN server failed."""

    def __init__(
        self, type: str, eventInitDict: RTCPeerConnectionIceErrorEventInit | Mapping[str, object]
    ) -> None:
        init = idl.dictionary(RTCPeerConnectionIceErrorEventInit, eventInitDict)
        super().__init__(type, {"bubbles": init.bubbles, "cancelable": init.cancelable})
        self._init = init

    @property
    def address(self) -> str | None:
        """The local address that the server was asked from."""
        return self._init.address

    @property
    def port(self) -> int | None:
        """The local port that the server was asked from."""
        return self._init.port

    @property
    def url(self) -> str:
        """The server."""
        return self._init.url

    @property
    def errorCode(self) -> int:
        """The STUN error code (RFC 8489 section 14.8), 701 where the server did not answer."""
        return self._init.errorCode

    @property
    def errorText(self) -> str:
        """The server's reason phrase, or why it was not reached."""
        return self._init.errorText
