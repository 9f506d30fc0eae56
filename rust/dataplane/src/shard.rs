//! One data plane thread's whole state.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use visavis_wire::kind::{PacketKind, classify};

use crate::addresses::{AddressBook, Owner};
use crate::api::{AssociationId, Kind, Report, ShardId, SocketId, TrackId, TransportId};
use crate::counters::{Counter, Counters};
use crate::dtls;
use crate::frames::{FrameEvent, ReceiverId};
use crate::ice::Path;
use crate::ids::IdMap;
use crate::media::MediaPacket;
use crate::message::ShardMessage;
use crate::random::{Random, Secret};
use crate::sctp;
use crate::send::budget::ByteBudget;
use crate::sockets::{SocketChange, SocketTable};
use crate::source::Source;
use crate::time::Time;
use crate::transmit::TransmitQueue;
use crate::transport::Transport;

/// How often voices are told.
const LEVELS_INTERVAL: Duration = Duration::from_millis(200);
/// Answers to strangers (STUN without a transport of ours): bytes a second and at once.
const STRANGER_BYTES_PER_SECOND: u64 = 250_000;
const STRANGER_BURST_BYTES: u64 = 64_000;
/// Checks from addresses that are nobody's yet, given to another thread because they name it: they share its ring with media.
const HAND_OVER_BYTES_PER_SECOND: u64 = 1_000_000;
const HAND_OVER_BURST_BYTES: u64 = 256_000;
/// The largest datagram: Ethernet's payload and something for tunnels that reassemble. All that is stored or handed over is
/// bounded in number, and by this in bytes.
pub const MAX_DATAGRAM_BYTES: usize = 2_048;
/// The same at a transport's own sockets, whose data channels find out what their path takes: the longest DTLS record (RFC 6347
/// section 4.1), and what a TURN server adds.
pub const MAX_OWN_DATAGRAM_BYTES: usize = dtls::MAX_DATAGRAM + 64;
/// What a turn may gather before it has to be flushed and sent: 64 packets of video for 200 subscribers.
const TURN_BYTES: usize = 16 << 20;
/// What a turn may gather for other threads.
const TURN_MESSAGES: usize = 4_096;

/// What a shard is made with.
#[derive(Clone)]
pub struct ShardConfig {
    pub id: ShardId,
    /// How many shards there are; their identifiers are 0 to this.
    pub shards: u8,
    /// The wall clock at `Time::ZERO`, as NTP time (RFC 3550 section 4): seconds since 1900 in the upper 32 bits.
    pub ntp_at_zero: u64,
    /// The system's clock at `Time::ZERO`, for the DTLS library.
    pub epoch: Instant,
    pub certificate: dimpl::DtlsCertificate,
    /// What this shard's requests are made hard to guess with.
    pub secret: Secret,
    pub counters: Arc<Counters>,
}

impl std::fmt::Debug for ShardConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShardConfig")
            .field("id", &self.id)
            .field("shards", &self.shards)
            .finish_non_exhaustive()
    }
}

impl ShardConfig {
    /// When an NTP time of this machine was; None before `Time::ZERO`.
    pub(crate) fn time_of(&self, ntp: u64) -> Option<Time> {
        let elapsed = u64::try_from(ntp.wrapping_sub(self.ntp_at_zero) as i64).ok()?;
        Some(Time::from_nanos(((u128::from(elapsed) * 1_000_000_000) >> 32) as u64))
    }
}

/// How many entries a shard's tables have. All are zero when nobody is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    pub transports: usize,
    pub ufrags: usize,
    pub addresses: usize,
    /// Own sockets and relays.
    pub sockets: usize,
    pub sources: usize,
    pub deadlines: usize,
    /// What waits for the end of the turn, or to be polled: packets, messages, reports.
    pub waiting: usize,
}

