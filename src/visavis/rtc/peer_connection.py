"""RTCPeerConnection (webrtc-pc section 4.4), with its extensions for media (5.1) and data (6.1)."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from visavis.dataplane.commands import Kind
from visavis.errors import DOMException
from visavis.events import Event, EventHandler, EventTarget
from visavis.jsep import (
    Description,
    add_transceiver,
    attach_track,
    close,
    restart_ice,
    set_direction,
)
from visavis.media import MediaStream, MediaStreamTrack
from visavis.rtc import candidates, certificate, descriptions, encodings, idl
from visavis.rtc import configuration as configurations
from visavis.rtc.capabilities import codecs
from visavis.rtc.certificate import RTCCertificate
from visavis.rtc.configuration import RTCConfiguration
from visavis.rtc.connection import Connection
from visavis.rtc.data_channel import RTCDataChannel, RTCDataChannelEvent, RTCDataChannelInit
from visavis.rtc.ice_candidate import RTCIceCandidateInit
from visavis.rtc.ice_events import RTCPeerConnectionIceErrorEvent, RTCPeerConnectionIceEvent
from visavis.rtc.network import OpenNetwork
from visavis.rtc.options import RTCAnswerOptions, RTCOfferOptions
from visavis.rtc.plane_network import open_network
from visavis.rtc.receiver import RTCRtpReceiver
from visavis.rtc.sctp_transport import RTCSctpTransport
from visavis.rtc.sender import RTCRtpSender, stream_ids
from visavis.rtc.session_description import (
    RTCLocalSessionDescriptionInit,
    RTCSessionDescription,
    RTCSessionDescriptionInit,
)
from visavis.rtc.states import RTCIceConnectionState, RTCIceGatheringState, RTCPeerConnectionState
from visavis.rtc.stats import RTCStatsReport
from visavis.rtc.track_event import RTCTrackEvent
from visavis.rtc.transceiver import RTCRtpTransceiver
from visavis.rtc.transceiver_init import RTCRtpTransceiverInit
from visavis.sdp import Direction

_ADDS_SENDING = {Direction.RECVONLY: Direction.SENDRECV, Direction.INACTIVE: Direction.SENDONLY}
_DROPS_SENDING = {Direction.SENDRECV: Direction.RECVONLY, Direction.SENDONLY: Direction.INACTIVE}


class RTCPeerConnection(EventTarget):
    """A connection to a peer. It belongs to the event loop on which its first method is awaited.

    `async with RTCPeerConnection() as pc` closes it in the end. What waits for a method of a connection that
    is closed meanwhile is cancelled: the standard's promise, which is never settled, would wait for ever.
    """

    onnegotiationneeded = EventHandler[Event]()
    onicecandidate = EventHandler[RTCPeerConnectionIceEvent]()
    onicecandidateerror = EventHandler[RTCPeerConnectionIceErrorEvent]()
    onsignalingstatechange = EventHandler[Event]()
    oniceconnectionstatechange = EventHandler[Event]()
    onicegatheringstatechange = EventHandler[Event]()
    onconnectionstatechange = EventHandler[Event]()
    ontrack = EventHandler[RTCTrackEvent]()
    ondatachannel = EventHandler[RTCDataChannelEvent]()

    def __init__(
        self,
        configuration: RTCConfiguration | Mapping[str, object] | None = None,
        *,
        open_network: OpenNetwork = open_network,
    ) -> None:
        """Nothing is opened before there is something to negotiate.

        Args:
            configuration: of the standard, as a dict or an `RTCConfiguration`.
            open_network: opens what it sends and receives by; tests bring their own.

        Raises:
            TypeError, DOMException: The configuration is impossible.
        """
        super().__init__()
        self._connection = Connection(self, configurations.new(configuration), open_network)

    # Descriptions.

    async def createOffer(
        self, options: RTCOfferOptions | Mapping[str, object] | None = None
    ) -> RTCSessionDescriptionInit:
        """An offer of what the connection is to be, for `setLocalDescription` and the peer.

        Raises:
            DOMException: `InvalidStateError`, the connection is closed or answers an offer.
        """
        read = idl.dictionary(RTCOfferOptions, options)
        return await self._connection.operations.run(lambda: descriptions.offer(self._connection, read))

    async def createAnswer(
        self, options: RTCAnswerOptions | Mapping[str, object] | None = None
    ) -> RTCSessionDescriptionInit:
        """An answer to the peer's offer, for `setLocalDescription` and the peer.

        Raises:
            DOMException: `InvalidStateError`, the connection is closed or has no offer to answer.
        """
        idl.dictionary(RTCAnswerOptions, options)
        return await self._connection.operations.run(lambda: descriptions.answer(self._connection))

    async def setLocalDescription(
        self, description: RTCLocalSessionDescriptionInit | Mapping[str, object] | None = None
    ) -> None:
        """Makes an offer or answer count here; without one, makes the one that is due.

        Raises:
            DOMException: `InvalidStateError`, it has no place in the signaling state;
                `InvalidModificationError`, it is not what was last created.
        """
        read = idl.dictionary(RTCLocalSessionDescriptionInit, description)
        connection = self._connection
        connection.set_local_was_called = True
        await connection.operations.run(lambda: descriptions.set_local_description(connection, read))

    async def setRemoteDescription(
        self, description: RTCSessionDescriptionInit | Mapping[str, object]
    ) -> None:
        """Makes the peer's offer or answer count here.

        Raises:
            RTCError: `sdp-syntax-error`, with the line.
            DOMException: `InvalidStateError`, it has no place in the signaling state; `InvalidAccessError`,
                it cannot be right.
        """
        read = idl.dictionary(RTCSessionDescriptionInit, description)
        connection = self._connection
        await connection.operations.run(lambda: descriptions.set_remote_description(connection, read))

    @property
    def localDescription(self) -> RTCSessionDescription | None:
        """The pending local description, else the current one."""
        return self._description(self._connection.session.local)

    @property
    def currentLocalDescription(self) -> RTCSessionDescription | None:
        """What was negotiated, with the candidates found since."""
        return self._description(self._connection.session.current_local)

    @property
    def pendingLocalDescription(self) -> RTCSessionDescription | None:
        """What is being negotiated, with the candidates found since."""
        return self._description(self._connection.session.pending_local)

    @property
    def remoteDescription(self) -> RTCSessionDescription | None:
        """The pending remote description, else the current one."""
        return self._description(self._connection.session.remote)

    @property
    def currentRemoteDescription(self) -> RTCSessionDescription | None:
        """What was negotiated, with the candidates added since."""
        return self._description(self._connection.session.current_remote)

    @property
    def pendingRemoteDescription(self) -> RTCSessionDescription | None:
        """What is being negotiated, with the candidates added since."""
        return self._description(self._connection.session.pending_remote)

    # ICE.

    async def addIceCandidate(
        self, candidate: RTCIceCandidateInit | Mapping[str, object] | None = None
    ) -> None:
        """Adds a candidate of the peer; an empty one is their end.

        Raises:
            TypeError: A candidate names no m-line.
            DOMException: `InvalidStateError`, there is no remote description; `OperationError`, it names an
                m-line or a generation that is not there, or is none.
        """
        read = idl.dictionary(RTCIceCandidateInit, candidate)
        if read.candidate and read.sdpMid is None and read.sdpMLineIndex is None:
            raise TypeError("a candidate needs sdpMid or sdpMLineIndex")
        await self._connection.operations.run(lambda: candidates.add(self._connection, read))

    def restartIce(self) -> None:
        """Has the next negotiation restart ICE (RFC 8445 section 9)."""
        connection = self._connection
        if not connection.closed:
            connection.replace(restart_ice(connection.session))
            connection.update_negotiation_needed()

    @property
    def signalingState(self) -> str:
        """Where offer and answer are."""
        return self._connection.session.signaling_state

    @property
    def iceGatheringState(self) -> RTCIceGatheringState:
        """How far gathering is."""
        return self._connection.gathering_state

    @property
    def iceConnectionState(self) -> RTCIceConnectionState:
        """How far the checks are."""
        return self._connection.ice_connection_state

    @property
    def connectionState(self) -> RTCPeerConnectionState:
        """How far ICE and DTLS are."""
        return self._connection.connection_state

    @property
    def canTrickleIceCandidates(self) -> bool | None:
        """Whether the peer takes candidates after its description; None before that is known."""
        return self._connection.session.can_trickle

    # Configuration and life.

    def getConfiguration(self) -> RTCConfiguration:
        """A copy of the configuration."""
        return idl.dictionary(RTCConfiguration, self._connection.configuration)

    def setConfiguration(self, configuration: RTCConfiguration | Mapping[str, object] | None = None) -> None:
        """Changes the configuration; servers and policy count from the next gathering on.

        Raises:
            DOMException: `InvalidStateError`, the connection is closed; `InvalidModificationError`, a member
                that cannot change did.
        """
        connection = self._connection
        connection.check_open()
        connection.configuration = configurations.changed(
            configuration, connection.configuration, pool_is_fixed=connection.set_local_was_called
        )

    @staticmethod
    async def generateCertificate(keygenAlgorithm: Mapping[str, object] | str) -> RTCCertificate:
        """Makes a certificate for the configuration: `{"name": "ECDSA", "namedCurve": "P-256"}`.

        Raises:
            DOMException: `NotSupportedError`, another algorithm.
        """
        return certificate.generate(keygenAlgorithm)

    def close(self) -> None:
        """Ends it, at once and for ever; events are fired no more."""
        connection = self._connection
        if connection.closed:
            return
        connection.close()
        connection.replace(close(connection.session))

    async def __aenter__(self) -> Self:
        """The connection itself."""
        return self

    async def __aexit__(
        self,
        type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes it."""
        self.close()

    async def wait_for(self, state: RTCPeerConnectionState | str, *, timeout: float | None = None) -> None:
        """Returns once `connectionState` is `state`.

        Raises:
            TimeoutError: It was not within `timeout` seconds.
            DOMException: `OperationError`, it has become `failed` or `closed` instead.
        """
        wanted = idl.convert(RTCPeerConnectionState, state, "state")
        async with asyncio.timeout(timeout):
            while self.connectionState is not wanted:
                if self.connectionState in (RTCPeerConnectionState.FAILED, RTCPeerConnectionState.CLOSED):
                    raise DOMException(f"the connection is {self.connectionState}", "OperationError")
                await self._connection.next_connection_state()

    # Media.

    def getSenders(self) -> list[RTCRtpSender]:
        """The senders of all transceivers that are not stopped."""
        return [one.sender for one in self._connection.transceivers if not one.state.stopped]

    def getReceivers(self) -> list[RTCRtpReceiver]:
        """The receivers of all transceivers that are not stopped."""
        return [one.receiver for one in self._connection.transceivers if not one.state.stopped]

    def getTransceivers(self) -> list[RTCRtpTransceiver]:
        """All transceivers, in the order of their making."""
        return self._connection.transceivers

    def addTrack(self, track: MediaStreamTrack, *streams: MediaStream) -> RTCRtpSender:
        """Sends a track, as part of streams; it takes a negotiation.

        Raises:
            DOMException: `InvalidStateError`, the connection is closed; `InvalidAccessError`, the track is
                being sent already.
        """
        track = idl.convert(MediaStreamTrack, track, "track")
        ids = stream_ids(streams)
        connection = self._connection
        connection.check_open()
        if any(sender.track is track for sender in self.getSenders()):
            raise DOMException("the track is being sent already", "InvalidAccessError")
        sender = next((one for one in self.getSenders() if _can_take(one, track)), None)
        if sender is not None:
            state = sender.state
            session = attach_track(connection.session, state.key, track.id, ids)
            connection.replace(session)
            sender.attach(track)
        else:
            session, key = add_transceiver(
                connection.session,
                Kind(track.kind),
                connection,
                track_id=track.id,
                stream_ids=ids,
                add_track=True,
            )
            sender = connection.add(session.transceiver(key), track).sender
            connection.replace(session)
        connection.update_negotiation_needed()
        return sender

    def removeTrack(self, sender: RTCRtpSender) -> None:
        """Sends a sender's track no more; it takes a negotiation.

        Raises:
            DOMException: `InvalidStateError`, the connection is closed; `InvalidAccessError`, another
                connection's sender.
        """
        sender = idl.convert(RTCRtpSender, sender, "sender")
        connection = self._connection
        connection.check_open()
        if sender.connection is not connection:
            raise DOMException("the sender is another connection's", "InvalidAccessError")
        if sender.state.stopping or sender not in self.getSenders() or sender.track is None:
            return
        sender.attach(None)
        direction = sender.state.direction
        connection.replace(
            set_direction(connection.session, sender.state.key, _DROPS_SENDING.get(direction, direction))
        )
        connection.update_negotiation_needed()

    def addTransceiver(
        self,
        trackOrKind: MediaStreamTrack | str,
        init: RTCRtpTransceiverInit | Mapping[str, object] | None = None,
    ) -> RTCRtpTransceiver:
        """A new transceiver, for a track or for a kind; it takes a negotiation.

        Raises:
            TypeError: Neither a track nor a kind, or impossible encodings.
            RangeError: An encoding's numbers are out of range.
            DOMException: `InvalidStateError`, the connection is closed; `OperationError`, a codec that cannot
                be sent.
        """
        read = idl.dictionary(RTCRtpTransceiverInit, init)
        track = trackOrKind if isinstance(trackOrKind, MediaStreamTrack) else None
        kind = Kind(idl.convert(Kind, trackOrKind if track is None else track.kind, "trackOrKind"))
        connection = self._connection
        connection.check_open()
        offered = encodings.initial(
            read.sendEncodings,
            kind,
            implemented=codecs(kind, send=True, of=connection.session.capabilities),
            most=connection.session.capabilities.max_encodings,
        )
        session, key = add_transceiver(
            connection.session,
            kind,
            connection,
            direction=Direction(read.direction),
            track_id=None if track is None else track.id,
            stream_ids=stream_ids(read.streams),
            rids=tuple(encoding.rid for encoding in offered),
        )
        transceiver = connection.add(session.transceiver(key), track, offered)
        connection.replace(session)
        connection.update_negotiation_needed()
        return transceiver

    # Data.

    @property
    def sctp(self) -> RTCSctpTransport | None:
        """The transport of the data channels, None before it was negotiated."""
        return self._connection.data.sctp

    def createDataChannel(
        self, label: str, dataChannelDict: RTCDataChannelInit | Mapping[str, object] | None = None
    ) -> RTCDataChannel:
        """A new data channel; the first takes a negotiation.

        Raises:
            TypeError: The channel cannot be as it is wanted.
            DOMException: `InvalidStateError`, the connection is closed; `OperationError`, no id is free.
        """
        read = idl.dictionary(RTCDataChannelInit, dataChannelDict)
        self._connection.check_open()
        return self._connection.data.create(idl.convert(str, label, "label"), read)

    # Figures.

    async def getStats(self, selector: MediaStreamTrack | None = None) -> RTCStatsReport:
        """Figures about all of it, or about a track that it sends or receives (webrtc-stats).

        Raises:
            DOMException: `InvalidAccessError`, the track is not one sender's or receiver's.
        """
        track = idl.convert(MediaStreamTrack | None, selector, "selector")
        if track is None:
            return await self._connection.stats()
        found = [one for one in (*self.getSenders(), *self.getReceivers()) if one.track is track]
        if len(found) != 1:
            raise DOMException(f"{len(found)} senders or receivers have this track", "InvalidAccessError")
        return await self._connection.stats(found[0])

    def _description(self, description: Description | None) -> RTCSessionDescription | None:
        """The object of a description: the same one, as long as it is the same."""
        return self._connection.description(description)


def _can_take(sender: RTCRtpSender, track: MediaStreamTrack) -> bool:
    """Whether `addTrack` may use a sender that is there."""
    return (
        sender.track is None
        and sender.state.kind == track.kind
        and not sender.state.stopping
        and not sender.has_sent
    )
