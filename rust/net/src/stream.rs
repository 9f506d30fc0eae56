//! A stream to a server: TCP, or TLS over it, that carries STUN and ChannelData messages.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};

use rustls::ClientConnection;
use visavis_dataplane::{Descriptor, StreamTo};

use crate::framing::{Incoming, write_message};
use crate::sys::{self, Outgoing};
use crate::tls;

/// How much waits for a stream to take it: a quarter of a second at 8 Mbit/s. What finds it full is lost, as in any full
/// queue of real-time media.
const QUEUE_BYTES: usize = 256 << 10;
/// How much one read takes, and one record of TLS.
const CHUNK_BYTES: usize = 16 << 10;
/// How many reads a turn takes before timers and other sockets have theirs.
const READS_PER_TURN: usize = 16;

/// How far reading came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing more has come.
    Drained,
    /// More may wait.
    More,
}

/// One stream.
#[derive(Debug)]
pub(crate) struct Stream {
    socket: TcpStream,
    pub server: SocketAddr,
    tls: Option<Box<ClientConnection>>,
    pub incoming: Incoming,
    queue: Vec<u8>,
    /// Its connection is there.
    connected: bool,
    /// Writing failed; reading will say so as well.
    broken: bool,
    /// Whether the thread waits for it to take data.
    pub awaited: bool,
}

impl Stream {
    /// Takes a stream over that is connected, or is connecting.
    pub fn adopt(descriptor: Descriptor, to: &StreamTo) -> io::Result<Stream> {
        let socket = sys::adopt_stream(descriptor.0)?;
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        let tls = to.tls_name.as_deref().map(tls::client).transpose()?.map(Box::new);
        Ok(Stream {
            socket,
            server: to.server,
            tls,
            incoming: Incoming::default(),
            queue: Vec::new(),
            connected: false,
            broken: false,
            awaited: false,
        })
    }

    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Whether something waits for the stream to take it.
    pub fn wants_write(&self) -> bool {
        !self.connected
            || self.broken
            || !self.queue.is_empty() && !self.is_handshaking()
            || self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    fn is_handshaking(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_handshaking())
    }

    /// Queues messages, of which those that do not fit are left over, and writes what the stream takes.
    pub fn send<'a>(&mut self, batch: impl Iterator<Item = Outgoing<'a>>) -> io::Result<usize> {
        let mut taken = 0;
        for outgoing in batch {
            if self.broken || outgoing.destination != self.server {
                return if taken > 0 { Ok(taken) } else { Err(io::ErrorKind::NotConnected.into()) };
            }
            if self.queue.len() + outgoing.bytes.len() > QUEUE_BYTES {
                break;
            }
            let size = outgoing.segment.map_or(outgoing.bytes.len(), usize::from).max(1);
            outgoing.bytes.chunks(size).for_each(|message| write_message(&mut self.queue, message));
            taken += 1;
        }
        self.broken |= self.write().is_err();
        if taken > 0 { Ok(taken) } else { Err(io::ErrorKind::WouldBlock.into()) }
    }

    /// Writes what waits, as far as the stream takes it.
    fn write(&mut self) -> io::Result<()> {
        if !self.connected {
            return Ok(());
        }
        loop {
            if let Some(tls) = &mut self.tls {
                while tls.wants_write() {
                    if !moved(tls.write_tls(&mut self.socket))? {
                        return Ok(());
                    }
                }
                if tls.is_handshaking() {
                    return Ok(());
                }
            }
            if self.queue.is_empty() {
                return Ok(());
            }
            let first = self.queue.get(..CHUNK_BYTES).unwrap_or(&self.queue);
            let written = match &mut self.tls {
                Some(tls) => tls.writer().write(first),
                None => self.socket.write(&self.queue),
            };
            match written {
                Ok(count) => drop(self.queue.drain(..count.min(self.queue.len()))),
                Err(error) => return moved(Err(error)).map(|_| ()),
            }
        }
    }

    /// Goes on with whatever the stream is ready for. An error says that it is over; what had come before is there.
    pub fn advance(&mut self) -> io::Result<Progress> {
        if self.broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if !self.connected {
            if let Some(error) = self.socket.take_error()? {
                return Err(error);
            }
            match self.socket.peer_addr() {
                Ok(_) => self.connected = true,
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(Progress::Drained),
                Err(error) => return Err(error),
            }
        }
        let progress = self.read();
        self.write()?;
        progress
    }

    fn read(&mut self) -> io::Result<Progress> {
        let mut chunk = [0; CHUNK_BYTES];
        for _ in 0..READS_PER_TURN {
            let count = match &mut self.tls {
                None => self.socket.read(&mut chunk),
                Some(tls) => tls.read_tls(&mut self.socket),
            };
            match count {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => match &mut self.tls {
                    None => self.incoming.push(chunk.get(..count).unwrap_or_default()),
                    Some(tls) => decrypt(tls, &mut self.incoming, &mut chunk)?,
                },
                Err(error) => return moved(Err(error)).map(|_| Progress::Drained),
            }
        }
        Ok(Progress::More)
    }

    /// Says good-bye where TLS wants it, before it is dropped.
    pub fn close(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
        }
        // It ends anyway.
        let _ = self.write();
    }
}

fn decrypt(tls: &mut ClientConnection, incoming: &mut Incoming, chunk: &mut [u8]) -> io::Result<()> {
    tls.process_new_packets().map_err(io::Error::other)?;
    loop {
        match tls.reader().read(chunk) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => incoming.push(chunk.get(..count).unwrap_or_default()),
            Err(error) => return moved(Err(error)).map(|_| ()),
        }
    }
}

/// Whether something was done; that the system has to be waited for is no error.
fn moved(done: io::Result<usize>) -> io::Result<bool> {
    match done {
        Ok(count) => Ok(count > 0),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
