//! The sockets and relays that transports own: what their owners call them, what the shard calls them.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use crate::api::{Descriptor, FIRST_OWN_SOCKET, SocketId, SocketNumber, TransportId};
use crate::ice::Path;
use crate::ids::IdMap;

/// The most sockets and relays of one transport.
const MAX_PER_TRANSPORT: usize = 256;
/// The identifiers of relays have this bit: what leaves by them is wrapped first.
const RELAY: u32 = 1 << 31;
/// Those of streams this one: what leaves by them is not lost on the way, and goes to one server alone.
const STREAM: u32 = 1 << 30;
/// Those of bases of TCP candidates this one: each peer's address is reached by a stream of its own.
const TCP: u32 = 1 << 29;

impl SocketId {
    /// Whether it is no socket, but a way over a TURN server.
    pub fn is_relay(self) -> bool {
        self.0 & RELAY != 0
    }

    /// Whether a transport brought it.
    pub fn is_own(self) -> bool {
        self.0 >= FIRST_OWN_SOCKET
    }

    /// Whether it is a stream to a server.
    pub fn is_stream(self) -> bool {
        self.0 & (STREAM | TCP) == STREAM
    }

    /// Whether it is the base of a TCP candidate.
    pub fn is_tcp(self) -> bool {
        self.0 & (STREAM | TCP) == TCP
    }

    /// A name for a driver's own use: one stream of such a base. No socket is called so.
    pub fn of_peer_stream(number: u32) -> SocketId {
        SocketId((number % TCP) | STREAM | TCP)
    }

    /// Whether it was made by `of_peer_stream`.
    pub fn is_peer_stream(self) -> bool {
        self.0 & (STREAM | TCP) == STREAM | TCP
    }
}

/// Where a stream leads to, and with TLS whom its server has to prove to be: a name, or an IP address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamTo {
    pub server: SocketAddr,
    pub tls_name: Option<String>,
}

/// What the driver has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketChange {
    /// From now on the socket is the shard's, under this identifier.
    Open { socket: SocketId, descriptor: Descriptor },
    /// The same of a stream, which may still be connecting.
    OpenStream { socket: SocketId, descriptor: Descriptor, to: StreamTo },
    /// From now on IP may not cut what leaves by it, and what this machine once learnt of the path counts for nothing; or may again.
    ForbidFragments { socket: SocketId, forbids: bool },
    /// From now on there is a base of TCP candidates, with streams that are accepted by the listening socket, or else opened
    /// from the local address where something is sent.
    OpenTcp { socket: SocketId, local: IpAddr, listener: Option<Descriptor> },
    /// The stream to this peer is known to be the transport's; others the driver ends after some seconds.
    KeepStream { socket: SocketId, peer: SocketAddr },
    /// Nobody needs the stream to this peer any more: end it once what was sent before has left.
    EndStream { socket: SocketId, peer: SocketAddr },
    /// Close it once what was sent before has left.
    Close { socket: SocketId },
    /// Close it; nobody will use it.
    Discard { descriptor: Descriptor },
}

#[derive(Clone, Copy, Debug)]
struct Owned {
    transport: TransportId,
    number: SocketNumber,
    forbids_fragments: bool,
}

/// All own sockets and relays of a shard.
#[derive(Debug)]
pub struct SocketTable {
    owned: IdMap<SocketId, Owned>,
    by_number: BTreeMap<(TransportId, SocketNumber), SocketId>,
    next: u32,
    changes: VecDeque<SocketChange>,
}

impl Default for SocketTable {
    fn default() -> SocketTable {
        SocketTable {
            owned: IdMap::default(),
            by_number: BTreeMap::new(),
            next: FIRST_OWN_SOCKET,
            changes: VecDeque::new(),
        }
    }
}

impl SocketTable {
    /// What a transport means by a number: a shared address, or a socket or relay of its own.
    pub fn resolve(&self, transport: TransportId, number: SocketNumber) -> Option<SocketId> {
        if number.0 < FIRST_OWN_SOCKET {
            return Some(SocketId(number.0));
        }
        self.by_number.get(&(transport, number)).copied()
    }

    /// What its owner calls a socket.
    pub fn number(&self, socket: SocketId) -> SocketNumber {
        self.owned.get(&socket).map_or(SocketNumber(socket.0), |owned| owned.number)
    }

