use std::collections::VecDeque;
use std::net::SocketAddr;

use super::*;
use crate::socket::Sockets;

/// Answers from a script, then takes everything; keeps what it took.
#[derive(Default)]
struct Script {
    answers: VecDeque<Result<usize, i32>>,
    taken: Vec<(u16, Vec<u8>, Option<u16>)>,
    calls: usize,
    waits: usize,
    becomes_writable: bool,
}

impl Outlet for Script {
    fn send<'a>(&mut self, _: SocketId, batch: impl Iterator<Item = Outgoing<'a>>) -> io::Result<usize> {
        self.calls += 1;
        let limit = match self.answers.pop_front() {
            Some(Err(errno)) => return Err(io::Error::from_raw_os_error(errno)),
            Some(Ok(limit)) => limit,
            None => usize::MAX,
        };
        let before = self.taken.len();
        self.taken
            .extend(batch.take(limit).map(|out| (out.destination.port(), out.bytes.to_vec(), out.segment)));
        Ok(self.taken.len() - before)
    }

    fn wait_writable(&mut self, _: SocketId) -> bool {
        self.waits += 1;
        self.becomes_writable
    }
}

fn to(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// A train of 3 and 3 and 2 bytes to port 1, single datagrams to 2 and 3.
fn queue() -> TransmitQueue {
    let mut queue = TransmitQueue::default();
    for datagram in ["abc", "def", "gh"] {
        queue.push(SocketId(0), to(1), datagram.as_bytes());
    }
    queue.push(SocketId(0), to(2), b"two");
    queue.push(SocketId(0), to(3), b"three");
    queue
}

fn send(script: &mut Script, transmitter: &mut Transmitter) -> Counters {
    let counters = Counters::default();
    transmitter.send_all(&queue(), script, &counters, &mut Vec::new());
    counters
}

fn one_by_one() -> Vec<(u16, Vec<u8>, Option<u16>)> {
    [(1, "abc"), (1, "def"), (1, "gh"), (2, "two"), (3, "three")]
        .map(|(port, bytes)| (port, bytes.as_bytes().to_vec(), None))
        .to_vec()
}

fn with_train() -> Vec<(u16, Vec<u8>, Option<u16>)> {
    let mut all = one_by_one();
    all.splice(..3, [(1, b"abcdefgh".to_vec(), Some(3))]);
    all
}

fn transmitter() -> Transmitter {
    Transmitter { offloads: HashMap::from([(SocketId(0), Offload { on: true, refusals: 0 })]) }
}

#[test]
fn trains_and_single_datagrams_leave_in_one_call() {
    let mut script = Script::default();
    let counters = send(&mut script, &mut transmitter());
    assert_eq!(script.taken, with_train());
    assert_eq!(script.calls, 1);
    assert_eq!(counters.get(Counter::DatagramsSent), 5);
    assert_eq!(counters.get(Counter::BytesSent), 16);
}

#[test]
fn a_partial_batch_goes_on_where_it_stopped() {
    let mut script = Script { answers: [Ok(1), Err(libc::EINTR), Ok(1)].into(), ..Script::default() };
    send(&mut script, &mut transmitter());
    assert_eq!(script.taken, with_train());
}

#[test]
fn one_destination_that_fails_costs_only_its_own_datagrams() {
    for errno in [libc::ECONNREFUSED, libc::EPERM, libc::ENETUNREACH] {
        let mut script = Script { answers: [Ok(1), Err(errno)].into(), ..Script::default() };
        let counters = send(&mut script, &mut transmitter());
        let mut expected = with_train();
        expected.remove(1);
        assert_eq!(script.taken, expected);
        assert_eq!(counters.get(Counter::SendFailed), 1);
    }
}

#[test]
fn a_refused_train_leaves_datagram_by_datagram() {
    let mut script = Script { answers: [Err(libc::EIO)].into(), ..Script::default() };
    let mut transmitter = transmitter();
    let counters = send(&mut script, &mut transmitter);
    assert_eq!(script.taken, one_by_one());
    assert_eq!(counters.get(Counter::SendUnsegmented), 1);
    assert_eq!(counters.get(Counter::DatagramsSent), 5);

    script.taken.clear();
    send(&mut script, &mut transmitter);
    assert_eq!(script.taken, with_train(), "one refusal may be one path's");
}

#[test]
fn offload_is_given_up_when_it_never_works() {
    let mut transmitter = transmitter();
    for _ in 0..REFUSALS {
        let mut script = Script { answers: [Err(libc::EINVAL)].into(), ..Script::default() };
        send(&mut script, &mut transmitter);
    }
    let mut script = Script::default();
    let counters = send(&mut script, &mut transmitter);
    assert_eq!(script.taken, one_by_one());
    assert_eq!(counters.get(Counter::SendUnsegmented), 0);
}

#[test]
fn a_full_socket_is_waited_for_once_and_then_costs_the_rest() {
    let full = Err(libc::EAGAIN);
    let mut script =
        Script { answers: [Ok(1), full, Ok(1), full].into(), becomes_writable: true, ..Script::default() };
    let counters = send(&mut script, &mut transmitter());
    assert_eq!(script.taken, with_train()[..2]);
    assert_eq!(script.waits, 1);
    assert_eq!(counters.get(Counter::SendWouldBlock), 1);

    let mut script = Script { answers: [full].into(), ..Script::default() };
    let counters = send(&mut script, &mut transmitter());
    assert_eq!(counters.get(Counter::SendWouldBlock), 5);
    assert!(script.taken.is_empty());
}

#[test]
fn a_socket_that_does_not_exist_is_a_failure_and_no_panic() {
    let mut queue = TransmitQueue::default();
    queue.push(SocketId(9), to(1), b"x");
    let counters = Counters::default();
    let mut sockets = Sockets::new(Vec::new());
    let mut refused = Vec::new();
    Transmitter::default().send_all(&queue, &mut sockets, &counters, &mut refused);
    assert_eq!(counters.get(Counter::SendFailed), 1);
    assert_eq!(refused, [Refused { socket: SocketId(9), destination: to(1), too_long: None }]);
}

#[test]
fn what_is_too_long_is_told_with_its_length_and_costs_nothing_else() {
    let mut script = Script { answers: [Ok(1), Err(libc::EMSGSIZE)].into(), ..Script::default() };
    let (counters, mut refused) = (Counters::default(), Vec::new());
    transmitter().send_all(&queue(), &mut script, &counters, &mut refused);
    assert_eq!(refused, [Refused { socket: SocketId(0), destination: to(2), too_long: Some(3) }]);
    assert_eq!(counters.get(Counter::SendTooLong), 1);
    assert_eq!(counters.get(Counter::SendFailed), 0);
    assert_eq!(script.taken.len(), 2);
}
