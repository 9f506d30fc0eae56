use super::super::*;
use super::Rng;

const PROFILES: [Profile; 3] = [Profile::AeadAes128Gcm, Profile::AeadAes256Gcm, Profile::Aes128CmHmacSha1_80];
const SSRC: u32 = 0xCAFE_BABE;

fn pair(profile: Profile) -> (Sender, Receiver) {
    let key: Vec<u8> = (0..profile.key_len() as u8).collect();
    let salt: Vec<u8> = (100..100 + profile.salt_len() as u8).collect();
    (Sender::new(profile, &key, &salt).unwrap(), Receiver::new(profile, &key, &salt).unwrap())
}

fn rtp(ssrc: u32, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.extend(sequence.to_be_bytes());
    packet.extend(1234u32.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

fn rtcp(ssrc: u32, payload_words: usize) -> Vec<u8> {
    let mut packet = vec![0x80, 200, 0, 1 + payload_words as u8];
    packet.extend(ssrc.to_be_bytes());
    packet.resize(8 + payload_words * 4, 0x5A);
    packet
}

fn sealed(sender: &Sender, stream: &mut SealStream, sequence: u16) -> Vec<u8> {
    let mut packet = rtp(stream.ssrc(), sequence, b"some payload");
    sender.seal_rtp(stream, &mut packet, 0, 12).unwrap();
    packet
}

/// Opens a copy, as a datagram that arrives again would be another copy.
fn open(receiver: &mut Receiver, packet: &[u8]) -> Result<u64, OpenError> {
    let mut copy = packet.to_vec();
    let (plain_len, index) = receiver.open_rtp_untrusted(&mut copy, 12)?;
    assert_eq!(&copy[12..plain_len], b"some payload");
    Ok(index)
}

#[test]
fn what_is_sealed_opens_to_the_same_bytes() {
    let mut rng = Rng::new(1);
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let mut streams: Vec<SealStream> =
            (0..5).map(|ssrc| sender.open_stream(ssrc * 77).unwrap()).collect();
        let mut sequences = [0u16; 5];
        for _ in 0..2_000 {
            let which = rng.below(5) as usize;
            sequences[which] = sequences[which].wrapping_add(1 + rng.below(40) as u16);
            let payload: Vec<u8> = (0..rng.below(1_200)).map(|_| rng.next() as u8).collect();
            let plain = rtp(streams[which].ssrc(), sequences[which], &payload);
            let header_len = 12 + (rng.below(payload.len() as u64 + 1)) as usize;
            let before = vec![7; rng.below(30) as usize];
            let mut out = [before.clone(), plain.clone()].concat();
            let index = sender.seal_rtp(&mut streams[which], &mut out, before.len(), header_len).unwrap();
            assert_eq!(out[..before.len()], before, "what lies before the packet is not touched");
            assert_eq!(out.len(), before.len() + plain.len() + profile.tag_len());
            let packet = &mut out[before.len()..];
            assert_eq!(packet[..header_len], plain[..header_len], "the header stays readable");
            let (plain_len, opened) = receiver.open_rtp_untrusted(packet, header_len).unwrap();
            assert_eq!(packet[..plain_len], plain);
            assert_eq!(opened, index.get());
        }
    }
}

#[test]
fn what_is_sealed_as_rtcp_opens_to_the_same_bytes() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        for words in 0..60 {
            let plain = rtcp(words as u32 % 3, words);
            let mut out = plain.clone();
            sender.seal_rtcp(&mut out, 0).unwrap();
            assert_eq!(out.len(), plain.len() + profile.tag_len() + 4);
            if words > 3 {
                assert_ne!(out[8..plain.len()], plain[8..], "encrypted");
            }
            let mut copy = out.clone();
            let plain_len = receiver.open_rtcp_untrusted(&mut copy).unwrap();
            assert_eq!(copy[..plain_len], plain);
            assert_eq!(receiver.open_rtcp_untrusted(&mut out), Err(OpenError::Replayed));
        }
    }
}

#[test]
fn a_packet_opens_once() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let mut stream = sender.open_stream(SSRC).unwrap();
        let packet = sealed(&sender, &mut stream, 500);
        assert_eq!(open(&mut receiver, &packet), Ok(500));
        assert_eq!(open(&mut receiver, &packet), Err(OpenError::Replayed));
    }
}

