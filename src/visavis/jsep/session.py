"""A peer's whole negotiation state as one immutable value (RFC 9429 section 3, W3C webrtc-pc section 4.4.1).

Functions beside this file take a `Session` and return the next one. What is not applied yet (an offer that
was only created) is in `last_offer` and `last_answer`, and changes nothing else. What a rollback goes back to
is in `stable`.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from visavis.dataplane.commands import DtlsRole, Fingerprint, Kind
from visavis.jsep.capabilities import Capabilities, Format, FormatIdentity
from visavis.jsep.default_capabilities import DEFAULT_CAPABILITIES
from visavis.sdp import Candidate, Direction, ExtMap, MediaDescription, SessionDescription


class SdpType(StrEnum):
    """`RTCSdpType` (W3C webrtc-pc section 4.3.1)."""

    OFFER = "offer"
    PRANSWER = "pranswer"
    ANSWER = "answer"
    ROLLBACK = "rollback"


class SignalingState(StrEnum):
    """`RTCSignalingState` (W3C webrtc-pc section 4.3.1); the table of its changes is in `signaling`."""

    STABLE = "stable"
    HAVE_LOCAL_OFFER = "have-local-offer"
    HAVE_REMOTE_OFFER = "have-remote-offer"
    HAVE_LOCAL_PRANSWER = "have-local-pranswer"
    HAVE_REMOTE_PRANSWER = "have-remote-pranswer"
    CLOSED = "closed"


class BundlePolicy(StrEnum):
    """`RTCBundlePolicy` (RFC 9429 section 4.1.1; `max-bundle` is what it calls `must-bundle`)."""

    BALANCED = "balanced"
    MAX_COMPAT = "max-compat"
    MAX_BUNDLE = "max-bundle"


class RtcpMuxPolicy(StrEnum):
    """`RTCRtcpMuxPolicy` (RFC 9429 section 4.1.1). With `negotiate` an m-line without mux is rejected."""

    NEGOTIATE = "negotiate"
    REQUIRE = "require"


@dataclass(frozen=True, slots=True)
class IceCredentials:
    """A user name fragment and its password (RFC 8839 section 5.4)."""

    ufrag: str
    password: str = field(repr=False)


class Draw(Protocol):
    """Where the session's random values come from."""

    def credentials(self, transport: int) -> IceCredentials:
        """New ICE credentials, for the transport of that key, which opens or restarts.

        All that an offer opens or restarts share one pair, drawn for the first of them, as RFC 8839 section
        5.4 allows and every browser does: once they are bundled, Firefox takes anything else for a restart of
        some of them, and refuses that.
        """
        ...

    def ssrc(self) -> int:
        """A random SSRC (RFC 3550 section 8); one that the session has already is drawn anew."""
        ...

    def track_id(self) -> str:
        """An id for the `a=msid` of a sender without a track (RFC 8830 section 2)."""
        ...


@dataclass(frozen=True, slots=True)
class Transport:
    """An ICE and DTLS transport: that of one m-line, or of all m-lines of a BUNDLE group.

    `remote` is None until the peer's answer, or our answer to the peer's offer, is applied; `role` is our
    DTLS role. `association` counts the DTLS associations: a change asks for a new one (RFC 9429, 5.11).
    `candidates` are ours of the last gathering, in the order of their discovery.
    """

    key: int
    local: IceCredentials
    controlling: bool
    remote: IceCredentials | None = None
    remote_lite: bool = False
    fingerprints: tuple[Fingerprint, ...] = ()
    role: DtlsRole | None = None
    association: int = 0
    candidates: tuple[Candidate, ...] = ()
    gathered: bool = False


