//! A call: a server and its peers, set up by the commands that Python gives.

use std::net::SocketAddr;
use std::time::Duration;

use visavis_dataplane::api::{
    Codec, Extension, GivenKeys, IceMode, Kind, Payload, PayloadMap, ReceiveSection, Rung, SHARD_ALPHABET,
    SendSlot, ShardId, SlotId, TrackId, TransportId, TransportState,
};
use visavis_dataplane::ice::Credentials;
use visavis_dataplane::srtp::Profile;
use visavis_dataplane::{Command, Report, Time};

use crate::link::Links;
use crate::mirror::{Mirror, MirrorEnd};
use crate::network::{Handle, Network};
use crate::peer::inbound::{Inbound, Line};
use crate::peer::outbound::{Encoding, Outbound};
use crate::peer::{Codecs, Peer, PeerConfig, extension_id};
use crate::random::Random;
use crate::server::{NTP_AT_ZERO, Server};

/// The one whose peer is at `handle`.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    pub transport: TransportId,
    pub handle: Handle<Peer>,
    /// Which it was, counted from 0.
    number: usize,
}

/// What has been negotiated with a member.
#[derive(Debug, Default)]
struct Negotiated {
    sections: Vec<ReceiveSection>,
    slots: Vec<SendSlot>,
    rungs: Vec<Rung>,
    codecs: Codecs,
}

/// A call on virtual time.
#[derive(Debug)]
pub struct Call {
    pub network: Network,
    pub server: Handle<Server>,
    seed: u64,
    members: Vec<Negotiated>,
    next_ssrc: u32,
    next_track: u32,
    random: Random,
}

pub fn server_address() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 3478))
}

impl Call {
    pub fn new(seed: u64) -> Call {
        Call::with_shards(seed, 1)
    }

    pub fn with_shards(seed: u64, shards: u8) -> Call {
        let mut network = Network::new(seed);
        let server = Server::new(shards, vec![server_address()]);
        let server = network.attach(server, &[server_address()], Links::default());
        Call {
            network,
            server,
            seed,
            members: Vec::new(),
            next_ssrc: 0x1000_0000,
            next_track: 1,
            random: Random::new(seed ^ 0x6361_6c6c),
        }
    }

    pub fn now(&self) -> Time {
        self.network.now()
    }

    pub fn run_for(&mut self, duration: Duration) {
        self.network.run_for(duration);
    }

    pub fn run_ms(&mut self, ms: u64) {
        self.run_for(Duration::from_millis(ms));
    }

    pub fn command(&mut self, command: Command) {
        let now = self.now();
        self.network.node_mut(self.server).command(now, command);
    }

    pub fn server(&self) -> &Server {
        self.network.node(self.server)
    }

    pub fn server_mut(&mut self) -> &mut Server {
        self.network.node_mut(self.server)
    }

    pub fn peer(&self, member: Member) -> &Peer {
        self.network.node(member.handle)
    }

    pub fn peer_mut(&mut self, member: Member) -> &mut Peer {
        self.network.node_mut(member.handle)
    }

    pub fn inbound(&self, member: Member, slot: SlotId) -> &Inbound {
        &self.peer(member).inbound[usize::from(slot.0)]
    }

    pub fn outbound(&self, member: Member, index: usize) -> &Outbound {
        &self.peer(member).outbound[index]
    }

    pub fn address_of(number: usize, port: u16) -> SocketAddr {
        SocketAddr::from(([10, (number >> 16) as u8, (number >> 8) as u8, number as u8], port))
    }

    /// New credentials; the user name fragment names the shard.
    pub fn credentials(&mut self, shard: u8) -> Credentials {
        let random = self.random.next_u64();
        let first = char::from(SHARD_ALPHABET[usize::from(shard)]);
        Credentials {
            ufrag: format!("{first}{random:016x}"),
            password: format!("{:032x}", u128::from(random) << 7),
        }
    }

