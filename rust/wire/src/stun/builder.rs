//! Writing messages.

use std::net::SocketAddr;

use super::attributes::xor_address;
use super::integrity::{self, Hash};
use super::{Class, HEADER_LENGTH, MAGIC_COOKIE, Method, TransactionId, attribute_type as ty, message_type};
use crate::bytes::{bounded, put_u16_at};

/// Longest USERNAME (RFC 8489 section 14.3).
const USERNAME_LIMIT: usize = 508;
/// Longest SOFTWARE and reason phrase in bytes (RFC 8489 sections 14.8 and 14.14).
const TEXT_LIMIT: usize = 763;

/// Appends one message to a buffer; nothing but a `finish` method makes it complete.
#[derive(Debug)]
#[must_use = "a message is complete only when it is finished"]
pub struct Builder<'b> {
    out: &'b mut Vec<u8>,
    start: usize,
    transaction_id: TransactionId,
    fingerprint: bool,
}

impl<'b> Builder<'b> {
    /// Begins a message of any class and method at the end of `out`.
    pub fn new(
        out: &'b mut Vec<u8>,
        class: Class,
        method: Method,
        transaction_id: TransactionId,
    ) -> Builder<'b> {
        let start = out.len();
        out.extend_from_slice(&message_type(class, method).to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&MAGIC_COOKIE.to_be_bytes());
        out.extend_from_slice(&transaction_id);
        Builder { out, start, transaction_id, fingerprint: true }
    }

    pub fn binding_request(out: &'b mut Vec<u8>, transaction_id: TransactionId) -> Builder<'b> {
        Builder::new(out, Class::Request, Method::BINDING, transaction_id)
    }

    pub fn binding_success(out: &'b mut Vec<u8>, transaction_id: TransactionId) -> Builder<'b> {
        Builder::new(out, Class::Success, Method::BINDING, transaction_id)
    }

    pub fn binding_error(out: &'b mut Vec<u8>, transaction_id: TransactionId) -> Builder<'b> {
        Builder::new(out, Class::Error, Method::BINDING, transaction_id)
    }

    /// Any attribute, padded with zeros; a value longer than an attribute can be is cut.
    pub fn attribute(self, attribute_type: u16, value: &[u8]) -> Builder<'b> {
        let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
        self.out.extend_from_slice(&attribute_type.to_be_bytes());
        self.out.extend_from_slice(&(value.len() as u16).to_be_bytes());
        self.out.extend_from_slice(value);
        let padding = value.len().next_multiple_of(4) - value.len();
        self.out.resize(self.out.len() + padding, 0);
        self
    }

    /// XOR-MAPPED-ADDRESS: where a request came from.
    pub fn xor_mapped_address(self, address: SocketAddr) -> Builder<'b> {
        let (value, length) = xor_address(address, &self.transaction_id);
        self.attribute(ty::XOR_MAPPED_ADDRESS, &value[..length])
    }

    /// XOR-PEER-ADDRESS (RFC 8656 section 18.3): whom relayed data comes from or goes to.
    pub fn xor_peer_address(self, address: SocketAddr) -> Builder<'b> {
        let (value, length) = xor_address(address, &self.transaction_id);
        self.attribute(ty::XOR_PEER_ADDRESS, &value[..length])
    }

    /// USERNAME; more than 508 bytes are cut, and then known to nobody.
    pub fn username(self, username: &str) -> Builder<'b> {
        self.attribute(ty::USERNAME, bounded(username, USERNAME_LIMIT).as_bytes())
    }

    pub fn priority(self, priority: u32) -> Builder<'b> {
        self.attribute(ty::PRIORITY, &priority.to_be_bytes())
    }

    pub fn use_candidate(self) -> Builder<'b> {
        self.attribute(ty::USE_CANDIDATE, &[])
    }

    pub fn ice_controlling(self, tie_breaker: u64) -> Builder<'b> {
        self.attribute(ty::ICE_CONTROLLING, &tie_breaker.to_be_bytes())
    }

    pub fn ice_controlled(self, tie_breaker: u64) -> Builder<'b> {
        self.attribute(ty::ICE_CONTROLLED, &tie_breaker.to_be_bytes())
    }

    /// ERROR-CODE with a code of 300 to 699 and at most 763 bytes of reason.
    pub fn error_code(self, code: u16, reason: &str) -> Builder<'b> {
        let reason = bounded(reason, TEXT_LIMIT).as_bytes();
        let mut value = [0; 4 + TEXT_LIMIT];
        value[2] = (code / 100) as u8 & 0x07;
        value[3] = (code % 100) as u8;
        value[4..4 + reason.len()].copy_from_slice(reason);
        self.attribute(ty::ERROR_CODE, &value[..4 + reason.len()])
    }

    /// UNKNOWN-ATTRIBUTES (RFC 8489 section 14.9); the first 32 are listed.
    pub fn unknown_attributes(self, types: impl IntoIterator<Item = u16>) -> Builder<'b> {
        let mut value = [0; 64];
        let mut length = 0;
        for (place, unknown) in value.chunks_exact_mut(2).zip(types) {
            place.copy_from_slice(&unknown.to_be_bytes());
            length += 2;
        }
        self.attribute(ty::UNKNOWN_ATTRIBUTES, &value[..length])
    }

    /// SOFTWARE; more than 763 bytes are cut.
    pub fn software(self, software: &str) -> Builder<'b> {
        self.attribute(ty::SOFTWARE, bounded(software, TEXT_LIMIT).as_bytes())
    }

    /// The finished message shall not end with FINGERPRINT.
    pub fn without_fingerprint(mut self) -> Builder<'b> {
        self.fingerprint = false;
        self
    }

    /// Ends the message with MESSAGE-INTEGRITY and FINGERPRINT.
    pub fn finish_with_integrity(self, key: &[u8]) {
        self.protect(Hash::Sha1, ty::MESSAGE_INTEGRITY, key).finish();
    }

    /// Ends the message with MESSAGE-INTEGRITY-SHA256 and FINGERPRINT.
    pub fn finish_with_integrity_sha256(self, key: &[u8]) {
        self.protect(Hash::Sha256, ty::MESSAGE_INTEGRITY_SHA256, key).finish();
    }

    /// Ends the message with FINGERPRINT alone.
    pub fn finish(mut self) {
        if !self.fingerprint {
            self.set_length(0);
            return;
        }
        self.set_length(8);
        let fingerprint = integrity::fingerprint(&self.out[self.start..]);
        let _complete = self.attribute(ty::FINGERPRINT, &fingerprint.to_be_bytes());
    }

    /// Ends the message with DATA (RFC 8656 section 18.4) of what `write` appends to the buffer, and without FINGERPRINT.
    pub fn finish_with_data<E>(mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        self.out.extend_from_slice(&ty::DATA.to_be_bytes());
        self.out.extend_from_slice(&[0, 0]);
        let data = self.out.len();
        write(self.out)?;
        let length = self.out.len().saturating_sub(data);
        put_u16_at(self.out, data - 2, u16::try_from(length).unwrap_or(u16::MAX));
        self.out.resize(data + length.next_multiple_of(4), 0);
        self.set_length(0);
        Ok(())
    }

    fn protect(self, hash: Hash, attribute_type: u16, key: &[u8]) -> Builder<'b> {
        let tag = integrity::tag(hash, key, &self.out[self.start..]);
        self.attribute(attribute_type, tag.as_ref())
    }

    /// Sets the header's length to what was written and `more` bytes.
    fn set_length(&mut self, more: usize) {
        let length = self.out.len() + more - self.start - HEADER_LENGTH;
        put_u16_at(self.out, self.start + 2, u16::try_from(length).unwrap_or(u16::MAX));
    }
}
