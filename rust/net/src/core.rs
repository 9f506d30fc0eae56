//! What a thread of the plane drives: the interface of a shard.

use std::net::SocketAddr;

use visavis_dataplane::api::{AssociationId, TrackId};
use visavis_dataplane::frames::{FrameEvent, OutgoingFrame, ReceiverId};
use visavis_dataplane::sctp::{self, OutgoingMessage};
use visavis_dataplane::{
    Command, Report, Shard, ShardId, ShardMessage, SocketChange, SocketId, Time, TransmitQueue,
};

/// A sans-IO core. [`Shard`] is one; tests bring smaller ones to look at the driver alone. It counts what it receives; the
/// driver counts what it sends, since only that knows whether it left.
pub trait Core {
    fn handle_datagram_untrusted(&mut self, now: Time, socket: SocketId, peer: SocketAddr, data: &mut [u8]);
    fn handle_message(&mut self, now: Time, from: ShardId, message: ShardMessage);
    fn handle_command(&mut self, now: Time, command: Command);
    fn handle_timeout(&mut self, now: Time);
    /// Says good-bye to every peer; what is polled afterwards is the last.
    fn close(&mut self, now: Time);
    /// Ends a batch of input; called before `transmits`.
    fn flush(&mut self, now: Time);
    /// So much waits that the batch should end before more is handed in.
    fn is_full(&self) -> bool;
    fn poll_timeout(&self) -> Option<Time>;
    fn transmits(&mut self) -> &mut TransmitQueue;
    fn poll_report(&mut self) -> Option<Report>;
    fn poll_message(&mut self) -> Option<(ShardId, ShardMessage)>;
    /// Sockets to take over before `transmits` are sent, or to close after that.
    fn poll_socket_change(&mut self) -> Option<SocketChange>;
    /// A socket cannot be used.
    fn handle_socket_lost(&mut self, now: Time, socket: SocketId);
    /// The stream between the base of a TCP candidate and a peer has ended, or never came about.
    fn handle_stream_lost(&mut self, now: Time, socket: SocketId, peer: SocketAddr);
    /// The system refused to send to an address.
    fn handle_send_failure(&mut self, now: Time, socket: SocketId, peer: SocketAddr);
    /// The system sends no datagram of so many bytes by a socket.
    fn handle_refused_size(&mut self, now: Time, socket: SocketId, bytes: usize);
    fn handle_frame(&mut self, now: Time, track: TrackId, frame: &OutgoingFrame);
    fn poll_frame(&mut self) -> Option<(ReceiverId, FrameEvent)>;
    /// A receiver's queue had no room for so many frames of a layer.
    fn handle_dropped_frames(&mut self, now: Time, track: TrackId, layer: u8, count: u64);
    /// A message for a transport's association.
    fn handle_outgoing_message(&mut self, now: Time, id: AssociationId, message: OutgoingMessage);
    /// The program has used up so many bytes of what the association brought, and read so many messages.
    fn handle_consumed(&mut self, id: AssociationId, bytes: usize, messages: usize);
    fn poll_channel_event(&mut self) -> Option<(AssociationId, sctp::Event)>;
}

impl Core for Shard {
    fn handle_datagram_untrusted(&mut self, now: Time, socket: SocketId, peer: SocketAddr, data: &mut [u8]) {
        Shard::handle_datagram_untrusted(self, now, socket, peer, data);
    }

    fn handle_message(&mut self, now: Time, from: ShardId, message: ShardMessage) {
        Shard::handle_message(self, now, from, message);
    }

    fn handle_command(&mut self, now: Time, command: Command) {
        Shard::handle_command(self, now, command);
    }

    fn handle_timeout(&mut self, now: Time) {
        Shard::handle_timeout(self, now);
    }

    fn close(&mut self, now: Time) {
        Shard::close(self, now);
    }

    fn flush(&mut self, now: Time) {
        Shard::flush(self, now);
    }

    fn is_full(&self) -> bool {
        Shard::is_full(self)
    }

    fn poll_timeout(&self) -> Option<Time> {
        Shard::poll_timeout(self)
    }

    fn transmits(&mut self) -> &mut TransmitQueue {
        Shard::transmits(self)
    }

    fn poll_report(&mut self) -> Option<Report> {
        Shard::poll_report(self)
    }

    fn poll_message(&mut self) -> Option<(ShardId, ShardMessage)> {
        Shard::poll_message(self)
    }

    fn poll_socket_change(&mut self) -> Option<SocketChange> {
        Shard::poll_socket_change(self)
    }

    fn handle_socket_lost(&mut self, now: Time, socket: SocketId) {
        Shard::handle_socket_lost(self, now, socket);
    }

    fn handle_stream_lost(&mut self, now: Time, socket: SocketId, peer: SocketAddr) {
        Shard::handle_stream_lost(self, now, socket, peer);
    }

    fn handle_send_failure(&mut self, now: Time, socket: SocketId, peer: SocketAddr) {
        Shard::handle_send_failure(self, now, socket, peer);
    }

    fn handle_refused_size(&mut self, now: Time, socket: SocketId, bytes: usize) {
        Shard::handle_refused_size(self, now, socket, bytes);
    }

    fn handle_frame(&mut self, now: Time, track: TrackId, frame: &OutgoingFrame) {
        Shard::handle_frame(self, now, track, frame);
    }

    fn poll_frame(&mut self) -> Option<(ReceiverId, FrameEvent)> {
        Shard::poll_frame(self)
    }

    fn handle_dropped_frames(&mut self, now: Time, track: TrackId, layer: u8, count: u64) {
        Shard::handle_dropped_frames(self, now, track, layer, count);
    }

    fn handle_outgoing_message(&mut self, now: Time, id: AssociationId, message: OutgoingMessage) {
        Shard::handle_outgoing_message(self, now, id, message);
    }

    fn handle_consumed(&mut self, id: AssociationId, bytes: usize, messages: usize) {
        Shard::handle_consumed(self, id, bytes, messages);
    }

    fn poll_channel_event(&mut self) -> Option<(AssociationId, sctp::Event)> {
        Shard::poll_channel_event(self)
    }
}
