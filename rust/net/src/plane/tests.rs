use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::IntoRawFd;
use std::sync::Barrier;

use visavis_dataplane::api::{AssociationId, Codec, Figure, SourcePayload, TrackId, TransportId};
use visavis_dataplane::frames::{FrameEvent, OutgoingFrame, ReceiverId};
use visavis_dataplane::sctp;
use visavis_dataplane::{Descriptor, ShardMessage, SocketChange, SocketId, Time, TransmitQueue};

use super::*;
use crate::inbox::MESSAGES;

/// Long enough to be reached by a defect only.
const GUARD: Duration = Duration::from_secs(20);
/// From here on the core asks for the end of the turn.
const FULL_BYTES: usize = 50_000;

/// What an `Echo` does on a command, told by its type.
type OnCommand = dyn Fn(&mut Echo, Command) + Send + Sync;

/// What an `Echo` does with a datagram.
#[derive(Clone, Copy, PartialEq)]
enum OnDatagram {
    /// Answers with its shard's number before it.
    Answer,
    /// Lets the next shard answer those of odd ports.
    HandOver,
    /// Reports its length.
    Measure,
}

struct Echo {
    id: ShardId,
    shards: u8,
    on_datagram: OnDatagram,
    transmits: TransmitQueue,
    messages: Vec<(ShardId, ShardMessage)>,
    reports: Vec<Report>,
    changes: VecDeque<SocketChange>,
    last: Option<SocketAddr>,
    most_waited: usize,
    on_command: Arc<OnCommand>,
}

impl Echo {
    fn answer(&mut self, socket: SocketId, peer: SocketAddr, data: &[u8]) {
        self.transmits.push(socket, peer, &[&[self.id.0], data].concat());
        self.last = Some(peer);
    }

    fn report(&mut self, name: &'static str, value: usize) {
        let values = vec![(name, Figure::Int(value as u64))];
        self.reports.push(Report::Stats { id: TransportId(0), values, received: vec![], sent: vec![] });
    }
}

impl Core for Echo {
    fn handle_datagram_untrusted(&mut self, _: Time, socket: SocketId, peer: SocketAddr, data: &mut [u8]) {
        match self.on_datagram {
            OnDatagram::Measure => self.report("length", data.len()),
            OnDatagram::HandOver if peer.port() % 2 == 1 => {
                let to = ShardId((self.id.0 + 1) % self.shards);
                self.messages.push((to, ShardMessage::Datagram { socket, peer, data: Arc::from(&*data) }));
            }
            _ => self.answer(socket, peer, data),
        }
    }

    fn handle_message(&mut self, _: Time, _: ShardId, message: ShardMessage) {
        #[allow(irrefutable_let_patterns)]
        if let ShardMessage::Datagram { socket, peer, data } = message {
            self.answer(socket, peer, &data);
        }
    }

    fn handle_command(&mut self, _: Time, command: Command) {
        Arc::clone(&self.on_command)(self, command);
    }

    fn handle_timeout(&mut self, _: Time) {}

    fn close(&mut self, _: Time) {
        if let Some(peer) = self.last {
            self.transmits.push(SocketId(0), peer, b"bye");
        }
        self.report("closed", 1);
    }

    fn flush(&mut self, _: Time) {
        self.most_waited = self.most_waited.max(self.transmits.waiting_bytes());
    }

    fn is_full(&self) -> bool {
        self.transmits.waiting_bytes() >= FULL_BYTES
    }

    fn poll_timeout(&self) -> Option<Time> {
        None
    }

    fn transmits(&mut self) -> &mut TransmitQueue {
        &mut self.transmits
    }

    fn poll_report(&mut self) -> Option<Report> {
        self.reports.pop()
    }

    fn poll_message(&mut self) -> Option<(ShardId, ShardMessage)> {
        self.messages.pop()
    }

    fn poll_socket_change(&mut self) -> Option<SocketChange> {
        self.changes.pop_front()
    }

    fn handle_socket_lost(&mut self, _: Time, socket: SocketId) {
        self.report("lost", socket.0 as usize);
    }

