//! Frames between Python's threads and the data plane's: one bounded queue for each local source and each receiver, so
//! that an encoder or a decoder is on no other's way.

mod inlet;
mod outlet;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use visavis_dataplane::api::TrackId;
use visavis_dataplane::frames::ReceiverId;
use visavis_dataplane::{Command, ShardId};

pub use inlet::Refusal;
pub(crate) use inlet::{Inlet, Put};
pub use outlet::FrameReceiver;
pub(crate) use outlet::{Outlet, Pushed};

/// A queue of a plane and the name under which it is found.
type Table<K, V> = Mutex<HashMap<K, Arc<V>>>;

/// All queues of a plane.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    inlets: Table<TrackId, Inlet>,
    outlets: Table<ReceiverId, Outlet>,
    next_receiver: AtomicU32,
    /// Frames to be sent that found a full queue.
    refused: AtomicU64,
}

impl Frames {
    /// A command was taken: sources that it opens or closes get a queue, or lose it.
    pub fn note_command(&self, command: &Command) {
        match command {
            Command::OpenSource { track, payloads, kind, .. } => {
                let mut inlets = locked(&self.inlets);
                let inlet = inlets.entry(*track).or_insert_with(|| Arc::new(Inlet::new(*track)));
                inlet.set_payloads(*kind, payloads.clone());
            }
            Command::CloseSource { track } => _ = locked(&self.inlets).remove(track),
            _ => (),
        }
    }

    pub fn inlet(&self, track: TrackId) -> Option<Arc<Inlet>> {
        locked(&self.inlets).get(&track).cloned()
    }

    pub fn new_outlet(&self, outlet: impl FnOnce(ReceiverId) -> Outlet) -> Arc<Outlet> {
        let id = ReceiverId(self.next_receiver.fetch_add(1, Ordering::Relaxed));
        let outlet = Arc::new(outlet(id));
        locked(&self.outlets).insert(id, Arc::clone(&outlet));
        outlet
    }

    pub fn outlet(&self, id: ReceiverId) -> Option<Arc<Outlet>> {
        locked(&self.outlets).get(&id).cloned()
    }

    /// Forgets a queue; false if that was done before.
    pub fn remove_outlet(&self, id: ReceiverId) -> bool {
        locked(&self.outlets).remove(&id).is_some()
    }

    pub fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Nobody gives out frames any more: who waits is told.
    pub fn end(&self) {
        locked(&self.outlets).values().for_each(|outlet| outlet.end());
    }

    /// The frames of one shard's tracks end with it.
    pub fn end_shard(&self, shard: ShardId) {
        let outlets = locked(&self.outlets);
        outlets.values().filter(|outlet| outlet.track.shard() == shard).for_each(|outlet| outlet.end());
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
