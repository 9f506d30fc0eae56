//! One end of one connection: ICE as the controlling agent (RFC 8445), DTLS (RFC 8842), consent (RFC 7675).

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::{digest, rand};
use dimpl::{Config, Dtls, Output, certificate};

use crate::sdp::{Local, Remote};
use crate::srtp::{self, Keys};
use crate::{Result, stun, udp};

const SETUP_LIMIT: Duration = Duration::from_secs(10);
const CHECK_INTERVAL: Duration = Duration::from_millis(50);
const CONSENT_INTERVAL: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_millis(10);

/// What is made before the server is asked: a socket, credentials, a certificate.
pub struct Opening {
    socket: UdpSocket,
    ufrag: String,
    password: String,
    certificate: dimpl::DtlsCertificate,
    fingerprint: String,
}

/// A connection whose keys are known.
pub struct Client {
    pub socket: UdpSocket,
    pub send: Keys,
    pub receive: Keys,
    pub srtp_profile: String,
    pub dtls_version: String,
    pub vp8_payload_type: u8,
    ice: Ice,
    dtls: Dtls,
    next_consent: Instant,
    rtcp_index: u32,
}

struct Ice {
    username: String,
    password: String,
    remote_password: String,
    tie_breaker: u64,
}

impl Opening {
    pub fn new(gro: bool) -> Result<Opening> {
        let certificate = certificate::generate_self_signed_certificate()?;
        Ok(Opening {
            socket: udp::open(gro)?,
            ufrag: token(4)?,
            password: token(12)?,
            fingerprint: certificate.fingerprint_str(),
            certificate,
        })
    }

    pub fn local(&self) -> Result<Local<'_>> {
        let address = self.socket.local_addr()?;
        Ok(Local { ufrag: &self.ufrag, password: &self.password, fingerprint: &self.fingerprint, address })
    }

    /// Checks the pair and shakes hands; the server has our description by now.
    pub fn connect(self, remote: &Remote) -> Result<Client> {
        self.socket.connect(remote.address)?;
        self.socket.set_read_timeout(Some(READ_TIMEOUT))?;
        let ice = Ice {
            username: format!("{}:{}", remote.ufrag, self.ufrag),
            password: self.password,
            remote_password: remote.password.clone(),
            tie_breaker: u64::from_be_bytes(random()?),
        };
        let started = Instant::now();
        let mut dtls = Dtls::new_12(Arc::new(Config::default()), self.certificate, started);
        dtls.set_active(remote.passive);
        let mut shake = Handshake { validated: false, keys: None, checked: None };
        let mut datagram = [0; 2048];
        while shake.keys.is_none() {
            let now = Instant::now();
            if now - started > SETUP_LIMIT {
                let stage = if shake.validated { "DTLS" } else { "ICE" };
                return Err(format!("{stage} with {} was not done in {SETUP_LIMIT:?}", remote.address).into());
            }
            if !shake.validated && shake.checked.is_none_or(|checked| now - checked >= CHECK_INTERVAL) {
                shake.checked = Some(now);
                self.socket.send(&ice.check()?)?;
            }
            if shake.validated {
                dtls.handle_timeout(now)?;
                shake.drain(&mut dtls, &self.socket, remote)?;
            }
            match self.socket.recv(&mut datagram) {
                Ok(length) => shake.handle(&datagram[..length], &ice, &mut dtls, &self.socket)?,
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionRefused) => {}
                Err(error) => return Err(error.into()),
            }
            shake.drain(&mut dtls, &self.socket, remote)?;
        }
        let (ours, theirs, srtp_profile) = shake.keys.ok_or("DTLS exported no keys")?;
        self.socket.set_nonblocking(true)?;
        let jitter = Duration::from_millis(u64::from(random::<1>()?[0]) * 19);
        Ok(Client {
            socket: self.socket,
            send: ours,
            receive: theirs,
            srtp_profile,
            dtls_version: dtls.protocol_version().map_or_else(String::new, |version| format!("{version:?}")),
            vp8_payload_type: remote.vp8_payload_type,
            ice,
            dtls,
            next_consent: Instant::now() + jitter,
            rtcp_index: 0,
        })
    }
}

