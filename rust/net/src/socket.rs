//! Sockets: for every address and every thread, and those that transports bring.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use visavis_dataplane::{Descriptor, SocketId, StreamTo, Time};

use crate::plane::StartError;
use crate::ports::Ports;
use crate::send::Outlet;
use crate::stream::Stream;
use crate::sys::{self, Outgoing};

/// What a video key frame of many publishers needs while the thread is busy.
const BUFFER_BYTES: usize = 4 << 20;
/// The same for one transport alone.
const OWN_BUFFER_BYTES: usize = 1 << 20;
/// How long one turn waits for a full socket. What does not fit then is lost, as in any full queue of real-time media.
const FULL_SOCKET_WAIT: Duration = Duration::from_millis(1);

/// Binds every address once per thread: `[thread][address]`, and the addresses with their real ports.
///
/// Where port 0 was asked for, the first thread's bind picks it. The first bind is exclusive and the port is shared only
/// afterwards, so that an address in use, by another server too, is an error and never half of its traffic.
pub(crate) fn bind_all(
    addresses: &[SocketAddr],
    threads: usize,
) -> Result<(Vec<Vec<UdpSocket>>, Vec<SocketAddr>), StartError> {
    let mut sockets: Vec<Vec<UdpSocket>> = (0..threads).map(|_| Vec::new()).collect();
    let mut bound = Vec::new();
    for &address in addresses {
        let mut real = address;
        if cfg!(not(target_os = "linux")) && threads > 1 {
            // Where sharing has to be asked for before the bind, another socket tries first whether nobody has it.
            real = bind(address, true, false).and_then(|socket| socket.local_addr()).map_err(at(address))?;
        }
        for (thread, sockets) in sockets.iter_mut().enumerate() {
            let first = thread == 0;
            let socket = bind(real, first, threads > 1).map_err(at(real))?;
            real = socket.local_addr()?;
            sockets.push(socket);
        }
        bound.push(real);
    }
    Ok((sockets, bound))
}

fn at(address: SocketAddr) -> impl FnOnce(io::Error) -> StartError {
    move |error| StartError { address: Some(address), error }
}

fn bind(address: SocketAddr, first: bool, shared: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        // Each family has its own socket, so that peers are never IPv4-mapped.
        socket.set_only_v6(true)?;
    }
    // Linux lets the first socket share its port after the bind; others want to know before.
    let afterwards = cfg!(target_os = "linux") && first;
    if shared && !afterwards {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    if shared && afterwards {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    let socket = UdpSocket::from(socket);
    sys::enlarge_buffers(&socket, BUFFER_BYTES);
    sys::enable_gro(&socket);
    Ok(socket)
}

#[derive(Debug)]
struct Entry {
    socket: UdpSocket,
    /// What the kernel had dropped when it was last asked.
    drops: u32,
}

/// The sockets of one thread, by the identifiers of its core.
pub(crate) struct Sockets {
    shared: Vec<Entry>,
    own: HashMap<SocketId, Entry>,
    /// To servers.
    streams: HashMap<SocketId, Stream>,
    /// To peers.
    pub ports: Ports,
    sender: sys::Sender,
    /// When what is sent next is sent.
    pub now: Time,
}

impl Sockets {
    pub fn new(shared: Vec<UdpSocket>) -> Sockets {
        let shared = shared.into_iter().map(|socket| Entry { socket, drops: 0 }).collect();
        Sockets {
            shared,
            own: HashMap::new(),
            streams: HashMap::new(),
            ports: Ports::default(),
            sender: sys::Sender::new(),
            now: Time::ZERO,
        }
    }

    /// The shared addresses, each of its index.
    pub fn shared(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.shared.iter().map(|entry| entry.socket.as_fd())
    }

    pub fn get(&self, id: SocketId) -> Option<&UdpSocket> {
        let shared = usize::try_from(id.0).ok().and_then(|index| self.shared.get(index));
        shared.or_else(|| self.own.get(&id)).map(|entry| &entry.socket)
    }

    /// Takes over a socket that a transport brings. An error says that it is none that can be used.
    pub fn adopt(&mut self, id: SocketId, descriptor: Descriptor) -> io::Result<BorrowedFd<'_>> {
        let socket = sys::adopt(descriptor.0)?;
        socket.set_nonblocking(true)?;
        sys::enlarge_buffers(&socket, OWN_BUFFER_BYTES);
        sys::enable_gro(&socket);
        let entry = self.own.entry(id).insert_entry(Entry { socket, drops: 0 });
        Ok(entry.into_mut().socket.as_fd())
    }

    /// The same of a stream.
    pub fn adopt_stream(
        &mut self,
        id: SocketId,
        descriptor: Descriptor,
        to: &StreamTo,
    ) -> io::Result<BorrowedFd<'_>> {
        let stream = Stream::adopt(id, descriptor, to)?;
        Ok(self.streams.entry(id).insert_entry(stream).into_mut().as_fd())
    }

    /// A stream to a server or peer.
    pub fn stream(&mut self, id: SocketId) -> Option<&mut Stream> {
        if id.is_peer_stream() { self.ports.stream(id) } else { self.streams.get_mut(&id) }
    }

    /// Has IP cut what leaves by a transport's own socket where it is too long for the path, or not.
    pub fn forbid_fragments(&mut self, id: SocketId, forbids: bool) {
        if let Some(entry) = self.own.get(&id) {
            sys::forbid_fragments(&entry.socket, forbids);
        }
    }

    pub fn close(&mut self, id: SocketId) {
        self.own.remove(&id);
        self.ports.close_stream(id);
        self.ports.close(id);
        if let Some(mut stream) = self.streams.remove(&id) {
            stream.close();
        }
    }

    /// How many datagrams the kernel dropped since the last call.
    pub fn take_drops(&mut self) -> u64 {
        let mut new = 0;
        for Entry { socket, drops } in self.shared.iter_mut().chain(self.own.values_mut()) {
            if let Some(all) = sys::receive_drops(socket) {
                new += u64::from(all.wrapping_sub(*drops));
                *drops = all;
            }
        }
        new
    }
}

