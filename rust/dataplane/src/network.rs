//! What came from the network, by kind: DTLS, SRTP and SRTCP of validated addresses.

use visavis_wire::{rtcp, rtp};

use crate::api::{DtlsRole, TransportId, TransportState};
use crate::counters::Counter;
use crate::dtls;
use crate::ice::Path;
use crate::message::ShardMessage;
use crate::shard::Shard;
use crate::srtp::OpenError;
use crate::time::Time;
use crate::transport::Session;

/// What looking in vain for a packet that a NACK asks for takes from the budget of repetitions.
const NACK_MISS_BYTES: u64 = 100;

impl Shard {
    /// A DTLS datagram from a validated address.
    pub(crate) fn handle_dtls_untrusted(&mut self, now: Time, id: TransportId, path: Path, data: &[u8]) {
        let Some(transport) = self.transports.get_mut(&id).filter(|transport| !transport.is_over()) else {
            return self.count(Counter::TransportOver);
        };
        transport.ice.note_received(path, data.len());
        transport.counts.packets_received += 1;
        transport.counts.bytes_received += data.len() as u64;
        let taken = match &mut transport.dtls {
            Some(dtls) => dtls.handle_datagram_untrusted(now, data).is_ok(),
            None => transport.keep_early(data),
        };
        if !taken {
            self.count(Counter::DtlsError);
        }
        self.drive_dtls(now, id);
    }

    /// Begins DTLS where it can begin, and takes what it has to give.
    pub(crate) fn drive_dtls(&mut self, now: Time, id: TransportId) {
        let Some(transport) = self.transports.get_mut(&id) else { return };
        if transport.dtls.is_none()
            && let Some((role, fingerprints)) = &transport.peer
            && (*role == DtlsRole::Server || transport.ice.selected().is_some())
        {
            let certificate = transport.certificate.as_deref().unwrap_or(&self.config.certificate);
            let epoch = self.config.epoch;
            let mut endpoint = dtls::Endpoint::new(*role, certificate, fingerprints.clone(), now, epoch);
            for early in transport.take_early() {
                if endpoint.handle_datagram_untrusted(now, &early).is_err() {
                    self.config.counters.add(Counter::DtlsError, 1);
                }
            }
            transport.dtls = Some(endpoint);
        }
        transport.send_dtls(&mut self.transmits);
        let Some(dtls) = &mut transport.dtls else { return };
        let due = dtls.poll_timeout();
        self.take_packets(now, id);
        while let Some(event) =
            self.transports.get_mut(&id).and_then(|transport| transport.dtls.as_mut()?.poll_event())
        {
            match event {
                dtls::Event::Connected { keys, version, cipher, certificate } => match keys.srtp() {
                    Ok((sender, receiver)) => {
                        self.begin_session(
                            now,
                            id,
                            Session { sender, receiver, version, cipher, certificate },
                        );
                    }
                    Err(_) => self.fail(id, "srtp-keys"),
                },
                dtls::Event::Failed(reason) => self.fail(id, reason),
                dtls::Event::Closed => return self.close_transport(now, id, "closed by the peer"),
            }
        }
        if let Some(due) = due {
            self.wake_at(id, due);
        }
    }

    /// An SRTP packet from a validated address; whether it was authentic.
    pub(crate) fn handle_rtp_untrusted(&mut self, now: Time, id: TransportId, data: &mut [u8]) -> bool {
        let Some(transport) = self.transports.get_mut(&id) else { return false };
        let opened = match &mut transport.session {
            _ if transport.state == Some(TransportState::Failed) => Err(Counter::TransportOver),
            None => Err(Counter::SrtpBeforeKeys),
            Some(session) => {
                rtp::Header::peek_untrusted(data).map_err(|_| Counter::RtpMalformed).and_then(|header| {
                    session.receiver.open_rtp_untrusted(data, header.length).map_err(counter_of)
                })
            }
        };
        match opened {
            Ok((length, _)) => {
                self.handle_plain_rtp(now, id, data, length);
                true
            }
            Err(reason) => {
                self.count(reason);
                false
            }
        }
    }

    fn handle_plain_rtp(&mut self, now: Time, id: TransportId, data: &[u8], length: usize) {
        let Some(transport) = self.transports.get_mut(&id) else { return };
        transport.counts.packets_received += 1;
        transport.counts.bytes_received += data.len() as u64;
        transport.ice.handle_authentic(now);
        let Some(plain) = data.get(..length) else { return };
        let counters = &self.config.counters;
        let received = transport.receive.handle_rtp_untrusted(now, plain, counters);
        if !self.touched.contains(&id) {
            self.touched.push(id);
        }
        let Some(received) = received else { return };
        self.source(received.track, received.kind);
        if !self.push_media(now, received.track, received.layer, received.packet) {
            self.count(Counter::RtpDuplicate);
        }
    }

    /// An SRTCP packet from a validated address; whether it was authentic.
    pub(crate) fn handle_rtcp_untrusted(&mut self, now: Time, id: TransportId, data: &mut [u8]) -> bool {
        let Some(transport) = self.transports.get_mut(&id) else { return false };
        let opened = match &mut transport.session {
            _ if transport.state == Some(TransportState::Failed) => Err(Counter::TransportOver),
            None => Err(Counter::SrtpBeforeKeys),
            Some(session) => session.receiver.open_rtcp_untrusted(data).map_err(counter_of),
        };
        match opened {
            Ok(length) => {
                self.handle_plain_rtcp(now, id, data, length);
                true
            }
            Err(reason) => {
                self.count(reason);
                false
            }
        }
    }