    /// Whose an own socket or relay is; none for a shared address.
    pub fn owner(&self, socket: SocketId) -> Option<TransportId> {
        self.owned.get(&socket).map(|owned| owned.transport)
    }

    /// Takes a socket over. None, and the socket is closed, if the number is taken, not the transport's to choose, or one
    /// too many.
    pub fn add(
        &mut self,
        transport: TransportId,
        number: SocketNumber,
        descriptor: Descriptor,
    ) -> Option<SocketId> {
        let Some(socket) = self.insert(transport, number, 0) else {
            self.discard(descriptor);
            return None;
        };
        self.changes.push_back(SocketChange::Open { socket, descriptor });
        Some(socket)
    }

    /// Takes a stream over; None as for `add`.
    pub fn add_stream(
        &mut self,
        transport: TransportId,
        number: SocketNumber,
        descriptor: Descriptor,
        to: StreamTo,
    ) -> Option<SocketId> {
        let Some(socket) = self.insert(transport, number, STREAM) else {
            self.discard(descriptor);
            return None;
        };
        self.changes.push_back(SocketChange::OpenStream { socket, descriptor, to });
        Some(socket)
    }

    /// Takes the base of a TCP candidate over; None as for `add`.
    pub fn add_tcp(
        &mut self,
        transport: TransportId,
        number: SocketNumber,
        local: IpAddr,
        listener: Option<Descriptor>,
    ) -> Option<SocketId> {
        let Some(socket) = self.insert(transport, number, TCP) else {
            listener.into_iter().for_each(|listener| self.discard(listener));
            return None;
        };
        self.changes.push_back(SocketChange::OpenTcp { socket, local, listener });
        Some(socket)
    }

    /// Something authentic came from this path: where that is a stream, it stays.
    pub fn keep_stream(&mut self, path: Path) {
        if path.socket.is_tcp() {
            self.changes.push_back(SocketChange::KeepStream { socket: path.socket, peer: path.peer });
        }
    }

    /// The transport has no use for this path any more.
    pub fn end_stream(&mut self, path: Path) {
        if path.socket.is_tcp() {
            self.changes.push_back(SocketChange::EndStream { socket: path.socket, peer: path.peer });
        }
    }

    /// A socket for nobody.
    pub fn discard(&mut self, descriptor: Descriptor) {
        self.changes.push_back(SocketChange::Discard { descriptor });
    }

    /// An identifier for a relay; None as for `add`.
    pub fn add_relay(&mut self, transport: TransportId, number: SocketNumber) -> Option<SocketId> {
        self.insert(transport, number, RELAY)
    }

    fn insert(&mut self, transport: TransportId, number: SocketNumber, bits: u32) -> Option<SocketId> {
        let all = (transport, SocketNumber(0))..=(transport, SocketNumber(u32::MAX));
        if number.0 < FIRST_OWN_SOCKET
            || self.by_number.contains_key(&(transport, number))
            || self.by_number.range(all).count() >= MAX_PER_TRANSPORT
        {
            return None;
        }
        let socket = loop {
            let socket = SocketId(self.next | bits);
            self.next = ((self.next + 1) % TCP).max(FIRST_OWN_SOCKET);
            if !self.owned.contains_key(&socket) {
                break socket;
            }
        };
        self.owned.insert(socket, Owned { transport, number, forbids_fragments: false });
        self.by_number.insert((transport, number), socket);
        Some(socket)
    }

    /// Whether IP may cut what leaves by a transport's own socket: it may, until this is said.
    pub fn forbid_fragments(&mut self, socket: SocketId, forbids: bool) {
        if let Some(owned) = self.owned.get_mut(&socket).filter(|owned| owned.forbids_fragments != forbids) {
            owned.forbids_fragments = forbids;
            self.changes.push_back(SocketChange::ForbidFragments { socket, forbids });
        }
    }

    /// Forgets a socket or relay, which was this one.
    pub fn remove(&mut self, transport: TransportId, number: SocketNumber) -> Option<SocketId> {
        let socket = self.by_number.remove(&(transport, number))?;
        self.owned.remove(&socket);
        if !socket.is_relay() {
            self.changes.push_back(SocketChange::Close { socket });
        }
        Some(socket)
    }

