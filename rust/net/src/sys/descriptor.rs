//! Sockets that were made elsewhere: a descriptor becomes an owned one here.

use std::io;
use std::net::{TcpStream, UdpSocket};
use std::os::fd::{FromRawFd, RawFd};

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

/// Closes a socket that was given away and is not wanted.
pub(crate) fn discard(descriptor: RawFd) {
    // What is no socket is not closed: its number was a mistake, and may be somebody else's.
    if adopt(descriptor).is_err() {
        drop(adopt_stream(descriptor));
    }
}

fn socket_type(descriptor: RawFd) -> io::Result<libc::c_int> {
    let mut kind: libc::c_int = 0;
    let mut size = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the pointers are to `kind` and `size`, which outlive the call; a descriptor that is not open is an error.
    let status = unsafe {
        libc::getsockopt(
            descriptor,
            libc::SOL_SOCKET,
            libc::SO_TYPE,
            std::ptr::from_mut(&mut kind).cast(),
            &mut size,
        )
    };
    if status < 0 { Err(io::Error::last_os_error()) } else { Ok(kind) }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::fd::{AsRawFd, IntoRawFd};

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
        assert!(adopt(-1).is_err());
    }
}
