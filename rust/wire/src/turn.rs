//! ChannelData, by which a TURN client and its server exchange a peer's datagrams (RFC 8656 section 12.4).

use std::ops::RangeInclusive;

use crate::bytes::{put_u16_at, u16_at};

/// Channel number and length, before the data.
pub const CHANNEL_HEADER_LENGTH: usize = 4;
/// The numbers that a channel may have (section 12).
pub const CHANNELS: RangeInclusive<u16> = 0x4000..=0x4fff;

/// The channel and the data of a datagram that is ChannelData. What follows the data, padding, is ignored (section 12.5).
pub fn channel_data_untrusted(datagram: &mut [u8]) -> Option<(u16, &mut [u8])> {
    let channel = u16_at(datagram, 0).filter(|channel| CHANNELS.contains(channel))?;
    let length = usize::from(u16_at(datagram, 2)?);
    let data = datagram.get_mut(CHANNEL_HEADER_LENGTH..)?.get_mut(..length)?;
    Some((channel, data))
}

/// Appends a ChannelData message of what `write` appends to the buffer; over UDP it needs no padding.
pub fn write_channel_data<E>(
    out: &mut Vec<u8>,
    channel: u16,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let start = out.len();
    out.extend_from_slice(&channel.to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    write(out)?;
    let length = out.len().saturating_sub(start + CHANNEL_HEADER_LENGTH);
    put_u16_at(out, start + 2, u16::try_from(length).unwrap_or(u16::MAX));
    Ok(())
}
