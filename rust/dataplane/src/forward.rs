//! The end of a turn: what came in is forwarded, destination by destination, so that what goes to one subscriber lies
//! together and leaves in one call.

use std::sync::Arc;

use crate::api::{Kind, ShardId, TrackId, TransportId};
use crate::counters::Counter;
use crate::media::MediaPacket;
use crate::message::ShardMessage;
use crate::send::slot::Verdict;
use crate::shard::Shard;
use crate::srtp::SealError;
use crate::time::Time;

/// One subscriber's share of a turn: the packets of one track for one of its slots.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    transport: TransportId,
    slot: usize,
    batch: usize,
}

impl Shard {
    /// Ends a batch of input: what was gathered is forwarded. Call it before `transmits`.
    pub fn flush(&mut self, now: Time) {
        if !self.pending.is_empty() {
            self.forward_pending(now);
        }
        while let Some(id) = self.touched.pop() {
            self.answer_publisher(now, id);
        }
        self.drive_associations(now);
    }

    fn forward_pending(&mut self, now: Time) {
        let tracks = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        self.greet(now, &tracks);
        let mut work = std::mem::take(&mut self.work);
        let mut batches = Vec::with_capacity(tracks.len());
        for &track in &tracks {
            let Some(source) = self.sources.get_mut(&track) else { continue };
            let mut packets = std::mem::take(&mut source.pending);
            // A turn's reordering ends here.
            if !packets.is_sorted_by_key(|(_, packet)| packet.sequence) {
                packets.sort_by_key(|(layer, packet)| (*layer, packet.sequence));
            }
            for subscription in &source.subscriptions {
                let Some(transport) = self.transports.get(&subscription.transport) else { continue };
                let Some(slot) = transport.send.position(subscription.slot) else { continue };
                work.push(Work { transport: subscription.transport, slot, batch: batches.len() });
            }
            for &shard in &source.shards {
                for (layer, packet) in &packets {
                    let packet = Arc::clone(packet);
                    self.messages.push_back((shard, ShardMessage::Media { track, layer: *layer, packet }));
                }
            }
            batches.push((track, source.kind, packets));
        }
        if batches.len() > 1 {
            work.sort_by_key(|work| work.transport);
        }
        let mut wanted: Vec<(TrackId, u8)> = Vec::new();
        for item in &work {
            let (track, kind, packets) = &batches[item.batch];
            self.forward_batch(now, *item, *track, *kind, packets, &mut wanted);
        }
        for (track, _, packets) in &batches {
            self.assemble(now, *track, packets);
        }
        for (track, layer) in wanted {
            self.want_key_frame(now, track, layer);
        }
        for (track, _, mut packets) in batches {
            packets.clear();
            if let Some(source) = self.sources.get_mut(&track) {
                source.pending = packets;
            }
        }
        work.clear();
        self.work = work;
        self.pending = tracks;
        self.pending.clear();
    }

    /// Layers that began to send are on no subscriber's ladder yet. They are before their first packet goes out, so that
    /// the key frame with which they begin is not lost to those who wait for it.
    fn greet(&mut self, now: Time, tracks: &[TrackId]) {
        let mut waiting: Vec<TransportId> = Vec::new();
        for track in tracks {
            if let Some(source) = self.sources.get_mut(track).filter(|source| source.woken) {
                source.woken = false;
                waiting.extend(source.subscriptions.iter().map(|subscription| subscription.transport));
            }
        }
        waiting.sort_unstable();
        waiting.dedup();
        for id in waiting {
            if let Some(transport) = self.transports.get_mut(&id) {
                transport.send.reconsider(now);
                self.climb_ladder(now, id);
            }
        }
    }

    fn forward_batch(
        &mut self,
        now: Time,
        item: Work,
        track: TrackId,
        kind: Kind,
        packets: &[(u8, Arc<MediaPacket>)],
        wanted: &mut Vec<(TrackId, u8)>,
    ) {
        let ntp = self.ntp(now);
        let Some(transport) = self.transports.get_mut(&item.transport) else { return };
        let Some(path) = transport.path() else { return };
        let Some(session) = &transport.session else { return };
        let exit = transport.send.exit(item.slot, now, ntp, path, &mut self.transmits);
        let Some((slot, mut exit, _)) = exit else { return };
        let (mut forwarded, mut dropped, mut bytes) = (0, 0, 0);
        // What was taken from the cache already.
        let mut caught_up: Option<(u64, u64)> = None;
        for (layer, packet) in packets {
            if caught_up.is_some_and(|(stream, last)| packet.stream == stream && packet.sequence <= last) {
                continue;
            }
            let before = slot.current_stream();
            let mut verdict = slot.forward(&mut exit, &session.sender, *layer, packet);
            let mut rest = None;
            if before != slot.current_stream() {
                // A key frame whose first packet came late: the others were no use without it, and are now.
                let known =
                    self.sources.get(&track).and_then(|source| source.layers.get(usize::from(*layer)));
                let later = known.map(|known| known.cache.after(packet.sequence));
                rest = later.map(|later| later.filter(|later| later.stream == packet.stream));
            }
            let mut rest = rest.into_iter().flatten();
            loop {
                match verdict {
                    Verdict::Sent(size) => {
                        forwarded += 1;
                        bytes += size as u64;
                    }
                    Verdict::NeedsKeyFrame if kind == Kind::Video => {
                        dropped += 1;
                        if !wanted.contains(&(track, *layer)) {
                            wanted.push((track, *layer));
                        }
                    }
                    Verdict::Dropped | Verdict::NeedsKeyFrame => dropped += 1,
                    Verdict::Unsealable(error) => self.config.counters.add(counter_of(error), 1),
                }
                let Some(later) = rest.next() else { break };
                caught_up = Some((later.stream, later.sequence));
                verdict = slot.forward(&mut exit, &session.sender, *layer, later);
            }
        }
        transport.counts.packets_sent += forwarded;
        transport.counts.bytes_sent += bytes;
        self.config.counters.add(Counter::RtpForwarded, forwarded);
        self.config.counters.add(Counter::RtpDroppedByPolicy, dropped);
    }

