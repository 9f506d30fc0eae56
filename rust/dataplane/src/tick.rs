//! What a transport does when its time comes.

use std::time::Duration;

use crate::api::{Report, TrackId, TransportId, TransportState};
use crate::counters::Counter;
use crate::shard::Shard;
use crate::source::SILENT_AFTER;
use crate::time::Time;

/// A publisher whose media flows: gaps and feedback are looked after this often.
const RECEIVING: Duration = Duration::from_millis(20);
/// A subscriber: its ladder and reports.
const SENDING: Duration = Duration::from_millis(50);
/// Nothing flows: consent only.
pub(crate) const IDLE: Duration = Duration::from_millis(500);

impl Shard {
    /// Does what is due for one transport; when it wants to be woken next.
    pub(crate) fn tick(&mut self, now: Time, id: TransportId) -> Time {
        let Some(transport) = self.transports.get_mut(&id) else { return now + IDLE };
        if transport.is_over() {
            // Requests to servers go on: an ICE restart may follow.
            self.drive_ice(now, id, None);
            let due = self.transports.get(&id).and_then(|transport| transport.requests.poll_timeout());
            return due.map_or(now + IDLE, |due| due.min(now + IDLE));
        }
        let dtls_due = transport.dtls.as_ref().and_then(|dtls| dtls.poll_timeout());
        if dtls_due.is_some_and(|due| due <= now) {
            if let Some(dtls) = &mut transport.dtls {
                dtls.handle_timeout(now);
            }
            self.drive_dtls(now, id);
        }
        self.drive_ice(now, id, None);
        self.judge(now, id);
        self.tick_receiving(now, id);
        self.tick_sending(now, id);
        let association_due = self.tick_association(now, id);
        let Some(transport) = self.transports.get_mut(&id) else { return now + IDLE };
        let next = if transport.session.is_none() || transport.state != Some(TransportState::Connected) {
            IDLE
        } else if transport
            .receive
            .streams()
            .iter()
            .any(|stream| now.since(stream.last_packet) < SILENT_AFTER)
        {
            RECEIVING
        } else if transport.send.is_sending() {
            SENDING
        } else {
            IDLE
        };
        let dtls_due = transport.dtls.as_ref().and_then(|dtls| dtls.poll_timeout());
        // A probe that cannot be sent, for want of a path, is not waited for.
        let probe_due = transport
            .send
            .bandwidth
            .as_ref()
            .and_then(|bandwidth| bandwidth.poll_timeout())
            .filter(|&due| due > now);
        let ice_due = [transport.ice.poll_timeout(), transport.requests.poll_timeout()];
        [dtls_due, probe_due, association_due]
            .into_iter()
            .chain(ice_due)
            .flatten()
            .fold(now + next, Time::min)
    }

    fn tick_receiving(&mut self, now: Time, id: TransportId) {
        let Some(transport) = self.transports.get_mut(&id) else { return };
        if !transport.receive.has_streams() {
            return;
        }
        let mut out = std::mem::take(&mut self.scratch);
        out.clear();
        transport.receive.write_report(now, &mut out);
        let mut torn: Vec<(TrackId, u8)> = Vec::new();
        transport
            .receive
            .write_nacks(now, &mut out, &self.config.counters, |track, layer| torn.push((track, layer)));
        transport.receive.write_feedback(now, &mut out);
        if !out.is_empty() {
            transport.send_rtcp(&out, &mut self.transmits);
        }
        let reports = &mut self.reports;
        transport.receive.take_activity(now, |track, layer, active, payload_type| {
            reports.push_back(Report::Track { track, layer, active, payload_type });
        });
        self.scratch = out;
        let tracks: Vec<TrackId> = transport.receive.tracks().collect();
        for (track, layer) in torn {
            self.want_key_frame(now, track, layer);
        }
        for track in tracks {
            let Some(source) = self.sources.get_mut(&track) else { continue };
            for layer in 0..source.layers.len() as u8 {
                self.send_key_frame_request(now, id, track, layer);
            }
            if let Some(source) = self.sources.get_mut(&track) {
                source.layers.iter_mut().for_each(|layer| layer.cache.expire(now));
            }
            self.time_frames(now, track);
        }
    }

