//! Connects two transports of one server with each other: what one sends reaches the other over the mirror's links, twice.

use std::collections::VecDeque;
use std::net::SocketAddr;

use visavis_dataplane::Time;
use visavis_dataplane::ice::Credentials;
use visavis_wire::kind::{PacketKind, classify};

use crate::network::{Datagram, Node};
use crate::peer::checks::Checks;
use crate::random::Random;

/// A peer of two transports that is nobody itself: it checks both, and hands on what each sends.
#[derive(Debug)]
pub struct Mirror {
    ends: [Checks; 2],
    random: Random,
    out: VecDeque<Datagram>,
}

/// One end's address, and the credentials on either side of it.
#[derive(Debug)]
pub struct MirrorEnd {
    pub address: SocketAddr,
    pub local: Credentials,
    pub remote: Credentials,
}

impl Mirror {
    pub fn new(now: Time, server: SocketAddr, ends: [MirrorEnd; 2], mut random: Random) -> Mirror {
        let ends = ends.map(|end| {
            let mut checks = Checks::new(server, end.local, end.remote, end.address, random.next_u64());
            checks.start(now);
            checks
        });
        Mirror { ends, random, out: VecDeque::new() }
    }
}

impl Node for Mirror {
    fn handle_datagram_untrusted(&mut self, now: Time, datagram: Datagram) {
        let Some(end) = self.ends.iter().position(|end| end.nominated() == datagram.to) else { return };
        if classify(&datagram.data) == PacketKind::Stun {
            self.ends[end].handle_stun(now, &datagram, &mut self.out);
            return;
        }
        let other = &self.ends[1 - end];
        self.out.push_back(Datagram { from: other.nominated(), to: other.server(), data: datagram.data });
    }

    fn handle_timeout(&mut self, now: Time) {
        for end in &mut self.ends {
            end.handle_timeout(now, &mut self.random, &mut self.out);
        }
    }

    fn flush(&mut self, _: Time) {}

    fn poll_timeout(&self) -> Option<Time> {
        self.ends.iter().filter_map(Checks::poll_timeout).min()
    }

    fn poll_transmit(&mut self) -> Option<Datagram> {
        self.out.pop_front()
    }
}
