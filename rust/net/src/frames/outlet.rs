//! The queue of one receiver of frames: the track's data plane thread puts them in, any thread waits for them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use visavis_dataplane::api::{Kind, TrackId};
use visavis_dataplane::frames::{Frame, FrameEvent, ReceiverId};

use super::locked;
use crate::plane::PlaneError;

/// What waits at most in bytes; a receiver says itself how many frames.
const BYTES: usize = 16 << 20;

/// Frames on their way to who decodes or writes them. When it is full the oldest go; of video all go that are of no use
/// without them, and what comes up to a key frame.
pub(crate) struct Outlet {
    pub id: ReceiverId,
    pub track: TrackId,
    pub layer: u8,
    kind: Kind,
    capacity: usize,
    /// Whether the event loop is told when frames begin to wait.
    announces: bool,
    waiting: Mutex<Waiting>,
    ready: Condvar,
}

#[derive(Default)]
struct Waiting {
    frames: VecDeque<Arc<Frame>>,
    bytes: usize,
    needs_key_frame: bool,
    /// Dropped since the last frame that was taken in.
    lost: u32,
    dropped: u64,
    announced: bool,
    ended: bool,
}

/// What became of a frame, as its thread must know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pushed {
    pub dropped: u64,
    /// The event loop is to be told.
    pub announce: bool,
}

impl Outlet {
    pub fn new(
        id: ReceiverId,
        track: TrackId,
        layer: u8,
        kind: Kind,
        capacity: usize,
        announces: bool,
    ) -> Outlet {
        Outlet {
            id,
            track,
            layer,
            kind,
            capacity: capacity.max(1),
            announces,
            waiting: Mutex::default(),
            ready: Condvar::new(),
        }
    }

    pub fn push(&self, event: FrameEvent) -> Pushed {
        let mut waiting = locked(&self.waiting);
        let before = waiting.dropped;
        match event {
            FrameEvent::Frame(frame) => waiting.push(frame, self.kind, self.capacity),
            FrameEvent::Ended => waiting.ended = true,
        }
        let has_news = waiting.ended || !waiting.frames.is_empty();
        let announce = self.announces && has_news && !std::mem::replace(&mut waiting.announced, true);
        let dropped = waiting.dropped - before;
        drop(waiting);
        self.ready.notify_all();
        Pushed { dropped, announce }
    }

    /// Nothing follows what waits.
    pub fn end(&self) {
        locked(&self.waiting).ended = true;
        self.ready.notify_all();
    }
}

impl Waiting {
    fn push(&mut self, mut frame: Arc<Frame>, kind: Kind, capacity: usize) {
        let is_full =
            |waiting: &Waiting| waiting.frames.len() >= capacity || waiting.bytes + frame.data.len() > BYTES;
        if kind == Kind::Video && is_full(self) {
            self.drop_all();
            self.needs_key_frame = true;
        }
        while is_full(self) && !self.frames.is_empty() {
            self.drop_oldest();
        }
        if self.needs_key_frame && !frame.key {
            self.note_dropped(1 + frame.lost_before);
            return;
        }
        self.needs_key_frame = false;
        let lost = std::mem::take(&mut self.lost);
        if lost > 0 {
            Arc::make_mut(&mut frame).lost_before += lost;
        }
        self.bytes += frame.data.len();
        self.frames.push_back(frame);
    }

    fn note_dropped(&mut self, frames: u32) {
        self.dropped += 1;
        self.lost = self.lost.saturating_add(frames);
    }

    fn drop_oldest(&mut self) {
        let Some(oldest) = self.frames.pop_front() else { return };
        self.bytes -= oldest.data.len();
        self.dropped += 1;
        let lost = oldest.lost_before + 1;
        match self.frames.front_mut() {
            Some(next) => Arc::make_mut(next).lost_before += lost,
            None => self.lost = self.lost.saturating_add(lost),
        }
    }

    fn drop_all(&mut self) {
        while !self.frames.is_empty() {
            self.drop_oldest();
        }
    }

    fn take(&mut self) -> Option<Arc<Frame>> {
        let frame = self.frames.pop_front();
        match &frame {
            Some(frame) => self.bytes -= frame.data.len(),
            // Told again when something comes.
            None => self.announced = false,
        }
        frame
    }
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlet").field("id", &self.id).field("track", &self.track).finish_non_exhaustive()
    }
}

/// The end of the queue that a thread holds which decodes, records or shows a track. Dropped, it is closed.
pub struct FrameReceiver {
    outlet: Arc<Outlet>,
    close: Box<dyn Fn(&Outlet) + Send + Sync>,
    process: u32,
}

impl FrameReceiver {
    pub(crate) fn new(outlet: Arc<Outlet>, close: impl Fn(&Outlet) + Send + Sync + 'static) -> FrameReceiver {
        FrameReceiver { outlet, close: Box::new(close), process: std::process::id() }
    }