    fn handle_plain_rtcp(&mut self, now: Time, id: TransportId, data: &[u8], length: usize) {
        let Some(transport) = self.transports.get_mut(&id) else { return };
        transport.counts.packets_received += 1;
        transport.counts.bytes_received += data.len() as u64;
        transport.ice.handle_authentic(now);
        let Some(plain) = data.get(..length) else { return };
        for packet in rtcp::packets_untrusted(plain) {
            match packet {
                Ok(packet) => self.handle_rtcp_packet(now, id, &packet),
                Err(_) => self.count(Counter::RtcpMalformed),
            }
        }
    }

    fn handle_rtcp_packet(&mut self, now: Time, id: TransportId, packet: &rtcp::Packet<'_>) {
        let ntp = self.ntp(now);
        let Some(transport) = self.transports.get_mut(&id) else { return };
        match packet {
            rtcp::Packet::SenderReport(report) => {
                let clock = transport.receive.handle_sender_report(now, ntp, report);
                self.handle_report_blocks(id, ntp, &report.blocks);
                if let Some((track, layer, map)) = clock {
                    if let Some(layer) =
                        self.sources.get_mut(&track).and_then(|source| source.layer_mut(layer))
                    {
                        layer.clock = Some(map);
                    }
                    for shard in self.shards_of(track) {
                        self.messages.push_back((shard, ShardMessage::Clock { track, layer, map }));
                    }
                }
            }
            rtcp::Packet::ReceiverReport(report) => self.handle_report_blocks(id, ntp, &report.blocks),
            rtcp::Packet::Nack(nack) => self.answer_nack(now, id, nack),
            rtcp::Packet::Pli { media_ssrc, .. } => self.handle_key_frame_request(now, id, *media_ssrc),
            rtcp::Packet::Fir(fir) => {
                fir.entries().for_each(|(ssrc, _)| self.handle_key_frame_request(now, id, ssrc))
            }
            rtcp::Packet::TransportFeedback(feedback) => {
                if !transport.send.handle_feedback_untrusted(now, feedback) {
                    self.count(Counter::FeedbackRateLimited);
                }
            }
            // A browser's BYE and REMB tell nothing that its signaling and feedback do not.
            rtcp::Packet::Sdes(_)
            | rtcp::Packet::Bye(_)
            | rtcp::Packet::Remb(_)
            | rtcp::Packet::Unknown { .. } => (),
        }
    }

    fn handle_report_blocks(&mut self, id: TransportId, ntp: u64, blocks: &rtcp::ReportBlocks<'_>) {
        let Some(transport) = self.transports.get_mut(&id) else { return };
        for block in blocks.iter() {
            if let Some(slot) = transport.send.slot_by_ssrc(block.ssrc)
                && let Some(round_trip) = transport.send.slots_mut()[slot].handle_report(&block, ntp)
            {
                transport.receive.note_round_trip(round_trip);
            }
        }
    }

    /// A subscriber needs a key frame of what one of its slots carries.
    fn handle_key_frame_request(&mut self, now: Time, id: TransportId, ssrc: u32) {
        self.count(Counter::PliReceived);
        let Some(transport) = self.transports.get_mut(&id) else { return };
        let Some(index) = transport.send.slot_by_ssrc(ssrc) else { return };
        let slot = &mut transport.send.slots_mut()[index];
        slot.plis += 1;
        let Some(track) = slot.track else { return };
        if let Some(layer) = slot.current_layer().or(slot.target)
            && !self.want_key_frame(now, track, layer)
        {
            self.count(Counter::PliMerged);
        }
    }

    /// RFC 4585 section 6.2.1, answered by RFC 4588 out of the track's cache.
    fn answer_nack(&mut self, now: Time, id: TransportId, nack: &rtcp::Nack<'_>) {
        let ntp = self.ntp(now);
        let Some(transport) = self.transports.get_mut(&id) else { return };
        let (Some(path), Some(session)) = (transport.path(), &transport.session) else { return };
        let Some(index) = transport.send.slots().iter().position(|slot| slot.config.ssrc == nack.media_ssrc)
        else {
            return; // repetitions are not repeated
        };
        let counters = &self.config.counters;
        let exit = transport.send.exit(index, now, ntp, path, &mut self.transmits);
        let Some((slot, mut exit, budget)) = exit else { return };
        for sequence in nack.lost() {
            slot.nacks += 1;
            counters.add(Counter::NackReceived, 1);
            let found = slot.rewriter.origin(sequence).and_then(|origin| {
                let layer = self.sources.get(&origin.track)?.layers.get(usize::from(origin.layer))?;
                Some((origin, layer.cache.get(now, origin.sequence)?))
            });
            let Some((origin, packet)) = found else {
                counters.add(Counter::NackTooOld, 1);
                // Looking costs as well.
                if !budget.take(now, NACK_MISS_BYTES) {
                    counters.add(Counter::NackRateLimited, 1);
                    break;
                }
                continue;
            };
            if !budget.take(now, packet.data.len() as u64) {
                counters.add(Counter::NackRateLimited, 1);
                break;
            }
            if let Some(size) = slot.repeat(&mut exit, &session.sender, packet, sequence, origin) {
                counters.add(Counter::NackAnswered, 1);
                transport.counts.packets_sent += 1;
                transport.counts.bytes_sent += size as u64;
            }
        }
    }
}

fn counter_of(error: OpenError) -> Counter {
    match error {
        OpenError::Short => Counter::RtpMalformed,
        OpenError::Unauthentic => Counter::SrtpUnauthentic,
        OpenError::Replayed => Counter::SrtpReplayed,
        OpenError::TooManySources => Counter::SrtpTooManySources,
    }
}
