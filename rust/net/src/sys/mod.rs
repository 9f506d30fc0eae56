//! What the standard library does not offer: signals that are descriptors, polling, batches. All of the crate's unsafe
//! code is in this module.

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod batch;
#[cfg(not(target_os = "linux"))]
#[path = "portable.rs"]
mod batch;
mod descriptor;
#[cfg(target_os = "linux")]
mod epoll;
mod poll;
mod signal;

pub(crate) use batch::{Receiver, Sender, enable_gro, enlarge_buffers, forbid_fragments, receive_drops};
pub(crate) use descriptor::{adopt, adopt_listener, adopt_stream, discard};
pub(crate) use poll::{Poll, block_signals, wait_writable};
pub(crate) use signal::Signal;

/// How many datagrams (with GRO: trains of datagrams) one receiving call takes at most.
pub(crate) const RECEIVE_BATCH: usize = 64;
/// How many datagrams or trains one sending call takes at most.
pub(crate) const SEND_BATCH: usize = 256;
/// The longest UDP payload, and so the longest train.
const BUFFER_BYTES: usize = 65_536;

/// Bytes for one destination: one datagram, or with `segment` a train of datagrams of that size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing<'a> {
    pub destination: std::net::SocketAddr,
    pub bytes: &'a [u8],
    pub segment: Option<u16>,
}
