//! Shards driven by hand, and peers that hold their keys.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use visavis_dataplane::api::{
    Codec, Extension, GivenKeys, IceMode, Kind, Payload, PayloadMap, ReceiveSection, Rung, SendSlot, SlotId,
    TrackId, TransportId,
};
use visavis_dataplane::counters::{Counter, Counters};
use visavis_dataplane::dtls::Certificate;
use visavis_dataplane::ice::Credentials;
use visavis_dataplane::srtp::{Profile, Receiver, SealStream, Sender};
use visavis_dataplane::{Command, Report, Shard, ShardConfig, ShardId, ShardMessage, SocketId, Time};
use visavis_wire::{rtp, stun};

const PROFILE: Profile = Profile::AeadAes128Gcm;
const PASSWORD: &str = "p0123456789012345678901";
pub const MEDIA: u8 = 96;
pub const NOT_ROUTED: u8 = 98;
pub const SLOT_SSRC: u32 = 0x5107_0000;

static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| Certificate::generate().unwrap());

pub fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

/// Shards that hand messages to each other at once.
pub struct Plane {
    pub shards: Vec<Shard>,
    counters: Vec<Arc<Counters>>,
    pub now: Time,
    sent: Vec<(SocketAddr, Vec<u8>)>,
    pub reports: Vec<Report>,
    /// What went from shard to shard and must not be lost.
    pub lasting_messages: usize,
}

impl Plane {
    pub fn new(shards: u8) -> Plane {
        let counters: Vec<Arc<Counters>> = (0..shards).map(|_| Arc::default()).collect();
        let made = counters.iter().enumerate().map(|(id, counters)| {
            Shard::new(ShardConfig {
                id: ShardId(id as u8),
                shards,
                ntp_at_zero: 0xe000_0000 << 32,
                epoch: Instant::now(),
                certificate: CERTIFICATE.clone().into_inner(),
                secret: [id as u8; 32],
                counters: Arc::clone(counters),
            })
        });
        Plane {
            shards: made.collect(),
            counters,
            now: Time::from_millis(1_000),
            sent: Vec::new(),
            reports: Vec::new(),
            lasting_messages: 0,
        }
    }

    pub fn command(&mut self, command: Command) {
        let shard = usize::from(command.shard().0);
        self.shards[shard].handle_command(self.now, command);
        self.settle();
    }

    /// A datagram that the kernel gives to the thread of `arrival`.
    pub fn datagram(&mut self, arrival: u8, from: SocketAddr, data: &[u8]) {
        self.datagram_of_a_batch(arrival, from, data);
        self.settle();
    }

    /// The same, with more to come before the turn ends.
    pub fn datagram_of_a_batch(&mut self, arrival: u8, from: SocketAddr, data: &[u8]) {
        let mut data = data.to_vec();
        self.shards[usize::from(arrival)].handle_datagram_untrusted(self.now, SocketId(0), from, &mut data);
    }

    pub fn settle(&mut self) {
        loop {
            let mut messages: Vec<(ShardId, ShardId, ShardMessage)> = Vec::new();
            for shard in &mut self.shards {
                shard.flush(self.now);
                let transmits = shard.transmits();
                for transmit in transmits.entries() {
                    for datagram in transmits.bytes(transmit).chunks(transmit.segment) {
                        self.sent.push((transmit.destination, datagram.to_vec()));
                    }
                }
                transmits.clear();
                let from = shard.id();
                messages.extend(
                    std::iter::from_fn(|| shard.poll_message()).map(|(to, message)| (from, to, message)),
                );
                self.reports.extend(std::iter::from_fn(|| shard.poll_report()));
            }
            if messages.is_empty() {
                break;
            }
            self.lasting_messages += messages.iter().filter(|(_, _, message)| !message.may_be_lost()).count();
            for (from, to, message) in messages {
                self.shards[usize::from(to.0)].handle_message(self.now, from, message);
            }
        }
    }

    pub fn advance(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(due) = self.shards.iter().filter_map(Shard::poll_timeout).min() {
            if due > end {
                break;
            }
            self.now = self.now.max(due);
            for shard in &mut self.shards {
                shard.handle_timeout(self.now);
            }
            self.settle();
        }
        self.now = end;
    }

    pub fn count(&self, counter: Counter) -> u64 {
        self.counters.iter().map(|counters| counters.get(counter)).sum()
    }

    pub fn take_sent(&mut self, to: SocketAddr) -> Vec<Vec<u8>> {
        let (mine, others) = std::mem::take(&mut self.sent).into_iter().partition(|(peer, _)| *peer == to);
        self.sent = others;
        mine.into_iter().map(|(_, datagram): (SocketAddr, Vec<u8>)| datagram).collect()
    }
}

/// The far end of a transport.
pub struct Peer {
    pub id: TransportId,
    pub address: SocketAddr,
    ufrag: String,
    sender: Sender,
    receiver: Receiver,
}

