//! What the two ends say to come to an association (RFC 9260 section 5.1): both begin, as WebRTC has it, and either alone suffices.

use std::time::Duration;

use visavis_wire::sctp::{ChunkWriter, Init, chunk_type, chunk_types_of, parameter};

use super::cookie::{Agreed, Features};
use super::{Config, LARGEST_PATH_MTU};
use crate::time::Time;

/// Before the first repetition: the peer may have come to listen only after the first INIT.
const FIRST_PATIENCE: Duration = Duration::from_millis(250);
const LONGEST_PATIENCE: Duration = Duration::from_secs(5);
/// A minute in all (RFC 9260 section 16, "Max.Init.Retransmits", is of another order with its longer time-outs).
const ATTEMPTS: u32 = 16;

/// Extensions that we list (RFC 5061 section 4.2.7); the last two stand for interleaving.
const EXTENSIONS: [u8; 4] =
    [chunk_type::RECONFIG, chunk_type::FORWARD_TSN, chunk_type::I_DATA, chunk_type::I_FORWARD_TSN];
/// The method of RFC 9653 section 6: "SCTP over DTLS".
const OVER_DTLS: u32 = 1;

/// What this end has said of itself.
#[derive(Clone, Copy, Debug)]
pub struct Local {
    pub tag: u32,
    pub initial_tsn: u32,
}

/// What we wait for.
#[derive(Debug)]
pub struct Handshake {
    /// The peer's answer to INIT, with its cookie; None before it came.
    pub answered: Option<(Agreed, Vec<u8>)>,
    repeat_at: Time,
    attempts: u32,
    is_due: bool,
}

impl Handshake {
    pub fn new(now: Time) -> Handshake {
        Handshake { answered: None, repeat_at: now, attempts: 0, is_due: true }
    }

    /// The peer's INIT ACK came: its cookie goes back.
    pub fn answer(&mut self, now: Time, agreed: Agreed, cookie: Vec<u8>) {
        *self = Handshake { answered: Some((agreed, cookie)), ..Handshake::new(now) };
    }

    pub fn deadline(&self) -> Option<Time> {
        (!self.is_due).then_some(self.repeat_at)
    }

    pub fn handle_timeout(&mut self, now: Time) -> Result<(), &'static str> {
        if !self.is_due && self.repeat_at <= now {
            self.is_due = true;
            if self.attempts >= ATTEMPTS {
                return Err("the peer does not answer");
            }
        }
        Ok(())
    }

    /// Whether INIT or COOKIE ECHO is to be sent; asking starts the wait for its answer.
    pub fn take_due(&mut self, now: Time) -> bool {
        if !std::mem::take(&mut self.is_due) {
            return false;
        }
        let patience = FIRST_PATIENCE.saturating_mul(1 << self.attempts.min(5)).min(LONGEST_PATIENCE);
        self.repeat_at = now + patience;
        self.attempts += 1;
        true
    }
}

/// Appends an INIT, or an INIT ACK with its cookie (sections 3.3.2 and 3.3.3).
pub fn write_init(out: &mut Vec<u8>, config: &Config, local: Local, cookie: Option<&[u8]>) {
    let kind = if cookie.is_some() { chunk_type::INIT_ACK } else { chunk_type::INIT };
    let window = u32::try_from(config.receive_budget).unwrap_or(u32::MAX);
    let mut chunk = ChunkWriter::begin(out, kind, 0);
    chunk.word(local.tag).word(window).half(config.streams).half(config.streams).word(local.initial_tsn);
    if let Some(cookie) = cookie {
        chunk.parameter(parameter::STATE_COOKIE, |parameter| _ = parameter.bytes(cookie));
    }
    chunk.parameter(parameter::ZERO_CHECKSUM, |parameter| _ = parameter.word(OVER_DTLS));
    chunk.parameter(parameter::FORWARD_TSN_SUPPORTED, |_| ());
    let longest = LARGEST_PATH_MTU as u32;
    chunk.parameter(parameter::LONGEST_DATAGRAM, |parameter| _ = parameter.word(longest));
    let listed = if config.interleaving { &EXTENSIONS[..] } else { &EXTENSIONS[..2] };
    chunk.parameter(parameter::SUPPORTED_EXTENSIONS, |parameter| _ = parameter.bytes(listed));
    chunk.finish();
}

/// What both ends are to have, by the peer's INIT or INIT ACK.
pub fn agree(config: &Config, local: Local, init: &Init<'_>) -> Agreed {
    let extensions = chunk_types_of(init.parameters);
    let lists = |kind: u8| extensions.contains(&kind);
    let longest = init.parameters.value_of(parameter::LONGEST_DATAGRAM);
    let longest = longest.and_then(|value| Some(u32::from_be_bytes(value.try_into().ok()?)));
    let method = init.parameters.value_of(parameter::ZERO_CHECKSUM);
    Agreed {
        local_tag: local.tag,
        local_initial_tsn: local.initial_tsn,
        peer_tag: init.tag,
        peer_initial_tsn: init.initial_tsn,
        peer_window: init.receiver_window,
        inbound: config.streams.min(init.outbound_streams),
        outbound: config.streams.min(init.inbound_streams),
        features: Features {
            forward_tsn: init.parameters.value_of(parameter::FORWARD_TSN_SUPPORTED).is_some()
                || lists(chunk_type::FORWARD_TSN),
            reconfig: lists(chunk_type::RECONFIG),
            interleaving: config.interleaving
                && lists(chunk_type::I_DATA)
                && lists(chunk_type::I_FORWARD_TSN),
            zero_checksum: method == Some(&OVER_DTLS.to_be_bytes()),
            long_datagrams: longest.is_some_and(|longest| longest as usize >= LARGEST_PATH_MTU),
        },
    }
}
