//! An emulated network on virtual time that drives the data plane as `net` does, without a clock or a socket.
//!
//! A [`Call`] is a server of some shards and its peers, set up as Python would set it up. Everything that happens follows
//! from one seed: links lose, delay and reorder by dice of their own, and peers are given their SRTP keys, so that two
//! runs of one seed are the same to the byte.
//!
//! | file | what it is |
//! |---|---|
//! | `random` | the dice |
//! | `link` | one direction of an access: rate, queue, delay, loss |
//! | `network` | the clock, what is under way, who is attached |
//! | `server` | the shards, driven as `net` drives them |
//! | `peer` | a browser's part: checks, media out, media in |
//! | `mirror` | two transports of the server, each the other's peer |
//! | `content` | what the packets carry, so that the far end can tell what it got |
//! | `call` | a server's call: commands, as Python gives them |
//! | `duo` | two full ICE agents, each on a data plane of its own |
#![forbid(unsafe_code)]

pub mod call;
pub mod content;
pub mod duo;
pub mod link;
pub mod mirror;
pub mod network;
pub mod peer;
pub mod random;
pub mod server;

pub use call::{Call, Member};
pub use duo::Duo;
pub use link::{LinkConfig, Links};
pub use network::{Datagram, Handle, Network, Node};
pub use peer::Peer;
pub use random::Random;
pub use server::Server;
