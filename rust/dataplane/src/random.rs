//! Numbers that nobody else can guess, drawn from a secret that the driver gave.

use aws_lc_rs::hmac;

/// What the driver draws from the system once, for each shard.
pub type Secret = [u8; 32];

/// HMAC-SHA256 over a counter, a pseudo-random function: the same secret gives the same numbers.
pub struct Random {
    key: hmac::Key,
    counter: u64,
}

impl Random {
    pub fn new(secret: &Secret) -> Random {
        Random { key: hmac::Key::new(hmac::HMAC_SHA256, secret), counter: 0 }
    }

    /// 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.counter += 1;
        let tag = hmac::sign(&self.key, &self.counter.to_be_bytes());
        let bytes = tag.as_ref().first_chunk().copied();
        // A tag of SHA-256 has 32 bytes.
        u64::from_be_bytes(bytes.unwrap_or_default())
    }
}

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Random").field("counter", &self.counter).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_secret_gives_one_sequence_without_a_repetition() {
        let draw = |secret| {
            let mut random = Random::new(&[secret; 32]);
            (0..1_000).map(|_| random.next_u64()).collect::<Vec<u64>>()
        };
        assert_eq!(draw(1), draw(1));
        let mut all = [draw(1), draw(2)].concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 2_000);
    }
}
