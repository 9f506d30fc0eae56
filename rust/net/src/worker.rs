//! The loop of one data plane thread.

use std::collections::VecDeque;
use std::io;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use visavis_dataplane::api::{AssociationId, TrackId};
use visavis_dataplane::counters::{Counter, Counters};
use visavis_dataplane::frames::OutgoingFrame;
use visavis_dataplane::sctp::OutgoingMessage;
use visavis_dataplane::{Command, Report, ShardId, ShardMessage, SocketChange, SocketId, Time};

use crate::channels::{Channel, Channels};
use crate::clock::Clock;
use crate::core::Core;
use crate::frames::{Frames, Pushed};
use crate::framing::Misframed;
use crate::inbox::{COMMANDS, Inbox};
use crate::reports::ReportQueue;
use crate::send::{Refused, Transmitter};
use crate::socket::Sockets;
use crate::stream::Progress;
use crate::sys;

/// How many receive batches of one socket a turn handles before timers and commands have theirs.
const BATCHES_PER_TURN: usize = 8;
/// How many commands, and how many messages, a turn handles before the sockets have theirs.
const INBOX_PER_TURN: usize = 1_024;
/// How often the kernel is asked what it dropped, while there is traffic.
const DROPS_INTERVAL: Duration = Duration::from_secs(1);

/// What all threads of a plane share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub inboxes: Vec<Inbox>,
    pub reports: ReportQueue,
    pub frames: Frames,
    pub channels: Channels,
}

/// One thread's belongings.
pub(crate) struct Worker<C> {
    id: ShardId,
    core: C,
    clock: Clock,
    shared: Arc<Shared>,
    counters: Arc<Counters>,
    sockets: Sockets,
    poll: sys::Poll,
    refused: Vec<Refused>,
    /// The streams that the last batch used.
    used: Vec<SocketId>,
    transmitter: Transmitter,
    commands: Vec<Command>,
    messages: Vec<(ShardId, ShardMessage)>,
    frames: Vec<(TrackId, OutgoingFrame)>,
    outgoing_messages: VecDeque<OutgoingMessage>,
    /// Messages for the others, by shard, until the batch ends.
    outgoing: Vec<VecDeque<(ShardId, ShardMessage)>>,
    reports: Vec<Report>,
    /// When the kernel is asked again what it dropped.
    drops_due: Option<Time>,
}

impl<C: Core> Worker<C> {
    pub fn new(
        id: ShardId,
        core: C,
        clock: Clock,
        shared: Arc<Shared>,
        counters: Arc<Counters>,
        sockets: Vec<UdpSocket>,
    ) -> Worker<C> {
        let sockets = Sockets::new(sockets);
        let signal = shared.inboxes.get(usize::from(id.0)).map(|inbox| inbox.signal().as_fd());
        let poll = sys::Poll::new(signal.into_iter().chain(sockets.shared()));
        Worker {
            id,
            core,
            clock,
            counters,
            sockets,
            poll,
            refused: Vec::new(),
            used: Vec::new(),
            transmitter: Transmitter::default(),
            commands: Vec::new(),
            messages: Vec::new(),
            frames: Vec::new(),
            outgoing_messages: VecDeque::new(),
            outgoing: shared.inboxes.iter().map(|_| VecDeque::new()).collect(),
            shared,
            reports: Vec::new(),
            drops_due: None,
        }
    }

