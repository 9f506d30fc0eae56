//! A stream: TCP, or TLS over it, to a TURN server, or TCP to a peer.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rustls::ClientConnection;
use visavis_dataplane::{Descriptor, SocketId, StreamTo, Time};

use crate::framing::{Framing, Incoming, write_message};
use crate::sys::{self, Outgoing};
use crate::tls;

/// How much waits for a stream to take it: a quarter of a second at 8 Mbit/s. What finds it full is lost, as in any full
/// queue of real-time media.
const QUEUE_BYTES: usize = 256 << 10;
/// While a message has waited for so long nothing is queued behind it: what a slow stream would deliver much too late is not
/// begun to be sent.
const QUEUE_LASTS: Duration = Duration::from_millis(500);
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
    /// The data plane's name for what it is a way of.
    pub of: SocketId,
    pub remote: SocketAddr,
    framing: Framing,
    tls: Option<Box<ClientConnection>>,
    pub incoming: Incoming,
    queue: Vec<u8>,
    /// How many bytes have left the queue since the beginning.
    left: u64,
    /// Where what was queued together ends, counted as `left` is, and since when it waits.
    waiting: VecDeque<(u64, Time)>,
    /// Its connection is there.
    connected: bool,
    /// Writing failed; reading will say so as well.
    broken: bool,
    /// Whether the thread waits for it at all; one to a server it does from the beginning.
    pub watched: bool,
    /// Whether the thread waits for it to take data.
    pub awaited: bool,
}

impl Stream {
    /// Takes a stream to a server over that is connected, or is connecting.
    pub fn adopt(of: SocketId, descriptor: Descriptor, to: &StreamTo) -> io::Result<Stream> {
        let socket = sys::adopt_stream(descriptor.0)?;
        let tls = to.tls_name.as_deref().map(tls::client).transpose()?.map(Box::new);
        Stream::new(socket, of, to.server, Framing::Turn, tls)
    }

    /// A stream to a peer that is connected, or is connecting.
    pub fn of_peer(socket: TcpStream, of: SocketId, peer: SocketAddr) -> io::Result<Stream> {
        Stream::new(socket, of, peer, Framing::Packets, None)
    }

