//! No bytes make a parser panic: random ones, and well-formed packets with a few bytes changed, cut off or
//! added.

use visavis_wire::kind::{PacketKind, classify};
use visavis_wire::rtcp::{
    ReportBlock, write_bye, write_fir, write_nack, write_pli, write_receiver_report, write_sdes_cname,
    write_sender_report, write_transport_feedback,
};
use visavis_wire::rtp::HeaderWriter;
use visavis_wire::stun::Builder;

use crate::read_all;
use crate::seeds::{Random, for_each_seed};

const LONGEST: usize = 1500;

/// Changes up to four bytes, and sometimes the length.
fn mutate(random: &mut Random, data: &mut Vec<u8>) {
    for _ in 0..=random.below(3) {
        let at = random.below(data.len().max(1));
        if let Some(byte) = data.get_mut(at) {
            *byte = match random.below(4) {
                0 => 0,
                1 => 255,
                2 => *byte ^ 1 << random.below(8),
                _ => random.next() as u8,
            };
        }
    }
    match random.below(8) {
        0 => data.truncate(random.below(data.len() + 1)),
        1 => {
            let more = random.below(20);
            data.extend(random.bytes(more));
        }
        _ => {}
    }
    data.truncate(LONGEST);
}

fn stun_message(random: &mut Random) -> Vec<u8> {
    let mut out = Vec::new();
    let mut builder = Builder::binding_request(&mut out, [7; 12]);
    for _ in 0..random.below(6) {
        let value_length = random.below(12);
        let value = random.bytes(value_length);
        builder = match random.below(8) {
            0 => builder.username("left:right"),
            1 => builder.priority(random.next() as u32),
            2 => builder.ice_controlling(random.next()),
            3 => builder.use_candidate(),
            4 => builder.error_code(487, "Role Conflict"),
            5 => builder.xor_mapped_address(([192, 0, 2, 1], 9).into()),
            6 => builder.unknown_attributes([1, 2, 3]),
            // A type that nobody has given a meaning.
            _ => builder.attribute(0x4000 | random.next() as u16 & 0x3fff, &value),
        };
    }
    match random.below(4) {
        0 => builder.finish(),
        1 => builder.without_fingerprint().finish(),
        2 => builder.finish_with_integrity_sha256(b"key"),
        _ => builder.finish_with_integrity(b"key"),
    }
    out
}

fn rtp_packet(random: &mut Random) -> Vec<u8> {
    let values: Vec<(u8, Vec<u8>)> = (0..random.below(6))
        .map(|_| {
            let length = if random.one_in(8) { random.below(40) } else { 1 + random.below(16) };
            let highest_id = if random.one_in(8) { 255 } else { 14 };
            (1 + random.below(highest_id) as u8, random.bytes(length))
        })
        .collect();
    let csrcs = [1, 2, 3];
    let writer = HeaderWriter {
        marker: random.one_in(2),
        payload_type: random.next() as u8,
        sequence: random.next() as u16,
        timestamp: random.next() as u32,
        ssrc: random.next() as u32,
        has_padding: random.one_in(4),
        csrcs: &csrcs[..random.below(4)],
    };
    let mut out = Vec::new();
    writer.write(&mut out, values.iter().map(|(id, value)| (*id, value.as_slice())));
    let length = 8 + random.below(200);
    out.extend(random.bytes(length));
    // Where there is padding: its length.
    out.push(1 + random.below(8) as u8);
    out
}

fn rtcp_packets(random: &mut Random) -> Vec<u8> {
    let mut out = Vec::new();
    let blocks = [ReportBlock::default(); 3];
    for _ in 0..1 + random.below(4) {
        let lost: Vec<u16> = (0..random.below(30)).map(|_| random.next() as u16).collect();
        let arrivals: Vec<Option<i64>> =
            (0..random.below(60)).map(|_| (!random.one_in(4)).then(|| random.below(3000) as i64)).collect();
        match random.below(8) {
            0 => write_sender_report(&mut out, 1, 2, 3, 4, 5, &blocks[..random.below(4)]),
            1 => write_receiver_report(&mut out, 1, &blocks[..random.below(4)]),
            2 => write_sdes_cname(&mut out, 1, "a name"),
            3 => write_bye(&mut out, &[1, 2], "a reason"),
            4 => write_nack(&mut out, 1, 2, &lost),
            5 => write_pli(&mut out, 1, 2),
            6 => write_fir(&mut out, 1, &[(2, 3)]),
            _ => drop(write_transport_feedback(&mut out, 1, 2, 3, 4, &arrivals)),
        }
    }
    out
}

/// The payloads that the unit tests explain, one or two of each codec, and more bytes.
fn codec_payload(random: &mut Random) -> Vec<u8> {
    const STARTS: [&[u8]; 8] = [
        &[0x90, 0xf0, 0x92, 0x34, 0x56, 0x07, 0x10],
        &[0xb0, 0xe0, 0x05, 0x57, 0xa0, 0x11],
        &[0xaa, 0x81, 0x23, 0x00, 0x09, 0x00, 0x82],
        &[0xf8, 0x05, 0x30, 0x03, 0x06, 0x86],
        &[0x78, 0x00, 0x04, 0x67, 0x42, 0xe0, 0x1f, 0x00, 0x04, 0x68, 0xce, 0x3c, 0x80],
        &[0x7c, 0x85, 0x88],
        &[0x68, 0x03, 0x08, 0x00, 0x00, 0x30, 0x10],
        &[0x00, 0x82, 0x00, 0x30, 0x10],
    ];
    let mut out = STARTS[random.below(STARTS.len())].to_vec();
    let length = random.below(20);
    out.extend(random.bytes(length));
    out
}

