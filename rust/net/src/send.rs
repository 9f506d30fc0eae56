//! Sending a turn's datagrams: in batches, segmented by the kernel where it can, and past every error.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;

use visavis_dataplane::counters::{Counter, Counters};
use visavis_dataplane::{SocketId, TransmitQueue};

use crate::sys::{self, Outgoing};

/// After how many refusals without a success between segmentation offload is given up on a socket. A single one says
/// little: a path with a small MTU refuses its own trains only.
const REFUSALS: u8 = 8;

/// Where batches go: a thread's sockets, or what a test makes of them.
pub(crate) trait Outlet {
    /// How many the kernel took; an error is about the first.
    fn send<'a>(&mut self, socket: SocketId, batch: impl Iterator<Item = Outgoing<'a>>) -> io::Result<usize>;
    /// Waits a moment for room in a full socket.
    fn wait_writable(&mut self, socket: SocketId) -> bool;
}

/// What the system refused to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub socket: SocketId,
    pub destination: SocketAddr,
    /// The one datagram's, where it was refused for its length.
    pub too_long: Option<usize>,
}

/// What is known of a socket's segmentation offload.
#[derive(Clone, Copy, Debug)]
struct Offload {
    on: bool,
    refusals: u8,
}

impl Default for Offload {
    fn default() -> Offload {
        Offload { on: sys::Sender::SEGMENTS, refusals: 0 }
    }
}

/// Sends transmit queues and remembers which sockets can segment.
#[derive(Debug, Default)]
pub(crate) struct Transmitter {
    offloads: HashMap<SocketId, Offload>,
}

/// One thing to send: a whole transmit as a train, or one datagram of it.
struct Step<'a> {
    outgoing: Outgoing<'a>,
    datagrams: u64,
}

/// The steps from a place in the queue on, as long as they are for one socket.
#[derive(Clone)]
struct Steps<'a> {
    queue: &'a TransmitQueue,
    socket: SocketId,
    offload: bool,
    /// A transmit whose train was refused: its datagrams go one by one.
    apart: Option<usize>,
    entry: usize,
    offset: usize,
}

impl<'a> Iterator for Steps<'a> {
    type Item = Step<'a>;

    fn next(&mut self) -> Option<Step<'a>> {
        let transmit =
            self.queue.entries().get(self.entry).filter(|transmit| transmit.socket == self.socket)?;
        let bytes = self.queue.bytes(transmit);
        let destination = transmit.destination;
        let segment = transmit.segment.max(1);
        let train = u16::try_from(segment).ok().filter(|_| {
            self.offload && self.apart != Some(self.entry) && self.offset == 0 && bytes.len() > segment
        });
        if train.is_some() {
            self.entry += 1;
            let datagrams = bytes.len().div_ceil(segment) as u64;
            return Some(Step { outgoing: Outgoing { destination, bytes, segment: train }, datagrams });
        }
        let rest = bytes.get(self.offset..).unwrap_or_default();
        let datagram = &rest[..segment.min(rest.len())];
        self.offset += datagram.len();
        if self.offset >= bytes.len() {
            self.entry += 1;
            self.offset = 0;
        }
        Some(Step { outgoing: Outgoing { destination, bytes: datagram, segment: None }, datagrams: 1 })
    }
}

impl Transmitter {
    /// A socket is closed.
    pub fn forget(&mut self, socket: SocketId) {
        self.offloads.remove(&socket);
    }

    /// Sends all of the queue that can be sent; what cannot is counted, and `refused` gets what the system did not take.
    pub fn send_all(
        &mut self,
        queue: &TransmitQueue,
        outlet: &mut impl Outlet,
        counters: &Counters,
        refused: &mut Vec<Refused>,
    ) {
        let mut may_wait = true;
        let (mut entry, mut offset, mut apart) = (0, 0, None);
        while let Some(transmit) = queue.entries().get(entry) {
            let socket = transmit.socket;
            let offload = self.offloads.entry(socket).or_default();
            let mut steps = Steps { queue, socket, offload: offload.on, apart, entry, offset };
            match outlet.send(socket, steps.clone().map(|step| step.outgoing)) {
                Ok(sent) => {
                    for step in steps.by_ref().take(sent) {
                        counters.add(Counter::DatagramsSent, step.datagrams);
                        counters.add(Counter::BytesSent, step.outgoing.bytes.len() as u64);
                        if step.outgoing.segment.is_some() {
                            offload.refusals = 0;
                        }
                    }
                    if sent == 0 {
                        drop_rest(&mut steps, Counter::SendFailed, counters);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !std::mem::take(&mut may_wait) || !outlet.wait_writable(socket) {
                        drop_rest(&mut steps, Counter::SendWouldBlock, counters);
                    }
                }
                Err(error) => {
                    let first = steps.clone().next();
                    let is_train = first.as_ref().is_some_and(|step| step.outgoing.segment.is_some());
                    if is_train && is_refusal(&error) {
                        counters.add(Counter::SendUnsegmented, 1);
                        apart = Some(entry);
                        offload.refusals += 1;
                        offload.on = offload.refusals < REFUSALS;
                    } else if let Some(lost) = steps.next() {
                        let is_too_long = error.raw_os_error() == Some(libc::EMSGSIZE);
                        let reason = if is_too_long { Counter::SendTooLong } else { Counter::SendFailed };
                        counters.add(reason, lost.datagrams);
                        let Outgoing { destination, bytes, .. } = lost.outgoing;
                        let too_long = is_too_long.then_some(bytes.len());
                        refused.push(Refused { socket, destination, too_long });
                    }
                }
            }
            (entry, offset) = (steps.entry, steps.offset);
        }
    }
}

fn drop_rest(steps: &mut Steps<'_>, reason: Counter, counters: &Counters) {
    let lost = steps.map(|step| step.datagrams).sum();
    counters.add(reason, lost);
}

/// Whether the error may be about segmentation rather than the datagrams: a device without checksum offload (EIO), an old
/// kernel or a path whose MTU is below the segment (EINVAL, EMSGSIZE).
fn is_refusal(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EIO | libc::EINVAL | libc::EMSGSIZE))
}

#[cfg(test)]
mod tests;
