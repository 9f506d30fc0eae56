//! Messages of data channels between Python's threads and the data plane's: two queues for each association, so that none is
//! on another's way.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use visavis_dataplane::Command;
use visavis_dataplane::api::{AssociationId, TransportId};
use visavis_dataplane::sctp::{Event, OutgoingMessage};

/// What waits at most to be sent, on its way to the data plane and in the association together.
pub const BUFFERED_BYTES: usize = 64 << 20;
/// What is read at once, at most but for the last message: whoever reads is to see soon what comes next on another stream.
const READ_MESSAGES: usize = 256;
const READ_BYTES: usize = 256 << 10;
/// From how many messages read their thread is told at once.
const TELL_MESSAGES: usize = 4_096;

/// Nobody has opened an association on this transport, or it was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAssociation(pub TransportId);

impl fmt::Display for NoAssociation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NoAssociation(TransportId(transport)) = self;
        write!(f, "transport: no association is open on {transport}")
    }
}

impl std::error::Error for NoAssociation {}

/// Something that came by an association.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    Message {
        stream: u16,
        ppid: u32,
        data: Vec<u8>,
    },
    /// The peer has reset its stream: what it sends there next is of another channel.
    PeerReset {
        stream: u16,
    },
    /// Our stream is reset.
    ResetDone {
        stream: u16,
    },
}

/// What is read at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrivals {
    pub arrived: Vec<Arrival>,
    /// How many bytes left the queue of each stream, or were given up.
    pub left: Vec<(u16, usize)>,
    /// More waits, of which nobody is told: whoever reads reads again.
    pub more: bool,
}

impl Arrival {
    fn stream(&self) -> u16 {
        match self {
            Arrival::Message { stream, .. }
            | Arrival::PeerReset { stream }
            | Arrival::ResetDone { stream } => *stream,
        }
    }

    fn bytes(&self) -> usize {
        if let Arrival::Message { data, .. } = self { data.len() } else { 0 }
    }
}

/// The queues of one association.
#[derive(Debug)]
pub(crate) struct Channel {
    pub id: AssociationId,
    outgoing: Mutex<Outgoing>,
    incoming: Mutex<Incoming>,
}

#[derive(Debug, Default)]
struct Outgoing {
    messages: VecDeque<OutgoingMessage>,
    /// Accepted, and not known to have left.
    buffered: usize,
    consumed: Consumed,
    /// Its thread was told that something waits.
    announced: bool,
}

/// What the program has taken since its thread last looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Consumed {
    pub bytes: usize,
    pub messages: usize,
}

#[derive(Debug, Default)]
struct Incoming {
    /// By stream; none is empty.
    arrived: HashMap<u16, VecDeque<Arrival>>,
    /// The streams with something to read, in the order of their turns: each gives a message, so that a flood on one
    /// holds up no other.
    turns: VecDeque<u16>,
    left: BTreeMap<u16, usize>,
    /// The event loop was told that something waits.
    announced: bool,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// It waits. `first`: the thread is to be told.
    Queued { first: bool },
    /// Too much waits: it is refused.
    Full,
}

impl Channel {
    fn new(id: AssociationId) -> Channel {
        Channel { id, outgoing: Mutex::default(), incoming: Mutex::default() }
    }

    /// Queues a message if there is room for it.
    pub fn put(&self, message: OutgoingMessage) -> Put {
        let mut outgoing = locked(&self.outgoing);
        let buffered = outgoing.buffered.saturating_add(message.data.len());
        if buffered > BUFFERED_BYTES {
            return Put::Full;
        }
        outgoing.buffered = buffered;
        outgoing.messages.push_back(message);
        Put::Queued { first: !std::mem::replace(&mut outgoing.announced, true) }
    }

    /// What the thread is to do: messages to send, and what was consumed.
    pub fn take(&self, messages: &mut VecDeque<OutgoingMessage>) -> Consumed {
        let mut outgoing = locked(&self.outgoing);
        outgoing.announced = false;
        messages.append(&mut outgoing.messages);
        std::mem::take(&mut outgoing.consumed)
    }

    /// The program has used up so many bytes; whether the thread is to be told.
    pub fn release(&self, bytes: usize) -> bool {
        let mut outgoing = locked(&self.outgoing);
        outgoing.consumed.bytes = outgoing.consumed.bytes.saturating_add(bytes);
        !std::mem::replace(&mut outgoing.announced, true)
    }

