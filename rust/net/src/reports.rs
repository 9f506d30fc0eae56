//! The queue of reports: all threads write, one event loop reads.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, PoisonError};

use visavis_dataplane::Report;
use visavis_dataplane::api::{
    AssociationId, AssociationState, PairId, SlotId, TrackId, TransportId, TransportState,
};

use crate::sys::Signal;

/// From how many waiting reports on levels and statistics are dropped.
pub(crate) const REPORTS: usize = 65_536;

/// Reports on their way to the event loop, with a descriptor that is readable while any wait.
///
/// A reader that is away for long loses figures, never a state: beyond [`REPORTS`] the newest levels and statistics are
/// dropped, and of states that were overtaken by a newer one of the same thing only the newest is kept, so that what
/// waits is bounded by how many transports, slots and layers there are.
#[derive(Debug)]
pub(crate) struct ReportQueue {
    waiting: Mutex<Waiting>,
    signal: Signal,
}

#[derive(Debug)]
struct Waiting {
    reports: VecDeque<Report>,
    /// The length at which the next state makes the queue look for overtaken ones.
    compact_at: usize,
}

/// What a state report is about: a newer one with the same subject overtakes it.
#[derive(PartialEq, Eq, Hash)]
enum Subject {
    /// The state is part of it: what `connected` tells (cipher, profile) is not told again by `disconnected`.
    Transport(TransportId, TransportState),
    Layer(TrackId, u8),
    KeyFrame(TrackId, u8),
    Bitrate(TransportId),
    Frames(TrackId),
    Slot(TransportId, SlotId),
    Pair(TransportId, PairId),
    Selected(TransportId),
    Role(TransportId),
    Association(AssociationId, AssociationState),
    Messages(TransportId),
}

enum Worth {
    Figures,
    State(Subject),
    Once,
}

fn worth(report: &Report) -> Worth {
    match report {
        Report::AudioLevels { .. } | Report::Stats { .. } => Worth::Figures,
        Report::Transport { id, state, .. } => Worth::State(Subject::Transport(*id, *state)),
        Report::Track { track, layer, .. } => Worth::State(Subject::Layer(*track, *layer)),
        Report::Forwarding { id, slot, .. } => Worth::State(Subject::Slot(*id, *slot)),
        Report::KeyFrameWanted { track, layer } => Worth::State(Subject::KeyFrame(*track, *layer)),
        Report::TargetBitrate { id, .. } => Worth::State(Subject::Bitrate(*id)),
        Report::FramesReady { track } => Worth::State(Subject::Frames(*track)),
        Report::PairState { id, pair, .. } => Worth::State(Subject::Pair(*id, *pair)),
        Report::PairSelected { id, .. } => Worth::State(Subject::Selected(*id)),
        Report::Association { id, state, .. } => Worth::State(Subject::Association(*id, *state)),
        Report::MessagesReady { id } => Worth::State(Subject::Messages(*id)),
        Report::RoleChanged { id, .. } => Worth::State(Subject::Role(*id)),
        // There are as many as requests were submitted, and of pairs that are learnt one a second.
        Report::StunResult { .. }
        | Report::PairLearnt { .. }
        | Report::SocketLost { .. }
        | Report::Fatal { .. } => Worth::Once,
    }
}

impl Waiting {
    fn push(&mut self, report: Report) -> u64 {
        let mut dropped = 0;
        if self.reports.len() >= REPORTS && matches!(worth(&report), Worth::Figures) {
            return 1;
        }
        if self.reports.len() >= self.compact_at {
            dropped = self.compact();
        }
        self.reports.push_back(report);
        dropped
    }

    /// Drops figures and overtaken states, from the newest back.
    fn compact(&mut self) -> u64 {
        let before = self.reports.len();
        let mut seen = HashSet::new();
        let mut kept = VecDeque::new();
        while let Some(report) = self.reports.pop_back() {
            let keep = match worth(&report) {
                Worth::Figures => false,
                Worth::State(subject) => seen.insert(subject),
                Worth::Once => true,
            };
            if keep {
                kept.push_front(report);
            }
        }
        self.reports = kept;
        self.compact_at = REPORTS.max(self.reports.len() * 2);
        (before - self.reports.len()) as u64
    }
}

