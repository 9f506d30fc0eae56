//! H.264 as encoders give it and decoders take it: NAL units behind start codes (ITU-T H.264 Annex B).

/// What a unit is written behind; readers take the three last bytes for it too.
pub const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// The units of a byte stream, each with its header; what comes before the first start code is none.
pub fn units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = next_start(stream).and_then(|start| stream.get(start + 3..));
    std::iter::from_fn(move || {
        loop {
            let here = rest.take()?;
            let end = next_start(here);
            rest = end.and_then(|end| here.get(end + 3..));
            // No unit ends with a zero (section 7.4.1): those belong to the start code behind it, or are padding.
            let unit = here.get(..end.unwrap_or(here.len()))?;
            let length = unit.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            if length > 0 {
                return unit.get(..length);
            }
        }
    })
}

/// Where the next start code of three bytes is.
fn next_start(stream: &[u8]) -> Option<usize> {
    stream.windows(3).position(|window| window == [0, 0, 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_found_behind_start_codes_of_either_length() {
        let stream =
            [&START_CODE[..], &[0x67, 1, 2], &START_CODE, &[0x68, 3], &[0, 0, 1], &[0x65, 0, 0, 3, 1, 9]];
        let found: Vec<Vec<u8>> = units(&stream.concat()).map(<[u8]>::to_vec).collect();
        assert_eq!(found, [vec![0x67, 1, 2], vec![0x68, 3], vec![0x65, 0, 0, 3, 1, 9]]);
    }

    #[test]
    fn padding_and_empty_units_are_none() {
        assert_eq!(
            units(&[9, 9, 0, 0, 0, 1, 0x41, 7, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0]).collect::<Vec<_>>(),
            [[0x41, 7]]
        );
        for nothing in [&[][..], &[0, 0, 1], &[0, 0, 0, 0], &[0x65, 1, 2]] {
            assert_eq!(units(nothing).count(), 0);
        }
    }
}
