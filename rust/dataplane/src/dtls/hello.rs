//! Reading a little of the two hello messages, which DTLS sends in the clear (RFC 6347 section 4.2, RFC 9147 section 5).
//!
//! The engine parses them for itself; what is read here is what it does not tell or must be known before it begins.
//! Nothing here is believed: a forged hello makes the handshake fail, as its transcript then differs.

/// Handshake type numbers (RFC 8446 section 4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

const CONTENT_HANDSHAKE: u8 = 22;
const EXTENSION_USE_SRTP: u16 = 14;
const EXTENSION_SUPPORTED_VERSIONS: u16 = 43;
const DTLS_1_2: u16 = 0xFEFD;

/// The most extensions that are looked at.
const MAX_EXTENSIONS: usize = 64;

/// A bounded cursor: each read gives `None` past the end.
#[derive(Clone, Copy)]
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(len)?;
        self.0 = tail;
        Some(head)
    }

    fn u8(&mut self) -> Option<u8> {
        Some(*self.take(1)?.first()?)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u24(&mut self) -> Option<usize> {
        let high = usize::from(self.u8()?);
        Some((high << 16) | usize::from(self.u16()?))
    }

    /// A vector with a length of one byte before it.
    fn vector8(&mut self) -> Option<&'a [u8]> {
        let len = self.u8()?;
        self.take(len.into())
    }

    /// A vector with a length of two bytes before it.
    fn vector16(&mut self) -> Option<&'a [u8]> {
        let len = self.u16()?;
        self.take(len.into())
    }
}

/// A fragment of a handshake message, from the first record of a datagram.
struct Fragment<'a> {
    kind: u8,
    offset: usize,
    is_whole: bool,
    body: &'a [u8],
}

fn plaintext_handshake(datagram: &[u8]) -> Option<Fragment<'_>> {
    let mut cursor = Cursor(datagram);
    if cursor.u8()? != CONTENT_HANDSHAKE {
        return None;
    }
    cursor.u16()?; // The version says nothing: 1.0 in a first hello, 1.2 ever after.
    if cursor.u16()? != 0 {
        return None; // Of a later epoch, thus encrypted.
    }
    cursor.take(6)?;
    let mut record = Cursor(cursor.vector16()?);
    let kind = record.u8()?;
    let length = record.u24()?;
    record.u16()?;
    let offset = record.u24()?;
    let fragment_len = record.u24()?;
    let body = record.take(fragment_len)?;
    Some(Fragment { kind, offset, is_whole: offset == 0 && fragment_len == length, body })
}

/// What a ClientHello, or the first fragment of one, says about version and SRTP profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClientHello {
    /// The message has been seen to its end.
    is_whole: bool,
    /// DTLS 1.2 is among the versions; true where there is no list of versions.
    offers_1_2: bool,
    profiles: Option<Profiles>,
}

/// What the use_srtp extension offers (RFC 5764 section 4.1.1), of the profiles that are implemented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Profiles {
    GcmFirst,
    GcmLater,
    NoGcm,
}

impl ClientHello {
    /// `None` if the datagram does not begin with a ClientHello or a fragment of one.
    pub(super) fn peek_untrusted(datagram: &[u8]) -> Option<ClientHello> {
        let fragment = plaintext_handshake(datagram)?;
        if fragment.kind != CLIENT_HELLO {
            return None;
        }
        let mut hello = ClientHello { is_whole: false, offers_1_2: true, profiles: None };
        if fragment.offset == 0 {
            hello.is_whole = hello.read(fragment.body).is_some() && fragment.is_whole;
        }
        Some(hello)
    }

    /// Whether DTLS 1.3 may be spoken without losing GCM: as a 1.3 server the engine takes the first profile that the
    /// client offers, as a 1.2 server it prefers GCM. Where the fragment ends before use_srtp, 1.2 is the safe answer,
    /// unless the client does not speak it.
    pub(super) fn permits_1_3(&self) -> bool {
        if !self.offers_1_2 {
            return true;
        }
        match self.profiles {
            Some(Profiles::GcmFirst | Profiles::NoGcm) => true,
            Some(Profiles::GcmLater) => false,
            None => self.is_whole,
        }
    }

    /// Fills in what it finds; `None` as soon as the bytes end.
    fn read(&mut self, body: &[u8]) -> Option<()> {
        let mut cursor = Cursor(body);
        cursor.take(2 + 32)?; // Legacy version and random.
        cursor.vector8()?; // Session id.
        cursor.vector8()?; // Cookie.
        cursor.vector16()?; // Cipher suites.
        cursor.vector8()?; // Compression methods.
        if cursor.0.is_empty() {
            return Some(()); // No extensions at all (RFC 5246 section 7.4.1.2).
        }
        let total = usize::from(cursor.u16()?);
        let is_cut = cursor.0.len() < total;
        let mut extensions = Cursor(cursor.0.get(..total).unwrap_or(cursor.0));
        for _ in 0..MAX_EXTENSIONS {
            if extensions.0.is_empty() {
                break;
            }
            let kind = extensions.u16()?;
            let data = extensions.vector16()?;
            match kind {
                EXTENSION_USE_SRTP => self.profiles = Some(read_profiles(data)?),
                EXTENSION_SUPPORTED_VERSIONS => {
                    let versions = Cursor(data).vector8()?;
                    self.offers_1_2 = versions.chunks_exact(2).any(|pair| pair == DTLS_1_2.to_be_bytes());
                }
                _ => {}
            }
        }
        (!is_cut && extensions.0.is_empty()).then_some(())
    }
}

fn read_profiles(data: &[u8]) -> Option<Profiles> {
    let offered = Cursor(data).vector16()?;
    let mut first_is_gcm = None;
    let mut has_gcm = false;
    for pair in offered.chunks_exact(2) {
        let is_gcm = match pair {
            [0, 7] | [0, 8] => true, // RFC 7714 section 14.2.
            [0, 1] => false,         // RFC 5764 section 4.1.2.
            _ => continue,
        };
        first_is_gcm.get_or_insert(is_gcm);
        has_gcm |= is_gcm;
    }
    Some(match (first_is_gcm, has_gcm) {
        (Some(true), _) => Profiles::GcmFirst,
        (_, true) => Profiles::GcmLater,
        _ => Profiles::NoGcm,
    })
}

/// The cipher suite that a ServerHello (or HelloRetryRequest) names, if the datagram begins with one.
pub(super) fn server_cipher_suite_untrusted(datagram: &[u8]) -> Option<u16> {
    let fragment = plaintext_handshake(datagram)?;
    if fragment.kind != SERVER_HELLO || fragment.offset != 0 {
        return None;
    }
    let mut cursor = Cursor(fragment.body);
    cursor.take(2 + 32)?;
    cursor.vector8()?;
    cursor.u16()
}

/// The IANA name of a cipher suite that the engine speaks.
pub(super) fn cipher_suite_name(number: u16) -> String {
    let name = match number {
        0x1301 => "TLS_AES_128_GCM_SHA256",
        0x1302 => "TLS_AES_256_GCM_SHA384",
        0x1303 => "TLS_CHACHA20_POLY1305_SHA256",
        0xC02B => "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        0xC02C => "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        0xCCA9 => "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        _ => return format!("0x{number:04X}"),
    };
    name.to_owned()
}
