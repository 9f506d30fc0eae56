//! SCTP packets by RFC 9260, byte by byte, and the vectors of its checksum.

use visavis_wire::sctp::{
    AbortCauses, ChunkWriter, Data, DataHeader, ForwardTsn, GapBlock, Init, Packet, Parameters,
    ReconfigRequest, Sack, SctpError, begin_packet, cause, chunk_type, chunk_types_of, extend_u16,
    extend_u32, finish_packet, parameter,
};

fn packet(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    let start = begin_packet(&mut out, 5_000, 5_001, 0x0102_0304);
    write(&mut out);
    finish_packet(&mut out, start, false);
    out
}

/// Bit by bit, by the polynomial of appendix A.
#[test]
fn the_checksum_is_that_of_appendix_a() {
    let mut by_hand = 0xffff_ffffu32;
    let data = packet(|out| ChunkWriter::begin(out, chunk_type::COOKIE_ACK, 0).finish());
    let (head, rest) = data.split_at(8);
    for &byte in head.iter().chain(&[0; 4]).chain(&rest[4..]) {
        by_hand ^= u32::from(byte);
        for _ in 0..8 {
            by_hand = if by_hand & 1 == 1 { by_hand >> 1 ^ 0x82f6_3b78 } else { by_hand >> 1 };
        }
    }
    assert_eq!(data[8..12], (!by_hand).to_le_bytes());
    assert!(Packet::parse_untrusted(&data).is_ok_and(|packet| !packet.is_unchecked));
    let mut wrong = data.clone();
    wrong[13] ^= 1;
    assert_eq!(Packet::parse_untrusted(&wrong), Err(SctpError::BadChecksum));
}

#[test]
fn a_data_chunk_has_the_layout_of_section_3_3_1() {
    let header = DataHeader {
        tsn: 0x1122_3344,
        stream: 5,
        is_interleaved: false,
        is_unordered: true,
        begins: true,
        ends: false,
        is_immediate: true,
        message: 0x0607,
        fragment: 0,
        ppid: 51,
    };
    let data = packet(|out| header.write(out, b"abcde"));
    let expected =
        [&[0, 0b1110, 0, 21, 0x11, 0x22, 0x33, 0x44, 0, 5, 6, 7, 0, 0, 0, 51][..], b"abcde\0\0\0"].concat();
    assert_eq!(data[12..], expected);
    let parsed = Packet::parse_untrusted(&data).unwrap();
    let chunk = parsed.chunks().next().unwrap().unwrap();
    let got = Data::parse_untrusted(chunk).unwrap();
    assert_eq!((got.payload, got.message, got.is_immediate), (b"abcde".as_slice(), 0x0607, true));
}

#[test]
fn an_i_data_chunk_has_the_layout_of_rfc_8260() {
    let header = DataHeader {
        tsn: 1,
        stream: 2,
        is_interleaved: true,
        is_unordered: false,
        begins: false,
        ends: true,
        is_immediate: false,
        message: 0x0a0b_0c0d,
        fragment: 9,
        ppid: 53,
    };
    let data = packet(|out| header.write(out, b"xyzw"));
    let expected = [64, 1, 0, 24, 0, 0, 0, 1, 0, 2, 0, 0, 10, 11, 12, 13, 0, 0, 0, 9, b'x', b'y', b'z', b'w'];
    assert_eq!(data[12..], expected);
}

#[test]
fn data_without_data_is_malformed() {
    let data = packet(|out| {
        ChunkWriter::begin(out, chunk_type::DATA, 3).word(1).half(0).half(0).word(53).finish();
    });
    let parsed = Packet::parse_untrusted(&data).unwrap();
    let chunk = parsed.chunks().next().unwrap().unwrap();
    assert_eq!(Data::parse_untrusted(chunk), Err(SctpError::Malformed));
}

