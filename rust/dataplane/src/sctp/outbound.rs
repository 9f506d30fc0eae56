//! Messages that wait to be sent for the first time, and whose turn it is: weighted fair queuing of streams (RFC 8260 section
//! 3.6). With interleaving each piece is scheduled, so that a long message holds up nobody; without it (RFC 9260 section
//! 6.9) a message that has begun is sent to its end first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::{OutgoingMessage, Reliability};
use crate::time::Time;

/// A share of 256 is normal.
const NORMAL_PRIORITY: u64 = 256;

/// What all pieces of a message have in common.
#[derive(Clone, Debug)]
pub struct MessageInfo {
    pub data: Arc<Vec<u8>>,
    pub stream: u16,
    pub ppid: u32,
    pub is_unordered: bool,
    /// Tells the messages of an association apart.
    pub serial: u64,
    /// Its number in the stream.
    pub number: u32,
    pub max_retransmits: Option<u32>,
    pub expires: Option<Time>,
}

impl MessageInfo {
    /// Whether it may be given up.
    pub fn is_revocable(&self) -> bool {
        self.max_retransmits.is_some() || self.expires.is_some()
    }
}

/// The next piece of a message, as it is to be sent.
#[derive(Clone, Debug)]
pub struct NextPiece {
    pub message: MessageInfo,
    pub start: usize,
    pub end: usize,
    pub fragment: u32,
}

#[derive(Debug)]
struct Queued {
    info: MessageInfo,
    sent: usize,
    fragments: u32,
    priority: u64,
    /// It counts among those that have begun.
    is_begun: bool,
}

#[derive(Debug, Default)]
struct Stream {
    queue: VecDeque<Queued>,
    next_ordered: u32,
    next_unordered: u32,
    /// Its virtual time: what it has sent, by its share.
    turn: u64,
}

/// All streams that we send on.
#[derive(Debug, Default)]
pub struct Outbound {
    streams: BTreeMap<u16, Stream>,
    /// Streams with something to send, by turn.
    active: BTreeSet<(u64, u16)>,
    /// Where the turns are.
    clock: u64,
    /// Without interleaving: the stream whose message has begun.
    unfinished: Option<u16>,
    /// With interleaving: the whole lengths of the messages that have begun, which the peer has to hold until they end.
    begun_bytes: usize,
    most_begun: usize,
    /// Streams whose next message waits for others to end, in the order in which their turns came.
    parked: VecDeque<u16>,
    /// Streams that are being reset: what comes for them waits for its numbers (RFC 6525 section 5.1.2).
    held: BTreeSet<u16>,
    queued_bytes: usize,
    serial: u64,
    /// The peer knows no partial reliability.
    is_reliable: bool,
    /// What has left the queues since it was asked for.
    left: BTreeMap<u16, usize>,
}

impl Outbound {
    pub fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// Messages are given up no more: the peer would wait for them.
    pub fn make_reliable(&mut self) {
        self.is_reliable = true;
    }

    /// Interleaved messages that together are longer than the peer's window would fill it with parts, and none would ever
    /// end: as many have begun at once as half of it holds, or a single one.
    pub fn bound_begun(&mut self, window: usize) {
        self.most_begun = window / 2;
    }

    pub fn is_empty(&self) -> bool {
        self.active.is_empty()
    }

    /// Whether nothing of a stream waits.
    pub fn is_stream_empty(&self, id: u16) -> bool {
        self.streams.get(&id).is_none_or(|stream| stream.queue.is_empty())
    }