#[test]
fn reordered_packets_open_and_their_copies_do_not() {
    let (mut sender, mut receiver) = pair(Profile::AeadAes128Gcm);
    let mut stream = sender.open_stream(SSRC).unwrap();
    let packets: Vec<Vec<u8>> =
        (0..u16::try_from(WINDOW).unwrap() + 1).map(|n| sealed(&sender, &mut stream, n)).collect();
    for packet in packets[1..].iter().rev() {
        assert!(open(&mut receiver, packet).is_ok());
    }
    for packet in &packets {
        assert_eq!(open(&mut receiver, packet), Err(OpenError::Replayed));
    }
}

#[test]
fn both_ends_count_the_roll_over() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let mut stream = sender.open_stream(SSRC).unwrap();
        for step in 0..40u64 {
            // Steps of 9,999 cross the roll-over six times.
            let index = step * 9_999;
            let packet = sealed(&sender, &mut stream, index as u16);
            assert_eq!(open(&mut receiver, &packet), Ok(index));
        }
    }
}

#[test]
fn loss_over_the_roll_over_does_not_lose_the_count() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let mut stream = sender.open_stream(SSRC).unwrap();
        assert_eq!(open(&mut receiver, &sealed(&sender, &mut stream, 65_000)), Ok(65_000));
        for sequence in (65_001..=65_535).chain(0..=20_000) {
            sealed(&sender, &mut stream, sequence);
        }
        assert_eq!(open(&mut receiver, &sealed(&sender, &mut stream, 20_001)), Ok(65_536 + 20_001));
    }
}

#[test]
fn a_late_packet_from_before_the_roll_over_opens() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let mut stream = sender.open_stream(SSRC).unwrap();
        let packets: Vec<Vec<u8>> =
            [65_533, 65_534, 65_535, 0, 1].map(|n| sealed(&sender, &mut stream, n)).to_vec();
        assert_eq!(open(&mut receiver, &packets[0]), Ok(65_533));
        assert_eq!(open(&mut receiver, &packets[4]), Ok(65_537));
        assert_eq!(open(&mut receiver, &packets[2]), Ok(65_535));
        assert_eq!(open(&mut receiver, &packets[3]), Ok(65_536));
        assert_eq!(open(&mut receiver, &packets[2]), Err(OpenError::Replayed));
        assert_eq!(open(&mut receiver, &packets[1]), Ok(65_534));
    }
}

#[test]
fn a_packet_with_any_byte_changed_is_refused_and_leaves_no_trace() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let mut stream = sender.open_stream(SSRC).unwrap();
        let packet = sealed(&sender, &mut stream, 9);
        for at in 0..packet.len() {
            for bit in [0x01, 0x80] {
                let mut forged = packet.clone();
                forged[at] ^= bit;
                assert_eq!(receiver.open_rtp_untrusted(&mut forged, 12), Err(OpenError::Unauthentic), "{at}");
            }
        }
        assert_eq!(open(&mut receiver, &packet), Ok(9));

        let mut compound = rtcp(SSRC, 6);
        sender.seal_rtcp(&mut compound, 0).unwrap();
        for at in 0..compound.len() {
            let mut forged = compound.clone();
            forged[at] ^= 0x80;
            assert_eq!(receiver.open_rtcp_untrusted(&mut forged), Err(OpenError::Unauthentic), "{at}");
        }
        assert!(receiver.open_rtcp_untrusted(&mut compound).is_ok());
    }
}

#[test]
fn a_packet_cut_to_any_length_is_refused() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let mut stream = sender.open_stream(SSRC).unwrap();
        let packet = sealed(&sender, &mut stream, 9);
        let mut compound = rtcp(SSRC, 6);
        sender.seal_rtcp(&mut compound, 0).unwrap();
        for len in 0..packet.len() {
            for header_len in [0, 11, 12, 16, len, len + 1, usize::MAX] {
                assert!(receiver.open_rtp_untrusted(&mut packet[..len].to_vec(), header_len).is_err());
            }
        }
        for len in 0..compound.len() {
            assert!(receiver.open_rtcp_untrusted(&mut compound[..len].to_vec()).is_err());
        }
    }
}