    /// A peer begins its checks; it is connected a round trip later.
    pub fn join(&mut self, shard: u8, links: Links) -> Member {
        self.join_with(shard, links, Codecs::default(), NTP_AT_ZERO)
    }

    /// As `join`, with payload types and a wall clock of its own.
    pub fn join_with(&mut self, shard: u8, links: Links, codecs: Codecs, ntp_at_zero: u64) -> Member {
        let number = self.members.len();
        let id = TransportId(u32::from(shard) << 24 | (number as u32 + 1));
        let (local, remote) = (self.credentials(shard), self.credentials(63));
        let profile = Profile::AeadAes128Gcm;
        let key = |random: &mut Random| {
            let mut key = vec![0; profile.key_len() + profile.salt_len()];
            random.fill(&mut key);
            key
        };
        let (ours, theirs) = (key(&mut self.random), key(&mut self.random));
        let address = Call::address_of(number, 50_000);
        let config = PeerConfig {
            server: server_address(),
            address,
            local: remote.clone(),
            remote: local.clone(),
            keys: GivenKeys { profile, local: theirs.clone(), remote: ours.clone() },
            codecs,
            cname: format!("peer-{number}"),
            ntp_at_zero,
        };
        let mut peer = Peer::new(config, Random::new(self.seed ^ (number as u64 + 1) << 20));
        peer.checks.start(self.now());
        let handle = self.network.attach(peer, &[address], links);
        self.command(Command::OpenTransport { id, local, mode: IceMode::Lite, certificate: None });
        let keys = GivenKeys { profile, local: ours, remote: theirs };
        self.command(Command::ConnectWithKeys { id, remote, keys });
        self.members.push(Negotiated { codecs, ..Negotiated::default() });
        Member { transport: id, handle, number }
    }

    /// Two transports that are each other's peer, over links that each packet passes twice.
    pub fn join_mirrored(&mut self, shard: u8, links: Links) -> ([TransportId; 2], Handle<Mirror>) {
        let number = self.members.len();
        let profile = Profile::AeadAes128Gcm;
        let keys = [(); 2].map(|()| {
            let mut key = vec![0; profile.key_len() + profile.salt_len()];
            self.random.fill(&mut key);
            key
        });
        let ids = [1, 2].map(|n| TransportId(u32::from(shard) << 24 | (number as u32 + n)));
        let ends = [0, 1].map(|n| {
            let (local, remote) = (self.credentials(shard), self.credentials(63));
            let (id, ours) = (ids[n], local.clone());
            self.command(Command::OpenTransport { id, local: ours, mode: IceMode::Lite, certificate: None });
            let keys = GivenKeys { profile, local: keys[n].clone(), remote: keys[1 - n].clone() };
            self.command(Command::ConnectWithKeys { id, remote: remote.clone(), keys });
            self.members.push(Negotiated::default());
            MirrorEnd { address: Call::address_of(number + n, 50_000), local: remote, remote: local }
        });
        let addresses = [0, 1].map(|n: usize| ends[n].address);
        let random = Random::new(self.seed ^ (number as u64 + 1) << 20);
        let mirror = Mirror::new(self.now(), server_address(), ends, random);
        (ids, self.network.attach(mirror, &addresses, links))
    }

    pub fn leave(&mut self, member: Member) {
        self.command(Command::CloseTransport { id: member.transport });
        self.network.detach(member.handle);
    }

    /// An SSRC that nobody has; the next one is free as well, for its repairs.
    pub fn fresh_ssrc(&mut self) -> u32 {
        self.next_ssrc += 16;
        self.next_ssrc
    }

    pub fn publish_audio(&mut self, member: Member) -> TrackId {
        let ssrc = self.fresh_ssrc();
        let mid = self.next_mid(member);
        self.publish(member, Kind::Audio, vec![Encoding::audio(&mid, ssrc)])
    }