impl ReportQueue {
    pub fn new() -> io::Result<ReportQueue> {
        Ok(ReportQueue {
            waiting: Mutex::new(Waiting { reports: VecDeque::new(), compact_at: REPORTS }),
            signal: Signal::new()?,
        })
    }

    /// Queues a batch, which is empty afterwards; how many reports were dropped for it.
    pub fn push_batch(&self, batch: &mut Vec<Report>) -> u64 {
        if batch.is_empty() {
            return 0;
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let was_empty = waiting.reports.is_empty();
        let dropped = batch.drain(..).map(|report| waiting.push(report)).sum();
        if was_empty && !waiting.reports.is_empty() {
            self.signal.raise();
        }
        dropped
    }

    /// The oldest reports, at most `limit`. The descriptor stays readable while more wait.
    pub fn drain(&self, limit: usize) -> Vec<Report> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.reports.is_empty() {
            return Vec::new();
        }
        let count = waiting.reports.len().min(limit);
        let taken = waiting.reports.drain(..count).collect();
        if waiting.reports.is_empty() {
            waiting.compact_at = REPORTS;
            self.signal.lower();
        }
        taken
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.signal.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use visavis_dataplane::ShardId;

    use super::*;

    fn levels() -> Report {
        Report::AudioLevels { levels: Vec::new() }
    }

    fn track(track: u32, active: bool) -> Report {
        Report::Track { track: TrackId(track), layer: 0, active, payload_type: 96 }
    }

    #[test]
    fn a_full_queue_drops_levels_and_keeps_the_newest_state_of_everything() {
        let queue = ReportQueue::new().unwrap();
        let mut batch: Vec<Report> = (0..REPORTS).map(|_| levels()).collect();
        assert_eq!(queue.push_batch(&mut batch), 0);
        assert_eq!(queue.push_batch(&mut vec![levels(), levels()]), 2);

        assert_eq!(queue.push_batch(&mut vec![track(1, true), track(1, false)]), REPORTS as u64);
        let fatal = Report::Fatal { shard: ShardId(0), message: "x".into() };
        let mut batch: Vec<Report> =
            std::iter::once(fatal.clone()).chain((0..REPORTS).map(|_| levels())).collect();
        queue.push_batch(&mut batch);
        let mut batch: Vec<Report> = (0..REPORTS as u32).map(|n| track(n % 2, n % 4 < 2)).collect();
        queue.push_batch(&mut batch);

        let left = queue.drain(usize::MAX);
        assert!(left.len() < REPORTS);
        assert!(left.contains(&fatal));
        let last =
            |id| left.iter().rev().find(|r| matches!(r, Report::Track { track: TrackId(t), .. } if *t == id));
        assert_eq!(last(0), Some(&track(0, false)));
        assert_eq!(last(1), Some(&track(1, false)));
    }

    #[test]
    fn states_of_many_things_are_kept_even_beyond_the_bound() {
        let queue = ReportQueue::new().unwrap();
        let count = 3 * REPORTS;
        let mut batch: Vec<Report> = (0..count as u32).map(|n| track(n, true)).collect();
        assert_eq!(queue.push_batch(&mut batch), 0);
        assert_eq!(queue.drain(usize::MAX).len(), count);
    }

    #[test]
    fn an_overtaken_connected_state_keeps_what_only_it_tells() {
        let state = |state| Report::Transport {
            id: TransportId(1),
            state,
            reason: "",
            remote: None,
            dtls_version: "",
            dtls_cipher: String::new(),
            srtp_profile: "",
            certificate: Vec::new(),
        };
        let mut waiting = Waiting { reports: VecDeque::new(), compact_at: REPORTS };
        for next in [TransportState::Connected, TransportState::Disconnected, TransportState::Connected] {
            waiting.push(state(next));
        }
        assert_eq!(waiting.compact(), 1);
        assert_eq!(waiting.reports, [state(TransportState::Disconnected), state(TransportState::Connected)]);
    }
}
