//! STUN messages (RFC 8489), with the attributes of ICE (RFC 8445 section 16.1).

mod attributes;
mod builder;
mod integrity;
mod message;

pub use attributes::{Attribute, Attributes, ErrorCode, attribute_type};
pub use builder::Builder;
pub use integrity::FingerprintCheck;
pub use message::Message;

/// The fixed value that tells STUN from what else shares the port (RFC 8489 section 5).
pub const MAGIC_COOKIE: u32 = 0x2112_A442;

/// Length of the header before the first attribute.
pub const HEADER_LENGTH: usize = 20;

/// Chosen by the client; a response carries its request's.
pub type TransactionId = [u8; 12];

/// The class of a message (RFC 8489 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    Request,
    Indication,
    Success,
    Error,
}

/// The method of a message: twelve bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Method(pub u16);

impl Method {
    pub const BINDING: Method = Method(0x001);
    /// The indications that carry data between a TURN client and its server (RFC 8656 section 17).
    pub const SEND: Method = Method(0x006);
    pub const DATA: Method = Method(0x007);
}

/// Why bytes are no STUN message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StunError {
    /// Shorter than a header, or than its header says.
    Truncated,
    /// The two most significant bits are not zero.
    NotStun,
    /// The magic cookie is another: RFC 3489, or no STUN at all.
    BadCookie,
    /// The header's length is no multiple of four, or not that of the datagram.
    BadLength,
    /// An attribute does not end within the message.
    BadAttribute,
    /// MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 or FINGERPRINT has a length that it cannot have.
    BadIntegrityLength,
    /// Attributes follow FINGERPRINT (RFC 8489 section 14.7).
    FingerprintNotLast,
}

impl std::fmt::Display for StunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            StunError::Truncated => "shorter than its header says",
            StunError::NotStun => "the first two bits are not zero",
            StunError::BadCookie => "another magic cookie",
            StunError::BadLength => "a length that is not the message's",
            StunError::BadAttribute => "an attribute goes beyond the message",
            StunError::BadIntegrityLength => "an integrity attribute of an impossible length",
            StunError::FingerprintNotLast => "FINGERPRINT is not the last attribute",
        })
    }
}

impl std::error::Error for StunError {}

/// The first 16 bits: twelve of the method with two of the class between them (RFC 8489 figure 3).
fn message_type(class: Class, method: Method) -> u16 {
    let class = match class {
        Class::Request => 0x0000,
        Class::Indication => 0x0010,
        Class::Success => 0x0100,
        Class::Error => 0x0110,
    };
    let m = method.0;
    (m & 0x000f) | (m & 0x0070) << 1 | (m & 0x0f80) << 2 | class
}

#[inline]
fn class_of(message_type: u16) -> Class {
    match message_type & 0x0110 {
        0x0000 => Class::Request,
        0x0010 => Class::Indication,
        0x0100 => Class::Success,
        _ => Class::Error,
    }
}

#[inline]
fn method_of(message_type: u16) -> Method {
    Method(message_type & 0x000f | (message_type & 0x00e0) >> 1 | (message_type & 0x3e00) >> 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_and_method_survive_being_interleaved() {
        for method in 0..0x1000 {
            for class in [Class::Request, Class::Indication, Class::Success, Class::Error] {
                let interleaved = message_type(class, Method(method));
                assert!(interleaved < 0x4000);
                assert_eq!((class_of(interleaved), method_of(interleaved)), (class, Method(method)));
            }
        }
    }
}
