//! What came from the network, by kind: STUN, DTLS, SRTP and SRTCP of validated addresses.

use std::time::Duration;

use visavis_wire::stun::{Builder, Class, FingerprintCheck, Message, Method, attribute_type};
use visavis_wire::{rtcp, rtp};

use crate::api::{DtlsRole, ShardId, TransportId, TransportState, shard_of_ufrag};
use crate::counters::Counter;
use crate::dtls;
use crate::ice::Path;
use crate::message::ShardMessage;
use crate::shard::Shard;
use crate::srtp::OpenError;
use crate::time::Time;
use crate::transport::Session;

/// A check is answered with little more than it has; a stranger's request with at most this.
const STRANGER_ANSWER_BYTES: u64 = 64;
/// What looking in vain for a packet that a NACK asks for takes from the budget of repetitions.
const NACK_MISS_BYTES: u64 = 100;
/// How often an address is noted as proved.
const PROOF_INTERVAL: Duration = Duration::from_secs(1);

impl Shard {
    /// RFC 8489 section 6.3: a Binding request is a check of one of our transports if it has a USERNAME, else a question
    /// to a STUN server. Other messages are not for us: this end makes no requests.
    pub(crate) fn handle_stun_untrusted(&mut self, now: Time, path: Path, data: &[u8], via: Option<ShardId>) {
        let Ok(message) = Message::parse_untrusted(data) else { return self.count(Counter::StunMalformed) };
        if message.class() == Class::Indication && message.method() == Method::BINDING {
            return; // keeps a NAT's mapping alive (RFC 8445 section 11)
        }
        if message.class() != Class::Request || message.method() != Method::BINDING {
            return self.count(Counter::StunMalformed);
        }
        if message.verify_fingerprint() == FingerprintCheck::Invalid {
            return self.count(Counter::StunMalformed);
        }
        let Some(username) = message.username() else { return self.answer_stranger(now, path, &message) };
        let ufrag = username.split(|&byte| byte == b':').next().unwrap_or_default();
        match shard_of_ufrag(ufrag) {
            Some(shard) if shard == self.id() => (),
            Some(shard) if shard.0 < self.config.shards && via.is_none() => {
                return self.hand_over_check(now, shard, path, data);
            }
            _ => return self.refuse_check(now, path, &message, Counter::StunUnknownUfrag),
        }
        let id = std::str::from_utf8(ufrag).ok().and_then(|ufrag| self.ufrags.get(ufrag).copied());
        let Some(id) = id else {
            return self.refuse_check(now, path, &message, Counter::StunUnknownUfrag);
        };
        self.handle_check_untrusted(now, path, &message, id, via);
    }

    /// RFC 8445 section 7.3: an incoming check.
    fn handle_check_untrusted(
        &mut self,
        now: Time,
        path: Path,
        message: &Message<'_>,
        id: TransportId,
        via: Option<ShardId>,
    ) {
        let username = message.username().unwrap_or_default();
        let Some(transport) = self.transports.get_mut(&id).filter(|transport| !transport.is_over()) else {
            return self.refuse_check(now, path, message, Counter::StunUnknownUfrag);
        };
        let password = transport
            .ice
            .password_for(username)
            .filter(|password| message.verify_integrity(password.as_bytes()));
        let Some(password) = password else {
            return self.refuse_check(now, path, message, Counter::StunBadIntegrity);
        };
        let key = password.as_bytes();
        let unknown: Vec<u16> = message.unknown_comprehension_required().collect();
        let mut answer = std::mem::take(&mut self.scratch);
        answer.clear();
        if !unknown.is_empty() {
            // RFC 8489 section 6.3.1.
            Builder::binding_error(&mut answer, message.transaction_id())
                .error_code(420, "Unknown Attribute")
                .unknown_attributes(unknown)
                .finish_with_integrity(key);
        } else if message.ice_controlled().is_some() {
            // RFC 8445 section 7.3.1.1: a lite agent never controls, so the peer has to.
            Builder::binding_error(&mut answer, message.transaction_id())
                .error_code(487, "Role Conflict")
                .finish_with_integrity(key);
        } else {
            Builder::binding_success(&mut answer, message.transaction_id())
                .xor_mapped_address(path.peer)
                .finish_with_integrity(key);
            // The source may be forged: who has sent media from there lately keeps it.
            if self.addresses.is_held_from(now, path, id) {
                self.scratch = answer;
                return self.count(Counter::StunAddressHeld);
            }
            let fragments = transport.ice.ufrags().count();
            let outcome = transport.ice.handle_check(now, username, path, message.use_candidate());
            let moved = transport.ice.ufrags().count() < fragments;
            if let Some(evicted) = outcome.evicted {
                self.release_address(evicted, id);
            }
            self.addresses.claim(path, id);
            // With every check: the other shard may have heard something else in between.
            self.tell_claim(path, via, false);
            if moved {
                self.forget_old_ufrags(id);
            }
            if outcome.added {
                self.drive_dtls(now, id);
            }
            self.judge(now, id);
        }
        self.count(Counter::StunAnswered);
        self.transmits.push(path.socket, path.peer, &answer);
        self.scratch = answer;
    }