    /// Queues a message. One without data is none: the caller sends a byte for it (RFC 8831 section 6.6).
    pub fn push(&mut self, now: Time, message: OutgoingMessage) {
        if message.data.is_empty() {
            return;
        }
        let id = message.stream;
        let stream = self.streams.entry(id).or_default();
        if stream.queue.is_empty() {
            stream.turn = stream.turn.max(self.clock);
            if !self.held.contains(&id) {
                self.active.insert((stream.turn, id));
            }
        }
        let (max_retransmits, expires) = match message.reliability {
            Reliability::Reliable => (None, None),
            Reliability::Retransmits(most) => (Some(most), None),
            Reliability::Lifetime(lifetime) => (None, Some(now + lifetime)),
        };
        self.serial += 1;
        self.queued_bytes += message.data.len();
        stream.queue.push_back(Queued {
            info: MessageInfo {
                data: Arc::new(message.data),
                stream: id,
                ppid: message.ppid,
                is_unordered: !message.ordered,
                serial: self.serial,
                number: 0,
                max_retransmits,
                expires,
            },
            sent: 0,
            fragments: 0,
            priority: u64::from(message.priority.max(1)),
            is_begun: false,
        });
    }

    /// Takes the next piece, of at most `room` bytes. Messages whose time is over before they began are dropped.
    pub fn next(&mut self, now: Time, room: usize, is_interleaved: bool) -> Option<NextPiece> {
        loop {
            let id = match self.unfinished {
                Some(id) => id,
                None => self.active.first()?.1,
            };
            let stream = self.streams.get_mut(&id)?;
            let Some(queued) = stream.queue.front_mut() else {
                self.deactivate(id);
                self.unfinished = None;
                continue;
            };
            if self.is_reliable {
                (queued.info.max_retransmits, queued.info.expires) = (None, None);
            }
            if queued.sent == 0 && queued.info.expires.is_some_and(|expires| expires <= now) {
                self.drop_first(id);
                continue;
            }
            let length = queued.info.data.len();
            let is_long = is_interleaved && length > room;
            if queued.sent == 0 && is_long {
                if self.begun_bytes > 0 && self.begun_bytes + length > self.most_begun {
                    self.deactivate(id);
                    self.parked.push_back(id);
                    continue;
                }
                self.begun_bytes += length;
                queued.is_begun = true;
            }
            if queued.sent == 0 {
                let number = if queued.info.is_unordered {
                    &mut stream.next_unordered
                } else {
                    &mut stream.next_ordered
                };
                queued.info.number = *number;
                *number = number.wrapping_add(1);
            }
            let start = queued.sent;
            let end = length.min(start + room);
            let piece = NextPiece { message: queued.info.clone(), start, end, fragment: queued.fragments };
            queued.sent = end;
            queued.fragments += 1;
            let priority = queued.priority;
            let is_done = end == length;
            let ended = if is_done && queued.is_begun { length } else { 0 };
            let bytes = end - start;
            self.queued_bytes -= bytes;
            *self.left.entry(id).or_default() += bytes;
            if is_done {
                stream.queue.pop_front();
            }
            self.unfinished = (!is_done && !is_interleaved).then_some(id);
            // The stream's turn comes again by what it has sent.
            self.clock = self.clock.max(stream.turn);
            self.active.remove(&(stream.turn, id));
            stream.turn += (bytes as u64 * NORMAL_PRIORITY / priority).max(1);
            if !stream.queue.is_empty() {
                self.active.insert((stream.turn, id));
            }
            self.end_begun(ended);
            return Some(piece);
        }
    }

    /// Gives up what has not been sent of a message (RFC 3758 section 3.5, A3).
    pub fn give_up(&mut self, id: u16, serial: u64) {
        let first = self.streams.get(&id).and_then(|stream| stream.queue.front());
        if first.is_some_and(|queued| queued.info.serial == serial) {
            self.drop_first(id);
        }
    }

    /// Holds back what comes for streams on which nothing waits.
    pub fn hold(&mut self, streams: &[u16]) {
        self.held.extend(streams);
    }

    /// The reset of a stream is over: what has come for it meanwhile has its turn.
    pub fn resume(&mut self, id: u16) {
        self.held.remove(&id);
        if let Some(stream) = self.streams.get_mut(&id).filter(|stream| !stream.queue.is_empty()) {
            stream.turn = stream.turn.max(self.clock);
            self.active.insert((stream.turn, id));
        }
    }