    fn handle_stream_lost(&mut self, _: Time, _: SocketId, peer: SocketAddr) {
        self.report("stream lost", usize::from(peer.port()));
    }

    fn handle_send_failure(&mut self, _: Time, _: SocketId, peer: SocketAddr) {
        self.report("refused", usize::from(peer.port()));
    }

    fn handle_refused_size(&mut self, _: Time, _: SocketId, bytes: usize) {
        self.report("too long", bytes);
    }

    fn handle_frame(&mut self, _: Time, _: TrackId, _: &OutgoingFrame) {}

    fn poll_frame(&mut self) -> Option<(ReceiverId, FrameEvent)> {
        None
    }

    fn handle_dropped_frames(&mut self, _: Time, _: TrackId, _: u8, _: u64) {}

    fn handle_outgoing_message(&mut self, _: Time, _: AssociationId, message: OutgoingMessage) {
        self.report("message", message.data.len());
    }

    fn handle_consumed(&mut self, _: AssociationId, bytes: usize, _: usize) {
        self.report("consumed", bytes);
    }

    fn poll_channel_event(&mut self) -> Option<(AssociationId, sctp::Event)> {
        None
    }
}

fn echo(
    threads: u8,
    on_datagram: OnDatagram,
    on_command: impl Fn(&mut Echo, Command) + Send + Sync + 'static,
) -> Plane {
    echo_at(&[SocketAddr::from(([127, 0, 0, 1], 0))], threads, on_datagram, on_command)
}

fn echo_at(
    addresses: &[SocketAddr],
    threads: u8,
    on_datagram: OnDatagram,
    on_command: impl Fn(&mut Echo, Command) + Send + Sync + 'static,
) -> Plane {
    let on_command: Arc<OnCommand> = Arc::new(on_command);
    Plane::start_with(addresses, threads, move |id, _, _| Echo {
        id,
        shards: threads,
        on_datagram,
        transmits: TransmitQueue::default(),
        messages: Vec::new(),
        reports: Vec::new(),
        changes: VecDeque::new(),
        last: None,
        most_waited: 0,
        on_command: Arc::clone(&on_command),
    })
    .unwrap()
}

fn client(plane: &Plane) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(GUARD)).unwrap();
    socket.connect(plane.local_addresses()[0]).unwrap();
    socket
}

fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = [0; 2_048];
    let length = socket.recv(&mut buffer).unwrap();
    buffer[..length].to_vec()
}

fn is_readable(plane: &Plane, timeout: Duration) -> bool {
    let mut poll = sys::Poll::new([plane.fd()]);
    poll.wait(Some(timeout)).unwrap();
    poll.is_readable(0)
}

fn next_reports(plane: &Plane) -> Vec<Report> {
    assert!(is_readable(plane, GUARD), "no report came");
    plane.drain(usize::MAX).unwrap()
}

fn counter(plane: &Plane, counter: Counter) -> u64 {
    plane.counters().into_iter().find(|(name, _)| *name == counter.as_str()).unwrap().1
}

fn command(shard: u32) -> Command {
    Command::RequestStats { id: TransportId(shard << 24) }
}

#[test]
fn a_datagram_is_answered_from_the_port_it_went_to() {
    let plane = echo(1, OnDatagram::Answer, |_, _| ());
    let client = client(&plane);
    client.send(b"hello").unwrap();
    assert_eq!(receive(&client), b"\0hello");
}

#[test]
fn a_train_arrives_as_the_datagrams_it_was_made_of() {
    const COUNT: usize = 50;
    let receiver = echo(1, OnDatagram::Measure, |_, _| ());
    let to = receiver.local_addresses()[0];
    let sender = echo(1, OnDatagram::Answer, move |echo, _| {
        for _ in 0..COUNT {
            echo.transmits.push(SocketId(0), to, &[7; 1_100]);
        }
        echo.transmits.push(SocketId(0), to, &[7; 300]);
        assert_eq!(echo.transmits.entries().len(), 1, "one train");
    });
    sender.submit(vec![command(0)]).unwrap();
    let mut lengths = Vec::new();
    while lengths.len() < COUNT + 1 {
        lengths.extend(next_reports(&receiver).into_iter().map(|report| match report {
            Report::Stats { values, .. } => values[0].1.clone(),
            other => panic!("{other:?}"),
        }));
    }
    let count = |length| lengths.iter().filter(|&found| *found == Figure::Int(length)).count();
    assert_eq!((count(1_100), count(300)), (COUNT, 1));
    sender.close().unwrap();
    assert_eq!(counter(&sender, Counter::DatagramsSent), COUNT as u64 + 1);
    assert_eq!(counter(&sender, Counter::SendUnsegmented), 0);
}

