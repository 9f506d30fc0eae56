//! The streams of TCP candidates (RFC 6544): one to each peer's address, accepted or opened as the candidate is passive or
//! active. The data plane sees one socket for all of a candidate's, as if it were a port of UDP.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use visavis_dataplane::{Descriptor, SocketId, Time};

use crate::stream::Stream;
use crate::sys::{self, Outgoing};

/// The most streams of one candidate.
const MAX_STREAMS: usize = 64;
/// The most of them that a candidate has accepted and that have brought nothing authentic yet; then the oldest goes.
const MAX_UNKNOWN: usize = 16;
/// So long an accepted stream may bring nothing authentic: a peer checks as soon as it is connected.
const ACCEPTED_UNKNOWN: Duration = Duration::from_secs(5);
/// The same of one that was opened: in that time a SYN is sent four times.
const OPENED_UNKNOWN: Duration = Duration::from_secs(10);
/// How many streams one turn accepts.
const ACCEPTS_PER_TURN: usize = 16;

/// The base of one candidate.
#[derive(Debug)]
struct Port {
    local: IpAddr,
    /// Without one it opens its streams itself.
    listener: Option<TcpListener>,
    by_peer: HashMap<SocketAddr, SocketId>,
}

#[derive(Debug)]
struct Known {
    stream: Stream,
    /// When it is closed unless something authentic came by it; None once it has.
    due: Option<Time>,
}

/// What became of the streams that waited to be accepted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub taken: u64,
    pub refused: u64,
    /// The listening socket is of no use any more.
    pub is_lost: bool,
    /// More may wait.
    pub more: bool,
}

/// All of a thread.
#[derive(Debug, Default)]
pub(crate) struct Ports {
    ports: HashMap<SocketId, Port>,
    streams: HashMap<SocketId, Known>,
    unknown: BTreeSet<(Time, SocketId)>,
    next: u32,
    /// New, or sent by since the last `take_touched`.
    touched: Vec<SocketId>,
}

