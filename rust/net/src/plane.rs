//! The plane: all threads, from outside.

use std::any::Any;
use std::fmt;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::BorrowedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use visavis_dataplane::api::{Kind, TrackId, TransportId};
use visavis_dataplane::counters::{Counter, Counters};
use visavis_dataplane::dtls::Certificate;
use visavis_dataplane::frames::OutgoingFrame;
use visavis_dataplane::random::Secret;
use visavis_dataplane::sctp::OutgoingMessage;
use visavis_dataplane::{Command, Report, Shard, ShardConfig, ShardId};

use crate::channels::{self, Arrivals, Channels, NoAssociation};
use crate::clock::Clock;
use crate::core::Core;
use crate::frames::{FrameReceiver, Frames, Outlet, Put, Refusal};
use crate::inbox::{COMMANDS, Inbox};
use crate::reports::ReportQueue;
use crate::socket::bind_all;
use crate::sys;
use crate::worker::{Shared, Worker};

/// The first character of a user name fragment names the shard, so there are no more than letters.
pub const MAX_THREADS: u8 = 64;
/// How many addresses a plane serves at most.
pub const MAX_ADDRESSES: usize = 64;
/// How long `close` waits for threads that do not end.
const CLOSE_WAIT: Duration = Duration::from_secs(5);

/// What a plane is started with.
#[derive(Clone, Debug)]
pub struct PlaneConfig {
    /// Served by every thread; port 0 picks one. There may be none: transports can bring their own sockets.
    pub addresses: Vec<SocketAddr>,
    /// 1 to [`MAX_THREADS`].
    pub threads: u8,
    pub certificate: Certificate,
}

/// Why the plane does not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaneError {
    /// It was closed.
    Closed,
    /// This process is a fork of the one that started it: the threads are not here.
    Forked,
    /// This shard has as many commands waiting as it may have; none of the batch was taken.
    QueueFull(ShardId),
    /// There is no such shard; none of the batch was taken.
    NoSuchShard(ShardId),
    /// The shard ended by a defect, which a `Report::Fatal` told; none of the batch was taken.
    ShardLost(ShardId),
}

impl fmt::Display for PlaneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlaneError::Closed => write!(f, "the data plane is closed"),
            PlaneError::Forked => {
                write!(f, "the data plane belongs to the parent process: its threads do not survive a fork")
            }
            PlaneError::QueueFull(ShardId(id)) => {
                write!(f, "too many commands wait for data plane thread {id}")
            }
            PlaneError::NoSuchShard(ShardId(id)) => write!(f, "there is no data plane thread {id}"),
            PlaneError::ShardLost(ShardId(id)) => write!(f, "data plane thread {id} ended by a defect"),
        }
    }
}

impl std::error::Error for PlaneError {}

/// Why a frame was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    Plane(PlaneError),
    /// It never can be.
    Frame(Refusal),
}

/// Why a message was not sent, or none read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelError {
    Plane(PlaneError),
    None(NoAssociation),
}

/// Whose frames are to be given out, and how.
#[derive(Clone, Copy, Debug)]
pub struct ReceiveFrames {
    pub track: TrackId,
    pub kind: Kind,
    pub layer: u8,
    /// In frames.
    pub capacity: usize,
    /// A `Report::FramesReady` tells when frames begin to wait.
    pub announces: bool,
}

/// Why a plane could not be started.
#[derive(Debug)]
pub struct StartError {
    /// The address that could not be bound, when that was it.
    pub address: Option<SocketAddr>,
    pub error: io::Error,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => write!(f, "{address}: {}", self.error),
            None => self.error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> StartError {
        StartError { address: None, error }
    }
}

/// A running data plane. Closed when dropped.
#[derive(Debug)]
pub struct Plane {
    shared: Arc<Shared>,
    clock: Clock,
    counters: Vec<Arc<Counters>>,
    addresses: Vec<SocketAddr>,
    process: u32,
    closed: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Disconnected when the last thread has ended.
    ended: Mutex<mpsc::Receiver<()>>,
}

