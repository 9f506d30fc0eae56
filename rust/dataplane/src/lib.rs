//! The data plane of visavis, sans-IO.
//!
//! A [`Shard`] is all that one data plane thread owns. It is driven from outside: datagrams, commands and messages of
//! other shards go in by `handle_*` with the time; `flush` ends a batch of them; datagrams, reports, messages and the next
//! deadline come out. It reads no clock, no socket and no randomness but DTLS's own: its own it draws from a secret that it is given.
//!
//! | file | what it decides |
//! |---|---|
//! | `api`, `message`, `counters` | what goes in and out: commands, reports, what shards tell each other, reasons |
//! | `shard`, `sockets`, `relay` | whose a datagram is; timers; sockets and relays of transports |
//! | `stun`, `network`, `commands`, `connectivity`, `tick`, `forward`, `stats` | what the shard does with packets, commands, paths, time, media, questions |
//! | `ice`, `dtls`, `srtp` | who the peer is and how it is spoken to |
//! | `transport`, `addresses` | one peer's state; which addresses were validated |
//! | `receive`, `twcc` | a publisher: streams bound, gaps asked for, feedback |
//! | `source`, `cache`, `keyframes` | a track: its packets for all subscribers, its key frames |
//! | `frames` | what Python sends and receives itself: frames cut into packets, and put together |
//! | `sctp`, `channels` | the data channels' association, and what a shard does with it |
//! | `send`, `ladder`, `bwe` | a subscriber: seamless streams, what fits, what the network carries |
#![forbid(unsafe_code)]

pub mod addresses;
pub mod api;
pub mod bwe;
pub mod cache;
mod channels;
mod commands;
mod connectivity;
pub mod counters;
pub mod dtls;
mod forward;
pub mod frames;
pub mod ice;
mod ids;
pub mod keyframes;
pub mod ladder;
pub mod media;
pub mod message;
mod network;
pub mod random;
pub mod rate;
pub mod receive;
pub mod relay;
pub mod sctp;
pub mod send;
pub mod sequence;
pub mod shard;
pub mod sockets;
pub mod source;
pub mod srtp;
mod stats;
mod stun;
mod tick;
pub mod time;
pub mod transmit;
pub mod transport;
pub mod twcc;

pub use api::{Command, Descriptor, Report, ShardId, SocketId};
pub use message::ShardMessage;
pub use shard::{Shard, ShardConfig};
pub use sockets::{SocketChange, StreamTo};
pub use time::Time;
pub use transmit::{Transmit, TransmitQueue};
