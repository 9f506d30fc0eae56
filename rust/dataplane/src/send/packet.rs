//! One packet of a subscriber's as it leaves: header with its extensions, payload, seal.

use visavis_wire::payload::NumberShift;
use visavis_wire::{ext, rtp};

use crate::api::Extension;
use crate::bwe::Bandwidth;
use crate::ice::Path;
use crate::media::MediaPacket;
use crate::srtp::{self, SealError};
use crate::time::Time;
use crate::transmit::TransmitQueue;

/// Extensions that go from publisher to subscriber as they are; the others are hop by hop.
const PASSED_ON: [Extension; 4] = [
    Extension::AudioLevel,
    Extension::VideoOrientation,
    Extension::PlayoutDelay,
    Extension::DependencyDescriptor,
];

/// What every packet of a transport needs to leave.
#[derive(Debug)]
pub struct Exit<'a> {
    pub now: Time,
    pub ntp: u64,
    pub path: Path,
    pub extension_ids: &'a [u8; Extension::COUNT],
    pub transmits: &'a mut TransmitQueue,
    /// The next packet's transport-wide number.
    pub transport_sequence: &'a mut u64,
    /// Is told of each packet that has such a number.
    pub bandwidth: Option<&'a mut Bandwidth>,
}

impl Exit<'_> {
    /// Writes, seals and queues a packet; its size on the wire.
    pub fn send(
        &mut self,
        srtp: &srtp::Sender,
        stream: &mut srtp::SealStream,
        outgoing: &Outgoing<'_>,
    ) -> Result<usize, SealError> {
        let transport_sequence = ext::transport_cc_bytes(*self.transport_sequence as u16);
        let send_time = ext::AbsSendTime::from_ntp(self.ntp).to_bytes();
        let mut elements = Elements::new();
        elements.push(self.extension_ids, Extension::TransportCc, &transport_sequence);
        elements.push(self.extension_ids, Extension::AbsSendTime, &send_time);
        for (extension, value) in outgoing.names {
            elements.push(self.extension_ids, extension, value);
        }
        for extension in PASSED_ON {
            if let Some(value) = outgoing.packet.extension(extension) {
                elements.push(self.extension_ids, extension, value);
            }
        }
        let mut size = 0;
        self.transmits.push_with(self.path.socket, self.path.peer, |out| {
            let start = out.len();
            let header_length = outgoing.header.write(out, elements.as_slice().iter().copied());
            out.extend_from_slice(outgoing.prefix);
            let payload = out.len();
            out.extend_from_slice(outgoing.packet.payload());
            if let Some(numbers) = &outgoing.packet.numbers
                && let Some(payload) = out.get_mut(payload..)
            {
                numbers.shift(payload, outgoing.shift);
            }
            let sealed = if outgoing.in_order {
                srtp.seal_rtp(stream, out, start, header_length)
            } else {
                srtp.seal_late_rtp(stream, out, start, header_length)
            };
            size = out.len() - start;
            sealed.map(|_| ())
        })?;
        self.note_sent(size);
        Ok(size)
    }

    /// As libwebrtc's probes: a packet that is all padding (RFC 3550 section 5.1), at most 255 bytes of it. `header` has
    /// its P bit set.
    pub fn send_padding(
        &mut self,
        srtp: &srtp::Sender,
        stream: &mut srtp::SealStream,
        header: &rtp::HeaderWriter<'_>,
        names: [(Extension, &[u8]); 2],
    ) -> Result<usize, SealError> {
        let transport_sequence = ext::transport_cc_bytes(*self.transport_sequence as u16);
        let mut elements = Elements::new();
        elements.push(self.extension_ids, Extension::TransportCc, &transport_sequence);
        for (extension, value) in names {
            elements.push(self.extension_ids, extension, value);
        }
        let mut size = 0;
        self.transmits.push_with(self.path.socket, self.path.peer, |out| {
            let start = out.len();
            let header_length = header.write(out, elements.as_slice().iter().copied());
            out.resize(out.len() + 254, 0);
            out.push(255);
            let sealed = srtp.seal_rtp(stream, out, start, header_length);
            size = out.len() - start;
            sealed.map(|_| ())
        })?;
        self.note_sent(size);
        Ok(size)
    }

    fn note_sent(&mut self, size: usize) {
        if let Some(bandwidth) = &mut self.bandwidth {
            bandwidth.note_sent(self.now, *self.transport_sequence, size);
        }
        *self.transport_sequence += 1;
    }
}

/// A media packet on its way out.
#[derive(Debug)]
pub struct Outgoing<'a> {
    pub header: rtp::HeaderWriter<'a>,
    /// MID and RID, sent along while the subscriber has not shown that it knows the SSRC.
    pub names: [(Extension, &'a [u8]); 2],
    /// Comes before the payload: the original number of a repetition (RFC 4588 section 4).
    pub prefix: &'a [u8],
    pub packet: &'a MediaPacket,
    /// How far the running numbers of its frames are moved on.
    pub shift: NumberShift,
    /// Its number is above all that left before.
    pub in_order: bool,
}

/// Header extensions of one packet: few, on the stack.
#[derive(Clone, Copy)]
struct Elements<'a> {
    values: [(u8, &'a [u8]); PASSED_ON.len() + 4],
    length: usize,
}

impl<'a> Elements<'a> {
    fn new() -> Elements<'a> {
        Elements { values: [(0, &[]); PASSED_ON.len() + 4], length: 0 }
    }

    fn push(&mut self, ids: &[u8; Extension::COUNT], extension: Extension, value: &'a [u8]) {
        let id = ids[extension as usize];
        if id != 0 && !value.is_empty() && self.length < self.values.len() {
            self.values[self.length] = (id, value);
            self.length += 1;
        }
    }

    fn as_slice(&self) -> &[(u8, &'a [u8])] {
        &self.values[..self.length]
    }
}