@dataclass(frozen=True, slots=True)
class Transceiver:
    """What offer and answer know of an `RTCRtpTransceiver` (W3C webrtc-pc section 5.4).

    Attributes:
        key: its identity for the life of the session.
        direction: what the program prefers; `current_direction` is what was negotiated,
            `fired_direction` what the program's track events told it.
        transport: key of its transport, None before a description gave it one.
        track_id: second word of its `a=msid`: its first track, or a random one.
        stream_ids: of the streams that its sender names; none is `a=msid:-`.
        rids: of its encodings, in their order; `(None,)` is one encoding without a rid.
        ssrc: of its stream; `rtx_ssrc` of the repairs, 0 for audio. They are not signaled with simulcast.
        remote_stream_ids: what its receiver's track belongs to.
        remote_ssrcs: what the peer's description names: pairs (SSRC, its RTX SSRC or None).
        receive_rids: of the simulcast streams that the peer sends, in its order; none is one stream.
        preferences: as `setCodecPreferences` left them; empty is none.
        send_formats: under the peer's numbers, in the peer's order of preference; RTX included.
        receive_formats: under our numbers; RTX included.
        extensions: negotiated, as our description has them.
        add_track: whether it is one of `addTrack`, which takes m-lines of the peer's offers and outlasts
            their rollback: made by it, or made by an offer and used by it.
        from_remote: whether applying an offer of the peer created it.
    """

    key: int
    kind: Kind
    direction: Direction
    track_id: str
    ssrc: int
    rtx_ssrc: int = 0
    stream_ids: tuple[str, ...] = ()
    rids: tuple[str | None, ...] = (None,)
    current_direction: Direction | None = None
    fired_direction: Direction | None = None
    mid: str | None = None
    m_line_index: int | None = None
    transport: int | None = None
    stopping: bool = False
    stopped: bool = False
    remote_stream_ids: tuple[str, ...] = ()
    remote_ssrcs: tuple[tuple[int, int | None], ...] = ()
    receive_rids: tuple[str, ...] = ()
    preferences: tuple[Format, ...] = ()
    send_formats: tuple[Format, ...] = ()
    receive_formats: tuple[Format, ...] = ()
    extensions: tuple[ExtMap, ...] = ()
    add_track: bool = False
    from_remote: bool = False


@dataclass(frozen=True, slots=True)
class DataSection:
    """The m-line of data channels (RFC 8841); `remote_port` is None until an answer is applied.

    `remote_max_message_size_bytes` is the peer's limit, 0 for none (RFC 8841 section 6).
    """

    mid: str | None = None
    m_line_index: int | None = None
    transport: int | None = None
    remote_port: int | None = None
    remote_max_message_size_bytes: int = 65_536

    @property
    def negotiated(self) -> bool:
        """Whether both ends have agreed to it."""
        return self.remote_port is not None


@dataclass(frozen=True, slots=True)
class Description:
    """A description that was set: `verbatim` as the program gave it, None once candidates were added."""

    type: SdpType
    content: SessionDescription
    verbatim: str | None = None

    @property
    def text(self) -> str:
        """The `sdp` of the `RTCSessionDescription`."""
        return str(self.content) if self.verbatim is None else self.verbatim

    def section(self, index: int | None) -> MediaDescription | None:
        """The m-line at a place, None without one."""
        return self.content.media[index] if index is not None and index < len(self.content.media) else None


