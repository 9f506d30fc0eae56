"""RTCRtpSender (webrtc-pc section 5.2)."""

import copy
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from visavis.dataplane.commands import Kind
from visavis.errors import DOMException
from visavis.jsep import Transceiver, set_streams
from visavis.media import MediaStream, MediaStreamTrack
from visavis.rtc import encodings as rules
from visavis.rtc import idl
from visavis.rtc.capabilities import capabilities, codecs
from visavis.rtc.dtmf import RTCDTMFSender
from visavis.rtc.parameters import (
    RTCRtcpParameters,
    RTCRtpCapabilities,
    RTCRtpEncodingParameters,
    RTCRtpSendParameters,
    RTCSetParameterOptions,
    codec_parameters_of,
    extensions_of,
)
from visavis.rtc.states import RTCPeerConnectionState
from visavis.rtc.stats import RTCStatsReport
from visavis.sdp import Direction

if TYPE_CHECKING:
    from visavis.rtc.connection import Connection
    from visavis.rtc.dtls_transport import RTCDtlsTransport


_SENDING = (Direction.SENDRECV, Direction.SENDONLY)


class RTCRtpSender:
    """How a track is encoded and sent. `RTCPeerConnection` makes them."""

    def __init__(
        self,
        connection: "Connection",
        state: Transceiver,
        track: MediaStreamTrack | None,
        encodings: list[RTCRtpEncodingParameters],
    ) -> None:
        self._connection = connection
        self._state = state
        self._track = track
        self._encodings = encodings
        self._ridless: list[RTCRtpEncodingParameters] | None = None
        self._last_returned: RTCRtpSendParameters | None = None
        self._applying = 0
        self._has_sent = False
        self._dtmf = RTCDTMFSender(self) if state.kind is Kind.AUDIO else None

    @property
    def track(self) -> MediaStreamTrack | None:
        """What is sent; None sends nothing."""
        return self._track

    @property
    def transport(self) -> "RTCDtlsTransport | None":
        """Where it is sent over, None before that was negotiated."""
        return self._connection.dtls_transport(self._state.transport)

    @property
    def dtmf(self) -> RTCDTMFSender | None:
        """For audio: sends telephone keys."""
        return self._dtmf

    @staticmethod
    def getCapabilities(kind: str) -> RTCRtpCapabilities | None:
        """What can be sent of a kind, `audio` or `video`; None for others."""
        return capabilities(kind, send=True)

    def getParameters(self) -> RTCRtpSendParameters:
        """How it sends: change the encodings, and give it to `setParameters` before the next `await`."""
        if self._last_returned is None:
            state = self._state
            self._last_returned = returned = RTCRtpSendParameters(
                extensions_of(state.extensions),
                RTCRtcpParameters(self._connection.session.cname, self._connection.reduced_size(state)),
                [codec_parameters_of(format) for format in state.send_formats],
                str(uuid.uuid4()),
                copy.deepcopy(self._encodings),
            )

            def forget() -> None:
                if self._last_returned is returned:
                    self._last_returned = None

            self._connection.tasks.queue(forget)
        return copy.deepcopy(self._last_returned)

    async def setParameters(
        self,
        parameters: RTCRtpSendParameters | Mapping[str, object],
        setParameterOptions: RTCSetParameterOptions | Mapping[str, object] | None = None,
    ) -> None:
        """Changes how it sends, within what was negotiated.

        Raises:
            DOMException: `InvalidStateError`, it is stopped or `getParameters` was not called since the last
                task; `InvalidModificationError`, something that cannot be changed was.
            RangeError: A scale below 1, a rate below 0.
        """
        changed = idl.dictionary(RTCRtpSendParameters, parameters)
        options = idl.dictionary(RTCSetParameterOptions, setParameterOptions).encodingOptions
        if self._state.stopping:
            raise DOMException("the transceiver is stopped", "InvalidStateError")
        if self._last_returned is None:
            raise DOMException("setParameters needs what getParameters just returned", "InvalidStateError")
        kind = self._state.kind
        implemented = codecs(kind, send=True, of=self._connection.session.capabilities)
        encodings = rules.check_parameters(changed, self._last_returned, kind, implemented=implemented)
        if kind is Kind.AUDIO:
            options = []
        if options and len(options) != len(encodings):
            raise DOMException("encodingOptions are one for each encoding", "InvalidModificationError")
        self._applying += 1
        try:
            await self._connection.tasks.turn()
        finally:
            self._applying -= 1
        self._last_returned = None
        self._encodings = encodings
        self._connection.sending_changed(self)
        for place, option in enumerate(options):
            if option.keyFrame:
                self._connection.request_key_frame(self, encodings[place].rid)

    async def replaceTrack(self, withTrack: MediaStreamTrack | None) -> None:
        """Sends another track from now on, or nothing, without negotiation.

        Raises:
            TypeError: The track is of another kind.
            DOMException: `InvalidStateError`, the connection is closed or the transceiver stopped.
        """
        track = idl.convert(MediaStreamTrack | None, withTrack, "withTrack")
        if track is not None and track.kind != self._state.kind:
            raise TypeError(f"a sender of {self._state.kind} cannot send {track.kind}")

        async def replace() -> None:
            if self._state.stopping:
                raise DOMException("the transceiver is stopped", "InvalidStateError")
            await self._connection.tasks.turn()
            self._track = track
            self._connection.sending_changed(self)

        await self._connection.operations.run(replace)

    def setStreams(self, *streams: MediaStream) -> None:
        """Which streams the peer is to find the track in; it takes a negotiation.

        Raises:
            DOMException: `InvalidStateError`, the connection is closed.
        """
        connection = self._connection
        connection.check_open()
        ids = stream_ids(streams)
        if not self._state.stopped:
            connection.replace(set_streams(connection.session, self._state.key, ids))
        connection.negotiation.update()

    async def getStats(self) -> RTCStatsReport:
        """Figures about what it sends."""
        return await self._connection.stats(self)

    @property
    def connection(self) -> "Connection":
        """Whose it is."""
        return self._connection

    @property
    def state(self) -> Transceiver:
        """What offer and answer know of it."""
        return self._state

    @property
    def encodings(self) -> Sequence[RTCRtpEncodingParameters]:
        """How it sends now."""
        return self._encodings

    @property
    def has_sent(self) -> bool:
        """Whether it was ever agreed that it sends (section 5.1, `addTrack`)."""
        return self._has_sent

    @property
    def can_send_tones(self) -> bool:
        """Section 7.2, "determine if DTMF can be sent"."""
        state = self._state
        return (
            self._connection.connection_state is RTCPeerConnectionState.CONNECTED
            and not state.stopping
            and self._track is not None
            and state.current_direction in _SENDING
            and self._encodings[0].active
            and any(format.name.lower() == "telephone-event" for format in state.send_formats)
        )

    def play_tone(self, tone: str, duration_s: float) -> None:
        """Sends a telephone key."""
        self._connection.play_tone(self, tone, duration_s)

    def attach(self, track: MediaStreamTrack | None) -> None:
        """`addTrack` and `removeTrack`: what it sends from now on."""
        self._track = track
        self._connection.sending_changed(self)

    def remember_stable(self) -> None:
        """An offer leaves `stable`: a rollback comes back to what the encodings are now."""
        ridless = len(self._encodings) == 1 and self._encodings[0].rid is None
        self._ridless = self._encodings if ridless else None

    def follow(self, state: Transceiver) -> None:
        """Negotiation went on: encodings follow the rids, and the codecs."""
        self._state = state
        self._has_sent = self._has_sent or state.current_direction in _SENDING
        if tuple(encoding.rid for encoding in self._encodings) != tuple(state.rids) and not state.stopped:
            self._encodings = rules.renegotiated(self._encodings, self._ridless, state.rids, state.kind)
            self._last_returned = None

    def forget_parameters(self) -> None:
        """A description was set: what `getParameters` returned is of before."""
        self._last_returned = None

    def settle_codecs(self) -> None:
        """Stable again: encodings ask for no codec that was not negotiated."""
        if self._state.send_formats:
            negotiated = [codec_parameters_of(format) for format in self._state.send_formats]
            rules.drop_codecs_not_among(self._encodings, negotiated)

    @property
    def applying(self) -> bool:
        """Whether a `setParameters` is not over yet."""
        return self._applying > 0


def stream_ids(streams: Sequence[MediaStream]) -> tuple[str, ...]:
    """The ids of streams, each once."""
    return tuple(dict.fromkeys(idl.convert(MediaStream, stream, "stream").id for stream in streams))
