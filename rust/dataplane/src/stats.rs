//! Figures about a transport, named as in webrtc-stats where it has a name for them.

use crate::api::{Figure, Figures, Report, TrackId, TransportId};
use crate::channels::Channels;
use crate::receive::stream::{ReceiveStream, Role};
use crate::sctp;
use crate::shard::Shard;
use crate::time::Time;
use crate::transport::Transport;

fn seconds(ticks: u32, clock_hz: u32) -> Figure {
    Figure::Float(if clock_hz == 0 { 0.0 } else { f64::from(ticks) / f64::from(clock_hz) })
}

impl Shard {
    /// The statistics of one transport; None if there is no such one.
    pub(crate) fn stats(&mut self, now: Time, id: TransportId) -> Option<Report> {
        let transport = self.transports.get(&id)?;
        Some(Report::Stats {
            id,
            values: transport_figures(transport),
            received: self.received_figures(now, transport),
            sent: self.sent_figures(transport),
        })
    }
}

fn transport_figures(transport: &Transport) -> Figures {
    let counts = &transport.counts;
    let mut figures: Figures = vec![
        ("bytesReceived", Figure::Int(counts.bytes_received)),
        ("packetsReceived", Figure::Int(counts.packets_received)),
        ("bytesSent", Figure::Int(counts.bytes_sent)),
        ("packetsSent", Figure::Int(counts.packets_sent)),
        ("state", Figure::Text(transport.state.map_or("new", |state| state.as_str()).to_owned())),
    ];
    if let Some(path) = transport.ice.selected() {
        figures.push(("remoteAddress", Figure::Text(path.peer.to_string())));
    }
    if let Some(session) = &transport.session {
        figures.push(("tlsVersion", Figure::Text(session.version.to_owned())));
        figures.push(("dtlsCipher", Figure::Text(session.cipher.clone())));
        figures.push(("srtpCipher", Figure::Text(session.sender.profile().as_str().to_owned())));
    }
    if let Some(bandwidth) = &transport.send.bandwidth {
        figures.push(("availableOutgoingBitrate", Figure::Int(bandwidth.target_bps())));
    }
    if let Some(association) = transport.channels.as_ref().and_then(Channels::figures) {
        figures.extend(association_figures(&association));
    }
    figures
}

fn association_figures(association: &sctp::Figures) -> Figures {
    let count = |count: usize| Figure::Int(count as u64);
    let mut figures = vec![
        ("sctpCongestionWindow", count(association.congestion_window)),
        ("sctpReceiverWindow", count(association.receiver_window)),
        ("sctpMtu", count(association.path_mtu)),
        ("sctpUnacknowledgedBytes", count(association.unacknowledged_bytes)),
        ("sctpQueuedBytes", count(association.queued_bytes)),
        ("sctpRetransmitted", Figure::Int(association.retransmitted)),
        ("sctpAbandoned", Figure::Int(association.abandoned)),
        ("sctpDiscarded", Figure::Int(association.discarded)),
    ];
    if let Some(round_trip) = association.smoothed_rtt {
        figures.push(("sctpSmoothedRoundTripTime", Figure::Float(round_trip.as_secs_f64())));
    }
    figures
}

impl Shard {
    fn received_figures(&self, now: Time, transport: &Transport) -> Vec<Figures> {
        let sections = transport.receive.sections();
        transport
            .receive
            .streams()
            .iter()
            .map(|stream| {
                let section = &sections[stream.section];
                let clock_hz = section
                    .payloads
                    .iter()
                    .find(|payload| payload.payload_type == stream.payload_type)
                    .map_or(0, |payload| payload.clock_hz);
                let mut figures = vec![
                    ("ssrc", Figure::Int(u64::from(stream.ssrc))),
                    ("mid", Figure::Text(section.mid.clone())),
                    ("track", Figure::Int(u64::from(section.track.0))),
                    ("layer", Figure::Int(u64::from(stream.layer))),
                    ("payloadType", Figure::Int(u64::from(stream.payload_type))),
                    ("packetsReceived", Figure::Int(stream.packets)),
                    ("bytesReceived", Figure::Int(stream.bytes)),
                    ("packetsLost", Figure::Float(stream.lost() as f64)),
                    ("retransmittedPacketsReceived", Figure::Int(stream.recovered)),
                    ("packetsDuplicated", Figure::Int(stream.duplicates)),
                    ("jitter", seconds(stream.jitter_ticks(), clock_hz)),
                    ("nackCount", Figure::Int(stream.nacks_sent)),
                    ("pliCount", Figure::Int(stream.plis_sent)),
                    ("keyFramesReceived", Figure::Int(stream.key_frames)),
                    ("isRepair", Figure::Int(u64::from(stream.role == Role::Repair))),
                    ("secondsSinceLastPacket", Figure::Float(now.since(stream.last_packet).as_secs_f64())),
                ];
                if stream.role == Role::Media {
                    figures.extend(self.assembled_figures(section.track, stream.layer));
                    figures.extend(remote_figures(stream));
                }
                figures
            })
            .collect()
    }

