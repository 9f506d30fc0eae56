//! One agent as its peer and its owner see it.

mod full;
mod lite;
mod requests;

use std::net::SocketAddr;

use visavis_wire::stun::{Builder, Class, Message, TransactionId};

use super::*;
use crate::api::{IceMode, PairId};
use crate::time::Time;

const ID: TransportId = TransportId(7);

fn credentials(name: &str) -> Credentials {
    Credentials { ufrag: name.to_owned(), password: format!("password of {name} 0123456789") }
}

fn path(port: u16) -> Path {
    Path { socket: SocketId(1_000), peer: SocketAddr::from(([192, 0, 2, 1], port)) }
}

fn at_ms(ms: u64) -> Time {
    Time::from_millis(ms)
}

/// A check that the agent sent.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    path: Path,
    transaction: TransactionId,
    nominates: bool,
    controlling: bool,
}

/// An agent called `Aone` with its peer, `peer`, played by hand.
struct Scene {
    agent: Agent,
    random: Random,
    now: Time,
}

impl Scene {
    fn new(mode: IceMode) -> Scene {
        let mut agent = Agent::new(ID, credentials("Aone"), mode, Time::ZERO);
        agent.set_remote(credentials("peer"));
        Scene { agent, random: Random::new(&[1; 32]), now: Time::ZERO }
    }

    fn full(controlling: bool) -> Scene {
        Scene::new(IceMode::Full { controlling, tie_breaker: 100 })
    }

    /// Gives it pairs of these numbers, each to the port of its number.
    fn set_pairs(&mut self, numbers: &[u16]) {
        let pair = |&number: &u16| (PairId(u32::from(number)), path(number), 1);
        self.agent.set_pairs(numbers.iter().map(pair));
    }

    /// What it sends now.
    fn sent(&mut self) -> Vec<Asked> {
        self.agent.handle_timeout(self.now, &mut self.random);
        let polled = std::iter::from_fn(|| self.agent.poll_transmit());
        polled
            .map(|(path, data)| {
                let message = Message::parse_untrusted(&data).unwrap();
                assert_eq!(message.class(), Class::Request);
                let nominates = message.use_candidate();
                let controlling = message.ice_controlling().is_some();
                Asked { path, transaction: message.transaction_id(), nominates, controlling }
            })
            .collect()
    }

    /// Passes the time, every timer at its time; what was sent meanwhile, and when.
    fn pass(&mut self, end: Time) -> Vec<(Time, Asked)> {
        let mut all = Vec::new();
        while let Some(due) = self.agent.poll_timeout().filter(|&due| due <= end) {
            self.now = self.now.max(due);
            let now = self.now;
            all.extend(self.sent().into_iter().map(|asked| (now, asked)));
        }
        self.now = end;
        all
    }

    fn answer_from(&mut self, from: Path, asked: &Asked, password: &str, error: Option<u16>) -> Taken {
        let mut data = Vec::new();
        match error {
            Some(code) => {
                Builder::binding_error(&mut data, asked.transaction)
                    .error_code(code, "no")
                    .finish_with_integrity(password.as_bytes());
            }
            None => Builder::binding_success(&mut data, asked.transaction)
                .xor_mapped_address(SocketAddr::from(([203, 0, 113, 9], 9)))
                .finish_with_integrity(password.as_bytes()),
        }
        let message = Message::parse_untrusted(&data).unwrap();
        self.agent.handle_answer_untrusted(self.now, from, &message, &mut self.random)
    }

    /// The peer answers as it must.
    fn answer(&mut self, asked: &Asked) -> Taken {
        self.answer_from(asked.path, asked, &credentials("peer").password, None)
    }

    fn answer_all(&mut self) {
        for asked in self.sent() {
            self.answer(&asked);
        }
    }

    /// The peer's check.
    fn check(&mut self, port: u16, nominates: bool) -> Verdict {
        self.check_as(b"Aone:peer", port, nominates, None)
    }

    fn check_as(&mut self, username: &[u8], port: u16, nominates: bool, role: Option<Role>) -> Verdict {
        let check = Check { username, path: path(port), priority: 5, nominates, role, size: 100 };
        self.agent.handle_check(self.now, &check)
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.agent.poll_event()).collect()
    }

    fn selected(&self) -> Option<u16> {
        self.agent.selected().map(|path| path.peer.port())
    }
}
