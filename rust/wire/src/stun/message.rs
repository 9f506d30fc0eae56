//! A parsed message, borrowed from its datagram.

use std::net::SocketAddr;

use super::attributes::{parse_error_code, parse_xor_address};
use super::integrity::{self, FingerprintCheck, Hash};
use super::{
    Attribute, Attributes, Class, ErrorCode, HEADER_LENGTH, MAGIC_COOKIE, Method, StunError, TransactionId,
};
use super::{attribute_type as ty, class_of, method_of};
use crate::bytes::{array_at, slice_at, u16_at, u32_at, u64_at};

/// Where an integrity attribute starts, counted from the message's first byte.
#[derive(Clone, Copy, Debug, Default)]
struct Integrity {
    sha1: Option<usize>,
    sha256: Option<usize>,
    fingerprint: Option<usize>,
}

/// A well-formed STUN message. Nothing in it is authentic until [`Message::verify_integrity`] says so.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    data: &'a [u8],
    message_type: u16,
    transaction_id: TransactionId,
    /// The attributes end here for us: what follows an integrity attribute is not protected by it.
    attributes_end: usize,
    integrity: Integrity,
}

impl<'a> Message<'a> {
    /// Parses a whole datagram as one message (RFC 8489 sections 5 and 6.3).
    ///
    /// Attributes after MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256 are skipped, but for
    /// MESSAGE-INTEGRITY-SHA256 and FINGERPRINT (sections 14.5 and 14.6).
    pub fn parse_untrusted(data: &'a [u8]) -> Result<Message<'a>, StunError> {
        let message_type = u16_at(data, 0).ok_or(StunError::Truncated)?;
        if message_type & 0xc000 != 0 {
            return Err(StunError::NotStun);
        }
        let length = usize::from(u16_at(data, 2).ok_or(StunError::Truncated)?);
        if u32_at(data, 4).ok_or(StunError::Truncated)? != MAGIC_COOKIE {
            return Err(StunError::BadCookie);
        }
        let transaction_id = array_at(data, 8).ok_or(StunError::Truncated)?;
        let body = data.get(HEADER_LENGTH..).ok_or(StunError::Truncated)?;
        if body.len() < length {
            return Err(StunError::Truncated);
        }
        if body.len() > length || length % 4 != 0 {
            return Err(StunError::BadLength);
        }
        let mut message = Message {
            data,
            message_type,
            transaction_id,
            attributes_end: data.len(),
            integrity: Integrity::default(),
        };
        message.find_integrity(body)?;
        Ok(message)
    }

    /// Walks all attributes once, so that later walks cannot fail.
    fn find_integrity(&mut self, body: &'a [u8]) -> Result<(), StunError> {
        let mut attributes = Attributes::new(body);
        loop {
            let offset = self.data.len() - attributes.rest().len();
            let Some(Attribute { attribute_type, value }) = attributes.next() else { break };
            if self.integrity.fingerprint.is_some() {
                return Err(StunError::FingerprintNotLast);
            }
            let (place, length) = match attribute_type {
                ty::FINGERPRINT => (&mut self.integrity.fingerprint, 4),
                // Once there is the stronger one, only FINGERPRINT may follow.
                _ if self.integrity.sha256.is_some() => continue,
                ty::MESSAGE_INTEGRITY_SHA256 => (&mut self.integrity.sha256, integrity::SHA256_LENGTH),
                ty::MESSAGE_INTEGRITY if self.integrity.sha1.is_none() => {
                    (&mut self.integrity.sha1, integrity::SHA1_LENGTH)
                }
                _ => continue,
            };
            if value.len() != length {
                return Err(StunError::BadIntegrityLength);
            }
            *place = Some(offset);
            self.attributes_end = self.attributes_end.min(offset);
        }
        if attributes.rest().is_empty() { Ok(()) } else { Err(StunError::BadAttribute) }
    }

    #[inline]
    pub fn class(&self) -> Class {
        class_of(self.message_type)
    }

    #[inline]
    pub fn method(&self) -> Method {
        method_of(self.message_type)
    }

    #[inline]
    pub fn transaction_id(&self) -> TransactionId {
        self.transaction_id
    }

    /// The attributes that count: those before the first integrity attribute.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.data.get(HEADER_LENGTH..self.attributes_end).unwrap_or_default())
    }

