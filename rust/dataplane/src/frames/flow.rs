//! What a shard does with frames: those of local sources become packets, packets become those of receivers.

use std::sync::Arc;
use std::time::Duration;

use super::assembler::Assembler;
use super::local::LocalSource;
use super::{Frame, FrameEvent, OutgoingFrame, ReceiverId};
use crate::api::{Kind, Report, SourcePayload, TrackId};
use crate::counters::Counter;
use crate::media::{ClockMap, MediaPacket};
use crate::message::ShardMessage;
use crate::shard::Shard;
use crate::source::{CACHE_AGE, MAX_LAYERS};
use crate::time::Time;

/// How often other shards are told of a local source's clock: sender reports leave once a second.
const CLOCK_INTERVAL: Duration = Duration::from_secs(1);

impl Shard {
    /// A track that a peer publishes is none: its identifier is in use.
    pub(crate) fn open_source(
        &mut self,
        track: TrackId,
        kind: Kind,
        payloads: Vec<SourcePayload>,
        wanted_bps: Option<u64>,
    ) {
        let source = self.source(track, kind);
        if source.publisher.is_none() {
            let local = source.local.get_or_insert_with(|| LocalSource::new(kind));
            (local.payloads, local.wanted_bps) = (payloads, wanted_bps);
        }
    }

    /// Of what left last something may be lost: the cache stays until it is too old to be asked for.
    pub(crate) fn close_source(&mut self, now: Time, track: TrackId) {
        let Some(source) = self.sources.get_mut(&track) else { return };
        if source.local.take().is_some() {
            self.end_receivers(track);
            self.retired.push_back((now + CACHE_AGE, track));
        }
    }

    /// A frame of a local source. Its packets leave at the end of the turn.
    pub fn handle_frame(&mut self, now: Time, track: TrackId, frame: &OutgoingFrame) {
        let ntp = self.ntp(frame.captured.min(now));
        let source = self.sources.get_mut(&track);
        let Some((source, clock_hz)) = source.and_then(|source| {
            let local = source.local.as_mut()?;
            let clock_hz = local.clock_hz(frame.payload_type)?;
            local.cut(now, frame).then_some((source, clock_hz))
        }) else {
            return self.count(Counter::FrameUnknown);
        };
        let map = ClockMap { timestamp: frame.timestamp, ntp, clock_hz };
        if let Some(layer) = source.layer_mut(frame.layer) {
            layer.clock = Some(map);
            if layer.clock_told.is_none_or(|told| now.since(told) >= CLOCK_INTERVAL) {
                layer.clock_told = Some(now);
                let (layer, shards) = (frame.layer, &source.shards);
                let told = shards.iter().map(|&shard| (shard, ShardMessage::Clock { track, layer, map }));
                self.messages.extend(told);
            }
        }
        self.count(Counter::FramesSent);
        self.release_packets(now, track);
    }

    /// Lets go of those packets of a local source whose time has come.
    fn release_packets(&mut self, now: Time, track: TrackId) {
        let bps = self.slowest_subscriber_bps(track);
        let Some(local) = self.sources.get_mut(&track).and_then(|source| source.local.as_mut()) else {
            return;
        };
        let mut packets = Vec::new();
        local.pacer.release(now, bps, &mut packets);
        let waits = local.pacer.due().is_some();
        for (layer, packet) in packets {
            self.push_media(now, track, layer, Arc::new(packet));
        }
        self.paced.retain(|&paced| paced != track);
        if waits {
            self.paced.push(track);
        }
    }

    /// What the network carries of the slowest transport on which a local source is sent: of those that the ladder lets
    /// have it, else of all. None: nothing is known, or nobody gets it.
    fn slowest_subscriber_bps(&self, track: TrackId) -> Option<u64> {
        let subscriptions = self.sources.get(&track)?.subscriptions.iter();
        let sends = subscriptions.filter_map(|subscription| {
            let send = &self.transports.get(&subscription.transport)?.send;
            let slot = send.slots().get(send.position(subscription.slot)?)?;
            Some((slot.target.is_none(), send.bandwidth.as_ref()?.target_bps()))
        });
        // Those with a target come first.
        sends.min().map(|(_, bps)| bps)
    }

    /// Local sources whose packets wait for their time.
    pub(crate) fn tick_pacers(&mut self, now: Time) {
        for track in self.paced.clone() {
            let local = self.sources.get(&track).and_then(|source| source.local.as_ref());
            if local.is_none_or(|local| local.pacer.due().is_none_or(|due| due <= now)) {
                self.release_packets(now, track);
            }
        }
        let sources = &self.sources;
        self.paced.retain(|track| sources.get(track).is_some_and(|source| source.local.is_some()));
    }

    pub(crate) fn pacers_due(&self) -> Option<Time> {
        let locals = self.paced.iter().filter_map(|track| self.sources.get(track)?.local.as_ref());
        locals.filter_map(|local| local.pacer.due()).min()
    }

