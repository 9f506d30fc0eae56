//! The parts of commands that are about ICE, STUN and TURN.

use std::net::{IpAddr, SocketAddr};

use pyo3::prelude::*;
use visavis_dataplane::Command;
use visavis_dataplane::api::{
    Descriptor, FIRST_OWN_SOCKET, IceMode, PairConfig, PairId, SocketNumber, StunRequest, TransportId,
};
use visavis_dataplane::dtls;
use visavis_dataplane::ice::Credentials;

use crate::certificate::Certificate;
use crate::fields::Fields;
use crate::validate;

/// The most pairs of a check list; RFC 8445 section 6.1.2.5 recommends 100.
const PAIRS: usize = 256;
const ATTRIBUTES: usize = 32;
/// What attributes, key and header leave of a datagram.
const ATTRIBUTE_BYTES: usize = 1_024;

pub fn mode(fields: &Fields<'_, '_>) -> PyResult<IceMode> {
    let (controlling, tie_breaker) = (fields.get("controlling")?, fields.get("tie_breaker")?);
    match fields.get("lite")? {
        true if controlling => Err(fields.wrong("controlling", "a lite transport is always controlled")),
        true => Ok(IceMode::Lite),
        false => Ok(IceMode::Full { controlling, tie_breaker }),
    }
}

pub fn certificate(fields: &Fields<'_, '_>) -> PyResult<Option<dtls::Certificate>> {
    let certificate = fields.instance::<Certificate>("certificate")?;
    Ok(certificate.map(|certificate| certificate.get().inner.clone()))
}

/// Both of the peer's, or neither.
pub fn remote_credentials(fields: &Fields<'_, '_>) -> PyResult<Option<Credentials>> {
    let (ufrag, password): (Option<String>, Option<String>) =
        (fields.get("remote_ufrag")?, fields.get("remote_password")?);
    match (ufrag, password) {
        (None, None) => Ok(None),
        (Some(ufrag), Some(password)) => {
            validate::ufrag(&ufrag).map_err(|what| fields.wrong("remote_ufrag", what))?;
            validate::password(&password).map_err(|what| fields.wrong("remote_password", what))?;
            Ok(Some(Credentials { ufrag, password }))
        }
        (Some(_), None) => Err(fields.wrong("remote_password", "it is missing, and remote_ufrag is there")),
        (None, Some(_)) => Err(fields.wrong("remote_ufrag", "it is missing, and remote_password is there")),
    }
}

/// A number that a transport may give to a socket or relay.
pub fn own_socket(fields: &Fields<'_, '_>, name: &str) -> PyResult<SocketNumber> {
    let number: u32 = fields.get(name)?;
    if number < FIRST_OWN_SOCKET {
        return Err(
            fields.wrong(name, format_args!("{number} is a shared address's (below {FIRST_OWN_SOCKET})"))
        );
    }
    Ok(SocketNumber(number))
}

pub fn address(fields: &Fields<'_, '_>, name: &str) -> PyResult<SocketAddr> {
    let (ip, port): (String, u16) = fields.get(name)?;
    let ip: IpAddr = ip.parse().map_err(|_| fields.wrong(name, format_args!("{ip:?} is no IP address")))?;
    if port == 0 {
        return Err(fields.wrong(name, "0 is no port to send to"));
    }
    Ok(SocketAddr::new(ip, port))
}

fn descriptor(fields: &Fields<'_, '_>) -> PyResult<Descriptor> {
    open_descriptor(fields, fields.get("descriptor")?)
}

fn open_descriptor(fields: &Fields<'_, '_>, descriptor: i32) -> PyResult<Descriptor> {
    if descriptor < 0 {
        return Err(fields.wrong("descriptor", format_args!("{descriptor} is no open socket")));
    }
    Ok(Descriptor(descriptor))
}

pub fn add_socket(fields: &Fields<'_, '_>, id: TransportId) -> PyResult<Command> {
    Ok(Command::AddSocket { id, socket: own_socket(fields, "socket")?, descriptor: descriptor(fields)? })
}

pub fn open_stream(fields: &Fields<'_, '_>, id: TransportId) -> PyResult<Command> {
    Ok(Command::OpenStream {
        id,
        socket: own_socket(fields, "socket")?,
        descriptor: descriptor(fields)?,
        server: address(fields, "server")?,
        tls_name: fields.get("tls_name")?,
    })
}

pub fn add_tcp_socket(fields: &Fields<'_, '_>, id: TransportId) -> PyResult<Command> {
    let host: String = fields.get("host")?;
    let local = host.parse().map_err(|_| fields.wrong("host", format_args!("{host:?} is no IP address")))?;
    let listener: Option<i32> = fields.get("descriptor")?;
    let listener = listener.map(|descriptor| open_descriptor(fields, descriptor)).transpose()?;
    Ok(Command::AddTcpSocket { id, socket: own_socket(fields, "socket")?, local, listener })
}

pub fn set_pairs(fields: &Fields<'_, '_>, id: TransportId) -> PyResult<Command> {
    let pairs = fields.each("pairs", PAIRS, |object| {
        let fields = Fields::of(object)?;
        Ok(PairConfig {
            pair: PairId(fields.get("pair")?),
            socket: SocketNumber(fields.get("socket")?),
            remote: address(&fields, "remote")?,
            priority: fields.get("priority")?,
        })
    })?;
    validate::distinct(pairs.iter().map(|pair| pair.pair.0))
        .map_err(|what| fields.wrong("pairs", format_args!("pair {what}")))?;
    Ok(Command::SetPairs { id, pairs })
}

pub fn send_stun(fields: &Fields<'_, '_>, id: TransportId) -> PyResult<Command> {
    let method = fields.get("method")?;
    if method > 0xfff {
        return Err(fields.wrong("method", format_args!("{method} is no method (0 to 4095)")));
    }
    let attributes: Vec<(u16, Vec<u8>)> = fields.list("attributes", ATTRIBUTES)?;
    let size: usize = attributes.iter().map(|(_, value)| 4 + value.len().next_multiple_of(4)).sum();
    if size > ATTRIBUTE_BYTES {
        return Err(fields.wrong("attributes", format_args!("{size} bytes, more than {ATTRIBUTE_BYTES}")));
    }
    let request = StunRequest {
        request: fields.get("request")?,
        socket: SocketNumber(fields.get("socket")?),
        server: address(fields, "server")?,
        method,
        attributes,
        key: fields.get("key")?,
    };
    Ok(Command::SendStun { id, request })
}

pub fn bind_channel(fields: &Fields<'_, '_>, id: TransportId) -> PyResult<Command> {
    let channel: Option<u16> = fields.get("channel")?;
    if let Some(channel) = channel {
        validate::channel(channel).map_err(|what| fields.wrong("channel", what))?;
    }
    Ok(Command::BindChannel {
        id,
        relay: own_socket(fields, "relay")?,
        peer: address(fields, "peer")?,
        channel,
    })
}
