//! The peer's streams: pieces become messages, ordered ones wait for their turn (RFC 9260 sections 6.5 and 6.6).

use std::collections::{BTreeMap, BTreeSet};

use visavis_wire::sctp::{Data, extend_u16, extend_u32};

use super::assembly::{Assembly, Inserted, Piece, Whole};

/// Numbers of messages are extended from here, so that those just before the first have a place too.
const FIRST_MESSAGE: u64 = 1 << 32;

/// What a message that waits for its turn costs beside its bytes.
const MESSAGE_COST: usize = 128;

/// A message for the program.
#[derive(Debug, PartialEq, Eq)]
pub struct Delivered {
    pub stream: u16,
    pub ppid: u32,
    pub data: Vec<u8>,
}

#[derive(Debug)]
struct Stream {
    /// The next ordered message.
    next: u64,
    /// Ordered messages that are all there, and before whose turn others come.
    ready: BTreeMap<u64, Whole>,
    /// The last unordered message of I-DATA; those have numbers of their own, which only tell them apart.
    last_unordered: u64,
    /// Pieces of ordered and of unordered messages: DATA by TSN, I-DATA by message and fragment.
    pieces: [Assembly; 2],
}

impl Stream {
    fn new() -> Stream {
        Stream {
            next: FIRST_MESSAGE,
            ready: BTreeMap::new(),
            last_unordered: FIRST_MESSAGE,
            pieces: Default::default(),
        }
    }

    fn has_unordered(&self) -> bool {
        !self.pieces[1].is_empty()
    }

    /// The extended number of a message.
    fn number(&self, data: &Data<'_>) -> u64 {
        if data.is_interleaved {
            let reference = if data.is_unordered { self.last_unordered } else { self.next };
            extend_u32(reference, data.message)
        } else if data.is_unordered {
            0
        } else {
            extend_u16(self.next, data.message as u16)
        }
    }
}

/// All streams of the peer.
#[derive(Debug)]
pub struct Inbound {
    streams: BTreeMap<u16, Stream>,
    /// Those with pieces of unordered messages.
    with_unordered: BTreeSet<u16>,
    held_bytes: usize,
    max_message: usize,
}

impl Inbound {
    pub fn new(max_message: usize) -> Inbound {
        Inbound { streams: BTreeMap::new(), with_unordered: BTreeSet::new(), held_bytes: 0, max_message }
    }