    /// Who sent this knows no credentials of ours (RFC 8489 section 9.1.3). The answer cannot be authentic, and it costs
    /// of the budget for strangers, as the source may be forged.
    fn refuse_check(&mut self, now: Time, path: Path, message: &Message<'_>, why: Counter) {
        self.count(why);
        if !self.strangers.take(now, STRANGER_ANSWER_BYTES) {
            return self.count(Counter::StunRateLimited);
        }
        let has_integrity = message.has_integrity() || message.has_integrity_sha256();
        let (code, reason) = if has_integrity { (401, "Unauthenticated") } else { (400, "Bad Request") };
        let mut answer = std::mem::take(&mut self.scratch);
        answer.clear();
        Builder::binding_error(&mut answer, message.transaction_id()).error_code(code, reason).finish();
        self.transmits.push(path.socket, path.peer, &answer);
        self.scratch = answer;
    }

    /// A packet from a path was authentic under the transport's keys; told once a second.
    pub(crate) fn prove_address(&mut self, now: Time, path: Path, id: TransportId, via: Option<ShardId>) {
        let Some(transport) = self.transports.get_mut(&id) else { return };
        if now < transport.next_proof {
            return;
        }
        transport.next_proof = now + PROOF_INTERVAL;
        self.addresses.prove(now, path, id);
        self.tell_claim(path, via, true);
    }

    fn tell_claim(&mut self, path: Path, via: Option<ShardId>, proved: bool) {
        if let Some(shard) = via {
            let claimed = ShardMessage::AddressClaimed { socket: path.socket, peer: path.peer, proved };
            self.messages.push_back((shard, claimed));
        }
    }

    /// A STUN server's answer (RFC 8489 section 6.3.1), within a budget: the source may be forged.
    fn answer_stranger(&mut self, now: Time, path: Path, message: &Message<'_>) {
        if !self.strangers.take(now, STRANGER_ANSWER_BYTES) {
            return self.count(Counter::StunRateLimited);
        }
        let mut answer = std::mem::take(&mut self.scratch);
        answer.clear();
        let unknown = message.unknown_comprehension_required().any(|kind| kind != attribute_type::USERNAME);
        if unknown {
            let types: Vec<u16> = message.unknown_comprehension_required().take(8).collect();
            Builder::binding_error(&mut answer, message.transaction_id())
                .error_code(420, "Unknown Attribute")
                .unknown_attributes(types)
                .finish();
        } else {
            Builder::binding_success(&mut answer, message.transaction_id())
                .xor_mapped_address(path.peer)
                .finish();
        }
        self.count(Counter::StunAnswered);
        self.transmits.push(path.socket, path.peer, &answer);
        self.scratch = answer;
    }

    /// A DTLS datagram from a validated address.
    pub(crate) fn handle_dtls_untrusted(&mut self, now: Time, id: TransportId, data: &[u8]) {
        let Some(transport) = self.transports.get_mut(&id).filter(|transport| !transport.is_over()) else {
            return self.count(Counter::TransportOver);
        };
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
            let (certificate, epoch) = (&self.config.certificate, self.config.epoch);
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
        while let Some(event) =
            self.transports.get_mut(&id).and_then(|transport| transport.dtls.as_mut()?.poll_event())
        {
            match event {
                dtls::Event::Connected { keys, version, cipher } => match keys.srtp() {
                    Ok((sender, receiver)) => {
                        self.begin_session(now, id, Session { sender, receiver, version, cipher });
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
                let clock =
                    transport.receive.handle_sender_report(now, ntp, report.ssrc, report.ntp, report.rtp);
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