    /// The numbers of a stream begin at zero again (RFC 6525 section 5.1.2).
    pub fn reset(&mut self, id: u16) {
        if let Some(stream) = self.streams.get_mut(&id) {
            (stream.next_ordered, stream.next_unordered) = (0, 0);
            if stream.queue.is_empty() {
                self.streams.remove(&id);
            }
        }
    }

    /// A stream and how many bytes have left its queue.
    pub fn take_left(&mut self) -> Option<(u16, usize)> {
        self.left.pop_first()
    }

    fn drop_first(&mut self, id: u16) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let Some(queued) = stream.queue.pop_front() else { return };
        let bytes = queued.info.data.len() - queued.sent;
        self.queued_bytes -= bytes;
        *self.left.entry(id).or_default() += bytes;
        if self.unfinished == Some(id) {
            self.unfinished = None;
        }
        if stream.queue.is_empty() {
            self.deactivate(id);
        }
        self.end_begun(if queued.is_begun { queued.info.data.len() } else { 0 });
    }

    /// A message of so many bytes has ended: those that waited for it may begin.
    fn end_begun(&mut self, ended: usize) {
        if ended == 0 {
            return;
        }
        self.begun_bytes -= ended;
        let mut room = self.most_begun.saturating_sub(self.begun_bytes);
        let mut is_alone = self.begun_bytes == 0;
        while let Some(&id) = self.parked.front()
            && let Some(stream) = self.streams.get_mut(&id)
        {
            let length = stream.queue.front().map_or(0, |queued| queued.info.data.len());
            if length > room && !is_alone {
                return;
            }
            (room, is_alone) = (room.saturating_sub(length), false);
            self.parked.pop_front();
            stream.turn = stream.turn.max(self.clock);
            self.active.insert((stream.turn, id));
        }
    }

    fn deactivate(&mut self, id: u16) {
        if let Some(stream) = self.streams.get(&id) {
            self.active.remove(&(stream.turn, id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(stream: u16, bytes: usize, priority: u16) -> OutgoingMessage {
        OutgoingMessage {
            stream,
            ppid: 53,
            ordered: true,
            reliability: Reliability::Reliable,
            priority,
            data: vec![0; bytes],
        }
    }

    fn order(outbound: &mut Outbound, pieces: usize, is_interleaved: bool) -> Vec<u16> {
        let next = |_| outbound.next(Time::ZERO, 100, is_interleaved).map(|piece| piece.message.stream);
        (0..pieces).filter_map(next).collect()
    }

    #[test]
    fn a_long_message_holds_up_a_short_one_only_without_interleaving() {
        for (is_interleaved, expected) in [(true, [1, 2, 1, 1]), (false, [1, 1, 1, 2])] {
            let mut outbound = Outbound::default();
            outbound.push(Time::ZERO, message(1, 300, 256));
            outbound.push(Time::ZERO, message(2, 50, 256));
            assert_eq!(order(&mut outbound, 10, is_interleaved), expected);
            assert!(outbound.is_empty() && outbound.queued_bytes() == 0);
        }
    }

    #[test]
    fn shares_follow_priorities() {
        let mut outbound = Outbound::default();
        outbound.bound_begun(100_000);
        outbound.push(Time::ZERO, message(1, 10_000, 256));
        outbound.push(Time::ZERO, message(2, 10_000, 1_024));
        let order = order(&mut outbound, 50, true);
        assert_eq!(order.iter().filter(|&&stream| stream == 2).count(), 40);
    }

    #[test]
    fn what_is_too_old_before_it_began_takes_no_number() {
        let mut outbound = Outbound::default();
        let brief = Reliability::Lifetime(std::time::Duration::from_millis(10));
        outbound.push(Time::ZERO, OutgoingMessage { reliability: brief, ..message(1, 100, 256) });
        outbound.push(Time::ZERO, message(1, 70, 256));
        let piece = outbound.next(Time::from_millis(10), 100, true).unwrap();
        assert_eq!((piece.message.number, piece.end), (0, 70));
        assert_eq!(outbound.take_left(), Some((1, 170)));
    }
}
