//! Stands in for the SCTP association, with its interface: each message is one packet, and nothing is sent again.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Time;

const HELLO: u8 = 0;
const ANSWER: u8 = 1;
const MESSAGE: u8 = 2;
const RESET: u8 = 3;
const ABORT: u8 = 4;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub local_port: u16,
    pub remote_port: u16,
    /// How much may wait to be released: the window that the peer sees.
    pub receive_budget: usize,
    pub max_message: usize,
    pub streams: u16,
    pub max_packet: usize,
}

/// Until when a message is sent again (RFC 3758).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reliability {
    Reliable,
    Retransmits(u32),
    Lifetime(Duration),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingMessage {
    pub stream: u16,
    pub ppid: u32,
    pub ordered: bool,
    pub reliability: Reliability,
    pub priority: u16,
    pub data: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Connected {
        inbound: u16,
        outbound: u16,
    },
    Message {
        stream: u16,
        ppid: u32,
        data: Vec<u8>,
    },
    /// The peer has reset its stream.
    StreamReset {
        stream: u16,
    },
    /// Ours is reset.
    ResetDone {
        stream: u16,
    },
    /// So much has left the queue, or was given up.
    Sent {
        stream: u16,
        bytes: usize,
    },
    Closed(&'static str),
    Failed(&'static str),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub congestion_window: usize,
    pub receiver_window: usize,
    pub mtu: usize,
    pub unacked_bytes: usize,
    pub smoothed_rtt: Option<Duration>,
}

#[derive(Debug)]
pub struct Association {
    config: Config,
    control: VecDeque<Vec<u8>>,
    /// Resets, which leave after all messages.
    resets: VecDeque<u16>,
    messages: VecDeque<OutgoingMessage>,
    events: VecDeque<Event>,
    /// Received and not released.
    held: usize,
    is_connected: bool,
    is_over: bool,
}

impl Association {
    pub fn new(config: Config, _now: Time, _seed: u64, _secret: [u8; 32]) -> Association {
        Association {
            config,
            control: VecDeque::from([vec![HELLO]]),
            resets: VecDeque::new(),
            messages: VecDeque::new(),
            events: VecDeque::new(),
            held: 0,
            is_connected: false,
            is_over: false,
        }
    }

    fn connect(&mut self) {
        if !std::mem::replace(&mut self.is_connected, true) {
            let (inbound, outbound) = (self.config.streams, self.config.streams);
            self.events.push_back(Event::Connected { inbound, outbound });
        }
    }

    pub fn handle_packet_untrusted(&mut self, _now: Time, packet: &[u8]) {
        match packet {
            [HELLO, ..] => {
                self.control.push_back(vec![ANSWER]);
                self.connect();
            }
            [ANSWER, ..] => self.connect(),
            [MESSAGE, a, b, c, d, e, f, data @ ..]
                if self.held + data.len() <= self.config.receive_budget =>
            {
                let (stream, ppid) = (u16::from_be_bytes([*a, *b]), u32::from_be_bytes([*c, *d, *e, *f]));
                self.held += data.len();
                self.events.push_back(Event::Message { stream, ppid, data: data.to_vec() });
            }
            [RESET, a, b] => {
                self.events.push_back(Event::StreamReset { stream: u16::from_be_bytes([*a, *b]) });
            }
            [ABORT, ..] => {
                self.is_over = true;
                self.events.push_back(Event::Closed("aborted by the peer"));
            }
            _ => (),
        }
    }

    pub fn handle_timeout(&mut self, _now: Time) {}

    pub fn poll_timeout(&self) -> Option<Time> {
        None
    }

    /// Appends one packet; false when nothing is to be sent now.
    pub fn poll_transmit(&mut self, _now: Time, out: &mut Vec<u8>) -> bool {
        if let Some(control) = self.control.pop_front() {
            out.extend_from_slice(&control);
            return true;
        }
        if !self.is_connected || self.is_over {
            return false;
        }
        let Some(message) = self.messages.pop_front() else {
            let Some(stream) = self.resets.pop_front() else { return false };
            out.push(RESET);
            out.extend_from_slice(&stream.to_be_bytes());
            self.events.push_back(Event::ResetDone { stream });
            return true;
        };
        out.push(MESSAGE);
        out.extend_from_slice(&message.stream.to_be_bytes());
        out.extend_from_slice(&message.ppid.to_be_bytes());
        out.extend_from_slice(&message.data);
        self.events.push_back(Event::Sent { stream: message.stream, bytes: message.data.len() });
        true
    }

    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub fn send(&mut self, _now: Time, message: OutgoingMessage) {
        self.messages.push_back(message);
    }

    pub fn reset_streams(&mut self, _now: Time, streams: &[u16]) {
        self.resets.extend(streams);
    }

    pub fn release(&mut self, bytes: usize) {
        self.held = self.held.saturating_sub(bytes);
    }

    pub fn abort(&mut self, _now: Time, reason: &'static str) {
        self.is_over = true;
        self.control.push_back(vec![ABORT]);
        self.events.push_back(Event::Closed(reason));
    }

    pub fn is_over(&self) -> bool {
        self.is_over
    }

    pub fn figures(&self) -> Figures {
        Figures {
            mtu: self.config.max_packet,
            receiver_window: self.config.receive_budget - self.held,
            ..Figures::default()
        }
    }
}
