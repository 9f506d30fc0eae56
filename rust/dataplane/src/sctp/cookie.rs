//! The state cookie (RFC 9260 section 5.1.3): a server keeps nothing of a stranger's INIT, the cookie has it all.

use std::time::Duration;

use aws_lc_rs::hmac;

use crate::random::Secret;
use crate::time::Time;

/// Section 16, "Valid.Cookie.Life".
const LIFETIME: Duration = Duration::from_secs(60);
const FIELDS_LENGTH: usize = 33;
const TAG_LENGTH: usize = 32;

/// What of both INITs an association is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    pub local_tag: u32,
    pub local_initial_tsn: u32,
    pub peer_tag: u32,
    pub peer_initial_tsn: u32,
    pub peer_window: u32,
    /// As the peer may send, and as we may.
    pub inbound: u16,
    pub outbound: u16,
    pub features: Features,
}

/// Which extensions both ends have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// RFC 3758.
    pub forward_tsn: bool,
    /// RFC 6525.
    pub reconfig: bool,
    /// RFC 8260.
    pub interleaving: bool,
    /// The peer takes packets without a checksum (RFC 9653).
    pub zero_checksum: bool,
    /// The peer takes datagrams of `LARGEST_PATH_MTU`; none that does not say so is known to.
    pub long_datagrams: bool,
}

/// Makes cookies that nobody else can.
#[derive(Debug)]
pub struct CookieMaker(hmac::Key);

impl CookieMaker {
    pub fn new(secret: &Secret) -> CookieMaker {
        CookieMaker(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    pub fn make(&self, now: Time, agreed: &Agreed) -> Vec<u8> {
        let mut cookie = Vec::with_capacity(FIELDS_LENGTH + TAG_LENGTH);
        cookie.extend_from_slice(&now.as_nanos().to_be_bytes());
        for word in [
            agreed.local_tag,
            agreed.local_initial_tsn,
            agreed.peer_tag,
            agreed.peer_initial_tsn,
            agreed.peer_window,
        ] {
            cookie.extend_from_slice(&word.to_be_bytes());
        }
        cookie.extend_from_slice(&agreed.inbound.to_be_bytes());
        cookie.extend_from_slice(&agreed.outbound.to_be_bytes());
        let features = &agreed.features;
        let bits = [
            features.long_datagrams,
            features.forward_tsn,
            features.reconfig,
            features.interleaving,
            features.zero_checksum,
        ];
        cookie.push(bits.iter().fold(0, |all, &bit| all << 1 | u8::from(bit)));
        let tag = hmac::sign(&self.0, &cookie);
        cookie.extend_from_slice(tag.as_ref());
        cookie
    }

    /// What an own cookie says, as long as it is good.
    pub fn open_untrusted(&self, now: Time, cookie: &[u8]) -> Option<Agreed> {
        let (fields, tag) = cookie.split_at_checked(FIELDS_LENGTH)?;
        hmac::verify(&self.0, fields, tag).ok()?;
        let word = |at: usize| Some(u32::from_be_bytes(*fields.get(at..)?.first_chunk()?));
        let half = |at: usize| Some(u16::from_be_bytes(*fields.get(at..)?.first_chunk()?));
        let made = Time::from_nanos(u64::from_be_bytes(*fields.first_chunk()?));
        let bits = *fields.get(FIELDS_LENGTH - 1)?;
        (now.since(made) <= LIFETIME).then_some(())?;
        Some(Agreed {
            local_tag: word(8)?,
            local_initial_tsn: word(12)?,
            peer_tag: word(16)?,
            peer_initial_tsn: word(20)?,
            peer_window: word(24)?,
            inbound: half(28)?,
            outbound: half(30)?,
            features: Features {
                forward_tsn: bits & 8 != 0,
                reconfig: bits & 4 != 0,
                interleaving: bits & 2 != 0,
                zero_checksum: bits & 1 != 0,
                long_datagrams: bits & 16 != 0,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_own_whole_and_fresh_cookie_opens() {
        let maker = CookieMaker::new(&[1; 32]);
        let agreed = Agreed {
            local_tag: 1,
            local_initial_tsn: 2,
            peer_tag: 3,
            peer_initial_tsn: 4,
            peer_window: 5,
            inbound: 6,
            outbound: 7,
            features: Features {
                forward_tsn: true,
                reconfig: false,
                interleaving: true,
                zero_checksum: false,
                long_datagrams: true,
            },
        };
        let now = Time::from_millis(1_000);
        let cookie = maker.make(now, &agreed);
        assert_eq!(maker.open_untrusted(now + LIFETIME, &cookie), Some(agreed));
        assert_eq!(maker.open_untrusted(now + LIFETIME + Duration::from_nanos(1), &cookie), None);
        assert_eq!(CookieMaker::new(&[2; 32]).open_untrusted(now, &cookie), None);
        for at in 0..cookie.len() {
            let mut forged = cookie.clone();
            forged[at] ^= 1;
            assert_eq!(maker.open_untrusted(now, &forged), None);
            assert_eq!(maker.open_untrusted(now, &cookie[..at]), None);
        }
    }
}
