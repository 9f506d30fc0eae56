//! interim
use crate::time::Time;
#[derive(Debug)]
pub struct Bandwidth;
impl Bandwidth {
    pub fn new(_now: Time) -> Bandwidth { Bandwidth }
    pub fn estimate_bps(&self) -> Option<u64> { None }
    pub fn set_wanted_bps(&mut self, _: u64) {}
    pub fn note_sent(&mut self, _now: Time, _seq: u64, _size: usize) {}
    pub fn handle_feedback(&mut self, _now: Time, _f: &visavis_wire::rtcp::TransportFeedback<'_>) {}
    pub fn poll_probe(&mut self, _now: Time) -> Option<usize> { None }
}
