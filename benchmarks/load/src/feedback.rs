//! RTCP, as much as the two ends of one video stream say to each other (RFC 3550 section 6, RFC 4585, RFC 5104).

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;
const NTP_EPOCH_S: u64 = 2_208_988_800;

/// What a received compound packet asks for or tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Feedback {
    pub key_frame: bool,
    pub lost: Vec<u16>,
    /// The middle 32 bits of the NTP time of a sender report.
    pub last_report: Option<u32>,
}

pub fn parse(compound: &[u8]) -> Feedback {
    let mut feedback = Feedback::default();
    let mut rest = compound;
    while let [first, kind, high, low, ..] = rest {
        let length = 4 + 4 * usize::from(u16::from_be_bytes([*high, *low]));
        let Some((packet, after)) = rest.split_at_checked(length) else { break };
        match (*kind, first & 0x1F) {
            (PAYLOAD_FEEDBACK, 1 | 4) => feedback.key_frame = true,
            (TRANSPORT_FEEDBACK, 1) => {
                for item in packet.get(12..).unwrap_or_default().chunks_exact(4) {
                    let (id, bits) =
                        (u16::from_be_bytes([item[0], item[1]]), u16::from_be_bytes([item[2], item[3]]));
                    feedback.lost.push(id);
                    let more =
                        (0..16).filter(|bit| bits & (1 << bit) != 0).map(|bit| id.wrapping_add(bit + 1));
                    feedback.lost.extend(more);
                }
            }
            (SENDER_REPORT, _) => {
                feedback.last_report =
                    packet.get(10..14).and_then(|middle| middle.try_into().ok()).map(u32::from_be_bytes);
            }
            _ => {}
        }
        rest = after;
    }
    feedback
}

/// A sender report: `realtime_ns` is the wall clock (since 1970) of `timestamp`.
pub fn sender_report(ssrc: u32, realtime_ns: u64, timestamp: u32, packets: u32, octets: u32) -> Vec<u8> {
    let seconds = realtime_ns / 1_000_000_000 + NTP_EPOCH_S;
    let fraction = ((realtime_ns % 1_000_000_000) << 32) / 1_000_000_000;
    words(0, SENDER_REPORT, &[ssrc, seconds as u32, fraction as u32, timestamp, packets, octets])
}

/// One report block (RFC 3550 section 6.4.1).
pub struct Block {
    pub source: u32,
    pub fraction_lost: u8,
    pub lost: u32,
    pub highest: u32,
    pub jitter: u32,
    pub last_report: u32,
    /// In units of 1/65536 s.
    pub delay: u32,
}

pub fn receiver_report(ssrc: u32, block: &Block) -> Vec<u8> {
    let lost = u32::from(block.fraction_lost) << 24 | block.lost.min(0x7F_FFFF);
    let figures = [ssrc, block.source, lost, block.highest, block.jitter, block.last_report, block.delay];
    words(1, RECEIVER_REPORT, &figures)
}

fn words(count: u8, kind: u8, words: &[u32]) -> Vec<u8> {
    let mut packet = vec![0x80 | count, kind];
    packet.extend((words.len() as u16).to_be_bytes());
    words.iter().for_each(|word| packet.extend(word.to_be_bytes()));
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nack_names_its_packet_and_those_of_its_bit_mask() {
        let compound = [
            0x80, 201, 0, 1, 0, 0, 0, 1, //
            0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0xFF, 0xFF, 0, 5, //
            0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2,
        ];
        let expected = Feedback { key_frame: true, lost: vec![65_535, 0, 2], last_report: None };
        assert_eq!(parse(&compound), expected);
    }

    #[test]
    fn a_sender_report_is_read_back_by_the_middle_of_its_time() {
        let report = sender_report(1, 1_500_000_000, 0, 0, 0);
        let seconds = (NTP_EPOCH_S + 1) as u32;
        assert_eq!(parse(&report).last_report, Some(seconds << 16 | 0x8000));
    }
}