    /// Takes an event in; whether the event loop is to be told.
    pub fn push(&self, event: Event) -> bool {
        let arrival = match event {
            Event::Message { stream, ppid, data } => Arrival::Message { stream, ppid, data },
            Event::StreamReset { stream } => Arrival::PeerReset { stream },
            Event::ResetDone { stream } => Arrival::ResetDone { stream },
            Event::Sent { stream, bytes } => return self.push_left(stream, bytes),
            // Reports tell of these.
            Event::Connected { .. } | Event::Closed(_) | Event::Failed(_) => return false,
        };
        let mut incoming = locked(&self.incoming);
        let stream = arrival.stream();
        let queue = incoming.arrived.entry(stream).or_default();
        queue.push_back(arrival);
        if queue.len() == 1 {
            incoming.turns.push_back(stream);
        }
        !std::mem::replace(&mut incoming.announced, true)
    }

    fn push_left(&self, stream: u16, bytes: usize) -> bool {
        let mut outgoing = locked(&self.outgoing);
        outgoing.buffered = outgoing.buffered.saturating_sub(bytes);
        drop(outgoing);
        let mut incoming = locked(&self.incoming);
        let sum = incoming.left.entry(stream).or_default();
        *sum = sum.saturating_add(bytes);
        !std::mem::replace(&mut incoming.announced, true)
    }

    /// Takes what waits to be read, as much as is read at once; whether the thread is to be told, as it may have stopped
    /// taking.
    pub fn read(&self) -> (Arrivals, bool) {
        let mut incoming = locked(&self.incoming);
        let left = std::mem::take(&mut incoming.left).into_iter().collect();
        let arrived = incoming.take();
        let more = !incoming.turns.is_empty();
        incoming.announced = more;
        let arrivals = Arrivals { arrived, left, more };
        drop(incoming);
        if arrivals.arrived.is_empty() {
            return (arrivals, false);
        }
        let mut outgoing = locked(&self.outgoing);
        outgoing.consumed.messages += arrivals.arrived.len();
        // In small numbers they go along with what is released.
        let tell = outgoing.consumed.messages >= TELL_MESSAGES;
        let first = tell && !std::mem::replace(&mut outgoing.announced, true);
        (arrivals, first)
    }
}

impl Incoming {
    fn take(&mut self) -> Vec<Arrival> {
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while taken.len() < READ_MESSAGES
            && bytes < READ_BYTES
            && let Some(stream) = self.turns.pop_front()
        {
            let Some(queue) = self.arrived.get_mut(&stream) else { continue };
            if let Some(arrival) = queue.pop_front() {
                bytes += arrival.bytes();
                taken.push(arrival);
            }
            match queue.is_empty() {
                true => _ = self.arrived.remove(&stream),
                false => self.turns.push_back(stream),
            }
        }
        taken
    }
}

/// The queues of all associations of a plane.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    open: Mutex<HashMap<TransportId, Arc<Channel>>>,
}

impl Channels {
    /// A command was taken: an association that it opens or closes gets its queues, or loses them.
    pub fn note_command(&self, command: &Command) {
        match command {
            Command::OpenAssociation { id, .. } if self.get(*id).is_none() => {
                locked(&self.open).insert(id.transport, Arc::new(Channel::new(*id)));
            }
            Command::CloseAssociation { id } if self.get(*id).is_some() => {
                locked(&self.open).remove(&id.transport);
            }
            Command::CloseTransport { id } => {
                locked(&self.open).remove(id);
            }
            _ => (),
        }
    }

    /// The queues of an association, unless another has taken its place: what is still told of it is then nobody's.
    pub fn get(&self, id: AssociationId) -> Option<Arc<Channel>> {
        self.latest(id.transport).filter(|channel| channel.id == id)
    }