#[test]
fn a_train_reaches_a_plain_socket_as_right_sized_datagrams() {
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(GUARD)).unwrap();
    let (train, single) = (peer.local_addr().unwrap(), client(&echo(1, OnDatagram::Answer, |_, _| ())));
    let other = single.local_addr().unwrap();
    let plane = echo(1, OnDatagram::Answer, move |echo, _| {
        for n in 0..10 {
            echo.transmits.push(SocketId(0), train, &[n; 500]);
        }
        echo.transmits.push(SocketId(0), other, b"not for a connected socket");
        echo.transmits.push(SocketId(0), train, &[10; 20]);
    });
    plane.submit(vec![command(0)]).unwrap();
    for n in 0..10 {
        assert_eq!(receive(&peer), [n; 500]);
    }
    assert_eq!(receive(&peer), [10; 20]);
}

/// A plane without an address, whose core takes this descriptor over as socket 1,000 when it is commanded, closes it at the
/// second command, and is told of a third with a report.
fn with_own_socket(descriptor: i32) -> Plane {
    let (own, descriptor) = (SocketId(1_000), Descriptor(descriptor));
    let commands = std::sync::atomic::AtomicUsize::new(0);
    let on_command = move |echo: &mut Echo, _| match commands.fetch_add(1, Ordering::Relaxed) {
        0 => echo.changes.push_back(SocketChange::Open { socket: own, descriptor }),
        1 => {
            echo.transmits.push(own, echo.last.unwrap(), b"bye");
            echo.changes.push_back(SocketChange::Close { socket: own });
        }
        _ => echo.report("done", 0),
    };
    echo_at(&[], 1, OnDatagram::Answer, on_command)
}

#[test]
fn a_transports_own_socket_serves_until_what_it_has_to_send_has_left() {
    let bound = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = bound.local_addr().unwrap();
    let plane = with_own_socket(bound.into_raw_fd());
    assert_eq!(plane.local_addresses(), []);
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(GUARD)).unwrap();
    client.connect(address).unwrap();
    client.send(b"before it was taken over").unwrap();
    plane.submit(vec![command(0)]).unwrap();
    assert_eq!(receive(&client), b"\0before it was taken over");
    client.send(b"hello").unwrap();
    assert_eq!(receive(&client), b"\0hello");
    plane.submit(vec![command(0), command(0)]).unwrap();
    assert_eq!(receive(&client), b"bye");
    next_reports(&plane);
    plane.close().unwrap();
    UdpSocket::bind(address).expect("the port is free again");
}

/// A plane without an address, whose core opens this base of streams when it is commanded.
fn with_streams(listener: Option<Descriptor>, then: impl Fn(&mut Echo) + Send + Sync + 'static) -> Plane {
    let on_command = move |echo: &mut Echo, _| {
        let local = std::net::IpAddr::from([127, 0, 0, 1]);
        echo.changes.push_back(SocketChange::OpenTcp { socket: streams(), local, listener });
        then(echo);
    };
    echo_at(&[], 1, OnDatagram::Answer, on_command)
}

fn streams() -> SocketId {
    SocketId(1_000 | 1 << 29)
}

#[test]
fn a_packet_that_comes_by_a_peers_stream_is_answered_by_it_and_its_end_is_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let plane = with_streams(Some(Descriptor(listener.into_raw_fd())), |_| ());
    plane.submit(vec![command(0)]).unwrap();
    let mut peer = TcpStream::connect(address).unwrap();
    let port = peer.local_addr().unwrap().port();
    peer.set_read_timeout(Some(GUARD)).unwrap();
    peer.write_all(b"\0\x05hello").unwrap();
    let mut answer = [0; 8];
    peer.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"\0\x06\0hello");
    drop(peer);
    let [Report::Stats { values, .. }] = &next_reports(&plane)[..] else { panic!("one report") };
    assert_eq!(values[0], ("stream lost", Figure::Int(port.into())));
    assert_eq!(counter(&plane, Counter::StreamsAccepted), 1);
    plane.close().unwrap();
    std::net::TcpListener::bind(address).expect("the port is free again");
}

