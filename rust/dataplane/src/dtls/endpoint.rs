//! One DTLS association.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use dimpl::{Dtls, DtlsCertificate, Error, Output, ProtocolVersion, SecurityError, UnexpectedMessageError};
use zeroize::Zeroizing;

use super::alert;
use super::config::{
    CONFIG, MAX_DATAGRAM, MAX_HANDSHAKE_DATAGRAM, MAX_RECORD, NEVER, OUTPUT_BUFFER, RECORD_BUFFER,
};
use super::fingerprint;
use super::hello::{ClientHello, cipher_suite_name, server_cipher_suite_untrusted};
use super::keys::Keys;
use super::received::Received;
use crate::api::{DtlsRole, Fingerprint};
use crate::srtp::Profile;
use crate::time::Time;

const FINGERPRINT_MISMATCH: &str = "fingerprint-mismatch";

/// The fatal alert of epoch 0 (RFC 6347 section 4.1, RFC 5246 section 7.2.2), with a sequence number that no record of a
/// handshake has.
const BAD_CERTIFICATE: [u8; 15] = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 2, alert::BAD_CERTIFICATE];

/// What became of the association.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The handshake is over and the peer is who it was signalled to be.
    Connected {
        keys: Keys,
        /// As webrtc-stats has it in `tlsVersion`: `FEFD` is 1.2, `FEFC` is 1.3.
        version: &'static str,
        /// The cipher suite's name in IANA's registry.
        cipher: String,
        /// What the peer showed, in DER.
        certificate: Vec<u8>,
    },
    /// It is over; the reason is a word for logs.
    Failed(&'static str),
    /// The peer has closed it by close_notify.
    Closed,
}

/// The datagram had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discarded;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A server that has seen no ClientHello; there is no engine yet.
    Listening,
    Handshaking,
    Connected,
    /// Failed, or closed by either side.
    Over,
}

/// One association with one peer. The caller gives it only datagrams from an address that ICE has validated, and makes a
/// client only when there is such an address: its first flight is ready at once, and its handshake has 30 s from there. A
/// server waits for the ClientHello as long as it takes.
///
/// After each `handle_*` the caller takes what `poll_transmit`, `poll_event` and `poll_timeout` give.
pub struct Endpoint {
    role: DtlsRole,
    is_1_2_only: bool,
    state: State,
    engine: Option<Dtls>,
    certificate: DtlsCertificate,
    fingerprints: Vec<Fingerprint>,
    epoch: Instant,
    last: Time,
    /// The peer's, once it has been found to be the one that was signalled.
    proved: Option<Vec<u8>>,
    is_established: bool,
    keys: Option<Keys>,
    cipher_suite: Option<u16>,
    transmits: VecDeque<Vec<u8>>,
    events: VecDeque<Event>,
    timeout: Option<Time>,
    received: Received,
    /// What the engine writes to once the connection stands.
    buffer: Zeroizing<Vec<u8>>,
}

impl Endpoint {
    /// `epoch` is the instant of `Time::ZERO`; the engine counts in instants. `fingerprints` are those signalled by the
    /// peer: without one that is accepted, no handshake can succeed.
    pub fn new(
        role: DtlsRole,
        certificate: &DtlsCertificate,
        fingerprints: Vec<Fingerprint>,
        now: Time,
        epoch: Instant,
    ) -> Endpoint {
        Endpoint::make(role, certificate, fingerprints, now, epoch, false)
    }

    /// An endpoint that speaks DTLS 1.2 alone.
    #[cfg(test)]
    pub(super) fn new_1_2(
        role: DtlsRole,
        certificate: &DtlsCertificate,
        fingerprints: Vec<Fingerprint>,
        now: Time,
        epoch: Instant,
    ) -> Endpoint {
        Endpoint::make(role, certificate, fingerprints, now, epoch, true)
    }

    fn make(
        role: DtlsRole,
        certificate: &DtlsCertificate,
        fingerprints: Vec<Fingerprint>,
        now: Time,
        epoch: Instant,
        is_1_2_only: bool,
    ) -> Endpoint {
        let mut endpoint = Endpoint {
            role,
            is_1_2_only,
            state: State::Listening,
            engine: None,
            certificate: certificate.clone(),
            fingerprints,
            epoch,
            last: now,
            proved: None,
            is_established: false,
            keys: None,
            cipher_suite: None,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            timeout: None,
            received: Received::default(),
            buffer: Zeroizing::default(),
        };
        if role == DtlsRole::Client {
            let mut engine = endpoint.engine(true, now);
            engine.set_active(true);
            endpoint.start(engine, now);
            endpoint.drain();
        }
        endpoint
    }

    pub fn role(&self) -> DtlsRole {
        self.role
    }

    pub fn is_connected(&self) -> bool {
        self.state == State::Connected
    }

    /// Application data of the peer, once it has proved who it is: to be taken after each `handle_*`, before the events.
    pub fn received(&mut self) -> &mut Received {
        &mut self.received
    }

