//! What scenarios share.

/// Some seeds; `VISAVIS_SEED` names one to run alone.
pub fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("VISAVIS_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => vec![seed],
        None => (1..=count).collect(),
    }
}
