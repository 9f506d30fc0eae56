//! Parameters of chunks (RFC 9260 section 3.2.1), and those of RE-CONFIG (RFC 6525 section 4).

use super::{Chunk, SctpError};
use crate::bytes::{slice_at, u16_at, u32_at};

/// Types of parameters (IANA's registry).
pub mod parameter {
    pub const HEARTBEAT_INFO: u16 = 1;
    pub const STATE_COOKIE: u16 = 7;
    pub const OUTGOING_RESET_REQUEST: u16 = 13;
    pub const INCOMING_RESET_REQUEST: u16 = 14;
    pub const TSN_RESET_REQUEST: u16 = 15;
    pub const RECONFIG_RESPONSE: u16 = 16;
    pub const ADD_OUTGOING_STREAMS: u16 = 17;
    pub const ADD_INCOMING_STREAMS: u16 = 18;
    /// RFC 9653 section 4.
    pub const ZERO_CHECKSUM: u16 = 0x8001;
    /// RFC 5061 section 4.2.7.
    pub const SUPPORTED_EXTENSIONS: u16 = 0x8008;
    /// RFC 3758 section 3.1.
    pub const FORWARD_TSN_SUPPORTED: u16 = 0xc000;
}

const HEADER_LENGTH: usize = 4;

/// One parameter: its type, and what follows its header, without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    pub kind: u16,
    pub value: &'a [u8],
}

/// The parameters of a chunk, up to the first that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters<'a> {
    rest: &'a [u8],
}

impl<'a> Parameters<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Parameters<'a> {
        Parameters { rest }
    }

    /// Those of a chunk that has nothing else: RE-CONFIG, HEARTBEAT and its answer.
    pub fn of(chunk: Chunk<'a>) -> Parameters<'a> {
        Parameters::new(chunk.value)
    }

    /// The value of the first of a type.
    pub fn value_of(mut self, kind: u16) -> Option<&'a [u8]> {
        self.find(|parameter| parameter.kind == kind).map(|parameter| parameter.value)
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Parameter<'a>;

    fn next(&mut self) -> Option<Parameter<'a>> {
        let kind = u16_at(self.rest, 0)?;
        let length = usize::from(u16_at(self.rest, 2)?).checked_sub(HEADER_LENGTH)?;
        let value = slice_at(self.rest, HEADER_LENGTH, length)?;
        let next = (HEADER_LENGTH + length).next_multiple_of(4);
        self.rest = self.rest.get(next..).unwrap_or_default();
        Some(Parameter { kind, value })
    }
}

/// The chunk types that a Supported Extensions parameter lists.
pub fn chunk_types_of(parameters: Parameters<'_>) -> &[u8] {
    parameters.value_of(parameter::SUPPORTED_EXTENSIONS).unwrap_or_default()
}

/// A request to reset the sender's outgoing streams (RFC 6525 section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamResetRequest<'a> {
    pub request: u32,
    pub last_tsn: u32,
    streams: &'a [u8],
}

impl<'a> StreamResetRequest<'a> {
    /// The streams; none stands for all.
    pub fn streams(&self) -> impl ExactSizeIterator<Item = u16> + use<'a> {
        self.streams.as_chunks::<2>().0.iter().map(|&pair| u16::from_be_bytes(pair))
    }
}

/// What a parameter of RE-CONFIG asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReconfigRequest<'a> {
    ResetOutgoing(StreamResetRequest<'a>),
    /// Section 4.5.
    AddOutgoing {
        request: u32,
        count: u16,
    },
    /// One that is not done for anybody.
    Other {
        request: u32,
    },
}

impl<'a> ReconfigRequest<'a> {
    /// None where the parameter is no request.
    pub fn parse_untrusted(parameter: Parameter<'a>) -> Option<Result<ReconfigRequest<'a>, SctpError>> {
        let value = parameter.value;
        let read = || {
            let request = u32_at(value, 0)?;
            Some(match parameter.kind {
                parameter::OUTGOING_RESET_REQUEST => ReconfigRequest::ResetOutgoing(StreamResetRequest {
                    request,
                    last_tsn: u32_at(value, 8)?,
                    streams: value.get(12..)?,
                }),
                parameter::ADD_OUTGOING_STREAMS => {
                    ReconfigRequest::AddOutgoing { request, count: u16_at(value, 4)? }
                }
                _ => ReconfigRequest::Other { request },
            })
        };
        (parameter::OUTGOING_RESET_REQUEST..=parameter::ADD_INCOMING_STREAMS)
            .contains(&parameter.kind)
            .then_some(())
            .filter(|()| parameter.kind != parameter::RECONFIG_RESPONSE)
            .map(|()| read().ok_or(SctpError::Truncated))
    }
}

/// An answer to a request (RFC 6525 section 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReconfigResponse {
    pub request: u32,
    pub result: u32,
}

impl ReconfigResponse {
    pub const NOTHING_TO_DO: u32 = 0;
    pub const PERFORMED: u32 = 1;
    pub const DENIED: u32 = 2;
    pub const BAD_SEQUENCE: u32 = 5;
    pub const IN_PROGRESS: u32 = 6;

    /// None where the parameter is no answer.
    pub fn parse_untrusted(parameter: Parameter<'_>) -> Option<Result<ReconfigResponse, SctpError>> {
        if parameter.kind != parameter::RECONFIG_RESPONSE {
            return None;
        }
        let read = |at| u32_at(parameter.value, at).ok_or(SctpError::Truncated);
        Some(read(0).and_then(|request| Ok(ReconfigResponse { request, result: read(4)? })))
    }
}
