//! The loop of one data plane thread.

use std::collections::VecDeque;
use std::io;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use visavis_dataplane::api::TrackId;
use visavis_dataplane::counters::{Counter, Counters};
use visavis_dataplane::frames::OutgoingFrame;
use visavis_dataplane::{Command, Report, ShardId, ShardMessage, SocketId, Time};

use crate::clock::Clock;
use crate::core::Core;
use crate::frames::{Frames, Pushed};
use crate::inbox::{COMMANDS, Inbox};
use crate::reports::ReportQueue;
use crate::send::{Sockets, Transmitter};
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
}

/// One thread's belongings.
pub(crate) struct Worker<C> {
    id: ShardId,
    core: C,
    clock: Clock,
    shared: Arc<Shared>,
    counters: Arc<Counters>,
    sockets: Sockets,
    transmitter: Transmitter,
    commands: Vec<Command>,
    messages: Vec<(ShardId, ShardMessage)>,
    frames: Vec<(TrackId, OutgoingFrame)>,
    /// Messages for the others, by shard, until the batch ends.
    outgoing: Vec<VecDeque<(ShardId, ShardMessage)>>,
    reports: Vec<Report>,
    drops: Drops,
}

/// What the kernel dropped at each socket, and when to ask again.
struct Drops {
    seen: Vec<u32>,
    due: Option<Time>,
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
        let count = sockets.len();
        Worker {
            id,
            core,
            clock,
            counters,
            sockets: Sockets::new(sockets),
            transmitter: Transmitter::new(count),
            commands: Vec::new(),
            messages: Vec::new(),
            frames: Vec::new(),
            outgoing: shared.inboxes.iter().map(|_| VecDeque::new()).collect(),
            shared,
            reports: Vec::new(),
            drops: Drops { seen: vec![0; count], due: None },
        }
    }

    /// Runs until the plane closes; an error is one that no turn gets past.
    pub fn run(mut self) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let Some(inbox) = shared.inboxes.get(usize::from(self.id.0)) else { return Ok(()) };
        let sockets: Vec<_> = self.sockets.as_slice().iter().map(AsFd::as_fd).collect();
        let mut poll = sys::Poll::new(std::iter::once(inbox.signal().as_fd()).chain(sockets));
        let mut receiver = sys::Receiver::new();
        let mut more = false;
        loop {
            poll.wait(if more { Some(Duration::ZERO) } else { self.idle_time() })?;
            if inbox.is_stopping() {
                break;
            }
            more = false;
            if poll.is_readable(0) {
                inbox.lower();
            }
            more |= self.handle_inbox(inbox);
            for index in 0..self.drops.seen.len() {
                if poll.is_readable(index + 1) {
                    more |= self.handle_socket(&mut receiver, index);
                }
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
        let next = [self.core.poll_timeout(), self.drops.due].into_iter().flatten().min()?;
        Some(next.since(self.clock.now()))
    }

    fn handle_inbox(&mut self, inbox: &Inbox) -> bool {
        let more = inbox.take(INBOX_PER_TURN, &mut self.commands, &mut self.messages);
        // After the commands, among which that may be which opens their source.
        inbox.take_frames(&mut self.frames);
        if self.commands.is_empty() && self.messages.is_empty() && self.frames.is_empty() {
            return more;
        }
        let now = self.clock.now();
        for command in self.commands.drain(..) {
            self.core.handle_command(now, command);
        }
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
        self.end_batch();
        more
    }

    /// Takes what waits at a socket, up to a limit; true when more may wait.
    fn handle_socket(&mut self, receiver: &mut sys::Receiver, index: usize) -> bool {
        let id = SocketId(index as u8);
        for _ in 0..BATCHES_PER_TURN {
            let Some(socket) = self.sockets.as_slice().get(index) else { return false };
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
            self.drops.due.get_or_insert(now + DROPS_INTERVAL);
            self.end_batch();
            if count < sys::RECEIVE_BATCH {
                return false;
            }
        }
        true
    }

    fn handle_timers(&mut self) {
        let now = self.clock.now();
        if self.core.poll_timeout().is_some_and(|due| due <= now) {
            self.core.handle_timeout(now);
            self.end_batch();
        }
        if self.drops.due.is_some_and(|due| due <= now) {
            self.drops.due = None;
            self.count_drops();
        }
    }

    fn count_drops(&mut self) {
        for (socket, seen) in self.sockets.as_slice().iter().zip(&mut self.drops.seen) {
            if let Some(drops) = sys::receive_drops(socket) {
                self.counters.add(Counter::KernelReceiveDrops, u64::from(drops.wrapping_sub(*seen)));
                *seen = drops;
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

    /// What one batch of input led to leaves: datagrams, messages to other threads, reports.
    fn end_batch(&mut self) {
        self.core.flush(self.clock.now());
        self.hand_out_frames();
        let transmits = self.core.transmits();
        if !transmits.is_empty() {
            self.transmitter.send_all(transmits, &mut self.sockets, &self.counters);
            transmits.clear();
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