impl Ports {
    /// Takes a base over; its listening socket, if it has one, is to be waited for.
    pub fn open(
        &mut self,
        id: SocketId,
        local: IpAddr,
        listener: Option<Descriptor>,
    ) -> io::Result<Option<BorrowedFd<'_>>> {
        let listener = listener.map(|descriptor| sys::adopt_listener(descriptor.0)).transpose()?;
        listener.as_ref().map(|listener| listener.set_nonblocking(true)).transpose()?;
        let port = self.ports.entry(id).insert_entry(Port { local, listener, by_peer: HashMap::new() });
        Ok(port.into_mut().listener.as_ref().map(TcpListener::as_fd))
    }

    /// The listening socket of a base.
    pub fn listener(&self, id: SocketId) -> Option<BorrowedFd<'_>> {
        self.ports.get(&id)?.listener.as_ref().map(TcpListener::as_fd)
    }

    pub fn stream(&mut self, id: SocketId) -> Option<&mut Stream> {
        self.streams.get_mut(&id).map(|known| &mut known.stream)
    }

    /// The stream between a base and a peer.
    pub fn between(&self, id: SocketId, peer: SocketAddr) -> Option<SocketId> {
        self.ports.get(&id)?.by_peer.get(&peer).copied()
    }

    /// The streams of a base.
    pub fn streams_of(&self, id: SocketId) -> Vec<SocketId> {
        self.ports.get(&id).map(|port| port.by_peer.values().copied().collect()).unwrap_or_default()
    }

    /// Streams that are new, or that something was sent by.
    pub fn take_touched(&mut self) -> Option<SocketId> {
        self.touched.pop()
    }

    /// Accepts what waits at a base, up to a limit. Streams that have to go for it are in `ended`, open still.
    pub fn accept(&mut self, now: Time, id: SocketId, ended: &mut Vec<SocketId>) -> Accepted {
        let mut accepted = Accepted::default();
        for _ in 0..ACCEPTS_PER_TURN {
            let Some(listener) = self.ports.get(&id).and_then(|port| port.listener.as_ref()) else {
                return accepted;
            };
            let stream = match listener.accept() {
                Ok((socket, peer)) => Stream::of_peer(socket, id, peer),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return accepted,
                    // It was gone before it was accepted.
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => continue,
                    _ => {
                        accepted.is_lost = true;
                        return accepted;
                    }
                },
            };
            let Ok(stream) = stream else { continue };
            accepted.taken += 1;
            accepted.refused += self.make_room(id, ended);
            if !self.insert(now + ACCEPTED_UNKNOWN, stream) {
                accepted.refused += 1;
            }
        }
        accepted.more = true;
        accepted
    }

    /// Where as many wait as may, the one that has waited longest goes.
    fn make_room(&mut self, id: SocketId, ended: &mut Vec<SocketId>) -> u64 {
        let of_port = |(_, stream): &&(Time, SocketId)| {
            self.streams.get(stream).is_some_and(|known| known.stream.of == id) && !ended.contains(stream)
        };
        let waiting = self.unknown.iter().filter(of_port);
        if waiting.clone().count() < MAX_UNKNOWN {
            return 0;
        }
        let oldest = waiting.map(|&(_, stream)| stream).next();
        ended.extend(oldest);
        1
    }

    /// False if its base has as many as it may, or is gone.
    fn insert(&mut self, due: Time, stream: Stream) -> bool {
        let Some(port) = self.ports.get_mut(&stream.of) else { return false };
        if port.by_peer.len() >= MAX_STREAMS || port.by_peer.contains_key(&stream.remote) {
            return false;
        }
        let id = loop {
            let id = SocketId::of_peer_stream(self.next);
            self.next = self.next.wrapping_add(1);
            if !self.streams.contains_key(&id) {
                break id;
            }
        };
        port.by_peer.insert(stream.remote, id);
        self.streams.insert(id, Known { stream, due: Some(due) });
        self.unknown.insert((due, id));
        self.touched.push(id);
        true
    }

    /// Something authentic came by the stream.
    pub fn keep(&mut self, id: SocketId, peer: SocketAddr) {
        let known = self.between(id, peer).and_then(|stream| Some((stream, self.streams.get_mut(&stream)?)));
        if let Some((stream, known)) = known
            && let Some(due) = known.due.take()
        {
            self.unknown.remove(&(due, stream));
        }
    }

    /// When a stream that has brought nothing is closed next.
    pub fn due(&self) -> Option<Time> {
        self.unknown.first().map(|&(due, _)| due)
    }

    /// Streams that have brought nothing for too long.
    pub fn overdue(&self, now: Time) -> Vec<SocketId> {
        self.unknown.iter().take_while(|&&(due, _)| due <= now).map(|&(_, stream)| stream).collect()
    }

    /// Forgets a stream, which is taken out of the poll already, and closes it.
    pub fn close_stream(&mut self, id: SocketId) {
        let Some(mut known) = self.streams.remove(&id) else { return };
        if let Some(due) = known.due {
            self.unknown.remove(&(due, id));
        }
        if let Some(port) = self.ports.get_mut(&known.stream.of) {
            port.by_peer.remove(&known.stream.remote);
        }
        known.stream.close();
    }

    /// Forgets a base; its streams are closed before.
    pub fn close(&mut self, id: SocketId) {
        self.ports.remove(&id);
    }

    /// Sends to the first one's peer; a base that does not listen opens the stream where there is none.
    pub fn send<'a>(
        &mut self,
        now: Time,
        id: SocketId,
        batch: impl Iterator<Item = Outgoing<'a>>,
    ) -> io::Result<usize> {
        let mut batch = batch.peekable();
        let Some(peer) = batch.peek().map(|outgoing| outgoing.destination) else { return Ok(0) };
        if self.between(id, peer).is_none() {
            self.connect(now, id, peer)?;
        }
        let stream = self.between(id, peer).ok_or(io::ErrorKind::NotConnected)?;
        let known = self.streams.get_mut(&stream).ok_or(io::ErrorKind::NotConnected)?;
        self.touched.push(stream);
        known.stream.send(now, batch)
    }

    fn connect(&mut self, now: Time, id: SocketId, peer: SocketAddr) -> io::Result<()> {
        let port = self.ports.get(&id).filter(|port| port.listener.is_none());
        let local = SocketAddr::new(port.ok_or(io::ErrorKind::NotConnected)?.local, 0);
        let socket = Socket::new(Domain::for_address(peer), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.bind(&local.into())?;
        match socket.connect(&peer.into()) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => return Err(error),
            _ => (),
        }
        let stream = Stream::of_peer(socket.into(), id, peer)?;
        self.insert(now + OPENED_UNKNOWN, stream);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::os::fd::IntoRawFd;

    use super::*;

    const ONE: SocketId = SocketId(1);
    const LOCAL: [u8; 4] = [127, 0, 0, 1];

    /// A base that listens, and its address.
    fn passive() -> (Ports, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut ports = Ports::default();
        ports.open(ONE, LOCAL.into(), Some(Descriptor(listener.into_raw_fd()))).unwrap().unwrap();
        (ports, address)
    }

    /// Takes one stream in, which may be on its way still.
    fn accept(ports: &mut Ports, now: Time) -> (Accepted, Vec<SocketId>) {
        let mut poll = sys::Poll::new(ports.listener(ONE));
        poll.wait(Some(Duration::from_secs(20))).unwrap();
        let mut ended = Vec::new();
        let accepted = ports.accept(now, ONE, &mut ended);
        ended.iter().for_each(|&stream| ports.close_stream(stream));
        (accepted, ended)
    }

    #[test]
    fn a_passive_base_sends_to_who_came_to_it_and_opens_nothing() {
        let (mut ports, address) = passive();
        let mut peer = TcpStream::connect(address).unwrap();
        assert_eq!(accept(&mut ports, Time::ZERO).0.taken, 1);
        let to = |destination| Outgoing { destination, bytes: b"packet", segment: None };
        let stream = ports.between(ONE, peer.local_addr().unwrap()).unwrap();
        ports.stream(stream).unwrap().advance().unwrap();
        assert_eq!(ports.send(Time::ZERO, ONE, [to(peer.local_addr().unwrap())].into_iter()).unwrap(), 1);
        let mut got = [0; 8];
        peer.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"\0\x06packet");
        let error = ports.send(Time::ZERO, ONE, [to(address)].into_iter()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotConnected);
    }

    #[test]
    fn an_active_base_opens_a_stream_to_each_address_that_something_is_sent_to() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = listener.local_addr().unwrap();
        let mut ports = Ports::default();
        assert!(ports.open(ONE, LOCAL.into(), None).unwrap().is_none());
        for _ in 0..2 {
            let outgoing = Outgoing { destination: peer, bytes: b"packet", segment: None };
            assert_eq!(ports.send(Time::ZERO, ONE, [outgoing].into_iter()).unwrap(), 1);
        }
        let (mut accepted, from) = listener.accept().unwrap();
        assert_eq!(from.ip(), IpAddr::from(LOCAL));
        let stream = ports.between(ONE, peer).unwrap();
        let mut poll = sys::Poll::new([ports.stream(stream).unwrap().as_fd()]);
        sys::wait_writable(ports.stream(stream).unwrap().as_fd(), Duration::from_secs(20)).unwrap();
        ports.stream(stream).unwrap().advance().unwrap();
        let mut got = [0; 16];
        accepted.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"\0\x06packet\0\x06packet");
        accepted.write_all(b"\0\x02ok").unwrap();
        poll.wait(Some(Duration::from_secs(20))).unwrap();
        let stream = ports.stream(stream).unwrap();
        stream.advance().unwrap();
        assert_eq!(stream.incoming.next_untrusted().unwrap().unwrap(), b"ok");
    }

    #[test]
    fn a_stream_that_brings_nothing_authentic_is_overdue_after_seconds_and_one_that_does_stays() {
        let (mut ports, address) = passive();
        let silent = TcpStream::connect(address).unwrap();
        accept(&mut ports, Time::ZERO);
        let speaks = TcpStream::connect(address).unwrap();
        accept(&mut ports, Time::ZERO);
        ports.keep(ONE, speaks.local_addr().unwrap());
        assert_eq!(ports.due(), Some(Time::from_millis(5_000)));
        assert_eq!(ports.overdue(Time::from_millis(4_999)), []);
        let overdue = ports.overdue(Time::from_millis(5_000));
        assert_eq!(overdue, [ports.between(ONE, silent.local_addr().unwrap()).unwrap()]);
        ports.close_stream(overdue[0]);
        assert_eq!(ports.due(), None);
        assert_eq!(ports.streams_of(ONE).len(), 1);
    }

    #[test]
    fn of_too_many_strangers_the_oldest_gives_way_and_peers_stay() {
        let (mut ports, address) = passive();
        let peer = TcpStream::connect(address).unwrap();
        accept(&mut ports, Time::ZERO);
        ports.keep(ONE, peer.local_addr().unwrap());
        let strangers: Vec<TcpStream> = (1..=MAX_UNKNOWN as u64 + 1)
            .map(|n| {
                let stranger = TcpStream::connect(address).unwrap();
                let (accepted, ended) = accept(&mut ports, Time::from_millis(n));
                assert_eq!((accepted.taken, accepted.refused), (1, (n > MAX_UNKNOWN as u64).into()));
                assert_eq!(ended.len() as u64, accepted.refused);
                stranger
            })
            .collect();
        assert_eq!(ports.streams_of(ONE).len(), MAX_UNKNOWN + 1);
        assert!(ports.between(ONE, strangers[0].local_addr().unwrap()).is_none());
        assert!(ports.between(ONE, peer.local_addr().unwrap()).is_some());
    }
}
