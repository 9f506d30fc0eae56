//! The running numbers of the frames that a slot has sent: picture id, TL0PICIDX, KEYIDX (RFC 7741 section 4.2, RFC 9628
//! section 4.2).

use visavis_wire::payload::{FrameNumbers, NumberShift};

/// The newest numbers that left.
#[derive(Debug, Default)]
pub struct FrameCount {
    picture_id: Option<u16>,
    tl0_pic_idx: Option<u8>,
    key_idx: Option<u8>,
}

impl FrameCount {
    /// By how much the numbers of a source must be moved on so that this, the first of its frames, follows the last one
    /// that left. It is a key frame, so it advances all three.
    pub fn next(&self, first: &FrameNumbers) -> NumberShift {
        let mut shift = NumberShift::default();
        if let (Some(last), Some(first)) = (self.picture_id, first.picture_id) {
            shift.picture_id = last.wrapping_add(1).wrapping_sub(first.value);
        }
        if let (Some(last), Some(first)) = (self.tl0_pic_idx, first.tl0_pic_idx) {
            shift.tl0_pic_idx = last.wrapping_add(1).wrapping_sub(first.value);
        }
        if let (Some(last), Some(first)) = (self.key_idx, first.key_idx) {
            shift.key_idx = last.wrapping_add(1).wrapping_sub(first.value);
        }
        shift
    }

    /// A frame leaves, with its numbers moved on by `shift`. One without a number leaves that number as it was.
    pub fn note(&mut self, frame: &FrameNumbers, shift: NumberShift) {
        self.picture_id = frame.picture_id.map(|id| id.shifted(shift.picture_id)).or(self.picture_id);
        self.tl0_pic_idx = frame.tl0_pic_idx.map(|tl0| tl0.shifted(shift.tl0_pic_idx)).or(self.tl0_pic_idx);
        self.key_idx = frame.key_idx.map(|key| key.shifted(shift.key_idx)).or(self.key_idx);
    }
}

#[cfg(test)]
mod tests {
    use visavis_wire::payload::{KeyIdx, PictureId, Tl0PicIdx};

    use super::*;

    fn numbers(picture_id: u16, is_long: bool, tl0: u8, key: u8) -> FrameNumbers {
        FrameNumbers {
            picture_id: Some(PictureId { value: picture_id, is_long, offset: 2 }),
            tl0_pic_idx: Some(Tl0PicIdx { value: tl0, offset: 4 }),
            key_idx: Some(KeyIdx { value: key, offset: 5 }),
        }
    }

    #[test]
    fn each_number_follows_the_last_one_by_its_own_length() {
        let mut count = FrameCount::default();
        let first = numbers(0x7fff, true, 255, 31);
        assert_eq!(count.next(&first), NumberShift::default(), "the first source keeps its numbers");
        count.note(&first, NumberShift::default());
        let other = numbers(99, false, 7, 9);
        let shift = count.next(&other);
        count.note(&other, shift);
        assert_eq!((count.picture_id, count.tl0_pic_idx, count.key_idx), (Some(0), Some(0), Some(0)));
        let long = numbers(0x1234, true, 200, 1);
        let shift = count.next(&long);
        count.note(&long, shift);
        assert_eq!((count.picture_id, count.tl0_pic_idx, count.key_idx), (Some(1), Some(1), Some(1)));
    }

    #[test]
    fn a_frame_without_numbers_changes_none() {
        let mut count = FrameCount::default();
        count.note(&numbers(5, true, 6, 7), NumberShift::default());
        count.note(&FrameNumbers::default(), NumberShift::default());
        assert_eq!(count.next(&numbers(6, true, 7, 8)), NumberShift::default());
    }
}
