//! The vocabulary between the data plane and who drives it: commands down, reports up.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use visavis_wire::stun::TransactionId;

use crate::dtls::Certificate;
use crate::ice::Credentials;

use crate::frames::ReceiverId;

/// Which thread's part of the data plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardId(pub u8);

/// A transport; the upper eight bits name the shard that owns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransportId(pub u32);

/// A published track; the upper eight bits name the shard of its publisher's transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackId(pub u32);

/// One of a transport's sending m-lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(pub u16);

/// Which socket of a shard's: an index into the addresses that the driver was started with, or a number that the shard gave
/// to a transport's own socket or relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId(pub u32);

/// A socket as its transport's owner calls it: below [`FIRST_OWN_SOCKET`] it is the `SocketId` of a shared address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketNumber(pub u32);

pub const FIRST_OWN_SOCKET: u32 = 1_000;

/// A bound socket as the driver knows it: a file descriptor, in an emulated network whatever that calls an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor(pub i32);

/// A candidate pair of one transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PairId(pub u32);

/// The pairs that the data plane learns by itself have numbers from here on.
pub const FIRST_LEARNT_PAIR: u32 = 1 << 24;

impl TransportId {
    pub fn shard(self) -> ShardId {
        ShardId((self.0 >> 24) as u8)
    }
}

impl TrackId {
    pub fn shard(self) -> ShardId {
        ShardId((self.0 >> 24) as u8)
    }
}

/// The first character of an ICE user name fragment names the shard (RFC 8839 section 5.4: ice-char).
pub const SHARD_ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The shard that a user name fragment names, if it names one.
pub fn shard_of_ufrag(ufrag: &[u8]) -> Option<ShardId> {
    let first = *ufrag.first()?;
    SHARD_ALPHABET.iter().position(|&c| c == first).map(|i| ShardId(i as u8))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtlsRole {
    Client,
    Server,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Audio,
    Video,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    Opus,
    Vp8,
    Vp9,
    H264,
    Av1,
    Other,
}

/// Header extensions that the data plane knows (RFC 8285).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Extension {
    Mid,
    Rid,
    RepairedRid,
    AudioLevel,
    TransportCc,
    AbsSendTime,
    TransmissionOffset,
    VideoOrientation,
    PlayoutDelay,
    DependencyDescriptor,
    VideoLayersAllocation,
}

impl Extension {
    pub const COUNT: usize = 11;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// As in SDP, lower case: `sha-256`.
    pub algorithm: String,
    pub digest: Vec<u8>,
}

#[derive(Clone, Debug)]
pub struct Payload {
    pub payload_type: u8,
    pub codec: Codec,
    pub clock_hz: u32,
    pub rtx_payload_type: Option<u8>,
    pub nack: bool,
    pub pli: bool,
    pub fir: bool,
}

#[derive(Clone, Debug)]
pub struct ReceiveSection {
    pub track: TrackId,
    pub mid: String,
    pub kind: Kind,
    pub payloads: Vec<Payload>,
    /// (SSRC, its RTX SSRC) as signalled; may be empty.
    pub ssrcs: Vec<(u32, Option<u32>)>,
    /// RIDs in the order of the SDP; the first is layer 0.
    pub rids: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct SendSlot {
    pub slot: SlotId,
    pub mid: String,
    /// Which simulcast encoding of its m-line it is (RFC 8853); each has a slot of its own.
    pub rid: Option<String>,
    pub kind: Kind,
    pub ssrc: u32,
    pub rtx_ssrc: Option<u32>,
    pub cname: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadMap {
    pub from: u8,
    pub to: u8,
    pub to_rtx: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    pub slot: SlotId,
    pub layer: u8,
}

/// SRTP keys given instead of a DTLS handshake, for scenarios that repeat to the byte.
#[derive(Clone, Debug)]
pub struct GivenKeys {
    pub profile: crate::srtp::Profile,
    /// Master key and salt, concatenated, for what this end sends and for what it receives.
    pub local: Vec<u8>,
    pub remote: Vec<u8>,
}

/// How a transport takes part in ICE (RFC 8445 section 2.5, section 6.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IceMode {
    /// It checks no pairs but those that the peer's checks make known, and is controlled.
    Lite,
    Full {
        controlling: bool,
        tie_breaker: u64,
    },
}

/// A pair to check: from a socket to an address of the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairConfig {
    pub pair: PairId,
    pub socket: SocketNumber,
    pub remote: SocketAddr,
    /// What PRIORITY says in its checks (RFC 8445 section 7.1.1).
    pub priority: u32,
}

