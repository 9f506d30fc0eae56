//! Commands of Python's, carried out.

use crate::api::{
    AssociationState, Command, DtlsRole, Extension, Fingerprint, GivenKeys, IceMode, Kind, PayloadMap,
    Report, SlotId, TrackId, TransportId, TransportState,
};
use crate::channels::STREAMS;
use crate::dtls::Certificate;
use crate::ice::Credentials;
use crate::message::ShardMessage;
use crate::sctp::Config;
use crate::send::slot::Slot;
use crate::shard::Shard;
use crate::sockets::StreamTo;
use crate::source::{CACHE_AGE, Subscription};
use crate::srtp;
use crate::time::Time;
use crate::transport::{Session, Transport};

impl Shard {
    /// Carries a command out. One about something that is gone is no error: it was on its way when that ended.
    pub fn handle_command(&mut self, now: Time, command: Command) {
        match command {
            Command::OpenTransport { id, local, mode, certificate } => {
                self.open(now, id, local, mode, certificate);
            }
            Command::ConnectTransport { id, remote, role, fingerprints } => {
                self.connect(now, id, remote, role, fingerprints);
            }
            Command::ConnectWithKeys { id, remote, keys } => self.connect_with_keys(now, id, remote, &keys),
            Command::RestartIce { id, local, remote } => self.restart(now, id, local, remote),
            Command::SetIceRole { id, controlling } => {
                if let Some(transport) = self.transports.get_mut(&id) {
                    transport.ice.set_role(controlling);
                    self.drive_ice(now, id, None);
                }
            }
            Command::RenewDtls { id, role, fingerprints } => self.renew_dtls(now, id, role, fingerprints),
            Command::AddSocket { id, socket, descriptor } => self.add_socket(id, socket, descriptor),
            Command::OpenStream { id, socket, descriptor, server, tls_name } => {
                self.open_stream(id, socket, descriptor, StreamTo { server, tls_name });
            }
            Command::AddTcpSocket { id, socket, local, listener } => {
                self.add_tcp_socket(id, socket, local, listener);
            }
            Command::RemoveSocket { id, socket } => self.remove_socket(now, id, socket),
            Command::SetPairs { id, pairs } => self.set_pairs(now, id, &pairs),
            Command::AnswerByRelaysOnly { id, only } => {
                if let Some(transport) = self.transports.get_mut(&id) {
                    transport.by_relays_only = only;
                }
            }
            Command::Nominate { id, pair } => {
                if let Some(transport) = self.transports.get_mut(&id) {
                    transport.ice.nominate(pair);
                    self.drive_ice(now, id, None);
                }
            }
            Command::SendStun { id, request } => self.send_stun(now, id, request),
            Command::AddRelay { id, relay, socket, server } => self.add_relay(id, relay, socket, server),
            Command::BindChannel { id, relay, peer, channel } => {
                let relay = self.sockets.resolve(id, relay);
                let relay = relay.and_then(|relay| self.transmits.relays.get_mut(relay));
                // Peers without a channel are sent to by indications, permitted or not.
                if let (Some(relay), Some(channel)) = (relay, channel) {
                    relay.bind(peer, channel);
                }
            }
            Command::CloseTransport { id } => self.close_transport(now, id, "closed by command"),
            Command::Receive { id, extensions, sections, transport_cc, reduced_size_rtcp } => {
                let Some(transport) = self.transports.get_mut(&id) else { return };
                let tracks: Vec<(TrackId, Kind)> =
                    sections.iter().map(|section| (section.track, section.kind)).collect();
                let ended =
                    transport.receive.configure(&extensions, sections, transport_cc, reduced_size_rtcp);
                for track in ended {
                    self.end_track(track, id);
                }
                for (track, kind) in tracks {
                    let source = self.source(track, kind);
                    (source.publisher, source.local) = (Some(id), None);
                }
                self.wake_at(id, now);
            }
            Command::Send { id, extensions, slots } => self.configure_send(now, id, &extensions, slots),
            Command::Route { id, slot, track, payloads } => self.route(now, id, slot, track, payloads),
            Command::SetLadder { id, rungs } => {
                if let Some(transport) = self.transports.get_mut(&id) {
                    transport.send.set_ladder(now, rungs);
                    self.climb(now, id);
                }
            }
            Command::RequestKeyFrame { track } => {
                let layers = self.sources.get(&track).map_or(0, |source| source.layers.len());
                for layer in 0..layers {
                    self.want_key_frame(now, track, layer as u8);
                }
            }
            Command::RequestStats { id } => {
                if let Some(report) = self.stats(now, id) {
                    self.reports.push_back(report);
                }
            }
            Command::OpenSource { track, kind, payloads, wanted_bps } => {
                self.open_source(track, kind, payloads, wanted_bps)
            }
            Command::CloseSource { track } => self.close_source(now, track),
            Command::OpenReceiver { track, layer, receiver } => {
                self.open_receiver(now, track, layer, receiver)
            }
            Command::CloseReceiver { track, receiver } => self.close_receiver(track, receiver),
            Command::OpenAssociation {
                id,
                local_port,
                remote_port,
                receive_bytes,
                max_message_bytes,
                path_mtu_bytes,
            } => self.open_association(
                now,
                id,
                Config {
                    local_port,
                    remote_port,
                    receive_budget: receive_bytes,
                    max_message: max_message_bytes,
                    streams: STREAMS,
                    fixed_path_mtu: path_mtu_bytes,
                    interleaving: true,
                },
            ),
            Command::ResetStreams { id, streams } => self.reset_streams(id, &streams),
            Command::CloseAssociation { id } => self.close_association(now, id),
        }
    }