impl Outlet for Sockets {
    fn send<'a>(&mut self, socket: SocketId, batch: impl Iterator<Item = Outgoing<'a>>) -> io::Result<usize> {
        if let Some(stream) = self.streams.get_mut(&socket) {
            return stream.send(self.now, batch);
        }
        if socket.is_tcp() {
            return self.ports.send(self.now, socket, batch);
        }
        let shared = usize::try_from(socket.0).ok().and_then(|index| self.shared.get(index));
        match shared.or_else(|| self.own.get(&socket)) {
            Some(entry) => self.sender.send(&entry.socket, batch),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn wait_writable(&mut self, socket: SocketId) -> bool {
        self.get(socket)
            .is_some_and(|socket| sys::wait_writable(socket.as_fd(), FULL_SOCKET_WAIT).unwrap_or(false))
    }
}

/// The receive buffer that the kernel granted, in its own reckoning.
#[cfg(test)]
fn receive_buffer_size(socket: &UdpSocket) -> usize {
    socket2::SockRef::from(socket).recv_buffer_size().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: &str = "127.0.0.1:0";

    #[test]
    fn all_threads_share_the_port_that_the_first_bind_picked() {
        let addresses = [ANY.parse().unwrap(), "[::1]:0".parse().unwrap()];
        let (sockets, bound) = bind_all(&addresses, 3).unwrap();
        assert_eq!(sockets.len(), 3);
        for thread in &sockets {
            let real: Vec<SocketAddr> = thread.iter().map(|socket| socket.local_addr().unwrap()).collect();
            assert_eq!(real, bound);
        }
        assert!(bound.iter().all(|address| address.port() != 0));
    }

    #[test]
    fn an_address_that_another_plane_shares_among_its_threads_is_in_use() {
        let (_kept, bound) = bind_all(&[ANY.parse().unwrap()], 2).unwrap();
        let error = bind_all(&bound, 2).unwrap_err();
        assert_eq!(error.error.kind(), io::ErrorKind::AddrInUse);
        assert_eq!(error.address, Some(bound[0]));
    }

    #[test]
    fn the_receive_buffer_is_larger_than_the_default() {
        let (sockets, _) = bind_all(&[ANY.parse().unwrap()], 1).unwrap();
        let plain = UdpSocket::bind(ANY).unwrap();
        assert!(receive_buffer_size(&sockets[0][0]) >= receive_buffer_size(&plain));
    }
}
