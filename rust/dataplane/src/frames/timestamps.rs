//! RTP timestamps that wrap, made to grow for ever.

/// Extends 32-bit timestamps to 64 bits: each is taken as the one nearest to the last.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timestamps {
    last: Option<u64>,
    /// Of the stream's first timestamp.
    cycle: u64,
}

impl Timestamps {
    pub fn unwrap(&mut self, timestamp: u32) -> u64 {
        let extended = match self.last {
            // One cycle above the lowest, so that an earlier one has room below.
            None => (self.cycle + 1) << 32 | u64::from(timestamp),
            Some(last) => last.saturating_add_signed(i64::from(timestamp.wrapping_sub(last as u32) as i32)),
        };
        self.last = Some(extended);
        extended
    }

    /// Another stream begins, with timestamps of its own: they all lie above what came before.
    pub fn restart(&mut self) {
        if let Some(last) = self.last.take() {
            self.cycle = (last >> 32) + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_grow_through_a_wrap_and_keep_their_low_bits() {
        let mut timestamps = Timestamps::default();
        let first = timestamps.unwrap(0xffff_ff00);
        assert_eq!(timestamps.unwrap(0x100), first + 0x200);
        assert_eq!(timestamps.unwrap(0xffff_fff0) as u32, 0xffff_fff0);
        assert_eq!(timestamps.unwrap(0x100), first + 0x200);
    }

    #[test]
    fn another_stream_lies_above() {
        for begins in [0, 5, u32::MAX] {
            let mut timestamps = Timestamps::default();
            let first = timestamps.unwrap(0xffff_ff00);
            timestamps.restart();
            timestamps.restart();
            let second = timestamps.unwrap(begins);
            assert!(second > first && second as u32 == begins);
            assert!(timestamps.unwrap(begins.wrapping_sub(900)) > first, "even if its start is reordered");
        }
    }
}
