//! What a shard does with the SCTP association of a transport (RFC 8831), which travels as DTLS application data (RFC 8261).

use std::collections::VecDeque;

use crate::api::{AssociationId, AssociationState, Report, SocketId, TransportId};
use crate::counters::Counter;
use crate::ice::Path;
use crate::sctp::{self, Association, Config, DTLS_BYTES, Event, OutgoingMessage};
use crate::shard::Shard;
use crate::time::Time;

/// RFC 8831 section 6.2: as many streams as SCTP can number.
pub(crate) const STREAMS: u16 = u16::MAX;
/// What one association sends before others, and media, have their turn.
const TURN_BYTES: usize = 256 << 10;
/// How many messages wait to be read before no more are taken from the association.
const UNREAD: usize = 65_536;

/// The association of one transport, with the number by which its owner knows it.
#[derive(Debug)]
pub struct Channels {
    number: u32,
    stage: Stage,
}

/// Before and after it can begin.
#[derive(Debug)]
enum Stage {
    /// DTLS is not connected yet.
    Waiting { config: Config, messages: VecDeque<OutgoingMessage> },
    Begun {
        association: Box<Association>,
        unread: usize,
        is_stirred: bool,
        /// Where packets went last, and by which socket in the end: over that is known how long they may be.
        path: Option<(Path, SocketId)>,
        /// The length of the last probe of that, as it was queued.
        probe_bytes: usize,
    },
}

impl Channels {
    /// Of an association that has begun.
    pub fn figures(&self) -> Option<sctp::Figures> {
        match &self.stage {
            Stage::Waiting { .. } => None,
            Stage::Begun { association, .. } => Some(association.figures()),
        }
    }

    fn association(&mut self) -> Option<&mut Association> {
        match &mut self.stage {
            Stage::Waiting { .. } => None,
            Stage::Begun { association, .. } => Some(association),
        }
    }

    /// ICE restarts: what was known of the path counts no more, even if the new one has the same addresses.
    pub(crate) fn forget_path(&mut self, now: Time) {
        if let Stage::Begun { association, path: Some((_, socket)), .. } = &mut self.stage {
            association.handle_path_change(now, is_probed(*socket));
        }
    }
}

/// Whether datagrams that are too long for the path are lost there, and no others for it: on a stream, none are; with a socket
/// that transports share, the others would be.
fn is_probed(socket: SocketId) -> bool {
    socket.is_own() && !socket.is_stream() && !socket.is_tcp()
}

impl Shard {
    pub(crate) fn open_association(&mut self, now: Time, id: AssociationId, config: Config) {
        if self.channels(id).is_some() {
            return;
        }
        self.abort_association(now, id.transport, "another association");
        let Some(transport) = self.transports.get_mut(&id.transport) else { return };
        let stage = Stage::Waiting { config, messages: VecDeque::new() };
        transport.channels = Some(Channels { number: id.number, stage });
        self.start_association(now, id.transport);
    }

    /// The association of that number, while there is one.
    fn channels(&mut self, id: AssociationId) -> Option<&mut Channels> {
        let channels = self.transports.get_mut(&id.transport)?.channels.as_mut();
        channels.filter(|channels| channels.number == id.number)
    }

    /// Begins the association that waits for DTLS, if that is connected.
    pub(crate) fn start_association(&mut self, now: Time, id: TransportId) {
        let Some(transport) = self.transports.get_mut(&id) else { return };
        let is_connected = transport.dtls.as_ref().is_some_and(|dtls| dtls.is_connected());
        let Some(channels) = transport.channels.as_mut().filter(|_| is_connected) else { return };
        let Stage::Waiting { config, messages } = &mut channels.stage else { return };
        let (config, messages) = (*config, std::mem::take(messages));
        let mut secret = [0; 32];
        for part in secret.chunks_exact_mut(8) {
            part.copy_from_slice(&self.random.next_u64().to_be_bytes());
        }
        let mut association = Box::new(Association::new(config, now, &secret));
        for message in messages {
            association.send(now, message);
        }
        channels.stage =
            Stage::Begun { association, unread: 0, is_stirred: false, path: None, probe_bytes: 0 };
        self.stir(id);
    }

    /// One message to send. What comes for an association that has ended was on its way by then.
    pub fn handle_outgoing_message(&mut self, now: Time, id: AssociationId, message: OutgoingMessage) {
        match self.channels(id).map(|channels| &mut channels.stage) {
            Some(Stage::Waiting { messages, .. }) => messages.push_back(message),
            Some(Stage::Begun { association, .. }) => association.send(now, message),
            None => return self.count(Counter::MessagesDropped),
        }
        self.count(Counter::MessagesSent);
        self.stir(id.transport);
    }

