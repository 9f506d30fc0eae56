//! Reads everything that can be read of some bytes, and checks what must hold whatever they are. Shared by
//! the tests on seeded bytes and the fuzz targets.

use visavis_wire::ext::{AbsSendTime, AudioLevel, transport_cc};
use visavis_wire::payload::{self, Codec, FrameNumbers, NumberShift, annex_b, av1, h264, opus};
use visavis_wire::rtcp::{Packet as Rtcp, packets_untrusted};
use visavis_wire::rtp::{Header, HeaderWriter, Packet as Rtp, csrcs_untrusted};
use visavis_wire::sctp;
use visavis_wire::stun::{Builder, FingerprintCheck, Message};

/// Returns whether the bytes are a message.
pub fn stun(data: &[u8]) -> bool {
    let Ok(message) = Message::parse_untrusted(data) else { return false };
    let length: usize = message.attributes().map(|a| 4 + a.value.len().next_multiple_of(4)).sum();
    assert!(20 + length <= data.len());
    assert!(message.unknown_comprehension_required().count() <= message.attributes().count());
    let _values = (message.username(), message.priority(), message.use_candidate());
    let _values = (message.ice_controlling(), message.ice_controlled(), message.xor_mapped_address());
    if let Some(error) = message.error_code() {
        assert!((300..700).contains(&error.code));
    }
    assert!(message.has_integrity() || !message.verify_integrity(b"key"));
    // Written again from its parts, it is a message with the same attributes that the key protects.
    let mut again = Vec::new();
    let mut builder = Builder::new(&mut again, message.class(), message.method(), message.transaction_id());
    for attribute in message.attributes() {
        builder = builder.attribute(attribute.attribute_type, attribute.value);
    }
    builder.finish_with_integrity(b"key");
    if let Ok(again) = Message::parse_untrusted(&again) {
        assert!(again.attributes().eq(message.attributes()));
        assert!(again.verify_integrity(b"key"));
        assert_eq!(again.verify_fingerprint(), FingerprintCheck::Valid);
    } else {
        // Only a message to which no more fits.
        assert!(data.len() > usize::from(u16::MAX) - 32);
    }
    message.verify_fingerprint() != FingerprintCheck::Invalid
}

/// Returns whether the bytes are a packet.
pub fn rtp(data: &[u8]) -> bool {
    let header = Header::peek_untrusted(data);
    let Ok(packet) = Rtp::parse_untrusted(data) else { return false };
    let header = header.expect("a packet has a header");
    assert_eq!(
        (header.length, header.sequence, header.ssrc),
        (packet.header_len(), packet.sequence, packet.ssrc)
    );
    assert_eq!(packet.header_len() + packet.payload().len() + usize::from(packet.padding), data.len());
    let elements = packet.extension.map(|block| block.iter());
    for (id, value) in elements.clone().into_iter().flatten() {
        assert_ne!(id, 0);
        let _values = (AudioLevel::from_value(value), AbsSendTime::from_value(value), transport_cc(value));
    }
    // Written again from its parts, it has the same parts.
    let csrcs: Vec<u32> = packet.csrcs().collect();
    assert_eq!(csrcs_untrusted(data), csrcs);
    let writer = HeaderWriter {
        marker: packet.marker,
        payload_type: packet.payload_type,
        sequence: packet.sequence,
        timestamp: packet.timestamp,
        ssrc: packet.ssrc,
        has_padding: packet.padding != 0,
        csrcs: &csrcs,
    };
    let mut again = Vec::new();
    let length = writer.write(&mut again, elements.clone().into_iter().flatten());
    again.extend_from_slice(&data[packet.header_len()..]);
    let again = Rtp::parse_untrusted(&again).expect("what was written");
    assert_eq!(
        (again.header_len(), again.sequence, again.timestamp),
        (length, packet.sequence, packet.timestamp)
    );
    assert_eq!((again.payload(), again.padding), (packet.payload(), packet.padding));
    assert!(again.csrcs().eq(packet.csrcs()));
    let written = again.extension.map(|block| block.iter());
    assert!(written.into_iter().flatten().eq(elements.into_iter().flatten()));
    true
}

/// Returns whether all of the bytes are packets.
pub fn rtcp(data: &[u8]) -> bool {
    let mut good = true;
    for packet in packets_untrusted(data) {
        match packet {
            Ok(Rtcp::SenderReport(report)) => assert_eq!(report.blocks.iter().count(), report.blocks.len()),
            Ok(Rtcp::ReceiverReport(report)) => assert_eq!(report.blocks.iter().count(), report.blocks.len()),
            Ok(Rtcp::Sdes(sdes)) => {
                for chunk in sdes.chunks() {
                    assert!(chunk.items().all(|(item, _)| item != 0));
                    let _cname = sdes.cname(chunk.ssrc);
                }
            }
            Ok(Rtcp::Bye(bye)) => assert!(bye.ssrcs().count() <= 31),
            Ok(Rtcp::Nack(nack)) => assert!(nack.lost().count() <= 17 * data.len() / 4),
            Ok(Rtcp::Fir(fir)) => assert!(fir.entries().count() <= data.len() / 8),
            Ok(Rtcp::Remb(remb)) => assert!(remb.ssrcs().count() <= 255),
            Ok(Rtcp::TransportFeedback(feedback)) => {
                assert_eq!(feedback.arrivals().count(), usize::from(feedback.status_count));
            }
            Ok(Rtcp::Pli { .. } | Rtcp::Unknown { .. }) => {}
            Err(_) => good = false,
        }
    }
    good
}

