//! Waiting for descriptors, and keeping the process's signals away from the threads.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// The descriptors to wait for, each by its place. Whoever owns them keeps them open as long as they are in the set.
pub(crate) struct Poll {
    fds: Vec<libc::pollfd>,
}

impl Poll {
    pub fn new<'a>(fds: impl IntoIterator<Item = BorrowedFd<'a>>) -> Poll {
        let fds = fds.into_iter().map(|fd| pollfd(fd, libc::POLLIN)).collect();
        Poll { fds }
    }

    /// One more, at the last place.
    pub fn push(&mut self, fd: BorrowedFd<'_>) {
        self.fds.push(pollfd(fd, libc::POLLIN));
    }

    /// Takes one out; the last one moves to its place.
    pub fn swap_remove(&mut self, index: usize) {
        if index < self.fds.len() {
            self.fds.swap_remove(index);
        }
    }

    /// Waits until a descriptor is readable, for at most `timeout`; an interruption by a signal ends it early.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        wait(&mut self.fds, timeout)
    }

    /// Whether the descriptor at this place was readable, or in error, when `wait` returned.
    pub fn is_readable(&self, index: usize) -> bool {
        self.fds.get(index).is_some_and(|fd| fd.revents != 0)
    }
}

/// Waits for at most `timeout` until the descriptor takes data again.
pub(crate) fn wait_writable(fd: BorrowedFd<'_>, timeout: Duration) -> io::Result<bool> {
    let mut fds = [pollfd(fd, libc::POLLOUT)];
    wait(&mut fds, Some(timeout))?;
    Ok(fds[0].revents & libc::POLLOUT != 0)
}

fn pollfd(fd: BorrowedFd<'_>, events: libc::c_short) -> libc::pollfd {
    libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 }
}

#[cfg(target_os = "linux")]
fn wait(fds: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<()> {
    let timeout = timeout.map(|timeout| libc::timespec {
        tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: timeout.subsec_nanos() as _,
    });
    let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the array is as long as said and outlives the call; the timeout is null or lives on this stack frame.
    let status =
        unsafe { libc::ppoll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, timeout, std::ptr::null()) };
    finish(fds, status)
}

#[cfg(not(target_os = "linux"))]
fn wait(fds: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<()> {
    // Rounded up: waking early would only mean waiting again.
    let timeout = timeout.map_or(-1, |timeout| {
        libc::c_int::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(libc::c_int::MAX)
    });
    // SAFETY: the array is as long as said and outlives the call.
    let status = unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, timeout) };
    finish(fds, status)
}

fn finish(fds: &mut [libc::pollfd], status: libc::c_int) -> io::Result<()> {
    if status >= 0 {
        return Ok(());
    }
    for fd in fds {
        fd.revents = 0;
    }
    let error = io::Error::last_os_error();
    if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) }
}

/// Keeps the process's signals from being delivered to the calling thread: they are the host program's.
pub(crate) fn block_signals() {
    // SAFETY: an all-zero sigset_t is a valid place for sigfillset to write to; both calls only touch it.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_BLOCK, &all, std::ptr::null_mut());
    }
}
