//! Takes packets and gives packets: checks whose they are (RFC 9260 section 8.5), sets the association up and ends it.

use std::collections::VecDeque;

use visavis_wire::sctp::{
    self, AbortCauses, Chunk, ChunkWriter, HEADER_LENGTH, Init, Packet, SctpError, cause, chunk_type,
    parameter,
};

use super::cookie::{Agreed, CookieMaker};
use super::handshake::{Handshake, Local, agree, write_init};
use super::outbound::Outbound;
use super::transfer::Transfer;
use super::{Config, DTLS_BYTES, Event, Figures, OutgoingMessage};
use crate::random::{Random, Secret};
use crate::time::Time;

/// Answers that wait to be sent; when there are more the newest is dropped, and asked for again.
const MAX_ANSWERS: usize = 16;
/// A bit of ABORT and SHUTDOWN COMPLETE: the tag is the one that was received (section 8.5.1).
const REFLECTED: u8 = 1;

#[derive(Debug)]
enum Phase {
    Connecting(Handshake, Box<Outbound>),
    Established(Box<Transfer>),
    Over,
}

/// One association. After each call the caller takes what `poll_transmit`, `poll_event` and `poll_timeout` give.
#[derive(Debug)]
pub struct Association {
    config: Config,
    local: Local,
    cookies: CookieMaker,
    random: Random,
    phase: Phase,
    /// Whole packets: answers, and the last word.
    answers: VecDeque<Vec<u8>>,
    /// The path is one on which datagrams may be too long.
    may_probe: bool,
    events: VecDeque<Event>,
    discarded: u64,
}

impl Association {
    /// Begins to connect: both ends do at once, and one INIT that comes through suffices. `secret` is the association's own.
    pub fn new(config: Config, now: Time, secret: &Secret) -> Association {
        let mut random = Random::new(secret);
        let local = Local { tag: draw_tag(&mut random), initial_tsn: random.next_u64() as u32 };
        Association {
            config,
            local,
            cookies: CookieMaker::new(secret),
            random,
            phase: Phase::Connecting(Handshake::new(now), Box::default()),
            answers: VecDeque::new(),
            may_probe: true,
            events: VecDeque::new(),
            discarded: 0,
        }
    }

    #[cfg(test)]
    pub(super) fn local_tag(&self) -> u32 {
        self.local.tag
    }

    #[cfg(test)]
    pub(super) fn local_tsn(&self) -> u32 {
        self.local.initial_tsn
    }

