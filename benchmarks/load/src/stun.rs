//! The STUN of a controlling ICE agent with one pair (RFC 8489, RFC 8445).

use std::net::SocketAddr;

use aws_lc_rs::hmac;

const MAGIC_COOKIE: u32 = 0x2112_A442;
const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLING: u16 = 0x802A;
const HEADER_BYTES: usize = 20;

pub type TransactionId = [u8; 12];

#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    Request(TransactionId),
    Success(TransactionId),
}

/// A check that nominates (RFC 8445 section 7.1): `username` is "remote:local", `password` the remote's.
pub fn check(transaction: TransactionId, username: &str, password: &str, tie_breaker: u64) -> Vec<u8> {
    let mut message = header(BINDING_REQUEST, transaction);
    attribute(&mut message, USERNAME, username.as_bytes());
    attribute(&mut message, PRIORITY, &0x6E00_01FF_u32.to_be_bytes());
    attribute(&mut message, ICE_CONTROLLING, &tie_breaker.to_be_bytes());
    attribute(&mut message, USE_CANDIDATE, &[]);
    finish(message, password)
}

/// The answer to a check of the peer; `password` is our own.
pub fn success(transaction: TransactionId, from: SocketAddr, password: &str) -> Vec<u8> {
    let mut message = header(BINDING_SUCCESS, transaction);
    if let SocketAddr::V4(from) = from {
        let port = from.port() ^ (MAGIC_COOKIE >> 16) as u16;
        let address = u32::from(*from.ip()) ^ MAGIC_COOKIE;
        let mut value = vec![0, 1];
        value.extend(port.to_be_bytes());
        value.extend(address.to_be_bytes());
        attribute(&mut message, XOR_MAPPED_ADDRESS, &value);
    }
    finish(message, password)
}

/// Reads a message and proves its integrity: a request with our own password, a success with the remote's.
pub fn parse(datagram: &[u8], own_password: &str, remote_password: &str) -> Option<Message> {
    let kind = u16::from_be_bytes(datagram.get(..2)?.try_into().ok()?);
    let transaction: TransactionId = datagram.get(8..20)?.try_into().ok()?;
    let (message, password) = match kind {
        BINDING_REQUEST => (Message::Request(transaction), own_password),
        BINDING_SUCCESS => (Message::Success(transaction), remote_password),
        _ => return None,
    };
    let mut at = HEADER_BYTES;
    loop {
        let attribute_kind = u16::from_be_bytes(datagram.get(at..at + 2)?.try_into().ok()?);
        let length = usize::from(u16::from_be_bytes(datagram.get(at + 2..at + 4)?.try_into().ok()?));
        if attribute_kind == MESSAGE_INTEGRITY {
            let mut signed = datagram.get(..at)?.to_vec();
            signed[2..4].copy_from_slice(&((at + 24 - HEADER_BYTES) as u16).to_be_bytes());
            let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
            hmac::verify(&key, &signed, datagram.get(at + 4..at + 24)?).ok()?;
            return Some(message);
        }
        at += 4 + length.next_multiple_of(4);
    }
}

fn header(kind: u16, transaction: TransactionId) -> Vec<u8> {
    let mut message = Vec::with_capacity(128);
    message.extend(kind.to_be_bytes());
    message.extend([0, 0]);
    message.extend(MAGIC_COOKIE.to_be_bytes());
    message.extend(transaction);
    message
}

fn attribute(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend(kind.to_be_bytes());
    message.extend((value.len() as u16).to_be_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
    let length = (message.len() - HEADER_BYTES) as u16;
    message[2..4].copy_from_slice(&length.to_be_bytes());
}

fn finish(mut message: Vec<u8>, password: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    let length = (message.len() + 24 - HEADER_BYTES) as u16;
    message[2..4].copy_from_slice(&length.to_be_bytes());
    let tag = hmac::sign(&key, &message);
    attribute(&mut message, MESSAGE_INTEGRITY, tag.as_ref());
    let length = (message.len() + 8 - HEADER_BYTES) as u16;
    message[2..4].copy_from_slice(&length.to_be_bytes());
    let crc = crc32(&message) ^ 0x5354_554E;
    attribute(&mut message, FINGERPRINT, &crc.to_be_bytes());
    message
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_read_back_with_the_password_it_was_signed_with_and_with_no_other() {
        let check = check([7; 12], "remote:local", "password", 1);
        assert_eq!(parse(&check, "password", "other"), Some(Message::Request([7; 12])));
        assert_eq!(parse(&check, "other", "password"), None);
    }

    #[test]
    fn the_checksum_is_the_one_of_iso_hdlc() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }
}