    /// Forgets all that a transport owns.
    pub fn remove_all(&mut self, transport: TransportId) -> Vec<SocketId> {
        let all = (transport, SocketNumber(0))..=(transport, SocketNumber(u32::MAX));
        let numbers: Vec<SocketNumber> = self.by_number.range(all).map(|(&(_, number), _)| number).collect();
        numbers.into_iter().filter_map(|number| self.remove(transport, number)).collect()
    }

    pub fn poll_change(&mut self) -> Option<SocketChange> {
        self.changes.pop_front()
    }

    pub fn len(&self) -> usize {
        self.owned.len()
    }

    pub fn is_empty(&self) -> bool {
        self.owned.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: TransportId = TransportId(1);
    const OTHER: TransportId = TransportId(2);

    fn to_ip() -> IpAddr {
        IpAddr::from([192, 0, 2, 7])
    }

    #[test]
    fn two_transports_may_call_their_sockets_the_same() {
        let mut table = SocketTable::default();
        let number = SocketNumber(FIRST_OWN_SOCKET);
        let one = table.add(ONE, number, Descriptor(3)).unwrap();
        let other = table.add(OTHER, number, Descriptor(4)).unwrap();
        let to = StreamTo { server: "192.0.2.1:3478".parse().unwrap(), tls_name: None };
        let stream = table.add_stream(ONE, SocketNumber(FIRST_OWN_SOCKET + 1), Descriptor(5), to).unwrap();
        let base = table.add_tcp(ONE, SocketNumber(FIRST_OWN_SOCKET + 2), to_ip(), None).unwrap();
        assert_eq!([one, other, stream, base].map(SocketId::is_stream), [false, false, true, false]);
        assert_eq!([one, other, stream, base].map(SocketId::is_tcp), [false, false, false, true]);
        let peer = SocketId::of_peer_stream(u32::MAX);
        assert!(peer.is_peer_stream() && !peer.is_tcp() && !peer.is_stream() && !peer.is_relay());
        assert_ne!(one, other);
        assert_eq!(table.resolve(ONE, number), Some(one));
        assert_eq!((table.owner(other), table.number(other)), (Some(OTHER), number));
        assert_eq!(table.resolve(ONE, SocketNumber(0)), Some(SocketId(0)), "a shared address");
    }

    #[test]
    fn what_cannot_be_taken_is_closed_unused() {
        let mut table = SocketTable::default();
        for n in 0..MAX_PER_TRANSPORT as u32 {
            assert!(table.add(ONE, SocketNumber(FIRST_OWN_SOCKET + n), Descriptor(3)).is_some());
        }
        std::iter::from_fn(|| table.poll_change()).count();
        for (transport, number) in [(ONE, 5_000), (ONE, FIRST_OWN_SOCKET), (OTHER, 7)] {
            assert_eq!(table.add(transport, SocketNumber(number), Descriptor(9)), None);
            assert_eq!(table.poll_change(), Some(SocketChange::Discard { descriptor: Descriptor(9) }));
        }
    }

    #[test]
    fn what_a_transport_owns_ends_with_it_and_relays_have_nothing_to_close() {
        let mut table = SocketTable::default();
        let socket = table.add(ONE, SocketNumber(1_000), Descriptor(3)).unwrap();
        let relay = table.add_relay(ONE, SocketNumber(1_001)).unwrap();
        let kept = table.add(OTHER, SocketNumber(1_000), Descriptor(4)).unwrap();
        assert!(relay.is_relay() && !socket.is_relay());
        assert_eq!(table.remove_all(ONE), [socket, relay]);
        let changes: Vec<SocketChange> = std::iter::from_fn(|| table.poll_change()).skip(2).collect();
        assert_eq!(changes, [SocketChange::Close { socket }]);
        assert_eq!((table.len(), table.owner(kept)), (1, Some(OTHER)));
    }

    #[test]
    fn a_socket_is_told_once_that_fragments_are_forbidden_or_permitted() {
        let mut table = SocketTable::default();
        let socket = table.add(ONE, SocketNumber(FIRST_OWN_SOCKET), Descriptor(3)).unwrap();
        table.poll_change().unwrap();
        for forbids in [false, true, true, false, false] {
            table.forbid_fragments(socket, forbids);
            table.forbid_fragments(SocketId(0), forbids);
        }
        let told: Vec<SocketChange> = std::iter::from_fn(|| table.poll_change()).collect();
        assert_eq!(told, [true, false].map(|forbids| SocketChange::ForbidFragments { socket, forbids }));
    }
}