    /// Asks the encoder of a local source for the key frame that is due, if one is.
    pub(crate) fn ask_encoder(&mut self, now: Time, track: TrackId, layer: u8) {
        let known = self.sources.get_mut(&track).and_then(|source| source.layer_mut(layer));
        if known.is_some_and(|layer| layer.requests.take(now)) {
            self.reports.push_back(Report::KeyFrameWanted { track, layer });
        }
    }

    pub(crate) fn open_receiver(&mut self, now: Time, track: TrackId, layer: u8, receiver: ReceiverId) {
        let known = self.sources.get_mut(&track).filter(|source| {
            (source.publisher.is_some() || source.local.is_some()) && usize::from(layer) < MAX_LAYERS
        });
        let Some(source) = known else {
            return self.frames.push_back((receiver, FrameEvent::Ended));
        };
        let kind = source.kind;
        source.receivers.push((receiver, layer));
        if let Some(layer) = source.layer_mut(layer) {
            layer.assembler.get_or_insert_with(|| Assembler::new(kind));
        }
        if kind == Kind::Video {
            self.want_key_frame(now, track, layer);
        }
    }

    pub(crate) fn close_receiver(&mut self, track: TrackId, receiver: ReceiverId) {
        let Some(source) = self.sources.get_mut(&track) else { return };
        source.receivers.retain(|&(known, _)| known != receiver);
        let receivers = &source.receivers;
        for (layer, known) in (0u8..).zip(&mut source.layers) {
            if receivers.iter().all(|&(_, of)| of != layer) {
                known.assembler = None;
            }
        }
    }

    /// The track has no more frames.
    pub(crate) fn end_receivers(&mut self, track: TrackId) {
        let Some(source) = self.sources.get_mut(&track) else { return };
        let receivers = source.receivers.drain(..);
        self.frames.extend(receivers.map(|(receiver, _)| (receiver, FrameEvent::Ended)));
        source.layers.iter_mut().for_each(|layer| layer.assembler = None);
    }

    /// The packets of a turn, for a track's receivers.
    pub(crate) fn assemble(&mut self, now: Time, track: TrackId, packets: &[(u8, Arc<MediaPacket>)]) {
        if self.sources.get(&track).is_none_or(|source| source.receivers.is_empty()) {
            return;
        }
        for (layer, packet) in packets {
            self.with_assembler(now, track, *layer, |assembler, frames| {
                assembler.push_untrusted(now, packet, frames);
            });
        }
    }

    /// Gives up frames of a track that were waited for long enough.
    pub(crate) fn time_frames(&mut self, now: Time, track: TrackId) {
        let layers = self.sources.get(&track).map_or(0, |source| match source.receivers.len() {
            0 => 0,
            _ => source.layers.len(),
        });
        for layer in 0..layers as u8 {
            self.with_assembler(now, track, layer, |assembler, frames| assembler.handle_timeout(now, frames));
        }
    }

    /// A receiver's queue had no room for so many frames: a decoder has to begin anew.
    pub fn handle_dropped_frames(&mut self, now: Time, track: TrackId, layer: u8, count: u64) {
        self.config.counters.add(Counter::FramesDropped, count);
        let Some(source) = self.sources.get_mut(&track) else { return };
        let kind = source.kind;
        if let Some(assembler) = source.layer_mut(layer).and_then(|layer| layer.assembler.as_mut()) {
            assembler.note_dropped(count);
        }
        if kind == Kind::Video {
            self.want_key_frame(now, track, layer);
        }
    }

    /// Lets an assembler work, and hands out what comes of it.
    fn with_assembler(
        &mut self,
        now: Time,
        track: TrackId,
        layer: u8,
        work: impl FnOnce(&mut Assembler, &mut Vec<Frame>),
    ) {
        let Some(source) = self.sources.get_mut(&track) else { return };
        let Some(known) = source.layers.get_mut(usize::from(layer)) else { return };
        let Some(assembler) = &mut known.assembler else { return };
        let mut frames = Vec::new();
        work(assembler, &mut frames);
        let wanted = assembler.take_key_frame_wanted();
        self.config.counters.add(Counter::FramesReceived, frames.len() as u64);
        for mut frame in frames {
            let clock = known.clock.as_ref();
            frame.captured =
                clock.and_then(|clock| self.config.time_of(clock.ntp_at(frame.timestamp as u32)));
            let frame = Arc::new(frame);
            let receivers = source.receivers.iter().filter(|&&(_, of)| of == layer);
            let events = receivers.map(|&(receiver, _)| (receiver, FrameEvent::Frame(Arc::clone(&frame))));
            self.frames.extend(events);
        }
        if wanted {
            self.want_key_frame(now, track, layer);
        }
    }
}