/// A request to a STUN or TURN server.
#[derive(Clone)]
pub struct StunRequest {
    pub request: u32,
    pub socket: SocketNumber,
    pub server: SocketAddr,
    pub method: u16,
    pub attributes: Vec<(u16, Vec<u8>)>,
    /// Makes MESSAGE-INTEGRITY, and verifies that of the response.
    pub key: Option<Vec<u8>>,
}

impl std::fmt::Debug for StunRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StunRequest")
            .field("request", &self.request)
            .field("server", &self.server)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// One of the SCTP associations that a transport has one after the other, each with a number of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AssociationId {
    pub transport: TransportId,
    pub number: u32,
}

/// One payload type of a local source's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourcePayload {
    pub payload_type: u8,
    pub codec: Codec,
    pub clock_hz: u32,
}

#[derive(Clone, Debug)]
pub enum Command {
    OpenTransport {
        id: TransportId,
        local: Credentials,
        mode: IceMode,
        /// What DTLS shows; none is the shard's.
        certificate: Option<Certificate>,
    },
    ConnectTransport {
        id: TransportId,
        remote: Credentials,
        role: DtlsRole,
        fingerprints: Vec<Fingerprint>,
    },
    /// Instead of `ConnectTransport`: no DTLS, these keys.
    ConnectWithKeys {
        id: TransportId,
        remote: Credentials,
        keys: GivenKeys,
    },
    RestartIce {
        id: TransportId,
        local: Credentials,
        remote: Option<Credentials>,
    },
    /// The role in ICE of a full transport (RFC 8445 section 6.1.1), where what it was opened with turned out to be wrong.
    SetIceRole {
        id: TransportId,
        controlling: bool,
    },
    /// Begins a new DTLS association in the place of the one that there is (RFC 8842 section 3), which also ends the SCTP
    /// association over it.
    RenewDtls {
        id: TransportId,
        role: DtlsRole,
        fingerprints: Vec<Fingerprint>,
    },
    AddSocket {
        id: TransportId,
        socket: SocketNumber,
        descriptor: Descriptor,
    },
    /// A connected stream, or one that is connecting, by which a TURN server is reached (RFC 8656 section 3.1).
    OpenStream {
        id: TransportId,
        socket: SocketNumber,
        descriptor: Descriptor,
        server: SocketAddr,
        /// Over TLS, to a server that proves to have this name or IP address.
        tls_name: Option<String>,
    },
    /// The base of TCP candidates (RFC 6544): a stream of its own leads to each peer's address. With a listening socket
    /// peers' streams are accepted, without one they are opened, from `local`, to where something is sent.
    AddTcpSocket {
        id: TransportId,
        socket: SocketNumber,
        local: IpAddr,
        listener: Option<Descriptor>,
    },
    /// Ends a socket or a relay.
    RemoveSocket {
        id: TransportId,
        socket: SocketNumber,
    },
    SetPairs {
        id: TransportId,
        pairs: Vec<PairConfig>,
    },
    /// Whether checks that come by another way than a relay are left unanswered (RFC 8828 section 5.2, mode 4): an answer
    /// would tell that the transport is there.
    AnswerByRelaysOnly {
        id: TransportId,
        only: bool,
    },
    Nominate {
        id: TransportId,
        pair: PairId,
    },
    SendStun {
        id: TransportId,
        request: StunRequest,
    },
    AddRelay {
        id: TransportId,
        relay: SocketNumber,
        socket: SocketNumber,
        server: SocketAddr,
    },
    BindChannel {
        id: TransportId,
        relay: SocketNumber,
        peer: SocketAddr,
        /// None: the peer is only permitted.
        channel: Option<u16>,
    },
    CloseTransport {
        id: TransportId,
    },
    Receive {
        id: TransportId,
        extensions: Vec<(u8, Extension)>,
        sections: Vec<ReceiveSection>,
        transport_cc: bool,
        /// Feedback may leave without a report before it (RFC 5506).
        reduced_size_rtcp: bool,
    },
    Send {
        id: TransportId,
        extensions: Vec<(u8, Extension)>,
        slots: Vec<SendSlot>,
    },
    Route {
        id: TransportId,
        slot: SlotId,
        track: Option<TrackId>,
        payloads: Vec<PayloadMap>,
    },
    SetLadder {
        id: TransportId,
        rungs: Vec<Rung>,
    },
    RequestKeyFrame {
        track: TrackId,
    },
    RequestStats {
        id: TransportId,
    },
    /// A track whose frames come by `Shard::handle_frame`; said again, its payload types change.
    OpenSource {
        track: TrackId,
        kind: Kind,
        payloads: Vec<SourcePayload>,
        /// Its encoder follows `Report::TargetBitrate`, and would make so many bits a second of it. None: it is as any
        /// track, not sent where it does not fit.
        wanted_bps: Option<u64>,
    },
    CloseSource {
        track: TrackId,
    },
    /// From now on the frames of a layer come out by `Shard::poll_frame` as well.
    OpenReceiver {
        track: TrackId,
        layer: u8,
        receiver: ReceiverId,
    },
    CloseReceiver {
        track: TrackId,
        receiver: ReceiverId,
    },
    /// Begins an SCTP association over DTLS (RFC 8261), as soon as that is connected. One of another number is aborted.
    OpenAssociation {
        id: AssociationId,
        local_port: u16,
        remote_port: u16,
        receive_bytes: usize,
        max_message_bytes: usize,
        /// Datagrams are no longer than this; None: as long as is found out to arrive.
        path_mtu_bytes: Option<usize>,
    },
    /// Resets streams of ours, once what is queued on them has left (RFC 6525).
    ResetStreams {
        id: AssociationId,
        streams: Vec<u16>,
    },
    /// Aborts the association (RFC 9260 section 9.1).
    CloseAssociation {
        id: AssociationId,
    },
}

