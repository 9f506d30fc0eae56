//! Many descriptors to wait for, each with a token: an epoll instance, which is readable itself while one of them is.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// How many readable descriptors one turn takes; the others keep the instance readable.
const EVENTS_PER_TURN: usize = 256;

pub(crate) struct Watch {
    epoll: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Watch {
    pub fn new() -> io::Result<Watch> {
        // SAFETY: epoll_create1 takes no pointers.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and has no other owner.
        let epoll = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Watch { epoll, events: Vec::new() })
    }

    pub fn add(&mut self, fd: BorrowedFd<'_>, token: u32) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, token, libc::EPOLLIN)
    }

    /// Whether the descriptor is waited for to take data, too.
    pub fn set_writable(&self, fd: BorrowedFd<'_>, token: u32, wanted: bool) -> io::Result<()> {
        let events = if wanted { libc::EPOLLIN | libc::EPOLLOUT } else { libc::EPOLLIN };
        self.control(libc::EPOLL_CTL_MOD, fd, token, events)
    }

    /// Before the descriptor is closed.
    pub fn remove(&mut self, fd: BorrowedFd<'_>) {
        // The only error there can be says that it was not added.
        let _ = self.control(libc::EPOLL_CTL_DEL, fd, 0, 0);
    }

    fn control(
        &self,
        operation: libc::c_int,
        fd: BorrowedFd<'_>,
        token: u32,
        events: libc::c_int,
    ) -> io::Result<()> {
        let mut event = libc::epoll_event { events: events as u32, u64: u64::from(token) };
        // SAFETY: both descriptors are open, as their owners are borrowed, and the event outlives the call.
        let status =
            unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), operation, fd.as_raw_fd(), &mut event) };
        if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// The tokens of what is readable now, or in error.
    pub fn readable(&mut self) -> impl Iterator<Item = u32> + '_ {
        self.events.resize(EVENTS_PER_TURN, libc::epoll_event { events: 0, u64: 0 });
        // SAFETY: the kernel writes at most as many events as the vector has.
        let count = unsafe {
            libc::epoll_wait(
                self.epoll.as_raw_fd(),
                self.events.as_mut_ptr(),
                EVENTS_PER_TURN as libc::c_int,
                0,
            )
        };
        // An error is an interruption by a signal; what is readable still is so in the next turn.
        let count = usize::try_from(count).unwrap_or(0);
        self.events.iter().take(count).map(|event| event.u64 as u32)
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::time::Duration;

    use super::super::{Poll, Signal};

    #[test]
    fn of_those_that_come_and_go_the_readable_ones_are_named_until_they_are_taken_out() {
        let (fixed, one, other) = (Signal::new().unwrap(), Signal::new().unwrap(), Signal::new().unwrap());
        let mut poll = Poll::new([fixed.as_fd()]);
        poll.watch(one.as_fd(), 7).unwrap();
        poll.watch(other.as_fd(), 8).unwrap();
        let readable = |poll: &mut Poll| {
            poll.wait(Some(Duration::ZERO)).unwrap();
            (poll.is_readable(0), poll.watched().collect::<Vec<u32>>())
        };
        assert_eq!(readable(&mut poll), (false, vec![]));
        other.raise();
        assert_eq!(readable(&mut poll), (false, vec![8]));
        fixed.raise();
        one.raise();
        assert_eq!(readable(&mut poll), (true, vec![8, 7]));
        poll.unwatch(other.as_fd(), 8);
        assert_eq!(readable(&mut poll), (true, vec![7]));
    }
}
