//! STUN that came from the network: the peer's checks, answers to our own requests, relayed data, strangers' questions.

use std::net::SocketAddr;

use visavis_wire::stun::{Builder, Class, FingerprintCheck, Message, Method, attribute_type};
use visavis_wire::turn;

use crate::api::{ShardId, SocketId, TransportId, shard_of_ufrag};
use crate::counters::Counter;
use crate::ice::{Check, Path, Role, Taken, Verdict, transport_of};
use crate::shard::Shard;
use crate::time::Time;

/// A check is answered with little more than it has; a stranger's request with at most this.
const STRANGER_ANSWER_BYTES: u64 = 64;

impl Shard {
    /// RFC 8489 section 6.3: a Binding request is a check of one of our transports if it has a USERNAME, else a question
    /// to a STUN server. A response belongs to who asked.
    pub(crate) fn handle_stun_untrusted(
        &mut self,
        now: Time,
        path: Path,
        data: &mut [u8],
        via: Option<ShardId>,
    ) {
        let Ok(message) = Message::parse_untrusted(data) else { return self.count(Counter::StunMalformed) };
        if message.verify_fingerprint() == FingerprintCheck::Invalid {
            return self.count(Counter::StunMalformed);
        }
        match (message.class(), message.method()) {
            // Keeps a NAT's mapping alive (RFC 8445 section 11).
            (Class::Indication, Method::BINDING) => (),
            (Class::Indication, Method::DATA) => self.handle_data_indication_untrusted(now, path, &message),
            (Class::Request, Method::BINDING) => {
                self.handle_request_untrusted(now, path, &message, data, via)
            }
            (Class::Success | Class::Error, _) => {
                let id = transport_of(message.transaction_id());
                if id.shard() != self.id() {
                    if id.shard().0 < self.config.shards && via.is_none() && !self.is_own(path.socket) {
                        return self.hand_over_check(now, id.shard(), path, data);
                    }
                    return self.count(Counter::StunUnexpected);
                }
                self.handle_response_untrusted(now, path, &message, id, via);
            }
            _ => self.count(Counter::StunMalformed),
        }
    }

    fn is_own(&self, socket: SocketId) -> bool {
        self.sockets.owner(socket).is_some()
    }

    fn handle_request_untrusted(
        &mut self,
        now: Time,
        path: Path,
        message: &Message<'_>,
        data: &[u8],
        via: Option<ShardId>,
    ) {
        let owner = self.sockets.owner(path.socket);
        let Some(username) = message.username() else {
            // A transport's own socket is no STUN server.
            return match owner {
                None => self.answer_stranger(now, path, message),
                Some(_) => self.count(Counter::StunUnexpected),
            };
        };
        let of_socket = owner.and_then(|owner| self.transports.get(&owner));
        if of_socket.is_some_and(|transport| transport.hides_from(path)) {
            return self.count(Counter::StunNotRelayed);
        }
        let ufrag = username.split(|&byte| byte == b':').next().unwrap_or_default();
        if owner.is_none() {
            match shard_of_ufrag(ufrag) {
                Some(shard) if shard == self.id() => (),
                Some(shard) if shard.0 < self.config.shards && via.is_none() => {
                    return self.hand_over_check(now, shard, path, data);
                }
                _ => return self.refuse_check(now, path, message, Counter::StunUnknownUfrag),
            }
        }
        let ufrag = std::str::from_utf8(ufrag).unwrap_or_default();
        let id = match owner {
            // Several may have this fragment; the socket says which one is meant.
            Some(owner) => self
                .transports
                .get(&owner)
                .is_some_and(|transport| transport.ice.ufrags().any(|known| known == ufrag))
                .then_some(owner),
            None => self.ufrags.get(ufrag).copied(),
        };
        match id {
            Some(id) => self.handle_check_untrusted(now, path, message, id, data.len(), via),
            None => self.refuse_check(now, path, message, Counter::StunUnknownUfrag),
        }
    }

