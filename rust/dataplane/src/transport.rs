//! One peer connection's state: ICE, DTLS, SRTP, and the two halves that receive and send.

use visavis_wire::rtcp;

use crate::api::{DtlsRole, Fingerprint, IceMode, Report, TransportId, TransportState};
use crate::channels::Channels;
use crate::dtls;
use crate::ice::{Agent, Credentials, Path, Requests};
use crate::receive::ReceiveSide;
use crate::send::SendSide;
use crate::srtp;
use crate::time::Time;
use crate::transmit::TransmitQueue;

/// Datagrams that came before the peer's description did; a ClientHello may be two.
const MAX_EARLY: usize = 4;
/// RTCP packets leave in datagrams of at most this, before SRTCP adds its own.
const MAX_RTCP_BYTES: usize = 1_200;
/// A lite transport whose peer never came is given up after so long.
const NEVER_VALIDATED: std::time::Duration = std::time::Duration::from_secs(60);

/// The two directions' keys in use.
#[derive(Debug)]
pub struct Session {
    pub sender: srtp::Sender,
    pub receiver: srtp::Receiver,
    pub version: &'static str,
    pub cipher: String,
    /// The peer's, in DER; told with `connected`.
    pub certificate: Vec<u8>,
}

/// What went over the transport, in datagrams.
#[derive(Debug, Default)]
pub struct TransportCounters {
    pub bytes_received: u64,
    pub packets_received: u64,
    pub bytes_sent: u64,
    pub packets_sent: u64,
}

/// All that belongs to one peer.
#[derive(Debug)]
pub struct Transport {
    pub id: TransportId,
    pub ice: Agent,
    /// To STUN and TURN servers.
    pub requests: Requests,
    /// What DTLS shows; none is the shard's.
    pub certificate: Option<dtls::Certificate>,
    pub dtls: Option<dtls::Endpoint>,
    /// What the peer said of itself: our role towards it, and its certificate.
    pub peer: Option<(DtlsRole, Vec<Fingerprint>)>,
    early: Vec<Vec<u8>>,
    pub session: Option<Session>,
    /// The data channels' association, if one is open.
    pub channels: Option<Channels>,
    pub receive: ReceiveSide,
    pub send: SendSide,
    pub state: Option<TransportState>,
    pub counts: TransportCounters,
    /// When the driver's clock is to wake this transport; kept in step with the shard's table.
    pub deadline: Time,
    pub fir_sequence: u8,
    /// When the address of its packets is next noted as proved.
    pub next_proof: Time,
    /// Others may have its fragment, too.
    pub shares_ufrag: bool,
    /// Checks that come another way are not answered.
    pub by_relays_only: bool,
    opened: Time,
    /// It failed for want of a path: the keys are good still.
    without_path: bool,
}

impl Transport {
    pub fn new(
        id: TransportId,
        local: Credentials,
        mode: IceMode,
        certificate: Option<dtls::Certificate>,
        now: Time,
    ) -> Transport {
        Transport {
            id,
            // As random as RFC 7022 section 4.2 wants a name for a session.
            receive: ReceiveSide::new(id.0 | 1, local.ufrag.clone()),
            ice: Agent::new(id, local, mode, now),
            requests: Requests::default(),
            certificate,
            dtls: None,
            peer: None,
            early: Vec::new(),
            session: None,
            channels: None,
            send: SendSide::default(),
            state: None,
            counts: TransportCounters::default(),
            deadline: now,
            fir_sequence: 0,
            next_proof: now,
            shares_ufrag: false,
            by_relays_only: false,
            opened: now,
            without_path: false,
        }
    }

    /// Whether a check by this path is to be left unanswered: it comes by no relay, and by no way that is in use since before
    /// relays were asked for.
    pub fn hides_from(&self, path: Path) -> bool {
        self.by_relays_only && !path.socket.is_relay() && self.ice.former_path() != Some(path)
    }

    /// Keeps a DTLS datagram that came before the peer's description; false when there are too many.
    pub fn keep_early(&mut self, datagram: &[u8]) -> bool {
        let room = self.early.len() < MAX_EARLY && datagram.len() <= dtls::MAX_HANDSHAKE_DATAGRAM;
        if room {
            self.early.push(datagram.to_vec());
        }
        room
    }

