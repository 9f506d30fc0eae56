//! Sockets that were made elsewhere: a descriptor becomes an owned one here.

use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

/// Takes a bound UDP socket over. An error leaves the descriptor alone: it is not open, or no UDP socket.
///
/// The caller was given it by its owner, who does not use it any more.
pub(crate) fn adopt(descriptor: RawFd) -> io::Result<UdpSocket> {
    if socket_type(descriptor)? != libc::SOCK_DGRAM {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: the descriptor is open, as the call above has shown, and its owner has given it away.
    Ok(unsafe { UdpSocket::from_raw_fd(descriptor) })
}

/// Takes a TCP stream over, connected or still connecting; an error as for `adopt`.
pub(crate) fn adopt_stream(descriptor: RawFd) -> io::Result<TcpStream> {
    if socket_type(descriptor)? != libc::SOCK_STREAM {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: as in `adopt`.
    Ok(unsafe { TcpStream::from_raw_fd(descriptor) })
}

/// Takes a TCP socket over that listens; an error as for `adopt`.
pub(crate) fn adopt_listener(descriptor: RawFd) -> io::Result<TcpListener> {
    let stream = adopt_stream(descriptor)?;
    if option(stream.as_raw_fd(), libc::SO_ACCEPTCONN)? == 0 {
        // It is left as it was.
        let _ = stream.into_raw_fd();
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(TcpListener::from(OwnedFd::from(stream)))
}

/// Closes a socket that was given away and is not wanted.
pub(crate) fn discard(descriptor: RawFd) {
    // What is no socket is not closed: its number was a mistake, and may be somebody else's.
    if adopt(descriptor).is_err() {
        drop(adopt_stream(descriptor));
    }
}

fn socket_type(descriptor: RawFd) -> io::Result<libc::c_int> {
    option(descriptor, libc::SO_TYPE)
}

/// What an option of the socket's own level says.
fn option(descriptor: RawFd, name: libc::c_int) -> io::Result<libc::c_int> {
    let mut value: libc::c_int = 0;
    let mut size = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the pointers are to `value` and `size`, which outlive the call; a descriptor that is not open is an error.
    let status = unsafe {
        libc::getsockopt(descriptor, libc::SOL_SOCKET, name, std::ptr::from_mut(&mut value).cast(), &mut size)
    };
    if status < 0 { Err(io::Error::last_os_error()) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_udp_socket_is_taken_over_and_what_is_none_is_left_alone() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let adopted = adopt(socket.into_raw_fd()).unwrap();
        assert_eq!(adopted.local_addr().unwrap(), address);
        drop(adopted);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(adopt(listener.as_raw_fd()).is_err());
        assert!(listener.local_addr().is_ok(), "it is still open");
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(adopt_listener(stream.as_raw_fd()).is_err(), "it does not listen");
        assert!(stream.peer_addr().is_ok(), "it is still open");
        assert!(adopt_listener(listener.into_raw_fd()).is_ok());
        assert!(adopt(-1).is_err());
    }
}
