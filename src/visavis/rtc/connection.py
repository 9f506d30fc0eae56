"""What the objects of one RTCPeerConnection share: its slots (webrtc-pc section 4.4.1.1)."""

import asyncio
import secrets
import uuid
import weakref
from collections.abc import Callable
from operator import attrgetter

from visavis.errors import DOMException
from visavis.events import Event, EventTarget
from visavis.jsep import (
    DEFAULT_CAPABILITIES,
    Description,
    IceCredentials,
    Session,
    Transceiver,
    restart_ice,
)
from visavis.media import MediaSource, MediaStream, MediaStreamTrack
from visavis.rtc import certificate, encodings, states, stats, stats_gathering
from visavis.rtc.certificate import RTCCertificate
from visavis.rtc.configuration import RTCConfiguration
from visavis.rtc.data_channels import DataChannels
from visavis.rtc.dtls_transport import RTCDtlsTransport
from visavis.rtc.ice_events import RTCPeerConnectionIceEvent
from visavis.rtc.media_flows import MediaFlows
from visavis.rtc.negotiation_needed import NegotiationNeeded
from visavis.rtc.network import Network, OpenNetwork
from visavis.rtc.operations import Operations
from visavis.rtc.parameters import (
    RTCRtpContributingSource,
    RTCRtpEncodingParameters,
    RTCRtpSynchronizationSource,
)
from visavis.rtc.receiver import RTCRtpReceiver
from visavis.rtc.sender import RTCRtpSender
from visavis.rtc.session_description import RTCSessionDescription
from visavis.rtc.states import (
    RTCIceConnectionState,
    RTCIceGatheringState,
    RTCPeerConnectionState,
)
from visavis.rtc.stats import RTCStatsReport
from visavis.rtc.tasks import Tasks
from visavis.rtc.transceiver import RTCRtpTransceiver
from visavis.rtc.transports import Transports
from visavis.sdp import Flag
from visavis.values import replace

_SSRC_BITS = 32
_SESSION_ID_BITS = 63


