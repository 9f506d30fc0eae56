//! How much memory idle pairs hold.

use std::fs;

use crate::end::End;
use crate::{Job, Result};

const STEPS: usize = 10;
const PAGE_BYTES: usize = 4096;

/// What was resident with so many pairs open, in bytes.
pub async fn resident(job: &Job) -> Result<Vec<(usize, usize)>> {
    let mut ends = Vec::new();
    let mut resident = Vec::new();
    for number in 0..=job.pairs {
        if number % (job.pairs / STEPS).max(1) == 0 {
            resident.push((number, resident_bytes()?));
        }
        if number < job.pairs {
            let (offerer, answerer) = (End::new(job.clone()).await?, End::new(job.clone()).await?);
            offerer.take_answer(answerer.answer(offerer.offer().await?).await?).await?;
            ends.push((offerer, answerer));
        }
    }
    Ok(resident)
}

fn resident_bytes() -> Result<usize> {
    let text = fs::read_to_string("/proc/self/statm")?;
    let pages: usize = text.split_ascii_whitespace().nth(1).ok_or("/proc/self/statm is short")?.parse()?;
    Ok(pages * PAGE_BYTES)
}
