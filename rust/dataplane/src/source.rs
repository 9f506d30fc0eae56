//! A published track as one shard sees it: its layers, their caches, and who is subscribed.

use std::sync::Arc;
use std::time::Duration;

use crate::api::{Kind, ShardId, SlotId, TransportId};
use crate::cache::PacketCache;
use crate::frames::ReceiverId;
use crate::frames::assembler::Assembler;
use crate::frames::local::LocalSource;
use crate::keyframes::KeyFrameRequests;
use crate::media::{ClockMap, MediaPacket};
use crate::rate::RateMeter;
use crate::time::Time;

/// No packet for so long: a layer counts as silent.
pub const SILENT_AFTER: Duration = Duration::from_secs(2);
/// What a cache keeps: a second and a half, for a round trip of half a second and a few tries.
pub const CACHE_AGE: Duration = Duration::from_millis(1_500);
const VIDEO_PACKETS: usize = 2_048;
const VIDEO_BYTES: usize = 3 << 20;
const AUDIO_PACKETS: usize = 128;
const AUDIO_BYTES: usize = 64 << 10;
/// The most layers of one track.
pub const MAX_LAYERS: usize = 8;

/// One encoding of a track.
#[derive(Debug)]
pub struct Layer {
    pub cache: PacketCache,
    pub rate: RateMeter,
    pub clock: Option<ClockMap>,
    /// When other shards were told of a local source's clock.
    pub clock_told: Option<Time>,
    pub requests: KeyFrameRequests,
    pub last_packet: Option<Time>,
    /// While somebody receives its frames.
    pub assembler: Option<Assembler>,
}

impl Layer {
    fn new(kind: Kind) -> Layer {
        let (packets, bytes) = match kind {
            Kind::Audio => (AUDIO_PACKETS, AUDIO_BYTES),
            Kind::Video => (VIDEO_PACKETS, VIDEO_BYTES),
        };
        Layer {
            cache: PacketCache::new(packets, bytes, CACHE_AGE),
            rate: RateMeter::default(),
            clock: None,
            clock_told: None,
            requests: KeyFrameRequests::default(),
            last_packet: None,
            assembler: None,
        }
    }
}

/// A slot of a transport of this shard that gets the track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub transport: TransportId,
    pub slot: SlotId,
}

/// A track on one shard: its publisher's, or one that has subscribers of it.
#[derive(Debug)]
pub struct Source {
    pub kind: Kind,
    /// The publisher's transport, on its own shard only.
    pub publisher: Option<TransportId>,
    /// Its frames are made on this machine; there is no publisher then.
    pub local: Option<LocalSource>,
    /// Who receives frames, and of which layer; on the publisher's or local source's shard only.
    pub receivers: Vec<(ReceiverId, u8)>,
    pub layers: Vec<Layer>,
    pub subscriptions: Vec<Subscription>,
    /// Other shards with subscribers; on the publisher's shard only.
    pub shards: Vec<ShardId>,
    /// A layer began to send in this turn: those that wait for it choose anew before it is forwarded.
    pub woken: bool,
    /// Packets of this turn, to be forwarded at its end.
    pub pending: Vec<(u8, Arc<MediaPacket>)>,
}

impl Source {
    /// A track of which nothing but its existence is known yet.
    pub fn new(kind: Kind) -> Source {
        Source {
            kind,
            publisher: None,
            local: None,
            receivers: Vec::new(),
            layers: Vec::new(),
            subscriptions: Vec::new(),
            shards: Vec::new(),
            woken: false,
            pending: Vec::new(),
        }
    }

    /// Nobody publishes it and nobody waits for it.
    pub fn is_unused(&self) -> bool {
        self.publisher.is_none()
            && self.local.is_none()
            && self.subscriptions.is_empty()
            && self.shards.is_empty()
    }

    pub fn layer_mut(&mut self, layer: u8) -> Option<&mut Layer> {
        let index = usize::from(layer);
        if index >= MAX_LAYERS {
            return None;
        }
        self.layers.reserve_exact((index + 1).saturating_sub(self.layers.len()));
        while self.layers.len() <= index {
            self.layers.push(Layer::new(self.kind));
        }
        self.layers.get_mut(index)
    }

    /// Takes a packet in; false for one that is here already.
    pub fn push(&mut self, now: Time, layer: u8, packet: Arc<MediaPacket>) -> bool {
        let Some(kept) = self.layer_mut(layer) else { return false };
        if !kept.cache.insert(Arc::clone(&packet)) {
            return false;
        }
        kept.rate.add(now, packet.data.len());
        let before = kept.last_packet.replace(now);
        if packet.starts_key_frame {
            kept.requests.satisfied();
        }
        self.woken |= before.is_none_or(|before| now.since(before) >= SILENT_AFTER);
        self.pending.push((layer, packet));
        true
    }

    /// Bits a second of each layer; 0 for one without packets lately.
    pub fn layer_rates(&mut self, now: Time, rates: &mut Vec<u64>) {
        rates.clear();
        rates.extend(self.layers.iter_mut().map(|layer| {
            match layer.last_packet {
                // A stream that has just begun costs something, even before it could be measured.
                Some(last) if now.since(last) < SILENT_AFTER => layer.rate.bps(now).max(1),
                _ => 0,
            }
        }));
    }
}
