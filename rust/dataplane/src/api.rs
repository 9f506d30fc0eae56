//! The vocabulary between the data plane and who drives it: commands down, reports up.

use std::net::SocketAddr;

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

/// Which of the driver's sockets: an index into the addresses it was started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId(pub u8);

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

#[derive(Clone, Debug)]
pub enum Command {
    OpenTransport {
        id: TransportId,
        ufrag: String,
        password: String,
    },
    ConnectTransport {
        id: TransportId,
        remote_ufrag: String,
        role: DtlsRole,
        fingerprints: Vec<Fingerprint>,
    },
    /// Instead of `ConnectTransport`: no DTLS, these keys.
    ConnectWithKeys {
        id: TransportId,
        remote_ufrag: String,
        keys: GivenKeys,
    },
    RestartIce {
        id: TransportId,
        ufrag: String,
        password: String,
        remote_ufrag: Option<String>,
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
}

impl Command {
    /// The shard that carries this command out.
    pub fn shard(&self) -> ShardId {
        match self {
            Command::OpenTransport { id, .. }
            | Command::ConnectTransport { id, .. }
            | Command::ConnectWithKeys { id, .. }
            | Command::RestartIce { id, .. }
            | Command::CloseTransport { id }
            | Command::Receive { id, .. }
            | Command::Send { id, .. }
            | Command::Route { id, .. }
            | Command::SetLadder { id, .. }
            | Command::RequestStats { id } => id.shard(),
            Command::RequestKeyFrame { track } => track.shard(),
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
    /// The shard is lost, with all its transports: a defect of the data plane, not of a peer.
    Fatal {
        shard: ShardId,
        message: String,
    },
}
