//! Whose a remote address is: only what ICE has validated is in here.

use std::collections::HashMap;
use std::time::Duration;

use crate::api::{ShardId, TransportId};
use crate::ice::{LITE_DISCONNECTED_AFTER, Path};
use crate::time::Time;

/// The most addresses of other shards' transports that one shard remembers; more are not handed over.
const MAX_FOREIGN: usize = 65_536;
/// So long after its last proof an address is kept for its owner.
const PROOF_LASTS: Duration = LITE_DISCONNECTED_AFTER;

/// Who gets the packets of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Transport(TransportId),
    Shard(ShardId),
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    owner: Owner,
    /// When a packet from there last proved itself, by the session's keys or as the answer to a request that only who is
    /// there can know; that takes more than a forged source address.
    proved: Option<Time>,
}

impl Entry {
    /// The owner cannot be displaced by a check alone.
    fn is_held(&self, now: Time) -> bool {
        self.proved.is_some_and(|proved| now.since(proved) < PROOF_LASTS)
    }
}

/// The addresses known to one shard.
///
/// Who sends the last authentic check from an address gets it. As a check can be sent with a forged source, by a peer that
/// is in the call itself, that does not count against an owner that has proved itself there lately: by an answer to our own
/// check, or by media.
#[derive(Debug, Default)]
pub struct AddressBook {
    entries: HashMap<Path, Entry>,
    foreign: usize,
}

impl AddressBook {
    pub fn owner(&self, path: Path) -> Option<Owner> {
        self.entries.get(&path).map(|entry| entry.owner)
    }

    /// Whether somebody else has the address and has lately proved it.
    pub fn is_held_from(&self, now: Time, path: Path, transport: TransportId) -> bool {
        self.entries
            .get(&path)
            .is_some_and(|entry| entry.owner != Owner::Transport(transport) && entry.is_held(now))
    }

    /// An authentic check came from the address; the transport that had it before, if it was another.
    pub fn claim(&mut self, path: Path, transport: TransportId) -> Option<TransportId> {
        let owner = Owner::Transport(transport);
        let before = self.owner(path);
        if before == Some(owner) {
            return None;
        }
        self.entries.insert(path, Entry { owner, proved: None });
        match before {
            Some(Owner::Transport(before)) => Some(before),
            Some(Owner::Shard(_)) => {
                self.foreign -= 1;
                None
            }
            None => None,
        }
    }

    /// A packet from the address proved itself with the keys of the transport.
    pub fn prove(&mut self, now: Time, path: Path, transport: TransportId) {
        if let Some(entry) = self.entries.get_mut(&path)
            && entry.owner == Owner::Transport(transport)
        {
            entry.proved = Some(now);
        }
    }

    /// Lets go of an address; true if the transport had it.
    pub fn release(&mut self, path: Path, transport: TransportId) -> bool {
        let had = self.owner(path) == Some(Owner::Transport(transport));
        if had {
            self.entries.remove(&path);
        }
        had
    }

    /// Another shard claims the address: `proved` tells that a packet from there has proved itself.
    pub fn claim_for_shard(&mut self, now: Time, path: Path, shard: ShardId, proved: bool) {
        let owner = Owner::Shard(shard);
        let proof = proved.then_some(now);
        match self.entries.get_mut(&path) {
            Some(entry) if entry.owner == owner => entry.proved = proof.or(entry.proved),
            Some(entry) if entry.is_held(now) && !proved => (),
            Some(entry) => {
                if matches!(entry.owner, Owner::Transport(_)) {
                    self.foreign += 1;
                }
                *entry = Entry { owner, proved: proof };
            }
            None if self.foreign < MAX_FOREIGN => {
                self.entries.insert(path, Entry { owner, proved: proof });
                self.foreign += 1;
            }
            None => (),
        }
    }

    pub fn release_shard(&mut self, path: Path, shard: ShardId) {
        if self.owner(path) == Some(Owner::Shard(shard)) {
            self.entries.remove(&path);
            self.foreign -= 1;
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
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
    fn an_address_that_was_proved_lately_is_not_lost_to_a_check() {
        let mut book = AddressBook::default();
        let (one, other) = (TransportId(1), TransportId(2));
        book.claim(path(1), one);
        book.prove(Time::ZERO, path(1), other);
        assert!(!book.is_held_from(Time::ZERO, path(1), other), "only its owner proves an address");
        book.prove(Time::ZERO, path(1), one);
        assert!(book.is_held_from(Time::from_millis(7_999), path(1), other));
        assert!(!book.is_held_from(Time::from_millis(7_999), path(1), one));
        book.claim_for_shard(Time::from_millis(7_999), path(1), ShardId(1), false);
        assert_eq!(book.owner(path(1)), Some(Owner::Transport(one)));
        assert!(!book.is_held_from(Time::from_millis(8_000), path(1), other));

        book.claim_for_shard(Time::from_millis(9_000), path(1), ShardId(1), true);
        book.claim_for_shard(Time::from_millis(9_500), path(1), ShardId(2), false);
        assert_eq!(book.owner(path(1)), Some(Owner::Shard(ShardId(1))));
        book.claim_for_shard(Time::from_millis(9_600), path(1), ShardId(2), true);
        assert_eq!(book.owner(path(1)), Some(Owner::Shard(ShardId(2))));
        assert_eq!(book.foreign, 1);
    }

    #[test]
    fn foreign_addresses_are_bounded_and_counted_through_every_change() {
        let mut book = AddressBook::default();
        for port in 0..=u16::MAX {
            book.claim_for_shard(Time::ZERO, path(port), ShardId(1), false);
        }
        book.claim_for_shard(Time::ZERO, Path { socket: SocketId(1), ..path(1) }, ShardId(1), false);
        assert_eq!(book.len(), MAX_FOREIGN);
        book.claim(path(7), TransportId(1));
        book.release_shard(path(8), ShardId(2));
        book.release_shard(path(9), ShardId(1));
        assert_eq!(book.foreign, MAX_FOREIGN - 2);
    }
}
