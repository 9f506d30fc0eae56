//! Two full ICE agents (RFC 8445), each on a data plane of its own with sockets of its own, and what their owners say.

use std::net::SocketAddr;

use visavis_dataplane::api::{
    FIRST_OWN_SOCKET, GivenKeys, IceMode, PairConfig, PairId, SocketNumber, TransportId, TransportState,
};
use visavis_dataplane::ice::Credentials;
use visavis_dataplane::srtp::Profile;
use visavis_dataplane::{Command, Report, Time};

use crate::link::Links;
use crate::network::{Handle, Network};
use crate::random::Random;
use crate::server::Server;

/// Both ends call their transport so.
pub const TRANSPORT: TransportId = TransportId(1);
const PRIORITY: u32 = 0x6eff_ffff;

/// Which end.
pub const CONTROLLING: usize = 0;
pub const CONTROLLED: usize = 1;

#[derive(Debug)]
struct End {
    node: Handle<Server>,
    local: Credentials,
    addresses: Vec<SocketAddr>,
    /// Where the others see them.
    outer: Vec<SocketAddr>,
}

/// Two ends, whose owners do nothing by themselves.
#[derive(Debug)]
pub struct Duo {
    pub network: Network,
    ends: [End; 2],
    random: Random,
    generation: u32,
}

impl Duo {
    /// Each end has so many addresses; the first end is controlling.
    pub fn new(seed: u64, links: Links, addresses: usize) -> Duo {
        let full = |controlling| IceMode::Full { controlling, tie_breaker: u64::from(controlling) };
        Duo::with_modes(seed, links, addresses, [full(true), full(false)])
    }

    pub fn with_modes(seed: u64, links: Links, addresses: usize, modes: [IceMode; 2]) -> Duo {
        let mut network = Network::new(seed);
        let mut random = Random::new(seed ^ 0x0064_756f);
        let mut number = 0;
        let ends = modes.map(|mode| {
            number += 1;
            let own = |n: usize| SocketAddr::from(([10, number, 0, n as u8 + 1], 40_000));
            let addresses: Vec<SocketAddr> = (0..addresses).map(own).collect();
            let mut server = Server::new(1, Vec::new());
            let local = credentials(&mut random);
            let open =
                Command::OpenTransport { id: TRANSPORT, local: local.clone(), mode, certificate: None };
            server.command(Time::ZERO, open);
            for (n, &address) in addresses.iter().enumerate() {
                let (socket, descriptor) = (socket(n), server.bind(address));
                server.command(Time::ZERO, Command::AddSocket { id: TRANSPORT, socket, descriptor });
            }
            let node = network.attach(server, &addresses, links);
            End { node, local, outer: addresses.clone(), addresses }
        });
        Duo { network, ends, random, generation: 0 }
    }

    pub fn run_ms(&mut self, ms: u64) {
        self.network.run_for(std::time::Duration::from_millis(ms));
    }

    pub fn command(&mut self, end: usize, command: Command) {
        let now = self.network.now();
        self.network.node_mut(self.ends[end].node).command(now, command);
    }

    pub fn server(&self, end: usize) -> &Server {
        self.network.node(self.ends[end].node)
    }

    pub fn node(&self, end: usize) -> Handle<Server> {
        self.ends[end].node
    }

    pub fn address(&self, end: usize, n: usize) -> SocketAddr {
        self.ends[end].addresses[n]
    }

    /// Puts an address behind a NAT, or changes what the NAT makes of it; nobody is told.
    pub fn translate(&mut self, end: usize, n: usize, outer: SocketAddr) {
        self.ends[end].outer[n] = outer;
        self.network.translate(self.ends[end].addresses[n], outer);
    }

    /// Tells an end its peer's credentials, and both their keys.
    pub fn connect(&mut self, end: usize) {
        let remote = self.ends[1 - end].local.clone();
        let profile = Profile::AeadAes128Gcm;
        let key = |end: usize| vec![end as u8; profile.key_len() + profile.salt_len()];
        let keys = GivenKeys { profile, local: key(end), remote: key(1 - end) };
        self.command(end, Command::ConnectWithKeys { id: TRANSPORT, remote, keys });
    }