    pub fn take_early(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.early)
    }

    /// DTLS begins anew, with this peer: what the association before has agreed on is worth nothing any more. A failure of
    /// it is forgotten, as it was of its keys.
    pub fn renew(&mut self, role: DtlsRole, fingerprints: Vec<Fingerprint>) {
        self.peer = Some((role, fingerprints));
        (self.dtls, self.session) = (None, None);
        self.early.clear();
        self.send.close_streams();
        self.ice.drop_former();
        if self.state == Some(TransportState::Failed) && !self.without_path {
            self.state = None;
        }
    }

    pub fn is_over(&self) -> bool {
        matches!(self.state, Some(TransportState::Failed | TransportState::Closed))
    }

    /// The state in which the transport should be by what is known now, and why.
    pub fn judge(&mut self, now: Time) -> Option<(TransportState, &'static str)> {
        if self.is_over() {
            return None;
        }
        if !self.ice.keep_consent(now) {
            self.without_path = true;
            return Some((TransportState::Failed, "no consent for 30 s"));
        }
        if !self.ice.ever_valid() {
            // When a full agent has tried enough is its owner's decision.
            let late = self.ice.is_lite() && now.since(self.opened) >= NEVER_VALIDATED;
            self.without_path = late;
            return late.then_some((TransportState::Failed, "no path was ever validated"));
        }
        if self.session.is_none() {
            return Some((TransportState::Connecting, "a path is validated"));
        }
        if self.ice.is_silent(now) {
            return Some((TransportState::Disconnected, "nothing was heard for seconds"));
        }
        Some((TransportState::Connected, "keys agreed on"))
    }

    /// ICE restarts. A transport that failed for want of a path looks for one again; the paths it had are returned, and
    /// are valid no more (RFC 8445 section 9, RFC 7675 section 5.1).
    pub fn revive(&mut self, now: Time) -> Vec<Path> {
        if self.state != Some(TransportState::Failed) || !self.without_path {
            return Vec::new();
        }
        (self.state, self.opened, self.without_path) = (None, now, false);
        self.ice.forget_paths(now)
    }

    /// Takes a state; the report to make if it is new.
    pub fn enter(&mut self, state: TransportState, reason: &'static str) -> Option<Report> {
        if self.state == Some(state) || self.is_over() {
            return None;
        }
        self.state = Some(state);
        Some(Report::Transport {
            id: self.id,
            state,
            reason,
            remote: self.ice.selected().map(|path| path.peer),
            dtls_version: self.session.as_ref().map_or("", |session| session.version),
            dtls_cipher: self.session.as_ref().map_or(String::new(), |session| session.cipher.clone()),
            srtp_profile: self.session.as_ref().map_or("", |session| session.sender.profile().as_str()),
            certificate: match &self.session {
                Some(session) if state == TransportState::Connected => session.certificate.clone(),
                _ => Vec::new(),
            },
        })
    }

    /// Where to send: while there is consent and the transport is not over.
    pub fn path(&self) -> Option<Path> {
        if self.is_over() { None } else { self.ice.selected() }
    }

    /// Queues what DTLS has to send. Until a path has proved itself, a handshake goes to where the peer checked from, as far
    /// as ICE lets it; what must wait stays queued.
    pub fn send_dtls(&mut self, transmits: &mut TransmitQueue) {
        let proved = self.path();
        let unproved = || self.ice.unproved_path().filter(|_| !self.is_over());
        let Some(path) = proved.or_else(unproved) else { return };
        let Some(dtls) = &mut self.dtls else { return };
        while let Some(bytes) = dtls.next_transmit_bytes() {
            if proved.is_none() && !self.ice.spend(path, bytes) {
                break;
            }
            let Some(datagram) = dtls.poll_transmit() else { break };
            self.counts.packets_sent += 1;
            self.counts.bytes_sent += datagram.len() as u64;
            transmits.push(path.socket, path.peer, &datagram);
        }
    }

    /// Seals and queues RTCP packets, as many to a datagram as fit. Each datagram is a compound packet (RFC 3550 section
    /// 6.1) unless the peer agreed to reduced-size ones (RFC 5506).
    pub fn send_rtcp(&mut self, packets: &[u8], transmits: &mut TransmitQueue) {
        let Some(path) = self.path() else { return };
        let Some(session) = &mut self.session else { return };
        let mut preface = Vec::new();
        for datagram in split_rtcp(packets) {
            preface.clear();
            if !self.receive.reduced_size_rtcp() && !is_compound(datagram) {
                self.receive.write_empty_report(&mut preface);
            }
            let sealed = transmits.push_with(path.socket, path.peer, |out| {
                let start = out.len();
                out.extend_from_slice(&preface);
                out.extend_from_slice(datagram);
                session.sender.seal_rtcp(out, start)
            });
            if sealed.is_ok() {
                self.counts.packets_sent += 1;
                self.counts.bytes_sent += (preface.len() + datagram.len()) as u64;
            }
        }
    }

    /// Tells the peer that streams have ended (RFC 3550 section 6.6), in compound packets always.
    pub fn send_goodbye(&mut self, ssrcs: &[u32], transmits: &mut TransmitQueue) {
        for ssrcs in ssrcs.chunks(rtcp::COUNT_LIMIT) {
            let mut packets = Vec::new();
            self.receive.write_empty_report(&mut packets);
            rtcp::write_bye(&mut packets, ssrcs, "");
            self.send_rtcp(&packets, transmits);
        }
    }
}