    fn new(
        socket: TcpStream,
        of: SocketId,
        remote: SocketAddr,
        framing: Framing,
        tls: Option<Box<ClientConnection>>,
    ) -> io::Result<Stream> {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        Ok(Stream {
            socket,
            of,
            remote,
            framing,
            tls,
            incoming: Incoming::new(framing),
            queue: Vec::new(),
            left: 0,
            waiting: VecDeque::new(),
            connected: false,
            broken: false,
            watched: framing == Framing::Turn,
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
    pub fn send<'a>(&mut self, now: Time, batch: impl Iterator<Item = Outgoing<'a>>) -> io::Result<usize> {
        let mut taken = 0;
        let is_late = self.waiting.front().is_some_and(|&(_, since)| now.since(since) >= QUEUE_LASTS);
        for outgoing in batch {
            if self.broken || outgoing.destination != self.remote {
                if taken > 0 {
                    break;
                }
                return Err(io::ErrorKind::NotConnected.into());
            }
            if is_late || self.queue.len() + outgoing.bytes.len() > QUEUE_BYTES {
                break;
            }
            let size = outgoing.segment.map_or(outgoing.bytes.len(), usize::from).max(1);
            let messages = outgoing.bytes.chunks(size);
            messages.for_each(|message| write_message(self.framing, &mut self.queue, message));
            taken += 1;
        }
        if taken > 0 {
            self.waiting.push_back((self.left + self.queue.len() as u64, now));
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
                Ok(count) => self.note_left(count),
                Err(error) => return moved(Err(error)).map(|_| ()),
            }
        }
    }

    fn note_left(&mut self, count: usize) {
        let count = count.min(self.queue.len());
        self.queue.drain(..count);
        self.left += count as u64;
        while self.waiting.front().is_some_and(|&(end, _)| end <= self.left) {
            self.waiting.pop_front();
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
            // Nothing happens before it is connected; that it is not says that it never began to be.
            self.socket.peer_addr()?;
            self.connected = true;
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

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::fd::IntoRawFd;
    use std::time::Duration;

    use super::*;

    const MESSAGE: [u8; 1_002] = {
        let mut message = [0; 1_002];
        (message[0], message[2], message[3]) = (0x40, 0x03, 0xe6);
        message
    };

    fn pair(tls_name: Option<&str>) -> (Stream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        let socket = TcpStream::connect(server).unwrap();
        let descriptor = Descriptor(socket.into_raw_fd());
        let to = StreamTo { server, tls_name: tls_name.map(str::to_owned) };
        let (accepted, _) = listener.accept().unwrap();
        accepted.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        (Stream::adopt(SocketId(0), descriptor, &to).unwrap(), accepted)
    }

    fn outgoing(stream: &Stream) -> Outgoing<'static> {
        Outgoing { destination: stream.remote, bytes: &MESSAGE, segment: None }
    }

    #[test]
    fn what_is_sent_before_the_connection_is_there_waits_for_it() {
        let (mut stream, mut server) = pair(None);
        let message = outgoing(&stream);
        assert_eq!(stream.send(Time::ZERO, [message, message].into_iter()).unwrap(), 2);
        assert!(stream.wants_write());
        assert_eq!(stream.advance().unwrap(), Progress::Drained);
        assert!(!stream.wants_write());
        let mut got = [0; 2 * 1_004];
        server.read_exact(&mut got).unwrap();
        assert_eq!(got[..1_002], MESSAGE);
        assert_eq!(got[1_004..][..1_002], MESSAGE, "after padding");
    }

    #[test]
    fn a_train_leaves_as_the_messages_that_it_is_made_of() {
        let (mut stream, mut server) = pair(None);
        stream.advance().unwrap();
        let train = [&MESSAGE[..], &MESSAGE[..]].concat();
        let outgoing = Outgoing { destination: stream.remote, bytes: &train, segment: Some(1_002) };
        assert_eq!(stream.send(Time::ZERO, [outgoing].into_iter()).unwrap(), 1);
        let mut got = [0; 2 * 1_004];
        server.read_exact(&mut got).unwrap();
        assert_eq!(got[1_004..][..1_002], MESSAGE);
    }

    #[test]
    fn a_full_queue_takes_no_more_and_what_it_took_arrives_whole() {
        let (mut stream, mut server) = pair(None);
        stream.advance().unwrap();
        let message = outgoing(&stream);
        let mut taken = 0;
        let error = loop {
            match stream.send(Time::ZERO, [message].into_iter()) {
                Ok(count) => taken += count,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert!(stream.queue.len() <= QUEUE_BYTES + 4 && stream.wants_write());
        let reader = std::thread::spawn(move || {
            let mut got = vec![0; taken * 1_004];
            server.read_exact(&mut got).unwrap();
            got
        });
        while stream.wants_write() {
            sys::wait_writable(stream.as_fd(), Duration::from_secs(20)).unwrap();
            stream.advance().unwrap();
        }
        assert!(reader.join().unwrap().chunks(1_004).all(|got| got[..1_002] == MESSAGE));
    }

    #[test]
    fn behind_what_has_waited_for_half_a_second_nothing_is_queued_until_it_has_left() {
        let (mut stream, _server) = pair(None);
        let message = outgoing(&stream);
        assert_eq!(stream.send(Time::ZERO, [message].into_iter()).unwrap(), 1);
        assert_eq!(stream.send(Time::from_millis(499), [message].into_iter()).unwrap(), 1);
        let error = stream.send(Time::from_millis(500), [message].into_iter()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        stream.advance().unwrap();
        assert_eq!(stream.send(Time::from_millis(2_000), [message].into_iter()).unwrap(), 1);
    }

    #[test]
    fn it_leads_to_its_server_alone_and_ends_with_it() {
        let (mut stream, server) = pair(None);
        stream.advance().unwrap();
        let elsewhere = Outgoing { destination: "127.0.0.1:9".parse().unwrap(), ..outgoing(&stream) };
        assert_eq!(
            stream.send(Time::ZERO, [elsewhere].into_iter()).unwrap_err().kind(),
            io::ErrorKind::NotConnected
        );
        drop(server);
        let mut poll = sys::Poll::new([stream.as_fd()]);
        poll.wait(Some(Duration::from_secs(20))).unwrap();
        assert_eq!(stream.advance().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn before_tls_is_there_nothing_of_what_is_sent_leaves() {
        let (mut stream, mut server) = pair(Some("turn.example.org"));
        let message = outgoing(&stream);
        assert_eq!(stream.send(Time::ZERO, [message].into_iter()).unwrap(), 1);
        stream.advance().unwrap();
        assert!(!stream.wants_write(), "the server's turn has come");
        let mut record = [0; 5];
        server.read_exact(&mut record).unwrap();
        assert_eq!(record[0], 22, "a handshake record");
        let mut hello = vec![0; usize::from(u16::from_be_bytes([record[3], record[4]]))];
        server.read_exact(&mut hello).unwrap();
        server.set_nonblocking(true).unwrap();
        assert_eq!(server.read(&mut record).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}
