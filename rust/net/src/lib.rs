//! Sockets, clocks and threads under the data plane: the only crate of visavis that has any of them.
//!
//! A [`Plane`] runs one thread per shard. All threads serve the same UDP addresses (SO_REUSEPORT); each owns its sockets
//! and its shard, and talks to the others through bounded queues with one wake per batch. Linux gives it batches
//! (recvmmsg, sendmmsg) and segmentation offload (UDP_GRO, UDP_SEGMENT); other Unixes one datagram a call.

mod channels;
mod clock;
mod core;
mod frames;
mod framing;
mod inbox;
mod plane;
mod ports;
mod reports;
mod send;
mod socket;
mod stream;
mod sys;
mod tls;
mod worker;

pub use crate::channels::{Arrival, Arrivals, BUFFERED_BYTES, NoAssociation};
pub use crate::clock::Clock;
pub use crate::core::Core;
pub use crate::frames::{FrameReceiver, Refusal};
pub use crate::plane::{
    ChannelError, MAX_ADDRESSES, MAX_THREADS, Plane, PlaneConfig, PlaneError, ReceiveFrames, SendError,
    StartError,
};
