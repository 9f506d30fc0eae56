//! RTP header extensions (RFC 8285): the block, its elements, and the values this crate knows.

mod values;

pub use values::{AbsSendTime, AudioLevel, transport_cc, transport_cc_bytes};

use crate::bytes::put_u16_at;

/// The profile field of a block of one-byte elements (RFC 8285 section 4.2).
pub const ONE_BYTE_PROFILE: u16 = 0xBEDE;
/// The upper twelve bits of the profile field of a block of two-byte elements (RFC 8285 section 4.3).
pub const TWO_BYTE_PROFILE: u16 = 0x1000;

/// Longest block that is written, in words: its length has 16 bits.
const BLOCK_LIMIT_WORDS: usize = u16::MAX as usize;

/// The extension block of a header, without its four bytes of profile and length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtensionBlock<'a> {
    pub profile: u16,
    pub data: &'a [u8],
}

impl<'a> ExtensionBlock<'a> {
    /// The elements in their order; none if the profile is not one of RFC 8285.
    #[inline]
    pub fn iter(&self) -> Elements<'a> {
        let form = match self.profile {
            ONE_BYTE_PROFILE => Some(Form::OneByte),
            profile if profile & 0xfff0 == TWO_BYTE_PROFILE => Some(Form::TwoByte),
            _ => None,
        };
        match form {
            Some(form) => Elements { form, rest: self.data },
            None => Elements { form: Form::OneByte, rest: &[] },
        }
    }

    /// The value of the first element with that id.
    #[inline]
    pub fn get(&self, id: u8) -> Option<&'a [u8]> {
        self.iter().find(|&(i, _)| i == id).map(|(_, value)| value)
    }
}

impl<'a> IntoIterator for ExtensionBlock<'a> {
    type Item = (u8, &'a [u8]);
    type IntoIter = Elements<'a>;

    fn into_iter(self) -> Elements<'a> {
        self.iter()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    OneByte,
    TwoByte,
}

/// Walks (id, value) pairs; ends at the block's end, at id 15 of the one-byte form, or at an element that is
/// cut off.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    form: Form,
    rest: &'a [u8],
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        // A zero is padding, wherever an element could start.
        let start = self.rest.iter().position(|&byte| byte != 0)?;
        let (&head, after) = self.rest.get(start..)?.split_first()?;
        self.rest = &[];
        let (id, length, after) = match self.form {
            // 15 ends the block; 0 with a length is an error, and ends it as well.
            Form::OneByte if head >> 4 == 15 || head >> 4 == 0 => return None,
            Form::OneByte => (head >> 4, usize::from(head & 0x0f) + 1, after),
            Form::TwoByte => {
                let (&length, after) = after.split_first()?;
                (head, usize::from(length), after)
            }
        };
        let (value, rest) = after.split_at_checked(length)?;
        self.rest = rest;
        Some((id, value))
    }
}

/// Appends a block of these elements to `out`, if there are any; tells whether it did.
pub(crate) fn write_block<'e>(
    out: &mut Vec<u8>,
    extensions: impl Iterator<Item = (u8, &'e [u8])> + Clone,
) -> bool {
    let fits = |&(id, value): &(u8, &[u8])| id != 0 && value.len() <= 255;
    let mut elements = extensions.filter(fits).peekable();
    if elements.peek().is_none() {
        return false;
    }
    let one_byte = elements.clone().all(|(id, value)| id <= 14 && (1..=16).contains(&value.len()));
    let start = out.len();
    let profile = if one_byte { ONE_BYTE_PROFILE } else { TWO_BYTE_PROFILE };
    out.extend_from_slice(&profile.to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    for (id, value) in elements {
        if out.len() - start + 2 + value.len() > 4 * BLOCK_LIMIT_WORDS {
            break;
        }
        let length = value.len() as u8;
        if one_byte {
            out.push(id << 4 | (length - 1));
        } else {
            out.extend_from_slice(&[id, length]);
        }
        out.extend_from_slice(value);
    }
    let length = out.len() - start - 4;
    out.resize(start + 4 + length.next_multiple_of(4), 0);
    put_u16_at(out, start + 2, length.div_ceil(4) as u16);
    true
}