    pub fn publish_video(&mut self, member: Member, bps: usize) -> TrackId {
        let ssrc = self.fresh_ssrc();
        let mid = self.next_mid(member);
        self.publish(member, Kind::Video, vec![Encoding::video(&mid, ssrc, bps)])
    }

    /// Layers `q`, `h` and `f` of these rates; nothing but MID and RID tells what they are.
    pub fn publish_simulcast(&mut self, member: Member, bps: [usize; 3]) -> TrackId {
        let mid = self.next_mid(member);
        let encodings = ["q", "h", "f"]
            .into_iter()
            .zip(bps)
            .map(|(rid, bps)| {
                let ssrc = self.fresh_ssrc();
                Encoding { first_timestamp: ssrc, ..Encoding::layer(&mid, rid, ssrc, bps) }
            })
            .collect();
        self.publish(member, Kind::Video, encodings)
    }

    pub fn next_mid(&self, member: Member) -> String {
        self.members[member.number].sections.len().to_string()
    }

    /// One more m-line of the member's.
    pub fn publish(&mut self, member: Member, kind: Kind, encodings: Vec<Encoding>) -> TrackId {
        let track = TrackId(u32::from(member.transport.shard().0) << 24 | self.next_track);
        self.next_track += 1;
        let negotiated = &mut self.members[member.number];
        let codecs = negotiated.codecs;
        let audio = kind == Kind::Audio;
        let payload = Payload {
            payload_type: codecs.payload_type(kind),
            codec: if audio { Codec::Opus } else { Codec::Vp8 },
            clock_hz: codecs.clock_hz(kind),
            rtx_payload_type: (!audio).then_some(codecs.rtx_payload_type),
            nack: !audio,
            pli: !audio,
            fir: !audio,
        };
        negotiated.sections.push(ReceiveSection {
            track,
            mid: encodings[0].mid.clone(),
            kind,
            payloads: vec![payload],
            ssrcs: Vec::new(),
            rids: encodings.iter().filter_map(|encoding| encoding.rid.clone()).collect(),
        });
        self.send_sections(member);
        let now = self.now();
        for encoding in encodings {
            self.peer_mut(member).publish(now, encoding);
        }
        track
    }

    /// Ends an m-line of the member's.
    pub fn unpublish(&mut self, member: Member, track: TrackId) {
        self.members[member.number].sections.retain(|section| section.track != track);
        self.send_sections(member);
    }

    pub fn sections(&self, member: Member) -> &[ReceiveSection] {
        &self.members[member.number].sections
    }

    pub fn set_sections(&mut self, member: Member, sections: Vec<ReceiveSection>) {
        self.members[member.number].sections = sections;
        self.send_sections(member);
    }

    fn send_sections(&mut self, member: Member) {
        let sections = self.members[member.number].sections.clone();
        let extensions = vec![
            (extension_id::AUDIO_LEVEL, Extension::AudioLevel),
            (extension_id::TRANSPORT_CC, Extension::TransportCc),
            (extension_id::MID, Extension::Mid),
            (extension_id::RID, Extension::Rid),
            (extension_id::REPAIRED_RID, Extension::RepairedRid),
        ];
        let reduced_size_rtcp = self.peer(member).takes_reduced_size_rtcp;
        let id = member.transport;
        self.command(Command::Receive { id, extensions, sections, transport_cc: true, reduced_size_rtcp });
    }

    /// One more slot, which carries the track, at the end of the ladder.
    pub fn subscribe(&mut self, member: Member, track: TrackId) -> SlotId {
        let kind = self.kind_of(track);
        let slot = self.add_slot(member, kind);
        self.route(member, slot, Some(track));
        let mut rungs = self.members[member.number].rungs.clone();
        let layers = self.section_of(track).rids.len().max(1);
        rungs.extend((0..layers).map(|layer| Rung { slot, layer: layer as u8 }));
        self.set_ladder(member, rungs);
        slot
    }