    /// The value of the first attribute of that type: later ones are ignored (RFC 8489 section 14).
    pub fn attribute(&self, attribute_type: u16) -> Option<&'a [u8]> {
        self.attributes().find(|a| a.attribute_type == attribute_type).map(|a| a.value)
    }

    /// USERNAME (RFC 8489 section 14.3); for ICE the receiver's fragment, a colon, the sender's.
    pub fn username(&self) -> Option<&'a [u8]> {
        self.attribute(ty::USERNAME)
    }

    /// PRIORITY (RFC 8445 section 7.1.1).
    pub fn priority(&self) -> Option<u32> {
        self.attribute(ty::PRIORITY).filter(|v| v.len() == 4).and_then(|v| u32_at(v, 0))
    }

    /// USE-CANDIDATE (RFC 8445 section 7.1.2).
    pub fn use_candidate(&self) -> bool {
        self.attribute(ty::USE_CANDIDATE).is_some()
    }

    /// ICE-CONTROLLING with its tie-breaker (RFC 8445 section 7.1.3).
    pub fn ice_controlling(&self) -> Option<u64> {
        self.attribute(ty::ICE_CONTROLLING).filter(|v| v.len() == 8).and_then(|v| u64_at(v, 0))
    }

    /// ICE-CONTROLLED with its tie-breaker (RFC 8445 section 7.1.3).
    pub fn ice_controlled(&self) -> Option<u64> {
        self.attribute(ty::ICE_CONTROLLED).filter(|v| v.len() == 8).and_then(|v| u64_at(v, 0))
    }

    /// XOR-MAPPED-ADDRESS (RFC 8489 section 14.2).
    pub fn xor_mapped_address(&self) -> Option<SocketAddr> {
        parse_xor_address(self.attribute(ty::XOR_MAPPED_ADDRESS)?, &self.transaction_id)
    }

    /// XOR-PEER-ADDRESS (RFC 8656 section 18.3).
    pub fn xor_peer_address(&self) -> Option<SocketAddr> {
        parse_xor_address(self.attribute(ty::XOR_PEER_ADDRESS)?, &self.transaction_id)
    }

    /// ERROR-CODE (RFC 8489 section 14.8).
    pub fn error_code(&self) -> Option<ErrorCode<'a>> {
        parse_error_code(self.attribute(ty::ERROR_CODE)?)
    }

    /// The comprehension-required attribute types that this crate does not know: a request with one gets a
    /// 420 that lists them, anything else with one is dropped (RFC 8489 sections 6.3.1 to 6.3.4).
    pub fn unknown_comprehension_required(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.attributes()
            .map(|a| a.attribute_type)
            .filter(|&t| t < ty::COMPREHENSION_OPTIONAL && !ty::is_known(t))
    }

    /// Whether the message says that it is protected; by which key only [`Message::verify_integrity`] can
    /// tell.
    pub fn has_integrity(&self) -> bool {
        self.integrity.sha1.is_some() || self.integrity.sha256.is_some()
    }

    /// Whether MESSAGE-INTEGRITY-SHA256 protects the message, so that its response must carry the same
    /// (RFC 8489 section 9.1.3).
    pub fn has_integrity_sha256(&self) -> bool {
        self.integrity.sha256.is_some()
    }

    /// Whether `key` made the message's integrity attribute, in constant time.
    ///
    /// The stronger attribute decides if both are there (RFC 8489 section 9.1.3); without either it is false.
    /// `key` is the password for ICE's short-term credentials.
    pub fn verify_integrity(&self, key: &[u8]) -> bool {
        let (hash, offset) = match (self.integrity.sha256, self.integrity.sha1) {
            (Some(offset), _) => (Hash::Sha256, offset),
            (None, Some(offset)) => (Hash::Sha1, offset),
            (None, None) => return false,
        };
        let before = self.data.get(..offset);
        let value = slice_at(self.data, offset + 4, hash.value_length());
        before.zip(value).is_some_and(|(before, value)| integrity::verify(hash, key, before, value))
    }

    /// Compares FINGERPRINT with the message.
    pub fn verify_fingerprint(&self) -> FingerprintCheck {
        let Some(offset) = self.integrity.fingerprint else { return FingerprintCheck::Absent };
        let expected = self.data.get(..offset).map(integrity::fingerprint);
        if expected.is_some() && expected == u32_at(self.data, offset + 4) {
            FingerprintCheck::Valid
        } else {
            FingerprintCheck::Invalid
        }
    }
}