/// Length of the RTCP packet at the start of `packets`.
fn rtcp_length(packets: &[u8]) -> Option<usize> {
    let &[high, low] = packets.get(2..4)? else { return None };
    Some(4 * (usize::from(u16::from_be_bytes([high, low])) + 1))
}

/// RFC 3550 section 6.1: a report first, and the name of its source.
fn is_compound(mut packets: &[u8]) -> bool {
    use rtcp::packet_type::{RECEIVER_REPORT, SDES, SENDER_REPORT};
    let reported = packets.get(1).is_some_and(|kind| [SENDER_REPORT, RECEIVER_REPORT].contains(kind));
    let mut named = false;
    while let (Some(&kind), Some(length)) = (packets.get(1), rtcp_length(packets)) {
        named |= kind == SDES;
        packets = packets.get(length..).unwrap_or_default();
    }
    reported && named
}

/// Cuts a run of RTCP packets at their borders (RFC 3550 section 6.1) into datagrams that fit a path.
fn split_rtcp(mut packets: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let mut length = 0;
        while let Some(next) = packets.get(length..).and_then(rtcp_length).map(|one| length + one) {
            if length > 0 && next > MAX_RTCP_BYTES {
                break;
            }
            length = next.min(packets.len());
        }
        let (datagram, rest) = packets.split_at(length);
        packets = rest;
        (!datagram.is_empty()).then_some(datagram)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtcp_is_cut_between_packets_only() {
        let packet = |words: u16| {
            let mut packet = vec![0x80, 201];
            packet.extend_from_slice(&words.to_be_bytes());
            packet.resize(4 + 4 * usize::from(words), 0);
            packet
        };
        let run = [packet(100), packet(150), packet(199), packet(400), packet(1)].concat();
        let lengths: Vec<usize> = split_rtcp(&run).map(<[u8]>::len).collect();
        assert_eq!(lengths, [404 + 604, 800, 1_604, 8]);
        assert_eq!(split_rtcp(&[]).count(), 0);
    }

    #[test]
    fn a_compound_packet_begins_with_a_report_and_has_a_name() {
        let (mut report, mut name, mut pli) = (Vec::new(), Vec::new(), Vec::new());
        rtcp::write_receiver_report(&mut report, 1, &[]);
        rtcp::write_sdes_cname(&mut name, 1, "name");
        rtcp::write_pli(&mut pli, 1, 2);
        assert!(is_compound(&[report.clone(), name.clone(), pli.clone()].concat()));
        assert!(!is_compound(&[report.clone(), pli.clone()].concat()));
        assert!(!is_compound(&[pli, report, name.clone()].concat()));
        assert!(!is_compound(&name));
        assert!(!is_compound(&[0x80, 201]));
    }
}
