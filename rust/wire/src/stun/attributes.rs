//! Attributes: their numbers, the walk over them, and the values that have a shape (RFC 8489 section 14).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{MAGIC_COOKIE, TransactionId};
use crate::bytes::{array_at, slice_at, u8_at, u16_at};

/// Attribute types (RFC 8489 section 18.3, RFC 8445 section 16.1, RFC 8656 section 18).
pub mod attribute_type {
    pub const MAPPED_ADDRESS: u16 = 0x0001;
    pub const USERNAME: u16 = 0x0006;
    pub const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub const ERROR_CODE: u16 = 0x0009;
    pub const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
    pub const XOR_PEER_ADDRESS: u16 = 0x0012;
    pub const DATA: u16 = 0x0013;
    pub const REALM: u16 = 0x0014;
    pub const NONCE: u16 = 0x0015;
    pub const MESSAGE_INTEGRITY_SHA256: u16 = 0x001C;
    pub const PASSWORD_ALGORITHM: u16 = 0x001D;
    pub const USERHASH: u16 = 0x001E;
    pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub const PRIORITY: u16 = 0x0024;
    pub const USE_CANDIDATE: u16 = 0x0025;
    pub const SOFTWARE: u16 = 0x8022;
    pub const FINGERPRINT: u16 = 0x8028;
    pub const ICE_CONTROLLED: u16 = 0x8029;
    pub const ICE_CONTROLLING: u16 = 0x802A;

    /// Types below this are comprehension-required: who does not know one refuses the message.
    pub const COMPREHENSION_OPTIONAL: u16 = 0x8000;

    /// The comprehension-required types that a Binding request of ICE may carry.
    #[inline]
    pub fn is_known(attribute_type: u16) -> bool {
        matches!(
            attribute_type,
            MAPPED_ADDRESS
                | USERNAME
                | MESSAGE_INTEGRITY
                | ERROR_CODE
                | UNKNOWN_ATTRIBUTES
                | REALM
                | NONCE
                | MESSAGE_INTEGRITY_SHA256
                | PASSWORD_ALGORITHM
                | USERHASH
                | XOR_MAPPED_ADDRESS
                | PRIORITY
                | USE_CANDIDATE
        )
    }
}

/// One attribute, without its padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    pub attribute_type: u16,
    pub value: &'a [u8],
}

/// Walks attributes; ends at the first that goes beyond the bytes.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Attributes<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Attributes<'a> {
        Attributes { rest }
    }

    /// What was not walked: empty at the end of well-formed attributes.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    #[inline]
    fn next(&mut self) -> Option<Attribute<'a>> {
        let attribute_type = u16_at(self.rest, 0)?;
        let length = usize::from(u16_at(self.rest, 2)?);
        let value = slice_at(self.rest, 4, length)?;
        self.rest = self.rest.get(4 + length.next_multiple_of(4)..)?;
        Some(Attribute { attribute_type, value })
    }
}

/// ERROR-CODE (RFC 8489 section 14.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode<'a> {
    /// 300 to 699.
    pub code: u16,
    /// Meant to be UTF-8; not checked.
    pub reason: &'a [u8],
}

pub(super) fn parse_error_code(value: &[u8]) -> Option<ErrorCode<'_>> {
    let class = u16::from(u8_at(value, 2)? & 0x07);
    let number = u16::from(u8_at(value, 3)?);
    let reason = value.get(4..)?;
    ((3..=6).contains(&class) && number < 100).then_some(ErrorCode { code: class * 100 + number, reason })
}

/// XOR-MAPPED-ADDRESS (RFC 8489 section 14.2): the address hidden from NATs that rewrite what looks like one.
pub(super) fn parse_xor_address(value: &[u8], id: &TransactionId) -> Option<SocketAddr> {
    let port = u16_at(value, 2)? ^ (MAGIC_COOKIE >> 16) as u16;
    let mask = address_mask(id);
    let ip = match (u8_at(value, 1)?, value.len()) {
        (1, 8) => IpAddr::V4(Ipv4Addr::from_bits(u32::from_be_bytes(array_at(value, 4)?) ^ MAGIC_COOKIE)),
        (2, 20) => IpAddr::V6(Ipv6Addr::from_bits(u128::from_be_bytes(array_at(value, 4)?) ^ mask)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// The value of XOR-MAPPED-ADDRESS into the front of `value`; returns its length.
pub(super) fn xor_address(address: SocketAddr, id: &TransactionId) -> ([u8; 20], usize) {
    let mut value = [0; 20];
    let (head, body) = value.split_at_mut(4);
    let port = address.port() ^ (MAGIC_COOKIE >> 16) as u16;
    let [high, low] = port.to_be_bytes();
    let length = match address.ip() {
        IpAddr::V4(ip) => {
            head.copy_from_slice(&[0, 1, high, low]);
            body[..4].copy_from_slice(&(ip.to_bits() ^ MAGIC_COOKIE).to_be_bytes());
            8
        }
        IpAddr::V6(ip) => {
            head.copy_from_slice(&[0, 2, high, low]);
            body.copy_from_slice(&(ip.to_bits() ^ address_mask(id)).to_be_bytes());
            20
        }
    };
    (value, length)
}

/// The magic cookie and the transaction id, concatenated.
fn address_mask(id: &TransactionId) -> u128 {
    id.iter().fold(u128::from(MAGIC_COOKIE), |mask, &byte| mask << 8 | u128::from(byte))
}
