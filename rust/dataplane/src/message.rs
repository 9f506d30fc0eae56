//! What one shard tells another.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::api::{Kind, SocketId, TrackId};
use crate::media::{ClockMap, MediaPacket};

/// Handed over in batches by the driver, through a bounded ring. When it is full, what `may_be_lost` is; the others are as
/// few as the commands and checks that cause them, and always get through.
#[derive(Clone, Debug)]
pub enum ShardMessage {
    /// A datagram of a transport of the receiver's, which the kernel gave to another thread.
    Datagram {
        socket: SocketId,
        peer: SocketAddr,
        data: Arc<[u8]>,
    },
    /// The sender has validated this address for a transport of its own: its packets are to be handed over.
    AddressClaimed {
        socket: SocketId,
        peer: SocketAddr,
        /// Not by a check alone: a packet from there was authentic under the transport's keys.
        proved: bool,
    },
    AddressReleased {
        socket: SocketId,
        peer: SocketAddr,
    },
    /// The sender has subscribers for a track of the receiver's.
    Subscribe {
        track: TrackId,
        kind: Kind,
    },
    Unsubscribe {
        track: TrackId,
    },
    Media {
        track: TrackId,
        layer: u8,
        packet: Arc<MediaPacket>,
    },
    Clock {
        track: TrackId,
        layer: u8,
        map: ClockMap,
    },
    KeyFrameWanted {
        track: TrackId,
        layer: u8,
    },
}

impl ShardMessage {
    /// As on the network, packets may be lost between threads, and so may what a publisher's reports say, as often as it
    /// likes, and say again; what is told once may not.
    pub fn may_be_lost(&self) -> bool {
        matches!(
            self,
            ShardMessage::Datagram { .. } | ShardMessage::Media { .. } | ShardMessage::Clock { .. }
        )
    }
}
