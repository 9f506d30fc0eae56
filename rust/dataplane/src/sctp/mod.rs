//! The SCTP association under data channels (RFC 9260 as RFC 8831 uses it): sans-IO, one for each transport.
//!
//! * `association` takes packets and gives packets; with `handshake` and `cookie` it comes to stand, then `transfer` is in charge.
//! * `outbound` has the messages that wait and says which is next; `flight` has what was sent, finds out what was lost, and
//!   gives up what need not arrive; `congestion` says how much may be on the way.
//! * `path_mtu` finds out how long packets may be.
//! * `tsns` knows which packets came, `assembly` makes messages of them, `inbound` puts those in order.
//! * `reset` closes streams (RFC 6525).

mod assembly;
mod association;
mod congestion;
mod cookie;
mod flight;
mod handshake;
mod inbound;
mod outbound;
mod path_mtu;
mod reset;
mod rtt;
mod transfer;
mod tsns;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use association::Association;
pub use path_mtu::{BASE as BASE_PATH_MTU, LARGEST as LARGEST_PATH_MTU};

/// What DTLS adds to a packet at the most, rounded up to a multiple of four: header, explicit nonce, tag (RFC 6347 section
/// 4.1, RFC 5288 section 3); in 1.3 it is less (RFC 9147 section 4).
pub const DTLS_BYTES: usize = 40;

/// What an association is opened with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    pub local_port: u16,
    pub remote_port: u16,
    /// The window that the peer sees when nothing waits to be taken.
    pub receive_budget: usize,
    /// The longest message that is taken; a longer one ends the association.
    pub max_message: usize,
    /// How many streams in each direction are asked for.
    pub streams: u16,
    /// Datagrams, with what DTLS adds, are no longer than this. None: as long as is found out to arrive (RFC 8899).
    pub fixed_path_mtu: Option<usize>,
    /// Whether long messages are to be interleaved with others (RFC 8260), where the peer can.
    pub interleaving: bool,
}

impl Config {
    /// The longest packet, with its header, while nothing is known of the path.
    fn base_packet(&self) -> usize {
        self.fixed_path_mtu.unwrap_or(path_mtu::BASE) - DTLS_BYTES
    }
}

/// How long it is tried to get a message across (RFC 3758, RFC 7496).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reliability {
    Reliable,
    /// So many times after the first.
    Retransmits(u32),
    /// So long after it was sent by the program.
    Lifetime(Duration),
}

/// A message on its way to the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingMessage {
    pub stream: u16,
    pub ppid: u32,
    pub ordered: bool,
    pub reliability: Reliability,
    /// The stream's share of the path against others' (RFC 8260 section 3.6); 256 is normal.
    pub priority: u16,
    pub data: Vec<u8>,
}

/// What the association tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Connected {
        inbound: u16,
        outbound: u16,
    },
    Message {
        stream: u16,
        ppid: u32,
        data: Vec<u8>,
    },
    /// The peer will send no more under the old numbers: it has reset its stream.
    StreamReset {
        stream: u16,
    },
    /// The peer has done what `reset_streams` asked for; or refused to, and the numbers go on.
    ResetDone {
        stream: u16,
    },
    /// So much has left the queue of a stream, or was given up there.
    Sent {
        stream: u16,
        bytes: usize,
    },
    /// The peer ended it.
    Closed(&'static str),
    /// It could not go on.
    Failed(&'static str),
}

/// Figures for webrtc-stats (section 8.12, "sctp-transport") and for logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub congestion_window: usize,
    pub receiver_window: usize,
    /// The longest datagram that is sent now, DTLS and all above UDP counted.
    pub path_mtu: usize,
    /// Sent, not acknowledged.
    pub unacknowledged_bytes: usize,
    /// Not sent for the first time yet.
    pub queued_bytes: usize,
    pub smoothed_rtt: Option<Duration>,
    /// Chunks of data that were found to be lost, and what was sent again of them.
    pub lost: u64,
    pub retransmitted: u64,
    /// Messages that were given up.
    pub abandoned: u64,
    /// Packets and chunks that had no effect because they broke a rule.
    pub discarded: u64,
}
