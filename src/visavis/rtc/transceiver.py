"""RTCRtpTransceiver (webrtc-pc section 5.4)."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from visavis.errors import DOMException, InvalidPreferencesError
from visavis.jsep import Transceiver, set_codec_preferences, set_direction, stop
from visavis.rtc import idl
from visavis.rtc.capabilities import codecs
from visavis.rtc.parameters import (
    RTCRtpCodec,
    RTCRtpTransceiverDirection,
    codecs_match,
    format_of,
)
from visavis.rtc.receiver import RTCRtpReceiver
from visavis.rtc.sender import RTCRtpSender
from visavis.sdp import Direction

if TYPE_CHECKING:
    from visavis.rtc.connection import Connection

_AUXILIARY = frozenset({"rtx", "red", "ulpfec", "flexfec-03", "cn"})


class RTCRtpTransceiver:
    """A sender and a receiver on one m-line. `RTCPeerConnection` makes them."""

    def __init__(
        self, connection: "Connection", state: Transceiver, sender: RTCRtpSender, receiver: RTCRtpReceiver
    ) -> None:
        self._connection = connection
        self._state = state
        self._sender = sender
        self._receiver = receiver

    @property
    def mid(self) -> str | None:
        """The m-line's mid (RFC 5888), None before it was negotiated."""
        return self._state.mid

    @property
    def sender(self) -> RTCRtpSender:
        """The sender."""
        return self._sender

    @property
    def receiver(self) -> RTCRtpReceiver:
        """The receiver."""
        return self._receiver

    @property
    def direction(self) -> RTCRtpTransceiverDirection:
        """What the program wants; a change takes a negotiation.

        Raises:
            DOMException: On setting, `InvalidStateError`: it is stopped.
            TypeError: On setting, `stopped`: call `stop`.
        """
        if self._state.stopping or self._state.stopped:
            return RTCRtpTransceiverDirection.STOPPED
        return RTCRtpTransceiverDirection(self._state.direction)

    @direction.setter
    def direction(self, direction: RTCRtpTransceiverDirection | str) -> None:
        wanted = idl.convert(RTCRtpTransceiverDirection, direction, "direction")
        if self._state.stopping or self._state.stopped:
            raise DOMException("the transceiver is stopped", "InvalidStateError")
        if wanted == self.direction:
            return
        if wanted is RTCRtpTransceiverDirection.STOPPED:
            raise TypeError("a transceiver is stopped by stop()")
        connection = self._connection
        connection.replace(set_direction(connection.session, self._state.key, Direction(wanted)))
        connection.negotiation.update()

    @property
    def currentDirection(self) -> RTCRtpTransceiverDirection | None:
        """What was negotiated, None before."""
        if self._state.stopped:
            return RTCRtpTransceiverDirection.STOPPED
        current = self._state.current_direction
        return None if current is None else RTCRtpTransceiverDirection(current)

    def stop(self) -> None:
        """Ends sending and receiving, for ever; the m-line is free once that was negotiated.

        Raises:
            DOMException: `InvalidStateError`, the connection is closed.
        """
        connection = self._connection
        connection.check_open()
        if self._state.stopping or self._state.stopped:
            return
        connection.replace(stop(connection.session, self._state.key))
        connection.end_receiving(self._receiver)
        connection.negotiation.update()

    def setCodecPreferences(self, codecs: Sequence[RTCRtpCodec | Mapping[str, object]]) -> None:
        """Which codecs to negotiate, the most liked first; none is all, as they are by default.

        Raises:
            DOMException: `InvalidModificationError`, a codec that the capabilities do not have, or none that
                carries media.
        """
        wanted: list[RTCRtpCodec] = idl.convert(list[RTCRtpCodec], codecs, "codecs")
        connection = self._connection
        unique: list[RTCRtpCodec] = []
        for codec in wanted:
            if not any(codecs_match(codec, other) for other in unique):
                unique.append(codec)
        if unique:
            self._check_preferences(unique)
        if self._state.stopped:
            return
        formats = tuple(format_of(codec, self._state.kind) for codec in unique)
        try:
            session = set_codec_preferences(connection.session, self._state.key, formats)
        except InvalidPreferencesError as error:
            raise DOMException(str(error), "InvalidModificationError") from None
        connection.replace(session)

    def _check_preferences(self, wanted: Sequence[RTCRtpCodec]) -> None:
        kind, of = self._state.kind, self._connection.session.capabilities
        known = [*codecs(kind, send=True, of=of), *codecs(kind, send=False, of=of)]
        for codec in wanted:
            if not any(codecs_match(codec, other) for other in known):
                raise DOMException(f"{codec.mimeType} is no codec of ours", "InvalidModificationError")
        if all(codec.mimeType.partition("/")[2].lower() in _AUXILIARY for codec in wanted):
            raise DOMException("none of the codecs carries media", "InvalidModificationError")

    @property
    def state(self) -> Transceiver:
        """What offer and answer know of it."""
        return self._state

    def follow(self, state: Transceiver) -> None:
        """Negotiation went on, or the program changed something."""
        self._state = state
        self._sender.follow(state)
        self._receiver.follow(state)