#[test]
fn a_stream_is_opened_to_where_something_is_sent_and_one_that_is_refused_is_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = listener.local_addr().unwrap();
    let plane = with_streams(None, move |echo| echo.transmits.push(streams(), peer, b"hello"));
    plane.submit(vec![command(0)]).unwrap();
    let (mut accepted, _) = listener.accept().unwrap();
    accepted.set_read_timeout(Some(GUARD)).unwrap();
    let mut packet = [0; 7];
    accepted.read_exact(&mut packet).unwrap();
    assert_eq!(&packet, b"\0\x05hello");
    drop((listener, accepted));
    let [Report::Stats { values, .. }] = &next_reports(&plane)[..] else { panic!("one report") };
    assert_eq!(values[0], ("stream lost", Figure::Int(peer.port().into())));
    plane.submit(vec![command(0)]).unwrap();
    let [Report::Stats { values, .. }] = &next_reports(&plane)[..] else { panic!("one report") };
    assert_eq!(values[0], ("stream lost", Figure::Int(peer.port().into())), "refused");
}

#[test]
fn a_descriptor_that_is_no_socket_is_told_to_the_core_and_costs_nothing_else() {
    let file = std::fs::File::open("/dev/null").unwrap();
    let plane = with_own_socket(std::os::fd::AsRawFd::as_raw_fd(&file));
    plane.submit(vec![command(0)]).unwrap();
    let [Report::Stats { values, .. }] = &next_reports(&plane)[..] else { panic!("one report") };
    assert_eq!(values[0], ("lost", Figure::Int(1_000)));
    assert_eq!(counter(&plane, Counter::SocketRefused), 1);
    assert!(file.metadata().is_ok(), "it is still open");
}

#[test]
fn what_the_system_refuses_to_send_is_told_to_the_core() {
    let plane = echo(1, OnDatagram::Answer, |echo, _| {
        echo.transmits.push(SocketId(0), "[::1]:7".parse().unwrap(), b"from an IPv4 socket");
    });
    plane.submit(vec![command(0)]).unwrap();
    let [Report::Stats { values, .. }] = &next_reports(&plane)[..] else { panic!("one report") };
    assert_eq!(values[0], ("refused", Figure::Int(7)));
}

#[test]
fn a_datagram_that_reaches_another_thread_is_handed_over_once() {
    let plane = echo(2, OnDatagram::HandOver, |_, _| ());
    let clients: Vec<UdpSocket> = (0..64).map(|_| client(&plane)).collect();
    for client in &clients {
        client.send(b"x").unwrap();
    }
    let shards: Vec<u8> = clients.iter().map(|client| receive(client)[0]).collect();
    assert!(shards.contains(&0) && shards.contains(&1), "the kernel spreads 64 peers over both threads");
    let odd = clients.iter().filter(|client| client.local_addr().unwrap().port() % 2 == 1).count();
    plane.close().unwrap();
    assert_eq!(counter(&plane, Counter::HandedOver), odd as u64);
    assert_eq!(counter(&plane, Counter::DatagramsSent), 64 + 2, "an answer each and two good-byes");
}

#[test]
fn a_core_that_is_full_has_its_turn_ended_in_the_middle_of_a_batch() {
    let blocked = Arc::new(Barrier::new(2));
    let barrier = Arc::clone(&blocked);
    let plane = echo(1, OnDatagram::Answer, move |echo, command| match command {
        Command::RequestKeyFrame { .. } => {
            barrier.wait();
            barrier.wait();
        }
        _ => echo.report("most", echo.most_waited),
    });
    plane.submit(vec![Command::RequestKeyFrame { track: TrackId(0) }]).unwrap();
    blocked.wait();
    let client = client(&plane);
    for _ in 0..5 {
        client.send(&[7; 30_000]).unwrap();
    }
    blocked.wait();
    assert_eq!(client.recv(&mut [0; 65_536]).unwrap(), 30_001);
    plane.submit(vec![command(0)]).unwrap();
    let reports = next_reports(&plane);
    let Report::Stats { values, .. } = &reports[0] else { panic!("{reports:?}") };
    assert_eq!(values[0].1, Figure::Int(2 * 30_001), "of five datagrams two at a time waited");
}

