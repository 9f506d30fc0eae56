//! What happened to packets, by reason: the only trace that a malformed or unwanted packet leaves.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A reason to count.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Counter { $($(#[$doc])* $name,)* }

        impl Counter {
            pub const ALL: &'static [Counter] = &[$(Counter::$name,)*];

            /// The name that Python sees.
            pub fn as_str(self) -> &'static str {
                match self { $(Counter::$name => $text,)* }
            }
        }
    };
}

counters! {
    DatagramsReceived = "datagrams_received",
    BytesReceived = "bytes_received",
    DatagramsSent = "datagrams_sent",
    BytesSent = "bytes_sent",
    /// Not STUN, DTLS, RTP or RTCP by its first byte (RFC 7983).
    UnknownKind = "unknown_kind",
    StunMalformed = "stun_malformed",
    StunUnknownUfrag = "stun_unknown_ufrag",
    StunBadIntegrity = "stun_bad_integrity",
    StunRateLimited = "stun_rate_limited",
    StunAnswered = "stun_answered",
    /// A response that nobody waits for, or a question at a transport's own socket.
    StunUnexpected = "stun_unexpected",
    /// A check that came another way than by a relay, to a transport that answers by relays only.
    StunNotRelayed = "stun_not_relayed",
    /// Relayed data, but not from a server or by a channel that a transport knows.
    RelayUnknown = "relay_unknown",
    /// A check from an address that another transport's peer has proved to be its own.
    StunAddressHeld = "stun_address_held",
    /// Larger than any path's packets: nothing that is stored or handed over may be.
    DatagramOversized = "datagram_oversized",
    /// For a transport that has failed, or that Python is about to close.
    TransportOver = "transport_over",
    /// A check for another thread, more than strangers may have handed over.
    StunHandOverLimited = "stun_hand_over_limited",
    /// DTLS or SRTP from an address that ICE has not validated.
    UnvalidatedAddress = "unvalidated_address",
    DtlsError = "dtls_error",
    SrtpBeforeKeys = "srtp_before_keys",
    SrtpUnauthentic = "srtp_unauthentic",
    SrtpReplayed = "srtp_replayed",
    SrtpTooManySources = "srtp_too_many_sources",
    /// A key has sealed all that it may (RFC 3711 section 9.2).
    SrtpIndexExhausted = "srtp_index_exhausted",
    /// A packet could not be sealed for another reason, which is a defect of this end.
    SrtpSealFailed = "srtp_seal_failed",
    RtpMalformed = "rtp_malformed",
    RtpUnknownSource = "rtp_unknown_source",
    RtpUnknownPayloadType = "rtp_unknown_payload_type",
    RtpDuplicate = "rtp_duplicate",
    RtpForwarded = "rtp_forwarded",
    RtpDroppedByPolicy = "rtp_dropped_by_policy",
    /// It came so late that its place in a subscriber's stream lies before the window of what SRTP may still seal.
    RtpTooLate = "rtp_too_late",
    RtcpMalformed = "rtcp_malformed",
    NackSent = "nack_sent",
    NackReceived = "nack_received",
    NackAnswered = "nack_answered",
    NackTooOld = "nack_too_old",
    /// A peer asked for more to be sent again than its budget allows.
    NackRateLimited = "nack_rate_limited",
    /// A peer told of more packets by feedback than were ever sent to it.
    FeedbackRateLimited = "feedback_rate_limited",
    ProbesSent = "probes_sent",
    /// A frame for a track that is no local source, or of a payload type or layer that it has not.
    FrameUnknown = "frame_unknown",
    FramesSent = "frames_sent",
    FramesReceived = "frames_received",
    /// A receiver's queue was full: its policy is to drop the oldest.
    FramesDropped = "frames_dropped",
    PliSent = "pli_sent",
    PliReceived = "pli_received",
    PliMerged = "pli_merged",
    /// SCTP for a transport on which no association is open.
    SctpUnexpected = "sctp_unexpected",
    SctpReceived = "sctp_received",
    SctpSent = "sctp_sent",
    /// An SCTP packet that no DTLS record holds, which is a defect of this end.
    SctpSealFailed = "sctp_seal_failed",
    MessagesReceived = "messages_received",
    MessagesSent = "messages_sent",
    /// Accepted for an association that was over by then.
    MessagesDropped = "messages_dropped",
    /// Given to another thread: datagrams of its transports, media for its subscribers.
    HandedOver = "handed_over",
    /// A ring between two threads was full: its policy is to drop the newest.
    RingFull = "ring_full",
    /// The queue of reports was full: its policy is to drop levels and statistics first, never states.
    ReportsDropped = "reports_dropped",
    /// A stream to a server or peer ended: refused, closed by the other end, its TLS failed, or what came was no message.
    StreamLost = "stream_lost",
    /// A stream that a peer opened to a TCP candidate.
    StreamsAccepted = "streams_accepted",
    /// One of them that was closed: by it nothing authentic came in seconds, or more came than may wait for that.
    StreamsRefused = "streams_refused",
    /// A descriptor given as a socket that is none, or no UDP socket.
    SocketRefused = "socket_refused",
    SendFailed = "send_failed",
    /// Longer than what the system sends in one packet: so it is found out how long packets may be.
    SendTooLong = "send_too_long",
    SendWouldBlock = "send_would_block",
    /// Segmentation offload refused by the kernel or the device; the datagrams left one by one.
    SendUnsegmented = "send_unsegmented",
    /// Dropped by the kernel because the socket's buffer was full.
    KernelReceiveDrops = "kernel_receive_drops",
}

/// One shard's counters; any thread may read them.
#[derive(Debug)]
pub struct Counters {
    values: Vec<AtomicU64>,
}

impl Default for Counters {
    fn default() -> Counters {
        Counters { values: Counter::ALL.iter().map(|_| AtomicU64::new(0)).collect() }
    }
}

impl Counters {
    /// Only the shard's own thread writes, so a load and a store do; no bus lock per packet.
    pub fn add(&self, counter: Counter, amount: u64) {
        let value = &self.values[counter as usize];
        value.store(value.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
    }

    pub fn get(&self, counter: Counter) -> u64 {
        self.values[counter as usize].load(Ordering::Relaxed)
    }
}
