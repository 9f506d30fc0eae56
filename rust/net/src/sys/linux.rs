//! Batches on Linux: recvmmsg with UDP_GRO, sendmmsg with UDP_SEGMENT, large buffers, the kernel's drop count.

use std::io;
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;

use super::{BUFFER_BYTES, Outgoing, RECEIVE_BATCH, SEND_BATCH};

/// asm-generic/socket.h: an array of u32 figures of a socket (the C library's headers lack the name).
const SO_MEMINFO: libc::c_int = 55;

/// A socket address as the kernel reads and writes it.
#[derive(Clone, Copy)]
#[repr(C)]
union Name {
    family: libc::sa_family_t,
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

impl Name {
    const EMPTY: Name = {
        // SAFETY: all zeros is a valid value of every variant, which are plain integers.
        unsafe { mem::zeroed() }
    };

    fn new(address: SocketAddr) -> (Name, libc::socklen_t) {
        let mut name = Name::EMPTY;
        match address {
            SocketAddr::V4(address) => {
                name.v4 = libc::sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: address.port().to_be(),
                    sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.ip().octets()) },
                    sin_zero: [0; 8],
                };
                (name, size_of::<libc::sockaddr_in>() as libc::socklen_t)
            }
            SocketAddr::V6(address) => {
                name.v6 = libc::sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as libc::sa_family_t,
                    sin6_port: address.port().to_be(),
                    sin6_flowinfo: address.flowinfo(),
                    sin6_addr: libc::in6_addr { s6_addr: address.ip().octets() },
                    sin6_scope_id: address.scope_id(),
                };
                (name, size_of::<libc::sockaddr_in6>() as libc::socklen_t)
            }
        }
    }

    fn address(&self) -> Option<SocketAddr> {
        // SAFETY: every variant is plain integers and begins with the family, so any bytes are a valid value of each;
        // which one is meant is what the family says.
        unsafe {
            match libc::c_int::from(self.family) {
                libc::AF_INET => {
                    let ip = Ipv4Addr::from(self.v4.sin_addr.s_addr.to_ne_bytes());
                    Some(SocketAddrV4::new(ip, u16::from_be(self.v4.sin_port)).into())
                }
                libc::AF_INET6 => {
                    let ip = Ipv6Addr::from(self.v6.sin6_addr.s6_addr);
                    let port = u16::from_be(self.v6.sin6_port);
                    Some(SocketAddrV6::new(ip, port, self.v6.sin6_flowinfo, self.v6.sin6_scope_id).into())
                }
                _ => None,
            }
        }
    }
}

/// Room for one control message that carries an integer, aligned as its header must be.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; 32]);

impl Control {
    const EMPTY: Control = Control([0; 32]);
}

const fn control_space(size: usize) -> usize {
    // SAFETY: CMSG_SPACE is arithmetic.
    unsafe { libc::CMSG_SPACE(size as libc::c_uint) as usize }
}

const _: () = assert!(control_space(size_of::<libc::c_int>()) <= size_of::<Control>());

fn empty_header() -> libc::mmsghdr {
    // SAFETY: all zeros is a valid mmsghdr: null pointers with zero lengths.
    unsafe { mem::zeroed() }
}

fn empty_iovec() -> libc::iovec {
    libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }
}

/// Receives batches into buffers of its own, which are used again by the next batch.
pub(crate) struct Receiver {
    buffers: Vec<u8>,
    names: Vec<Name>,
    controls: Vec<Control>,
    iovecs: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
    count: usize,
}

impl Receiver {
    pub fn new() -> Receiver {
        Receiver {
            buffers: vec![0; RECEIVE_BATCH * BUFFER_BYTES],
            names: vec![Name::EMPTY; RECEIVE_BATCH],
            controls: vec![Control::EMPTY; RECEIVE_BATCH],
            iovecs: vec![empty_iovec(); RECEIVE_BATCH],
            headers: vec![empty_header(); RECEIVE_BATCH],
            count: 0,
        }
    }

