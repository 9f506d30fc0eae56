//! Relayed datagrams, as a TURN client writes them and a stranger may.

use std::convert::Infallible;
use std::net::SocketAddr;

use visavis_wire::stun::{Builder, Class, Message, Method, attribute_type};
use visavis_wire::turn::{channel_data_untrusted, write_channel_data};

fn append(data: &[u8]) -> impl FnOnce(&mut Vec<u8>) -> Result<(), Infallible> {
    move |out| {
        out.extend_from_slice(data);
        Ok(())
    }
}

#[test]
fn channel_data_is_read_as_written_and_its_padding_is_ignored() {
    let mut out = b"before".to_vec();
    write_channel_data(&mut out, 0x4001, append(b"hello")).unwrap();
    let mut datagram = out.split_off(6);
    assert_eq!(datagram, b"\x40\x01\x00\x05hello");
    assert_eq!(channel_data_untrusted(&mut datagram), Some((0x4001, &mut b"hello".to_vec()[..])));
    datagram.extend_from_slice(&[0; 3]);
    assert_eq!(channel_data_untrusted(&mut datagram).map(|(_, data)| data.len()), Some(5));
}

#[test]
fn channel_data_that_is_cut_or_has_another_number_is_none() {
    for datagram in [&b""[..], b"\x40", b"\x40\x01\x00", b"\x40\x01\x00\x05hell", b"\x50\x00\x00\x00"] {
        assert_eq!(channel_data_untrusted(&mut datagram.to_vec()), None, "{datagram:?}");
    }
}

#[test]
fn a_send_indication_carries_any_length_of_data_to_its_peer() {
    for peer in ["192.0.2.1:5000", "[2001:db8::1]:5000"] {
        let peer: SocketAddr = peer.parse().unwrap();
        for length in 0..9 {
            let mut out = b"before".to_vec();
            Builder::new(&mut out, Class::Indication, Method::SEND, [7; 12])
                .xor_peer_address(peer)
                .finish_with_data(append(&b"some data"[..length]))
                .unwrap();
            let message = Message::parse_untrusted(&out[6..]).unwrap();
            assert_eq!((message.class(), message.method()), (Class::Indication, Method::SEND));
            assert_eq!(message.xor_peer_address(), Some(peer));
            assert_eq!(message.attribute(attribute_type::DATA), Some(&b"some data"[..length]));
        }
    }
}