    /// What waits for other pieces or messages, with what it costs to hold it.
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Takes a chunk whose TSN is new; gives each message whose turn it is.
    ///
    /// Errors: what the peer broke, for which the association is ended.
    pub fn take(
        &mut self,
        data: &Data<'_>,
        tsn: u64,
        deliver: &mut impl FnMut(Delivered),
    ) -> Result<(), &'static str> {
        let stream = self.streams.entry(data.stream).or_insert_with(Stream::new);
        let message = stream.number(data);
        let is_ordered = !data.is_unordered;
        if data.is_interleaved && data.is_unordered {
            stream.last_unordered = stream.last_unordered.max(message);
        }
        if is_ordered && message < stream.next {
            // A late piece of a message that was given up.
            return Ok(());
        }
        if data.begins && data.ends {
            if data.payload.len() > self.max_message {
                return Err("a message is too long");
            }
            if !is_ordered || message == stream.next {
                deliver(Delivered { stream: data.stream, ppid: data.ppid, data: data.payload.to_vec() });
                if is_ordered {
                    stream.next += 1;
                    self.held_bytes -= deliver_ready(data.stream, stream, deliver);
                }
                return Ok(());
            }
        }
        let (scope, key) = if data.is_interleaved { (message, u64::from(data.fragment)) } else { (0, tsn) };
        let piece = Piece {
            scope,
            key,
            begins: data.begins,
            ends: data.ends,
            ppid: data.ppid,
            message,
            data: data.payload,
        };
        let assembly = &mut stream.pieces[usize::from(data.is_unordered)];
        self.held_bytes -= assembly.held();
        let inserted = assembly.insert(piece, self.max_message);
        self.held_bytes += assembly.held();
        match inserted {
            Inserted::Held => (),
            Inserted::Violation(what) => return Err(what),
            Inserted::Complete(whole) if !is_ordered => {
                deliver(Delivered { stream: data.stream, ppid: whole.ppid, data: whole.data });
            }
            Inserted::Complete(whole) => {
                self.held_bytes += MESSAGE_COST + whole.data.len();
                if stream.ready.insert(message, whole).is_some() {
                    return Err("the number of an ordered message came twice");
                }
                self.held_bytes -= deliver_ready(data.stream, stream, deliver);
            }
        }
        if stream.has_unordered() {
            self.with_unordered.insert(data.stream);
        } else if data.is_unordered {
            self.with_unordered.remove(&data.stream);
        }
        Ok(())
    }

    /// Ordered messages of DATA up to `message` are not waited for (RFC 3758 section 3.6).
    pub fn forward(&mut self, id: u16, message: u16, deliver: &mut impl FnMut(Delivered)) {
        let stream = self.streams.entry(id).or_insert_with(Stream::new);
        let message = extend_u16(stream.next, message);
        self.held_bytes -= stream.pieces[0].held();
        stream.pieces[0].forget_messages(message);
        self.held_bytes += stream.pieces[0].held();
        self.held_bytes -= skip_to(id, stream, message, deliver);
    }

    /// Of unordered messages of DATA, pieces with TSNs up to `tsn` stay without the others.
    pub fn forward_unordered(&mut self, tsn: u64) {
        let streams = &mut self.streams;
        let held = &mut self.held_bytes;
        self.with_unordered.retain(|id| {
            let Some(stream) = streams.get_mut(id) else { return false };
            *held -= stream.pieces[1].held();
            stream.pieces[1].forget_before((0, tsn + 1));
            *held += stream.pieces[1].held();
            stream.has_unordered()
        });
    }

    /// As `forward`, of I-DATA (RFC 8260 section 2.3.1).
    pub fn forward_interleaved(
        &mut self,
        id: u16,
        is_unordered: bool,
        message: u32,
        deliver: &mut impl FnMut(Delivered),
    ) {
        let stream = self.streams.entry(id).or_insert_with(Stream::new);
        let reference = if is_unordered { stream.last_unordered } else { stream.next };
        let message = extend_u32(reference, message);
        let assembly = &mut stream.pieces[usize::from(is_unordered)];
        self.held_bytes -= assembly.held();
        assembly.forget_before((message + 1, 0));
        self.held_bytes += assembly.held();
        if !is_unordered {
            self.held_bytes -= skip_to(id, stream, message, deliver);
        }
    }

    /// The peer counts from zero again on a stream (RFC 6525 section 5.2.2); what was incomplete stays so.
    pub fn reset(&mut self, id: u16) {
        let Some(stream) = self.streams.remove(&id) else { return };
        self.with_unordered.remove(&id);
        let incomplete: usize = stream.pieces.iter().map(Assembly::held).sum();
        let ready: usize = stream.ready.values().map(|whole| MESSAGE_COST + whole.data.len()).sum();
        self.held_bytes -= incomplete + ready;
    }

    /// The streams of which something is known.
    pub fn known(&self) -> BTreeSet<u16> {
        self.streams.keys().copied().collect()
    }
}

/// Delivers the ordered messages whose turn it is; how many bytes they have.
fn deliver_ready(id: u16, stream: &mut Stream, deliver: &mut impl FnMut(Delivered)) -> usize {
    let mut bytes = 0;
    while let Some(whole) = stream.ready.remove(&stream.next) {
        stream.next += 1;
        bytes += MESSAGE_COST + whole.data.len();
        deliver(Delivered { stream: id, ppid: whole.ppid, data: whole.data });
    }
    bytes
}

/// Delivers what is there of the ordered messages up to `message`, waits for no other of them, and goes on after them.
fn skip_to(id: u16, stream: &mut Stream, message: u64, deliver: &mut impl FnMut(Delivered)) -> usize {
    if message < stream.next {
        return 0;
    }
    let later = stream.ready.split_off(&(message + 1));
    let mut bytes = 0;
    for whole in std::mem::replace(&mut stream.ready, later).into_values() {
        bytes += MESSAGE_COST + whole.data.len();
        deliver(Delivered { stream: id, ppid: whole.ppid, data: whole.data });
    }
    stream.next = message + 1;
    bytes + deliver_ready(id, stream, deliver)
}
