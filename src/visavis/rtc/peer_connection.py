"""RTCPeerConnection (webrtc-pc section 4.4), with its extensions for media (5.1) and data (6.1)."""

import asyncio
from collections.abc import Mapping
from functools import partial
from types import TracebackType
from typing import Self

from visavis.errors import DOMException
from visavis.events import Event, EventHandler
from visavis.jsep import Description, close, set_receives_simulcast
from visavis.rtc import candidates, certificate, descriptions, idl
from visavis.rtc import configuration as configurations
from visavis.rtc.certificate import RTCCertificate
from visavis.rtc.configuration import RTCConfiguration
from visavis.rtc.connection import Connection
from visavis.rtc.ice_candidate import RTCIceCandidate, RTCIceCandidateInit
from visavis.rtc.ice_events import RTCPeerConnectionIceErrorEvent, RTCPeerConnectionIceEvent
from visavis.rtc.media_and_data import MediaAndData
from visavis.rtc.network import OpenNetwork
from visavis.rtc.network_settings import NetworkSettings
from visavis.rtc.options import RTCAnswerOptions, RTCOfferOptions
from visavis.rtc.plane_network import open_network as open_plane_network
from visavis.rtc.session_description import (
    RTCLocalSessionDescriptionInit,
    RTCSessionDescription,
    RTCSessionDescriptionInit,
)
from visavis.rtc.states import RTCIceConnectionState, RTCIceGatheringState, RTCPeerConnectionState


class RTCPeerConnection(MediaAndData):
    """A connection to a peer. It belongs to the event loop on which its first method is awaited, and to that
    loop's thread: from elsewhere its methods raise RuntimeError.

    `async with RTCPeerConnection() as pc` closes it in the end. What waits for a method of a connection that
    is closed meanwhile is cancelled: the standard's promise, which is never settled, would wait for ever.
    """

    onnegotiationneeded: EventHandler[Event] = EventHandler()
    onicecandidate: EventHandler[RTCPeerConnectionIceEvent] = EventHandler()
    onicecandidateerror: EventHandler[RTCPeerConnectionIceErrorEvent] = EventHandler()
    onsignalingstatechange: EventHandler[Event] = EventHandler()
    oniceconnectionstatechange: EventHandler[Event] = EventHandler()
    onicegatheringstatechange: EventHandler[Event] = EventHandler()
    onconnectionstatechange: EventHandler[Event] = EventHandler()

    def __init__(
        self,
        configuration: RTCConfiguration | Mapping[str, object] | None = None,
        *,
        settings: NetworkSettings | None = None,
        open_network: OpenNetwork | None = None,
    ) -> None:
        """Nothing is opened before there is something to negotiate, unless `iceCandidatePoolSize` asks.

        Args:
            configuration: of the standard, as a dict or an `RTCConfiguration`.
            settings: how it uses the machine's network, which the standard does not say.
            open_network: opens what it sends and receives by in the place of the machine's; tests bring it.

        Raises:
            TypeError, DOMException: The configuration is impossible.
        """
        super().__init__()
        if open_network is None:
            open_network = partial(open_plane_network, settings or NetworkSettings())
        self._connection = Connection(self, configurations.new(configuration), open_network)
        self._connection.fill_pool()

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
        self,
        description: (
            RTCLocalSessionDescriptionInit
            | RTCSessionDescriptionInit
            | RTCSessionDescription
            | Mapping[str, object]
            | None
        ) = None,
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
        self, description: RTCSessionDescriptionInit | RTCSessionDescription | Mapping[str, object]
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
        self, candidate: RTCIceCandidateInit | RTCIceCandidate | Mapping[str, object] | None = None
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
        self._connection.restart_ice()

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
        """Changes the configuration; other servers, or another policy, have the next offer restart ICE
        (RFC 9429 section 4.1.18).

        Raises:
            DOMException: `InvalidStateError`, the connection is closed; `InvalidModificationError`, a member
                that cannot change did.
        """
        connection = self._connection
        connection.check_open()
        old = connection.configuration
        connection.configuration = new = configurations.changed(
            configuration, old, pool_is_fixed=connection.set_local_was_called
        )
        if (new.iceServers, new.iceTransportPolicy) != (old.iceServers, old.iceTransportPolicy):
            connection.needs_ice_restart = connection.session.local is not None
        connection.replace(set_receives_simulcast(connection.session, new.receive_simulcast))
        connection.fill_pool()

    @staticmethod
    async def generateCertificate(keygenAlgorithm: Mapping[str, object] | str) -> RTCCertificate:
        """Makes a certificate for the configuration: `{"name": "ECDSA", "namedCurve": "P-256"}` or
        `P-384`, and `expires` in milliseconds from now, at most a year, 30 days by default.

        Raises:
            DOMException: `NotSupportedError`, another algorithm.
        """
        return certificate.generate(keygenAlgorithm)

    def close(self) -> None:
        """Ends it, at once and for ever; events are fired no more.

        Raises:
            RuntimeError: Its event loop runs in another thread: `loop.call_soon_threadsafe(pc.close)`.
        """
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

    async def wait_for(
        self,
        state: RTCPeerConnectionState | str,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - of the API
    ) -> None:
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

    def _description(self, description: Description | None) -> RTCSessionDescription | None:
        """The object of a description: the same one, as long as it is the same."""
        return self._connection.description(description)