struct Handshake {
    validated: bool,
    keys: Option<(Keys, Keys, String)>,
    checked: Option<Instant>,
}

impl Handshake {
    fn handle(&mut self, datagram: &[u8], ice: &Ice, dtls: &mut Dtls, socket: &UdpSocket) -> Result<()> {
        match datagram.first() {
            Some(0..=3) => self.validated |= ice.handle(datagram, socket)?,
            Some(20..=63) => dtls.handle_packet(datagram)?,
            _ => {}
        }
        Ok(())
    }

    fn drain(&mut self, dtls: &mut Dtls, socket: &UdpSocket, remote: &Remote) -> Result<()> {
        if !self.validated {
            return Ok(());
        }
        let mut buffer = vec![0; 2048];
        loop {
            match dtls.poll_output(&mut buffer) {
                Output::Packet(packet) => drop(socket.send(packet)?),
                Output::BufferTooSmall { needed } => buffer.resize(needed, 0),
                Output::PeerCert(certificate)
                    if digest::digest(&digest::SHA256, certificate).as_ref() != remote.fingerprint =>
                {
                    return Err("the server's certificate is not the one of its description".into());
                }
                Output::KeyingMaterial(material, profile) => {
                    let (clients, servers) = srtp::keys(&material, profile)?;
                    let (ours, theirs) = if remote.passive { (clients, servers) } else { (servers, clients) };
                    self.keys = Some((ours, theirs, format!("{profile:?}")));
                }
                Output::CloseNotify => return Err("the server closed during the handshake".into()),
                Output::Timeout(_) => return Ok(()),
                _ => {}
            }
        }
    }
}

impl Ice {
    fn check(&self) -> Result<Vec<u8>> {
        Ok(stun::check(random()?, &self.username, &self.remote_password, self.tie_breaker))
    }

    /// Answers the peer's checks; gives whether this was an answer to ours.
    fn handle(&self, datagram: &[u8], socket: &UdpSocket) -> Result<bool> {
        match stun::parse(datagram, &self.password, &self.remote_password) {
            Some(stun::Message::Request(transaction)) => {
                socket.send(&stun::success(transaction, socket.peer_addr()?, &self.password))?;
                Ok(false)
            }
            Some(stun::Message::Success(_)) => Ok(true),
            None => Ok(false),
        }
    }
}

impl Client {
    /// Renews consent when that is due (RFC 7675 section 5.1).
    pub fn handle_timeout(&mut self, now: Instant) -> Result<()> {
        if now >= self.next_consent {
            self.next_consent = now + CONSENT_INTERVAL;
            self.socket.send(&self.ice.check()?)?;
        }
        Ok(())
    }

    /// Takes a datagram that is neither RTP nor RTCP.
    pub fn handle_other(&mut self, datagram: &[u8]) -> Result<()> {
        match datagram.first() {
            Some(0..=3) => drop(self.ice.handle(datagram, &self.socket)?),
            Some(20..=63) => {
                self.dtls.handle_packet(datagram)?;
                let mut buffer = [0; 2048];
                loop {
                    match self.dtls.poll_output(&mut buffer) {
                        Output::CloseNotify => return Err("the server closed the connection".into()),
                        Output::Packet(packet) => drop(self.socket.send(packet)?),
                        Output::Timeout(_) => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Seals and sends a compound RTCP packet.
    pub fn send_rtcp(&mut self, mut packet: Vec<u8>) -> Result<()> {
        self.rtcp_index += 1;
        self.send.seal_rtcp(&mut packet, self.rtcp_index);
        self.socket.send(&packet)?;
        Ok(())
    }
}

fn random<const BYTES: usize>() -> Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    rand::fill(&mut bytes).map_err(|_| "the system has no randomness")?;
    Ok(bytes)
}

/// `bytes` random bytes in hex: all are ice-chars (RFC 8839 section 5.4).
fn token(bytes: usize) -> Result<String> {
    let random: [u8; 16] = random()?;
    Ok(random.iter().take(bytes).map(|byte| format!("{byte:02x}")).collect())
}