    /// The queues of the association that a transport has now.
    pub fn latest(&self, id: TransportId) -> Option<Arc<Channel>> {
        locked(&self.open).get(&id).cloned()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use visavis_dataplane::sctp::Reliability;

    use super::*;

    const ID: AssociationId = AssociationId { transport: TransportId(1), number: 0 };

    fn message(stream: u16, bytes: usize) -> OutgoingMessage {
        OutgoingMessage {
            stream,
            ppid: 53,
            ordered: true,
            reliability: Reliability::Reliable,
            priority: 256,
            data: vec![7; bytes],
        }
    }

    fn arrived(stream: u16) -> Event {
        Event::Message { stream, ppid: 51, data: vec![1] }
    }

    #[test]
    fn the_thread_is_told_once_until_it_has_taken_what_waits() {
        let channel = Channel::new(ID);
        assert_eq!(channel.put(message(0, 1)), Put::Queued { first: true });
        assert_eq!(channel.put(message(1, 1)), Put::Queued { first: false });
        assert!(!channel.release(10), "it was told");
        let mut messages = VecDeque::new();
        assert_eq!(channel.take(&mut messages), Consumed { bytes: 10, messages: 0 });
        assert_eq!(messages.iter().map(|message| message.stream).collect::<Vec<_>>(), [0, 1]);
        assert!(channel.release(1));
    }

    #[test]
    fn what_has_not_left_counts_against_the_bound_also_when_its_thread_has_it() {
        let channel = Channel::new(ID);
        let mib = || message(3, 1 << 20);
        for _ in 0..BUFFERED_BYTES >> 20 {
            assert!(matches!(channel.put(mib()), Put::Queued { .. }));
        }
        channel.take(&mut VecDeque::new());
        assert_eq!(channel.put(message(3, 1)), Put::Full);
        channel.push(Event::Sent { stream: 3, bytes: 1 << 20 });
        assert!(matches!(channel.put(mib()), Put::Queued { .. }));
        assert_eq!(channel.put(message(3, 1)), Put::Full);
    }

    #[test]
    fn a_flood_on_one_stream_holds_up_no_other() {
        let channel = Channel::new(ID);
        (0..1_000).for_each(|_| _ = channel.push(arrived(1)));
        assert!(!channel.push(arrived(2)));
        let (read, _) = channel.read();
        assert_eq!((read.arrived.len(), read.more), (READ_MESSAGES, true));
        let streams: Vec<u16> = read.arrived.iter().take(3).map(Arrival::stream).collect();
        assert_eq!(streams, [1, 2, 1]);
        assert!(!channel.push(arrived(1)), "whoever reads knows that more waits");
        let counts: Vec<(usize, bool)> =
            (0..3).map(|_| channel.read().0).map(|read| (read.arrived.len(), read.more)).collect();
        assert_eq!(counts, [(256, true), (256, true), (234, false)]);
        assert!(channel.push(arrived(1)));
    }

    #[test]
    fn what_is_read_at_once_is_bounded_in_bytes_too_but_for_the_last_message() {
        let channel = Channel::new(ID);
        for length in [READ_BYTES - 1, READ_BYTES, 1] {
            channel.push(Event::Message { stream: 1, ppid: 53, data: vec![1; length] });
        }
        let lengths = |read: Arrivals| -> Vec<usize> { read.arrived.iter().map(Arrival::bytes).collect() };
        assert_eq!(lengths(channel.read().0), [READ_BYTES - 1, READ_BYTES]);
        assert_eq!(lengths(channel.read().0), [1]);
    }

    #[test]
    fn the_reader_is_told_once_until_it_has_read_and_gets_each_stream_in_order() {
        let channel = Channel::new(ID);
        assert!(channel.push(arrived(1)));
        assert!(!channel.push(Event::StreamReset { stream: 1 }));
        assert!(!channel.push(Event::ResetDone { stream: 1 }));
        assert!(!channel.push(Event::Sent { stream: 2, bytes: 5 }));
        assert!(!channel.push(Event::Sent { stream: 4, bytes: 1 }));
        assert!(!channel.push(Event::Sent { stream: 2, bytes: 6 }));
        let (read, _) = channel.read();
        let message = Arrival::Message { stream: 1, ppid: 51, data: vec![1] };
        let resets = [Arrival::PeerReset { stream: 1 }, Arrival::ResetDone { stream: 1 }];
        assert_eq!(read.arrived, [&[message][..], &resets].concat());
        assert_eq!(read.left, [(2, 11), (4, 1)]);
        assert_eq!(channel.read().0, Arrivals::default());
        assert!(channel.push(arrived(1)));
    }

    #[test]
    fn reading_many_messages_tells_the_thread_which_may_have_stopped_taking() {
        let channel = Channel::new(ID);
        (0..TELL_MESSAGES).for_each(|_| _ = channel.push(arrived(1)));
        (1..TELL_MESSAGES / READ_MESSAGES).for_each(|_| assert!(!channel.read().1));
        assert!(channel.read().1);
        let consumed = channel.take(&mut VecDeque::new());
        assert_eq!(consumed, Consumed { bytes: 0, messages: TELL_MESSAGES });
    }
}