    /// The number of the pair of the n-th addresses of both ends.
    pub fn pair(&self, n: usize) -> PairId {
        PairId(self.generation * 100 + n as u32)
    }

    /// Has an end check the pairs of the n-th addresses of both, in this order.
    pub fn check(&mut self, end: usize, order: &[usize]) {
        let pairs = order
            .iter()
            .map(|&n| PairConfig {
                pair: self.pair(n),
                socket: socket(n),
                remote: self.ends[1 - end].addresses[n],
                priority: PRIORITY,
            })
            .collect();
        self.command(end, Command::SetPairs { id: TRANSPORT, pairs });
    }

    /// Both know each other, and check their pairs.
    pub fn start(&mut self) {
        let order: Vec<usize> = (0..self.ends[0].addresses.len()).collect();
        for end in [CONTROLLING, CONTROLLED] {
            self.connect(end);
            self.check(end, &order);
        }
    }

    pub fn nominate(&mut self, n: usize) {
        let pair = self.pair(n);
        self.command(CONTROLLING, Command::Nominate { id: TRANSPORT, pair });
    }

    /// New credentials at both ends, as after an offer and an answer; the pairs have new numbers.
    pub fn restart(&mut self) {
        self.generation += 1;
        let fresh = [credentials(&mut self.random), credentials(&mut self.random)];
        for (end, local) in fresh.iter().enumerate() {
            self.ends[end].local = local.clone();
            let remote = Some(fresh[1 - end].clone());
            self.command(end, Command::RestartIce { id: TRANSPORT, local: local.clone(), remote });
        }
        for end in [CONTROLLING, CONTROLLED] {
            let order: Vec<usize> = (0..self.ends[end].addresses.len()).collect();
            self.check(end, &order);
        }
    }

    /// The controlled end has other credentials, as a peer that has taken over; the controlling one keeps its own, and all
    /// has new numbers.
    pub fn replace_controlled(&mut self) {
        self.generation += 1;
        let fresh = credentials(&mut self.random);
        self.ends[CONTROLLED].local = fresh.clone();
        for end in [CONTROLLING, CONTROLLED] {
            let (local, remote) = (self.ends[end].local.clone(), Some(self.ends[1 - end].local.clone()));
            self.command(end, Command::RestartIce { id: TRANSPORT, local, remote });
        }
        let order: Vec<usize> = (0..self.ends[CONTROLLING].addresses.len()).collect();
        for end in [CONTROLLING, CONTROLLED] {
            self.check(end, &order);
        }
    }

    pub fn reports(&self, end: usize) -> &[(Time, Report)] {
        self.server(end).reports()
    }

    pub fn states(&self, end: usize) -> Vec<TransportState> {
        let state = |report: &Report| match report {
            Report::Transport { state, .. } => Some(*state),
            _ => None,
        };
        self.reports(end).iter().filter_map(|(_, report)| state(report)).collect()
    }

    /// The pairs that were selected, when and why.
    pub fn selections(&self, end: usize) -> Vec<(Time, PairId, &'static str)> {
        let selection = |(at, report): &(Time, Report)| match report {
            Report::PairSelected { pair, reason, .. } => Some((*at, *pair, *reason)),
            _ => None,
        };
        self.reports(end).iter().filter_map(selection).collect()
    }

    /// The pairs whose checks ended, with what came of them.
    pub fn outcomes(&self, end: usize) -> Vec<(PairId, bool)> {
        let outcome = |report: &Report| match report {
            Report::PairState { pair, succeeded, .. } => Some((*pair, *succeeded)),
            _ => None,
        };
        self.reports(end).iter().filter_map(|(_, report)| outcome(report)).collect()
    }
}

fn socket(n: usize) -> SocketNumber {
    SocketNumber(FIRST_OWN_SOCKET + n as u32)
}

fn credentials(random: &mut Random) -> Credentials {
    let number = random.next_u64();
    Credentials { ufrag: format!("A{number:016x}"), password: format!("{:032x}", u128::from(number) << 7) }
}
