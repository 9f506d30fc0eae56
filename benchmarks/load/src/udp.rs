//! Batched UDP: recvmmsg with GRO and the kernel's time stamps, sendmmsg with GSO. All system calls of this crate that
//! take pointers are here and in `cpu`.

use std::io;
use std::mem;
use std::net::{SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr;

use libc::{c_int, c_void, iovec, mmsghdr, sockaddr_in};

const BUFFER_BYTES: c_int = 8 << 20;
const INBOX_MESSAGES: usize = 32;
const MESSAGE_BYTES: usize = 65_536;
const CONTROL_WORDS: usize = 16;

/// A socket on loopback with large buffers, which learns arrival times; with `gro` it takes runs of equal size in one
/// piece, as if the sender's network card had cut them up, and without it the kernel does so in the sender's call.
pub fn open(gro: bool) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    if set(&socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, BUFFER_BYTES).is_err() {
        set(&socket, libc::SOL_SOCKET, libc::SO_RCVBUF, BUFFER_BYTES)?;
    }
    if set(&socket, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, BUFFER_BYTES).is_err() {
        set(&socket, libc::SOL_SOCKET, libc::SO_SNDBUF, BUFFER_BYTES)?;
    }
    set(&socket, libc::SOL_UDP, libc::UDP_GRO, c_int::from(gro))?;
    set(&socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)?;
    Ok(socket)
}

fn set(socket: &UdpSocket, level: c_int, option: c_int, value: c_int) -> io::Result<()> {
    // SAFETY: the descriptor is open, and `value` is an int of the length given.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const value).cast::<c_void>(),
            mem::size_of::<c_int>() as u32,
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Buffers to receive into, shared by all sockets of a thread.
pub struct Inbox {
    messages: Vec<Vec<u8>>,
    controls: Vec<[u64; CONTROL_WORDS]>,
}

impl Inbox {
    pub fn new() -> Inbox {
        Inbox {
            messages: vec![vec![0; MESSAGE_BYTES]; INBOX_MESSAGES],
            controls: vec![[0; CONTROL_WORDS]; INBOX_MESSAGES],
        }
    }

    /// Takes what waits, at most 32 messages, and calls `each` with every datagram and its arrival (CLOCK_REALTIME, ns).
    /// Gives whether more may wait.
    pub fn receive(&mut self, socket: &UdpSocket, mut each: impl FnMut(&mut [u8], u64)) -> io::Result<bool> {
        let mut parts = [iovec { iov_base: ptr::null_mut(), iov_len: 0 }; INBOX_MESSAGES];
        // SAFETY: all-zero is a valid mmsghdr: no name, no parts, no control.
        let mut headers: [mmsghdr; INBOX_MESSAGES] = unsafe { mem::zeroed() };
        for (((part, header), message), control) in
            parts.iter_mut().zip(&mut headers).zip(&mut self.messages).zip(&mut self.controls)
        {
            *part = iovec { iov_base: message.as_mut_ptr().cast(), iov_len: message.len() };
            header.msg_hdr.msg_iov = part;
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_control = control.as_mut_ptr().cast();
            header.msg_hdr.msg_controllen = mem::size_of_val(control);
        }
        // SAFETY: every pointer in `headers` leads to memory that outlives the call, of the length given beside it.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                INBOX_MESSAGES as u32,
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        };
        let Ok(count) = usize::try_from(count) else {
            let error = io::Error::last_os_error();
            return match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::ConnectionRefused => {
                    Ok(false)
                }
                _ => Err(error),
            };
        };
        for (header, message) in headers[..count].iter().zip(&mut self.messages) {
            let bytes = &mut message[..header.msg_len as usize];
            let (segment_bytes, stamp_ns) = control(&header.msg_hdr);
            bytes
                .chunks_mut(segment_bytes.unwrap_or(MESSAGE_BYTES))
                .for_each(|segment| each(segment, stamp_ns));
        }
        Ok(count == INBOX_MESSAGES)
    }
}