#[test]
fn a_sack_has_gaps_and_duplicates() {
    let gaps = [GapBlock { start: 2, end: 4 }, GapBlock { start: 6, end: 6 }];
    let data = packet(|out| Sack::write(out, 7, 1_000, &gaps, &[3, 5]));
    assert_eq!(data.len(), 12 + Sack::length(2, 2));
    let parsed = Packet::parse_untrusted(&data).unwrap();
    let sack = Sack::parse_untrusted(parsed.chunks().next().unwrap().unwrap()).unwrap();
    assert_eq!((sack.cumulative_tsn, sack.receiver_window, sack.duplicate_count()), (7, 1_000, 2));
    assert!(sack.gaps().eq(gaps));
}

#[test]
fn an_init_tells_its_extensions() {
    let data = packet(|out| {
        let mut init = ChunkWriter::begin(out, chunk_type::INIT, 0);
        init.word(1).word(2).half(3).half(4).word(5);
        init.parameter(parameter::FORWARD_TSN_SUPPORTED, |_| ());
        init.parameter(parameter::SUPPORTED_EXTENSIONS, |parameter| _ = parameter.bytes(&[130, 192, 64]));
        init.finish();
    });
    let parsed = Packet::parse_untrusted(&data).unwrap();
    let init = Init::parse_untrusted(parsed.chunks().next().unwrap().unwrap()).unwrap();
    assert_eq!((init.tag, init.outbound_streams, init.inbound_streams, init.initial_tsn), (1, 3, 4, 5));
    assert_eq!(chunk_types_of(init.parameters), [130, 192, 64]);
    assert_eq!(init.parameters.value_of(parameter::FORWARD_TSN_SUPPORTED), Some(&[][..]));
    assert_eq!(init.parameters.value_of(parameter::ZERO_CHECKSUM), None);
}

#[test]
fn a_reset_names_its_streams() {
    let data = packet(|out| {
        let mut chunk = ChunkWriter::begin(out, chunk_type::RECONFIG, 0);
        chunk.parameter(parameter::OUTGOING_RESET_REQUEST, |reset| {
            reset.word(10).word(9).word(1_000).half(4).half(6).half(8);
        });
        chunk.finish();
    });
    assert_eq!(data.len() % 4, 0);
    let parsed = Packet::parse_untrusted(&data).unwrap();
    let mut parameters = Parameters::of(parsed.chunks().next().unwrap().unwrap());
    let request = ReconfigRequest::parse_untrusted(parameters.next().unwrap()).unwrap().unwrap();
    let ReconfigRequest::ResetOutgoing(reset) = request else { panic!("{request:?}") };
    assert_eq!((reset.request, reset.last_tsn), (10, 1_000));
    assert!(reset.streams().eq([4, 6, 8]));
}

#[test]
fn what_is_skipped_is_told_by_stream() {
    let data = packet(|out| {
        ChunkWriter::begin(out, chunk_type::FORWARD_TSN, 0).word(77).half(1).half(2).half(3).half(4).finish();
    });
    let parsed = Packet::parse_untrusted(&data).unwrap();
    let forward = ForwardTsn::parse_untrusted(parsed.chunks().next().unwrap().unwrap()).unwrap();
    let streams: Vec<(u16, u16)> =
        forward.streams().map(|skipped| (skipped.stream, skipped.message)).collect();
    assert_eq!((forward.cumulative_tsn, streams), (77, vec![(1, 2), (3, 4)]));
}

#[test]
fn an_abort_says_why() {
    let data = packet(|out| {
        ChunkWriter::begin(out, chunk_type::ABORT, 0).parameter(cause::PROTOCOL_VIOLATION, |_| ()).finish();
    });
    let parsed = Packet::parse_untrusted(&data).unwrap();
    let chunk = parsed.chunks().next().unwrap().unwrap();
    assert_eq!(AbortCauses::parse_untrusted(chunk).first(), Some(cause::PROTOCOL_VIOLATION));
}

#[test]
fn numbers_are_extended_to_the_nearest() {
    assert_eq!(extend_u32(1 << 32, 5), (1 << 32) + 5);
    assert_eq!(extend_u32(1 << 32, u32::MAX), (1 << 32) - 1);
    assert_eq!(extend_u32((1 << 33) - 1, 0), 1 << 33);
    assert_eq!(extend_u16((1 << 32) + 0xffff, 1), (1 << 32) + 0x1_0001);
}
