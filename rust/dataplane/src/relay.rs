//! The client's side of relayed paths (RFC 8656): datagrams wrapped for the server, and unwrapped. Which peers are permitted
//! and which channels bound is the allocation's owner's to arrange.

use std::collections::HashMap;
use std::net::SocketAddr;

use visavis_wire::stun::{Builder, Class, Method, TransactionId};
use visavis_wire::turn;
pub use visavis_wire::turn::CHANNELS;

use crate::api::SocketId;
use crate::ice::Path;
use crate::ids::IdMap;

/// The most channels of an allocation; to further peers Send indications go.
const MAX_CHANNELS: usize = 256;

/// One allocation.
#[derive(Debug)]
pub struct Relay {
    /// Our socket, and the server's address.
    pub via: Path,
    channels: Vec<(SocketAddr, u16)>,
    indications: u64,
}

impl Relay {
    /// Appends a datagram for a peer, as the server wants to have it: by its channel, else as a Send indication.
    pub fn wrap<E>(
        &mut self,
        out: &mut Vec<u8>,
        peer: SocketAddr,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some(&(_, channel)) = self.channels.iter().find(|(known, _)| *known == peer) {
            return turn::write_channel_data(out, channel, write);
        }
        self.indications += 1;
        // Nobody answers an indication, so that nothing hangs on its identifier being hard to guess.
        let mut transaction = TransactionId::default();
        transaction[4..].copy_from_slice(&self.indications.to_be_bytes());
        Builder::new(out, Class::Indication, Method::SEND, transaction)
            .xor_peer_address(peer)
            .finish_with_data(write)
    }

    /// RFC 8656 section 12: a channel is one peer's, and a peer has one.
    pub fn bind(&mut self, peer: SocketAddr, channel: u16) {
        self.channels.retain(|&(known, number)| known != peer && number != channel);
        if self.channels.len() < MAX_CHANNELS {
            self.channels.push((peer, channel));
        }
    }

    /// Whose a channel is.
    pub fn peer(&self, channel: u16) -> Option<SocketAddr> {
        self.channels.iter().find(|(_, number)| *number == channel).map(|&(peer, _)| peer)
    }
}

/// All allocations of a shard's transports.
#[derive(Debug, Default)]
pub struct Relays {
    relays: IdMap<SocketId, Relay>,
    by_path: HashMap<Path, SocketId>,
}

impl Relays {
    /// False if there is an allocation over this socket and server already: there can be but one (RFC 8656 section 5).
    pub fn add(&mut self, relay: SocketId, via: Path) -> bool {
        if self.by_path.contains_key(&via) {
            return false;
        }
        self.by_path.insert(via, relay);
        self.relays.insert(relay, Relay { via, channels: Vec::new(), indications: 0 });
        true
    }

    pub fn remove(&mut self, relay: SocketId) {
        if let Some(relay) = self.relays.remove(&relay) {
            self.by_path.remove(&relay.via);
        }
    }

    /// The relays that a socket reaches.
    pub fn over(&self, socket: SocketId) -> Vec<SocketId> {
        let over = |(&relay, known): (&SocketId, &Relay)| (known.via.socket == socket).then_some(relay);
        self.relays.iter().filter_map(over).collect()
    }

    pub fn get_mut(&mut self, relay: SocketId) -> Option<&mut Relay> {
        self.relays.get_mut(&relay)
    }

    /// The relay whose server sends from there.
    pub fn at(&self, via: Path) -> Option<(SocketId, &Relay)> {
        let id = *self.by_path.get(&via)?;
        Some((id, self.relays.get(&id)?))
    }

    pub fn len(&self) -> usize {
        self.relays.len()
    }

    pub fn is_empty(&self) -> bool {
        self.relays.is_empty()
    }
}