    /// Begins with this TSN, near the end of its numbers.
    #[cfg(test)]
    pub(super) fn begin_at(&mut self, initial_tsn: u32) {
        self.local.initial_tsn = initial_tsn;
    }

    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        match &self.phase {
            Phase::Established(transfer) => transfer.held_bytes(),
            _ => 0,
        }
    }

    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    pub fn figures(&self) -> Figures {
        let mut figures = match &self.phase {
            Phase::Connecting(_, outbound) => {
                Figures { queued_bytes: outbound.queued_bytes(), ..Figures::default() }
            }
            Phase::Established(transfer) => transfer.figures(),
            Phase::Over => Figures::default(),
        };
        figures.discarded += self.discarded;
        figures
    }

    /// Queues a message; before the association stands it waits. The caller bounds what waits.
    pub fn send(&mut self, now: Time, message: OutgoingMessage) {
        match &mut self.phase {
            Phase::Connecting(_, outbound) => outbound.push(now, message),
            Phase::Established(transfer) => {
                if message.stream < transfer.agreed.outbound {
                    transfer.outbound.push(now, message);
                }
            }
            Phase::Over => (),
        }
    }

    /// Ends streams that we send on, after what waits on them (RFC 6525); `Event::ResetDone` tells when the peer has done it.
    /// A peer that cannot is not asked.
    pub fn reset_streams(&mut self, streams: &[u16]) {
        if let Phase::Established(transfer) = &mut self.phase {
            if transfer.agreed.features.reconfig {
                transfer.reset_streams(streams);
            } else {
                self.events.extend(streams.iter().map(|&stream| Event::ResetDone { stream }));
            }
        }
    }

    /// The program has taken so many bytes of messages: the peer may send more.
    pub fn release(&mut self, bytes: usize) {
        if let Phase::Established(transfer) = &mut self.phase {
            transfer.release(bytes);
        }
    }

    /// From now on packets take another path. `may_probe`: by datagrams, of which longer ones are lost; not over a stream.
    pub fn handle_path_change(&mut self, now: Time, may_probe: bool) {
        self.may_probe = may_probe;
        if let Phase::Established(transfer) = &mut self.phase {
            transfer.path_mtu.restart(now, may_probe);
        }
    }

    /// This machine does not send datagrams of so many bytes on the path.
    pub fn handle_refusal(&mut self, now: Time, bytes: usize) {
        if let Phase::Established(transfer) = &mut self.phase {
            transfer.path_mtu.handle_refusal(now, bytes);
        }
    }

    /// The longest datagram that may carry data now.
    pub fn path_mtu(&self) -> usize {
        match &self.phase {
            Phase::Established(transfer) => transfer.path_mtu.current(),
            _ => self.config.base_packet() + DTLS_BYTES,
        }
    }

    /// Whether IP must not cut its datagrams, by which it finds out how long they may be.
    pub fn forbids_fragments(&self) -> bool {
        match &self.phase {
            Phase::Established(transfer) => transfer.path_mtu.forbids_fragments(),
            _ => false,
        }
    }

    /// Ends it with a word to the peer (section 9.1). There is no event.
    pub fn abort(&mut self) {
        self.end(cause::USER_INITIATED_ABORT);
    }

    pub fn poll_event(&mut self) -> Option<Event> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        let Phase::Established(transfer) = &mut self.phase else { return None };
        transfer.outbound.take_left().map(|(stream, bytes)| Event::Sent { stream, bytes })
    }

    pub fn poll_timeout(&self) -> Option<Time> {
        match &self.phase {
            Phase::Connecting(handshake, _) => handshake.deadline(),
            Phase::Established(transfer) => transfer.poll_timeout(),
            Phase::Over => None,
        }
    }

    pub fn handle_timeout(&mut self, now: Time) {
        let result = match &mut self.phase {
            Phase::Connecting(handshake, _) => handshake.handle_timeout(now),
            Phase::Established(transfer) => transfer.handle_timeout(now),
            Phase::Over => return,
        };
        if let Err(reason) = result {
            self.events.push_back(Event::Failed(reason));
            self.end(cause::PROTOCOL_VIOLATION);
        }
    }

    /// Appends the next packet; false when nothing is to be sent now.
    pub fn poll_transmit(&mut self, now: Time, out: &mut Vec<u8>) -> bool {
        if let Some(answer) = self.answers.pop_front() {
            out.extend_from_slice(&answer);
            return true;
        }
        match &mut self.phase {
            Phase::Connecting(handshake, _) => {
                if !handshake.take_due(now) {
                    return false;
                }
                let (tag, echo) = match &handshake.answered {
                    Some((agreed, cookie)) => (agreed.peer_tag, Some(cookie)),
                    None => (0, None),
                };
                let start = begin(&self.config, tag, out);
                match echo {
                    Some(cookie) => {
                        ChunkWriter::begin(out, chunk_type::COOKIE_ECHO, 0).bytes(cookie).finish();
                    }
                    None => write_init(out, &self.config, self.local, None),
                }
                // Section 5.2 of RFC 9653: these have their checksums always.
                sctp::finish_packet(out, start, false);
                true
            }
            Phase::Established(transfer) => {
                let start = begin(&self.config, transfer.agreed.peer_tag, out);
                if !transfer.write_probe(now, out, start) && !transfer.write(now, out, start) {
                    out.truncate(start);
                    return false;
                }
                sctp::finish_packet(out, start, transfer.agreed.features.zero_checksum);
                true
            }
            Phase::Over => false,
        }
    }

    /// One packet of the peer's, out of DTLS. What breaks a rule is counted; what breaks the association ends it.
    pub fn handle_packet_untrusted(&mut self, now: Time, packet: &[u8]) {
        if self.is_over() {
            return;
        }
        let parsed = Packet::parse_untrusted(packet);
        let ports = (self.config.remote_port, self.config.local_port);
        let Some(packet) = parsed.ok().filter(|p| (p.source_port, p.destination_port) == ports) else {
            self.discarded += 1;
            return;
        };
        let (mut had_data, mut had_sack, mut had_forward) = (false, false, false);
        for chunk in packet.chunks() {
            let Ok(chunk) = chunk else {
                self.discarded += 1;
                break;
            };
            if !self.is_meant(&packet, chunk) {
                self.discarded += 1;
                break;
            }
            had_data |= matches!(chunk.kind, chunk_type::DATA | chunk_type::I_DATA);
            // Each costs a look at all that is on the way: a second in one packet says nothing that the first could not.
            let is_repeated = match chunk.kind {
                chunk_type::SACK => std::mem::replace(&mut had_sack, true),
                chunk_type::FORWARD_TSN | chunk_type::I_FORWARD_TSN => {
                    std::mem::replace(&mut had_forward, true)
                }
                _ => false,
            };
            if is_repeated {
                self.discarded += 1;
                continue;
            }
            if let Err(reason) = self.handle_chunk(now, chunk) {
                self.events.push_back(Event::Failed(reason));
                self.end(cause::PROTOCOL_VIOLATION);
            }
            if self.is_over() || (is_unknown(chunk.kind) && chunk.kind & 0x80 == 0) {
                break;
            }
        }
        if let Phase::Established(transfer) = &mut self.phase {
            transfer.end_packet(now, had_data);
        }
    }

    /// Section 8.5: the tag is ours; of INIT it is zero, and whoever may not know it reflects the one that we sent.
    fn is_meant(&self, packet: &Packet<'_>, chunk: Chunk<'_>) -> bool {
        let tag = packet.verification_tag;
        match chunk.kind {
            chunk_type::INIT => tag == 0 && !packet.is_unchecked,
            chunk_type::COOKIE_ECHO => tag == self.local.tag && !packet.is_unchecked,
            chunk_type::ABORT | chunk_type::SHUTDOWN_COMPLETE if chunk.flags & REFLECTED != 0 => {
                self.peer_tag() == Some(tag)
            }
            _ => tag == self.local.tag,
        }
    }

    fn peer_tag(&self) -> Option<u32> {
        match &self.phase {
            Phase::Connecting(handshake, _) => handshake.answered.as_ref().map(|(agreed, _)| agreed.peer_tag),
            Phase::Established(transfer) => Some(transfer.agreed.peer_tag),
            Phase::Over => None,
        }
    }

    fn handle_chunk(&mut self, now: Time, chunk: Chunk<'_>) -> Result<(), &'static str> {
        match chunk.kind {
            chunk_type::INIT => self.handle_init(now, chunk),
            chunk_type::INIT_ACK => self.handle_init_ack(now, chunk),
            chunk_type::COOKIE_ECHO => self.handle_cookie_echo(now, chunk),
            chunk_type::COOKIE_ACK => {
                self.handle_cookie_ack(now);
                Ok(())
            }
            chunk_type::HEARTBEAT => {
                if HEADER_LENGTH + chunk.value.len() + sctp::CHUNK_HEADER_LENGTH <= self.config.base_packet()
                {
                    self.answer(|out| {
                        ChunkWriter::begin(out, chunk_type::HEARTBEAT_ACK, 0).bytes(chunk.value).finish();
                    });
                }
                Ok(())
            }
            chunk_type::ABORT => {
                let reason = match AbortCauses::parse_untrusted(chunk).first() {
                    None | Some(cause::USER_INITIATED_ABORT) => "the peer closed it",
                    Some(cause::PROTOCOL_VIOLATION) => "the peer says that we broke the protocol",
                    Some(_) => "the peer gave it up",
                };
                self.events.push_back(Event::Closed(reason));
                self.phase = Phase::Over;
                Ok(())
            }
            chunk_type::SHUTDOWN => {
                // Nobody who has data channels ends by SHUTDOWN: channels close one by one, and DTLS with the transport.
                self.answer(|out| ChunkWriter::begin(out, chunk_type::SHUTDOWN_ACK, 0).finish());
                self.events.push_back(Event::Closed("the peer shut it down"));
                self.phase = Phase::Over;
                Ok(())
            }
            chunk_type::ERROR => {
                self.discarded += 1;
                let stale = AbortCauses::parse_untrusted(chunk).first() == Some(cause::STALE_COOKIE);
                if let Phase::Connecting(handshake, _) = &mut self.phase
                    && stale
                {
                    *handshake = Handshake::new(now);
                }
                Ok(())
            }
            chunk_type::HEARTBEAT_ACK => {
                if let Phase::Established(transfer) = &mut self.phase {
                    transfer.handle_probe_answer_untrusted(now, chunk);
                }
                Ok(())
            }
            chunk_type::PAD | chunk_type::SHUTDOWN_ACK | chunk_type::SHUTDOWN_COMPLETE => Ok(()),
            kind if is_unknown(kind) => {
                self.discarded += 1;
                if kind & 0x40 != 0 {
                    self.report_unknown(chunk);
                }
                Ok(())
            }
            _ => match &mut self.phase {
                Phase::Established(transfer) => transfer.handle_chunk_untrusted(now, chunk, &mut self.events),
                Phase::Connecting(..) | Phase::Over => {
                    self.discarded += 1;
                    Ok(())
                }
            },
        }
    }

    /// Sections 5.1 B, 5.2.1 and 5.2.2: nothing is kept, all is in the cookie. One who begins anew while the association
    /// stands gets another tag, and no further: what restarts is a new DTLS association with an SCTP association of its own.
    fn handle_init(&mut self, now: Time, chunk: Chunk<'_>) -> Result<(), &'static str> {
        let init = match Init::parse_untrusted(chunk) {
            Ok(init) => init,
            Err(SctpError::Malformed) => return Err("an INIT without tag or streams"),
            Err(_) => {
                self.discarded += 1;
                return Ok(());
            }
        };
        let local = match &self.phase {
            Phase::Connecting(..) => self.local,
            _ => Local { tag: draw_tag(&mut self.random), initial_tsn: self.random.next_u64() as u32 },
        };
        let cookie = self.cookies.make(now, &agree(&self.config, local, &init));
        let config = self.config;
        self.answer_to(init.tag, false, |out| write_init(out, &config, local, Some(&cookie)));
        Ok(())
    }

    fn handle_init_ack(&mut self, now: Time, chunk: Chunk<'_>) -> Result<(), &'static str> {
        let Phase::Connecting(handshake, _) = &mut self.phase else { return Ok(()) };
        if handshake.answered.is_some() {
            return Ok(());
        }
        let init = match Init::parse_untrusted(chunk) {
            Ok(init) => init,
            Err(SctpError::Malformed) => return Err("an INIT ACK without tag or streams"),
            Err(_) => {
                self.discarded += 1;
                return Ok(());
            }
        };
        let Some(cookie) = init.parameters.value_of(parameter::STATE_COOKIE) else {
            return Err("an INIT ACK without a cookie");
        };
        if cookie.len() + sctp::CHUNK_HEADER_LENGTH + HEADER_LENGTH > self.config.base_packet() {
            return Err("a cookie that is longer than a packet");
        }
        handshake.answer(now, agree(&self.config, self.local, &init), cookie.to_vec());
        Ok(())
    }

    /// Sections 5.1.5 and 5.2.4.
    fn handle_cookie_echo(&mut self, now: Time, chunk: Chunk<'_>) -> Result<(), &'static str> {
        let Some(agreed) = self.cookies.open_untrusted(now, chunk.value) else {
            self.discarded += 1;
            return Ok(());
        };
        match &self.phase {
            Phase::Connecting(..) => self.establish(now, agreed),
            Phase::Established(transfer) => {
                let stands = &transfer.agreed;
                if (stands.local_tag, stands.peer_tag) != (agreed.local_tag, agreed.peer_tag) {
                    self.discarded += 1;
                    return Ok(());
                }
            }
            Phase::Over => return Ok(()),
        }
        self.answer_to(agreed.peer_tag, false, |out| {
            ChunkWriter::begin(out, chunk_type::COOKIE_ACK, 0).finish()
        });
        Ok(())
    }

    fn handle_cookie_ack(&mut self, now: Time) {
        if let Phase::Connecting(handshake, _) = &self.phase
            && let Some((agreed, _)) = &handshake.answered
        {
            self.establish(now, *agreed);
        }
    }

    fn establish(&mut self, now: Time, agreed: Agreed) {
        let Phase::Connecting(_, outbound) = &mut self.phase else { return };
        let outbound = std::mem::take(outbound.as_mut());
        let transfer = Transfer::new(agreed, self.config, outbound, now, self.may_probe);
        self.phase = Phase::Established(Box::new(transfer));
        self.events.push_back(Event::Connected { inbound: agreed.inbound, outbound: agreed.outbound });
    }

    /// An ERROR with the chunk's beginning (section 3.2).
    fn report_unknown(&mut self, chunk: Chunk<'_>) {
        self.answer(|out| {
            let mut error = ChunkWriter::begin(out, chunk_type::ERROR, 0);
            error.parameter(cause::UNRECOGNIZED_CHUNK, |parameter| {
                let length = (chunk.value.len() + sctp::CHUNK_HEADER_LENGTH) as u16;
                parameter.bytes(&[chunk.kind, chunk.flags]).half(length);
                parameter.bytes(chunk.value.get(..chunk.value.len().min(64)).unwrap_or_default());
            });
            error.finish();
        });
    }

    fn answer(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let zero_checksum = match &self.phase {
            Phase::Established(transfer) => transfer.agreed.features.zero_checksum,
            _ => false,
        };
        if let Some(tag) = self.peer_tag() {
            self.answer_to(tag, zero_checksum, write);
        }
    }

    fn answer_to(&mut self, tag: u32, is_unchecked: bool, write: impl FnOnce(&mut Vec<u8>)) {
        if self.answers.len() >= MAX_ANSWERS {
            self.discarded += 1;
            return;
        }
        let mut packet = Vec::new();
        let start = begin(&self.config, tag, &mut packet);
        write(&mut packet);
        sctp::finish_packet(&mut packet, start, is_unchecked);
        self.answers.push_back(packet);
    }

    /// It is over, and the peer is told why.
    fn end(&mut self, reason: u16) {
        self.answer(|out| {
            let mut abort = ChunkWriter::begin(out, chunk_type::ABORT, 0);
            abort.parameter(reason, |_| ());
            abort.finish();
        });
        self.phase = Phase::Over;
    }
}

fn begin(config: &Config, tag: u32, out: &mut Vec<u8>) -> usize {
    sctp::begin_packet(out, config.local_port, config.remote_port, tag)
}

/// Tags are never zero (section 3.3.2).
fn draw_tag(random: &mut Random) -> u32 {
    (random.next_u64() as u32).max(1)
}

/// Chunk types that nothing here knows (section 3.2 says by the upper bits what to do then).
fn is_unknown(kind: u8) -> bool {
    use chunk_type::{DATA, FORWARD_TSN, I_DATA, I_FORWARD_TSN, PAD, RECONFIG, SHUTDOWN_COMPLETE};
    let is_known = (DATA..=chunk_type::COOKIE_ACK).contains(&kind)
        || [SHUTDOWN_COMPLETE, I_DATA, RECONFIG, PAD, FORWARD_TSN, I_FORWARD_TSN].contains(&kind);
    !is_known
}
