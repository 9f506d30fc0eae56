//! How others reach a thread: bounded queues of commands, messages and each source's frames, and one wake.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use visavis_dataplane::api::TrackId;
use visavis_dataplane::frames::OutgoingFrame;
use visavis_dataplane::{Command, ShardId, ShardMessage};

use crate::channels::Channel;
use crate::frames::Inlet;
use crate::sys::{self, Signal};

/// The most commands that wait for one thread.
pub(crate) const COMMANDS: usize = 65_536;
/// The most messages of other threads that wait for one thread.
pub(crate) const MESSAGES: usize = 8_192;

/// What waits for one thread. Senders push a whole batch, then wake it once.
#[derive(Debug)]
pub(crate) struct Inbox {
    commands: Mutex<VecDeque<Command>>,
    messages: Mutex<VecDeque<(ShardId, ShardMessage)>>,
    /// Local sources with frames that wait; each is here once.
    inlets: Mutex<Vec<Arc<Inlet>>>,
    /// Associations with messages that wait; each is here once.
    channels: Mutex<Vec<Arc<Channel>>>,
    signal: Signal,
    /// Whether the signal is up, so that a burst of batches costs one system call.
    raised: AtomicBool,
    stopping: AtomicBool,
    lost: AtomicBool,
}

impl Inbox {
    pub fn new() -> io::Result<Inbox> {
        Ok(Inbox {
            commands: Mutex::default(),
            messages: Mutex::default(),
            inlets: Mutex::default(),
            channels: Mutex::default(),
            signal: Signal::new()?,
            raised: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            lost: AtomicBool::new(false),
        })
    }

    pub fn signal(&self) -> &Signal {
        &self.signal
    }

    /// The queue of commands, for a sender that fills several threads' queues as one; it calls `wake` afterwards.
    pub fn commands(&self) -> MutexGuard<'_, VecDeque<Command>> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues what there is room for and wakes the thread. What is left in `batch` may be lost, is the
    /// newest, and did not fit.
    pub fn push_messages(&self, batch: &mut VecDeque<(ShardId, ShardMessage)>) {
        {
            let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
            let room = MESSAGES.saturating_sub(messages.len()).min(batch.len());
            messages.extend(batch.drain(..room));
            // What may not be lost is as little as the commands and checks that cause it, so it may go over the bound.
            let (lost, kept) = batch.drain(..).partition(|(_, message)| message.may_be_lost());
            *batch = lost;
            let kept: VecDeque<_> = kept;
            messages.extend(kept);
        }
        self.wake();
    }

    /// Moves at most `limit` of each queue into `commands` and `messages`; true when more wait.
    pub fn take(
        &self,
        limit: usize,
        commands: &mut Vec<Command>,
        messages: &mut Vec<(ShardId, ShardMessage)>,
    ) -> bool {
        let mut queue = self.commands();
        let count = queue.len().min(limit);
        commands.extend(queue.drain(..count));
        let mut more = !queue.is_empty();
        drop(queue);
        let mut queue = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        let count = queue.len().min(limit);
        messages.extend(queue.drain(..count));
        more |= !queue.is_empty();
        more
    }

    /// Frames wait at a source that is not announced yet.
    pub fn push_inlet(&self, inlet: Arc<Inlet>) {
        self.inlets.lock().unwrap_or_else(PoisonError::into_inner).push(inlet);
        self.wake();
    }

    /// Moves all waiting frames into `frames`: each source bounds its own.
    pub fn take_frames(&self, frames: &mut Vec<(TrackId, OutgoingFrame)>) {
        let inlets = std::mem::take(&mut *self.inlets.lock().unwrap_or_else(PoisonError::into_inner));
        inlets.iter().for_each(|inlet| inlet.take(frames));
    }

    /// Messages wait at an association that is not announced yet.
    pub fn push_channel(&self, channel: Arc<Channel>) {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner).push(channel);
        self.wake();
    }

    /// The associations that are announced. None while commands wait, among which that may be which opens one.
    pub fn take_channels(&self) -> Vec<Arc<Channel>> {
        if !self.commands().is_empty() {
            return Vec::new();
        }
        std::mem::take(&mut *self.channels.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Wakes the thread, unless somebody did since it last looked.
    pub fn wake(&self) {
        if !self.raised.swap(true, Ordering::AcqRel) {
            self.signal.raise();
        }
    }

    /// The thread has seen the signal. It must look into the queues after this: the swap makes visible whatever was
    /// queued by those who found the signal up.
    pub fn lower(&self) {
        self.signal.lower();
        self.raised.swap(false, Ordering::AcqRel);
    }

    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake();
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Its thread has ended by a defect: nobody will take what is queued here.
    pub fn set_lost(&self) {
        self.lost.store(true, Ordering::Release);
    }

    /// Drops the commands that nobody will carry out; the sockets that they bring are closed.
    pub fn abandon(&self) {
        for command in self.commands().drain(..) {
            if let Command::AddSocket { descriptor, .. }
            | Command::OpenStream { descriptor, .. }
            | Command::AddTcpSocket { listener: Some(descriptor), .. } = command
            {
                sys::discard(descriptor.0);
            }
        }
    }

    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }
}