#[test]
fn a_full_ring_drops_the_newest_and_counts_them() {
    let blocked = Arc::new(Barrier::new(2));
    let barrier = Arc::clone(&blocked);
    let plane = echo(2, OnDatagram::Answer, move |echo, _| {
        if echo.id == ShardId(1) {
            barrier.wait();
            barrier.wait();
        } else {
            let peer = SocketAddr::from(([127, 0, 0, 1], 9));
            let message = || ShardMessage::Datagram { socket: SocketId(9), peer, data: Arc::from(&b""[..]) };
            echo.messages.extend((0..MESSAGES + 100).map(|_| (ShardId(1), message())));
            echo.report("done", 0);
        }
    });
    plane.submit(vec![command(1)]).unwrap();
    blocked.wait();
    plane.submit(vec![command(0)]).unwrap();
    next_reports(&plane);
    assert_eq!(counter(&plane, Counter::HandedOver), MESSAGES as u64);
    assert_eq!(counter(&plane, Counter::RingFull), 100);
    blocked.wait();
}

#[test]
fn commands_beyond_the_bound_are_refused_whole() {
    let blocked = Arc::new(Barrier::new(2));
    let barrier = Arc::clone(&blocked);
    let plane = echo(2, OnDatagram::Answer, move |echo, command| match command {
        Command::RequestKeyFrame { .. } => {
            barrier.wait();
            barrier.wait();
        }
        _ => echo.report("command", usize::from(echo.id.0)),
    });
    plane.submit(vec![Command::RequestKeyFrame { track: TrackId(0) }]).unwrap();
    blocked.wait();
    plane.submit((0..COMMANDS).map(|_| command(0)).collect()).unwrap();
    assert_eq!(plane.submit(vec![command(1), command(0)]), Err(PlaneError::QueueFull(ShardId(0))));
    assert_eq!(plane.submit(vec![command(1), command(2)]), Err(PlaneError::NoSuchShard(ShardId(2))));
    assert!(!is_readable(&plane, Duration::ZERO), "nothing of the refused batches was carried out");
    blocked.wait();
    plane.close().unwrap();
    assert_eq!(plane.submit(vec![command(0)]), Err(PlaneError::Closed));
}

#[test]
fn the_descriptor_is_readable_exactly_while_reports_wait() {
    let plane = echo(1, OnDatagram::Answer, |echo, _| (0..3).for_each(|n| echo.report("n", n)));
    assert!(!is_readable(&plane, Duration::ZERO));
    plane.submit(vec![command(0)]).unwrap();
    assert!(is_readable(&plane, GUARD));
    assert_eq!(plane.drain(2).unwrap().len(), 2);
    assert!(is_readable(&plane, Duration::ZERO));
    assert_eq!(plane.drain(2).unwrap().len(), 1);
    assert!(!is_readable(&plane, Duration::ZERO));
}

#[test]
fn what_was_submitted_before_closing_is_carried_out() {
    let blocked = Arc::new(Barrier::new(2));
    let barrier = Arc::clone(&blocked);
    let plane = echo(1, OnDatagram::Answer, move |echo, command| match command {
        Command::RequestKeyFrame { .. } => {
            barrier.wait();
            barrier.wait();
        }
        _ => echo.report("command", 0),
    });
    plane.submit(vec![Command::RequestKeyFrame { track: TrackId(0) }]).unwrap();
    blocked.wait();
    plane.submit((0..COMMANDS).map(|_| command(0)).collect()).unwrap();
    plane.shared.inboxes[0].stop();
    blocked.wait();
    plane.close().unwrap();
    let reports = plane.drain(usize::MAX).unwrap();
    let dropped = counter(&plane, Counter::ReportsDropped);
    assert_eq!(reports.len() as u64 + dropped, COMMANDS as u64 + 1, "one a command, and one of the end");
}

