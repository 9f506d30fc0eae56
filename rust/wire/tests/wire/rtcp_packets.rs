//! RTCP packets, read and written.

use crate::seeds::for_each_seed;
use visavis_wire::rtcp::{
    Packet, ReportBlock, RtcpError, packets_untrusted, write_bye, write_fir, write_nack, write_pli,
    write_receiver_report, write_sdes_cname, write_sender_report,
};

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    assert_eq!(out.len() % 4, 0);
    out
}

fn only(data: &[u8]) -> Packet<'_> {
    let mut packets = packets_untrusted(data);
    let packet = packets.next().unwrap().unwrap();
    assert!(packets.next().is_none());
    packet
}

const BLOCK: ReportBlock = ReportBlock {
    ssrc: 0x0101_0101,
    fraction_lost: 128,
    cumulative_lost: -2,
    highest_sequence: 0x0001_ffff,
    jitter: 90,
    last_sender_report: 0x1234_5678,
    delay_since_last_sender_report: 65536,
};

#[test]
fn a_compound_packet_is_read_as_written() {
    let data = written(|out| {
        write_sender_report(out, 1, 0x0102_0304_0506_0708, 9, 10, 11, &[BLOCK, ReportBlock::default()]);
        write_sdes_cname(out, 1, "name");
        write_bye(out, &[1, 2], "gone");
    });
    let packets: Vec<_> = packets_untrusted(&data).map(Result::unwrap).collect();
    let [Packet::SenderReport(report), Packet::Sdes(sdes), Packet::Bye(bye)] = packets[..] else {
        panic!("{packets:?}");
    };
    assert_eq!((report.ssrc, report.ntp, report.rtp), (1, 0x0102_0304_0506_0708, 9));
    assert_eq!((report.packets, report.octets, report.blocks.len()), (10, 11, 2));
    assert_eq!(report.blocks.iter().collect::<Vec<_>>(), [BLOCK, ReportBlock::default()]);
    assert_eq!((sdes.cname(1), sdes.cname(2)), (Some(&b"name"[..]), None));
    assert_eq!((bye.ssrcs().collect::<Vec<_>>(), bye.reason), (vec![1, 2], Some(&b"gone"[..])));
}

#[test]
fn a_receiver_report_clamps_what_24_bits_cannot_hold() {
    for (lost, clamped) in [(i32::MAX, 0x7f_ffff), (i32::MIN, -0x80_0000), (-1, -1)] {
        let block = ReportBlock { cumulative_lost: lost, ..BLOCK };
        let data = written(|out| write_receiver_report(out, 5, &[block]));
        let Packet::ReceiverReport(report) = only(&data) else { panic!() };
        assert_eq!(report.ssrc, 5);
        assert_eq!(report.blocks.iter().map(|b| b.cumulative_lost).collect::<Vec<_>>(), [clamped]);
    }
}

#[test]
fn of_more_than_31_blocks_or_sources_the_first_31_are_written() {
    let data = written(|out| write_receiver_report(out, 5, &[BLOCK; 40]));
    let Packet::ReceiverReport(report) = only(&data) else { panic!() };
    assert_eq!(report.blocks.len(), 31);
    let data = written(|out| write_bye(out, &[7; 40], ""));
    let Packet::Bye(bye) = only(&data) else { panic!() };
    assert_eq!((bye.ssrcs().count(), bye.reason), (31, None));
}

#[test]
fn names_of_every_length_end_on_a_word() {
    for length in 0..=260 {
        let name = "n".repeat(length);
        let data = written(|out| write_sdes_cname(out, 3, &name));
        let Packet::Sdes(sdes) = only(&data) else { panic!() };
        assert_eq!(sdes.cname(3).map(<[u8]>::len), Some(length.min(255)));
        assert_eq!(sdes.chunks().count(), 1);
    }
}