    /// What a publisher must be told at once: gaps, and its feedback.
    fn answer_publisher(&mut self, now: Time, id: TransportId) {
        let mut out = std::mem::take(&mut self.scratch);
        out.clear();
        let mut torn: Vec<(TrackId, u8)> = Vec::new();
        if let Some(transport) = self.transports.get_mut(&id) {
            if transport.receive.nack_due().is_some_and(|due| due <= now) {
                let counters = &self.config.counters;
                transport
                    .receive
                    .write_nacks(now, &mut out, counters, |track, layer| torn.push((track, layer)));
            }
            transport.receive.write_feedback(now, &mut out);
            if !out.is_empty() {
                transport.send_rtcp(&out, &mut self.transmits);
            }
        }
        self.scratch = out;
        for (track, layer) in torn {
            self.want_key_frame(now, track, layer);
        }
    }

    /// A key frame of a layer is wanted: the publisher is asked, here or by its shard, as often as is good for it.
    /// False if that is merged with a request under way.
    pub(crate) fn want_key_frame(&mut self, now: Time, track: TrackId, layer: u8) -> bool {
        let Some(source) = self.sources.get_mut(&track) else { return false };
        let (publisher, is_local) = (source.publisher, source.local.is_some());
        let Some(known) = source.layer_mut(layer) else { return false };
        let fresh = known.requests.want(now);
        match publisher {
            Some(id) => self.send_key_frame_request(now, id, track, layer),
            None if is_local => self.ask_encoder(now, track, layer),
            None if track.shard() != self.id() => self.pass_key_frame_request(now, track, layer),
            None => (),
        }
        fresh
    }

    fn pass_key_frame_request(&mut self, now: Time, track: TrackId, layer: u8) {
        let known = self.sources.get_mut(&track).and_then(|source| source.layer_mut(layer));
        if known.is_some_and(|layer| layer.requests.take(now)) {
            self.messages.push_back((track.shard(), ShardMessage::KeyFrameWanted { track, layer }));
        }
    }

    /// Sends the request for a key frame that is due, if one is.
    pub(crate) fn send_key_frame_request(&mut self, now: Time, id: TransportId, track: TrackId, layer: u8) {
        let Some(transport) = self.transports.get_mut(&id).filter(|transport| transport.session.is_some())
        else {
            return;
        };
        let Some(known) = self.sources.get_mut(&track).and_then(|source| source.layer_mut(layer)) else {
            return;
        };
        if !transport.receive.has_layer(track, layer) || !known.requests.take(now) {
            return;
        }
        let mut out = std::mem::take(&mut self.scratch);
        out.clear();
        transport.fir_sequence = transport.fir_sequence.wrapping_add(1);
        if transport.receive.write_key_frame_request(track, layer, transport.fir_sequence, &mut out) {
            transport.send_rtcp(&out, &mut self.transmits);
            self.config.counters.add(Counter::PliSent, 1);
        }
        self.scratch = out;
    }

    /// Asks the shard of a track's publisher for its media.
    pub(crate) fn subscribe_remotely(&mut self, track: TrackId, kind: Kind) {
        if track.shard() != self.id() {
            self.messages.push_back((track.shard(), ShardMessage::Subscribe { track, kind }));
        }
    }

    /// The shards that have subscribers of a track.
    pub(crate) fn shards_of(&self, track: TrackId) -> Vec<ShardId> {
        self.sources.get(&track).map_or(Vec::new(), |source| source.shards.clone())
    }
}

fn counter_of(error: SealError) -> Counter {
    match error {
        SealError::IndexSealed | SealError::IndexNotAbove => Counter::RtpTooLate,
        SealError::IndexExhausted => Counter::SrtpIndexExhausted,
        SealError::Malformed | SealError::WrongSource | SealError::SourceUsed | SealError::Cipher => {
            Counter::SrtpSealFailed
        }
    }
}