    fn open(
        &mut self,
        now: Time,
        id: TransportId,
        local: Credentials,
        mode: IceMode,
        certificate: Option<Certificate>,
    ) {
        // Full transports may share a fragment, as the m-lines of a description do: their sockets tell them apart.
        let taken = mode == IceMode::Lite && self.ufrags.contains_key(&local.ufrag);
        if self.transports.contains_key(&id) || taken {
            return;
        }
        let owner = *self.ufrags.entry(local.ufrag.clone()).or_insert(id);
        if let Some(owner) = self.transports.get_mut(&owner) {
            owner.shares_ufrag = true;
        }
        let mut transport = Transport::new(id, local, mode, certificate, now);
        transport.deadline = now + crate::tick::IDLE;
        self.deadlines.insert((transport.deadline, id));
        self.transports.insert(id, transport);
    }

    fn connect(
        &mut self,
        now: Time,
        id: TransportId,
        remote: Credentials,
        role: DtlsRole,
        fingerprints: Vec<Fingerprint>,
    ) {
        let Some(transport) = self.transports.get_mut(&id).filter(|transport| transport.peer.is_none())
        else {
            return;
        };
        transport.ice.set_remote(remote);
        transport.peer = Some((role, fingerprints));
        self.drive_ice(now, id, None);
        self.drive_dtls(now, id);
    }

    /// The paths stay, but for those of before an ICE restart: they may lead to another peer.
    fn renew_dtls(&mut self, now: Time, id: TransportId, role: DtlsRole, fingerprints: Vec<Fingerprint>) {
        let Some(transport) = self.transports.get_mut(&id).filter(|transport| transport.peer.is_some())
        else {
            return;
        };
        transport.renew(role, fingerprints);
        self.end_association(id, AssociationState::Closed, "another DTLS association");
        self.drive_ice(now, id, None);
        self.drive_dtls(now, id);
        self.judge(now, id);
    }

    fn connect_with_keys(&mut self, now: Time, id: TransportId, remote: Credentials, keys: &GivenKeys) {
        let Some(transport) = self.transports.get_mut(&id) else { return };
        transport.ice.set_remote(remote);
        self.drive_ice(now, id, None);
        let halves = (keys.profile.split_key(&keys.local), keys.profile.split_key(&keys.remote));
        let (Some((local_key, local_salt)), Some((remote_key, remote_salt))) = halves else { return };
        let sender = srtp::Sender::new(keys.profile, local_key, local_salt);
        let receiver = srtp::Receiver::new(keys.profile, remote_key, remote_salt);
        if let (Ok(sender), Ok(receiver)) = (sender, receiver) {
            let session =
                Session { sender, receiver, version: "", cipher: String::new(), certificate: Vec::new() };
            self.begin_session(now, id, session);
        }
    }

