//! Two endpoints over memory.

mod application;
mod handshake;
mod hostile;
mod negotiation;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use super::{Certificate, Curve, Discarded, Endpoint, Event, Keys, MAX_DATAGRAM, MAX_HANDSHAKE_DATAGRAM};
use crate::api::{DtlsRole, Fingerprint};
use crate::time::Time;

/// Making certificates takes time, so all tests share two.
static CLIENT: LazyLock<Certificate> = LazyLock::new(|| Certificate::generate().unwrap());
static SERVER: LazyLock<Certificate> = LazyLock::new(|| Certificate::generate().unwrap());
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

fn fingerprint(certificate: &Certificate) -> Vec<Fingerprint> {
    let digest = certificate.fingerprint_sha256().to_vec();
    vec![Fingerprint { algorithm: "sha-256".to_owned(), digest }]
}

struct Connected {
    keys: Keys,
    version: &'static str,
    cipher: String,
    certificate: Vec<u8>,
}

fn connected(event: Option<Event>) -> Connected {
    match event {
        Some(Event::Connected { keys, version, cipher, certificate }) => {
            Connected { keys, version, cipher, certificate }
        }
        other => panic!("not connected: {other:?}"),
    }
}

/// A client and a server on virtual time, with a network between them that a test may meddle with.
struct Pair {
    client: Endpoint,
    server: Endpoint,
    now: Time,
}

impl Pair {
    fn new() -> Pair {
        Pair::expecting(fingerprint(&SERVER), fingerprint(&CLIENT))
    }

    fn expecting(of_server: Vec<Fingerprint>, of_client: Vec<Fingerprint>) -> Pair {
        let now = Time::from_millis(1_000);
        Pair {
            client: Endpoint::new(DtlsRole::Client, &CLIENT, of_server, now, *EPOCH),
            server: Endpoint::new(DtlsRole::Server, &SERVER, of_client, now, *EPOCH),
            now,
        }
    }

    fn speaking_1_2() -> Pair {
        let server = Endpoint::new_1_2(
            DtlsRole::Server,
            &SERVER,
            fingerprint(&CLIENT),
            Time::from_millis(1_000),
            *EPOCH,
        );
        Pair { server, ..Pair::new() }
    }

    /// Carries datagrams to and fro until none is left; returns how many there were. `meddle` is told whether it comes
    /// from the client, may change the datagram, and says whether it arrives.
    fn exchange(&mut self, mut meddle: impl FnMut(bool, &mut Vec<u8>) -> bool) -> usize {
        let mut carried = 0;
        loop {
            let (from_client, mut datagram) = match self.client.poll_transmit() {
                Some(datagram) => (true, datagram),
                None => match self.server.poll_transmit() {
                    Some(datagram) => (false, datagram),
                    None => return carried,
                },
            };
            carried += 1;
            assert!(carried < 200, "the endpoints talk without end");
            if meddle(from_client, &mut datagram) {
                let receiver = if from_client { &mut self.server } else { &mut self.client };
                let _ = receiver.handle_datagram_untrusted(self.now, &datagram);
            }
        }
    }

    fn deliver_all(&mut self) -> usize {
        self.exchange(|_, _| true)
    }

    /// Lets time pass to the next deadline of either; returns how much.
    fn advance(&mut self) -> Duration {
        let next = [self.client.poll_timeout(), self.server.poll_timeout()].into_iter().flatten().min();
        let next = next.expect("a deadline").max(self.now);
        let passed = next.since(self.now);
        self.now = next;
        self.client.handle_timeout(next);
        self.server.handle_timeout(next);
        passed
    }

    fn connect(&mut self) -> (Connected, Connected) {
        self.deliver_all();
        (connected(self.client.poll_event()), connected(self.server.poll_event()))
    }
}