#[test]
fn a_stranger_cannot_use_up_the_sources_and_the_peer_no_more_than_them() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        for ssrc in 0..200 {
            let mut forged = rtp(ssrc, 1, &[0; 40]);
            assert_eq!(receiver.open_rtp_untrusted(&mut forged, 12), Err(OpenError::Unauthentic));
        }
        let mut streams: Vec<SealStream> = (0..(MAX_SOURCES + MAX_RETIRED + 1) as u32)
            .map(|ssrc| sender.open_stream(ssrc).unwrap())
            .collect();
        let (last, streams) = streams.split_last_mut().unwrap();
        for stream in streams.iter_mut() {
            assert_eq!(open(&mut receiver, &sealed(&sender, stream, 1)), Ok(1));
        }
        assert_eq!(open(&mut receiver, &sealed(&sender, last, 1)), Err(OpenError::TooManySources));
        assert_eq!(open(&mut receiver, &sealed(&sender, &mut streams[0], 2)), Ok(2));
    }
}

/// A browser that shares its screen again and again draws new SSRCs each time; the camera goes on beside it.
#[test]
fn who_publishes_anew_for_a_whole_day_is_still_heard_and_nothing_of_it_can_be_replayed() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let mut camera = sender.open_stream(SSRC).unwrap();
        let mut recorded = Vec::new();
        for round in 0..1_000u16 {
            let sequence = 60_000u16.wrapping_add(round * 20);
            open(&mut receiver, &sealed(&sender, &mut camera, sequence)).unwrap();
            let mut screen = sender.open_stream(round.into()).unwrap();
            for sequence in [10, 14] {
                let packet = sealed(&sender, &mut screen, sequence);
                open(&mut receiver, &packet).unwrap();
                recorded.push(packet);
            }
            // The camera's window was never given up: late packets of it still open.
            let mut late = rtp(SSRC, sequence.wrapping_sub(5), b"some payload");
            if round > 0 && sender.seal_late_rtp(&mut camera, &mut late, 0, 12).is_ok() {
                open(&mut receiver, &late).unwrap();
            }
        }
        for packet in &recorded {
            assert_eq!(open(&mut receiver, packet), Err(OpenError::Replayed));
        }
    }
}

#[test]
fn a_source_that_was_given_up_goes_on_above_its_last_index_only() {
    let (mut sender, mut receiver) = pair(Profile::AeadAes128Gcm);
    let mut stream = sender.open_stream(SSRC).unwrap();
    let early: Vec<Vec<u8>> =
        [65_500, 65_530, 0].into_iter().map(|sequence| sealed(&sender, &mut stream, sequence)).collect();
    open(&mut receiver, &early[0]).unwrap();
    open(&mut receiver, &early[2]).unwrap();
    for ssrc in 0..MAX_SOURCES as u32 {
        let mut other = sender.open_stream(ssrc).unwrap();
        open(&mut receiver, &sealed(&sender, &mut other, 1)).unwrap();
    }
    assert_eq!(open(&mut receiver, &early[1]), Err(OpenError::Replayed), "late, but not known to be new");
    assert_eq!(open(&mut receiver, &sealed(&sender, &mut stream, 5)), Ok(65_536 + 5));
    for packet in &early {
        assert_eq!(open(&mut receiver, packet), Err(OpenError::Replayed));
    }
}

#[test]
fn rtcp_of_many_sources_in_turn_is_heard_and_not_replayed() {
    let (mut sender, mut receiver) = pair(Profile::AeadAes128Gcm);
    let mut recorded = Vec::new();
    for ssrc in 0..3 * MAX_SOURCES as u32 {
        let mut packet = rtcp(ssrc % (2 * MAX_SOURCES as u32), 4);
        sender.seal_rtcp(&mut packet, 0).unwrap();
        recorded.push(packet.clone());
        assert!(receiver.open_rtcp_untrusted(&mut packet).is_ok());
    }
    for mut packet in recorded {
        assert_eq!(receiver.open_rtcp_untrusted(&mut packet), Err(OpenError::Replayed));
    }
}

#[test]
fn an_index_is_sealed_once() {
    let (mut sender, _) = pair(Profile::AeadAes128Gcm);
    let mut stream = sender.open_stream(SSRC).unwrap();
    sealed(&sender, &mut stream, 100);
    for sequence in [100, 99, 0, 65_535, 100u16.wrapping_add(0x8000)] {
        let mut packet = rtp(SSRC, sequence, b"x");
        let plain = packet.clone();
        assert_eq!(sender.seal_rtp(&mut stream, &mut packet, 0, 12), Err(SealError::IndexNotAbove));
        assert_eq!(packet, plain);
    }
    assert_eq!(stream.last().map(SealedIndex::get), Some(100));
    assert_eq!(sender.open_stream(SSRC).err(), Some(SealError::SourceUsed));
}

