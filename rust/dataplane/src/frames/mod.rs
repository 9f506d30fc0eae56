//! Encoded frames instead of packets: what Python sends and receives itself.
//!
//! A *local source* is a track without a publisher: its frames are cut into packets, which then go the way of any track's,
//! through cache, slots, retransmission, feedback and reports. A *receiver* is given a track's frames whole and in their
//! order, whether the track is forwarded besides or not.
//!
//! | file | what it decides |
//! |---|---|
//! | `packetiser`, `local`, `pacer` | how a frame becomes packets; what a local source remembers; when they leave |
//! | `assembler`, `timestamps` | when packets are a whole frame, and when one is given up |
//! | `flow` | what the shard does with both |

pub mod assembler;
mod flow;
pub mod local;
pub mod pacer;
pub mod packetiser;
pub mod timestamps;

use std::sync::Arc;

use visavis_wire::ext::AudioLevel;

use crate::time::Time;

/// The largest frame that is sent: as much as a track's cache keeps of it.
pub const MAX_FRAME_BYTES: usize = 2 << 20;

/// An encoded frame for a local source to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingFrame {
    pub layer: u8,
    pub payload_type: u8,
    pub timestamp: u32,
    /// When it was captured: it ties the timestamps to the clock of sender reports.
    pub captured: Time,
    /// A decoder can start with it; always so for audio.
    pub key: bool,
    /// RFC 6464.
    pub audio_level: Option<AudioLevel>,
    pub data: Vec<u8>,
}

/// A whole encoded frame that came from a publisher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub data: Box<[u8]>,
    /// The RTP timestamp in its low 32 bits; it does not wrap, nor go back when the publisher's stream is another one.
    pub timestamp: u64,
    pub payload_type: u8,
    /// A decoder can start with it; always so for audio.
    pub key: bool,
    /// When its last packet came.
    pub received: Time,
    /// When it was captured, as far as the publisher's sender reports tell, on this machine's clock.
    pub captured: Option<Time>,
    /// RFC 6464.
    pub audio_level: Option<AudioLevel>,
    pub ssrc: u32,
    /// The sources that a mixer put together (RFC 3550 section 5.1).
    pub csrcs: Vec<u32>,
    /// How many frames are known to be missing right before it.
    pub lost_before: u32,
}

/// One that takes a track's frames; the driver gives out the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReceiverId(pub u32);

/// What a receiver is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameEvent {
    Frame(Arc<Frame>),
    /// The track has ended, or there is none: nothing follows.
    Ended,
}