    /// The oldest frame that waits; without one it waits for the next, at most so long. None too when the track has ended.
    pub fn wait(&self, timeout: Duration) -> Result<Option<Arc<Frame>>, PlaneError> {
        self.check_process()?;
        let end = Instant::now() + timeout;
        let mut waiting = locked(&self.outlet.waiting);
        while waiting.frames.is_empty() && !waiting.ended {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            waiting = self.outlet.ready.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(waiting.take())
    }

    /// The oldest frame that waits.
    pub fn try_get(&self) -> Result<Option<Arc<Frame>>, PlaneError> {
        self.check_process()?;
        Ok(locked(&self.outlet.waiting).take())
    }

    /// The track has ended, and all its frames were taken.
    pub fn is_ended(&self) -> bool {
        let waiting = locked(&self.outlet.waiting);
        waiting.ended && waiting.frames.is_empty()
    }

    /// How many frames were dropped because they were not taken in time.
    pub fn dropped(&self) -> u64 {
        locked(&self.outlet.waiting).dropped
    }

    /// Nothing comes any more; who waits is told. Idempotent.
    pub fn close(&self) -> Result<(), PlaneError> {
        self.check_process()?;
        let mut waiting = locked(&self.outlet.waiting);
        waiting.ended = true;
        waiting.frames.clear();
        waiting.bytes = 0;
        drop(waiting);
        self.outlet.ready.notify_all();
        (self.close)(&self.outlet);
        Ok(())
    }

    fn check_process(&self) -> Result<(), PlaneError> {
        if self.process == std::process::id() { Ok(()) } else { Err(PlaneError::Forked) }
    }
}

impl Drop for FrameReceiver {
    fn drop(&mut self) {
        // In a forked process the queue is the parent's.
        let _ = self.close();
    }
}

impl fmt::Debug for FrameReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameReceiver").field("outlet", &self.outlet).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use visavis_dataplane::Time;

    use super::*;

    fn frame(number: u64, key: bool, bytes: usize) -> FrameEvent {
        FrameEvent::Frame(Arc::new(Frame {
            data: vec![0; bytes].into(),
            timestamp: number,
            payload_type: 96,
            key,
            received: Time::ZERO,
            captured: None,
            audio_level: None,
            ssrc: 1,
            csrcs: Vec::new(),
            lost_before: 0,
        }))
    }

    fn receiver(kind: Kind, capacity: usize) -> FrameReceiver {
        let outlet = Outlet::new(ReceiverId(0), TrackId(1), 0, kind, capacity, true);
        FrameReceiver::new(Arc::new(outlet), |_| ())
    }

    fn taken(receiver: &FrameReceiver) -> Vec<(u64, u32)> {
        let frames = std::iter::from_fn(|| receiver.try_get().unwrap());
        frames.map(|frame| (frame.timestamp, frame.lost_before)).collect()
    }

    #[test]
    fn of_audio_the_oldest_go_and_the_next_one_tells_how_many() {
        let receiver = receiver(Kind::Audio, 3);
        let dropped: u64 = (0..8).map(|n| receiver.outlet.push(frame(n, true, 10)).dropped).sum();
        assert_eq!(taken(&receiver), [(5, 5), (6, 0), (7, 0)]);
        assert_eq!((dropped, receiver.dropped()), (5, 5));
    }

    #[test]
    fn of_video_all_go_that_cannot_be_decoded_any_more() {
        let receiver = receiver(Kind::Video, 3);
        for (number, key) in
            [(0, true), (1, false), (2, false), (3, false), (4, false), (5, true), (6, false)]
        {
            receiver.outlet.push(frame(number, key, 10));
        }
        assert_eq!(taken(&receiver), [(5, 5), (6, 0)]);
        assert_eq!(receiver.dropped(), 5);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let receiver = receiver(Kind::Audio, 1_000);
        for number in 0..20 {
            receiver.outlet.push(frame(number, true, 1 << 20));
        }
        assert_eq!(taken(&receiver).len(), BYTES >> 20);
    }

    #[test]
    fn the_loop_is_told_once_until_all_was_taken() {
        let receiver = receiver(Kind::Audio, 10);
        let announced = |number| receiver.outlet.push(frame(number, true, 1)).announce;
        assert!(announced(0) && !announced(1));
        receiver.try_get().unwrap();
        assert!(!announced(2));
        assert_eq!(taken(&receiver).len(), 2);
        assert!(announced(3));
    }

    #[test]
    fn who_waits_gets_the_next_frame_or_hears_of_the_end() {
        let receiver = Arc::new(receiver(Kind::Audio, 10));
        assert_eq!(receiver.wait(Duration::ZERO), Ok(None));
        let waiter = std::thread::spawn({
            let receiver = Arc::clone(&receiver);
            let guard = Duration::from_secs(20);
            move || {
                (receiver.wait(guard).unwrap().map(|frame| frame.timestamp), receiver.wait(guard).unwrap())
            }
        });
        receiver.outlet.push(frame(7, true, 1));
        assert!(!receiver.is_ended());
        receiver.outlet.push(FrameEvent::Ended);
        assert_eq!(waiter.join().unwrap(), (Some(7), None));
        assert!(receiver.is_ended());
    }
}