    /// Keys are there: from now on media flows.
    pub(crate) fn begin_session(&mut self, now: Time, id: TransportId, mut session: Session) {
        let Some(transport) = self.transports.get_mut(&id) else { return };
        transport.send.open_streams(&mut session.sender);
        transport.session = Some(session);
        let tracks: Vec<TrackId> = transport.receive.tracks().collect();
        for track in tracks {
            let layers = self.sources.get(&track).map_or(0, |source| source.layers.len());
            for layer in 0..layers {
                self.send_key_frame_request(now, id, track, layer as u8);
            }
        }
        self.judge(now, id);
        self.climb(now, id);
        self.start_association(now, id);
        self.wake_at(id, now);
    }

    /// Said again with the same fragment it tells the peer's, which an answer brings.
    fn restart(&mut self, now: Time, id: TransportId, local: Credentials, remote: Option<Credentials>) {
        let is_taken = self.ufrags.get(&local.ufrag).is_some_and(|&owner| owner != id);
        let Some(transport) = self.transports.get_mut(&id) else { return };
        if transport.ice.ufrags().any(|ufrag| ufrag == local.ufrag) {
            if let Some(remote) = remote {
                transport.ice.set_remote(remote);
            }
        } else if is_taken && transport.ice.is_lite() {
            return;
        } else {
            let ufrag = local.ufrag.clone();
            transport.ice.restart(local, remote);
            if let Some(channels) = &mut transport.channels {
                channels.forget_path(now);
            }
            let lost = transport.revive(now);
            self.ufrags.entry(ufrag).or_insert(id);
            self.forget_old_ufrags(id);
            for path in lost {
                self.release_address(path, id);
            }
        }
        self.drive_ice(now, id, None);
    }

    /// Fragments that a restart has made useless.
    pub(crate) fn forget_old_ufrags(&mut self, id: TransportId) {
        let Some(transport) = self.transports.get(&id) else { return };
        let known: Vec<&str> = transport.ice.ufrags().collect();
        self.ufrags.retain(|ufrag, owner| *owner != id || known.contains(&ufrag.as_str()));
    }

    fn configure_send(
        &mut self,
        now: Time,
        id: TransportId,
        extensions: &[(u8, Extension)],
        slots: Vec<crate::api::SendSlot>,
    ) {
        let Some(transport) = self.transports.get_mut(&id) else { return };
        let gone = transport.send.configure(now, extensions, slots);
        let ended: Vec<u32> = gone.iter().flat_map(Slot::sent_ssrcs).collect();
        transport.send_goodbye(&ended, &mut self.transmits);
        if let Some(session) = &mut transport.session {
            transport.send.open_streams(&mut session.sender);
        }
        for slot in gone {
            if let Some(track) = slot.track {
                self.unsubscribe(now, track, Subscription { transport: id, slot: slot.config.slot });
            }
        }
        self.wake_at(id, now);
    }

    fn route(
        &mut self,
        now: Time,
        id: TransportId,
        slot_id: SlotId,
        track: Option<TrackId>,
        payloads: Vec<PayloadMap>,
    ) {
        let Some(slot) = self.transports.get_mut(&id).and_then(|transport| transport.send.slot_mut(slot_id))
        else {
            return;
        };
        let (before, kind) = (slot.track, slot.config.kind);
        slot.route(track, payloads);
        let subscription = Subscription { transport: id, slot: slot_id };
        if before != track {
            if let Some(before) = before {
                self.unsubscribe(now, before, subscription);
            }
            if let Some(track) = track {
                let source = self.source(track, kind);
                if source.subscriptions.is_empty() {
                    self.subscribe_remotely(track, kind);
                }
                self.source(track, kind).subscriptions.push(subscription);
            }
        }
        if let Some(transport) = self.transports.get_mut(&id) {
            transport.send.reconsider(now);
        }
        self.climb(now, id);
        self.wake_at(id, now);
    }

