//! What a shard wants sent: one arena of bytes, entries that point into it.

use std::net::SocketAddr;

use crate::api::SocketId;
use crate::relay::Relays;

/// One or more datagrams to one destination, lying one after the other in the arena: all of `segment` bytes, the last
/// one perhaps shorter, so that segmentation offload (UDP_SEGMENT) can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    pub socket: SocketId,
    pub destination: SocketAddr,
    pub start: usize,
    pub length: usize,
    pub segment: usize,
}

/// The most datagrams and bytes in one transmit (Linux: UDP_MAX_SEGMENTS is 64 on old kernels, and an IP packet's 64 KiB).
pub const MAX_SEGMENTS: usize = 64;
pub const MAX_TRANSMIT_BYTES: usize = 65_000;

/// The datagrams of one turn of a shard, in the order in which they must leave.
#[derive(Debug, Default)]
pub struct TransmitQueue {
    bytes: Vec<u8>,
    entries: Vec<Transmit>,
    /// The last entry travels alone.
    is_last_closed: bool,
    /// The ways over TURN servers: what takes one of them is queued as it goes to the server.
    pub relays: Relays,
}

impl TransmitQueue {
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn entries(&self) -> &[Transmit] {
        &self.entries
    }

    /// How many bytes wait in it.
    pub fn waiting_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes of one transmit.
    pub fn bytes(&self, transmit: &Transmit) -> &[u8] {
        &self.bytes[transmit.start..transmit.start + transmit.length]
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }

    /// Appends one datagram: `write` is given the arena to append to. It joins the last transmit where destination and
    /// size allow; what is relayed travels alone. A relay that is gone takes nothing, and `write` is not called.
    pub fn push_with<E>(
        &mut self,
        socket: SocketId,
        destination: SocketAddr,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.bytes.len();
        let (written, via) = if socket.is_relay() {
            let Some(relay) = self.relays.get_mut(socket) else { return Ok(()) };
            (relay.wrap(&mut self.bytes, destination, write), Some(relay.via))
        } else {
            (write(&mut self.bytes), None)
        };
        if let Err(error) = written {
            self.bytes.truncate(start);
            return Err(error);
        }
        let length = self.bytes.len() - start;
        if let Some(via) = via {
            let (socket, destination) = (via.socket, via.peer);
            self.entries.push(Transmit { socket, destination, start, length, segment: length });
            self.is_last_closed = true;
            return Ok(());
        }
        let is_closed = std::mem::take(&mut self.is_last_closed);
        if let Some(last) = self.entries.last_mut().filter(|_| !is_closed) {
            let whole = last.length % last.segment == 0;
            let fits =
                last.length / last.segment < MAX_SEGMENTS && last.length + length <= MAX_TRANSMIT_BYTES;
            if last.socket == socket
                && last.destination == destination
                && whole
                && fits
                && length <= last.segment
            {
                last.length += length;
                return Ok(());
            }
        }
        if length > 0 {
            self.entries.push(Transmit { socket, destination, start, length, segment: length });
        }
        Ok(())
    }

    /// Appends one datagram that may be too long for the path, and is to take no other with it.
    pub fn push_alone(&mut self, socket: SocketId, destination: SocketAddr, datagram: &[u8]) {
        self.is_last_closed = true;
        self.push(socket, destination, datagram);
        self.is_last_closed = true;
    }

    /// Appends one datagram that is already written.
    pub fn push(&mut self, socket: SocketId, destination: SocketAddr, datagram: &[u8]) {
        let written: Result<(), std::convert::Infallible> = self.push_with(socket, destination, |bytes| {
            bytes.extend_from_slice(datagram);
            Ok(())
        });
        match written {
            Ok(()) => (),
            Err(never) => match never {},
        }
    }
}
