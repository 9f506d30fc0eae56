use super::super::cm::CounterMode;
use super::super::gcm::Gcm;
use super::super::*;
use super::hex;

const KEY_128: &str = "000102030405060708090a0b0c0d0e0f";
const KEY_256: &str = "000102030405060708090a0b0c0d0e0f 101112131415161718191a1b1c1d1e1f";
const SALT: &str = "517569642070726f2071756f";

/// RFC 7714's vectors begin at the session key, so they meet the transform itself.
fn gcm(key: &str) -> Gcm {
    Gcm::new(&hex(key), hex(SALT).try_into().unwrap()).unwrap()
}

const RTP: &str = "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976
                   69736120 696e2070 61727465 73207472 6573";
const RTP_SSRC: u32 = 0x5501_a0b2;
const RTP_INDEX: u64 = 0xf17b;

fn seals_and_opens_rtp(gcm: &Gcm, header_len: usize, sealed: &str) {
    let mut packet = hex(RTP);
    gcm.seal_rtp(&mut packet, 0, header_len, RTP_SSRC, RTP_INDEX).unwrap();
    assert_eq!(packet, hex(sealed));
    let plain_len = gcm.open_rtp(&mut packet, header_len, RTP_SSRC, RTP_INDEX).unwrap();
    assert_eq!(packet[..plain_len], hex(RTP));
}

/// RFC 7714 sections 16.1.1 and 16.1.2.
#[test]
fn srtp_with_aes_128_gcm_is_that_of_rfc_7714() {
    seals_and_opens_rtp(
        &gcm(KEY_128),
        12,
        "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5
         0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
    );
}

/// RFC 7714 sections 16.1.3 and 16.1.4: the whole packet is header, nothing is left to encrypt.
#[test]
fn srtp_tagging_with_aes_128_gcm_is_that_of_rfc_7714() {
    seals_and_opens_rtp(
        &gcm(KEY_128),
        50,
        "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976
         69736120 696e2070 61727465 73207472 65732249 3f82d2bc e397e9d7 9e3b19aa 4216",
    );
}

/// RFC 7714 sections 16.2.1 and 16.2.2.
#[test]
fn srtp_with_aes_256_gcm_is_that_of_rfc_7714() {
    seals_and_opens_rtp(
        &gcm(KEY_256),
        12,
        "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238
         9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
    );
}

/// RFC 7714 sections 16.2.3 and 16.2.4.
#[test]
fn srtp_tagging_with_aes_256_gcm_is_that_of_rfc_7714() {
    seals_and_opens_rtp(
        &gcm(KEY_256),
        50,
        "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976
         69736120 696e2070 61727465 73207472 6573a866 d5910f88 7463067c eefec452 15d4",
    );
}

const RTCP: &str = "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
                    deadbeef deadbeef deadbeef deadbeef deadbeef";
const RTCP_SSRC: u32 = 0x4d61_7273;
const RTCP_INDEX: u32 = 0x5d4;