class Connection:
    """The state of a connection. Its session is replaced, never changed; the objects follow it."""

    def __init__(
        self, target: EventTarget, configuration: RTCConfiguration, open_network: OpenNetwork
    ) -> None:
        self.target = target
        self.configuration = configuration
        self.certificates = configuration.certificates or [certificate.default()]
        self.tasks = Tasks()
        self.negotiation = NegotiationNeeded(self)
        self.operations = Operations(self.tasks, self.negotiation.chain_is_empty)
        self.transports = Transports(self)
        self.data = DataChannels(self)
        self.media = MediaFlows(self)
        self._streams: dict[str, MediaStream] = {}
        self._former_streams: weakref.WeakValueDictionary[str, MediaStream] = weakref.WeakValueDictionary()
        self.session = Session(
            session_id=secrets.randbits(_SESSION_ID_BITS),
            default_stream_id=str(uuid.uuid4()),
            cname=secrets.token_urlsafe(12),
            fingerprints=tuple(one.fingerprint for one in self.certificates),
            capabilities=replace(DEFAULT_CAPABILITIES, max_message_size_bytes=configuration.max_message_size),
            bundle_policy=configuration.bundlePolicy,
            rtcp_mux_policy=configuration.rtcpMuxPolicy,
            receives_simulcast=configuration.receive_simulcast,
        )
        self.gathering_state: RTCIceGatheringState = RTCIceGatheringState.NEW
        self.ice_connection_state: RTCIceConnectionState = RTCIceConnectionState.NEW
        self.connection_state: RTCPeerConnectionState = RTCPeerConnectionState.NEW
        self.set_local_was_called = False
        self.needs_ice_restart = False
        self.closed = False
        self._open_network = open_network
        self._network: Network | None = None
        self._transceivers: dict[int, RTCRtpTransceiver] = {}
        self._descriptions: dict[int, tuple[Description, RTCSessionDescription]] = {}
        self._state_waiters: set[asyncio.Future[None]] = set()
        self._proposed_from: tuple[object, ...] | None = None

    # What jsep draws (`Draw`).

    def credentials(self, transport: int) -> IceCredentials:
        """New ICE credentials."""
        return self.network.credentials(transport)

    def ssrc(self) -> int:
        """A random SSRC."""
        return secrets.randbits(_SSRC_BITS)

    def track_id(self) -> str:
        """A random track id."""
        return str(uuid.uuid4())

    # What the objects ask.

    @property
    def certificate(self) -> RTCCertificate:
        """What DTLS shows."""
        return self.certificates[0]

    @property
    def network(self) -> Network:
        """The world, opened when it is first needed."""
        if self._network is None:
            self._network = self._open_network()
        return self._network

    def fill_pool(self) -> None:
        """Gathers ahead as `iceCandidatePoolSize` asks (RFC 9429 section 3.5.4), before the first local
        description, and on an event loop: a connection that is made outside of one gathers with its first
        offer."""
        if self.closed or self.set_local_was_called or not _on_a_loop():
            return
        if self._network is not None or self.configuration.iceCandidatePoolSize:
            self.network.fill_pool(self.configuration, self.certificate)

    @property
    def transceivers(self) -> list[RTCRtpTransceiver]:
        """The set of transceivers, in the order of their making."""
        return [self._transceivers[one.key] for one in self.session.transceivers]

    def transceiver(self, key: int) -> RTCRtpTransceiver:
        """The object of a transceiver, until `forget_removed` also of one that has left the set."""
        return self._transceivers[key]

    def stream(self, id: str) -> MediaStream:
        """The stream that the peer calls so: the same one, as long as anybody has it."""
        if id not in self._streams:
            self._streams[id] = self._former_streams.get(id) or MediaStream(id=id)
        return self._streams[id]

    def check_open(self) -> None:
        """Raises `InvalidStateError` once the connection is closed, RuntimeError in another thread."""
        self.tasks.check_thread()
        if self.closed:
            raise DOMException("the connection is closed", "InvalidStateError")

    def dtls_transport(self, key: int | None) -> RTCDtlsTransport | None:
        """The object of a transport."""
        return self.transports.get(key)

    def reduced_size(self, state: Transceiver) -> bool:
        """Whether reduced-size RTCP (RFC 5506) was negotiated on an m-line."""
        local, remote = self.session.local, self.session.remote
        sections = [side.section(state.m_line_index) if side else None for side in (local, remote)]
        return all(section is not None and section.has(Flag.RTCP_RSIZE) for section in sections)

    def contributing_sources(self, key: int) -> list[RTCRtpContributingSource]:
        """Who was heard in a received stream."""
        heard = (one for flow in self.media.of(key)[1] if flow.sources for one in flow.sources.contributing())
        return sorted(heard, key=attrgetter("timestamp"), reverse=True)

    def synchronization_sources(self, key: int) -> list[RTCRtpSynchronizationSource]:
        """Which streams were received."""
        heard = (
            one for flow in self.media.of(key)[1] if flow.sources for one in flow.sources.synchronization()
        )
        return sorted(heard, key=attrgetter("timestamp"), reverse=True)

    async def stats(self, selector: "stats.Selector" = None) -> RTCStatsReport:
        """Figures, in a later task."""
        return await stats_gathering.report(self, selector)

    def description(self, description: Description | None) -> RTCSessionDescription | None:
        """The object of a description: the same one, as long as the description is the same."""
        if description is None:
            return None
        if id(description) not in self._descriptions:
            self._descriptions[id(description)] = (
                description,
                RTCSessionDescription({"type": str(description.type), "sdp": description.text}),
            )
        return self._descriptions[id(description)][1]

    async def next_connection_state(self) -> None:
        """Returns when the connection's state is another one."""
        self.tasks.check_loop()
        changed = asyncio.get_running_loop().create_future()
        self._state_waiters.add(changed)
        try:
            await changed
        finally:
            self._state_waiters.discard(changed)

    # What changes it.

    def replace(self, session: Session) -> None:
        """The next session; transceivers that are new in it get their objects.

        Raises:
            RuntimeError: In another thread than that of the connection's event loop.
        """
        self.tasks.check_thread()
        gone = {one.key for one in self.session.transceivers} - {one.key for one in session.transceivers}
        former, self.session = self.session, session
        if self._descriptions:
            self._forget_descriptions()
        for state in session.transceivers:
            if state.key not in self._transceivers:
                self.add(state, None, [RTCRtpEncodingParameters(rid) for rid in state.rids])
            self._transceivers[state.key].follow(state)
        for key in gone:
            last = former.transceiver(key)
            self._transceivers[key].follow(
                replace(last, stopping=True, stopped=True, mid=None, m_line_index=None)
            )

    def add(
        self,
        state: Transceiver,
        track: MediaStreamTrack | None,
        sending: list[RTCRtpEncodingParameters] | None = None,
    ) -> RTCRtpTransceiver:
        """Makes the object of a transceiver that the next session has."""
        kind = state.kind
        asked = sending if sending and len(sending) > 1 else [encodings.single(kind)]
        if sending and len(sending) == 1 and sending[0].rid is None:
            asked = sending
        source = MediaSource(kind.value, label=f"remote {kind}", muted=True)
        made = RTCRtpTransceiver(
            self,
            state,
            RTCRtpSender(self, state, track, asked),
            RTCRtpReceiver(self, state, MediaStreamTrack(source)),
        )
        self._transceivers[state.key] = made
        return made

    def forget_removed(self) -> None:
        """Negotiation is stable: no rollback brings back the transceivers that have left the set.

        Streams that no receiver's track belongs to are the program's alone, and the same ones should the peer
        name them again.
        """
        states = self.session.transceivers
        self._transceivers = {one.key: self._transceivers[one.key] for one in states}
        named = {id for one in states for id in one.remote_stream_ids}
        for id in self._streams.keys() - named:
            self._former_streams[id] = self._streams.pop(id)

    def remember_proposal(self) -> None:
        """An offer or answer was created from what the session is now."""
        self._proposed_from = _what_descriptions_show(self.session)

    def proposal_is_accurate(self) -> bool:
        """Whether the last created description would be created again."""
        return self._proposed_from == _what_descriptions_show(self.session)

    def restart_ice(self) -> None:
        """The next offer restarts ICE (RFC 8445 section 9)."""
        if not self.closed:
            self.replace(restart_ice(self.session))
            self.negotiation.update()

    def sending_changed(self, sender: RTCRtpSender) -> None:
        """A sender has another track, or other encodings."""
        if (transceiver := self._transceivers.get(sender.state.key)) is not None:
            self.media.sending_changed(transceiver)

    def mute_receivers(self, transport: int) -> bool:
        """The peer has closed a transport: nothing comes any more. Returns whether a track had to tell."""
        muted = [one for one in self.transceivers if one.state.transport == transport]
        for transceiver in muted:
            transceiver.receiver.mute()
        return bool(muted)

    def end_receiving(self, receiver: RTCRtpReceiver) -> None:
        """Section 5.4, "stop sending and receiving": the track ends, and tells."""
        self.tasks.queue_last_words(receiver.end)

    def request_key_frame(self, sender: RTCRtpSender, rid: str | None) -> None:
        """An encoding of a sender is to begin anew."""
        self.media.request_key_frame(sender.state.key, rid)

    def play_tone(self, sender: RTCRtpSender, tone: str, duration_s: float) -> None:
        """A sender is to send a telephone key (RFC 4733)."""
        self.media.press(sender.state.key, tone, duration_s)

    def derive_states(self) -> Callable[[], bool]:
        """Derives the connection's states from its transports'; what is returned fires the events, and tells
        whether it called anybody."""
        transports = self._referenced_transports()
        gathering = states.gathering_state(transports)
        ice = states.ice_connection_state(transports)
        whole = states.connection_state(transports)
        fired: list[str] = []
        if gathering is not self.gathering_state:
            fired.append("icegatheringstatechange")
        if ice is not self.ice_connection_state:
            fired.append("iceconnectionstatechange")
        if whole is not self.connection_state:
            fired.append("connectionstatechange")
        self.gathering_state, self.ice_connection_state, self.connection_state = gathering, ice, whole
        if not fired:
            return _fire_nothing

        def fire() -> bool:
            """A listener may close the connection: then the rest is not fired any more."""
            called = False
            for type in fired:
                if not self.closed:
                    called |= self.target.fire(Event(type))
            if "connectionstatechange" in fired:
                called |= self._wake_state_waiters()
            complete = "icegatheringstatechange" in fired and gathering is RTCIceGatheringState.COMPLETE
            if complete and not self.closed:
                called |= self.target.fire(RTCPeerConnectionIceEvent("icecandidate"))
            return called

        return fire

    def close(self) -> None:
        """Section 4.4.1.10, "close the connection"; its session is closed after that."""
        self.tasks.check_thread()
        self.closed = True
        for transceiver in self.transceivers:
            self.end_receiving(transceiver.receiver)
        self.data.close()
        self.media.close()
        self.transports.close()
        self.ice_connection_state = RTCIceConnectionState.CLOSED
        self.connection_state = RTCPeerConnectionState.CLOSED
        self._wake_state_waiters()
        self.operations.close()
        self.tasks.close()
        if self._network is not None:
            self._network.close()

    def _forget_descriptions(self) -> None:
        """Those that the session has no more."""
        session = self.session
        held = {
            id(session.current_local),
            id(session.pending_local),
            id(session.current_remote),
            id(session.pending_remote),
        }
        for key in [key for key in self._descriptions if key not in held]:
            del self._descriptions[key]

    def _referenced_transports(self) -> list[RTCDtlsTransport]:
        """The transports that transceivers and data refer to (section 4.3.2)."""
        keys = {one.transport for one in self.session.transceivers} | {self.session.data.transport}
        found = (self.transports.get(key) for key in keys)
        return [transport for transport in found if transport is not None]

    def _wake_state_waiters(self) -> bool:
        waiting = [waiter for waiter in self._state_waiters if not waiter.done()]
        for waiter in waiting:
            waiter.set_result(None)
        return bool(waiting)


def _fire_nothing() -> bool:
    return False


def _on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _what_descriptions_show(session: Session) -> tuple[object, ...]:
    return (
        session.signaling_state,
        session.transceivers,
        session.wants_data,
        session.replaced_credentials,
        [transport.local for transport in session.transports],
    )
