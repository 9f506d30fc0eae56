//! STUN, TURN, RTP, RTCP and payload formats: parse and write; no state, no clock, no allocation while parsing.
//!
//! Parsers borrow from the datagram. Those that read what a stranger sent end in `_untrusted`; none of them
//! panics, whatever the bytes. Writers append to a `Vec<u8>` that the caller keeps and uses again.
#![forbid(unsafe_code)]

mod bytes;
pub mod ext;
pub mod kind;
pub mod payload;
pub mod rtcp;
pub mod rtp;
pub mod sctp;
pub mod stun;
pub mod turn;