/// RFC 7714 section 17.1.
#[test]
fn srtcp_with_aes_128_gcm_is_that_of_rfc_7714() {
    let mut packet = hex(RTCP);
    gcm(KEY_128).seal_rtcp(&mut packet, 0, RTCP_SSRC, RTCP_INDEX).unwrap();
    assert_eq!(
        packet,
        hex("81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d
             c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4")
    );
}

fn opens_rtcp(gcm: &Gcm, sealed: &str, word: u32) {
    let mut packet = hex(sealed);
    let plain_len = gcm.open_rtcp(&mut packet, RTCP_SSRC, word).unwrap();
    assert_eq!(packet[..plain_len], hex(RTCP));
}

/// RFC 7714 section 17.2.
#[test]
fn srtcp_with_aes_256_gcm_opens_as_in_rfc_7714() {
    let sealed = "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50
                  a2eaa5c1 110555be 8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4";
    opens_rtcp(&gcm(KEY_256), sealed, 0x8000_05d4);
    let mut packet = hex(RTCP);
    gcm(KEY_256).seal_rtcp(&mut packet, 0, RTCP_SSRC, RTCP_INDEX).unwrap();
    assert_eq!(packet, hex(sealed));
}

/// RFC 7714 section 17.3: authenticated, not encrypted.
#[test]
fn srtcp_that_is_only_tagged_with_aes_128_gcm_opens_as_in_rfc_7714() {
    opens_rtcp(
        &gcm(KEY_128),
        "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef
         deadbeef deadbeef deadbeef 841dd968 3dd78ec9 2ae58790 125f62b3 000005d4",
        0x5d4,
    );
}

/// RFC 7714 section 17.4.
#[test]
fn srtcp_that_is_only_tagged_with_aes_256_gcm_opens_as_in_rfc_7714() {
    opens_rtcp(
        &gcm(KEY_256),
        "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef
         deadbeef deadbeef deadbeef 91db4afb feee5a97 8fab4393 ed2615fe 000005d4",
        0x5d4,
    );
}

/// RFC 3711 appendix B.2, as a packet of zeros: its ciphertext is the keystream.
#[test]
fn the_payload_is_xored_with_the_keystream_of_rfc_3711() {
    let salt = hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD").try_into().unwrap();
    let cm = CounterMode::new(&hex("2B7E151628AED2A6ABF7158809CF4F3C"), salt, &[0; 20]).unwrap();
    let mut packet = vec![0; 12 + 48];
    cm.seal_rtp(&mut packet, 0, 12, 0, 0).unwrap();
    assert_eq!(
        packet[12..60],
        hex("E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB
             41E95B3BB0A2E8DD477901E4FCA894C0")
    );
}

/// What libsrtp 2 (by pylibsrtp 1.0.0) made of the packets below: two RTP packets with the sequence numbers 65,535 and
/// 0, then twice the same RTCP packet, which it gives the SRTCP indexes 1 and 2. Master key 01 02 03 ..., master salt
/// a0 a1 a2 ... So they prove key derivation, roll-over and layout of each profile against another implementation.
struct Foreign {
    profile: Profile,
    rtp: [&'static str; 2],
    rtcp: [&'static str; 2],
}

const FOREIGN: [Foreign; 3] = [
    Foreign {
        profile: Profile::AeadAes128Gcm,
        rtp: [
            "9160ffff11223344deadbeef01020304bede000110550000c174593ab0f8537c8f0c609117a2b2d0e80eb3510725d30d
             00649b6a095a10653b96b0856112a819bb3be2b77a",
            "9160000011223344deadbeef01020304bede000110550000f8b18ceef97b28cecbf216fad3a187eae09f8f5f36d9902c
             956f117f64976ac611e1e8cc7dc53051c3a673f60c",
        ],
        rtcp: [
            "80c80006deadbeef4686d178905c3020cdca7195aba1e926c1211eb52b0ca9bdfe434ac4fd5402215fbfd1ec80000001",
            "80c80006deadbeef788950e8f2d4c7d049218671d04e15aecdd87dbb278128bee48f36fb6cb114e0a97db32180000002",
        ],
    },
    Foreign {
        profile: Profile::AeadAes256Gcm,
        rtp: [
            "9160ffff11223344deadbeef01020304bede00011055000098041adb0b29a307c57381c38bfe54b7cd5e460ae9860bd1
             3b7269bc79a6a244c352ed5c3cf09daa422707eb33",
            "9160000011223344deadbeef01020304bede000110550000859a694c99be1b4efa6cbec171cc62bf767bcb233330d641
             a98c464f768acd08324c013647a30414190299e6ad",
        ],
        rtcp: [
            "80c80006deadbeeff8f081244cc404cb876d6f763cac7f18eadbaf47c1e4b07e2057c2ca3c0d28dfd913d6a180000001",
            "80c80006deadbeef1ac9d71f83dcdc3beefdd20790311adce9a1b9a9de5029f1bfa05525fba51e87fef4befd80000002",
        ],
    },
    Foreign {
        profile: Profile::Aes128CmHmacSha1_80,
        rtp: [
            "9160ffff11223344deadbeef01020304bede000110550000b8c99486709d14744ad4554d3abab39e92f031eea9c3dff8
             4960fb2cd131c952b3153583072295",
            "9160000011223344deadbeef01020304bede000110550000b2c731475cc89acaffcf6bce240070a3efd50e6d257e9682
             03e1c1eed138024402de951755ac59",
        ],
        rtcp: [
            "80c80006deadbeef3c94c7679c499531c4e174c2235b143f70176f5980000001cf082e2fd434ed57228b",
            "80c80006deadbeef98818b096d43146ac3cbfa3ec1539d52daa69a0580000002dadf2ec4d7eefefbc705",
        ],
    },
];

#[test]
fn packets_are_those_of_another_implementation_in_both_directions() {
    for foreign in &FOREIGN {
        let profile = foreign.profile;
        let key: Vec<u8> = (1..=profile.key_len() as u8).collect();
        let salt: Vec<u8> = (0xa0..0xa0 + profile.salt_len() as u8).collect();
        let mut sender = Sender::new(profile, &key, &salt).unwrap();
        let mut receiver = Receiver::new(profile, &key, &salt).unwrap();
        let mut stream = sender.open_stream(0xdead_beef).unwrap();

        for (sequence, sealed) in [0xffff_u16, 0].into_iter().zip(foreign.rtp) {
            let mut plain = hex("9160 0000 11223344 deadbeef 01020304 bede0001 10550000");
            plain[2..4].copy_from_slice(&sequence.to_be_bytes());
            plain.extend(b"an RTP payload of some length");
            let mut packet = plain.clone();
            sender.seal_rtp(&mut stream, &mut packet, 0, 24).unwrap();
            assert_eq!(packet, hex(sealed), "{profile:?}");
            let mut packet = hex(sealed);
            let (plain_len, _) = receiver.open_rtp_untrusted(&mut packet, 24).unwrap();
            assert_eq!(packet[..plain_len], plain);
        }

        let plain = [hex("80c80006 deadbeef"), (0..20).collect()].concat();
        sender.seal_rtcp(&mut plain.clone(), 0).unwrap();
        for sealed in foreign.rtcp {
            let mut packet = plain.clone();
            sender.seal_rtcp(&mut packet, 0).unwrap();
            assert_eq!(packet, hex(sealed), "{profile:?}");
            let mut packet = hex(sealed);
            let plain_len = receiver.open_rtcp_untrusted(&mut packet).unwrap();
            assert_eq!(packet[..plain_len], plain);
        }
    }
}
