//! ICE under any sequence of commands, datagrams and silences, from seeds; `fuzz/targets/ice.rs` searches further.

mod drive;

/// As many times as many by `VISAVIS_TIMES`.
fn times() -> u64 {
    std::env::var("VISAVIS_TIMES").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}

#[test]
fn any_sequence_of_commands_and_datagrams_is_survived_and_leaves_nothing() {
    for seed in 1..=200 * times() {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let bytes: Vec<u8> = (0..2_000)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 32) as u8
            })
            .collect();
        drive::drive(&bytes);
    }
}