    /// Takes what waits, without waiting for more; how many datagrams or trains it was.
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        self.count = 0;
        let parts = self.buffers.chunks_exact_mut(BUFFER_BYTES).zip(&mut self.names).zip(&mut self.controls);
        for (((buffer, name), control), (iovec, header)) in
            parts.zip(self.iovecs.iter_mut().zip(&mut self.headers))
        {
            *iovec = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
            let header = &mut header.msg_hdr;
            header.msg_name = std::ptr::from_mut(name).cast();
            header.msg_namelen = size_of::<Name>() as libc::socklen_t;
            header.msg_iov = iovec;
            header.msg_iovlen = 1;
            header.msg_control = std::ptr::from_mut(control).cast();
            header.msg_controllen = size_of::<Control>() as _;
            header.msg_flags = 0;
        }
        // SAFETY: each header was just filled with pointers into vectors of this struct, which stay where they are
        // during the call, and with their lengths; the time-out may be null.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                RECEIVE_BATCH as libc::c_uint,
                libc::MSG_DONTWAIT as _,
                std::ptr::null_mut(),
            )
        };
        self.count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        Ok(self.count)
    }

    /// Each datagram of the last batch; trains are taken apart.
    pub fn for_each(&mut self, mut each: impl FnMut(SocketAddr, &mut [u8])) {
        let received = self.headers.iter().zip(&self.names).take(self.count);
        for ((header, name), buffer) in received.zip(self.buffers.chunks_exact_mut(BUFFER_BYTES)) {
            let Some(peer) = name.address() else { continue };
            let length = (header.msg_len as usize).min(buffer.len());
            let train = &mut buffer[..length];
            let segment = segment_size(&header.msg_hdr).unwrap_or(length).max(1);
            for datagram in train.chunks_mut(segment) {
                each(peer, datagram);
            }
        }
    }
}

/// The size that UDP_GRO tells of a train's datagrams.
fn segment_size(header: &libc::msghdr) -> Option<usize> {
    // SAFETY: `header` is one that recvmmsg filled: its control pointer and length describe messages that the kernel
    // wrote into our buffer, which is what these macros walk through. The value is read unaligned, after its header
    // said that it is an int.
    unsafe {
        let message = libc::CMSG_FIRSTHDR(header);
        let found = message.as_ref()?;
        let expected = libc::CMSG_LEN(size_of::<libc::c_int>() as libc::c_uint);
        if found.cmsg_level != libc::SOL_UDP
            || found.cmsg_type != libc::UDP_GRO
            || (found.cmsg_len as usize) < expected as usize
        {
            return None;
        }
        let size = libc::CMSG_DATA(message).cast::<libc::c_int>().read_unaligned();
        usize::try_from(size).ok()
    }
}

/// Sends batches; its arrays are used again by the next batch.
pub(crate) struct Sender {
    names: Vec<Name>,
    controls: Vec<Control>,
    iovecs: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
}

impl Sender {
    pub const SEGMENTS: bool = true;

    pub fn new() -> Sender {
        Sender {
            names: vec![Name::EMPTY; SEND_BATCH],
            controls: vec![Control::EMPTY; SEND_BATCH],
            iovecs: vec![empty_iovec(); SEND_BATCH],
            headers: vec![empty_header(); SEND_BATCH],
        }
    }

    /// Sends as many as one call takes, with and without segments mixed: how many it was. An error is about the first.
    pub fn send<'a>(
        &mut self,
        socket: &UdpSocket,
        batch: impl Iterator<Item = Outgoing<'a>>,
    ) -> io::Result<usize> {
        let mut count = 0;
        let places =
            self.names.iter_mut().zip(&mut self.controls).zip(self.iovecs.iter_mut().zip(&mut self.headers));
        for (outgoing, ((name, control), (iovec, header))) in batch.zip(places) {
            let length;
            (*name, length) = Name::new(outgoing.destination);
            // sendmmsg only reads through this pointer, though iovec has but the one for writing.
            let base = outgoing.bytes.as_ptr().cast_mut().cast();
            *iovec = libc::iovec { iov_base: base, iov_len: outgoing.bytes.len() };
            let header = &mut header.msg_hdr;
            header.msg_name = std::ptr::from_mut(name).cast();
            header.msg_namelen = length;
            header.msg_iov = iovec;
            header.msg_iovlen = 1;
            header.msg_control = std::ptr::null_mut();
            header.msg_controllen = 0;
            if let Some(segment) = outgoing.segment {
                header.msg_control = std::ptr::from_mut(control).cast();
                header.msg_controllen = control_space(size_of::<u16>()) as _;
                write_segment_size(header, segment);
            }
            count += 1;
        }
        if count == 0 {
            return Ok(0);
        }
        // SAFETY: the first `count` headers were just filled with pointers into vectors of this struct and into the
        // batch's bytes; both outlive the call ('a does), and the kernel only reads through them.
        let sent = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                count,
                (libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) as _,
            )
        };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }
}

