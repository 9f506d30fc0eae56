//! Sockets, and waiting for them to the microsecond.

use std::io::{self, ErrorKind};
use std::mem;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr;
use std::time::Instant;

const BUFFER_BYTES: libc::c_int = 8 << 20;

/// With a buffer that holds any burst: what is lost is the link's decision.
pub fn open(address: IpAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((address, 0))?;
    socket.set_nonblocking(true)?;
    set(&socket, libc::SO_RCVBUFFORCE).or_else(|_| set(&socket, libc::SO_RCVBUF))?;
    Ok(socket)
}

fn set(socket: &UdpSocket, option: libc::c_int) -> io::Result<()> {
    let value = BUFFER_BYTES;
    // SAFETY: the descriptor is open, and `value` is an int of the length given.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            (&raw const value).cast(),
            mem::size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Returns when one of them has something, or at a time, or now and then.
pub fn readable_until(sockets: &[UdpSocket; 2], until: Option<Instant>) -> io::Result<()> {
    let mut polled = sockets.each_ref().map(|socket| libc::pollfd {
        fd: socket.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    });
    let timeout = until.map(|at| {
        let left = at.saturating_duration_since(Instant::now());
        libc::timespec {
            tv_sec: left.as_secs() as libc::time_t,
            tv_nsec: libc::c_long::from(left.subsec_nanos() as i32),
        }
    });
    let timeout = timeout.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: both pointers lead to memory that outlives the call; no signal mask is given.
    let done =
        unsafe { libc::ppoll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, timeout, ptr::null()) };
    match done {
        -1 => match io::Error::last_os_error() {
            error if error.kind() == ErrorKind::Interrupted => Ok(()),
            error => Err(error),
        },
        _ => Ok(()),
    }
}

/// What has come, if anything has.
pub fn received(socket: &UdpSocket, into: &mut [u8]) -> io::Result<Option<(usize, SocketAddr)>> {
    match socket.recv_from(into) {
        Ok(received) => Ok(Some(received)),
        Err(error) if is_passing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What the kernel cannot take is lost.
pub fn sent(socket: &UdpSocket, datagram: &[u8], to: SocketAddr) -> io::Result<()> {
    match socket.send_to(datagram, to) {
        Ok(_) => Ok(()),
        Err(error) if is_passing(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// An end that is not there any more, or not yet, is refused.
fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionRefused | ErrorKind::Interrupted)
}
