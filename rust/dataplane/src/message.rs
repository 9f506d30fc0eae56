//! What one shard tells another.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::api::{Kind, SocketId, TrackId};
use crate::media::{ClockMap, MediaPacket};

/// Handed over in batches by the driver, through a bounded ring: any of these may be lost, and none may be needed twice.
#[derive(Clone, Debug)]
pub enum ShardMessage {
    /// A datagram of a transport of the receiver's, which the kernel gave to another thread.
    Datagram { socket: SocketId, peer: SocketAddr, data: Arc<[u8]> },
    /// The sender has validated this address for a transport of its own: its packets are to be handed over.
    AddressClaimed { socket: SocketId, peer: SocketAddr },
    AddressReleased { socket: SocketId, peer: SocketAddr },
    /// The sender has subscribers for a track of the receiver's; repeated now and then, so that a lost one costs seconds.
    Subscribe { track: TrackId, kind: Kind },
    Unsubscribe { track: TrackId },
    Media { track: TrackId, layer: u8, packet: Arc<MediaPacket> },
    Clock { track: TrackId, layer: u8, map: ClockMap },
    KeyFrameWanted { track: TrackId, layer: u8 },
}