impl Command {
    /// The shard that carries this command out.
    pub fn shard(&self) -> ShardId {
        match self {
            Command::OpenTransport { id, .. }
            | Command::ConnectTransport { id, .. }
            | Command::ConnectWithKeys { id, .. }
            | Command::RestartIce { id, .. }
            | Command::SetIceRole { id, .. }
            | Command::RenewDtls { id, .. }
            | Command::AddSocket { id, .. }
            | Command::OpenStream { id, .. }
            | Command::AddTcpSocket { id, .. }
            | Command::RemoveSocket { id, .. }
            | Command::SetPairs { id, .. }
            | Command::AnswerByRelaysOnly { id, .. }
            | Command::Nominate { id, .. }
            | Command::SendStun { id, .. }
            | Command::AddRelay { id, .. }
            | Command::BindChannel { id, .. }
            | Command::CloseTransport { id }
            | Command::Receive { id, .. }
            | Command::Send { id, .. }
            | Command::Route { id, .. }
            | Command::SetLadder { id, .. }
            | Command::RequestStats { id } => id.shard(),
            Command::OpenAssociation { id, .. }
            | Command::ResetStreams { id, .. }
            | Command::CloseAssociation { id } => id.transport.shard(),
            Command::RequestKeyFrame { track }
            | Command::OpenSource { track, .. }
            | Command::CloseSource { track }
            | Command::OpenReceiver { track, .. }
            | Command::CloseReceiver { track, .. } => track.shard(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransportState {
    Connecting,
    Connected,
    Disconnected,
    Failed,
    Closed,
}

impl TransportState {
    pub fn as_str(self) -> &'static str {
        match self {
            TransportState::Connecting => "connecting",
            TransportState::Connected => "connected",
            TransportState::Disconnected => "disconnected",
            TransportState::Failed => "failed",
            TransportState::Closed => "closed",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AssociationState {
    Connected,
    Closed,
    Failed,
}

impl AssociationState {
    pub fn as_str(self) -> &'static str {
        match self {
            AssociationState::Connected => "connected",
            AssociationState::Closed => "closed",
            AssociationState::Failed => "failed",
        }
    }
}

/// Why a slot forwards what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardReason {
    Ok,
    Bandwidth,
    NoMedia,
    NotShown,
    NoTrack,
    WaitingForKeyFrame,
}

impl ForwardReason {
    pub fn as_str(self) -> &'static str {
        match self {
            ForwardReason::Ok => "ok",
            ForwardReason::Bandwidth => "bandwidth",
            ForwardReason::NoMedia => "no-media",
            ForwardReason::NotShown => "not-shown",
            ForwardReason::NoTrack => "no-track",
            ForwardReason::WaitingForKeyFrame => "waiting-for-key-frame",
        }
    }
}

/// One figure of a statistics report.
#[derive(Clone, Debug, PartialEq)]
pub enum Figure {
    Int(u64),
    Float(f64),
    Text(String),
}

pub type Figures = Vec<(&'static str, Figure)>;

/// How a request to a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StunOutcome {
    Success,
    /// ERROR-CODE, 300 to 699.
    Error(u16),
    TimedOut,
    /// It could not be sent.
    NotSent,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    Transport {
        id: TransportId,
        state: TransportState,
        reason: &'static str,
        remote: Option<SocketAddr>,
        dtls_version: &'static str,
        dtls_cipher: String,
        srtp_profile: &'static str,
        /// The peer's, in DER; empty but for `Connected`.
        certificate: Vec<u8>,
    },
    Track {
        track: TrackId,
        layer: u8,
        active: bool,
        payload_type: u8,
    },
    Forwarding {
        id: TransportId,
        slot: SlotId,
        layer: Option<u8>,
        reason: ForwardReason,
    },
    AudioLevels {
        levels: Vec<(TrackId, i8)>,
    },
    Stats {
        id: TransportId,
        values: Figures,
        received: Vec<Figures>,
        sent: Vec<Figures>,
    },
    /// A check of a pair ended.
    PairState {
        id: TransportId,
        pair: PairId,
        succeeded: bool,
        /// Our address as the peer saw it, when it succeeded.
        mapped: Option<SocketAddr>,
        round_trip: Duration,
        reason: &'static str,
    },
    /// A check came from a candidate that was not known (RFC 8445 section 7.3.1.3).
    PairLearnt {
        id: TransportId,
        pair: PairId,
        socket: SocketNumber,
        remote: SocketAddr,
        priority: u32,
    },
    PairSelected {
        id: TransportId,
        pair: PairId,
        reason: &'static str,
    },
    RoleChanged {
        id: TransportId,
        controlling: bool,
    },
    /// A transport's own socket cannot be used any more, and is gone with the relays over it.
    SocketLost {
        id: TransportId,
        socket: SocketNumber,
    },
    StunResult {
        id: TransportId,
        request: u32,
        outcome: StunOutcome,
        attributes: Vec<(u16, Vec<u8>)>,
        round_trip: Duration,
        transaction: TransactionId,
    },
    /// The encoder of a local source is asked for a key frame of a layer.
    KeyFrameWanted {
        track: TrackId,
        layer: u8,
    },
    /// What the network carries of a transport on which local sources send.
    TargetBitrate {
        id: TransportId,
        bps: u64,
    },
    /// Frames wait at a track's receiver that asked to be told.
    FramesReady {
        track: TrackId,
    },
    Association {
        id: AssociationId,
        state: AssociationState,
        reason: &'static str,
        /// How many streams there are in each direction; 0 but for `Connected`.
        inbound: u16,
        outbound: u16,
    },
    /// Messages of an association wait to be read, or streams were reset, or something has left.
    MessagesReady {
        id: TransportId,
    },
    /// The shard is lost, with all its transports: a defect of the data plane, not of a peer.
    Fatal {
        shard: ShardId,
        message: String,
    },
}