    /// Ends a subscription. What the track's cache has is kept until it is too old to be asked for: of what left last,
    /// something may be lost.
    pub(crate) fn unsubscribe(&mut self, now: Time, track: TrackId, subscription: Subscription) {
        let Some(source) = self.sources.get_mut(&track) else { return };
        source.subscriptions.retain(|&known| known != subscription);
        if source.subscriptions.is_empty() && track.shard() != self.config.id {
            self.messages.push_back((track.shard(), ShardMessage::Unsubscribe { track }));
        }
        if source.is_unused() {
            self.retired.push_back((now + CACHE_AGE, track));
        }
    }

    /// A track has no publisher any more, unless another transport has taken it over; those that are subscribed keep waiting until they are routed elsewhere.
    fn end_track(&mut self, track: TrackId, id: TransportId) {
        if let Some(source) = self
            .sources
            .get_mut(&track)
            .filter(|source| source.publisher.is_none_or(|publisher| publisher == id))
        {
            source.publisher = None;
            source.layers.clear();
            self.end_receivers(track);
            self.drop_if_unused(track);
        }
    }

    pub(crate) fn close_transport(&mut self, now: Time, id: TransportId, reason: &'static str) {
        self.abort_association(now, id, reason);
        let Some(mut transport) = self.transports.remove(&id) else { return };
        self.deadlines.remove(&(transport.deadline, id));
        let ended: Vec<u32> = transport.send.slots().iter().flat_map(Slot::sent_ssrcs).collect();
        transport.send_goodbye(&ended, &mut self.transmits);
        if let Some(dtls) = &mut transport.dtls {
            dtls.close(now);
        }
        transport.send_dtls(&mut self.transmits);
        self.reports.extend(transport.enter(TransportState::Closed, reason));
        self.ufrags.retain(|_, owner| *owner != id);
        if transport.shares_ufrag {
            self.pass_on_ufrags(&transport);
        }
        for path in transport.ice.paths() {
            self.release_address(path, id);
        }
        for socket in self.sockets.remove_all(id) {
            // What was queued for it is wrapped already.
            self.transmits.relays.remove(socket);
        }
        for slot in transport.send.slots() {
            if let Some(track) = slot.track {
                self.unsubscribe(now, track, Subscription { transport: id, slot: slot.config.slot });
            }
        }
        for track in transport.receive.tracks() {
            self.end_track(track, id);
        }
    }

    /// At shared addresses, the first of the transports with a fragment is meant by it: when that is gone, the next.
    fn pass_on_ufrags(&mut self, gone: &Transport) {
        for ufrag in gone.ice.ufrags() {
            let heirs = self.transports.values_mut();
            let mut heirs = heirs.filter(|heir| heir.ice.ufrags().any(|known| known == ufrag));
            if let Some(heir) = heirs.next() {
                heir.shares_ufrag = true;
                self.ufrags.insert(ufrag.to_owned(), heir.id);
            }
        }
    }

    /// Ends a transport by itself; Python is told, and closes it when it likes.
    pub(crate) fn fail(&mut self, id: TransportId, reason: &'static str) {
        let Some(transport) = self.transports.get_mut(&id) else { return };
        if let Some(report) = transport.enter(TransportState::Failed, reason) {
            self.reports.push_back(report);
        }
        // Without keys nothing of it can be saved.
        self.fail_association(id, reason);
    }

    /// Puts a transport into the state that it has reached.
    pub(crate) fn judge(&mut self, now: Time, id: TransportId) {
        let Some(transport) = self.transports.get_mut(&id) else { return };
        let report: Option<Report> =
            transport.judge(now).and_then(|(state, reason)| transport.enter(state, reason));
        if report.is_some() {
            self.reports.extend(report);
            // What the new state makes due is not waited for.
            self.wake_at(id, now);
        }
    }
}
