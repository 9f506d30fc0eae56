//! One data plane thread's whole state.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::api::{Command, Report, ShardId, SocketId};
use crate::counters::Counters;
use crate::time::Time;
use crate::transmit::TransmitQueue;

/// What a shard is made with.
#[derive(Clone)]
pub struct ShardConfig {
    pub id: ShardId,
    /// How many shards there are; their identifiers are 0 to this.
    pub shards: u8,
    /// Seeds all choices that need not be secret: reports' jitter and the like.
    pub seed: u64,
    /// The wall clock at `Time::ZERO`, as NTP time (RFC 3550 section 4): seconds since 1900 in the upper 32 bits.
    pub ntp_at_zero: u64,
    pub certificate: Arc<dimpl::DtlsCertificate>,
    pub counters: Arc<Counters>,
}

/// What one shard hands to another: datagrams of the other's transports, media for its subscribers.
#[derive(Debug)]
pub enum ShardMessage {
    Datagram { socket: SocketId, peer: SocketAddr, data: Arc<[u8]> },
}

pub struct Shard {
    config: ShardConfig,
    transmits: TransmitQueue,
}

impl Shard {
    pub fn new(config: ShardConfig) -> Shard {
        Shard { config, transmits: TransmitQueue::default() }
    }

    pub fn id(&self) -> ShardId {
        self.config.id
    }

    /// One datagram from the network; it is decrypted in place.
    pub fn handle_datagram_untrusted(
        &mut self,
        _now: Time,
        _socket: SocketId,
        _peer: SocketAddr,
        _data: &mut [u8],
    ) {
    }

    /// A message that another shard's `poll_message` gave.
    pub fn handle_message(&mut self, _now: Time, _from: ShardId, _message: ShardMessage) {}

    pub fn handle_command(&mut self, _now: Time, _command: Command) {}

    pub fn handle_timeout(&mut self, _now: Time) {}

    /// Ends every transport: the close_notify alerts and the last reports are there to be polled afterwards.
    pub fn close(&mut self, _now: Time) {}

    /// Ends a batch of input: what was gathered is forwarded, destination by destination. Call it before `transmits`.
    pub fn flush(&mut self, _now: Time) {}

    /// When `handle_timeout` wants to be called next.
    pub fn poll_timeout(&self) -> Option<Time> {
        None
    }

    /// The datagrams to send; the driver clears the queue when it has sent them.
    pub fn transmits(&mut self) -> &mut TransmitQueue {
        &mut self.transmits
    }

    pub fn poll_report(&mut self) -> Option<Report> {
        None
    }

    pub fn poll_message(&mut self) -> Option<(ShardId, ShardMessage)> {
        None
    }
}

impl std::fmt::Debug for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shard").field("id", &self.config.id).finish_non_exhaustive()
    }
}
