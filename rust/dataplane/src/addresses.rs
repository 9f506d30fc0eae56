//! Whose a remote address is: only what ICE has validated is in here.

use std::collections::HashMap;

use crate::api::{ShardId, TransportId};
use crate::ice::Path;

/// The most addresses of other shards' transports that one shard remembers; more are not handed over.
const MAX_FOREIGN: usize = 65_536;

/// Who gets the packets of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Transport(TransportId),
    Shard(ShardId),
}

/// The addresses known to one shard.
#[derive(Debug, Default)]
pub struct AddressBook {
    owners: HashMap<Path, Owner>,
    foreign: usize,
}

impl AddressBook {
    pub fn owner(&self, path: Path) -> Option<Owner> {
        self.owners.get(&path).copied()
    }

    /// An authentic check came from the address; the transport that had it before, if it was another.
    pub fn claim(&mut self, path: Path, transport: TransportId) -> Option<TransportId> {
        match self.owners.insert(path, Owner::Transport(transport)) {
            Some(Owner::Transport(before)) if before != transport => Some(before),
            Some(Owner::Shard(_)) => {
                self.foreign -= 1;
                None
            }
            _ => None,
        }
    }

    /// False if the address was another's already.
    pub fn release(&mut self, path: Path, transport: TransportId) -> bool {
        let owned = self.owner(path) == Some(Owner::Transport(transport));
        if owned {
            self.owners.remove(&path);
        }
        owned
    }

    pub fn claim_for_shard(&mut self, path: Path, shard: ShardId) {
        match self.owners.get_mut(&path) {
            Some(Owner::Shard(known)) => *known = shard,
            Some(known) => {
                *known = Owner::Shard(shard);
                self.foreign += 1;
            }
            None if self.foreign < MAX_FOREIGN => {
                self.owners.insert(path, Owner::Shard(shard));
                self.foreign += 1;
            }
            None => (),
        }
    }

    pub fn release_shard(&mut self, path: Path, shard: ShardId) {
        if self.owner(path) == Some(Owner::Shard(shard)) {
            self.owners.remove(&path);
            self.foreign -= 1;
        }
    }

    pub fn len(&self) -> usize {
        self.owners.len()
    }

    pub fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::api::SocketId;

    fn path(port: u16) -> Path {
        Path { socket: SocketId(0), peer: SocketAddr::from(([127, 0, 0, 1], port)) }
    }

    #[test]
    fn an_address_goes_to_who_validated_it_last() {
        let mut book = AddressBook::default();
        assert_eq!(book.claim(path(1), TransportId(1)), None);
        assert_eq!(book.claim(path(1), TransportId(2)), Some(TransportId(1)));
        assert!(!book.release(path(1), TransportId(1)));
        assert_eq!(book.owner(path(1)), Some(Owner::Transport(TransportId(2))));
    }

    #[test]
    fn foreign_addresses_are_bounded_and_counted_through_every_change() {
        let mut book = AddressBook::default();
        for port in 0..=u16::MAX {
            book.claim_for_shard(path(port), ShardId(1));
        }
        book.claim_for_shard(Path { socket: SocketId(1), ..path(1) }, ShardId(1));
        assert_eq!(book.len(), MAX_FOREIGN);
        book.claim(path(7), TransportId(1));
        book.release_shard(path(8), ShardId(2));
        book.release_shard(path(9), ShardId(1));
        assert_eq!(book.foreign, MAX_FOREIGN - 2);
    }
}