#[test]
fn closing_says_good_bye_and_leaves_the_last_reports() {
    let plane = echo(1, OnDatagram::Answer, |_, _| ());
    let client = client(&plane);
    client.send(b"hello").unwrap();
    receive(&client);
    plane.close().unwrap();
    plane.close().unwrap();
    assert_eq!(receive(&client), b"bye");
    assert_eq!(next_reports(&plane).len(), 1);
}

#[test]
fn a_shard_that_panics_is_reported_and_the_others_go_on() {
    let plane = echo(2, OnDatagram::Answer, |echo, _| match echo.id {
        ShardId(0) => panic!("a defect"),
        _ => echo.report("alive", 1),
    });
    plane.submit(vec![command(0)]).unwrap();
    assert_eq!(next_reports(&plane), [Report::Fatal { shard: ShardId(0), message: "a defect".into() }]);
    assert_eq!(plane.submit(vec![command(0)]), Err(PlaneError::ShardLost(ShardId(0))));
    plane.submit(vec![command(1)]).unwrap();
    assert_eq!(next_reports(&plane).len(), 1);
    plane.close().unwrap();
}

#[test]
fn a_core_that_cannot_be_made_is_reported_too() {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let plane = Plane::start_with(&[any], 1, |_, _, _| -> Echo { panic!("no core") }).unwrap();
    assert_eq!(next_reports(&plane), [Report::Fatal { shard: ShardId(0), message: "no core".into() }]);
}

#[test]
fn a_plane_of_shards_starts_and_ends() {
    let certificate = Certificate::generate().unwrap();
    let addresses = vec![SocketAddr::from(([127, 0, 0, 1], 0)), "[::1]:0".parse().unwrap()];
    let plane = Plane::start(PlaneConfig { addresses, threads: 2, certificate }).unwrap();
    assert_eq!(plane.shards(), 2);
    assert_eq!(plane.local_addresses().len(), 2);
    assert_eq!(plane.counters().len(), Counter::ALL.len() + 1);
    plane.close().unwrap();
}

#[test]
fn impossible_sizes_are_refused() {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    for (addresses, threads) in [(vec![any], 0), (vec![any], 65), (vec![any; 65], 1)] {
        let made = Plane::start_with(&addresses, threads, |_, _, _| -> Echo { unreachable!() });
        assert_eq!(made.unwrap_err().error.kind(), io::ErrorKind::InvalidInput);
    }
}

#[test]
fn the_frames_of_a_lost_shard_end() {
    let plane = echo(1, OnDatagram::Answer, |_, command| {
        assert!(!matches!(command, Command::RequestStats { .. }), "a defect");
    });
    let (track, kind) = (TrackId(5), Kind::Audio);
    let opus = SourcePayload { payload_type: 1, codec: Codec::Opus, clock_hz: 48_000 };
    let open = Command::OpenSource { track, kind, payloads: vec![opus], wanted_bps: None };
    plane.submit(vec![open]).unwrap();
    let frame = OutgoingFrame {
        layer: 0,
        payload_type: 1,
        timestamp: 0,
        captured: Time::ZERO,
        key: true,
        audio_level: None,
        data: vec![1],
    };
    assert_eq!(plane.send_frame(track, frame.clone()), Ok(true));
    let request = ReceiveFrames { track, kind, layer: 0, capacity: 1, announces: false };
    let receiver = plane.receive_frames(request).unwrap();
    plane.submit(vec![command(0)]).unwrap();
    assert_eq!(receiver.wait(GUARD), Ok(None));
    assert!(receiver.is_ended());
    assert!(matches!(next_reports(&plane)[..], [Report::Fatal { .. }]));
    let lost = PlaneError::ShardLost(ShardId(0));
    assert_eq!(plane.send_frame(track, frame), Err(SendError::Plane(lost)));
    assert_eq!(plane.receive_frames(request).map(|_| ()), Err(lost));
}
