//! Sockets, and waiting for them to the microsecond.

use std::io::{self, ErrorKind};
use std::mem;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const BUFFER_BYTES: libc::c_int = 8 << 20;
const CONTROL_WORDS: usize = 16;

/// With a buffer that holds any burst: what is lost is the link's decision.
pub fn open(address: IpAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((address, 0))?;
    socket.set_nonblocking(true)?;
    set(&socket, libc::SO_RCVBUFFORCE, BUFFER_BYTES)
        .or_else(|_| set(&socket, libc::SO_RCVBUF, BUFFER_BYTES))?;
    set(&socket, libc::SO_TIMESTAMPNS, 1)?;
    Ok(socket)
}

fn set(socket: &UdpSocket, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
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

/// A datagram: its length, where it is from, and when the kernel got it, so that a late wake-up is no part of the path.
pub struct Received {
    pub bytes: usize,
    pub from: SocketAddr,
    pub at: Instant,
}

/// What has come, if anything has.
pub fn received(socket: &UdpSocket, into: &mut [u8]) -> io::Result<Option<Received>> {
    // SAFETY: all-zero is a valid address, and a valid header without parts.
    let (mut name, mut header): (libc::sockaddr_in, libc::msghdr) = unsafe { (mem::zeroed(), mem::zeroed()) };
    let mut part = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let mut control = [0_u64; CONTROL_WORDS];
    header.msg_name = (&raw mut name).cast();
    header.msg_namelen = mem::size_of_val(&name) as libc::socklen_t;
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = mem::size_of_val(&control);
    // SAFETY: every pointer in `header` leads to memory that outlives the call, of the length given beside it.
    let bytes = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, 0) };
    let Ok(bytes) = usize::try_from(bytes) else {
        let error = io::Error::last_os_error();
        return if is_passing(&error) { Ok(None) } else { Err(error) };
    };
    let address = Ipv4Addr::from(u32::from_be(name.sin_addr.s_addr));
    let from = SocketAddr::from((address, u16::from_be(name.sin_port)));
    let age = stamp(&header).and_then(|stamp| SystemTime::now().duration_since(UNIX_EPOCH + stamp).ok());
    let now = Instant::now();
    Ok(Some(Received { bytes, from, at: age.and_then(|age| now.checked_sub(age)).unwrap_or(now) }))
}

/// Since 1970.
fn stamp(header: &libc::msghdr) -> Option<Duration> {
    // SAFETY: the kernel filled the control buffer of `header`; the macros keep within its length, and the value is read
    // unaligned, as the type which the kernel writes.
    unsafe {
        let mut item = libc::CMSG_FIRSTHDR(header);
        while !item.is_null() {
            if ((*item).cmsg_level, (*item).cmsg_type) == (libc::SOL_SOCKET, libc::SO_TIMESTAMPNS) {
                let time = libc::CMSG_DATA(item).cast::<libc::timespec>().read_unaligned();
                return Some(Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?));
            }
            item = libc::CMSG_NXTHDR(header, item);
        }
    }
    None
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
