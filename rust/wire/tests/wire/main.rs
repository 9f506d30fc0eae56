//! The wire formats from outside: RFC vectors, round trips, and hostile bytes.

mod hostile;
mod read_all;
mod rtcp_packets;
mod rtp_packets;
mod sctp_packets;
mod seeds;
mod stun_messages;
mod stun_vectors;
mod transport_feedback;
mod turn_messages;