/// All that one data plane thread owns. See the crate's documentation for how it is driven.
pub struct Shard {
    pub(crate) config: ShardConfig,
    pub(crate) transports: IdMap<TransportId, Transport>,
    pub(crate) ufrags: HashMap<String, TransportId>,
    pub(crate) addresses: AddressBook,
    pub(crate) sockets: SocketTable,
    pub(crate) random: Random,
    pub(crate) sources: IdMap<TrackId, Source>,
    /// Transports by the time at which they want to be woken.
    pub(crate) deadlines: BTreeSet<(Time, TransportId)>,
    pub(crate) transmits: TransmitQueue,
    pub(crate) reports: VecDeque<Report>,
    pub(crate) messages: VecDeque<(ShardId, ShardMessage)>,
    pub(crate) frames: VecDeque<(ReceiverId, FrameEvent)>,
    /// What associations tell their readers.
    pub(crate) channel_events: VecDeque<(AssociationId, sctp::Event)>,
    /// Transports whose association had something happen in this turn.
    pub(crate) stirred: Vec<TransportId>,
    /// Local sources of which packets wait for their time.
    pub(crate) paced: Vec<TrackId>,
    /// Tracks with packets to forward at the end of this turn.
    pub(crate) pending: Vec<TrackId>,
    /// Publishers that got packets in this turn.
    pub(crate) touched: Vec<TransportId>,
    pub(crate) strangers: ByteBudget,
    pub(crate) hand_overs: ByteBudget,
    /// How many bytes the packets in `pending` are for all their subscribers.
    pub(crate) pending_bytes: usize,
    pub(crate) scratch: Vec<u8>,
    pub(crate) work: Vec<crate::forward::Work>,
    /// Tracks that lost their last subscriber, by the time at which they are forgotten.
    pub(crate) retired: VecDeque<(Time, TrackId)>,
    next_levels: Time,
    has_levels: bool,
}

impl Shard {
    pub fn new(config: ShardConfig) -> Shard {
        Shard {
            random: Random::new(&config.secret),
            config,
            sockets: SocketTable::default(),
            transports: IdMap::default(),
            ufrags: HashMap::new(),
            addresses: AddressBook::default(),
            sources: IdMap::default(),
            deadlines: BTreeSet::new(),
            transmits: TransmitQueue::default(),
            reports: VecDeque::new(),
            messages: VecDeque::new(),
            frames: VecDeque::new(),
            channel_events: VecDeque::new(),
            stirred: Vec::new(),
            paced: Vec::new(),
            pending: Vec::new(),
            touched: Vec::new(),
            strangers: ByteBudget::new(STRANGER_BYTES_PER_SECOND, STRANGER_BURST_BYTES),
            hand_overs: ByteBudget::new(HAND_OVER_BYTES_PER_SECOND, HAND_OVER_BURST_BYTES),
            pending_bytes: 0,
            scratch: Vec::new(),
            work: Vec::new(),
            retired: VecDeque::new(),
            next_levels: Time::ZERO,
            has_levels: false,
        }
    }

    pub fn id(&self) -> ShardId {
        self.config.id
    }

    /// What it holds now, for those who look for leaks.
    pub fn sizes(&self) -> Sizes {
        Sizes {
            transports: self.transports.len(),
            ufrags: self.ufrags.len(),
            addresses: self.addresses.len(),
            sockets: self.sockets.len(),
            sources: self.sources.len(),
            deadlines: self.deadlines.len(),
            waiting: self.pending.len()
                + self.touched.len()
                + self.messages.len()
                + self.reports.len()
                + self.frames.len()
                + self.channel_events.len()
                + self.stirred.len(),
        }
    }

    /// NTP time of this machine.
    pub(crate) fn ntp(&self, now: Time) -> u64 {
        let nanos = u128::from(now.as_nanos());
        self.config.ntp_at_zero.wrapping_add(((nanos << 32) / 1_000_000_000) as u64)
    }

    pub(crate) fn count(&self, counter: Counter) {
        self.config.counters.add(counter, 1);
    }

    /// One datagram from the network; it is decrypted in place.
    pub fn handle_datagram_untrusted(
        &mut self,
        now: Time,
        socket: SocketId,
        peer: SocketAddr,
        data: &mut [u8],
    ) {
        self.count(Counter::DatagramsReceived);
        self.config.counters.add(Counter::BytesReceived, data.len() as u64);
        let most = if socket.is_own() { MAX_OWN_DATAGRAM_BYTES } else { MAX_DATAGRAM_BYTES };
        if data.len() > most {
            return self.count(Counter::DatagramOversized);
        }
        self.handle_datagram_from(now, Path { socket, peer }, data, None);
    }

    /// `via`: the shard whose thread the kernel gave the datagram to, if not this one.
    pub(crate) fn handle_datagram_from(
        &mut self,
        now: Time,
        path: Path,
        data: &mut [u8],
        via: Option<ShardId>,
    ) {
        // RFC 7983.
        let kind = classify(data);
        if kind == PacketKind::Stun {
            return self.handle_stun_untrusted(now, path, data, via);
        }
        // Over a relay nothing is relayed again.
        if kind == PacketKind::TurnChannel && !path.socket.is_relay() {
            return self.handle_channel_data_untrusted(now, path, data);
        }
        if !matches!(kind, PacketKind::Dtls | PacketKind::Rtp | PacketKind::Rtcp) {
            return self.count(Counter::UnknownKind);
        }
        if kind != PacketKind::Dtls && data.len() > MAX_DATAGRAM_BYTES {
            return self.count(Counter::DatagramOversized);
        }
        match self.addresses.owner(path) {
            Some(Owner::Transport(id)) => match kind {
                PacketKind::Dtls => self.handle_dtls_untrusted(now, id, path, data),
                PacketKind::Rtp => {
                    if self.handle_rtp_untrusted(now, id, data) {
                        self.prove_address(now, path, id, via);
                    }
                }
                _ => {
                    if self.handle_rtcp_untrusted(now, id, data) {
                        self.prove_address(now, path, id, via);
                    }
                }
            },
            Some(Owner::Shard(shard)) if via.is_none() => self.hand_over(shard, path, data),
            _ => self.count(Counter::UnvalidatedAddress),
        }
    }

