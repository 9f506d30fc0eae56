//! Waiting for descriptors, and keeping the process's signals away from the threads.

use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::AsFd;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// Descriptors to wait for: a few that stay, each by its place (a signal, a socket per address), and any number that come and
/// go, each by a token. Whoever owns them keeps them open as long as they are in the set.
pub(crate) struct Poll {
    fds: Vec<libc::pollfd>,
    #[cfg(target_os = "linux")]
    watch: Option<super::epoll::Watch>,
    /// The tokens of the last descriptors in `fds`.
    #[cfg(not(target_os = "linux"))]
    tokens: Vec<u32>,
}

impl Poll {
    pub fn new<'a>(fds: impl IntoIterator<Item = BorrowedFd<'a>>) -> Poll {
        let fds = fds.into_iter().map(|fd| pollfd(fd, libc::POLLIN)).collect();
        #[cfg(target_os = "linux")]
        return Poll { fds, watch: None };
        #[cfg(not(target_os = "linux"))]
        Poll { fds, tokens: Vec::new() }
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

/// As many as there are, those that come and go are in an epoll instance, whose own descriptor is polled with the others.
#[cfg(target_os = "linux")]
impl Poll {
    pub fn watch(&mut self, fd: BorrowedFd<'_>, token: u32) -> io::Result<()> {
        let watch = match &mut self.watch {
            Some(watch) => watch,
            none => {
                let watch = none.insert(super::epoll::Watch::new()?);
                self.fds.push(pollfd(watch.as_fd(), libc::POLLIN));
                watch
            }
        };
        watch.add(fd, token)
    }

    /// Whether a descriptor is waited for to take data, too, besides to have some.
    pub fn watch_writable(&mut self, fd: BorrowedFd<'_>, token: u32, wanted: bool) -> io::Result<()> {
        self.watch.as_ref().map_or(Ok(()), |watch| watch.set_writable(fd, token, wanted))
    }

    /// Takes a descriptor out before it is closed.
    pub fn unwatch(&mut self, fd: BorrowedFd<'_>, _token: u32) {
        if let Some(watch) = &mut self.watch {
            watch.remove(fd);
        }
    }

    /// The tokens of those that were readable, or in error, when `wait` returned.
    pub fn watched(&mut self) -> impl Iterator<Item = u32> + '_ {
        let is_readable = self.fds.last().is_some_and(|fd| fd.revents != 0);
        self.watch.iter_mut().filter(move |_| is_readable).flat_map(super::epoll::Watch::readable)
    }
}

#[cfg(not(target_os = "linux"))]
impl Poll {
    pub fn watch(&mut self, fd: BorrowedFd<'_>, token: u32) -> io::Result<()> {
        self.fds.push(pollfd(fd, libc::POLLIN));
        self.tokens.push(token);
        Ok(())
    }

    /// Whether a descriptor is waited for to take data, too, besides to have some.
    pub fn watch_writable(&mut self, fd: BorrowedFd<'_>, _token: u32, wanted: bool) -> io::Result<()> {
        let events = if wanted { libc::POLLIN | libc::POLLOUT } else { libc::POLLIN };
        self.fds
            .iter_mut()
            .filter(|known| known.fd == fd.as_raw_fd())
            .for_each(|known| known.events = events);
        Ok(())
    }

    /// Takes a descriptor out before it is closed.
    pub fn unwatch(&mut self, _fd: BorrowedFd<'_>, token: u32) {
        if let Some(place) = self.tokens.iter().position(|&known| known == token) {
            let fixed = self.fds.len() - self.tokens.len();
            self.fds.swap_remove(fixed + place);
            self.tokens.swap_remove(place);
        }
    }

    /// The tokens of those that were readable, or in error, when `wait` returned.
    pub fn watched(&mut self) -> impl Iterator<Item = u32> + '_ {
        let fixed = self.fds.len() - self.tokens.len();
        let watched = self.fds[fixed..].iter().zip(&self.tokens);
        watched.filter(|(fd, _)| fd.revents != 0).map(|(_, &token)| token)
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