    /// Sends `packet` as application data, one record in one datagram, which `send` is given; other datagrams that were
    /// ready wait for `poll_transmit`. False: no connection stands, or the packet is none for a datagram.
    pub fn seal(&mut self, packet: &[u8], mut send: impl FnMut(&[u8])) -> bool {
        if self.state != State::Connected || packet.is_empty() || packet.len() > MAX_RECORD {
            return false;
        }
        let Some(engine) = &mut self.engine else { return false };
        // The engine would put the record into a datagram that waits: there is none after a drain.
        if engine.send_application_data(packet).is_err() {
            return false;
        }
        self.drain_to(&mut |datagram| send(datagram));
        true
    }

    /// One datagram from the peer's address.
    ///
    /// What the engine can tell to be no part of the association it drops in silence. Once a connection stands, that is
    /// all that is not authenticated: records in the clear, of any type, cannot end it (`tests/hostile.rs`). Of the errors
    /// that it reports before, two come from datagrams that anybody could have sent and leave the engine as it was: an
    /// answer to the client's first flight that is no hello, and one more datagram than its queue holds. Those only count
    /// as `Discarded`; all others end the association. Before keys are agreed on, DTLS cannot tell a forged hello or alert
    /// from a true one (RFC 6347 section 4.1.2.7), so who can send from a validated address can spoil a handshake.
    pub fn handle_datagram_untrusted(&mut self, now: Time, datagram: &[u8]) -> Result<(), Discarded> {
        let most = if self.is_connected() { MAX_DATAGRAM } else { MAX_HANDSHAKE_DATAGRAM };
        if datagram.len() > most {
            return Err(Discarded);
        }
        match self.state {
            State::Over => return Err(Discarded),
            State::Connected | State::Handshaking => {}
            State::Listening => {
                let hello = ClientHello::peek_untrusted(datagram).ok_or(Discarded)?;
                self.start(self.engine(hello.permits_1_3(), now), now);
            }
        }
        if self.role == DtlsRole::Client
            && self.state == State::Handshaking
            && let Some(suite) = server_cipher_suite_untrusted(datagram)
        {
            self.cipher_suite = Some(suite);
        }
        self.handle_timeout(now);
        let Some(engine) = &mut self.engine else { return Err(Discarded) };
        let result = engine.handle_packet(datagram);
        self.drain();
        match result {
            Ok(()) => Ok(()),
            Err(error) if is_harmless(&error) => Err(Discarded),
            Err(error) => {
                self.fail(reason(&error));
                Err(Discarded)
            }
        }
    }

    /// Repeats flights that were not answered, and gives up in the end.
    pub fn handle_timeout(&mut self, now: Time) {
        // The engine wants its time to run forward.
        self.last = self.last.max(now);
        let instant = self.instant(self.last);
        let Some(engine) = &mut self.engine else { return };
        let result = engine.handle_timeout(instant);
        self.drain();
        if let Err(error) = result {
            self.fail(reason(&error));
        }
    }