    /// Gives a check to the shard that its user name names. Anybody can name one, so those from addresses that are not
    /// that shard's have a budget.
    pub(crate) fn hand_over_check(&mut self, now: Time, shard: ShardId, path: Path, data: &[u8]) {
        let known = self.addresses.owner(path) == Some(Owner::Shard(shard));
        if !known && !self.hand_overs.take(now, data.len() as u64) {
            return self.count(Counter::StunHandOverLimited);
        }
        self.hand_over(shard, path, data);
    }

    fn hand_over(&mut self, shard: ShardId, path: Path, data: &[u8]) {
        let message = ShardMessage::Datagram { socket: path.socket, peer: path.peer, data: data.into() };
        self.messages.push_back((shard, message));
    }

    /// A message that another shard's `poll_message` gave.
    pub fn handle_message(&mut self, now: Time, from: ShardId, message: ShardMessage) {
        match message {
            ShardMessage::Datagram { socket, peer, data } => {
                let mut data = data.to_vec();
                self.handle_datagram_from(now, Path { socket, peer }, &mut data, Some(from));
            }
            ShardMessage::AddressClaimed { socket, peer, proved } => {
                self.addresses.claim_for_shard(now, Path { socket, peer }, from, proved)
            }
            ShardMessage::AddressReleased { socket, peer } => {
                self.addresses.release_shard(Path { socket, peer }, from)
            }
            ShardMessage::Subscribe { track, kind } => {
                let source = self.source(track, kind);
                if !source.shards.contains(&from) {
                    source.shards.push(from);
                    let clocks: Vec<_> = source
                        .layers
                        .iter()
                        .enumerate()
                        .filter_map(|(n, layer)| Some((n as u8, layer.clock?)))
                        .collect();
                    for (layer, map) in clocks {
                        self.messages.push_back((from, ShardMessage::Clock { track, layer, map }));
                    }
                }
            }
            ShardMessage::Unsubscribe { track } => {
                if let Some(source) = self.sources.get_mut(&track) {
                    source.shards.retain(|&shard| shard != from);
                    self.drop_if_unused(track);
                }
            }
            ShardMessage::Media { track, layer, packet } => {
                self.push_media(now, track, layer, packet);
            }
            ShardMessage::Clock { track, layer, map } => {
                if let Some(layer) = self.sources.get_mut(&track).and_then(|source| source.layer_mut(layer)) {
                    layer.clock = Some(map);
                }
            }
            ShardMessage::KeyFrameWanted { track, layer } => {
                self.want_key_frame(now, track, layer);
            }
        }
    }

    /// Takes a packet of a track into its cache, and for its subscribers at the end of the turn; false for one that came
    /// before.
    pub(crate) fn push_media(
        &mut self,
        now: Time,
        track: TrackId,
        layer: u8,
        packet: Arc<MediaPacket>,
    ) -> bool {
        let Some(source) = self.sources.get_mut(&track) else { return true };
        let bytes = packet.data.len();
        if !source.push(now, layer, packet) {
            return false;
        }
        self.pending_bytes += bytes * source.subscriptions.len();
        if source.pending.len() == 1 {
            self.pending.push(track);
        }
        true
    }

    /// Whether so much waits for the end of the turn that it should end now: call `flush`, and send.
    pub fn is_full(&self) -> bool {
        self.pending_bytes + self.transmits.waiting_bytes() >= TURN_BYTES
            || self.messages.len() >= TURN_MESSAGES
    }

    /// The track as this shard knows it; made where it is not known yet.
    pub(crate) fn source(&mut self, track: TrackId, kind: Kind) -> &mut Source {
        self.sources.entry(track).or_insert_with(|| Source::new(kind))
    }

    pub(crate) fn drop_if_unused(&mut self, track: TrackId) {
        if self.sources.get(&track).is_some_and(Source::is_unused) {
            self.sources.remove(&track);
        }
    }

    /// Sets when a transport is to be woken, if that is earlier than it was.
    pub(crate) fn wake_at(&mut self, id: TransportId, at: Time) {
        if let Some(transport) = self.transports.get_mut(&id)
            && at < transport.deadline
        {
            self.deadlines.remove(&(transport.deadline, id));
            transport.deadline = at;
            self.deadlines.insert((at, id));
        }
    }

