//! A transport's ways to its peer: sockets, relays, pairs, requests to servers, and whose which address is.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::api::{Descriptor, PairConfig, Report, ShardId, SocketNumber, StunRequest, TransportId};
use crate::ice::{Event, Path, RequestEnd};
use crate::message::ShardMessage;
use crate::shard::Shard;
use crate::sockets::StreamTo;
use crate::time::Time;

/// How often an address is noted as proved.
const PROOF_INTERVAL: Duration = Duration::from_secs(1);

impl Shard {
    pub(crate) fn add_socket(&mut self, id: TransportId, number: SocketNumber, descriptor: Descriptor) {
        if self.transports.contains_key(&id) {
            self.sockets.add(id, number, descriptor);
        } else {
            self.sockets.discard(descriptor);
        }
    }

    pub(crate) fn open_stream(
        &mut self,
        id: TransportId,
        number: SocketNumber,
        descriptor: Descriptor,
        to: StreamTo,
    ) {
        if self.transports.contains_key(&id) {
            self.sockets.add_stream(id, number, descriptor, to);
        } else {
            self.sockets.discard(descriptor);
        }
    }

    pub(crate) fn add_tcp_socket(
        &mut self,
        id: TransportId,
        number: SocketNumber,
        local: IpAddr,
        listener: Option<Descriptor>,
    ) {
        if self.transports.contains_key(&id) {
            self.sockets.add_tcp(id, number, local, listener);
        } else {
            listener.into_iter().for_each(|listener| self.sockets.discard(listener));
        }
    }

    /// Ends a socket or relay, and the relays that it reaches, with all that goes over them.
    pub(crate) fn remove_socket(&mut self, now: Time, id: TransportId, number: SocketNumber) {
        let Some(socket) = self.sockets.remove(id, number) else { return };
        for relay in self.transmits.relays.over(socket) {
            self.remove_socket(now, id, self.sockets.number(relay));
        }
        self.transmits.relays.remove(socket);
        if let Some(transport) = self.transports.get_mut(&id) {
            transport.ice.remove_socket(socket);
            transport.requests.remove_socket(socket);
            self.drive_ice(now, id, None);
        }
    }

    pub(crate) fn set_pairs(&mut self, now: Time, id: TransportId, pairs: &[PairConfig]) {
        let Some(transport) = self.transports.get_mut(&id).filter(|transport| !transport.ice.is_lite())
        else {
            return;
        };
        let (known, unknown): (Vec<_>, Vec<_>) = pairs
            .iter()
            .map(|pair| (pair, self.sockets.resolve(id, pair.socket).filter(|socket| !socket.is_stream())))
            .partition(|(_, socket)| socket.is_some());
        transport.ice.set_pairs(known.into_iter().filter_map(|(pair, socket)| {
            Some((pair.pair, Path { socket: socket?, peer: pair.remote }, pair.priority))
        }));
        self.reports.extend(unknown.into_iter().map(|(pair, _)| Report::PairState {
            id,
            pair: pair.pair,
            succeeded: false,
            mapped: None,
            round_trip: Duration::ZERO,
            reason: "its socket is gone",
        }));
        self.drive_ice(now, id, None);
    }

    pub(crate) fn send_stun(&mut self, now: Time, id: TransportId, request: StunRequest) {
        let Some(transport) = self.transports.get_mut(&id) else { return };
        let socket = self.sockets.resolve(id, request.socket);
        let path = socket.map(|socket| Path { socket, peer: request.server });
        transport.requests.send(now, id, request, path, &mut self.random);
        self.drive_ice(now, id, None);
    }

    pub(crate) fn add_relay(
        &mut self,
        id: TransportId,
        relay: SocketNumber,
        socket: SocketNumber,
        server: SocketAddr,
    ) {
        let via = self.sockets.resolve(id, socket).filter(|socket| !socket.is_relay());
        let Some(socket) = via.filter(|_| self.transports.contains_key(&id)) else { return };
        if let Some(added) = self.sockets.add_relay(id, relay)
            && !self.transmits.relays.add(added, Path { socket, peer: server })
        {
            self.sockets.remove(id, relay);
        }
    }

