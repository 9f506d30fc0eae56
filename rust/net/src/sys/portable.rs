//! The same as on Linux, one datagram a call, for Unixes without batches.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use super::{BUFFER_BYTES, Outgoing, RECEIVE_BATCH, SEND_BATCH};

/// Receives batches into buffers of its own, which are used again by the next batch.
pub(crate) struct Receiver {
    buffers: Vec<u8>,
    received: Vec<(SocketAddr, usize)>,
}

impl Receiver {
    pub fn new() -> Receiver {
        Receiver {
            buffers: vec![0; RECEIVE_BATCH * BUFFER_BYTES],
            received: Vec::with_capacity(RECEIVE_BATCH),
        }
    }

    /// Takes what waits, without waiting for more; how many datagrams it was.
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        self.received.clear();
        for buffer in self.buffers.chunks_exact_mut(BUFFER_BYTES) {
            match socket.recv_from(buffer) {
                Ok((length, peer)) => self.received.push((peer, length)),
                Err(error) if self.received.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(self.received.len())
    }

    /// Each datagram of the last batch.
    pub fn for_each(&mut self, mut each: impl FnMut(SocketAddr, &mut [u8])) {
        for ((peer, length), buffer) in self.received.iter().zip(self.buffers.chunks_exact_mut(BUFFER_BYTES))
        {
            let length = (*length).min(buffer.len());
            each(*peer, &mut buffer[..length]);
        }
    }
}

/// Sends batches.
pub(crate) struct Sender;

impl Sender {
    pub const SEGMENTS: bool = false;

    pub fn new() -> Sender {
        Sender
    }

    /// Sends until one fails: how many it was. An error is about the first.
    pub fn send<'a>(
        &mut self,
        socket: &UdpSocket,
        batch: impl Iterator<Item = Outgoing<'a>>,
    ) -> io::Result<usize> {
        let mut sent = 0;
        for outgoing in batch.take(SEND_BATCH) {
            match socket.send_to(outgoing.bytes, outgoing.destination) {
                Ok(_) => sent += 1,
                Err(error) if sent == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(sent)
    }
}

pub(crate) fn enable_gro(_socket: &UdpSocket) {}

/// Has datagrams leave whole or not at all, where the system has an option for it (RFC 3542 section 11.2, and its like for IPv4).
#[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
pub(crate) fn forbid_fragments(socket: &UdpSocket, forbids: bool) {
    use std::os::fd::AsRawFd;

    let is_v4 = socket.local_addr().is_ok_and(|address| address.is_ipv4());
    let (level, name) = match is_v4 {
        true => (libc::IPPROTO_IP, libc::IP_DONTFRAG),
        false => (libc::IPPROTO_IPV6, libc::IPV6_DONTFRAG),
    };
    let value = libc::c_int::from(forbids);
    let size = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the pointer and the size are those of `value`, which outlives the call.
    let _ =
        unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, std::ptr::from_ref(&value).cast(), size) };
}

#[cfg(not(any(target_vendor = "apple", target_os = "freebsd")))]
pub(crate) fn forbid_fragments(_socket: &UdpSocket, _forbids: bool) {}

/// Asks for larger buffers, as far as the system's limit allows.
pub(crate) fn enlarge_buffers(socket: &UdpSocket, size_bytes: usize) {
    let socket = socket2::SockRef::from(socket);
    let _ = socket.set_recv_buffer_size(size_bytes);
    let _ = socket.set_send_buffer_size(size_bytes);
}

/// How many datagrams the kernel dropped at this socket: not known here.
pub(crate) fn receive_drops(_socket: &UdpSocket) -> Option<u32> {
    None
}