/// Fills the header's control buffer with the request to cut the bytes into datagrams of `segment` bytes.
fn write_segment_size(header: &mut libc::msghdr, segment: u16) {
    // SAFETY: the header's control pointer is a `Control`, aligned and larger than this message (asserted above for an
    // int), so its first header lies inside it, and the value after that.
    unsafe {
        let message = libc::CMSG_FIRSTHDR(header);
        if let Some(message) = message.as_mut() {
            message.cmsg_level = libc::SOL_UDP;
            message.cmsg_type = libc::UDP_SEGMENT;
            message.cmsg_len = libc::CMSG_LEN(size_of::<u16>() as libc::c_uint) as _;
        }
        libc::CMSG_DATA(message).cast::<u16>().write_unaligned(segment);
    }
}

fn set_option(
    socket: &UdpSocket,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    // SAFETY: the pointer and the size are those of `value`, which outlives the call.
    let status = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            std::ptr::from_ref(&value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Lets the kernel deliver trains; without it (before Linux 5.0) datagrams come one by one.
pub(crate) fn enable_gro(socket: &UdpSocket) {
    let _ = set_option(socket, libc::SOL_UDP, libc::UDP_GRO, 1);
}

/// Has datagrams leave whole or not at all, whatever the kernel has learnt of the path (ip(7), IP_MTU_DISCOVER): PROBE. Else
/// as it does by itself, WANT: it cuts what is longer than what it has learnt.
pub(crate) fn forbid_fragments(socket: &UdpSocket, forbids: bool) {
    let is_v4 = socket.local_addr().is_ok_and(|address| address.is_ipv4());
    let (level, name, value) = match (is_v4, forbids) {
        (true, true) => (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE),
        (true, false) => (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_WANT),
        (false, true) => (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_PROBE),
        (false, false) => (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_WANT),
    };
    // Every kernel with batches has it. Should one refuse, IP may cut probes too, and what they find arrives all the same.
    let _ = set_option(socket, level, name, value);
}

/// Asks for buffers beyond the system's limit, which needs CAP_NET_ADMIN, else for as much as the limit gives.
pub(crate) fn enlarge_buffers(socket: &UdpSocket, size_bytes: usize) {
    let size = libc::c_int::try_from(size_bytes).unwrap_or(libc::c_int::MAX);
    for (force, ask) in [(libc::SO_RCVBUFFORCE, libc::SO_RCVBUF), (libc::SO_SNDBUFFORCE, libc::SO_SNDBUF)] {
        if set_option(socket, libc::SOL_SOCKET, force, size).is_err() {
            let _ = set_option(socket, libc::SOL_SOCKET, ask, size);
        }
    }
}

/// How many datagrams the kernel dropped at this socket since it was opened, modulo 2^32.
pub(crate) fn receive_drops(socket: &UdpSocket) -> Option<u32> {
    let mut figures = [0u32; libc::SK_MEMINFO_DROPS as usize + 1];
    let mut size = size_of_val(&figures) as libc::socklen_t;
    // SAFETY: the kernel writes at most `size` bytes, the size of the array.
    let status = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            SO_MEMINFO,
            figures.as_mut_ptr().cast(),
            &mut size,
        )
    };
    (status == 0 && size as usize == size_of_val(&figures)).then(|| figures[libc::SK_MEMINFO_DROPS as usize])
}
