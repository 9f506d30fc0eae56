//! What may be in a command, beyond its types.

use std::fmt;

use visavis_dataplane::api::{SHARD_ALPHABET, ShardId};
use visavis_dataplane::relay::CHANNELS;

/// RFC 8839 section 5.4: what names and passwords of ICE are made of.
fn is_ice_char(byte: &u8) -> bool {
    SHARD_ALPHABET.contains(byte)
}

fn ice_chars(text: &str, shortest: usize, secret: bool) -> Result<(), String> {
    let shown = if secret { String::new() } else { format!("{text:?} ") };
    if !(shortest..=256).contains(&text.len()) {
        return Err(format!("{shown}has {} characters, not {shortest} to 256", text.len()));
    }
    if !text.as_bytes().iter().all(is_ice_char) {
        return Err(format!("{shown}has characters other than A-Z a-z 0-9 + /"));
    }
    Ok(())
}

/// A user name fragment of a peer.
pub fn ufrag(text: &str) -> Result<(), String> {
    ice_chars(text, 4, false)
}

/// A user name fragment of ours: its first letter leads to the transport's shard.
pub fn local_ufrag(text: &str, shard: ShardId) -> Result<(), String> {
    ufrag(text)?;
    match SHARD_ALPHABET.get(usize::from(shard.0)) {
        Some(&letter) if text.as_bytes().first() == Some(&letter) => Ok(()),
        Some(&letter) => {
            Err(format!("{text:?} does not begin with {:?}, for thread {}", letter as char, shard.0))
        }
        None => Err(format!("no letter names thread {}", shard.0)),
    }
}

/// A password; the message does not repeat it.
pub fn password(text: &str) -> Result<(), String> {
    ice_chars(text, 22, true)
}

pub fn shard(id: u32, shards: u8) -> Result<(), String> {
    let shard = id >> 24;
    if shard < u32::from(shards) {
        Ok(())
    } else {
        Err(format!("{id} belongs to thread {shard}, and there are {shards}"))
    }
}

/// RFC 3551 section 6; the ranges that collide with RTCP (RFC 5761 section 4) are the negotiation's to avoid.
pub fn payload_type(number: u8) -> Result<(), String> {
    if number < 128 { Ok(()) } else { Err(format!("{number} is no payload type (0 to 127)")) }
}

/// RFC 8285 section 4.3: 0 is padding.
pub fn extension_id(number: u8) -> Result<(), String> {
    if number > 0 { Ok(()) } else { Err("0 is no extension id (1 to 255)".to_string()) }
}

/// A MID or RID: it has to fit into a header extension (RFC 8285 section 4.2: 16 bytes), as visible ASCII.
pub fn label(text: &str) -> Result<(), String> {
    if (1..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(format!("{text:?} is not 1 to 16 visible ASCII characters"))
    }
}

/// RFC 3550 section 6.5: an SDES item has an octet for its length.
pub fn cname(text: &str) -> Result<(), String> {
    if (1..=255).contains(&text.len()) {
        Ok(())
    } else {
        Err(format!("it has {} bytes, not 1 to 255", text.len()))
    }
}

/// RFC 8122 section 5: lower case here, and as long as the hash function makes it.
pub fn fingerprint(algorithm: &str, digest: &[u8]) -> Result<(), String> {
    let length = match algorithm {
        "sha-1" => 20,
        "sha-224" => 28,
        "sha-256" => 32,
        "sha-384" => 48,
        "sha-512" => 64,
        _ => return Err(format!("{algorithm:?} is none of sha-1, sha-224, sha-256, sha-384, sha-512")),
    };
    if digest.len() == length {
        Ok(())
    } else {
        Err(format!("a digest of {algorithm} has {length} bytes, not {}", digest.len()))
    }
}

/// RFC 8656 section 12.
pub fn channel(number: u16) -> Result<(), String> {
    if CHANNELS.contains(&number) {
        Ok(())
    } else {
        Err(format!("{number:#06x} is no channel (0x4000 to 0x4fff)"))
    }
}

/// No value twice.
pub fn distinct<T: PartialEq + fmt::Display>(values: impl IntoIterator<Item = T>) -> Result<(), String> {
    let mut seen = Vec::new();
    for value in values {
        if seen.contains(&value) {
            return Err(format!("{value} is there twice"));
        }
        seen.push(value);
    }
    Ok(())
}