/// Reads well-formed bytes, which must be good, and changed ones, of which some must be good and some not:
/// else the test would not reach what is behind the first check.
fn well_formed_and_changed(make: fn(&mut Random) -> Vec<u8>, read: fn(&[u8]) -> bool) {
    let (mut good, mut bad) = (0, 0);
    for_each_seed(20_000, |random| {
        let mut data = make(random);
        assert!(read(&data), "well-formed: {data:02x?}");
        mutate(random, &mut data);
        if read(&data) { good += 1 } else { bad += 1 }
    });
    assert!(good > 1000 && bad > 1000, "{good} good, {bad} bad");
}

#[test]
fn changed_stun_messages_never_panic() {
    well_formed_and_changed(stun_message, read_all::stun);
}

#[test]
fn changed_rtp_packets_never_panic() {
    well_formed_and_changed(rtp_packet, read_all::rtp);
}

#[test]
fn changed_rtcp_packets_never_panic() {
    well_formed_and_changed(rtcp_packets, read_all::rtcp);
}

#[test]
fn changed_payloads_never_panic() {
    well_formed_and_changed(codec_payload, read_all::payload);
}

#[test]
fn random_bytes_never_panic() {
    for_each_seed(20_000, |random| {
        let length = if random.one_in(4) { random.below(LONGEST + 1) } else { random.below(64) };
        let mut data = random.bytes(length);
        let _kind = classify(&data);
        read_all::payload(&data);
        // As they are, and made to pass the first checks of each parser.
        read_all::stun(&data);
        read_all::rtp(&data);
        read_all::rtcp(&data);
        if let Some(first) = data.first_mut() {
            *first = 0x80 | *first & 0x3f;
        }
        read_all::rtp(&data);
        if let Some([first, packet_type, high, low]) = data.first_chunk_mut() {
            *packet_type = 200 + *packet_type % 7;
            [*high, *low] = ((length / 4 - 1) as u16).to_be_bytes();
            *first &= if length % 8 == 0 { 0xff } else { 0xdf };
            assert_eq!(classify(&data), PacketKind::Rtcp);
            read_all::rtcp(&data);
        }
        if data.len() >= 20 {
            data.truncate(length / 4 * 4);
            data[0] &= 0x3f;
            let body = (data.len() - 20) as u16;
            data[2..4].copy_from_slice(&body.to_be_bytes());
            data[4..8].copy_from_slice(b"\x21\x12\xa4\x42");
            read_all::stun(&data);
        }
    });
}

fn sctp_packet(random: &mut Random) -> Vec<u8> {
    use visavis_wire::sctp::{
        ChunkWriter, DataHeader, GapBlock, Sack, begin_packet, chunk_type, finish_packet,
    };
    let mut out = Vec::new();
    let start = begin_packet(&mut out, 5_000, 5_000, random.next() as u32);
    for _ in 0..random.below(5) {
        let payload = random.next() as usize % 40;
        let payload = random.bytes(payload);
        match random.below(5) {
            0 => {
                let header = DataHeader {
                    tsn: random.next() as u32,
                    stream: random.next() as u16,
                    is_interleaved: random.one_in(2),
                    is_unordered: random.one_in(2),
                    begins: random.one_in(2),
                    ends: random.one_in(2),
                    is_immediate: random.one_in(2),
                    message: random.next() as u32,
                    fragment: random.next() as u32,
                    ppid: 53,
                };
                header.write(&mut out, &payload);
            }
            1 => Sack::write(
                &mut out,
                7,
                9,
                &[GapBlock { start: 2, end: 3 }, GapBlock { start: 5, end: 5 }],
                &[1],
            ),
            2 => {
                let mut init = ChunkWriter::begin(&mut out, chunk_type::INIT, 0);
                init.word(1).word(2).half(3).half(4).word(5);
                init.parameter(random.next() as u16, |parameter| _ = parameter.bytes(&payload)).finish();
            }
            3 => {
                let mut reset = ChunkWriter::begin(&mut out, chunk_type::RECONFIG, 0);
                let kind = 13 + random.below(6) as u16;
                reset.parameter(kind, |parameter| _ = parameter.bytes(&payload)).finish();
            }
            _ => ChunkWriter::begin(&mut out, random.next() as u8, 0).bytes(&payload).finish(),
        }
    }
    // Without a checksum, as over DTLS, so that what is changed is read.
    finish_packet(&mut out, start, true);
    out
}

#[test]
fn any_bytes_are_read_as_sctp() {
    let mut whole = 0;
    for_each_seed(20_000, |random| {
        let mut packet = sctp_packet(random);
        if random.one_in(4) {
            mutate(random, &mut packet);
        }
        whole += usize::from(read_all::sctp(&packet));
        let length = random.below(LONGEST);
        read_all::sctp(&random.bytes(length));
    });
    assert!(whole > 2_000, "{whole}");
}
