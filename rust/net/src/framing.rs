//! Where messages end in a stream: STUN and ChannelData on the way to a TURN server (RFC 8489 section 6.2.2, RFC 8656
//! section 12.5), packets of any kind on the way to a peer (RFC 4571, by RFC 6544 section 3).

/// The header of a STUN message, whose length does not count it.
const STUN_HEADER_BYTES: usize = 20;
/// Channel number and length.
const CHANNEL_HEADER_BYTES: usize = 4;
/// Both kinds tell their length in the second pair of bytes.
const PREFIX_BYTES: usize = 4;
/// Before a packet there is its length alone.
const PACKET_HEADER_BYTES: usize = 2;

/// How messages lie in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// To a TURN server: each message tells its own length.
    Turn,
    /// To a peer: before each packet its length.
    Packets,
}

/// The stream holds something else, and nobody can tell where the next message begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Misframed;

/// What has come of a stream: at most the longest message and the reads of one turn.
#[derive(Debug)]
pub(crate) struct Incoming {
    framing: Framing,
    buffer: Vec<u8>,
    taken: usize,
}

impl Incoming {
    pub fn new(framing: Framing) -> Incoming {
        Incoming { framing, buffer: Vec::new(), taken: 0 }
    }

    /// Appends what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.taken.min(self.buffer.len()));
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message that is there whole, without what frames it.
    pub fn next_untrusted(&mut self) -> Result<Option<&mut [u8]>, Misframed> {
        match self.framing {
            Framing::Turn => self.next_of_server_untrusted(),
            Framing::Packets => Ok(self.next_packet_untrusted()),
        }
    }

    /// RFC 4571 section 2; an empty packet keeps a stream alive, and nothing else.
    fn next_packet_untrusted(&mut self) -> Option<&mut [u8]> {
        loop {
            let rest = self.buffer.get(self.taken..)?;
            let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
            let start = self.taken + PACKET_HEADER_BYTES;
            if self.buffer.len() < start + length {
                return None;
            }
            self.taken = start + length;
            if length > 0 {
                return self.buffer.get_mut(start..start + length);
            }
        }
    }

    fn next_of_server_untrusted(&mut self) -> Result<Option<&mut [u8]>, Misframed> {
        let rest = self.buffer.get(self.taken..).unwrap_or_default();
        let Some(prefix) = rest.first_chunk::<PREFIX_BYTES>() else { return Ok(None) };
        let length = length_untrusted(*prefix)?;
        if rest.len() < length.next_multiple_of(4) {
            return Ok(None);
        }
        let start = self.taken;
        self.taken += length.next_multiple_of(4);
        Ok(self.buffer.get_mut(start..start + length))
    }
}

/// The length of the message that begins so, without padding.
fn length_untrusted(prefix: [u8; PREFIX_BYTES]) -> Result<usize, Misframed> {
    let length = usize::from(u16::from_be_bytes([prefix[2], prefix[3]]));
    match prefix[0] {
        0..=0x3f if length % 4 == 0 => Ok(STUN_HEADER_BYTES + length),
        0x40..=0x4f => Ok(CHANNEL_HEADER_BYTES + length),
        _ => Err(Misframed),
    }
}

/// Appends a message as it goes over a stream: to a server padded to a multiple of four bytes, which STUN's are already, to
/// a peer with its length before it. What is longer than that can say is no datagram, and is left out.
pub(crate) fn write_message(framing: Framing, out: &mut Vec<u8>, message: &[u8]) {
    match framing {
        Framing::Turn => {
            out.extend_from_slice(message);
            out.resize(out.len() + padding(message.len()), 0);
        }
        Framing::Packets => {
            if let Ok(length) = u16::try_from(message.len()) {
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(message);
            }
        }
    }
}

fn padding(length: usize) -> usize {
    length.next_multiple_of(4) - length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stun(attribute_bytes: u8) -> Vec<u8> {
        let mut message = vec![0, 1, 0, attribute_bytes, 0x21, 0x12, 0xa4, 0x42];
        message.resize(STUN_HEADER_BYTES + usize::from(attribute_bytes), attribute_bytes);
        message
    }

    fn channel_data(data: &[u8]) -> Vec<u8> {
        [&[0x40, 0x07, 0, data.len() as u8], data].concat()
    }

    #[test]
    fn messages_come_out_as_they_went_in_however_the_stream_is_cut() {
        let messages = [stun(0), channel_data(b"1"), channel_data(b""), stun(8), channel_data(b"12345678")];
        let mut stream = Vec::new();
        messages.iter().for_each(|message| write_message(Framing::Turn, &mut stream, message));
        for size in 1..=stream.len() {
            let (mut incoming, mut got) = (Incoming::new(Framing::Turn), Vec::new());
            for part in stream.chunks(size) {
                incoming.push(part);
                while let Some(message) = incoming.next_untrusted().unwrap() {
                    got.push(message.to_vec());
                }
            }
            assert_eq!(got, messages, "in reads of {size}");
        }
    }

    #[test]
    fn packets_of_any_kind_come_out_however_the_stream_is_cut_and_empty_ones_say_nothing() {
        let packets = [vec![0x80; 1], vec![22; 1_200], stun(8), vec![0xff; 65_535]];
        let mut stream = vec![0, 0];
        packets.iter().for_each(|packet| write_message(Framing::Packets, &mut stream, packet));
        write_message(Framing::Packets, &mut stream, &[7; 65_536]);
        for size in [1, 2, 3, 1_000, stream.len()] {
            let (mut incoming, mut got) = (Incoming::new(Framing::Packets), Vec::new());
            for part in stream.chunks(size) {
                incoming.push(part);
                while let Some(packet) = incoming.next_untrusted().unwrap() {
                    got.push(packet.to_vec());
                }
            }
            assert_eq!(got, packets, "in reads of {size}");
        }
    }

    #[test]
    fn what_is_neither_stun_nor_channel_data_ends_the_stream() {
        for start in [[0x80, 0, 0, 0], [0x50, 0, 0, 4], [0, 1, 0, 3], *b"SSH-"] {
            let mut incoming = Incoming::new(Framing::Turn);
            incoming.push(&start);
            assert_eq!(incoming.next_untrusted(), Err(Misframed), "{start:?}");
        }
    }

    #[test]
    fn the_longest_message_of_all_is_waited_for_and_no_more_is_kept() {
        let mut incoming = Incoming::new(Framing::Turn);
        incoming.push(&[0x40, 0, 0xff, 0xff]);
        incoming.push(&[7; 65_535]);
        assert_eq!(incoming.next_untrusted(), Ok(None), "its padding is missing");
        incoming.push(&[0]);
        assert_eq!(incoming.next_untrusted().unwrap().map(|message| message.len()), Some(4 + 65_535));
        incoming.push(&[]);
        assert!(incoming.buffer.is_empty());
    }
}