    /// So many bytes of what was received are used up, which opens the window, and so many messages were read.
    pub fn handle_consumed(&mut self, id: AssociationId, bytes: usize, messages: usize) {
        if let Some(Stage::Begun { association, unread, .. }) =
            self.channels(id).map(|channels| &mut channels.stage)
        {
            association.release(bytes);
            *unread = unread.saturating_sub(messages);
            self.stir(id.transport);
        }
    }

    pub(crate) fn reset_streams(&mut self, id: AssociationId, streams: &[u16]) {
        if let Some(association) = self.channels(id).and_then(Channels::association) {
            association.reset_streams(streams);
            self.stir(id.transport);
        }
    }

    pub(crate) fn close_association(&mut self, now: Time, id: AssociationId) {
        if self.channels(id).is_some() {
            self.abort_association(now, id.transport, "closed by command");
        }
    }

    /// Aborts what association there is; the peer is told while there is a way to it.
    pub(crate) fn abort_association(&mut self, now: Time, id: TransportId, reason: &'static str) {
        let Some(transport) = self.transports.get_mut(&id) else { return };
        let Some(channels) = &mut transport.channels else { return };
        if let Some(association) = channels.association() {
            association.abort();
        }
        self.drive_association(now, id);
        self.end_association(id, AssociationState::Closed, reason);
    }

    pub(crate) fn fail_association(&mut self, id: TransportId, reason: &'static str) {
        self.end_association(id, AssociationState::Failed, reason);
    }

    /// Forgets an association, and says so once.
    pub(crate) fn end_association(&mut self, id: TransportId, state: AssociationState, reason: &'static str) {
        let ended = self.transports.get_mut(&id).and_then(|transport| transport.channels.take());
        if let Some(Channels { number, stage }) = ended {
            if let Stage::Begun { path: Some((_, socket)), .. } = stage {
                self.sockets.forbid_fragments(socket, false);
            }
            let id = AssociationId { transport: id, number };
            self.reports.push_back(Report::Association { id, state, reason, inbound: 0, outbound: 0 });
        }
    }

    /// Gives the association what came by DTLS.
    pub(crate) fn take_packets(&mut self, now: Time, id: TransportId) {
        // Together with the last handshake message a packet may come.
        self.start_association(now, id);
        let Some(transport) = self.transports.get_mut(&id) else { return };
        let Some(dtls) = &mut transport.dtls else { return };
        let association = transport.channels.as_mut().and_then(Channels::association);
        let (count, counter) = match association {
            Some(association) => {
                let take = |packet: &[u8]| association.handle_packet_untrusted(now, packet);
                (dtls.received().take(take), Counter::SctpReceived)
            }
            None => (dtls.received().take(|_| ()), Counter::SctpUnexpected),
        };
        if count > 0 {
            self.config.counters.add(counter, count as u64);
            self.stir(id);
        }
    }

    /// Marks an association for the end of the turn.
    fn stir(&mut self, id: TransportId) {
        let channels = self.transports.get_mut(&id).and_then(|transport| transport.channels.as_mut());
        if let Some(Stage::Begun { is_stirred, .. }) = channels.map(|channels| &mut channels.stage)
            && !std::mem::replace(is_stirred, true)
        {
            self.stirred.push(id);
        }
    }

    /// What is due now of a transport's association; when it wants to be woken next.
    pub(crate) fn tick_association(&mut self, now: Time, id: TransportId) -> Option<Time> {
        let transport = self.transports.get_mut(&id)?;
        let association = transport.channels.as_mut()?.association()?;
        if association.poll_timeout().is_some_and(|due| due <= now) {
            association.handle_timeout(now);
        }
        let due = association.poll_timeout();
        self.stir(id);
        due
    }

    /// Ends a turn for all associations in which something happened.
    pub(crate) fn drive_associations(&mut self, now: Time) {
        let mut stirred = std::mem::take(&mut self.stirred);
        for id in stirred.drain(..) {
            self.drive_association(now, id);
        }
        // Nothing is stirred meanwhile, so this keeps the memory only.
        self.stirred = stirred;
    }

