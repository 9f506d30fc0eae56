//! INIT and cookies (RFC 9260 sections 5.1 and 5.2).

use visavis_wire::sctp::{self, Chunk, ChunkWriter, HEADER_LENGTH, Init, SctpError, chunk_type, parameter};

use super::{Association, Phase, draw_tag};
use crate::sctp::Event;
use crate::sctp::cookie::Agreed;
use crate::sctp::handshake::{Local, agree, write_init};
use crate::sctp::transfer::Transfer;
use crate::time::Time;

impl Association {
    /// Sections 5.1 B, 5.2.1 and 5.2.2: nothing is kept, all is in the cookie. One who begins anew while the association
    /// stands gets another tag, and no further: what restarts is a new DTLS association with an SCTP association of its own.
    pub(super) fn handle_init(&mut self, now: Time, chunk: Chunk<'_>) -> Result<(), &'static str> {
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

    pub(super) fn handle_init_ack(&mut self, now: Time, chunk: Chunk<'_>) -> Result<(), &'static str> {
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
    pub(super) fn handle_cookie_echo(&mut self, now: Time, chunk: Chunk<'_>) -> Result<(), &'static str> {
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

    pub(super) fn handle_cookie_ack(&mut self, now: Time) {
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
}