    /// A packet from a path was authentic under the transport's keys; told once a second.
    pub(crate) fn prove_address(&mut self, now: Time, path: Path, id: TransportId, via: Option<ShardId>) {
        let Some(transport) = self.transports.get_mut(&id) else { return };
        if now < transport.next_proof {
            return;
        }
        transport.next_proof = now + PROOF_INTERVAL;
        self.addresses.prove(now, path, id);
        self.tell_claim(path, via, true);
    }

    pub(crate) fn tell_claim(&mut self, path: Path, via: Option<ShardId>, proved: bool) {
        if let Some(shard) = via {
            let claimed = ShardMessage::AddressClaimed { socket: path.socket, peer: path.peer, proved };
            self.messages.push_back((shard, claimed));
        }
    }

    /// Sends what ICE has to send, and tells what it has found out. `via`: through which shard the occasion came.
    pub(crate) fn drive_ice(&mut self, now: Time, id: TransportId, via: Option<ShardId>) {
        let Some(transport) = self.transports.get_mut(&id) else { return };
        transport.requests.handle_timeout(now);
        if !transport.is_over() {
            transport.ice.handle_timeout(now, &mut self.random);
        }
        let requests = std::iter::from_fn(|| transport.requests.poll_transmit());
        for (path, data) in requests.chain(std::iter::from_fn(|| transport.ice.poll_transmit())) {
            self.transmits.push(path.socket, path.peer, &data);
        }
        let due = [transport.requests.poll_timeout(), transport.ice.poll_timeout()];
        let due = due.into_iter().flatten().min();
        while let Some(end) = self.transports.get_mut(&id).and_then(|transport| transport.requests.poll_end())
        {
            let RequestEnd { request, outcome, attributes, round_trip, transaction } = end;
            let report = Report::StunResult { id, request, outcome, attributes, round_trip, transaction };
            self.reports.push_back(report);
        }
        while let Some(event) = self.transports.get_mut(&id).and_then(|transport| transport.ice.poll_event())
        {
            self.handle_ice_event(now, id, event, via);
        }
        if let Some(due) = due {
            self.wake_at(id, due);
        }
    }

    fn handle_ice_event(&mut self, now: Time, id: TransportId, event: Event, via: Option<ShardId>) {
        let report = match event {
            Event::State { pair, succeeded, mapped, round_trip, reason } => {
                Report::PairState { id, pair, succeeded, mapped, round_trip, reason }
            }
            Event::Learnt { pair, path, priority } => {
                let (socket, remote) = (self.sockets.number(path.socket), path.peer);
                Report::PairLearnt { id, pair, socket, remote, priority }
            }
            Event::Selected { pair, reason } => Report::PairSelected { id, pair, reason },
            Event::RoleChanged { controlling } => Report::RoleChanged { id, controlling },
            Event::Proved(path) => {
                self.sockets.keep_stream(path);
                self.addresses.claim(path, id);
                self.addresses.prove(now, path, id);
                return self.tell_claim(path, via, true);
            }
            Event::Released(path) => {
                self.sockets.end_stream(path);
                return self.release_address(path, id);
            }
            Event::Moved => return self.forget_old_ufrags(id),
        };
        self.reports.push_back(report);
    }

    pub(crate) fn release_address(&mut self, path: Path, id: TransportId) {
        // Where another of this shard's transports has it by now, the others go on handing over.
        if !self.addresses.release(path, id) {
            return;
        }
        for shard in (0..self.config.shards).map(crate::api::ShardId).filter(|&shard| shard != self.config.id)
        {
            let message = ShardMessage::AddressReleased { socket: path.socket, peer: path.peer };
            self.messages.push_back((shard, message));
        }
    }
}