    /// RFC 8445 section 7.3: an incoming check.
    fn handle_check_untrusted(
        &mut self,
        now: Time,
        path: Path,
        message: &Message<'_>,
        id: TransportId,
        size: usize,
        via: Option<ShardId>,
    ) {
        let username = message.username().unwrap_or_default();
        let Some(transport) = self.transports.get_mut(&id).filter(|transport| !transport.is_over()) else {
            return self.refuse_check(now, path, message, Counter::StunUnknownUfrag);
        };
        if transport.hides_from(path) {
            return self.count(Counter::StunNotRelayed);
        }
        let password = transport
            .ice
            .password_for(username)
            .filter(|password| message.verify_integrity(password.as_bytes()));
        let Some(password) = password else {
            return self.refuse_check(now, path, message, Counter::StunBadIntegrity);
        };
        let key = password.as_bytes().to_vec();
        let unknown: Vec<u16> = message.unknown_comprehension_required().collect();
        if !unknown.is_empty() {
            // RFC 8489 section 6.3.1.
            return self.answer(path, |out| {
                Builder::binding_error(out, message.transaction_id())
                    .error_code(420, "Unknown Attribute")
                    .unknown_attributes(unknown)
                    .finish_with_integrity(&key);
            });
        }
        let controlling = message.ice_controlling().map(Role::Controlling);
        let check = Check {
            username,
            path,
            priority: message.priority().unwrap_or(0),
            nominates: message.use_candidate(),
            role: controlling.or_else(|| message.ice_controlled().map(Role::Controlled)),
            size,
        };
        let verdict = transport.ice.handle_check(now, &check);
        if transport.ice.paths().any(|known| known == path) {
            self.sockets.keep_stream(path);
        }
        self.answer(path, |out| match verdict {
            Verdict::Success => Builder::binding_success(out, message.transaction_id())
                .xor_mapped_address(path.peer)
                .finish_with_integrity(&key),
            Verdict::RoleConflict => Builder::binding_error(out, message.transaction_id())
                .error_code(487, "Role Conflict")
                .finish_with_integrity(&key),
        });
        if self.addresses.is_held_from(now, path, id) {
            // The source may be forged: who has proved it lately keeps it, until this peer proves that it is there now.
            self.count(Counter::StunAddressHeld);
        } else if verdict == Verdict::Success {
            self.addresses.claim(path, id);
            // With every check: the other shard may have heard something else in between.
            self.tell_claim(path, via, false);
        }
        self.drive_ice(now, id, via);
        self.drive_dtls(now, id);
        self.judge(now, id);
    }

    fn answer(&mut self, path: Path, write: impl FnOnce(&mut Vec<u8>)) {
        let mut answer = std::mem::take(&mut self.scratch);
        answer.clear();
        write(&mut answer);
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

    /// A STUN server's answer (RFC 8489 section 6.3.1), within a budget: the source may be forged.
    fn answer_stranger(&mut self, now: Time, path: Path, message: &Message<'_>) {
        if !self.strangers.take(now, STRANGER_ANSWER_BYTES) {
            return self.count(Counter::StunRateLimited);
        }
        let types: Vec<u16> = message
            .unknown_comprehension_required()
            .filter(|&kind| kind != attribute_type::USERNAME)
            .take(8)
            .collect();
        self.answer(path, |out| {
            if types.is_empty() {
                Builder::binding_success(out, message.transaction_id())
                    .xor_mapped_address(path.peer)
                    .finish();
            } else {
                Builder::binding_error(out, message.transaction_id())
                    .error_code(420, "Unknown Attribute")
                    .unknown_attributes(types)
                    .finish();
            }
        });
    }

    fn handle_response_untrusted(
        &mut self,
        now: Time,
        path: Path,
        message: &Message<'_>,
        id: TransportId,
        via: Option<ShardId>,
    ) {
        let Some(transport) = self.transports.get_mut(&id) else {
            return self.count(Counter::StunUnexpected);
        };
        let mut taken = transport.requests.handle_response_untrusted(now, path, message);
        if taken == Taken::Unknown && message.method() == Method::BINDING && !transport.is_over() {
            taken = transport.ice.handle_answer_untrusted(now, path, message, &mut self.random);
        }
        match taken {
            Taken::Answer => {
                self.drive_ice(now, id, via);
                self.drive_dtls(now, id);
                self.judge(now, id);
            }
            Taken::Unknown => self.count(Counter::StunUnexpected),
            Taken::Unauthentic => self.count(Counter::StunBadIntegrity),
            Taken::Malformed => self.count(Counter::StunMalformed),
        }
    }

    /// RFC 8656 section 11.4: a peer's datagram, which the server of an allocation of ours passes on.
    fn handle_data_indication_untrusted(&mut self, now: Time, path: Path, message: &Message<'_>) {
        let relay = self.transmits.relays.at(path).map(|(relay, _)| relay);
        let (peer, data) = (message.xor_peer_address(), message.attribute(attribute_type::DATA));
        match (relay, peer, data) {
            (Some(relay), Some(peer), Some(data)) => {
                self.handle_relayed(now, relay, peer, &mut data.to_vec())
            }
            (None, ..) => self.count(Counter::RelayUnknown),
            _ => self.count(Counter::StunMalformed),
        }
    }

    /// RFC 8656 section 12.7.
    pub(crate) fn handle_channel_data_untrusted(&mut self, now: Time, path: Path, datagram: &mut [u8]) {
        let Some((channel, data)) = turn::channel_data_untrusted(datagram) else {
            return self.count(Counter::RelayUnknown);
        };
        let found = self.transmits.relays.at(path).and_then(|(id, relay)| Some((id, relay.peer(channel)?)));
        match found {
            Some((relay, peer)) => self.handle_relayed(now, relay, peer, data),
            None => self.count(Counter::RelayUnknown),
        }
    }

    fn handle_relayed(&mut self, now: Time, relay: SocketId, peer: SocketAddr, data: &mut [u8]) {
        self.handle_datagram_from(now, Path { socket: relay, peer }, data, None);
    }
}