/// The segment size (GRO) and the arrival time that came with a message.
fn control(header: &libc::msghdr) -> (Option<usize>, u64) {
    let (mut segment_bytes, mut stamp_ns) = (None, 0);
    // SAFETY: the kernel filled the control buffer of `header`; the macros keep within its length, and each value is read
    // unaligned, as the type which the kernel writes for its level and type.
    unsafe {
        let mut item = libc::CMSG_FIRSTHDR(header);
        while !item.is_null() {
            let data = libc::CMSG_DATA(item);
            match ((*item).cmsg_level, (*item).cmsg_type) {
                (libc::SOL_UDP, libc::UDP_GRO) => {
                    segment_bytes =
                        usize::try_from(data.cast::<c_int>().read_unaligned()).ok().filter(|size| *size > 0);
                }
                (libc::SOL_SOCKET, libc::SO_TIMESTAMPNS) => {
                    let time = data.cast::<libc::timespec>().read_unaligned();
                    stamp_ns = time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64;
                }
                _ => {}
            }
            item = libc::CMSG_NXTHDR(header, item);
        }
    }
    (segment_bytes, stamp_ns)
}

/// A datagram to send, or with `segment_bytes` a run of them of that size (the last may be shorter).
pub struct Outgoing<'a> {
    pub bytes: &'a [u8],
    /// None on a connected socket.
    pub to: Option<SocketAddrV4>,
    pub segment_bytes: Option<u16>,
}

/// Headers for sendmmsg, kept from call to call.
#[derive(Default)]
pub struct Outbox {
    names: Vec<sockaddr_in>,
    parts: Vec<iovec>,
    controls: Vec<[u64; 3]>,
    headers: Vec<mmsghdr>,
}

impl Outbox {
    /// Sends all in as few calls as the kernel needs; a datagram that is refused (ICMP, no buffer) is lost, as UDP is.
    pub fn send(&mut self, socket: &UdpSocket, outgoing: &[Outgoing]) -> io::Result<()> {
        self.names.clear();
        self.parts.clear();
        self.controls.clear();
        self.headers.clear();
        for datagram in outgoing {
            self.names.push(datagram.to.map_or_else(any_address, sockaddr));
            let base = datagram.bytes.as_ptr().cast_mut().cast();
            self.parts.push(iovec { iov_base: base, iov_len: datagram.bytes.len() });
            self.controls.push([0; 3]);
        }
        for (at, datagram) in outgoing.iter().enumerate() {
            // SAFETY: all-zero is a valid mmsghdr.
            let mut header: mmsghdr = unsafe { mem::zeroed() };
            if datagram.to.is_some() {
                header.msg_hdr.msg_name = (&raw mut self.names[at]).cast();
                header.msg_hdr.msg_namelen = mem::size_of::<sockaddr_in>() as u32;
            }
            header.msg_hdr.msg_iov = &raw mut self.parts[at];
            header.msg_hdr.msg_iovlen = 1;
            if let Some(size) = datagram.segment_bytes {
                header.msg_hdr.msg_control = self.controls[at].as_mut_ptr().cast();
                header.msg_hdr.msg_controllen = mem::size_of::<[u64; 3]>();
                // SAFETY: 24 aligned bytes hold one control header with a 16-bit value, on 64-bit Linux exactly.
                unsafe {
                    let item = libc::CMSG_FIRSTHDR(&header.msg_hdr);
                    (*item).cmsg_level = libc::SOL_UDP;
                    (*item).cmsg_type = libc::UDP_SEGMENT;
                    (*item).cmsg_len = libc::CMSG_LEN(2) as usize;
                    libc::CMSG_DATA(item).cast::<u16>().write_unaligned(size);
                }
            }
            self.headers.push(header);
        }
        let mut sent = 0;
        while sent < self.headers.len() {
            let left = &mut self.headers[sent..];
            // SAFETY: the headers point into `names`, `parts`, `controls`, which do not move here, and into `outgoing`.
            let count =
                unsafe { libc::sendmmsg(socket.as_raw_fd(), left.as_mut_ptr(), left.len() as u32, 0) };
            match usize::try_from(count) {
                Ok(count) => sent += count,
                Err(_) => match io::Error::last_os_error() {
                    error if error.kind() == io::ErrorKind::Interrupted => {}
                    error if error.kind() == io::ErrorKind::ConnectionRefused => sent += 1,
                    error if error.raw_os_error() == Some(libc::ENOBUFS) => sent += 1,
                    error => return Err(error),
                },
            }
        }
        Ok(())
    }
}

fn any_address() -> sockaddr_in {
    sockaddr(SocketAddrV4::new(std::net::Ipv4Addr::UNSPECIFIED, 0))
}

fn sockaddr(address: SocketAddrV4) -> sockaddr_in {
    sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: address.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from(*address.ip()).to_be() },
        sin_zero: [0; 8],
    }
}