@dataclass(frozen=True, slots=True)
class ProposedSection:
    """An m-line of a description that was created: whose it is, on which transport."""

    mid: str | None
    transceiver: int | None = None
    transport: int | None = None
    data: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """A description that was created, and what it will mean once it is set.

    `transports` are those that it opens or restarts, as they will be. An answer `answers` the offer of that
    text.
    """

    text: str
    content: SessionDescription
    sections: tuple[ProposedSection, ...]
    transports: tuple[Transport, ...]
    answers: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """The negotiation state of one peer connection.

    Attributes:
        session_id: of `o=` (RFC 9429 section 5.2.1: 63 random bits).
        default_stream_id: of the stream for remote tracks without `a=msid` (RFC 9429 section 5.8.2).
        cname: of `a=ssrc` (RFC 7022).
        fingerprints: of our certificates.
        session_version: of the last `o=` line that was created.
        wants_data: whether the program has created a data channel.
        receives_simulcast: whether answers take all the streams that an m-line offers (RFC 8853).
        transports: all that are open, in the order of their keys.
        numbers: what a payload type of ours was ever offered for: it means nothing else for the session's
            life (RFC 3264 section 8.3.2).
        extension_ids: the same for header extensions (RFC 8285 section 6).
        replaced_credentials: `[[LocalIceCredentialsToReplace]]`.
        can_trickle: `canTrickleIceCandidates`.
        stable: the session as it left `stable`, None in `stable`.
    """

    session_id: int
    default_stream_id: str
    cname: str
    fingerprints: tuple[Fingerprint, ...] = ()
    capabilities: Capabilities = DEFAULT_CAPABILITIES
    bundle_policy: BundlePolicy = BundlePolicy.BALANCED
    rtcp_mux_policy: RtcpMuxPolicy = RtcpMuxPolicy.REQUIRE
    signaling_state: SignalingState = SignalingState.STABLE
    session_version: int = 0
    current_local: Description | None = None
    pending_local: Description | None = None
    current_remote: Description | None = None
    pending_remote: Description | None = None
    last_offer: Proposal | None = None
    last_answer: Proposal | None = None
    transceivers: tuple[Transceiver, ...] = ()
    data: DataSection = DataSection()
    wants_data: bool = False
    receives_simulcast: bool = False
    transports: tuple[Transport, ...] = ()
    next_transceiver: int = 1
    next_transport: int = 1
    next_mid: int = 0
    numbers: tuple[tuple[int, FormatIdentity], ...] = ()
    extension_ids: tuple[tuple[int, str], ...] = ()
    replaced_credentials: frozenset[IceCredentials] = frozenset()
    can_trickle: bool | None = None
    stable: "Session | None" = field(default=None, repr=False)

    @property
    def local(self) -> Description | None:
        """`localDescription`: the pending one, else the current one."""
        return self.pending_local or self.current_local

    @property
    def remote(self) -> Description | None:
        """`remoteDescription`: the pending one, else the current one."""
        return self.pending_remote or self.current_remote

    def transceiver(self, key: int) -> Transceiver:
        """The transceiver of a key; raises KeyError when it is not in the set (any more)."""
        for one in self.transceivers:
            if one.key == key:
                return one
        raise KeyError(key)

    def transport(self, key: int) -> Transport:
        """The transport of a key; raises KeyError when it is not open (any more)."""
        for one in self.transports:
            if one.key == key:
                return one
        raise KeyError(key)

    def transceiver_at(self, index: int) -> Transceiver | None:
        """The transceiver that is associated with an m-line."""
        return next((one for one in self.transceivers if one.m_line_index == index), None)


@dataclass(frozen=True, slots=True)
class RemoteTrack:
    """What a description did to a receiver's track (W3C webrtc-pc section 5.1.1).

    `fire`: a track event is due, with `streams`. `mute`: the track is to be muted. `added` and `removed` are
    the streams that it enters and leaves.
    """

    transceiver: int
    streams: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    fire: bool
    mute: bool


@dataclass(frozen=True, slots=True)
class RemoteCandidates:
    """Candidates of the peer for a transport, of the generation of `ufrag`; `end` when it has no more."""

    transport: int
    ufrag: str
    candidates: tuple[Candidate, ...] = ()
    end: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """What setting a description did, beside what the new `Session` shows, by keys.

    Attributes:
        created: transceivers that the peer's offer created, in the order of its m-lines.
        stopped: those that became stopped.
        removed: those that left the set.
        tracks: what became of remote tracks, in the order of the m-lines.
        encodings: transceivers whose `rids` are others now.
        opened: transports to open, and to gather candidates for.
        restarted: transports whose local credentials are new: restart ICE, gather anew; after a rollback the
            credentials are the former ones.
        connected: transports whose peer's credentials, fingerprints or our role are known now, or are others:
            start checks (again), and the handshake.
        closed: transports to close.
        candidates: the peer's candidates to hand to ICE.
        data_opened: the data m-line was negotiated (the remote port may have changed, too).
        data_closed: the data m-line was rejected or rolled back.
    """

    created: tuple[int, ...] = ()
    stopped: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()
    tracks: tuple[RemoteTrack, ...] = ()
    encodings: tuple[int, ...] = ()
    opened: tuple[int, ...] = ()
    restarted: tuple[int, ...] = ()
    connected: tuple[int, ...] = ()
    closed: tuple[int, ...] = ()
    candidates: tuple[RemoteCandidates, ...] = ()
    data_opened: bool = False
    data_closed: bool = False


Side = Literal["local", "remote"]