    fn drive_association(&mut self, now: Time, id: TransportId) {
        let has_more = self.send_packets(now, id);
        self.take_events(id);
        let Some(transport) = self.transports.get_mut(&id) else { return };
        let Some(association) = transport.channels.as_mut().and_then(Channels::association) else { return };
        let due = if has_more { Some(now) } else { association.poll_timeout() };
        if let Some(due) = due.filter(|_| !transport.is_over()) {
            self.wake_at(id, due);
        }
    }

    /// Sends what the association has to send, up to a limit, where there is consent; whether more waits.
    fn send_packets(&mut self, now: Time, id: TransportId) -> bool {
        let Some(transport) = self.transports.get_mut(&id) else { return false };
        let path = transport.path();
        let stage = transport.channels.as_mut().map(|channels| &mut channels.stage);
        let Some(Stage::Begun { association, is_stirred, path: last, probe_bytes, .. }) = stage else {
            return false;
        };
        *is_stirred = false;
        let (Some(path), Some(dtls)) = (path, &mut transport.dtls) else { return false };
        let relay = self.transmits.relays.get_mut(path.socket);
        let socket = relay.map_or(path.socket, |relay| relay.via.socket);
        let before = last.replace((path, socket));
        if before != Some((path, socket)) {
            if let Some((_, before)) = before {
                self.sockets.forbid_fragments(before, false);
            }
            association.handle_path_change(now, is_probed(socket));
        }
        let (transmits, counts) = (&mut self.transmits, &mut transport.counts);
        let (mut packets, mut failed, mut bytes) = (0, 0, 0);
        while bytes < TURN_BYTES && dtls.is_connected() {
            self.scratch.clear();
            let usual = association.path_mtu();
            if !association.poll_transmit(now, &mut self.scratch) {
                break;
            }
            let is_probe = self.scratch.len() + DTLS_BYTES > usual;
            let sealed = dtls.seal(&self.scratch, |datagram| {
                bytes += datagram.len();
                counts.packets_sent += 1;
                counts.bytes_sent += datagram.len() as u64;
                if is_probe {
                    transmits.push_alone(path.socket, path.peer, datagram);
                    *probe_bytes = transmits.entries().last().map_or(0, |entry| entry.length);
                } else {
                    transmits.push(path.socket, path.peer, datagram);
                }
            });
            if sealed {
                packets += 1;
            } else {
                failed += 1;
            }
        }
        if packets + failed > 0 {
            self.config.counters.add(Counter::SctpSent, packets);
            self.config.counters.add(Counter::SctpSealFailed, failed);
        }
        self.sockets.forbid_fragments(socket, association.forbids_fragments());
        bytes >= TURN_BYTES
    }

    /// The system sends no datagram of so many bytes by one of a transport's own sockets.
    pub fn handle_refused_size(&mut self, now: Time, socket: SocketId, bytes: usize) {
        let Some(id) = self.sockets.owner(socket) else { return };
        let channels = self.transports.get_mut(&id).and_then(|transport| transport.channels.as_mut());
        let stage = channels.map(|channels| &mut channels.stage);
        if let Some(Stage::Begun { association, probe_bytes, .. }) = stage {
            association.handle_refusal(now, bytes == *probe_bytes);
            self.drive_association(now, id);
        }
    }

    /// Tells what the association tells; its messages while there is room for them.
    fn take_events(&mut self, id: TransportId) {
        let Some(transport) = self.transports.get_mut(&id) else { return };
        let Some(Channels { number, stage }) = &mut transport.channels else { return };
        let Stage::Begun { association, unread, .. } = stage else { return };
        let id = AssociationId { transport: id, number: *number };
        let (mut received, mut end) = (0, None);
        while *unread < UNREAD
            && let Some(event) = association.poll_event()
        {
            match event {
                Event::Connected { inbound, outbound } => self.reports.push_back(Report::Association {
                    id,
                    state: AssociationState::Connected,
                    reason: "",
                    inbound,
                    outbound,
                }),
                Event::Closed(reason) => end = Some((AssociationState::Closed, reason)),
                Event::Failed(reason) => end = Some((AssociationState::Failed, reason)),
                Event::Message { .. } | Event::StreamReset { .. } | Event::ResetDone { .. } => {
                    *unread += 1;
                    received += u64::from(matches!(event, Event::Message { .. }));
                    self.channel_events.push_back((id, event));
                }
                Event::Sent { .. } => self.channel_events.push_back((id, event)),
            }
        }
        if received > 0 {
            self.config.counters.add(Counter::MessagesReceived, received);
        }
        if let Some((state, reason)) = end {
            self.end_association(id.transport, state, reason);
        }
    }
}