#[test]
fn a_late_packet_is_sealed_once_and_opens() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        let mut stream = sender.open_stream(SSRC).unwrap();
        for sequence in [65_534, 1] {
            open(&mut receiver, &sealed(&sender, &mut stream, sequence)).unwrap();
        }
        for (sequence, expected) in [
            (65_535, Ok(65_535)),
            (65_535, Err(SealError::IndexSealed)),
            (0, Ok(65_536)),
            (1, Err(SealError::IndexSealed)),
            (65_534, Err(SealError::IndexSealed)),
            (2, Err(SealError::IndexSealed)),
        ] {
            let mut packet = rtp(SSRC, sequence, b"some payload");
            let result = sender.seal_late_rtp(&mut stream, &mut packet, 0, 12).map(SealedIndex::get);
            assert_eq!(result, expected, "{sequence}");
            if let Ok(index) = expected {
                assert_eq!(open(&mut receiver, &packet), Ok(index));
            }
        }
        let mut packet = rtp(SSRC, 1u16.wrapping_sub(WINDOW as u16), b"x");
        assert_eq!(sender.seal_late_rtp(&mut stream, &mut packet, 0, 12), Err(SealError::IndexSealed));
    }
}

#[test]
fn no_index_is_sealed_past_the_last() {
    let (sender, _) = pair(Profile::AeadAes128Gcm);
    let mut stream = SealStream::having_sealed(SSRC, MAX_INDEX - 1);
    let mut packet = rtp(SSRC, 65_535, b"x");
    assert_eq!(sender.seal_rtp(&mut stream, &mut packet, 0, 12).map(SealedIndex::get), Ok(MAX_INDEX));
    let mut packet = rtp(SSRC, 0, b"x");
    assert_eq!(sender.seal_rtp(&mut stream, &mut packet, 0, 12), Err(SealError::IndexExhausted));
}

#[test]
fn the_rtcp_index_does_not_wrap() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        sender.set_next_rtcp_index(MAX_RTCP_INDEX);
        let mut packet = rtcp(1, 3);
        sender.seal_rtcp(&mut packet, 0).unwrap();
        assert!(receiver.open_rtcp_untrusted(&mut packet).is_ok());
        assert_eq!(sender.seal_rtcp(&mut rtcp(1, 3), 0), Err(SealError::IndexExhausted));
    }
}

#[test]
fn what_is_no_packet_of_the_stream_is_not_sealed() {
    let (mut sender, _) = pair(Profile::AeadAes128Gcm);
    let mut stream = sender.open_stream(SSRC).unwrap();
    let mut packet = rtp(SSRC + 1, 1, b"x");
    assert_eq!(sender.seal_rtp(&mut stream, &mut packet, 0, 12), Err(SealError::WrongSource));
    let mut packet = rtp(SSRC, 1, b"x");
    for (start, header_len) in
        [(0, 11), (0, 14), (2, 12), (13, 12), (14, 12), (usize::MAX, 12), (0, usize::MAX)]
    {
        assert_eq!(sender.seal_rtp(&mut stream, &mut packet, start, header_len), Err(SealError::Malformed));
    }
    assert_eq!(sender.seal_rtcp(&mut vec![0; 7], 0), Err(SealError::Malformed));
    assert_eq!(sender.seal_rtcp(&mut vec![0; 7], 8), Err(SealError::Malformed));
    assert_eq!(stream.last(), None);
}

#[test]
fn keys_that_do_not_fit_the_profile_are_refused() {
    for profile in PROFILES {
        let (key, salt) = (vec![0; profile.key_len()], vec![0; profile.salt_len()]);
        assert!(Sender::new(profile, &key, &salt).is_ok());
        assert_eq!(Sender::new(profile, &key[1..], &salt).err(), Some(InvalidKey));
        assert_eq!(Receiver::new(profile, &key, &salt[1..]).err(), Some(InvalidKey));
        let both = [key.clone(), salt.clone()].concat();
        assert_eq!(profile.split_key(&both), Some((key.as_slice(), salt.as_slice())));
        assert_eq!(profile.split_key(&both[1..]), None);
    }
}
