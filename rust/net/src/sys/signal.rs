//! A flag that is a descriptor: raised, it is readable.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
#[cfg(target_os = "linux")]
use std::os::fd::{FromRawFd, OwnedFd};

/// Any thread may raise it; the one that waits on the descriptor lowers it. An eventfd, elsewhere than on Linux a pipe.
#[derive(Debug)]
pub(crate) struct Signal {
    read: File,
    #[cfg(not(target_os = "linux"))]
    write: File,
}

impl Signal {
    #[cfg(target_os = "linux")]
    pub fn new() -> io::Result<Signal> {
        // SAFETY: eventfd takes no pointers.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and has no other owner.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Signal { read: File::from(fd) })
    }

    #[cfg(not(target_os = "linux"))]
    pub fn new() -> io::Result<Signal> {
        use std::os::fd::{AsRawFd, OwnedFd};
        let (read, write) = io::pipe()?;
        let (read, write) = (OwnedFd::from(read), OwnedFd::from(write));
        for fd in [&read, &write] {
            // SAFETY: fcntl on a descriptor we own; F_SETFL takes an integer.
            if unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(Signal { read: File::from(read), write: File::from(write) })
    }

    #[cfg(target_os = "linux")]
    fn writer(&self) -> &File {
        &self.read
    }

    #[cfg(not(target_os = "linux"))]
    fn writer(&self) -> &File {
        &self.write
    }

    /// Makes the descriptor readable. The only error there can be is a full counter or pipe: then it is readable already.
    pub fn raise(&self) {
        let _ = self.writer().write(&1u64.to_ne_bytes());
    }

    /// Makes the descriptor unreadable; the only error there can be says that it is already.
    pub fn lower(&self) {
        let mut buffer = [0; 64];
        while matches!((&self.read).read(&mut buffer), Ok(count) if count == buffer.len()) {}
    }
}

impl AsFd for Signal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.read.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Poll;
    use super::*;

    #[test]
    fn a_raised_signal_is_readable_until_it_is_lowered() {
        let signal = Signal::new().unwrap();
        let mut poll = Poll::new([signal.as_fd()]);
        let mut readable = || {
            poll.wait(Some(Duration::ZERO)).unwrap();
            poll.is_readable(0)
        };
        assert!(!readable());
        signal.raise();
        signal.raise();
        assert!(readable());
        assert!(readable());
        signal.lower();
        assert!(!readable());
        signal.lower();
        assert!(!readable());
    }
}
