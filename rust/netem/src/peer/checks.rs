//! The controlling side of ICE towards a lite server (RFC 8445 section 7.2, RFC 7675): checks, nomination, consent.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use visavis_dataplane::Time;
use visavis_dataplane::ice::Credentials;
use visavis_wire::stun::{Builder, Class, Message};

use crate::network::Datagram;
use crate::random::Random;

/// Until an answer comes (RFC 8445 section 14.2: at least 50 ms apart).
const CHECK_INTERVAL: Duration = Duration::from_millis(50);
/// Of a pair that is valid: consent.
pub const CONSENT_INTERVAL: Duration = Duration::from_secs(5);
const REMEMBERED: usize = 64;

#[derive(Debug)]
struct Pair {
    local: SocketAddr,
    due: Time,
    valid: bool,
    transactions: VecDeque<[u8; 12]>,
}

/// The pairs of a peer: each of its addresses with the server's.
#[derive(Debug)]
pub struct Checks {
    server: SocketAddr,
    local: Credentials,
    remote: Credentials,
    pairs: Vec<Pair>,
    nominated: SocketAddr,
    running: bool,
    tie_breaker: u64,
    /// Answers that were not authentic, or told an address that is not the pair's.
    pub wrong_answers: u64,
    pub answers: u64,
}

impl Checks {
    pub fn new(
        server: SocketAddr,
        local: Credentials,
        remote: Credentials,
        address: SocketAddr,
        tie_breaker: u64,
    ) -> Checks {
        let mut checks = Checks {
            server,
            local,
            remote,
            pairs: Vec::new(),
            nominated: address,
            running: false,
            tie_breaker,
            wrong_answers: 0,
            answers: 0,
        };
        checks.add_pair(Time::ZERO, address);
        checks
    }

    pub fn add_pair(&mut self, now: Time, local: SocketAddr) {
        self.pairs.push(Pair { local, due: now, valid: false, transactions: VecDeque::new() });
    }

    pub fn local(&self) -> &Credentials {
        &self.local
    }

    pub fn remote(&self) -> &Credentials {
        &self.remote
    }

    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// The address from which packets leave.
    pub fn nominated(&self) -> SocketAddr {
        self.nominated
    }

    pub fn nominate(&mut self, now: Time, local: SocketAddr) {
        self.nominated = local;
        self.pairs.iter_mut().filter(|pair| pair.local == local).for_each(|pair| pair.due = now);
    }

    pub fn start(&mut self, now: Time) {
        self.running = true;
        self.pairs.iter_mut().for_each(|pair| pair.due = now);
    }

    pub fn stop(&mut self) {
        self.running = false;
    }

    /// RFC 8445 section 9: all pairs are checked anew.
    pub fn restart(&mut self, now: Time, local: Credentials, remote: Credentials) {
        (self.local, self.remote) = (local, remote);
        for pair in &mut self.pairs {
            pair.due = now;
            pair.valid = false;
            pair.transactions.clear();
        }
    }

    pub fn is_connected(&self) -> bool {
        self.pairs.iter().any(|pair| pair.valid && pair.local == self.nominated)
    }

    pub fn poll_timeout(&self) -> Option<Time> {
        self.running.then(|| self.pairs.iter().map(|pair| pair.due).min()).flatten()
    }

    /// The checks that are due.
    pub fn handle_timeout(&mut self, now: Time, random: &mut Random, out: &mut VecDeque<Datagram>) {
        if !self.running {
            return;
        }
        for pair in self.pairs.iter_mut().filter(|pair| pair.due <= now) {
            pair.due = now + if pair.valid { CONSENT_INTERVAL } else { CHECK_INTERVAL };
            let mut transaction = [0; 12];
            random.fill(&mut transaction);
            if pair.transactions.len() >= REMEMBERED {
                pair.transactions.pop_front();
            }
            pair.transactions.push_back(transaction);
            let mut data = Vec::new();
            let mut request = Builder::binding_request(&mut data, transaction)
                .username(&format!("{}:{}", self.remote.ufrag, self.local.ufrag))
                .priority(0x6e00_01ff)
                .ice_controlling(self.tie_breaker);
            if pair.local == self.nominated {
                request = request.use_candidate();
            }
            request.finish_with_integrity(self.remote.password.as_bytes());
            out.push_back(Datagram { from: pair.local, to: self.server, data });
        }
    }

    /// Answers a check of the server's, or takes its answer to one of ours: true when the nominated pair has become valid by
    /// it.
    pub fn handle_stun(&mut self, now: Time, datagram: &Datagram, out: &mut VecDeque<Datagram>) -> bool {
        let Ok(message) = Message::parse_untrusted(&datagram.data) else {
            self.wrong_answers += 1;
            return false;
        };
        if message.class() == Class::Request {
            out.extend(self.answer(datagram, &message));
            return false;
        }
        self.handle_answer(now, datagram, &message)
    }

    /// RFC 8445 section 7.3, as far as a controlling agent needs it whose pairs are all known.
    fn answer(&mut self, datagram: &Datagram, message: &Message<'_>) -> Option<Datagram> {
        let ours = format!("{}:{}", self.local.ufrag, self.remote.ufrag);
        let right = message.username() == Some(ours.as_bytes())
            && message.verify_integrity(self.local.password.as_bytes())
            && message.ice_controlled().is_some();
        if !right || !self.running {
            // It may be one of before a restart.
            return None;
        }
        let mut data = Vec::new();
        Builder::binding_success(&mut data, message.transaction_id())
            .xor_mapped_address(datagram.from)
            .finish_with_integrity(self.local.password.as_bytes());
        Some(Datagram { from: datagram.to, to: datagram.from, data })
    }

    fn handle_answer(&mut self, now: Time, datagram: &Datagram, message: &Message<'_>) -> bool {
        let was_connected = self.is_connected();
        let pair = self.pairs.iter_mut().find(|pair| pair.local == datagram.to);
        let Some(pair) = pair.filter(|pair| pair.transactions.contains(&message.transaction_id())) else {
            // An answer to a check of before a restart.
            return false;
        };
        let right = message.class() == Class::Success
            && message.verify_integrity(self.remote.password.as_bytes())
            && message.xor_mapped_address() == Some(pair.local)
            && datagram.from == self.server;
        if !right {
            self.wrong_answers += 1;
            return false;
        }
        self.answers += 1;
        if !pair.valid {
            pair.valid = true;
            pair.due = now + CONSENT_INTERVAL;
        }
        !was_connected && self.is_connected()
    }
}
