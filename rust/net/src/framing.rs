//! Where STUN and ChannelData messages end in a stream (RFC 8489 section 6.2.2, RFC 8656 section 12.5).

/// The header of a STUN message, whose length does not count it.
const STUN_HEADER_BYTES: usize = 20;
/// Channel number and length.
const CHANNEL_HEADER_BYTES: usize = 4;
/// Both kinds tell their length in the second pair of bytes.
const PREFIX_BYTES: usize = 4;

/// The stream holds something else, and nobody can tell where the next message begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Misframed;

/// What has come of a stream: at most the longest message and the reads of one turn.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    buffer: Vec<u8>,
    taken: usize,
}

impl Incoming {
    /// Appends what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.taken.min(self.buffer.len()));
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message that is there whole, without ChannelData's padding.
    pub fn next_untrusted(&mut self) -> Result<Option<&mut [u8]>, Misframed> {
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

/// Appends a message as it goes over a stream: padded to a multiple of four bytes, which STUN's are already.
pub(crate) fn write_message(out: &mut Vec<u8>, message: &[u8]) {
    out.extend_from_slice(message);
    out.resize(out.len() + padding(message.len()), 0);
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
        messages.iter().for_each(|message| write_message(&mut stream, message));
        for size in 1..=stream.len() {
            let (mut incoming, mut got) = (Incoming::default(), Vec::new());
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
    fn what_is_neither_stun_nor_channel_data_ends_the_stream() {
        for start in [[0x80, 0, 0, 0], [0x50, 0, 0, 4], [0, 1, 0, 3], *b"SSH-"] {
            let mut incoming = Incoming::default();
            incoming.push(&start);
            assert_eq!(incoming.next_untrusted(), Err(Misframed), "{start:?}");
        }
    }

    #[test]
    fn the_longest_message_of_all_is_waited_for_and_no_more_is_kept() {
        let mut incoming = Incoming::default();
        incoming.push(&[0x40, 0, 0xff, 0xff]);
        incoming.push(&[7; 65_535]);
        assert_eq!(incoming.next_untrusted(), Ok(None), "its padding is missing");
        incoming.push(&[0]);
        assert_eq!(incoming.next_untrusted().unwrap().map(|message| message.len()), Some(4 + 65_535));
        incoming.push(&[]);
        assert!(incoming.buffer.is_empty());
    }
}
