//! The SRTP keys that a handshake gives (RFC 5764 section 4.2).

use zeroize::Zeroizing;

use crate::api::DtlsRole;
use crate::srtp::{InvalidKey, Profile, Receiver, Sender};

/// Master keys and salts of both directions. They are wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    pub profile: Profile,
    /// For what this end sends.
    pub local_key: Zeroizing<Vec<u8>>,
    pub local_salt: Zeroizing<Vec<u8>>,
    /// For what the peer sends.
    pub remote_key: Zeroizing<Vec<u8>>,
    pub remote_salt: Zeroizing<Vec<u8>>,
}

impl Keys {
    /// Takes the exported material apart: client's key, server's key, client's salt, server's salt. `None` if its length
    /// is not the profile's.
    pub(super) fn split(profile: Profile, role: DtlsRole, material: &[u8]) -> Option<Keys> {
        let (key_len, salt_len) = (profile.key_len(), profile.salt_len());
        if material.len() != 2 * (key_len + salt_len) {
            return None;
        }
        let (client_key, rest) = material.split_at_checked(key_len)?;
        let (server_key, rest) = rest.split_at_checked(key_len)?;
        let (client_salt, server_salt) = rest.split_at_checked(salt_len)?;
        let owned = |bytes: &[u8]| Zeroizing::new(bytes.to_vec());
        let (client, server) =
            ((owned(client_key), owned(client_salt)), (owned(server_key), owned(server_salt)));
        let ((local_key, local_salt), (remote_key, remote_salt)) = match role {
            DtlsRole::Client => (client, server),
            DtlsRole::Server => (server, client),
        };
        Some(Keys { profile, local_key, local_salt, remote_key, remote_salt })
    }

    /// The SRTP contexts of both directions.
    pub fn srtp(&self) -> Result<(Sender, Receiver), InvalidKey> {
        Ok((
            Sender::new(self.profile, &self.local_key, &self.local_salt)?,
            Receiver::new(self.profile, &self.remote_key, &self.remote_salt)?,
        ))
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("profile", &self.profile).finish_non_exhaustive()
    }
}