    fn tick_sending(&mut self, now: Time, id: TransportId) {
        self.climb(now, id);
        let ntp = self.ntp(now);
        let Some(transport) = self.transports.get_mut(&id).filter(|transport| transport.session.is_some())
        else {
            return;
        };
        if transport.send.report_due(now) {
            let mut out = std::mem::take(&mut self.scratch);
            out.clear();
            for slot in transport.send.slots().iter().filter(|slot| slot.current_layer().is_some()) {
                let clock = slot.track.and_then(|track| {
                    let layer = usize::from(slot.current_layer()?);
                    self.sources.get(&track)?.layers.get(layer)?.clock
                });
                slot.write_report(now, ntp, clock.as_ref(), &mut out);
            }
            transport.send_rtcp(&out, &mut self.transmits);
            self.scratch = out;
        }
        self.tend_sources(now, id);
        self.probe(now, id);
    }

    /// Tracks without a publisher here, local or of another shard, live by their subscribers' clocks: caches grow old, and
    /// encoders are told what the network carries, and asked again for key frames.
    fn tend_sources(&mut self, now: Time, id: TransportId) {
        let Some(transport) = self.transports.get_mut(&id) else { return };
        let mut local: Vec<(TrackId, u8)> = Vec::new();
        for track in transport.send.slots().iter().filter_map(|slot| slot.track) {
            let Some(source) = self.sources.get_mut(&track).filter(|source| source.publisher.is_none())
            else {
                continue;
            };
            source.layers.iter_mut().for_each(|layer| layer.cache.expire(now));
            if source.local.is_some() {
                local.push((track, source.layers.len() as u8));
            }
        }
        if local.is_empty() {
            return;
        }
        if let Some(bps) = transport.send.take_target_bps(now) {
            self.reports.push_back(Report::TargetBitrate { id, bps });
        }
        for (track, layers) in local {
            (0..layers).for_each(|layer| self.ask_encoder(now, track, layer));
        }
    }

    /// Climbs a subscriber's ladder.
    pub(crate) fn climb_ladder(&mut self, now: Time, id: TransportId) {
        let Some(transport) = self.transports.get_mut(&id).filter(|transport| transport.session.is_some())
        else {
            return;
        };
        let sources = &mut self.sources;
        transport.send.climb(now, |slot, rates| {
            let source = slot.track.and_then(|track| sources.get_mut(&track))?;
            source.layer_rates(now, rates);
            source.local.as_ref().and_then(|local| local.wanted_bps)
        });
    }

    /// Climbs a subscriber's ladder, asks for the key frames that this needs, and tells what came of it.
    pub(crate) fn climb(&mut self, now: Time, id: TransportId) {
        self.climb_ladder(now, id);
        let Some(transport) = self.transports.get_mut(&id).filter(|transport| transport.session.is_some())
        else {
            return;
        };
        let mut awaited: Vec<(TrackId, u8)> = Vec::new();
        for slot in transport.send.slots().iter().filter(|slot| slot.is_video()) {
            if let (Some(track), Some(target)) = (slot.track, slot.target)
                && slot.awaits(target)
            {
                awaited.push((track, target));
            }
        }
        let reports = &mut self.reports;
        transport.send.take_outcomes(|slot, layer, reason| {
            reports.push_back(Report::Forwarding { id, slot, layer, reason });
        });
        for (track, layer) in awaited {
            self.want_key_frame(now, track, layer);
        }
    }

    /// Sends padding where the ladder wants more than the estimate knows of.
    fn probe(&mut self, now: Time, id: TransportId) {
        let ntp = self.ntp(now);
        let Some(transport) = self.transports.get_mut(&id) else { return };
        let (Some(path), Some(session)) = (transport.path(), &transport.session) else { return };
        let Some(index) = transport.send.slots().iter().position(|slot| slot.can_pad()) else { return };
        let Some(mut bytes) =
            transport.send.bandwidth.as_mut().and_then(|bandwidth| bandwidth.poll_probe(now))
        else {
            return;
        };
        let exit = transport.send.exit(index, now, ntp, path, &mut self.transmits);
        let Some((slot, mut exit, _)) = exit else { return };
        while bytes > 0 {
            let Some(size) = slot.pad(&mut exit, &session.sender) else { break };
            bytes = bytes.saturating_sub(size);
            transport.counts.packets_sent += 1;
            transport.counts.bytes_sent += size as u64;
            self.config.counters.add(Counter::ProbesSent, 1);
        }
    }
}