    /// One more slot, which carries nothing.
    pub fn add_slot(&mut self, member: Member, kind: Kind) -> SlotId {
        let ssrc = self.fresh_ssrc();
        let slots = &mut self.members[member.number].slots;
        let slot = SlotId(slots.len() as u16);
        let rtx_ssrc = (kind == Kind::Video).then_some(ssrc + 1);
        slots.push(SendSlot {
            slot,
            mid: format!("s{}", slot.0),
            rid: None,
            kind,
            ssrc,
            rtx_ssrc,
            cname: "server".to_owned(),
        });
        let slots = slots.clone();
        let extensions = vec![
            (extension_id::AUDIO_LEVEL, Extension::AudioLevel),
            (extension_id::SEND_TIME, Extension::AbsSendTime),
            (extension_id::TRANSPORT_CC, Extension::TransportCc),
            (extension_id::MID, Extension::Mid),
        ];
        let extensions = if self.peer(member).gives_feedback {
            extensions
        } else {
            extensions.into_iter().filter(|&(_, extension)| extension != Extension::TransportCc).collect()
        };
        self.command(Command::Send { id: member.transport, extensions, slots });
        self.peer_mut(member).expect(Line { kind, ssrc, rtx_ssrc });
        slot
    }

    pub fn route(&mut self, member: Member, slot: SlotId, track: Option<TrackId>) {
        let to = self.members[member.number].codecs;
        let payloads = track.map_or(Vec::new(), |track| {
            let from = &self.section_of(track).payloads[0];
            let kind = self.kind_of(track);
            let to_rtx = (kind == Kind::Video).then_some(to.rtx_payload_type);
            vec![PayloadMap { from: from.payload_type, to: to.payload_type(kind), to_rtx }]
        });
        self.command(Command::Route { id: member.transport, slot, track, payloads });
    }

    pub fn set_ladder(&mut self, member: Member, rungs: Vec<Rung>) {
        self.members[member.number].rungs = rungs.clone();
        self.command(Command::SetLadder { id: member.transport, rungs });
    }

    pub fn ladder(&self, member: Member) -> &[Rung] {
        &self.members[member.number].rungs
    }

    fn section_of(&self, track: TrackId) -> &ReceiveSection {
        let sections = self.members.iter().flat_map(|member| &member.sections);
        sections.into_iter().find(|section| section.track == track).expect("somebody published the track")
    }

    fn kind_of(&self, track: TrackId) -> Kind {
        self.section_of(track).kind
    }

    /// RFC 8445 section 9, on both ends.
    pub fn restart_ice(&mut self, member: Member) {
        let (local, remote) = (self.credentials(member.transport.shard().0), self.credentials(63));
        let (id, ours, theirs) = (member.transport, local.clone(), Some(remote.clone()));
        self.command(Command::RestartIce { id, local: ours, remote: theirs });
        let now = self.now();
        self.peer_mut(member).checks.restart(now, remote, local);
    }

    /// One more address of the member's, not nominated; the "kernel" gives its datagrams to `thread`.
    pub fn add_address(&mut self, member: Member, thread: ShardId) -> SocketAddr {
        let address = Call::address_of(member.number, 50_001 + u16::from(thread.0));
        self.server_mut().steer(address, thread);
        self.network.add_address(member.handle, address);
        let now = self.now();
        self.peer_mut(member).checks.add_pair(now, address);
        address
    }

    pub fn nominate(&mut self, member: Member, address: SocketAddr) {
        let now = self.now();
        self.peer_mut(member).checks.nominate(now, address);
    }

    /// The states that a transport went through, with their times.
    pub fn states(&self, member: Member) -> Vec<(Time, TransportState)> {
        let reports = self.server().reports().iter();
        reports
            .filter_map(|(at, report)| match report {
                Report::Transport { id, state, .. } if *id == member.transport => Some((*at, *state)),
                _ => None,
            })
            .collect()
    }
}