    /// What whole frames came of a layer, while somebody receives them.
    fn assembled_figures(&self, track: TrackId, layer: u8) -> Figures {
        let layer = self.sources.get(&track).and_then(|source| source.layers.get(usize::from(layer)));
        let Some(assembler) = layer.and_then(|layer| layer.assembler.as_ref()) else { return Vec::new() };
        let counts = assembler.counts();
        vec![
            ("framesReceived", Figure::Int(counts.frames)),
            ("framesDropped", Figure::Int(counts.dropped)),
            ("framesAssembledFromMultiplePackets", Figure::Int(counts.from_many_packets)),
            ("totalAssemblyTime", Figure::Float(counts.assembly_time.as_secs_f64())),
        ]
    }

    fn sent_figures(&self, transport: &Transport) -> Vec<Figures> {
        transport
            .send
            .slots()
            .iter()
            .map(|slot| {
                let (layer, reason) = slot.outcome();
                let mut figures: Figures = vec![
                    ("ssrc", Figure::Int(u64::from(slot.config.ssrc))),
                    ("mid", Figure::Text(slot.config.mid.clone())),
                    ("payloadType", Figure::Int(u64::from(slot.payload_type()))),
                    ("packetsSent", Figure::Int(slot.packets)),
                    ("bytesSent", Figure::Int(slot.octets)),
                    ("retransmittedPacketsSent", Figure::Int(slot.repaired_packets)),
                    ("retransmittedBytesSent", Figure::Int(slot.repaired_octets)),
                    ("nackCount", Figure::Int(slot.nacks)),
                    ("pliCount", Figure::Int(slot.plis)),
                    ("remoteFractionLost", Figure::Float(f64::from(slot.remote.fraction_lost) / 256.0)),
                    ("remotePacketsLost", Figure::Float(f64::from(slot.remote.cumulative_lost))),
                    ("remoteJitter", seconds(slot.remote.jitter, slot.clock_hz())),
                    ("reason", Figure::Text(reason.as_str().to_owned())),
                ];
                if let Some(layer) = layer {
                    figures.push(("layer", Figure::Int(u64::from(layer))));
                }
                if let Some(track) = slot.track {
                    figures.push(("track", Figure::Int(u64::from(track.0))));
                }
                if let Some(rid) = &slot.config.rid {
                    figures.push(("rid", Figure::Text(rid.clone())));
                }
                if slot.is_video() {
                    figures.push(("framesSent", Figure::Int(slot.frames)));
                    figures.push(("keyFramesSent", Figure::Int(slot.key_frames)));
                }
                if let Some(local) = slot.track.and_then(|track| self.sources.get(&track)?.local.as_ref()) {
                    let sent = local.sent(layer.unwrap_or(0));
                    figures.push(("framesEncoded", Figure::Int(sent.frames)));
                    figures.push(("keyFramesEncoded", Figure::Int(sent.key_frames)));
                }
                if let Some(round_trip) = slot.remote.round_trip {
                    let total = slot.remote.total_round_trip.as_secs_f64();
                    figures.push(("roundTripTime", Figure::Float(round_trip.as_secs_f64())));
                    figures.push(("totalRoundTripTime", Figure::Float(total)));
                    figures.push(("roundTripTimeMeasurements", Figure::Int(slot.remote.round_trips)));
                }
                figures
            })
            .collect()
    }
}

/// What the stream's sender tells of it (RFC 3550 section 6.4.1): `remote-outbound-rtp` in webrtc-stats.
fn remote_figures(stream: &ReceiveStream) -> Figures {
    let Some(report) = &stream.sender_report else { return Vec::new() };
    vec![
        ("remotePacketsSent", Figure::Int(u64::from(report.packets))),
        ("remoteBytesSent", Figure::Int(u64::from(report.octets))),
        ("remoteReportsSent", Figure::Int(stream.sender_reports)),
        // Seconds since 1900, by its own clock.
        ("remoteNtpTime", Figure::Float(report.ntp as f64 / (1u64 << 32) as f64)),
    ]
}
