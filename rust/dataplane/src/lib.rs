//! The data plane of visavis, sans-IO.
//!
//! A [`Shard`] is all that one data plane thread owns. It is driven from outside: datagrams, commands and messages of
//! other shards go in by `handle_*` with the time; datagrams, reports, messages and the next deadline come out by `poll_*`.
//! It reads no clock, no socket and no randomness but DTLS's own.
#![forbid(unsafe_code)]

pub mod api;
pub mod bwe;
pub mod counters;
pub mod dtls;
pub mod shard;
pub mod srtp;
pub mod time;
pub mod transmit;
pub mod twcc;

pub use api::{Command, Report, ShardId, SocketId};
pub use shard::{Shard, ShardConfig, ShardMessage};
pub use time::Time;
pub use transmit::{Transmit, TransmitQueue};
