//! RTP headers and their extensions, read and written.

use visavis_wire::ext::{AbsSendTime, AudioLevel, ExtensionBlock, transport_cc};
use visavis_wire::rtp::{Header, HeaderWriter, Packet, RtpError};

const WRITER: HeaderWriter<'static> = HeaderWriter {
    marker: true,
    payload_type: 111,
    sequence: 0xfffe,
    timestamp: 0x8000_0001,
    ssrc: 0xdead_beef,
    has_padding: false,
    csrcs: &[],
};

fn with_extensions(extensions: &[(u8, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    let length = WRITER.write(&mut out, extensions.iter().copied());
    assert_eq!(length, out.len());
    out
}

fn elements(profile: u16, data: &[u8]) -> Vec<(u8, Vec<u8>)> {
    ExtensionBlock { profile, data }.iter().map(|(id, value)| (id, value.to_vec())).collect()
}

#[test]
fn a_header_without_extensions_is_twelve_bytes() {
    let mut data = with_extensions(&[]);
    assert_eq!(data, [0x80, 0xef, 0xff, 0xfe, 0x80, 0, 0, 1, 0xde, 0xad, 0xbe, 0xef]);
    data.extend_from_slice(b"payload");
    let packet = Packet::parse_untrusted(&data).unwrap();
    assert_eq!((packet.marker, packet.payload_type, packet.sequence), (true, 111, 0xfffe));
    assert_eq!((packet.timestamp, packet.ssrc), (0x8000_0001, 0xdead_beef));
    assert_eq!((packet.header_len(), packet.padding, packet.extension), (12, 0, None));
    assert_eq!(packet.payload(), b"payload");
}

#[test]
fn csrcs_and_extensions_come_before_the_payload() {
    let writer = HeaderWriter { csrcs: &[1, 2, 3], ..WRITER };
    let mut data = Vec::new();
    writer.write(&mut data, [(3, &[0x12, 0x34][..])]);
    data.extend_from_slice(b"payload");
    let packet = Packet::parse_untrusted(&data).unwrap();
    assert_eq!(packet.csrcs().collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(packet.extension(3).and_then(transport_cc), Some(0x1234));
    assert_eq!(packet.header_len(), 12 + 12 + 4 + 4);
    assert_eq!(packet.payload(), b"payload");
    let header = Header::peek_untrusted(&data[..32]).unwrap();
    assert_eq!(
        (header.length, header.csrc_count, header.has_extension, header.has_padding),
        (32, 3, true, false)
    );
    assert_eq!((header.sequence, header.timestamp, header.ssrc), (0xfffe, 0x8000_0001, 0xdead_beef));
}

#[test]
fn a_sixteenth_csrc_is_not_written() {
    let mut data = Vec::new();
    HeaderWriter { csrcs: &[9; 16], ..WRITER }.write(&mut data, []);
    assert_eq!(Packet::parse_untrusted(&data).unwrap().csrcs().len(), 15);
}

#[test]
fn one_byte_elements_are_laid_out_as_in_rfc_8285_section_4_2() {
    // Ids 1 and 2 with one and two bytes, then padding to the word.
    let data = with_extensions(&[(1, &[0xaa]), (2, &[0xbb, 0xcc])]);
    assert_eq!(data[0] & 0x10, 0x10);
    assert_eq!(data[12..], [0xbe, 0xde, 0, 2, 0x10, 0xaa, 0x21, 0xbb, 0xcc, 0, 0, 0]);
}

#[test]
fn two_byte_elements_are_written_only_when_one_of_them_needs_it() {
    let long = [7; 17];
    let profile = |extensions: &[(u8, &[u8])]| {
        u16::from_be_bytes([extensions_at(extensions)[0], extensions_at(extensions)[1]])
    };
    assert_eq!(profile(&[(1, &long[..16]), (14, &[0])]), 0xbede);
    assert_eq!(profile(&[(1, &long)]), 0x1000);
    assert_eq!(profile(&[(1, &[])]), 0x1000);
    assert_eq!(profile(&[(15, &[0])]), 0x1000);
    let data = with_extensions(&[(255, &[]), (1, &[5])]);
    assert_eq!(data[12..], [0x10, 0, 0, 2, 255, 0, 1, 1, 5, 0, 0, 0]);
    let packet = Packet::parse_untrusted(&data).unwrap();
    assert_eq!((packet.extension(255), packet.extension(1)), (Some(&[][..]), Some(&[5][..])));
}

fn extensions_at(extensions: &[(u8, &[u8])]) -> Vec<u8> {
    with_extensions(extensions)[12..].to_vec()
}

#[test]
fn elements_that_no_form_can_carry_are_left_out() {
    assert_eq!(with_extensions(&[(0, &[1]), (1, &[0; 256])]).len(), 12);
    assert_eq!(extensions_at(&[(0, &[1]), (4, &[9])]), [0xbe, 0xde, 0, 1, 0x40, 9, 0, 0]);
}

#[test]
fn padding_may_stand_between_one_byte_elements() {
    assert_eq!(elements(0xbede, &[0, 0x10, 1, 0, 0, 0x20, 2, 0]), [(1, vec![1]), (2, vec![2])]);
}

#[test]
fn id_15_ends_a_block_of_one_byte_elements() {
    assert_eq!(elements(0xbede, &[0x10, 1, 0xf0, 9, 0x20, 2]), [(1, vec![1])]);
}

#[test]
fn id_0_with_a_length_ends_a_block_of_one_byte_elements() {
    assert_eq!(elements(0xbede, &[0x10, 1, 0x01, 9, 0x20, 2]), [(1, vec![1])]);
}

#[test]
fn an_element_that_is_cut_off_ends_its_block() {
    assert_eq!(elements(0xbede, &[0x10, 1, 0x23, 2, 2]), [(1, vec![1])]);
    assert_eq!(elements(0x1000, &[1, 1, 1, 2, 3, 9, 9]), [(1, vec![1])]);
    assert_eq!(elements(0x1000, &[1, 1, 1, 2]), [(1, vec![1])]);
}

#[test]
fn two_byte_elements_know_ids_above_14_empty_values_and_any_application_bits() {
    assert_eq!(elements(0x100f, &[0, 15, 0, 200, 2, 8, 9, 0]), [(15, vec![]), (200, vec![8, 9])]);
}

#[test]
fn a_block_of_another_profile_has_no_elements() {
    assert_eq!(elements(0x1234, &[0x10, 1, 0, 0]), []);
}

#[test]
fn padding_is_removed_and_must_fit() {
    let mut data = Vec::new();
    HeaderWriter { has_padding: true, ..WRITER }.write(&mut data, []);
    data.extend_from_slice(b"payload\0\0\x03");
    let packet = Packet::parse_untrusted(&data).unwrap();
    assert_eq!((packet.payload(), packet.padding), (&b"payload"[..], 3));
    let with_last = |last: u8| {
        let mut data = data.clone();
        *data.last_mut().unwrap() = last;
        Packet::parse_untrusted(&data).map(|p| p.payload().len())
    };
    assert_eq!(with_last(10), Ok(0), "a packet of padding alone, as probes are");
    assert_eq!(with_last(11), Err(RtpError::BadPadding));
    assert_eq!(with_last(0), Err(RtpError::BadPadding));
    assert_eq!(Packet::parse_untrusted(&data[..12]).err(), Some(RtpError::BadPadding));
    assert!(Header::peek_untrusted(&data).unwrap().has_padding);
}

#[test]
fn a_header_that_goes_beyond_the_packet_is_refused() {
    let mut data = Vec::new();
    HeaderWriter { csrcs: &[1], ..WRITER }.write(&mut data, [(1, &[0; 16][..])]);
    for length in 0..data.len() {
        assert_eq!(Header::peek_untrusted(&data[..length]), Err(RtpError::Truncated), "{length} bytes");
        assert_eq!(
            Packet::parse_untrusted(&data[..length]).err(),
            Some(RtpError::Truncated),
            "{length} bytes"
        );
    }
    data[0] ^= 0xc0;
    assert_eq!(Header::peek_untrusted(&data), Err(RtpError::BadVersion));
}

#[test]
fn audio_level_is_a_voice_bit_and_minus_dbov() {
    assert_eq!(AudioLevel::from_value(&[0x80 | 30]), Some(AudioLevel { voice: true, level: 30 }));
    assert_eq!(AudioLevel::from_value(&[127]), Some(AudioLevel { voice: false, level: 127 }));
    assert_eq!(AudioLevel::from_value(&[]), None);
    assert_eq!(AudioLevel { voice: true, level: 30 }.to_byte(), 0x9e);
}

#[test]
fn abs_send_time_is_the_middle_of_ntp_time() {
    // 1.5 s: 1.5 * 2^18.
    let time = AbsSendTime::from_ntp(0x0000_0001_8000_0000);
    assert_eq!(time, AbsSendTime(0x06_0000));
    assert_eq!(time.to_bytes(), [0x06, 0, 0]);
    assert_eq!(AbsSendTime::from_value(&time.to_bytes()), Some(time));
    // It wraps after 64 s.
    assert_eq!(AbsSendTime::from_ntp(0x0000_0041_8000_0000), time);
    assert_eq!(AbsSendTime::from_value(&[1, 2]), None);
}