    /// When `handle_timeout` wants to be called next.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.timeout
    }

    /// The size of the datagram that `poll_transmit` gives next.
    pub fn next_transmit_bytes(&self) -> Option<usize> {
        self.transmits.front().map(Vec::len)
    }

    /// The next datagram to send to the peer.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.transmits.pop_front()
    }

    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Ends the association from this side: close_notify is ready to be sent if a connection stands. There is no event.
    pub fn close(&mut self, now: Time) {
        self.handle_timeout(now);
        if let Some(engine) = &mut self.engine {
            // An error means that there is nothing to close any more.
            let _ = engine.close();
            self.drain();
        }
        self.end();
    }

    fn instant(&self, time: Time) -> Instant {
        self.epoch + Duration::from_nanos(time.as_nanos())
    }

    /// A new engine, for both versions or for 1.2 alone; a server until it is told otherwise.
    fn engine(&self, permits_1_3: bool, now: Time) -> Dtls {
        let (config, certificate) = (CONFIG.clone(), self.certificate.clone());
        if permits_1_3 && !self.is_1_2_only {
            Dtls::new_auto(config, certificate, self.instant(now))
        } else {
            Dtls::new_12(config, certificate, self.instant(now))
        }
    }

    fn start(&mut self, mut engine: Dtls, now: Time) {
        // The engine draws its randomness at the first tick. With nothing sent yet, no timer can have run out.
        let _ = engine.handle_timeout(self.instant(now));
        self.engine = Some(engine);
        self.state = State::Handshaking;
    }

    /// Takes all that the engine has to give. It must follow each call to it: a full transmit queue is fatal there.
    fn drain(&mut self) {
        let mut transmits = std::mem::take(&mut self.transmits);
        self.drain_to(&mut |datagram| transmits.push_back(datagram.to_vec()));
        self.transmits = transmits;
    }

    fn drain_to(&mut self, send: &mut dyn FnMut(&[u8])) {
        let Some(mut engine) = self.engine.take() else { return };
        // Certificates come before the connection stands, and nothing afterwards is longer than a datagram.
        let is_connected = self.state == State::Connected;
        let mut buffer = if is_connected { std::mem::take(&mut self.buffer) } else { Zeroizing::default() };
        let size = if is_connected { buffer.len().max(RECORD_BUFFER) } else { OUTPUT_BUFFER };
        buffer.resize(size, 0);
        let failure = loop {
            match engine.poll_output(&mut buffer) {
                Output::Packet(packet) => {
                    if self.role == DtlsRole::Server
                        && self.state == State::Handshaking
                        && let Some(suite) = server_cipher_suite_untrusted(packet)
                    {
                        self.cipher_suite = Some(suite);
                    }
                    send(packet);
                }
                Output::Timeout(instant) => {
                    let deadline = Time::ZERO + instant.saturating_duration_since(self.epoch);
                    self.timeout = (deadline.since(self.last) < NEVER).then_some(deadline);
                    break None;
                }
                Output::PeerCert(certificate) => {
                    if !fingerprint::matches(certificate, &self.fingerprints) {
                        break Some(FINGERPRINT_MISMATCH);
                    }
                    self.proved = Some(certificate.to_vec());
                }
                Output::KeyingMaterial(material, profile) => {
                    let material = Zeroizing::new(material.to_vec());
                    self.keys = Profile::from_dtls(profile)
                        .and_then(|profile| Keys::split(profile, self.role, &material));
                }
                Output::Connected => self.is_established = true,
                // The engine gives none before `Connected`, nor that before the certificate.
                Output::ApplicationData(data) if self.is_established => self.received.push(data),
                Output::CloseNotify => {
                    self.events.push_back(Event::Closed);
                    self.state = State::Over;
                }
                Output::BufferTooSmall { needed } if is_connected && needed <= MAX_DATAGRAM => {
                    buffer.resize(needed, 0);
                }
                // Its own records before that are far smaller than the buffer.
                Output::BufferTooSmall { .. } => break Some("record-too-large"),
                _ => {}
            }
        };
        let version = engine.protocol_version();
        if failure == Some(FINGERPRINT_MISMATCH) {
            refuse(&mut engine, &mut buffer, send);
        }
        if is_connected {
            self.buffer = buffer;
        }
        if self.state == State::Over {
            // The answer to close_notify has been taken; the engine has no more to say.
            self.end();
            return;
        }
        self.engine = Some(engine);
        if let Some(reason) = failure {
            self.fail(reason);
        } else if self.is_established && self.state == State::Handshaking {
            self.connect(version);
        }
    }

    /// The handshake is over: hands out the keys, if all is as it must be.
    fn connect(&mut self, version: Option<ProtocolVersion>) {
        let Some(certificate) = self.proved.take() else { return self.fail("no-certificate") };
        let Some(keys) = self.keys.take() else { return self.fail("no-srtp-profile") };
        let version = match version {
            Some(ProtocolVersion::DTLS1_2) => "FEFD",
            Some(ProtocolVersion::DTLS1_3) => "FEFC",
            _ => return self.fail("unknown-version"),
        };
        let cipher = self.cipher_suite.map(cipher_suite_name).unwrap_or_default();
        self.state = State::Connected;
        self.events.push_back(Event::Connected { keys, version, cipher, certificate });
    }

    fn fail(&mut self, reason: &'static str) {
        if self.state != State::Over {
            self.events.push_back(Event::Failed(reason));
            self.received.clear();
        }
        self.end();
    }

    fn end(&mut self) {
        self.state = State::Over;
        self.engine = None;
        self.keys = None;
        self.timeout = None;
    }
}

/// Tells a peer that is not who it was signalled to be, so that it need not wait for the time-out of its handshake.
///
/// In DTLS 1.2 it has no keys of ours yet, and takes an alert in the clear. In 1.3 it takes none: the handshake is brought to
/// its end, and an alert sent under its keys at once. Media keys are given to nobody.
fn refuse(engine: &mut Dtls, buffer: &mut [u8], send: &mut dyn FnMut(&[u8])) {
    if engine.protocol_version() != Some(ProtocolVersion::DTLS1_3) {
        send(&BAD_CERTIFICATE);
        return;
    }
    send_rest(engine, buffer, send);
    // An error, or an engine that is not through with the handshake: the peer's time-out has to do.
    let _ = alert::instead_of_close_notify(alert::BAD_CERTIFICATE, || engine.close());
    send_rest(engine, buffer, send);
}

fn send_rest(engine: &mut Dtls, buffer: &mut [u8], send: &mut dyn FnMut(&[u8])) {
    loop {
        match engine.poll_output(buffer) {
            Output::Packet(packet) => send(packet),
            Output::Timeout(_) | Output::BufferTooSmall { .. } => return,
            _ => {}
        }
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("role", &self.role)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Errors after which the engine is as it was before the datagram.
fn is_harmless(error: &Error) -> bool {
    matches!(
        error,
        Error::UnexpectedMessage(UnexpectedMessageError::UnrecognizedAutoServerResponse)
            | Error::ReceiveQueueFull
    )
}

fn reason(error: &Error) -> &'static str {
    match error {
        Error::Timeout(_) => "dtls-timeout",
        Error::SecurityError(SecurityError::FatalAlert { description }) => alert::reason(*description),
        Error::CertificateError(_) => "dtls-certificate",
        Error::ConnectionClosed => "dtls-closed",
        _ => "dtls-error",
    }
}