#[test]
fn several_chunks_and_items_are_told_apart() {
    // Source 1 with TOOL "ab" and CNAME "c"; source 2 without items; source 3 with CNAME "d".
    let data = b"\x83\xca\x00\x07\0\0\0\x01\x06\x02ab\x01\x01c\0\0\0\0\x02\0\0\0\0\0\0\0\x03\x01\x01d\0";
    let Packet::Sdes(sdes) = only(data) else { panic!() };
    assert_eq!(sdes.chunks().map(|c| c.ssrc).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((sdes.cname(1), sdes.cname(2), sdes.cname(3)), (Some(&b"c"[..]), None, Some(&b"d"[..])));
}

#[test]
fn nack_is_the_layout_of_rfc_4585() {
    // Packet 10, then bit 0 for 11 and bit 15 for 26; 27 needs an entry of its own.
    let data = written(|out| write_nack(out, 1, 2, &[10, 11, 26, 27]));
    assert_eq!(
        data,
        [0x81, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 10, 0x80, 0x01, 0, 27, 0, 0],
        "version and format, type, length, sender, media, entries"
    );
    assert!(written(|out| write_nack(out, 1, 2, &[])).is_empty());
}

#[test]
fn lost_packets_are_read_as_written_across_the_wrap() {
    for_each_seed(500, |random| {
        let mut sequence = random.next() as u16;
        let lost: Vec<u16> = (0..random.below(600))
            .map(|_| {
                sequence = sequence.wrapping_add(1 + random.below(20) as u16);
                sequence
            })
            .collect();
        let data = written(|out| write_nack(out, 1, 2, &lost));
        let mut read = Vec::new();
        for packet in packets_untrusted(&data) {
            let Ok(Packet::Nack(nack)) = packet else { panic!("{packet:?}") };
            assert_eq!((nack.sender_ssrc, nack.media_ssrc), (1, 2));
            read.extend(nack.lost());
        }
        assert_eq!(read, lost);
    });
}

#[test]
fn key_frame_requests_are_read_as_written() {
    let data = written(|out| write_pli(out, 1, 2));
    assert!(matches!(only(&data), Packet::Pli { sender_ssrc: 1, media_ssrc: 2 }));
    let data = written(|out| write_fir(out, 1, &[(2, 7), (3, 255)]));
    assert_eq!(data[8..12], [0; 4]);
    let Packet::Fir(fir) = only(&data) else { panic!() };
    assert_eq!((fir.sender_ssrc, fir.entries().collect::<Vec<_>>()), (1, vec![(2, 7), (3, 255)]));
}

#[test]
fn remb_is_a_mantissa_and_an_exponent() {
    // 2 sources, exponent 2, mantissa 0x3ffff.
    let data = b"\x8f\xce\0\x06\0\0\0\x01\0\0\0\0REMB\x02\x0b\xff\xff\0\0\0\x05\0\0\0\x06";
    let Packet::Remb(remb) = only(data) else { panic!() };
    assert_eq!((remb.sender_ssrc, remb.bitrate_bps), (1, 0x3_ffff << 2));
    assert_eq!(remb.ssrcs().collect::<Vec<_>>(), [5, 6]);
    // The largest exponent saturates.
    let data = b"\x8f\xce\0\x04\0\0\0\x01\0\0\0\0REMB\0\xff\xff\xff";
    let Packet::Remb(remb) = only(data) else { panic!() };
    assert_eq!(remb.bitrate_bps, u64::MAX);
    // Application layer feedback of someone else.
    let data = b"\x8f\xce\0\x03\0\0\0\x01\0\0\0\0ABCD";
    assert!(matches!(only(data), Packet::Unknown { packet_type: 206, count: 15, body: [0, 0, 0, 1, ..] }));
}

fn errors(data: &[u8]) -> Vec<Option<RtcpError>> {
    packets_untrusted(data).map(Result::err).collect()
}

#[test]
fn what_is_not_framed_ends_the_walk_with_the_reason() {
    let pli = written(|out| write_pli(out, 1, 2));
    for length in 1..pli.len() {
        assert_eq!(errors(&pli[..length]), [Some(RtcpError::Truncated)], "{length} bytes");
    }
    assert_eq!(errors(&[]), []);
    assert_eq!(errors(b"\x40\xce\0\0"), [Some(RtcpError::BadVersion)]);
    let mut two = pli.clone();
    two.extend_from_slice(b"\x80\xc8");
    assert_eq!(errors(&two), [None, Some(RtcpError::Truncated)]);
}

#[test]
fn an_error_in_one_packets_content_leaves_the_next() {
    // A receiver report of one block without it; a PLI.
    let mut data = b"\x81\xc9\0\x01\0\0\0\x01".to_vec();
    write_pli(&mut data, 1, 2);
    assert_eq!(errors(&data), [Some(RtcpError::Truncated), None]);
}

#[test]
fn padding_is_removed_and_must_fit() {
    // A PLI with a word of padding.
    let padded = *b"\xa1\xce\0\x03\0\0\0\x01\0\0\0\x02\0\0\0\x04";
    assert!(matches!(only(&padded), Packet::Pli { sender_ssrc: 1, media_ssrc: 2 }));
    for bad in [0, 16, 255] {
        let mut data = padded;
        data[15] = bad;
        assert_eq!(errors(&data), [Some(RtcpError::BadPadding)], "padding {bad}");
    }
    assert_eq!(errors(b"\xa1\xce\0\0"), [Some(RtcpError::BadPadding)]);
}

/// Two thirds of Chromium's feedback was counted as malformed, and the estimates made of the rest were wrong: it pads by one
/// to three bytes, against RFC 3550 section 6.4.1, and puts such a packet before others.
#[test]
fn feedback_padded_as_browsers_do_is_read() {
    // Three packets told of, one arrived late by a unit each: 16 bytes, a chunk, three deltas, three bytes of padding.
    let mut feedback =
        b"\xaf\xcd\0\x06\0\0\0\x01\0\0\0\x02\0\x05\0\x03\0\0\0\0\x20\x03\x01\x01\x01\0\0\x03".to_vec();
    let Packet::TransportFeedback(parsed) = only(&feedback) else { panic!("no feedback") };
    assert_eq!(parsed.arrivals().collect::<Vec<_>>(), [(5, Some(1)), (6, Some(1)), (7, Some(1))]);
    write_pli(&mut feedback, 1, 2);
    assert_eq!(errors(&feedback), [None, None]);
}

#[test]
fn content_that_its_count_does_not_fit_is_refused() {
    for data in [
        // A sender report without its sender's figures.
        &b"\x80\xc8\0\x01\0\0\0\x01"[..],
        // A source description of one chunk: without it, without its end, with an item beyond it.
        b"\x81\xca\0\0",
        b"\x81\xca\0\x02\0\0\0\x01\x01\x02ab",
        b"\x81\xca\0\x02\0\0\0\x01\x01\x09ab",
        // A goodbye of two sources with one, and one whose reason is longer than it is.
        b"\x82\xcb\0\x01\0\0\0\x01",
        b"\x81\xcb\0\x02\0\0\0\x01\x09abc",
        // Feedback without a media source; an estimate of two sources with one.
        b"\x81\xce\0\x01\0\0\0\x01",
        b"\x8f\xce\0\x05\0\0\0\x01\0\0\0\0REMB\x02\0\0\0\0\0\0\x05",
    ] {
        assert_eq!(errors(data), [Some(RtcpError::Truncated)], "{data:02x?}");
    }
}