impl Plane {
    /// Binds the addresses and starts the threads, one shard on each.
    pub fn start(config: PlaneConfig) -> Result<Plane, StartError> {
        let PlaneConfig { addresses, threads, certificate } = config;
        let mut secrets = vec![Secret::default(); usize::from(threads)];
        for secret in &mut secrets {
            aws_lc_rs::rand::fill(secret).map_err(|_| io::Error::other("the system has no randomness"))?;
        }
        Plane::start_with(&addresses, threads, move |id, clock, counters| {
            Shard::new(ShardConfig {
                id,
                shards: threads,
                ntp_at_zero: clock.ntp_at_zero(),
                epoch: clock.zero(),
                certificate: certificate.clone().into_inner(),
                secret: secrets[usize::from(id.0)],
                counters: Arc::clone(counters),
            })
        })
    }

    /// The same with cores of the caller's making; each is made on its own thread.
    pub fn start_with<C: Core>(
        addresses: &[SocketAddr],
        threads: u8,
        make: impl Fn(ShardId, Clock, &Arc<Counters>) -> C + Send + Sync + 'static,
    ) -> Result<Plane, StartError> {
        if !(1..=MAX_THREADS).contains(&threads) || addresses.len() > MAX_ADDRESSES {
            return Err(io::Error::from(io::ErrorKind::InvalidInput).into());
        }
        let (sockets, addresses) = bind_all(addresses, usize::from(threads))?;
        let inboxes = sockets.iter().map(|_| Inbox::new()).collect::<io::Result<_>>()?;
        let shared = Arc::new(Shared {
            inboxes,
            reports: ReportQueue::new()?,
            frames: Frames::default(),
            channels: Channels::default(),
        });
        let clock = Clock::start();
        let make = Arc::new(make);
        let (ending, ended) = mpsc::channel();
        let mut plane = Plane {
            shared,
            clock,
            counters: Vec::new(),
            addresses,
            process: std::process::id(),
            closed: AtomicBool::new(false),
            threads: Mutex::default(),
            ended: Mutex::new(ended),
        };
        // Whatever fails from here on drops the plane, which waits for the threads that run: so this sender, which they
        // have copies of, has to go before it.
        let ending = ending;
        for (id, sockets) in (0u8..).map(ShardId).zip(sockets) {
            let counters = Arc::new(Counters::default());
            plane.counters.push(Arc::clone(&counters));
            let (shared, make, ending) = (Arc::clone(&plane.shared), Arc::clone(&make), ending.clone());
            let body = move || {
                run_shard(id, sockets, clock, shared, counters, &*make);
                drop(ending);
            };
            let thread = std::thread::Builder::new().name(format!("visavis-{}", id.0)).spawn(body)?;
            plane.threads.get_mut().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        Ok(plane)
    }

    /// The bound addresses, with real ports, in the order they were given.
    pub fn local_addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// How many shards there are.
    pub fn shards(&self) -> u8 {
        self.counters.len() as u8
    }

    /// Hands commands to their shards, in order per shard: all of them or, with an error, none. Does not wait for them.
    pub fn submit(&self, commands: Vec<Command>) -> Result<(), PlaneError> {
        self.check_open()?;
        let mut counts = vec![0; self.shared.inboxes.len()];
        for command in &commands {
            let shard = command.shard();
            *counts.get_mut(usize::from(shard.0)).ok_or(PlaneError::NoSuchShard(shard))? += 1;
        }
        let mut queues = Vec::with_capacity(counts.len());
        for ((inbox, &count), id) in self.shared.inboxes.iter().zip(&counts).zip((0u8..).map(ShardId)) {
            // Always locked in this order, so that two submitters cannot wait for each other.
            let queue = (count > 0).then(|| inbox.commands());
            if count > 0 && inbox.is_lost() {
                return Err(PlaneError::ShardLost(id));
            }
            if queue.as_ref().is_some_and(|queue| queue.len() + count > COMMANDS) {
                return Err(PlaneError::QueueFull(id));
            }
            queues.push(queue);
        }
        for command in commands {
            self.shared.frames.note_command(&command);
            self.shared.channels.note_command(&command);
            if let Some(Some(queue)) = queues.get_mut(usize::from(command.shard().0)) {
                queue.push_back(command);
            }
        }
        drop(queues);
        self.shared
            .inboxes
            .iter()
            .zip(counts)
            .filter(|(_, count)| *count > 0)
            .for_each(|(inbox, _)| inbox.wake());
        Ok(())
    }

    /// The clock of all times in frames.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Hands a frame to its source's thread; false if it was dropped because too many wait, as [`Inlet`] says. Any thread
    /// may call it.
    pub fn send_frame(&self, track: TrackId, frame: OutgoingFrame) -> Result<bool, SendError> {
        self.check_open().map_err(SendError::Plane)?;
        let (frames, inbox) = (&self.shared.frames, self.shared.inboxes.get(usize::from(track.shard().0)));
        let source = frames.inlet(track).zip(inbox);
        let (inlet, inbox) = source.ok_or(SendError::Frame(Refusal::NoSuchSource(track)))?;
        if inbox.is_lost() {
            return Err(SendError::Plane(PlaneError::ShardLost(track.shard())));
        }
        let layer = frame.layer;
        match inlet.put(frame).map_err(SendError::Frame)? {
            Put::Queued { first: true } => inbox.push_inlet(inlet),
            Put::Queued { first: false } => (),
            Put::Full { needs_key_frame } => {
                frames.count_refused();
                if needs_key_frame {
                    self.shared.reports.push_batch(&mut vec![Report::KeyFrameWanted { track, layer }]);
                }
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Hands a message to an association's thread; false if it was refused because too much waits to be sent. Any thread may
    /// call it.
    pub fn send_message(&self, id: TransportId, message: OutgoingMessage) -> Result<bool, ChannelError> {
        self.check_open().map_err(ChannelError::Plane)?;
        let (channel, inbox) = self.channel(id)?;
        match channel.put(message) {
            channels::Put::Queued { first: true } => inbox.push_channel(channel),
            channels::Put::Queued { first: false } => (),
            channels::Put::Full => return Ok(false),
        }
        Ok(true)
    }

    /// What came by an association, as much as is read at once, and what has left; after `close` too.
    pub fn read_messages(&self, id: TransportId) -> Result<Arrivals, ChannelError> {
        self.check_process().map_err(ChannelError::Plane)?;
        let channel = self.shared.channels.latest(id).ok_or(ChannelError::None(NoAssociation(id)))?;
        let (arrivals, tell) = channel.read();
        if tell && let Some(inbox) = self.shared.inboxes.get(usize::from(id.shard().0)) {
            inbox.push_channel(channel);
        }
        Ok(arrivals)
    }

    /// So many bytes of what was read are used up: the association's window opens by as much.
    pub fn release_messages(&self, id: TransportId, bytes: usize) -> Result<(), ChannelError> {
        self.check_open().map_err(ChannelError::Plane)?;
        let (channel, inbox) = self.channel(id)?;
        if channel.release(bytes) {
            inbox.push_channel(channel);
        }
        Ok(())
    }

    fn channel(&self, id: TransportId) -> Result<(Arc<channels::Channel>, &Inbox), ChannelError> {
        let inbox = self.shared.inboxes.get(usize::from(id.shard().0));
        let found = self.shared.channels.latest(id).zip(inbox);
        let (channel, inbox) = found.ok_or(ChannelError::None(NoAssociation(id)))?;
        if inbox.is_lost() {
            return Err(ChannelError::Plane(PlaneError::ShardLost(id.shard())));
        }
        Ok((channel, inbox))
    }

    /// Begins to give out the frames of a layer of a track, at most `capacity` waiting. A track that there is not ends at
    /// once.
    pub fn receive_frames(&self, request: ReceiveFrames) -> Result<FrameReceiver, PlaneError> {
        let ReceiveFrames { track, kind, layer, capacity, announces } = request;
        let shared = Arc::clone(&self.shared);
        let outlet = shared.frames.new_outlet(|id| Outlet::new(id, track, layer, kind, capacity, announces));
        let open = Command::OpenReceiver { track, layer, receiver: outlet.id };
        if let Err(error) = self.submit(vec![open]) {
            shared.frames.remove_outlet(outlet.id);
            return Err(error);
        }
        Ok(FrameReceiver::new(outlet, move |outlet| {
            let inbox = shared.inboxes.get(usize::from(outlet.track.shard().0));
            if let Some(inbox) = inbox.filter(|_| shared.frames.remove_outlet(outlet.id)) {
                let close = Command::CloseReceiver { track: outlet.track, receiver: outlet.id };
                // There are no more of these than of those that open, which are bounded.
                inbox.commands().push_back(close);
                inbox.wake();
            }
        }))
    }

    /// The oldest waiting reports, at most `limit`; after `close` too.
    pub fn drain(&self, limit: usize) -> Result<Vec<Report>, PlaneError> {
        self.check_process()?;
        Ok(self.shared.reports.drain(limit))
    }

    /// A descriptor that is readable while reports wait.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.shared.reports.fd()
    }

    /// What happened to packets and frames since the start, over all threads.
    pub fn counters(&self) -> Vec<(&'static str, u64)> {
        let sum = |counter| self.counters.iter().map(|counters| counters.get(counter)).sum();
        let counters = Counter::ALL.iter().map(|&counter| (counter.as_str(), sum(counter)));
        counters.chain([("frames_refused", self.shared.frames.refused())]).collect()
    }

    /// Lets every shard say good-bye and ends the threads: in bounded time, and once however often it is called.
    pub fn close(&self) -> Result<(), PlaneError> {
        self.check_process()?;
        self.closed.store(true, Ordering::Release);
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        self.shared.inboxes.iter().for_each(Inbox::stop);
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        // Nothing is ever sent: the channel tells by its end, which a thread reaches even when it panics.
        let all_ended = !matches!(ended.recv_timeout(CLOSE_WAIT), Err(RecvTimeoutError::Timeout));
        for thread in threads {
            if all_ended || thread.is_finished() {
                // Its panics were caught and reported.
                let _ = thread.join();
            }
        }
        self.shared.frames.end();
        Ok(())
    }

    fn check_process(&self) -> Result<(), PlaneError> {
        if self.process == std::process::id() { Ok(()) } else { Err(PlaneError::Forked) }
    }

    fn check_open(&self) -> Result<(), PlaneError> {
        self.check_process()?;
        if self.closed.load(Ordering::Acquire) { Err(PlaneError::Closed) } else { Ok(()) }
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        // In a forked process there is nothing to end, and the descriptors are the parent's to signal.
        let _ = self.close();
    }
}

fn run_shard<C: Core>(
    id: ShardId,
    sockets: Vec<UdpSocket>,
    clock: Clock,
    shared: Arc<Shared>,
    counters: Arc<Counters>,
    make: &(impl Fn(ShardId, Clock, &Arc<Counters>) -> C + ?Sized),
) {
    sys::block_signals();
    let worker_shared = Arc::clone(&shared);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let core = make(id, clock, &counters);
        Worker::new(id, core, clock, worker_shared, counters, sockets).run()
    }));
    let message = match outcome {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(panic) => panic_message(&*panic),
    };
    if let Some(inbox) = shared.inboxes.get(usize::from(id.0)) {
        inbox.set_lost();
        inbox.abandon();
    }
    shared.frames.end_shard(id);
    shared.reports.push_batch(&mut vec![Report::Fatal { shard: id, message }]);
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panic".to_string())
}

#[cfg(test)]
mod tests;
