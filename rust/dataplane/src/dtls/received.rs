//! Application data on its way from the engine to who reads it.

/// The packets of one datagram, or of those that waited for the handshake: the engine bounds both, and all are taken before
/// the next datagram is handed in. Their bytes lie one after the other, so that no packet costs an allocation.
#[derive(Debug, Default)]
pub struct Received {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Received {
    pub(super) fn push(&mut self, packet: &[u8]) {
        self.bytes.extend_from_slice(packet);
        self.ends.push(self.bytes.len());
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Hands out each packet in its order, and forgets it; how many there were.
    pub fn take(&mut self, mut each: impl FnMut(&[u8])) -> usize {
        let mut start = 0;
        for &end in &self.ends {
            each(self.bytes.get(start..end).unwrap_or_default());
            start = end;
        }
        let count = self.ends.len();
        self.clear();
        count
    }
}