    /// Runs until the plane closes; an error is one that no turn gets past.
    pub fn run(mut self) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let Some(inbox) = shared.inboxes.get(usize::from(self.id.0)) else { return Ok(()) };
        let mut receiver = sys::Receiver::new();
        let mut more = false;
        let mut readable = Vec::new();
        loop {
            let timeout = if more { Some(Duration::ZERO) } else { self.idle_time() };
            self.poll.wait(timeout)?;
            if inbox.is_stopping() {
                break;
            }
            more = false;
            if self.poll.is_readable(0) {
                inbox.lower();
            }
            // What is handled first may close sockets, or bring new ones.
            let shared = (0u32..).zip(1..=self.sockets.shared().count());
            readable.extend(shared.filter(|(_, place)| self.poll.is_readable(*place)).map(|(id, _)| id));
            readable.extend(self.poll.watched());
            more |= self.handle_inbox(inbox);
            for id in readable.drain(..) {
                let id = SocketId(id);
                more |= if id.is_stream() || id.is_peer_stream() {
                    self.handle_stream(id)
                } else if id.is_tcp() {
                    self.handle_listener(id)
                } else {
                    self.handle_socket(&mut receiver, id)
                };
            }
            self.handle_timers();
        }
        // What was submitted before the stop is carried out, as far as a full queue goes.
        for _ in 0..=COMMANDS / INBOX_PER_TURN {
            if !self.handle_inbox(inbox) {
                break;
            }
        }
        self.core.close(self.clock.now());
        self.end_batch();
        Ok(())
    }

    /// How long nothing has to be done, as far as is known now.
    fn idle_time(&self) -> Option<Duration> {
        let next = [self.core.poll_timeout(), self.drops_due, self.sockets.ports.due()]
            .into_iter()
            .flatten()
            .min()?;
        Some(next.since(self.clock.now()))
    }

    fn handle_inbox(&mut self, inbox: &Inbox) -> bool {
        let more = inbox.take(INBOX_PER_TURN, &mut self.commands, &mut self.messages);
        // After the commands, among which that may be which opens their source.
        inbox.take_frames(&mut self.frames);
        let channels = inbox.take_channels();
        let is_idle = self.commands.is_empty() && self.messages.is_empty() && self.frames.is_empty();
        if is_idle && channels.is_empty() {
            return more;
        }
        let now = self.clock.now();
        let mut commands = std::mem::take(&mut self.commands);
        for command in commands.drain(..) {
            if let Command::ResetStreams { id, .. } = &command
                && let Some(channel) = self.shared.channels.get(*id)
            {
                // What was sent before leaves before.
                self.handle_channel(now, &channel);
            }
            self.core.handle_command(now, command);
        }
        self.commands = commands;
        let mut messages = std::mem::take(&mut self.messages);
        for (from, message) in messages.drain(..) {
            self.core.handle_message(now, from, message);
            if self.core.is_full() {
                self.end_batch();
            }
        }
        self.messages = messages;
        let mut frames = std::mem::take(&mut self.frames);
        for (track, frame) in frames.drain(..) {
            self.core.handle_frame(now, track, &frame);
            if self.core.is_full() {
                self.end_batch();
            }
        }
        self.frames = frames;
        channels.iter().for_each(|channel| self.handle_channel(now, channel));
        self.end_batch();
        more
    }

    /// Hands over what waits at an association; its queue bounds it.
    fn handle_channel(&mut self, now: Time, channel: &Channel) {
        let consumed = channel.take(&mut self.outgoing_messages);
        if consumed.bytes > 0 || consumed.messages > 0 {
            self.core.handle_consumed(channel.id, consumed.bytes, consumed.messages);
        }
        for message in self.outgoing_messages.drain(..) {
            self.core.handle_outgoing_message(now, channel.id, message);
        }
    }

    /// Takes what waits at a socket, up to a limit; true when more may wait.
    fn handle_socket(&mut self, receiver: &mut sys::Receiver, id: SocketId) -> bool {
        for _ in 0..BATCHES_PER_TURN {
            let Some(socket) = self.sockets.get(id) else { return false };
            // An error here is "nothing waits", or belongs to an earlier datagram to somebody else.
            let count = receiver.receive(socket).unwrap_or(0);
            if count == 0 {
                return false;
            }
            let now = self.clock.now();
            receiver.for_each(|peer, datagram| {
                self.core.handle_datagram_untrusted(now, id, peer, datagram);
                if self.core.is_full() {
                    self.end_batch();
                }
            });
            self.drops_due.get_or_insert(now + DROPS_INTERVAL);
            self.end_batch();
            if count < sys::RECEIVE_BATCH {
                return false;
            }
        }
        true
    }

    /// Goes on with a stream; true when more may wait.
    fn handle_stream(&mut self, id: SocketId) -> bool {
        let Some(stream) = self.sockets.stream(id) else { return false };
        let mut progress = stream.advance();
        let now = self.clock.now();
        while let Some(stream) = self.sockets.stream(id) {
            let (socket, peer) = (stream.of, stream.remote);
            match stream.incoming.next_untrusted() {
                Ok(Some(message)) => self.core.handle_datagram_untrusted(now, socket, peer, message),
                Ok(None) => break,
                Err(Misframed) => {
                    progress = Err(std::io::ErrorKind::InvalidData.into());
                    break;
                }
            }
            if self.core.is_full() {
                self.end_batch();
            }
        }
        if progress.is_err() {
            self.lose_stream(now, id);
        }
        self.end_batch();
        self.await_stream(id);
        matches!(progress, Ok(Progress::More))
    }

    fn lose_stream(&mut self, now: Time, id: SocketId) {
        let Some(stream) = self.sockets.stream(id) else { return };
        self.counters.add(Counter::StreamLost, 1);
        if id.is_peer_stream() {
            let (socket, peer) = (stream.of, stream.remote);
            self.close_socket(id);
            self.core.handle_stream_lost(now, socket, peer);
        } else {
            self.core.handle_socket_lost(now, id);
        }
    }

    /// Takes the streams in that peers have opened to a TCP candidate; true when more may wait.
    fn handle_listener(&mut self, id: SocketId) -> bool {
        let now = self.clock.now();
        let mut ended = Vec::new();
        let accepted = self.sockets.ports.accept(now, id, &mut ended);
        self.counters.add(Counter::StreamsAccepted, accepted.taken);
        self.counters.add(Counter::StreamsRefused, accepted.refused);
        for stream in ended {
            self.close_socket(stream);
        }
        self.await_touched();
        if accepted.is_lost {
            self.core.handle_socket_lost(now, id);
        }
        self.end_batch();
        accepted.more
    }

    /// Ends streams of peers that have brought nothing authentic.
    fn end_unknown_streams(&mut self, now: Time) {
        for id in self.sockets.ports.overdue(now) {
            let Some((socket, peer)) = self.sockets.stream(id).map(|stream| (stream.of, stream.remote))
            else {
                continue;
            };
            self.counters.add(Counter::StreamsRefused, 1);
            self.close_socket(id);
            self.core.handle_stream_lost(now, socket, peer);
            self.end_batch();
        }
    }

    /// Waits for a stream to take data where something waits for that.
    fn await_stream(&mut self, id: SocketId) {
        if let Some(stream) = self.sockets.stream(id)
            && stream.wants_write() != stream.awaited
        {
            stream.awaited = stream.wants_write();
            // It is in the set, so that nothing can fail.
            let _ = self.poll.watch_writable(stream.as_fd(), id.0, stream.awaited);
        }
    }

    fn handle_timers(&mut self) {
        let now = self.clock.now();
        if self.core.poll_timeout().is_some_and(|due| due <= now) {
            self.core.handle_timeout(now);
            self.end_batch();
        }
        if self.sockets.ports.due().is_some_and(|due| due <= now) {
            self.end_unknown_streams(now);
        }
        if self.drops_due.is_some_and(|due| due <= now) {
            self.drops_due = None;
            self.counters.add(Counter::KernelReceiveDrops, self.sockets.take_drops());
        }
    }

    /// Sockets that transports brought; those to close are returned, as something may have to leave by them first.
    fn open_sockets(&mut self) -> Vec<SocketId> {
        let mut closing = Vec::new();
        let mut lost = Vec::new();
        while let Some(change) = self.core.poll_socket_change() {
            match change {
                SocketChange::Open { socket, descriptor } => {
                    let adopted = self.sockets.adopt(socket, descriptor);
                    if adopted.and_then(|fd| self.poll.watch(fd, socket.0)).is_err() {
                        self.counters.add(Counter::SocketRefused, 1);
                        lost.push(socket);
                    }
                }
                SocketChange::OpenStream { socket, descriptor, to } => {
                    let adopted = self.sockets.adopt_stream(socket, descriptor, &to);
                    if adopted.and_then(|fd| self.poll.watch(fd, socket.0)).is_err() {
                        self.counters.add(Counter::SocketRefused, 1);
                        lost.push(socket);
                    }
                    self.await_stream(socket);
                }
                SocketChange::ForbidFragments { socket, forbids } => {
                    self.sockets.forbid_fragments(socket, forbids);
                }
                SocketChange::OpenTcp { socket, local, listener } => {
                    let opened = self.sockets.ports.open(socket, local, listener);
                    let watch = |fd: Option<_>| fd.map_or(Ok(()), |fd| self.poll.watch(fd, socket.0));
                    if opened.and_then(watch).is_err() {
                        self.counters.add(Counter::SocketRefused, 1);
                        lost.push(socket);
                    }
                }
                SocketChange::KeepStream { socket, peer } => self.sockets.ports.keep(socket, peer),
                SocketChange::EndStream { socket, peer } => {
                    closing.extend(self.sockets.ports.between(socket, peer));
                }
                SocketChange::Close { socket } => {
                    closing.extend(self.sockets.ports.streams_of(socket));
                    closing.push(socket);
                }
                SocketChange::Discard { descriptor } => sys::discard(descriptor.0),
            }
        }
        for socket in lost {
            self.core.handle_socket_lost(self.clock.now(), socket);
        }
        closing
    }

    fn close_socket(&mut self, socket: SocketId) {
        if let Some(open) = self.sockets.get(socket) {
            self.poll.unwatch(open.as_fd(), socket.0);
        } else if let Some(open) = self.sockets.stream(socket) {
            self.poll.unwatch(open.as_fd(), socket.0);
        } else if let Some(open) = self.sockets.ports.listener(socket) {
            self.poll.unwatch(open, socket.0);
        }
        self.sockets.close(socket);
        self.transmitter.forget(socket);
    }

    /// The same of the streams to peers that are new or were sent by.
    fn await_touched(&mut self) {
        while let Some(id) = self.sockets.ports.take_touched() {
            let Some(stream) = self.sockets.stream(id) else { continue };
            if !std::mem::replace(&mut stream.watched, true) && self.poll.watch(stream.as_fd(), id.0).is_err()
            {
                self.lose_stream(self.clock.now(), id);
                continue;
            }
            self.await_stream(id);
        }
    }

    /// Sends what is queued. Where the system refuses, the core may have something else to send.
    fn send(&mut self) {
        for _ in 0..2 {
            let transmits = self.core.transmits();
            if transmits.is_empty() {
                return;
            }
            self.sockets.now = self.clock.now();
            self.transmitter.send_all(transmits, &mut self.sockets, &self.counters, &mut self.refused);
            let sent = transmits.entries().iter().map(|transmit| transmit.socket);
            self.used.extend(sent.filter(|socket| socket.is_stream()));
            transmits.clear();
            while let Some(stream) = self.used.pop() {
                self.await_stream(stream);
            }
            self.await_touched();
            for Refused { socket, destination, too_long } in self.refused.drain(..) {
                let now = self.clock.now();
                match too_long {
                    Some(bytes) => self.core.handle_refused_size(now, socket, bytes),
                    None => self.core.handle_send_failure(now, socket, destination),
                }
            }
        }
    }

    fn hand_out_frames(&mut self) {
        while let Some((receiver, event)) = self.core.poll_frame() {
            let Some(outlet) = self.shared.frames.outlet(receiver) else { continue };
            let Pushed { dropped, announce } = outlet.push(event);
            if dropped > 0 {
                let now = self.clock.now();
                self.core.handle_dropped_frames(now, outlet.track, outlet.layer, dropped);
            }
            if announce {
                self.reports.push(Report::FramesReady { track: outlet.track });
            }
        }
    }

    fn hand_out_messages(&mut self) {
        // They come in runs of one association.
        let mut last: Option<(AssociationId, Option<Arc<Channel>>)> = None;
        while let Some((id, event)) = self.core.poll_channel_event() {
            if last.as_ref().is_none_or(|(known, _)| *known != id) {
                last = Some((id, self.shared.channels.get(id)));
            }
            let channel = last.as_ref().and_then(|(_, channel)| channel.as_ref());
            if channel.is_some_and(|channel| channel.push(event)) {
                self.reports.push(Report::MessagesReady { id: id.transport });
            }
        }
    }

    /// What one batch of input led to leaves: datagrams, messages to other threads, reports.
    fn end_batch(&mut self) {
        self.core.flush(self.clock.now());
        self.hand_out_frames();
        self.hand_out_messages();
        let closing = self.open_sockets();
        self.send();
        for socket in closing {
            self.close_socket(socket);
        }
        while let Some((to, message)) = self.core.poll_message() {
            if let Some(batch) = self.outgoing.get_mut(usize::from(to.0)) {
                batch.push_back((self.id, message));
            }
        }
        for (batch, inbox) in self.outgoing.iter_mut().zip(&self.shared.inboxes) {
            if batch.is_empty() {
                continue;
            }
            let all = batch.len();
            inbox.push_messages(batch);
            self.counters.add(Counter::RingFull, batch.len() as u64);
            self.counters.add(Counter::HandedOver, (all - batch.len()) as u64);
            batch.clear();
        }
        self.reports.extend(std::iter::from_fn(|| self.core.poll_report()));
        let dropped = self.shared.reports.push_batch(&mut self.reports);
        if dropped > 0 {
            self.counters.add(Counter::ReportsDropped, dropped);
        }
    }
}