    pub fn handle_timeout(&mut self, now: Time) {
        while let Some(&(at, id)) = self.deadlines.first() {
            if at > now {
                break;
            }
            self.deadlines.remove(&(at, id));
            let next = self.tick(now, id);
            if let Some(transport) = self.transports.get_mut(&id) {
                // What was set while it ticked is in `next`.
                self.deadlines.remove(&(transport.deadline, id));
                // A deadline that has passed would make the driver turn for ever.
                transport.deadline = next.max(now + Duration::from_millis(1));
                self.deadlines.insert((transport.deadline, id));
            }
        }
        self.tick_pacers(now);
        while let Some(&(_, track)) = self.retired.front().filter(|&&(due, _)| due <= now) {
            self.retired.pop_front();
            self.drop_if_unused(track);
        }
        if now >= self.next_levels {
            self.next_levels = now + LEVELS_INTERVAL;
            self.report_levels(now);
        }
    }

    fn report_levels(&mut self, now: Time) {
        let mut levels: Vec<(TrackId, i8)> =
            self.transports.values().flat_map(|transport| transport.receive.levels(now)).collect();
        levels.sort_by_key(|&(track, level)| (-level, track));
        // Once more when the last one has fallen silent.
        if !levels.is_empty() || self.has_levels {
            self.has_levels = !levels.is_empty();
            self.reports.push_back(Report::AudioLevels { levels });
        }
    }

    /// When `handle_timeout` wants to be called next.
    pub fn poll_timeout(&self) -> Option<Time> {
        let transports = self.deadlines.first().map(|&(at, _)| at);
        let levels = (!self.transports.is_empty()).then_some(self.next_levels);
        let retired = self.retired.front().map(|&(due, _)| due);
        transports.into_iter().chain(levels).chain(retired).chain(self.pacers_due()).min()
    }

    /// The datagrams to send; the driver clears the queue when it has sent them.
    pub fn transmits(&mut self) -> &mut TransmitQueue {
        &mut self.transmits
    }

    pub fn poll_report(&mut self) -> Option<Report> {
        self.reports.pop_front()
    }

    pub fn poll_message(&mut self) -> Option<(ShardId, ShardMessage)> {
        self.messages.pop_front()
    }

    /// What the driver has to do about sockets: before it sends what it polls next, but for `Close`, which comes after.
    pub fn poll_socket_change(&mut self) -> Option<SocketChange> {
        self.sockets.poll_change()
    }

    /// A socket cannot be used: it was none, or its reads fail.
    pub fn handle_socket_lost(&mut self, now: Time, socket: SocketId) {
        if let Some(id) = self.sockets.owner(socket) {
            let number = self.sockets.number(socket);
            self.remove_socket(now, id, number);
            self.reports.push_back(Report::SocketLost { id, socket: number });
        }
    }

    /// The stream between the base of a TCP candidate and a peer has ended, or never came about.
    pub fn handle_stream_lost(&mut self, now: Time, socket: SocketId, peer: SocketAddr) {
        let Some(id) = self.sockets.owner(socket) else { return };
        if let Some(transport) = self.transports.get_mut(&id) {
            transport.ice.remove_path(Path { socket, peer });
            self.drive_ice(now, id, None);
        }
    }

    /// The system refused to send to an address.
    pub fn handle_send_failure(&mut self, now: Time, socket: SocketId, peer: SocketAddr) {
        if socket.is_tcp() {
            return self.handle_stream_lost(now, socket, peer);
        }
        let Some(id) = self.sockets.owner(socket) else { return };
        if let Some(transport) = self.transports.get_mut(&id) {
            transport.requests.handle_send_failure(Path { socket, peer });
            self.drive_ice(now, id, None);
        }
    }

    /// The frames for receivers, in their order for each.
    pub fn poll_frame(&mut self) -> Option<(ReceiverId, FrameEvent)> {
        self.frames.pop_front()
    }

    /// Messages that came, streams that were reset, what has left: in their order for each association.
    pub fn poll_channel_event(&mut self) -> Option<(AssociationId, sctp::Event)> {
        self.channel_events.pop_front()
    }

    /// Ends all transports, saying so to their peers.
    pub fn close(&mut self, now: Time) {
        let ids: Vec<TransportId> = self.transports.keys().copied().collect();
        for id in ids {
            self.close_transport(now, id, "the server stops");
        }
    }
}

impl std::fmt::Debug for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shard")
            .field("id", &self.config.id)
            .field("transports", &self.transports.len())
            .field("sources", &self.sources.len())
            .finish_non_exhaustive()
    }
}
