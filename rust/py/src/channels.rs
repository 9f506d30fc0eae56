//! Messages of data channels between Python and the data plane, and the commands about their association.

use std::time::Duration;

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use visavis_dataplane::Command;
use visavis_dataplane::api::AssociationId;
use visavis_dataplane::sctp::{LARGEST_PATH_MTU, OutgoingMessage, Reliability};
use visavis_net::{Arrival, Arrivals, ChannelError};

use crate::fields::Fields;

/// RFC 8831 section 6.2: 65,535 streams, of which the last number is none.
const MAX_STREAM: u16 = 65_534;
/// RFC 9260 section 3.3.2: no window is smaller.
const LEAST_WINDOW: usize = 1_500;
/// The window's field has 32 bits, and more than this for one peer is no plan.
const LARGEST_WINDOW: usize = 1 << 30;
/// Requests to reset streams need about as much; and less is no path's.
const LEAST_PATH_MTU: usize = 600;
/// What `read_messages` calls a reset of the peer's stream, and of ours, in place of a PPID.
const PEER_RESET: i64 = -1;
const RESET_DONE: i64 = -2;

type Message<'py> = (u16, i64, Bound<'py, PyBytes>);

pub fn open(fields: &Fields<'_, '_>, id: AssociationId) -> PyResult<Command> {
    let receive_bytes = fields.get("receive_bytes")?;
    if !(LEAST_WINDOW..=LARGEST_WINDOW).contains(&receive_bytes) {
        let what = format!("{receive_bytes} is not {LEAST_WINDOW} to {LARGEST_WINDOW}");
        return Err(fields.wrong("receive_bytes", what));
    }
    let max_message_bytes = fields.get("max_message_bytes")?;
    if !(1..=LARGEST_WINDOW).contains(&max_message_bytes) {
        let what = format!("{max_message_bytes} is not 1 to {LARGEST_WINDOW}");
        return Err(fields.wrong("max_message_bytes", what));
    }
    Ok(Command::OpenAssociation {
        id,
        local_port: port(fields, "local_port")?,
        remote_port: port(fields, "remote_port")?,
        receive_bytes,
        max_message_bytes,
        path_mtu_bytes: path_mtu(fields)?,
    })
}

fn path_mtu(fields: &Fields<'_, '_>) -> PyResult<Option<usize>> {
    let path_mtu: Option<usize> = fields.get("path_mtu_bytes")?;
    match path_mtu.filter(|bytes| !(LEAST_PATH_MTU..=LARGEST_PATH_MTU).contains(bytes)) {
        Some(bytes) => {
            let what = format!("{bytes} is not {LEAST_PATH_MTU} to {LARGEST_PATH_MTU}");
            Err(fields.wrong("path_mtu_bytes", what))
        }
        None => Ok(path_mtu),
    }
}

pub fn reset(fields: &Fields<'_, '_>, id: AssociationId) -> PyResult<Command> {
    let streams: Vec<u16> = fields.list("streams", usize::from(u16::MAX))?;
    match streams.iter().find(|&&stream| stream > MAX_STREAM) {
        Some(stream) => Err(fields.wrong("streams", format!("{stream} is not 0 to {MAX_STREAM}"))),
        None => Ok(Command::ResetStreams { id, streams }),
    }
}

fn port(fields: &Fields<'_, '_>, name: &str) -> PyResult<u16> {
    match fields.get(name)? {
        0 => Err(fields.wrong(name, "0 is no port (1 to 65535)")),
        port => Ok(port),
    }
}

/// What `send_message` is called with, besides the transport and the data.
#[derive(Clone, Copy, Debug)]
pub struct Arguments {
    pub stream: u16,
    pub ppid: u32,
    pub ordered: bool,
    pub max_retransmits: Option<u32>,
    pub lifetime_ms: Option<u32>,
    pub priority: u16,
}

/// The message that these are of, with a copy of its data.
pub fn outgoing(
    py: Python<'_>,
    data: &Bound<'_, PyAny>,
    longest: usize,
    arguments: Arguments,
) -> PyResult<OutgoingMessage> {
    let Arguments { stream, ppid, ordered, max_retransmits, lifetime_ms, priority } = arguments;
    if stream > MAX_STREAM {
        return Err(PyValueError::new_err(format!("stream: {stream} is not 0 to {MAX_STREAM}")));
    }
    let reliability = match (max_retransmits, lifetime_ms) {
        (None, None) => Reliability::Reliable,
        (Some(count), None) => Reliability::Retransmits(count),
        (None, Some(ms)) => Reliability::Lifetime(Duration::from_millis(ms.into())),
        (Some(_), Some(_)) => {
            return Err(PyValueError::new_err("max_retransmits and lifetime_ms: only one can bound it"));
        }
    };
    let check = |bytes: usize| match bytes {
        0 => Err(PyValueError::new_err("data: SCTP sends no empty message (RFC 8831 section 6.6)")),
        _ if bytes > longest => {
            Err(PyValueError::new_err(format!("data: {bytes} bytes, and {longest} can wait")))
        }
        _ => Ok(()),
    };
    let data = match data.cast::<PyBytes>() {
        Ok(bytes) => {
            check(bytes.as_bytes().len())?;
            bytes.as_bytes().to_vec()
        }
        Err(_) => {
            let buffer = PyBuffer::<u8>::get(data)?;
            check(buffer.len_bytes())?;
            buffer.to_vec(py)?
        }
    };
    Ok(OutgoingMessage { stream, ppid, ordered, reliability, priority, data })
}

/// What `read_messages` returns: (stream, PPID, data) of each that came, (stream, bytes) that have left, and whether more
/// waits.
pub type PythonArrivals<'py> = (Bound<'py, PyList>, Vec<(u16, usize)>, bool);

/// What was read, as Python has it.
pub fn to_python(py: Python<'_>, arrivals: Arrivals) -> PyResult<PythonArrivals<'_>> {
    let arrived = arrivals.arrived.into_iter().map(|arrival| -> Message<'_> {
        match arrival {
            Arrival::Message { stream, ppid, data } => (stream, ppid.into(), PyBytes::new(py, &data)),
            Arrival::PeerReset { stream } => (stream, PEER_RESET, PyBytes::new(py, b"")),
            Arrival::ResetDone { stream } => (stream, RESET_DONE, PyBytes::new(py, b"")),
        }
    });
    let arrived: Vec<Message<'_>> = arrived.collect();
    Ok((PyList::new(py, arrived)?, arrivals.left, arrivals.more))
}

pub fn channel_error(error: ChannelError) -> PyErr {
    match error {
        ChannelError::Plane(error) => PyRuntimeError::new_err(error.to_string()),
        ChannelError::None(error) => PyValueError::new_err(error.to_string()),
    }
}