impl Peer {
    /// A transport of shard `shard`, whose first check came to the thread of `arrival`.
    pub fn connect(plane: &mut Plane, shard: u8, number: u8, port: u16, arrival: u8) -> Peer {
        let id = TransportId(u32::from(shard) << 24 | u32::from(number));
        let ufrag = format!("{}peer{number}", char::from(b'A' + shard));
        let material = |seed: u8| -> Vec<u8> { (0..28).map(|n| seed ^ number.wrapping_mul(n + 1)).collect() };
        let (local, remote) = (material(10), material(90));
        let split = |material: &[u8]| {
            let (key, salt) = PROFILE.split_key(material).unwrap();
            (key.to_vec(), salt.to_vec())
        };
        let ((their_key, their_salt), (our_key, our_salt)) = (split(&remote), split(&local));
        let keys = GivenKeys { profile: PROFILE, local, remote };
        let local = Credentials { ufrag: ufrag.clone(), password: PASSWORD.to_owned() };
        let remote = Credentials { ufrag: "them".to_owned(), password: PASSWORD.to_owned() };
        plane.command(Command::OpenTransport { id, local, mode: IceMode::Lite, certificate: None });
        plane.command(Command::ConnectWithKeys { id, remote, keys });
        let peer = Peer {
            id,
            address: address(port),
            ufrag,
            sender: Sender::new(PROFILE, &their_key, &their_salt).unwrap(),
            receiver: Receiver::new(PROFILE, &our_key, &our_salt).unwrap(),
        };
        plane.datagram(arrival, peer.address, &peer.check());
        peer.answer_checks(plane, arrival);
        peer
    }

    /// Answers the checks that came for this peer, as one that is there does.
    pub fn answer_checks(&self, plane: &mut Plane, arrival: u8) {
        for datagram in plane.take_sent(self.address) {
            let Ok(message) = stun::Message::parse_untrusted(&datagram) else { continue };
            if message.class() == stun::Class::Request {
                let mut answer = Vec::new();
                stun::Builder::binding_success(&mut answer, message.transaction_id())
                    .xor_mapped_address(address(3478))
                    .finish_with_integrity(PASSWORD.as_bytes());
                plane.datagram(arrival, self.address, &answer);
            }
        }
    }

    pub fn check(&self) -> Vec<u8> {
        let mut out = Vec::new();
        stun::Builder::binding_request(&mut out, [7; 12])
            .username(&format!("{}:them", self.ufrag))
            .priority(1)
            .ice_controlling(1)
            .use_candidate()
            .finish_with_integrity(PASSWORD.as_bytes());
        out
    }

    pub fn open_stream(&mut self, ssrc: u32) -> SealStream {
        self.sender.open_stream(ssrc).unwrap()
    }

    pub fn rtp(&self, stream: &mut SealStream, sequence: u16, payload_type: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let header =
            rtp::HeaderWriter { payload_type, sequence, ssrc: stream.ssrc(), ..rtp::HeaderWriter::default() };
        let mid: &[u8] = b"0";
        let length = header.write(&mut out, [(1u8, mid)]);
        out.extend_from_slice(payload);
        self.sender.seal_rtp(stream, &mut out, 0, length).unwrap();
        out
    }

    pub fn rtcp(&mut self, packets: &[u8]) -> Vec<u8> {
        let mut out = packets.to_vec();
        self.sender.seal_rtcp(&mut out, 0).unwrap();
        out
    }

    /// The sequence numbers of the media that came for this peer since the last call.
    pub fn media(&mut self, plane: &mut Plane) -> Vec<u16> {
        let mut sequences = Vec::new();
        for mut datagram in plane.take_sent(self.address) {
            let is_rtp = datagram[0] >> 6 == 2 && !(192..=223).contains(&datagram[1]);
            if is_rtp {
                let header = rtp::Header::peek_untrusted(&datagram).unwrap();
                self.receiver.open_rtp_untrusted(&mut datagram, header.length).unwrap();
                sequences.push(header.sequence);
            }
        }
        sequences
    }

    pub fn publish(&self, plane: &mut Plane, track: TrackId, kind: Kind) {
        let payloads = [MEDIA, NOT_ROUTED].map(|payload_type| Payload {
            payload_type,
            codec: if kind == Kind::Audio { Codec::Opus } else { Codec::Vp8 },
            clock_hz: 48_000,
            rtx_payload_type: Some(payload_type + 1),
            nack: true,
            pli: true,
            fir: false,
        });
        plane.command(Command::Receive {
            id: self.id,
            extensions: vec![(1, Extension::Mid), (2, Extension::TransportCc)],
            sections: vec![ReceiveSection {
                track,
                mid: "0".to_owned(),
                kind,
                payloads: payloads.to_vec(),
                ssrcs: Vec::new(),
                rids: Vec::new(),
            }],
            transport_cc: true,
            reduced_size_rtcp: true,
        });
    }

    pub fn subscribe(&self, plane: &mut Plane, kind: Kind) {
        let slot = SlotId(0);
        plane.command(Command::Send {
            id: self.id,
            extensions: vec![(2, Extension::TransportCc)],
            slots: vec![SendSlot {
                slot,
                mid: "0".to_owned(),
                rid: None,
                kind,
                ssrc: SLOT_SSRC,
                rtx_ssrc: Some(SLOT_SSRC + 1),
                cname: "c".to_owned(),
            }],
        });
        plane.command(Command::SetLadder { id: self.id, rungs: vec![Rung { slot, layer: 0 }] });
    }

    pub fn route(&self, plane: &mut Plane, track: Option<TrackId>) {
        let payloads = vec![PayloadMap { from: MEDIA, to: MEDIA, to_rtx: Some(MEDIA + 1) }];
        plane.command(Command::Route { id: self.id, slot: SlotId(0), track, payloads });
    }
}
