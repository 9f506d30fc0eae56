//! Reading big-endian integers without a panic, and writing them.

/// `N` bytes of `data` from `at`, if there are so many.
#[inline]
pub(crate) fn array_at<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..)?.first_chunk::<N>().copied()
}

#[inline]
pub(crate) fn u8_at(data: &[u8], at: usize) -> Option<u8> {
    data.get(at).copied()
}

#[inline]
pub(crate) fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    array_at(data, at).map(u16::from_be_bytes)
}

#[inline]
pub(crate) fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    array_at(data, at).map(u32::from_be_bytes)
}

#[inline]
pub(crate) fn u64_at(data: &[u8], at: usize) -> Option<u64> {
    array_at(data, at).map(u64::from_be_bytes)
}

/// `data` from `at`, `length` bytes long, if there are so many.
#[inline]
pub(crate) fn slice_at(data: &[u8], at: usize, length: usize) -> Option<&[u8]> {
    data.get(at..)?.get(..length)
}

/// Overwrites the 16-bit integer at `at`; outside of `data` nothing happens.
#[inline]
pub(crate) fn put_u16_at(data: &mut [u8], at: usize, value: u16) {
    if let Some(place) = data.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<2>()) {
        *place = value.to_be_bytes();
    }
}

/// `text` shortened to at most `limit` bytes, between two characters.
pub(crate) fn bounded(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