/// Returns whether the bytes start a frame of some codec.
pub fn payload(data: &[u8]) -> bool {
    let mut starts = false;
    for codec in [Codec::Opus, Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1] {
        let is_frame_start = payload::is_frame_start(codec, data);
        assert!(
            is_frame_start || !payload::is_key_frame_start(codec, data),
            "a key frame is a frame: {codec:?}"
        );
        starts |= is_frame_start && codec != Codec::Opus;
    }
    assert!(opus::duration_untrusted(data).is_none_or(|ticks| (1..=5_760).contains(&ticks)));
    let _header = av1::AggregationHeader::parse_untrusted(data);
    assert!(h264::nal_starts_untrusted(data).count() <= 1 + data.len() / 3);
    let mut stream = Vec::new();
    if h264::append_byte_stream_untrusted(data, &mut stream).is_some() {
        assert!(stream.len() <= data.len() * 2 + 4);
    }
    assert!(annex_b::units(data).map(<[u8]>::len).sum::<usize>() <= data.len());
    assert!(h264::is_key_frame(data).is_none() == (annex_b::units(data).count() == 0));

    for codec in [Codec::Vp8, Codec::Vp9] {
        let Some(numbers) = FrameNumbers::parse_untrusted(codec, data) else { continue };
        let by = NumberShift { picture_id: 0x5aa5, tl0_pic_idx: 0x77, key_idx: 0x13 };
        let mut again = data.to_vec();
        numbers.shift(&mut again, by);
        let after = FrameNumbers::parse_untrusted(codec, &again).expect("it has them still");
        let place = |numbers: &FrameNumbers| {
            (
                numbers.picture_id.map(|id| (id.is_long, id.offset)),
                numbers.tl0_pic_idx.map(|tl0| tl0.offset),
                numbers.key_idx.map(|key| key.offset),
            )
        };
        assert_eq!(place(&after), place(&numbers));
        assert_eq!(after.picture_id.map(|id| id.value), numbers.picture_id.map(|id| id.shifted(0x5aa5)));
        assert_eq!(after.tl0_pic_idx.map(|tl0| tl0.value), numbers.tl0_pic_idx.map(|tl0| tl0.shifted(0x77)));
        assert_eq!(after.key_idx.map(|key| key.value), numbers.key_idx.map(|key| key.shifted(0x13)));
        let back = NumberShift { picture_id: 0x255b, tl0_pic_idx: 0x89, key_idx: 0x0d };
        after.shift(&mut again, back);
        assert_eq!(again, data, "nothing else has changed");
    }
    starts
}

/// Returns whether the bytes are a packet of which every chunk can be read.
pub fn sctp(data: &[u8]) -> bool {
    let Ok(packet) = sctp::Packet::parse_untrusted(data) else { return false };
    let mut all = true;
    let mut again = Vec::new();
    let start =
        sctp::begin_packet(&mut again, packet.source_port, packet.destination_port, packet.verification_tag);
    for chunk in packet.chunks() {
        let Ok(chunk) = chunk else { return false };
        sctp::ChunkWriter::begin(&mut again, chunk.kind, chunk.flags).bytes(chunk.value).finish();
        all &= sctp_chunk(chunk);
    }
    sctp::finish_packet(&mut again, start, packet.is_unchecked);
    // Written again from its parts, it has the same parts.
    let again = sctp::Packet::parse_untrusted(&again).expect("what was written can be read");
    assert!(again.chunks().eq(packet.chunks()));
    all
}

fn sctp_chunk(chunk: sctp::Chunk<'_>) -> bool {
    use sctp::chunk_type::{DATA, FORWARD_TSN, I_DATA, I_FORWARD_TSN, INIT, INIT_ACK, RECONFIG, SACK};
    match chunk.kind {
        DATA | I_DATA => sctp::Data::parse_untrusted(chunk).is_ok_and(|data| !data.payload.is_empty()),
        INIT | INIT_ACK => {
            sctp::Init::parse_untrusted(chunk).is_ok_and(|init| init.parameters.count() < data_limit())
        }
        SACK => sctp::Sack::parse_untrusted(chunk).is_ok_and(|sack| sack.gaps().count() < data_limit()),
        FORWARD_TSN => sctp::ForwardTsn::parse_untrusted(chunk)
            .is_ok_and(|forward| forward.streams().count() < data_limit()),
        I_FORWARD_TSN => sctp::InterleavedForwardTsn::parse_untrusted(chunk)
            .is_ok_and(|forward| forward.streams().count() < data_limit()),
        RECONFIG => sctp::Parameters::of(chunk).all(|parameter| {
            let request = sctp::ReconfigRequest::parse_untrusted(parameter);
            let response = sctp::ReconfigResponse::parse_untrusted(parameter);
            assert!(request.is_none() || response.is_none());
            request.is_none_or(|request| request.is_ok()) && response.is_none_or(|response| response.is_ok())
        }),
        _ => true,
    }
}

/// No chunk has more parts than bytes.
fn data_limit() -> usize {
    usize::from(u16::MAX)
}
