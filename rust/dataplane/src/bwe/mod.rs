//! How much a subscriber's path bears, estimated by the sender from transport-wide feedback.
//!
//! The method is that of Google Congestion Control (draft-ietf-rmcat-gcc-02; Carlucci et al., "Congestion Control for
//! Web Real-Time Communication", 2017): the trend of the one-way delay between bursts of packets tells whether a queue
//! grows, an AIMD controller follows it, and a second bound follows the loss. Beyond it, a [`Prober`] plans short bursts
//! of padding that find room without waiting for the controller to climb.
//!
//! An [`Estimator`] is one transport's. It is told of each packet sent and of each feedback; it gives a target. It never
//! lowers its target without evidence: an application that sends less than it might keeps what was found. A
//! [`Bandwidth`] is the two together.

mod acknowledged;
mod aimd;
mod arrival;
mod bandwidth;
mod cluster;
mod estimator;
mod history;
mod loss;
mod probe_arrivals;
mod prober;
#[cfg(test)]
mod tests;
mod trendline;

pub use bandwidth::Bandwidth;
pub use cluster::ClusterId;
pub use estimator::{Config, Estimator};
pub use history::{Outcome, SendHistory};
pub use probe_arrivals::Finding;
pub use prober::Prober;
